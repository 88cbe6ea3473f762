/* The life of a call: shape rule, outputs, forward, record; and its backward off the tape. */
#include "op/op.h"
#include "autograd/tape.h"
#include "core/memory.h"
#include "core/work.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* -- helpers of shape rules ------------------------------------------------------------------------------------- */

tch_status tch_op_fail(const tch_call *c, tch_status status, const char *format, ...) {
  char text[800];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return tch_fail(status, "%s: %s", c->op->schema.name, text);
}

const char *tch_op_input_name(const tch_call *c, int i, char buffer[32]) {
  const char *at = c->op->schema.inputs;
  int last = c->op->schema.ninputs - 1, member = c->op->schema.list && i >= last ? i - last : -1;
  for (int k = 0; k < (i < last ? i : last); k++) at = strchr(at, ' ') + 1;
  int n = (int) strcspn(at, " ?~!*");
  if (n > 20) n = 20;
  if (member >= 0) snprintf(buffer, 32, "%.*s[%d]", n, at, member + 1);
  else snprintf(buffer, 32, "%.*s", n, at);
  return buffer;
}

static tch_status same_type(const tch_call *c, uint32_t mask, bool floating) {
  int first = -1;
  char a[32], b[32];
  for (int i = 0; i < c->nin; i++) {
    int bit = tch_op_bit(c->op, i);
    if (!(mask >> bit & 1) || c->in[i] == NULL) continue;
    tch_dtype type = c->in[i]->type;
    if (floating && !tch_dtype_floating(type))
      return tch_op_fail(c, TCH_ERROR_TYPE,
                         "%s is a %sTensor, but a FloatTensor or DoubleTensor is needed (convert it with :float())",
                         tch_op_input_name(c, i, a), tch_dtype_name(type));
    if (first < 0) first = i;
    else if (type != c->in[first]->type)
      return tch_op_fail(c, TCH_ERROR_TYPE, "%s is a %sTensor, but %s is a %sTensor (convert one with :%s())",
                         tch_op_input_name(c, i, a), tch_dtype_name(type), tch_op_input_name(c, first, b),
                         tch_dtype_name(c->in[first]->type),
                         c->in[first]->type == TCH_DOUBLE || type == TCH_DOUBLE ? "double" : "float");
  }
  return TCH_OK;
}

tch_status tch_op_same_float(const tch_call *c, uint32_t mask) { return same_type(c, mask, true); }
tch_status tch_op_same_type(const tch_call *c, uint32_t mask) { return same_type(c, mask, false); }

tch_status tch_op_dim(const tch_call *c, const tch_tensor *t, int64_t dim, int *out) {
  char text[TCH_SHAPE_TEXT];
  int64_t d = dim < 0 ? dim + t->ndim : dim;
  if (d < 0 || d >= t->ndim)
    return tch_op_fail(c, TCH_ERROR_VALUE, "there is no dimension %lld in a tensor of %d dimensions (%s)",
                       (long long) (dim < 0 ? dim : dim + 1), t->ndim, tch_shape_text(t, text));
  *out = (int) d;
  return TCH_OK;
}

/* -- helpers of bodies ------------------------------------------------------------------------------------------ */

tch_status tch_op_keep(tch_call *c, tch_tensor *t) {
  if (c->ntemps == TCH_MAX_TEMPS) {
    tch_tensor_release(t);
    return tch_op_fail(c, TCH_ERROR_STATE, "too many temporaries");
  }
  c->temp[c->ntemps++] = t;
  return TCH_OK;
}

tch_status tch_op_contiguous(tch_call *c, tch_tensor *t, tch_tensor **out) {
  if (tch_tensor_contiguous(t)) {
    *out = t;
    return TCH_OK;
  }
  TCH_TRY(tch_tensor_contiguous_of(t, out));
  return tch_op_keep(c, *out);
}

tch_status tch_op_temp(tch_call *c, const tch_shape *shape, tch_tensor **out) {
  TCH_TRY(tch_tensor_of(shape, out));
  return tch_op_keep(c, *out);
}

static void release_temps(tch_call *c) {
  for (int i = 0; i < c->ntemps; i++) tch_tensor_release(c->temp[i]);
  c->ntemps = 0;
}

/* -- forward ---------------------------------------------------------------------------------------------------- */

static tch_status check_present(const tch_call *c) {
  char name[32];
  for (int i = 0; i < c->nin; i++) {
    if (c->in[i] == NULL && !(c->op->schema.optional >> tch_op_bit(c->op, i) & 1))
      return tch_op_fail(c, TCH_ERROR_VALUE, "%s is missing", tch_op_input_name(c, i, name));
    if (c->in[i] && tch_dtype_stored(c->in[i]->type)
        && (!(c->op->body->moves || c->op->body->view) || c->op->schema.constant >> tch_op_bit(c->op, i) & 1))
      return tch_op_fail(c, TCH_ERROR_TYPE, "%s is a %sTensor, which stores numbers but cannot be computed with (cast to float "
                         "first, with :float())", tch_op_input_name(c, i, name), tch_dtype_name(c->in[i]->type));
  }
  return TCH_OK;
}

/* Whether `target` may be written directly while the inputs are read. */
static bool writes_safely(const tch_call *c, const tch_tensor *target) {
  for (int i = 0; i < c->nin; i++)
    if (c->in[i] && (c->in[i] == target || tch_tensor_overlap(c->in[i], target)))
      if (!c->op->body->in_place || !tch_tensor_same_view(c->in[i], target)) return false;
  return true;
}

static bool fits(const tch_tensor *t, const tch_shape *s) {
  return t->type == s->type && t->ndim == s->ndim && t->count == tch_shape_count(s)
         && memcmp(t->size, s->size, sizeof *s->size * (size_t) s->ndim) == 0;
}

/* Makes c->out[o] what forward writes to: the target itself where that is safe, else a new tensor. A target that forward
 * writes is contiguous if it must grow, for then it becomes so. */
static tch_status prepare_output(tch_call *c, int o, tch_tensor *target) {
  if (target == NULL) return tch_tensor_of(&c->shape[o], &c->out[o]);
  if (!writes_safely(c, target) || (c->op->body->dense && !tch_tensor_contiguous(target))
      || (!fits(target, &c->shape[o]) && target->history))
    return tch_tensor_of(&c->shape[o], &c->out[o]);
  TCH_TRY(tch_tensor_become(target, &c->shape[o]));
  c->out[o] = target;
  return TCH_OK;
}

/* Brings what forward made into the target, or hands it out. */
static tch_status deliver(tch_call *c, int o, tch_tensor **out) {
  tch_tensor *target = out ? *out : NULL, *made = c->out[o];
  if (made == target) {
    tch_tensor_wrote(target);
    return TCH_OK;
  }
  if (out == NULL) {
    tch_tensor_release(made);
    c->out[o] = NULL;
    return TCH_OK;
  }
  if (target == NULL) {
    *out = made;
    return TCH_OK;
  }
  tch_status status = TCH_OK;
  if (c->op->body->view) status = tch_tensor_set(target, made);
  else if ((status = tch_tensor_become(target, &c->shape[o])) == TCH_OK) {
    bool on = tch_grad_enabled(); /* the op is recorded, not this copy */
    tch_set_grad_enabled(false);
    if (c->op->body->aside && tch_tensor_contiguous(target) && !target->history)
      memcpy(target->stride, made->stride, sizeof *made->stride * (size_t) made->ndim);
    status = tch_tensor_copy(target, made);
    tch_set_grad_enabled(on);
  }
  if (status == TCH_OK) {
    tch_tensor_release(made);
    c->out[o] = target;
  }
  return status;
}

static tch_status run(tch_call *c, tch_tensor ***out) {
  const tch_op_body *body = c->op->body;
  TCH_TRY(check_present(c));
  TCH_TRY(body->shape(c));
  bool record = tch_tape_records(c);
  if (record) TCH_TRY(tch_tape_check_inputs(c));
  for (int o = 0; o < c->nout; o++) {
    tch_tensor *target = out[o] ? *out[o] : NULL;
    if (target == NULL) continue;
    if (body->wide && !record && target->type == TCH_DOUBLE && c->shape[o].type == TCH_FLOAT) c->shape[o].type = TCH_DOUBLE;
    if (!body->view && target->type != c->shape[o].type)
      return tch_op_fail(c, TCH_ERROR_TYPE, "the result is a %sTensor, but the tensor given for it is a %sTensor",
                         tch_dtype_name(c->shape[o].type), tch_dtype_name(target->type));
    TCH_TRY(tch_tape_check_target(c, target, record));
  }
  for (int o = 0; o < c->nout && !body->view && !body->aside; o++) TCH_TRY(prepare_output(c, o, out[o] ? *out[o] : NULL));
  tch_node *node = NULL;
  if (record) TCH_TRY(tch_tape_begin(c, &node)); /* saves inputs before forward may overwrite them */
  tch_status status = tch_work_counts() ? tch_op_counted(c, body->forward) : body->forward(c);
  for (int i = 0; i < c->nin; i++)
    if (c->in[i] && (c->op->schema.updated >> tch_op_bit(c->op, i) & 1)) tch_tensor_wrote(c->in[i]);
  for (int o = 0; o < c->nout && status == TCH_OK; o++) {
    status = deliver(c, o, out[o]);
    if (status == TCH_OK && !record && c->out[o] && tch_grad_enabled()) tch_forget(c->out[o]); /* it holds constants now */
  }
  if (record) status = tch_tape_end(c, node, status);
  return status;
}

tch_status tch_op_run(const tch_op *op, tch_tensor *const *in, int nin, const void *attr, tch_tensor ***out) {
  tch_tensor *made[TCH_MAX_OUTPUTS] = {NULL};
  tch_call c;
  c.op = op;
  c.nin = nin;
  c.nout = op->schema.noutputs;
  c.in = (tch_tensor **) in;
  c.out = made;
  c.attr = attr;
  c.gout = NULL;
  c.gin = NULL;
  c.in_shape = NULL;
  c.ntemps = 0;
  tch_tensor *given[TCH_MAX_OUTPUTS];
  for (int o = 0; o < c.nout; o++) given[o] = out[o] ? *out[o] : NULL;
  tch_status status = run(&c, out);
  release_temps(&c);
  if (status != TCH_OK)
    for (int o = 0; o < c.nout; o++) {
      if (made[o] != given[o]) tch_tensor_release(made[o]);
      if (out[o]) *out[o] = given[o];
    }
  return status;
}

/* -- gradients of inputs ---------------------------------------------------------------------------------------- */

static bool reads(const tch_call *c, const tch_tensor *t) {
  for (int i = 0; i < c->nin; i++)
    if (c->in[i] && tch_tensor_overlap(c->in[i], t)) return true;
  for (int o = 0; o < c->nout; o++)
    if ((c->out[o] && tch_tensor_overlap(c->out[o], t)) || (c->gout[o] && tch_tensor_overlap(c->gout[o], t))) return true;
  return false;
}

tch_status tch_grad_open(tch_call *c, int i, tch_tensor **dst, double *alpha, double *beta) {
  tch_grad_slot *slot = &c->gin[i];
  tch_tensor *target = slot->target;
  *alpha = 1;
  *beta = 0;
  if (target && target->type == c->in_shape[i].type && tch_tensor_contiguous(target) && !reads(c, target)) {
    if (!slot->add) TCH_TRY(tch_tensor_become(target, &c->in_shape[i]));
    if (fits(target, &c->in_shape[i])) {
      if (slot->add) *alpha = c->scale, *beta = 1;
      slot->done = true;
      *dst = target;
      return TCH_OK;
    }
  }
  TCH_TRY(tch_tensor_of(&c->in_shape[i], &slot->value));
  *dst = slot->value;
  return TCH_OK;
}

/* Sums g over the dimensions in which an input of `shape` was broadcast. Takes g. */
static tch_status sum_to(tch_tensor **g, const tch_shape *shape) {
  if (fits(*g, shape)) return TCH_OK;
  int64_t dims[TCH_MAX_DIMS];
  int n = 0, lead = (*g)->ndim - shape->ndim;
  for (int d = 0; d < (*g)->ndim; d++)
    if (d < lead || (shape->size[d - lead] == 1 && (*g)->size[d] != 1)) dims[n++] = d;
  tch_tensor *sum = NULL, *view = NULL;
  if (n > 0) {
    TCH_TRY(tch_sum(*g, dims, n, true, &sum));
    tch_tensor_release(*g);
    *g = sum;
  }
  if (fits(*g, shape)) return TCH_OK;
  TCH_TRY(tch_reshape(*g, shape->size, shape->ndim, &view));
  tch_tensor_release(*g);
  *g = view;
  return TCH_OK;
}

tch_status tch_grad_give(tch_call *c, int i, tch_tensor *g) {
  tch_grad_slot *slot = &c->gin[i];
  tch_status status = sum_to(&g, &c->in_shape[i]);
  if (status == TCH_OK && slot->value) {
    tch_tensor *sum = NULL;
    status = tch_add(slot->value, g, 1, &sum);
    tch_tensor_release(g);
    g = sum;
  }
  if (status != TCH_OK) {
    tch_tensor_release(g);
    return status;
  }
  tch_tensor_release(slot->value);
  slot->value = g;
  return TCH_OK;
}

tch_status tch_op_backward(tch_call *c) {
  const tch_op_body *body = c->op->body;
  tch_status (*backward)(tch_call *) = c->graph || body->backward == NULL ? body->backward_ops : body->backward;
  if (backward == NULL)
    return tch_op_fail(c, TCH_ERROR_STATE, c->graph ? "its gradient has no gradient of its own" : "it has no gradient");
  bool on = tch_grad_enabled();
  tch_set_grad_enabled(c->graph);
  tch_status status = tch_work_counts() ? tch_op_counted(c, backward) : backward(c);
  tch_set_grad_enabled(on);
  release_temps(c);
  return status;
}

/* Brings the gradient of one input into its target. */
static tch_status settle(tch_call *c, tch_grad_slot *slot, const tch_shape *shape) {
  tch_tensor *target = slot->target;
  if (slot->done) {
    tch_tensor_wrote(target);
    return TCH_OK;
  }
  if (slot->value == NULL) { /* nothing reached this input: a gradient of zero */
    if (slot->add) return TCH_OK;
    TCH_TRY(tch_tensor_become(target, shape));
    return tch_tensor_fill(target, 0);
  }
  if (slot->add) return tch_add(target, slot->value, c->scale, &slot->target);
  TCH_TRY(tch_tensor_become(target, shape));
  return tch_tensor_copy(target, slot->value);
}

static void shape_of(const tch_tensor *t, tch_shape *s) {
  s->type = t->type;
  s->ndim = t->ndim;
  memcpy(s->size, t->size, sizeof *t->size * (size_t) t->ndim);
}

static tch_status check_targets(tch_call *c) {
  char name[32], a[TCH_SHAPE_TEXT], b[TCH_SHAPE_TEXT];
  for (int i = 0; i < c->nin; i++) {
    const tch_grad_slot *slot = &c->gin[i];
    if (!slot->wanted) continue;
    if (slot->target->type != c->in_shape[i].type || (slot->add && !tch_tensor_same_size(slot->target, c->in[i])))
      return tch_op_fail(c, TCH_ERROR_SHAPE, "the gradient of %s is a %sTensor of %s, but it is to go into a %sTensor of %s",
                         tch_op_input_name(c, i, name), tch_dtype_name(c->in[i]->type), tch_shape_text(c->in[i], a),
                         tch_dtype_name(slot->target->type), tch_shape_text(slot->target, b));
  }
  return TCH_OK;
}

static tch_status misfit(const tch_call *c, const char *what, const tch_tensor *t, const tch_shape *s) {
  char a[TCH_SHAPE_TEXT], b[TCH_SHAPE_TEXT];
  tch_tensor want = {.ndim = s->ndim, .count = 1};
  memcpy(want.size, s->size, sizeof want.size);
  return tch_op_fail(c, TCH_ERROR_SHAPE, "%s is a %sTensor of %s, but the output is a %sTensor of %s", what,
                     tch_dtype_name(t->type), tch_shape_text(t, a), tch_dtype_name(s->type), tch_shape_text(&want, b));
}

/* The shape rule says what the outputs look like; those that backward reads and the gradients must agree with it. */
static tch_status check_gradients(tch_call *c) {
  uint32_t carry = ((1u << c->nout) - 1) & ~c->op->schema.plain_out; /* outputs that have a gradient */
  bool single = (carry & (carry - 1)) == 0;
  TCH_TRY(check_present(c));
  TCH_TRY(c->op->body->shape(c));
  for (int o = 0; o < c->nout; o++) {
    const tch_tensor *g = c->gout[o], *y = c->out[o];
    if (c->op->body->save_out >> o & 1) {
      if (y == NULL) return tch_op_fail(c, TCH_ERROR_STATE, "what its forward computed is missing: forward comes first");
      if (!fits(y, &c->shape[o])) return misfit(c, "what its last forward computed", y, &c->shape[o]);
    }
    if (g == NULL && single && carry >> o & 1)
      return tch_op_fail(c, TCH_ERROR_VALUE, "the gradient of its output is missing");
    if (g && !fits(g, &c->shape[o])) return misfit(c, "the gradient of its output", g, &c->shape[o]);
  }
  return TCH_OK;
}

tch_status tch_op_grad(const tch_op *op, tch_tensor *const *in, int nin, const void *attr, tch_tensor *const *out,
                       tch_tensor *const *gout, double scale, uint32_t accumulate, tch_tensor *const *into) {
  tch_shape shape[nin];
  tch_grad_slot slot[nin];
  tch_call c = {.op = op, .nin = nin, .nout = op->schema.noutputs, .in = (tch_tensor **) in, .out = (tch_tensor **) out,
                .attr = attr, .gout = (tch_tensor **) gout, .in_shape = shape, .gin = slot, .scale = scale};
  for (int i = 0; i < nin; i++) {
    slot[i] = (tch_grad_slot) {.wanted = into[i] && in[i], .add = accumulate >> tch_op_bit(op, i) & 1, .target = into[i]};
    if (in[i]) shape_of(in[i], &shape[i]);
  }
  TCH_TRY(check_gradients(&c));
  TCH_TRY(check_targets(&c));
  bool on = tch_grad_enabled();
  tch_set_grad_enabled(false);
  tch_status status = tch_op_backward(&c);
  for (int i = 0; i < nin && status == TCH_OK; i++)
    if (slot[i].wanted) status = settle(&c, &slot[i], &shape[i]);
  tch_set_grad_enabled(on);
  for (int i = 0; i < nin; i++) tch_tensor_release(slot[i].value);
  return status;
}
