/* A backward pass: visits the nodes between ys and the leaves (or xs) in an order in which every gradient of a node's
 * outputs is complete before the node runs. The pass keeps its own notes on nodes, so that passes may nest. */
#include "autograd/tape.h"
#include "core/error.h"
#include "core/memory.h"
#include <string.h>

/* Notes on one node. */
typedef struct entry {
  tch_node *node;
  int pending;       /* edges into this node that have not delivered yet */
  bool needed;       /* leads to something asked for */
  tch_tensor **gout; /* [node->nout], owned */
} entry;

/* An x whose gradient was asked for. */
typedef struct target {
  const tch_node *node;
  int index;
  tch_tensor *grad; /* owned */
} target;

struct tch_pass {
  int flags;
  bool failed;
  entry *entries;
  int nentries, capacity;
  int *slot; /* open hash from node to entry, 2 * capacity places, -1: free */
  int *ready;
  int nready;
  target *targets;
  int ntargets;
  entry *host;           /* the host node that waits for its input gradients */
  tch_tensor **host_gin; /* [host->node->nin], owned: those given so far */
};

/* -- growing arrays --------------------------------------------------------------------------------------------- */

static tch_status grow(void **array, size_t size, int old, int capacity) {
  void *bigger = tch_record_new(size * (size_t) capacity);
  if (bigger == NULL) return TCH_ERROR_MEMORY;
  if (old) memcpy(bigger, *array, size * (size_t) old);
  if (*array) tch_record_free(*array, size * (size_t) old);
  *array = bigger;
  return TCH_OK;
}

static int place_of(const tch_pass *p, const tch_node *n) {
  unsigned mask = 2u * (unsigned) p->capacity - 1;
  unsigned at = (unsigned) (((uintptr_t) n >> 4) * 2654435761u) & mask;
  while (p->slot[at] >= 0 && p->entries[p->slot[at]].node != n) at = (at + 1) & mask;
  return (int) at;
}

static tch_status reserve(tch_pass *p) {
  if (p->nentries < p->capacity) return TCH_OK;
  int old = p->capacity, capacity = old ? 2 * old : 64;
  TCH_TRY(grow((void **) &p->entries, sizeof *p->entries, old, capacity));
  p->capacity = capacity; /* the three arrays are released by this capacity, so a failure below must not lose it */
  if (p->slot) tch_record_free(p->slot, sizeof *p->slot * 2 * (size_t) old);
  p->slot = tch_record_new(sizeof *p->slot * 2 * (size_t) capacity);
  if (p->ready) tch_record_free(p->ready, sizeof *p->ready * (size_t) old);
  p->ready = tch_record_new(sizeof *p->ready * (size_t) capacity);
  if (p->slot == NULL || p->ready == NULL) return TCH_ERROR_MEMORY;
  memset(p->slot, -1, sizeof *p->slot * 2 * (size_t) capacity);
  for (int i = 0; i < p->nentries; i++) p->slot[place_of(p, p->entries[i].node)] = i;
  return TCH_OK;
}

/* Index of the entry of n, made if there is none. */
static tch_status enter(tch_pass *p, tch_node *n, int *index, bool *fresh) {
  TCH_TRY(reserve(p));
  int at = place_of(p, n);
  *fresh = p->slot[at] < 0;
  if (*fresh) {
    tch_tensor **gout = tch_record_new(sizeof *gout * (size_t) n->nout);
    if (gout == NULL) return TCH_ERROR_MEMORY;
    memset(gout, 0, sizeof *gout * (size_t) n->nout);
    tch_node_retain(n);
    p->entries[p->nentries] = (entry) {.node = n, .gout = gout};
    p->slot[at] = p->nentries++;
  }
  *index = p->slot[at];
  return TCH_OK;
}

static entry *entry_of(const tch_pass *p, const tch_node *n) { return &p->entries[p->slot[place_of(p, n)]]; }

/* -- finding the nodes ------------------------------------------------------------------------------------------ */

/* Enters every node reachable from the entries made so far and counts the edges into each. */
static tch_status discover(tch_pass *p) {
  for (int i = 0; i < p->nentries; i++) {
    tch_node *n = p->entries[i].node;
    if (n->freed)
      return tch_fail(TCH_ERROR_STATE, "backward: %s was walked through before and has dropped what it saved (pass retainGraph "
                      "= true to the first backward)", n->op ? n->op->schema.name : n->name);
    for (int k = 0; k < n->nin; k++) {
      int at;
      bool fresh;
      if (n->edge[k].node == NULL) continue;
      TCH_TRY(enter(p, n->edge[k].node, &at, &fresh));
      p->entries[at].pending++;
    }
  }
  return TCH_OK;
}

/* Marks the nodes that lead to something asked for: a depth-first walk with an explicit stack, marks spread on the way back. */
static tch_status mark_needed(tch_pass *p) {
  typedef struct frame { int at, edge; } frame;
  if (p->nentries == 0) return TCH_OK;
  size_t bytes = sizeof(frame) * (size_t) p->nentries, seen_bytes = (size_t) p->nentries;
  frame *stack = tch_record_new(bytes);
  char *seen = tch_record_new(seen_bytes);
  if (stack && seen) {
    memset(seen, 0, seen_bytes);
    for (int root = 0; root < p->nentries; root++) {
      int depth = 0;
      if (seen[root]) continue;
      seen[root] = 1;
      stack[depth++] = (frame) {root, 0};
      while (depth > 0) {
        frame *f = &stack[depth - 1];
        entry *e = &p->entries[f->at];
        if (f->edge == e->node->nin) {
          depth--;
          if (depth > 0 && e->needed) p->entries[stack[depth - 1].at].needed = true;
          continue;
        }
        tch_node *next = e->node->edge[f->edge++].node;
        if (next == NULL) continue;
        int at = p->slot[place_of(p, next)];
        if (seen[at]) {
          if (p->entries[at].needed) e->needed = true;
          continue;
        }
        seen[at] = 1;
        stack[depth++] = (frame) {at, 0};
      }
    }
  }
  bool failed = stack == NULL || seen == NULL;
  if (stack) tch_record_free(stack, bytes);
  if (seen) tch_record_free(seen, seen_bytes);
  return failed ? TCH_ERROR_MEMORY : TCH_OK;
}

/* -- gradients under way ---------------------------------------------------------------------------------------- */

/* sum += g, or sum = g. Takes g. */
static tch_status collect(const tch_pass *p, tch_tensor **sum, tch_tensor *g) {
  if (*sum == NULL) {
    *sum = g;
    return TCH_OK;
  }
  bool alone = !(p->flags & TCH_CREATE_GRAPH) && (*sum)->owner && atomic_load(&(*sum)->refs) == 1
               && atomic_load(&(*sum)->storage->refs) == 1;
  tch_tensor *total = alone ? *sum : NULL;
  tch_status status = tch_add(*sum, g, 1, &total);
  tch_tensor_release(g);
  if (status == TCH_OK && !alone) {
    tch_tensor_release(*sum);
    *sum = total;
  }
  return status;
}

/* Adds g to a leaf's gradient. Takes g. */
static tch_status collect_leaf(const tch_pass *p, tch_node *leaf, tch_tensor *g) {
  tch_tensor *sum = NULL;
  tch_status status = TCH_OK;
  if (leaf->grad == NULL) {
    bool alone = g->owner && atomic_load(&g->refs) == 1 && tch_tensor_contiguous(g) && atomic_load(&g->storage->refs) == 1;
    if (alone || p->flags & TCH_CREATE_GRAPH) {
      leaf->grad = g;
      return TCH_OK;
    }
    tch_shape shape = {.type = g->type, .ndim = g->ndim};
    memcpy(shape.size, g->size, sizeof *g->size * (size_t) g->ndim);
    status = tch_tensor_of(&shape, &sum);
    if (status == TCH_OK) status = tch_tensor_copy(sum, g);
  } else if (p->flags & TCH_CREATE_GRAPH) {
    status = tch_add(leaf->grad, g, 1, &sum);
  } else {
    status = tch_add(leaf->grad, g, 1, &leaf->grad);
    tch_tensor_release(g);
    return status;
  }
  tch_tensor_release(g);
  if (status != TCH_OK) {
    tch_tensor_release(sum);
    return status;
  }
  tch_tensor_release(leaf->grad);
  leaf->grad = sum;
  return TCH_OK;
}

/* Hands g (may be NULL) to the input's origin. Takes g. */
static tch_status send(tch_pass *p, const tch_edge *edge, tch_tensor *g) {
  entry *e = entry_of(p, edge->node);
  tch_status status = TCH_OK;
  if (g && e->needed) status = collect(p, &e->gout[edge->index], g);
  else tch_tensor_release(g);
  if (--e->pending == 0) p->ready[p->nready++] = (int) (e - p->entries);
  return status;
}

/* -- running a node --------------------------------------------------------------------------------------------- */

static tch_status check_saved(const tch_node *n, const tch_saved *s) {
  int64_t begin, end;
  if (s->tensor == NULL || s->tensor->storage == NULL) return TCH_OK;
  tch_tensor_range(s->tensor, &begin, &end);
  if (tch_storage_version(s->tensor->storage, begin, end) <= s->version) return TCH_OK;
  char text[TCH_SHAPE_TEXT];
  return tch_fail(TCH_ERROR_STATE, "backward: a tensor of %s that %s saved was overwritten after the forward pass (clone() it "
                  "before the write)", tch_shape_text(s->tensor, text), n->op->schema.name);
}

/* The saved tensor, for a graph of the gradient with its history. New reference. */
static tch_status recall(const tch_pass *p, const tch_saved *s, tch_node *from, int index, tch_tensor **out) {
  *out = NULL;
  if (s->tensor == NULL) return TCH_OK;
  if (!(p->flags & TCH_CREATE_GRAPH) || from == NULL) {
    tch_tensor_retain(*out = s->tensor);
    return TCH_OK;
  }
  TCH_TRY(tch_tensor_alias(s->tensor, out));
  return tch_history_put(*out, from, index);
}

/* An op of one input that saves only its result (tanh, exp) has a gradient that depends on x through y. For a graph of that
 * gradient x is there by its history, on the elements of y, which the op does not read as x. */
static tch_status stand_in(const tch_node *n, const tch_tensor *y, tch_tensor **x) {
  const tch_shape *s = &n->in_shape[0];
  if (n->nin != 1 || y == NULL || y->ndim != s->ndim || y->type != s->type
      || memcmp(y->size, s->size, sizeof *s->size * (size_t) s->ndim) != 0)
    return TCH_OK;
  TCH_TRY(tch_tensor_alias(y, x));
  return tch_history_put(*x, n->edge[0].node, n->edge[0].index);
}

static tch_status run_op(tch_pass *p, entry *e) {
  tch_node *n = e->node;
  tch_tensor *in[n->nin], *out[n->nout];
  tch_grad_slot slot[n->nin];
  memset(in, 0, sizeof in);
  memset(out, 0, sizeof out);
  memset(slot, 0, sizeof slot);
  tch_status status = TCH_OK;
  for (int i = 0; i < n->nin && status == TCH_OK; i++) {
    if (!(p->flags & TCH_OFF_TAPE)) status = check_saved(n, &n->saved_in[i]);
    if (status == TCH_OK) status = recall(p, &n->saved_in[i], n->edge[i].node, n->edge[i].index, &in[i]);
    slot[i].wanted = n->edge[i].node && entry_of(p, n->edge[i].node)->needed;
  }
  for (int o = 0; o < n->nout && status == TCH_OK; o++) {
    if (!(p->flags & TCH_OFF_TAPE)) status = check_saved(n, &n->saved_out[o]);
    tch_node *from = n->op->schema.plain_out >> o & 1 ? NULL : n; /* masks and statistics are constants */
    if (status == TCH_OK) status = recall(p, &n->saved_out[o], from, o, &out[o]);
  }
  if (status == TCH_OK && p->flags & TCH_CREATE_GRAPH && slot[0].wanted && in[0] == NULL) status = stand_in(n, out[0], &in[0]);
  tch_call c = {.op = n->op, .nin = n->nin, .nout = n->nout, .in = in, .out = out, .attr = n->attr, .gout = e->gout,
                .in_shape = n->in_shape, .gin = slot, .scale = 1, .graph = p->flags & TCH_CREATE_GRAPH};
  if (status == TCH_OK) status = tch_op_backward(&c);
  for (int i = 0; i < n->nin; i++) tch_tensor_release(in[i]);
  for (int o = 0; o < n->nout; o++) tch_tensor_release(out[o]);
  for (int i = 0; i < n->nin; i++) {
    if (n->edge[i].node && status == TCH_OK) status = send(p, &n->edge[i], slot[i].value);
    else tch_tensor_release(slot[i].value);
  }
  if (status == TCH_OK && !(p->flags & TCH_RETAIN_GRAPH)) {
    tch_node_drop_saved(n);
    n->freed = true;
  }
  return status;
}

static tch_status skip(tch_pass *p, entry *e) {
  for (int i = 0; i < e->node->nin; i++)
    if (e->node->edge[i].node) TCH_TRY(send(p, &e->node->edge[i], NULL));
  return TCH_OK;
}

static void drop_gout(entry *e) {
  for (int o = 0; o < e->node->nout; o++) {
    tch_tensor_release(e->gout[o]);
    e->gout[o] = NULL;
  }
}

static void forget_host(tch_pass *p) {
  if (p->host == NULL) return;
  int n = p->host->node->nin;
  for (int i = 0; i < n; i++) tch_tensor_release(p->host_gin[i]);
  tch_record_free(p->host_gin, sizeof *p->host_gin * (size_t) n);
  p->host = NULL;
}

static tch_status visit(tch_pass *p, entry *e) {
  tch_node *n = e->node;
  bool any = false;
  for (int o = 0; o < n->nout; o++) any = any || e->gout[o];
  for (int t = 0; t < p->ntargets; t++) {
    target *x = &p->targets[t];
    if (x->node != n || e->gout[x->index] == NULL) continue;
    tch_tensor_retain(x->grad = e->gout[x->index]);
  }
  if (n->leaf) {
    if (p->targets || !any) return TCH_OK;
    tch_tensor *g = e->gout[0];
    e->gout[0] = NULL;
    return collect_leaf(p, n, g);
  }
  if (!any || !e->needed) return skip(p, e);
  if (n->op) return run_op(p, e);
  p->host_gin = tch_record_new(sizeof *p->host_gin * (size_t) n->nin);
  if (p->host_gin == NULL) return TCH_ERROR_MEMORY;
  memset(p->host_gin, 0, sizeof *p->host_gin * (size_t) n->nin);
  p->host = e;
  return TCH_OK;
}

/* -- the pass --------------------------------------------------------------------------------------------------- */

/* The gradient to start from at y. New reference. */
static tch_status seed_of(const tch_tensor *y, tch_tensor *given, tch_tensor **out) {
  char a[TCH_SHAPE_TEXT], b[TCH_SHAPE_TEXT];
  *out = NULL;
  if (given) {
    if (given->type != y->type || given->count != y->count)
      return tch_fail(TCH_ERROR_SHAPE, "backward: the result is a %sTensor of %s, its gradient a %sTensor of %s",
                      tch_dtype_name(y->type), tch_shape_text(y, a), tch_dtype_name(given->type), tch_shape_text(given, b));
    if (!tch_tensor_same_size(given, y)) return tch_reshape(given, y->size, y->ndim, out);
    tch_tensor_retain(*out = given);
    return TCH_OK;
  }
  if (y->count != 1)
    return tch_fail(TCH_ERROR_SHAPE, "backward: the result has %lld elements (%s), so its gradient must be given",
                    (long long) y->count, tch_shape_text(y, a));
  TCH_TRY(tch_tensor_new(y->type, y->ndim, y->size, out));
  tch_status status = tch_tensor_fill(*out, 1);
  if (status != TCH_OK) tch_tensor_release(*out);
  return status;
}

static tch_status add_root(tch_pass *p, const tch_tensor *y, tch_tensor *given) {
  if (!tch_needs_grad(y))
    return tch_fail(TCH_ERROR_STATE, "backward: the result does not depend on anything that requires a gradient");
  if (!(p->flags & TCH_OFF_TAPE) && !tch_is_leaf(y)) {
    int64_t begin, end;
    tch_tensor_range(y, &begin, &end);
    if (y->storage && tch_storage_version(y->storage, begin, end) > y->history->version)
      return tch_fail(TCH_ERROR_STATE, "backward: the result was overwritten through another tensor on the same storage");
  }
  tch_tensor *g;
  int at;
  bool fresh;
  TCH_TRY(seed_of(y, given, &g));
  tch_status status = enter(p, y->history->from.node, &at, &fresh);
  if (status == TCH_OK) return collect(p, &p->entries[at].gout[y->history->from.index], g);
  tch_tensor_release(g);
  return status;
}

static tch_status add_targets(tch_pass *p, tch_tensor *const *xs, int nx) {
  size_t bytes = sizeof *p->targets * (size_t) (nx ? nx : 1);
  p->targets = tch_record_new(bytes);
  if (p->targets == NULL) return TCH_ERROR_MEMORY;
  memset(p->targets, 0, bytes);
  p->ntargets = nx;
  for (int i = 0; i < nx; i++) {
    const tch_edge *edge = tch_edge_of(xs[i]);
    if (edge == NULL && !(p->flags & TCH_ALLOW_UNUSED))
      return tch_fail(TCH_ERROR_STATE, "grad: input %d does not require a gradient", i + 1);
    if (edge) p->targets[i] = (target) {.node = edge->node, .index = edge->index};
  }
  return TCH_OK;
}

static tch_status prepare(tch_pass *p, tch_tensor *const *ys, tch_tensor *const *gys, int ny, tch_tensor *const *xs, int nx) {
  if (xs) TCH_TRY(add_targets(p, xs, nx));
  for (int i = 0; i < ny; i++) TCH_TRY(add_root(p, ys[i], gys ? gys[i] : NULL));
  int nroots = p->nentries;
  TCH_TRY(discover(p));
  for (int i = 0; i < p->nentries; i++) {
    entry *e = &p->entries[i];
    e->needed = xs == NULL && e->node->leaf;
    for (int t = 0; t < p->ntargets; t++) e->needed = e->needed || p->targets[t].node == e->node;
  }
  TCH_TRY(mark_needed(p));
  for (int i = 0; i < nroots; i++)
    if (p->entries[i].pending == 0) p->ready[p->nready++] = i;
  return TCH_OK;
}

tch_status tch_pass_new(tch_tensor *const *ys, tch_tensor *const *gys, int ny, tch_tensor *const *xs, int nx, int flags,
                        tch_pass **out) {
  tch_pass *p = tch_record_new(sizeof *p);
  if (p == NULL) return TCH_ERROR_MEMORY;
  *p = (tch_pass) {.flags = flags & TCH_CREATE_GRAPH ? flags | TCH_RETAIN_GRAPH : flags};
  bool on = tch_grad_enabled();
  tch_set_grad_enabled(p->flags & TCH_CREATE_GRAPH);
  tch_status status = prepare(p, ys, gys, ny, xs, nx);
  tch_set_grad_enabled(on);
  if (status != TCH_OK) tch_pass_free(p);
  else *out = p;
  return status;
}

tch_status tch_pass_run(tch_pass *p, tch_node **node) {
  bool on = tch_grad_enabled();
  tch_status status = TCH_OK;
  *node = NULL;
  if (p->failed) return tch_fail(TCH_ERROR_STATE, "backward: this pass has failed before");
  if (p->host) {
    drop_gout(p->host);
    for (int i = 0; i < p->host->node->nin && status == TCH_OK; i++) {
      tch_tensor *g = p->host_gin[i];
      p->host_gin[i] = NULL;
      if (p->host->node->edge[i].node) status = send(p, &p->host->node->edge[i], g);
    }
    if (!(p->flags & TCH_RETAIN_GRAPH)) p->host->node->freed = true;
    forget_host(p);
  }
  tch_set_grad_enabled(p->flags & TCH_CREATE_GRAPH);
  while (status == TCH_OK && p->nready > 0) {
    entry *e = &p->entries[p->ready[--p->nready]];
    status = visit(p, e);
    if (p->host) {
      if (status == TCH_OK) *node = e->node;
      break;
    }
    drop_gout(e);
  }
  tch_set_grad_enabled(on);
  p->failed = status != TCH_OK;
  return status;
}

tch_status tch_pass_grad(tch_pass *p, int output, tch_tensor **out) {
  *out = NULL;
  if (p->host == NULL || output < 0 || output >= p->host->node->nout)
    return tch_fail(TCH_ERROR_STATE, "backward: no function waits for a gradient of output %d", output + 1);
  if (p->host->gout[output]) tch_tensor_retain(*out = p->host->gout[output]);
  return TCH_OK;
}

bool tch_pass_wants(const tch_pass *p, int input) {
  if (p->host == NULL || input < 0 || input >= p->host->node->nin) return false;
  const tch_node *from = p->host->node->edge[input].node;
  return from && entry_of(p, from)->needed;
}

tch_status tch_pass_give(tch_pass *p, int input, tch_tensor *grad) {
  if (p->host == NULL || input < 0 || input >= p->host->node->nin)
    return tch_fail(TCH_ERROR_STATE, "backward: no function gives a gradient of input %d", input + 1);
  const tch_node *n = p->host->node;
  const tch_shape *want = &n->in_shape[input];
  if (grad && (grad->type != want->type || grad->count != tch_shape_count(want))) {
    char text[TCH_SHAPE_TEXT];
    return tch_fail(TCH_ERROR_SHAPE, "%s: the gradient given for input %d is a %sTensor of %s, which does not fit the input",
                    n->name, input + 1, tch_dtype_name(grad->type), tch_shape_text(grad, text));
  }
  tch_tensor *g = NULL;
  if (grad && (grad->ndim != want->ndim || memcmp(grad->size, want->size, sizeof *want->size * (size_t) want->ndim) != 0))
    TCH_TRY(tch_reshape(grad, want->size, want->ndim, &g));
  else if (grad) tch_tensor_retain(g = grad);
  tch_tensor_release(p->host_gin[input]);
  p->host_gin[input] = g;
  return TCH_OK;
}

tch_status tch_pass_result(tch_pass *p, int x, tch_tensor **out) {
  *out = NULL;
  if (x < 0 || x >= p->ntargets) return tch_fail(TCH_ERROR_VALUE, "grad: there is no input %d", x + 1);
  if (p->targets[x].grad) {
    tch_tensor_retain(*out = p->targets[x].grad);
    return TCH_OK;
  }
  if (p->flags & TCH_ALLOW_UNUSED) return TCH_OK;
  return tch_fail(TCH_ERROR_STATE, "grad: the result does not depend on input %d (pass allowUnused = true to get nil)", x + 1);
}

void tch_pass_free(tch_pass *p) {
  if (p == NULL) return;
  forget_host(p);
  for (int i = 0; i < p->nentries; i++) {
    entry *e = &p->entries[i];
    drop_gout(e);
    tch_record_free(e->gout, sizeof *e->gout * (size_t) e->node->nout);
    tch_node_release(e->node);
  }
  size_t capacity = (size_t) p->capacity;
  if (p->entries) tch_record_free(p->entries, sizeof *p->entries * capacity);
  if (p->slot) tch_record_free(p->slot, sizeof *p->slot * 2 * capacity);
  if (p->ready) tch_record_free(p->ready, sizeof *p->ready * capacity);
  for (int t = 0; t < p->ntargets; t++) tch_tensor_release(p->targets[t].grad);
  if (p->targets) tch_record_free(p->targets, sizeof *p->targets * (size_t) (p->ntargets ? p->ntargets : 1));
  tch_record_free(p, sizeof *p);
}

/* -- whole passes ----------------------------------------------------------------------------------------------- */

static tch_status run_whole(tch_pass *p) {
  tch_node *host;
  TCH_TRY(tch_pass_run(p, &host));
  if (host) return tch_fail(TCH_ERROR_STATE, "backward: %s is computed by the host language (use tch_pass_run)", host->name);
  return TCH_OK;
}

tch_status tch_backward(tch_tensor *y, tch_tensor *grad, int flags) {
  tch_pass *p;
  TCH_TRY(tch_pass_new(&y, &grad, 1, NULL, 0, flags, &p));
  tch_status status = run_whole(p);
  tch_pass_free(p);
  return status;
}

tch_status tch_gradients(tch_tensor *const *ys, tch_tensor *const *gys, int ny, tch_tensor *const *xs, int nx, int flags,
                         tch_tensor **out) {
  tch_pass *p;
  TCH_TRY(tch_pass_new(ys, gys, ny, xs, nx, flags, &p));
  tch_status status = run_whole(p);
  for (int i = 0; i < nx; i++) out[i] = NULL;
  for (int i = 0; i < nx && status == TCH_OK; i++) status = tch_pass_result(p, i, &out[i]);
  for (int i = 0; i < nx && status != TCH_OK; i++) {
    tch_tensor_release(out[i]);
    out[i] = NULL;
  }
  tch_pass_free(p);
  return status;
}
