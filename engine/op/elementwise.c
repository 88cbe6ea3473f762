/* The bodies of the scalar ops: every row of elementwise.def makes an op here. Operands broadcast. */
#include "kernel/elementwise.h"
#include "core/cpu.h"
#include "op/integer.h"
#include "op/op.h"
#include <string.h>

TCH_KERNEL_FAMILY(elementwise)

#define FLOATS false
#define ALL true

/* -- what the rows share ---------------------------------------------------------------------------------------- */

typedef struct parameters {
  double ab[2];
} parameters;

static parameters read_parameters(const tch_call *c) {
  parameters p = {{0, 0}};
  if (c->op->schema.attr_size) memcpy(p.ab, c->attr, (size_t) c->op->schema.attr_size);
  return p;
}

enum { STREAM = 1 << 26 /* bytes: a result that no cache keeps */, BLOCK = 512, /* elements */
       GAPS = 4 /* places for an element that rows may compute instead of it */ };

typedef struct job {
  tch_element_row *row;
  parameters p;
  void (*stream)(int64_t bytes, void *to, const void *from); /* NULL: write as usual */
  int n;
  int64_t bytes[TCH_ITER_MAX];
} job;

/* A row whose result is written past the caches, by way of a block (memory is then not read before it is written). */
static void run_stream(const job *j, int64_t n, void *const *data, const int64_t *step) {
  _Alignas(64) char block[BLOCK * sizeof(double)];
  for (int64_t i = 0; i < n; i += BLOCK) {
    int64_t m = n - i < BLOCK ? n - i : BLOCK;
    void *p[TCH_ITER_MAX] = {block};
    for (int k = 1; k < j->n; k++) p[k] = (char *) data[k] + i * step[k] * j->bytes[k];
    j->row(m, 1, p, step, step, j->p.ab);
    j->stream(m * j->bytes[0], (char *) data[0] + i * j->bytes[0], block);
  }
}

static void run_plane(void *context, int64_t n, int64_t rows, void *const *data, const int64_t *step, const int64_t *next) {
  const job *j = context;
  bool aligned = (uintptr_t) data[0] % 16 == 0 && (rows == 1 || next[0] * j->bytes[0] % 16 == 0);
  if (!j->stream || step[0] != 1 || !aligned) {
    j->row(n, rows, data, step, next, j->p.ab);
    return;
  }
  void *p[TCH_ITER_MAX];
  for (int64_t r = 0; r < rows; r++) {
    for (int k = 0; k < j->n; k++) p[k] = (char *) data[k] + r * next[k] * j->bytes[k];
    run_stream(j, n, p, step);
  }
}

/* Runs a row over result and operands. heavy: the arithmetic costs more than bringing elements together. */
static void run(const tch_call *c, tch_element_row *row, tch_tensor *const *operand, int n, bool heavy) {
  tch_tensor *out = operand[0];
  job j = {.row = row, .p = read_parameters(c), .n = n};
  tch_shape shape = {.ndim = out->ndim};
  memcpy(shape.size, out->size, sizeof *shape.size * (size_t) shape.ndim);
  bool floating = tch_dtype_floating(out->type), stream = out->count >= STREAM / (int64_t) sizeof(float) && floating;
  for (int k = 0; k < n; k++) {
    j.bytes[k] = tch_dtype_bytes(operand[k]->type);
    if (k > 0 && operand[k]->storage == out->storage) stream = false; /* in place: the lines are in the cache already */
  }
  const tch_elementwise_kernels *table = floating ? tch_elementwise_table(out->type) : NULL;
  if (stream) j.stream = table->stream;
  int places = table ? table->places : 1;
  if (places == 1) places = -GAPS;
  tch_iterate_planes(&shape, operand, n, run_plane, &j, heavy ? places / 2 : places);
}

static tch_status shape_like_x(tch_call *c, bool integers) {
  const tch_tensor *x = c->in[0];
  TCH_TRY(integers ? tch_op_same_type(c, ~0u) : tch_op_same_float(c, ~0u));
  if (x->ndim == 0 && x->count == 0) return tch_op_fail(c, TCH_ERROR_SHAPE, "the tensor is empty");
  c->shape[0].type = x->type;
  c->shape[0].ndim = x->ndim;
  memcpy(c->shape[0].size, x->size, sizeof *x->size * (size_t) x->ndim);
  return TCH_OK;
}

/* All inputs broadcast to one shape. */
static tch_status shape_of_all(tch_call *c, bool integers) {
  char a[TCH_SHAPE_TEXT], b[TCH_SHAPE_TEXT], name[32], name0[32];
  TCH_TRY(shape_like_x(c, integers));
  for (int i = 1; i < c->nin; i++) {
    tch_tensor sofar = {.ndim = c->shape[0].ndim, .count = 1, .type = c->shape[0].type};
    memcpy(sofar.size, c->shape[0].size, sizeof *sofar.size * (size_t) sofar.ndim);
    if (!tch_broadcast(&sofar, c->in[i], &c->shape[0]))
      return tch_op_fail(c, TCH_ERROR_SHAPE, "%s is %s and %s is %s: the sizes differ in a dimension where neither is 1",
                         tch_op_input_name(c, 0, name0), tch_shape_text(c->in[0], a), tch_op_input_name(c, i, name),
                         tch_shape_text(c->in[i], b));
  }
  return TCH_OK;
}

static bool shape_is(const tch_tensor *t, const tch_shape *s) {
  return t->ndim == s->ndim && memcmp(t->size, s->size, sizeof *s->size * (size_t) s->ndim) == 0;
}

/* Gradient of input i by a row over g, the saved inputs and the saved result. */
static tch_status give_row(tch_call *c, int i, tch_element_row *row) {
  tch_tensor *g = c->gout[0], *operand[6] = {NULL, g};
  if (!tch_dtype_floating(g->type)) /* off the tape; the row is one of floats */
    return tch_op_fail(c, TCH_ERROR_TYPE, "a %sTensor has no gradient", tch_dtype_name(g->type));
  int n = 2;
  for (int k = 0; k < c->nin; k++) operand[n++] = c->in[k] ? c->in[k] : g; /* a row does not read what was not saved */
  if (n < 5) operand[n++] = c->out[0] && c->op->body->save_out & 1 ? c->out[0] : g; /* off the tape it may be anything */
  if (shape_is(g, &c->in_shape[i])) {
    double alpha, beta;
    TCH_TRY(tch_grad_open(c, i, &operand[0], &alpha, &beta));
    if (beta == 0) {
      run(c, row, operand, n, false);
      return TCH_OK;
    }
    tch_tensor *sum = operand[0];
    TCH_TRY(tch_op_temp(c, &c->in_shape[i], &operand[0]));
    run(c, row, operand, n, false);
    return tch_add(sum, operand[0], alpha, &sum);
  }
  TCH_TRY(tch_tensor_new(g->type, g->ndim, g->size, &operand[0]));
  run(c, row, operand, n, false);
  return tch_grad_give(c, i, operand[0]);
}

static tch_status give_copy(tch_call *c, int i, tch_tensor *g) {
  tch_tensor_retain(g);
  return tch_grad_give(c, i, g);
}

/* -- one operand ------------------------------------------------------------------------------------------------ */

static tch_status unary_forward(tch_call *c, int op) {
  tch_tensor *operand[] = {c->out[0], c->in[0]};
  tch_dtype type = c->in[0]->type;
  run(c, tch_dtype_floating(type) ? tch_elementwise_table(type)->unary[op] : tch_integer_unary(type, op), operand, 2,
      !tch_integer_unary(TCH_LONG, op));
  return TCH_OK;
}

static tch_status unary_backward(tch_call *c, int op) {
  return give_row(c, 0, tch_elementwise_table(c->gout[0]->type)->unary_grad[op]);
}

/* Gradient of x as an op of its own, so that it has one too. Inputs g x y. */
static tch_status derivative(tch_call *c, const tch_op *op, tch_tensor *g, tch_tensor *x, tch_tensor *y, tch_tensor **out) {
  tch_tensor *in[] = {g, x ? x : g, y ? y : g}, **outs[] = {out};
  *out = NULL;
  return tch_op_run(op, in, 3, c->attr, outs);
}

static tch_status unary_backward_ops(tch_call *c, const tch_op *grad) {
  tch_tensor *g;
  TCH_TRY(derivative(c, grad, c->gout[0], c->in[0], c->out[0], &g));
  return tch_grad_give(c, 0, g);
}

static tch_status grad_shape(tch_call *c) {
  TCH_TRY(tch_op_same_float(c, 7));
  if (!tch_tensor_same_size(c->in[0], c->in[1]) || !tch_tensor_same_size(c->in[0], c->in[2]))
    return tch_op_fail(c, TCH_ERROR_SHAPE, "gradient, input and result differ in size");
  return shape_like_x(c, false);
}

static tch_status grad_forward(tch_call *c, int op, bool second) {
  const tch_elementwise_kernels *table = tch_elementwise_table(c->in[0]->type);
  tch_tensor *operand[] = {c->out[0], c->in[0], c->in[1], c->in[2]};
  run(c, second ? table->unary_grad2[op] : table->unary_grad[op], operand, 4, false);
  return TCH_OK;
}

/* dx(g, x, y) is linear in g; towards x it is d(dx)/dx, times the gradient that arrives. */
static tch_status grad_backward(tch_call *c, const tch_op *grad, const tch_op *grad2) {
  tch_tensor *h, *g = NULL;
  if (tch_wants(c, 0)) {
    TCH_TRY(derivative(c, grad, c->gout[0], c->in[1], c->in[2], &h));
    TCH_TRY(tch_grad_give(c, 0, h));
  }
  if (!tch_wants(c, 1)) return TCH_OK;
  TCH_TRY(derivative(c, grad2, c->in[0], c->in[1], c->in[2], &h));
  tch_status status = tch_mul(c->gout[0], h, &g);
  tch_tensor_release(h);
  return status == TCH_OK ? tch_grad_give(c, 1, g) : status;
}

static tch_status third(tch_call *c) {
  return tch_op_fail(c, TCH_ERROR_STATE, "third derivatives are not computed");
}

#define UNARY(name, types, f, dx, ddx)                                                                                \
  extern const tch_op tch_##name##_grad_op, tch_##name##_grad2_op;                                                     \
  extern const tch_op_body tch_op_##name, tch_op_##name##_grad, tch_op_##name##_grad2;                                 \
  static tch_status name##_shape(tch_call *c) { return shape_like_x(c, types); }                                       \
  static tch_status name##_forward(tch_call *c) { return unary_forward(c, TCH_UNARY_##name); }                         \
  static tch_status name##_backward(tch_call *c) { return unary_backward(c, TCH_UNARY_##name); }                       \
  static tch_status name##_backward_ops(tch_call *c) { return unary_backward_ops(c, &tch_##name##_grad_op); }          \
  const tch_op_body tch_op_##name = {.shape = name##_shape, .forward = name##_forward, .backward = name##_backward,    \
                                     .backward_ops = name##_backward_ops, .save_in = tch_##name##_saves0,              \
                                     .save_out = tch_##name##_saves_out, .in_place = true};                            \
  static tch_status name##_grad_forward(tch_call *c) { return grad_forward(c, TCH_UNARY_##name, false); }              \
  static tch_status name##_grad_backward(tch_call *c) {                                                                \
    return grad_backward(c, &tch_##name##_grad_op, &tch_##name##_grad2_op);                                            \
  }                                                                                                                    \
  const tch_op_body tch_op_##name##_grad = {.shape = grad_shape, .forward = name##_grad_forward,                       \
                                            .backward_ops = name##_grad_backward, .save_in = 7};                       \
  static tch_status name##_grad2_forward(tch_call *c) { return grad_forward(c, TCH_UNARY_##name, true); }              \
  const tch_op_body tch_op_##name##_grad2 = {.shape = grad_shape, .forward = name##_grad2_forward, .backward_ops = third};
#define BINARY(name, types, f, dx, dy)
#define TERNARY(name, f, dx, dy, dz)
#define COMPARE(name, test)
#include "kernel/elementwise.def"
#undef UNARY
#undef BINARY
#undef TERNARY
#undef COMPARE

/* -- two operands ----------------------------------------------------------------------------------------------- */

static tch_status binary_forward(tch_call *c, int op) {
  tch_tensor *operand[] = {c->out[0], c->in[0], c->in[1]};
  tch_dtype type = c->in[0]->type;
  run(c, tch_dtype_floating(type) ? tch_elementwise_table(type)->binary[op] : tch_integer_binary(type, op), operand, 3,
      !tch_integer_binary(TCH_LONG, op));
  return TCH_OK;
}

static tch_status binary_backward(tch_call *c, int op) {
  for (int i = 0; i < 2; i++)
    if (tch_wants(c, i)) TCH_TRY(give_row(c, i, tch_elementwise_table(c->gout[0]->type)->binary_grad[op][i]));
  return TCH_OK;
}

/* Second derivatives of the arithmetic ops. */

static tch_status give_scaled(tch_call *c, int i, double a) {
  tch_tensor *g = NULL;
  if (!tch_wants(c, i)) return TCH_OK;
  if (a == 1) return give_copy(c, i, c->gout[0]);
  TCH_TRY(tch_mul_scalar(c->gout[0], a, &g));
  return tch_grad_give(c, i, g);
}

static tch_status add_in_ops(tch_call *c) {
  TCH_TRY(give_scaled(c, 0, 1));
  return give_scaled(c, 1, read_parameters(c).ab[0]);
}

static tch_status sub_in_ops(tch_call *c) {
  TCH_TRY(give_scaled(c, 0, 1));
  return give_scaled(c, 1, -read_parameters(c).ab[0]);
}

static tch_status mul_in_ops(tch_call *c) {
  for (int i = 0; i < 2; i++) {
    tch_tensor *g = NULL;
    if (!tch_wants(c, i)) continue;
    TCH_TRY(tch_mul(c->gout[0], c->in[1 - i], &g));
    TCH_TRY(tch_grad_give(c, i, g));
  }
  return TCH_OK;
}

/* z = x / y: dx = g / y, dy = -dx * z */
static tch_status div_in_ops(tch_call *c) {
  tch_tensor *dx = NULL, *slope = NULL, *dy = NULL;
  TCH_TRY(tch_div(c->gout[0], c->in[1], &dx));
  tch_status status = TCH_OK;
  if (tch_wants(c, 1)) {
    status = tch_mul(dx, c->out[0], &slope);
    if (status == TCH_OK) status = tch_neg(slope, &dy);
    tch_tensor_release(slope);
    if (status == TCH_OK) status = tch_grad_give(c, 1, dy);
  }
  if (status == TCH_OK && tch_wants(c, 0)) return tch_grad_give(c, 0, dx);
  tch_tensor_release(dx);
  return status;
}

/* z = x^y: dx = g y x^(y - 1), dy = g z log x */
static tch_status pow_in_ops(tch_call *c) {
  tch_tensor *a = NULL, *b = NULL, *d = NULL, *g = NULL;
  tch_status status = TCH_OK;
  if (tch_wants(c, 0)) {
    status = tch_add_scalar(c->in[1], -1, &a);
    if (status == TCH_OK) status = tch_pow(c->in[0], a, &b);
    if (status == TCH_OK) status = tch_mul(b, c->in[1], &d);
    if (status == TCH_OK) status = tch_mul(d, c->gout[0], &g);
    if (status == TCH_OK) status = tch_grad_give(c, 0, g);
    tch_tensor_release(a);
    tch_tensor_release(b);
    tch_tensor_release(d);
    a = b = g = NULL;
  }
  if (status == TCH_OK && tch_wants(c, 1)) {
    status = tch_log(c->in[0], &a);
    if (status == TCH_OK) status = tch_mul(a, c->out[0], &b);
    if (status == TCH_OK) status = tch_mul(b, c->gout[0], &g);
    if (status == TCH_OK) status = tch_grad_give(c, 1, g);
    tch_tensor_release(a);
    tch_tensor_release(b);
  }
  return status;
}

/* z = x + a (y - x) */
static tch_status lerp_in_ops(tch_call *c) {
  double a = read_parameters(c).ab[0];
  TCH_TRY(give_scaled(c, 0, 1 - a));
  return give_scaled(c, 1, a);
}

#define minimum_in_ops NULL
#define maximum_in_ops NULL
#define atan2_in_ops NULL
#define fmod_in_ops NULL
#define remainder_in_ops NULL
#define square_error_in_ops NULL
#define abs_error_in_ops NULL
#define smooth_error_in_ops NULL
#define bce_error_in_ops NULL
#define logit_error_in_ops NULL

#define UNARY(name, types, f, dx, ddx)
#define BINARY(name, types, f, dx, dy)                                                                                 \
  extern const tch_op_body tch_op_##name;                                                                              \
  static tch_status name##_shape(tch_call *c) { return shape_of_all(c, types); }                                       \
  static tch_status name##_forward(tch_call *c) { return binary_forward(c, TCH_BINARY_##name); }                       \
  static tch_status name##_backward(tch_call *c) { return binary_backward(c, TCH_BINARY_##name); }                     \
  const tch_op_body tch_op_##name = {.shape = name##_shape, .forward = name##_forward, .backward = name##_backward,    \
                                     .backward_ops = name##_in_ops,                                                    \
                                     .save_for = {tch_##name##_saves0, tch_##name##_saves1},                           \
                                     .save_out = tch_##name##_saves_out, .in_place = true};
#define TERNARY(name, f, dx, dy, dz)                                                                                   \
  extern const tch_op_body tch_op_##name;                                                                              \
  static tch_status name##_shape(tch_call *c) { return shape_of_all(c, true); }                                        \
  static tch_status name##_forward(tch_call *c) { return ternary_forward(c, TCH_TERNARY_##name); }                     \
  static tch_status name##_backward(tch_call *c) { return ternary_backward(c, TCH_TERNARY_##name); }                   \
  const tch_op_body tch_op_##name = {                                                                                  \
      .shape = name##_shape, .forward = name##_forward, .backward = name##_backward,                                   \
      .save_for = {tch_##name##_saves0, tch_##name##_saves1, tch_##name##_saves2}, .in_place = true};
#define COMPARE(name, test)                                                                                            \
  extern const tch_op_body tch_op_##name;                                                                              \
  static tch_status name##_forward(tch_call *c) { return compare_forward(c, TCH_COMPARE_##name); }                     \
  const tch_op_body tch_op_##name = {.shape = compare_shape, .forward = name##_forward};

static tch_status ternary_forward(tch_call *c, int op) {
  tch_tensor *operand[] = {c->out[0], c->in[0], c->in[1], c->in[2]};
  tch_dtype type = c->in[0]->type;
  run(c, tch_dtype_floating(type) ? tch_elementwise_table(type)->ternary[op] : tch_integer_ternary(type, op), operand, 4,
      false);
  return TCH_OK;
}

static tch_status ternary_backward(tch_call *c, int op) {
  for (int i = 0; i < 3; i++)
    if (tch_wants(c, i)) TCH_TRY(give_row(c, i, tch_elementwise_table(c->gout[0]->type)->ternary_grad[op][i]));
  return TCH_OK;
}

static tch_status compare_shape(tch_call *c) {
  TCH_TRY(shape_of_all(c, true));
  c->shape[0].type = TCH_BYTE;
  return TCH_OK;
}

static tch_status compare_forward(tch_call *c, int op) {
  tch_tensor *operand[] = {c->out[0], c->in[0], c->in[1]};
  tch_dtype type = c->in[0]->type;
  run(c, tch_dtype_floating(type) ? tch_elementwise_table(type)->compare[op] : tch_integer_compare(type, op), operand, 3,
      false);
  return TCH_OK;
}

#include "kernel/elementwise.def"
