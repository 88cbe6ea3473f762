/* Histories and nodes: recording, the rules of in-place writes, and release. */
#include "autograd/tape.h"
#include "core/error.h"
#include "core/memory.h"
#include <stdio.h>
#include <string.h>

static _Thread_local bool grad_enabled = true;

bool tch_grad_enabled(void) { return grad_enabled; }
void tch_set_grad_enabled(bool on) { grad_enabled = on; }

/* -- histories -------------------------------------------------------------------------------------------------- */

bool tch_needs_grad(const tch_tensor *t) { return t->history && t->history->requires; }
bool tch_is_leaf(const tch_tensor *t) { return t->history == NULL || t->history->from.node->leaf; }
const tch_edge *tch_edge_of(const tch_tensor *t) { return t->history ? &t->history->from : NULL; }

static uint64_t version_of(const tch_tensor *t) {
  if (t->storage == NULL) return 0;
  int64_t begin, end;
  tch_tensor_range(t, &begin, &end);
  return tch_storage_version(t->storage, begin, end);
}

static uint64_t track(tch_tensor *t) { return t->storage ? tch_storage_track(t->storage) : 0; }

uint64_t tch_tensor_version(tch_tensor *t) {
  track(t);
  return version_of(t);
}

tch_status tch_history_put(tch_tensor *t, tch_node *node, int index) {
  tch_history *h = tch_record_new(sizeof *h);
  if (h == NULL) return TCH_ERROR_MEMORY;
  tch_history_drop(t);
  tch_node_retain(node);
  *h = (tch_history) {.from = {node, index}, .requires = true, .version = track(t)};
  t->history = h;
  return TCH_OK;
}

void tch_history_drop(tch_tensor *t) {
  tch_history *h = t->history;
  if (h == NULL) return;
  t->history = NULL;
  tch_node *node = h->from.node;
  tch_record_free(h, sizeof *h);
  tch_node_release(node);
}

tch_status tch_history_view_change(const tch_tensor *t) {
  if (!tch_needs_grad(t)) return TCH_OK;
  return tch_fail(TCH_ERROR_STATE, "a tensor that needs a gradient cannot change its size or storage (use detach() for a "
                                   "tensor without history)");
}

tch_status tch_tensor_writable(const tch_tensor *t, const char *op) {
  if (!grad_enabled || !tch_needs_grad(t)) return TCH_OK;
  return tch_fail(TCH_ERROR_STATE, "%s: the tensor needs a gradient, which this write would make wrong (write inside "
                                   "torch.noGrad, or to a detach()ed tensor)", op);
}

static tch_node *new_leaf(void) {
  tch_node *n = tch_record_new(sizeof *n);
  if (n == NULL) return NULL;
  memset(n, 0, sizeof *n);
  atomic_init(&n->refs, 1);
  n->bytes = sizeof *n;
  n->leaf = true;
  n->nout = 1;
  return n;
}

static tch_status make_leaf(tch_tensor *t) {
  tch_node *n = new_leaf();
  if (n == NULL) return TCH_ERROR_MEMORY;
  tch_status status = tch_history_put(t, n, 0);
  tch_node_release(n);
  return status;
}

tch_status tch_requires_grad(tch_tensor *t, bool on) {
  if (t->history && !t->history->from.node->leaf) {
    if (on) return TCH_OK;
    return tch_fail(TCH_ERROR_STATE, "requiresGrad: only a leaf can leave the tape; this tensor is a result (use detach())");
  }
  if (on && !tch_dtype_floating(t->type))
    return tch_fail(TCH_ERROR_TYPE, "requiresGrad: a %sTensor has no gradients, only FloatTensor and DoubleTensor do",
                    tch_dtype_name(t->type));
  if (on && t->history == NULL) return make_leaf(t);
  if (t->history) t->history->requires = on;
  return TCH_OK;
}

tch_tensor *tch_grad(const tch_tensor *t) { return t->history ? t->history->from.node->grad : NULL; }

static tch_status check_grad(const tch_tensor *t, const tch_tensor *g) {
  char a[TCH_SHAPE_TEXT], b[TCH_SHAPE_TEXT];
  if (g == NULL || (g->type == t->type && tch_tensor_same_size(g, t))) return TCH_OK;
  return tch_fail(TCH_ERROR_SHAPE, "a gradient for a %sTensor of %s cannot be a %sTensor of %s", tch_dtype_name(t->type),
                  tch_shape_text(t, a), tch_dtype_name(g->type), tch_shape_text(g, b));
}

tch_status tch_set_grad(tch_tensor *t, tch_tensor *g) {
  TCH_TRY(check_grad(t, g));
  if (!tch_is_leaf(t)) return tch_fail(TCH_ERROR_STATE, "grad: only a leaf keeps a gradient; this tensor is a result");
  if (t->history == NULL) {
    if (g == NULL) return TCH_OK;
    TCH_TRY(make_leaf(t));
    t->history->requires = false;
  }
  tch_node *n = t->history->from.node;
  if (n->grad == g) return TCH_OK;
  tch_tensor *old = n->grad;
  if (g) tch_tensor_retain(g);
  n->grad = g;
  tch_tensor_release(old);
  return TCH_OK;
}

tch_status tch_detach(tch_tensor *t, tch_tensor **out) { return tch_tensor_alias(t, out); }

tch_status tch_parameter(tch_tensor *t, tch_tensor *grad, tch_tensor **out) {
  TCH_TRY(tch_set_grad(t, grad));
  tch_tensor *alias;
  TCH_TRY(tch_tensor_alias(t, &alias));
  tch_status status = t->history ? tch_history_put(alias, t->history->from.node, 0) : make_leaf(alias);
  if (status != TCH_OK) tch_tensor_release(alias);
  else *out = alias;
  return status;
}

/* -- recording -------------------------------------------------------------------------------------------------- */

bool tch_tape_records(const tch_call *c) {
  const tch_op_schema *s = &c->op->schema;
  if (!grad_enabled || s->plain_out + 1 == 1u << s->noutputs) return false;
  if (c->op->body->backward == NULL && c->op->body->backward_ops == NULL) return false;
  for (int i = 0; i < c->nin; i++)
    if (c->in[i] && tch_needs_grad(c->in[i]) && !(s->constant >> tch_op_bit(c->op, i) & 1)) return true;
  return false;
}

tch_status tch_tape_check_inputs(const tch_call *c) {
  char name[32];
  for (int i = 0; i < c->nin; i++) {
    const tch_tensor *t = c->in[i];
    if (t == NULL || !tch_needs_grad(t) || t->history->from.node->leaf) continue;
    if (version_of(t) > t->history->version)
      return tch_op_fail(c, TCH_ERROR_STATE, "%s was overwritten through another tensor on the same storage, so its history is "
                         "no longer true (clone() before the write, or detach() it)", tch_op_input_name(c, i, name));
  }
  return TCH_OK;
}

tch_status tch_tape_check_target(const tch_call *c, const tch_tensor *target, bool record) {
  if (!grad_enabled || (!record && !tch_needs_grad(target))) return TCH_OK;
  if (tch_needs_grad(target) && tch_is_leaf(target))
    return tch_op_fail(c, TCH_ERROR_STATE, "in-place write to a leaf that requires a gradient (write inside torch.noGrad, or "
                       "into a new tensor)");
  if (!target->owner)
    return tch_op_fail(c, TCH_ERROR_STATE, "in-place write to a view cannot be recorded: other tensors share its storage (write "
                       "into a new tensor, or inside torch.noGrad)");
  return TCH_OK;
}

void tch_forget(tch_tensor *t) {
  if (t->history && !t->history->from.node->leaf) tch_history_drop(t);
}

static size_t aligned(size_t n) { return (n + 15) & ~(size_t) 15; }

/* One record holds the node and its arrays. */
static tch_node *new_node(int nin, int nout, size_t attr_size) {
  size_t edges = aligned(sizeof(tch_edge) * (size_t) nin), shapes = aligned(sizeof(tch_shape) * (size_t) (nin + nout));
  size_t saved = aligned(sizeof(tch_saved) * (size_t) (nin + nout));
  size_t bytes = aligned(sizeof(tch_node)) + edges + shapes + saved + attr_size;
  tch_node *n = tch_record_new(bytes);
  if (n == NULL) return NULL;
  char *at = (char *) n + aligned(sizeof *n);
  *n = (tch_node) {.bytes = bytes, .nin = nin, .nout = nout};
  atomic_init(&n->refs, 1);
  n->edge = (tch_edge *) at;
  n->in_shape = (tch_shape *) (at + edges);
  n->out_shape = n->in_shape + nin;
  n->saved_in = (tch_saved *) (at + edges + shapes);
  n->saved_out = n->saved_in + nin;
  n->attr = at + edges + shapes + saved;
  memset(n->edge, 0, sizeof *n->edge * (size_t) nin);
  memset(n->saved_in, 0, sizeof *n->saved_in * (size_t) (nin + nout));
  return n;
}

static void remember_shape(tch_shape *s, const tch_tensor *t) {
  s->type = t->type;
  s->ndim = t->ndim;
  memcpy(s->size, t->size, sizeof *t->size * (size_t) t->ndim);
}

static void connect(tch_node *n, int i, const tch_tensor *t) {
  remember_shape(&n->in_shape[i], t);
  if (!tch_needs_grad(t)) return;
  n->edge[i] = t->history->from;
  tch_node_retain(n->edge[i].node);
}

static tch_status save(tch_saved *s, tch_tensor *t) {
  TCH_TRY(tch_tensor_alias(t, &s->tensor));
  s->version = track(t);
  return TCH_OK;
}

tch_status tch_tape_begin(tch_call *c, tch_node **out) {
  const tch_op_body *body = c->op->body;
  tch_node *n = new_node(c->nin, c->nout, (size_t) c->op->schema.attr_size);
  if (n == NULL) return TCH_ERROR_MEMORY;
  n->op = c->op;
  if (c->op->schema.attr_size) memcpy(n->attr, c->attr, (size_t) c->op->schema.attr_size);
  uint32_t keep = body->save_in;
  for (int i = 0; i < c->nin; i++) {
    if (c->in[i] == NULL) continue;
    if (c->op->schema.constant >> tch_op_bit(c->op, i) & 1) remember_shape(&n->in_shape[i], c->in[i]);
    else connect(n, i, c->in[i]);
    if (i < 3 && n->edge[i].node) keep |= body->save_for[i];
  }
  for (int i = 0; i < c->nin; i++) {
    if (c->in[i] == NULL || !(keep >> tch_op_bit(c->op, i) & 1)) continue;
    tch_status status = save(&n->saved_in[i], c->in[i]);
    if (status == TCH_OK) continue;
    tch_node_release(n);
    return status;
  }
  *out = n;
  return TCH_OK;
}

tch_status tch_tape_end(tch_call *c, tch_node *n, tch_status status) {
  for (int o = 0; o < c->nout && status == TCH_OK; o++) {
    tch_tensor *y = c->out[o];
    if (y == NULL) continue;
    remember_shape(&n->out_shape[o], y);
    if (c->op->body->save_out >> o & 1) status = save(&n->saved_out[o], y);
    bool plain = c->op->schema.plain_out >> o & 1 || !tch_dtype_floating(y->type);
    if (status == TCH_OK && !plain) status = tch_history_put(y, n, o);
  }
  tch_node_release(n);
  return status;
}

/* -- functions of the host language ----------------------------------------------------------------------------- */

enum { MAX_RELEASED = 4096 };
static _Thread_local int64_t released[MAX_RELEASED];
static _Thread_local int nreleased;

int64_t tch_host_released(void) { return nreleased ? released[--nreleased] : 0; }
int64_t tch_node_host_id(const tch_node *n) { return n->host_id; }

tch_status tch_host_node(int64_t id, const char *name, tch_tensor *const *ins, int nin, tch_tensor *const *outs, int nout) {
  if (nin < 1 || nout < 1 || nin > TCH_MAX_LIST || nout > TCH_MAX_LIST)
    return tch_fail(TCH_ERROR_VALUE, "%s: %d inputs and %d outputs are not possible", name, nin, nout);
  for (int o = 0; o < nout; o++)
    if (outs[o]->history) return tch_fail(TCH_ERROR_STATE, "%s: output %d has a history already", name, o + 1);
  tch_node *n = new_node(nin, nout, 0);
  if (n == NULL) return TCH_ERROR_MEMORY;
  n->host_id = id;
  snprintf(n->name, sizeof n->name, "%s", name);
  for (int i = 0; i < nin; i++) connect(n, i, ins[i]);
  tch_status status = TCH_OK;
  for (int o = 0; o < nout && status == TCH_OK; o++) {
    remember_shape(&n->out_shape[o], outs[o]);
    status = tch_history_put(outs[o], n, o);
  }
  tch_node_release(n);
  return status;
}

/* -- release ---------------------------------------------------------------------------------------------------- */

void tch_node_retain(tch_node *n) { atomic_fetch_add_explicit(&n->refs, 1, memory_order_relaxed); }

void tch_node_drop_saved(tch_node *n) {
  for (int i = 0; i < n->nin; i++) {
    tch_tensor_release(n->saved_in[i].tensor);
    n->saved_in[i].tensor = NULL;
  }
  for (int o = 0; o < n->nout && !n->leaf; o++) {
    tch_tensor_release(n->saved_out[o].tensor);
    n->saved_out[o].tensor = NULL;
  }
}

static void destroy(tch_node *n) {
  tch_node_drop_saved(n);
  for (int i = 0; i < n->nin; i++)
    if (n->edge[i].node) tch_node_release(n->edge[i].node);
  tch_tensor_release(n->grad);
  if (n->host_id && nreleased < MAX_RELEASED) released[nreleased++] = n->host_id;
  tch_record_free(n, n->bytes);
}

void tch_node_release(tch_node *n) {
  static _Thread_local tch_node *waiting; /* nodes to destroy; the outermost call works them off */
  static _Thread_local bool working;
  if (atomic_fetch_sub_explicit(&n->refs, 1, memory_order_acq_rel) != 1) return;
  n->next = waiting;
  waiting = n;
  if (working) return;
  working = true;
  while (waiting) {
    tch_node *first = waiting;
    waiting = first->next;
    destroy(first);
  }
  working = false;
}
