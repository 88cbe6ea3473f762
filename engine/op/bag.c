/* Weighted sums of rows of a matrix: the products of a sparse matrix, given by rows, with a dense one.
 *
 * Bag i holds the entries from ends[i - 1] (0 for the first) up to ends[i]; entry k stands for x[k] times row index[k] of the
 * weight. Every op of the family is the gradient of the others. */
#include "core/thread.h"
#include "op/index.h"
#include <string.h>

enum { PIECE = 1 << 15 }; /* products worth a thread */

/* -- checks: index, x (may be missing) and ends are vectors that fit ---------------------------------------------- */

static tch_status check_bags(tch_call *c, int index, int x, int ends, int64_t base, int64_t rows) {
  char name[32], text[TCH_SHAPE_TEXT];
  const int vectors[] = {index, ends, x};
  for (int i = 0; i < (x < 0 ? 2 : 3); i++)
    if (c->in[vectors[i]]->ndim != 1)
      return tch_op_fail(c, TCH_ERROR_SHAPE, "%s is %s, but a vector is needed", tch_op_input_name(c, vectors[i], name),
                         tch_shape_text(c->in[vectors[i]], text));
  int64_t count = c->in[index]->count, last = 0;
  if (x >= 0 && c->in[x]->count != count)
    return tch_op_fail(c, TCH_ERROR_SHAPE, "index has %lld entries, x has %lld", (long long) count,
                       (long long) c->in[x]->count);
  TCH_TRY(tch_index_check(c, index, base, rows, 0));
  TCH_TRY(tch_index_check(c, ends, 0, count + 1, 0));
  tch_tensor *e;
  TCH_TRY(tch_op_contiguous(c, c->in[ends], &e));
  for (int64_t i = 0; i < e->count; i++) {
    if (tch_index_at(e, i) < last) return tch_op_fail(c, TCH_ERROR_VALUE, "ends must not decrease");
    last = tch_index_at(e, i);
  }
  if (last != count)
    return tch_op_fail(c, TCH_ERROR_VALUE, "the last of ends is %lld, but index has %lld entries", (long long) last,
                       (long long) count);
  return TCH_OK;
}

static tch_status check_matrix(tch_call *c, int i) {
  char name[32], text[TCH_SHAPE_TEXT];
  if (c->in[i]->ndim == 2) return TCH_OK;
  return tch_op_fail(c, TCH_ERROR_SHAPE, "%s is %s, but a matrix is needed", tch_op_input_name(c, i, name),
                     tch_shape_text(c->in[i], text));
}

static tch_status check_gradient(tch_call *c, int ends) {
  TCH_TRY(check_matrix(c, 0));
  if (c->in[0]->size[0] == c->in[ends]->count) return TCH_OK;
  return tch_op_fail(c, TCH_ERROR_SHAPE, "g has %lld rows, but there are %lld bags", (long long) c->in[0]->size[0],
                     (long long) c->in[ends]->count);
}

static void shape_of(tch_call *c, int ndim, int64_t rows, int64_t columns) {
  c->shape[0] = (tch_shape) {.type = c->in[0]->type, .ndim = ndim, .size = {rows, columns}};
}

/* -- walks -------------------------------------------------------------------------------------------------------- */

/* What the three forwards share. w (rows, width) and g (bags, width) have strides in elements. */
typedef struct job {
  tch_dtype type;
  int64_t bags, width, base, ws[2], gs[2];
  const tch_tensor *index, *ends;
  void *w, *g, *x;
} job;

static char *address(const tch_tensor *t) {
  return (char *) t->storage->data + t->offset * tch_dtype_bytes(t->type);
}

static void matrix(const tch_tensor *t, void **data, int64_t stride[2]) {
  *data = address(t);
  memcpy(stride, t->stride, 2 * sizeof *stride);
}

/* The walk over entries begin..end of bags, columns from..to: STEP sees the value x[k], the row w and the bag's row g. */
#define WALK(T, STEP)                                                                  \
  for (int64_t b = bag; b < last; b++) {                                               \
    int64_t k = b ? tch_index_at(j->ends, b - 1) : 0, end = tch_index_at(j->ends, b);  \
    T *g = (T *) j->g + b * j->gs[0], *x = j->x;                                       \
    for (; k < end; k++) {                                                             \
      T *w = (T *) j->w + (tch_index_at(j->index, k) - j->base) * j->ws[0];            \
      STEP                                                                             \
    }                                                                                  \
  }
#define FOR_FLOATS(STEP)             \
  if (j->type == TCH_FLOAT) {        \
    WALK(float, STEP(float))         \
  } else {                           \
    WALK(double, STEP(double))       \
  }

static void sum_piece(void *context, int64_t bag, int64_t last) {
  const job *j = context;
#define STEP(T) for (int64_t i = 0; i < j->width; i++) g[i * j->gs[1]] += x[k] * w[i * j->ws[1]];
  FOR_FLOATS(STEP)
#undef STEP
}

/* Bags share rows of w, so threads take columns. */
static void spread_piece(void *context, int64_t from, int64_t to) {
  const job *j = context;
  const int64_t bag = 0, last = j->bags;
#define STEP(T) for (int64_t i = from; i < to; i++) w[i * j->ws[1]] += x[k] * g[i * j->gs[1]];
  FOR_FLOATS(STEP)
#undef STEP
}

static void dot_piece(void *context, int64_t bag, int64_t last) {
  const job *j = context;
#define STEP(T)                                                                        \
  T dot = 0;                                                                           \
  for (int64_t i = 0; i < j->width; i++) dot += w[i * j->ws[1]] * g[i * j->gs[1]];     \
  x[k] = dot;
  FOR_FLOATS(STEP)
#undef STEP
}

static tch_status start(tch_call *c, job *j, int index, int ends, int64_t base, int64_t width) {
  tch_tensor *at, *until;
  TCH_TRY(tch_op_contiguous(c, c->in[index], &at));
  TCH_TRY(tch_op_contiguous(c, c->in[ends], &until));
  *j = (job) {.type = c->in[0]->type, .bags = until->count, .width = width, .base = base, .index = at, .ends = until};
  return TCH_OK;
}

static int64_t grain(int64_t n, int64_t products) {
  int64_t each = products > n ? products / n : 1;
  return each < PIECE ? PIECE / each : 1;
}

/* -- bag: y[i] = sum over entries k of bag i of x[k] weight[index[k]] ---------------------------------------------- */

static tch_status bag_shape(tch_call *c) {
  const tch_bag_attr *a = c->attr;
  TCH_TRY(tch_op_same_float(c, 1 | 1 << 2));
  TCH_TRY(check_matrix(c, 0));
  TCH_TRY(check_bags(c, 1, 2, 3, a->base, c->in[0]->size[0]));
  shape_of(c, 2, c->in[3]->count, c->in[0]->size[1]);
  return TCH_OK;
}

static tch_status bag_forward(tch_call *c) {
  const tch_bag_attr *a = c->attr;
  tch_tensor *x, *y = c->out[0];
  job j;
  TCH_TRY(tch_op_contiguous(c, c->in[2], &x));
  TCH_TRY(start(c, &j, 1, 3, a->base, y->size[1]));
  TCH_TRY(tch_tensor_fill(y, 0));
  if (y->count == 0 || x->count == 0) return TCH_OK;
  matrix(c->in[0], &j.w, j.ws);
  matrix(y, &j.g, j.gs);
  j.x = address(x);
  tch_parallel(j.bags, grain(j.bags, x->count * j.width), sum_piece, &j);
  return TCH_OK;
}

static tch_status bag_backward(tch_call *c) {
  const tch_bag_attr *a = c->attr;
  tch_tensor *g = NULL;
  if (tch_wants(c, 0)) {
    TCH_TRY(tch_bag_weight_grad(c->gout[0], c->in[1], c->in[2], c->in[3], c->in_shape[0].size[0], a->base, &g));
    TCH_TRY(tch_grad_give(c, 0, g));
  }
  if (!tch_wants(c, 2)) return TCH_OK;
  g = NULL;
  TCH_TRY(tch_bag_value_grad(c->gout[0], c->in[0], c->in[1], c->in[3], a->base, &g));
  return tch_grad_give(c, 2, g);
}

const tch_op_body tch_op_bag = {.shape = bag_shape, .forward = bag_forward, .backward_ops = bag_backward,
                                .save_in = 1 << 1 | 1 << 3, .save_for = {1 << 2, 0, 1}};

/* -- bag_weight_grad: dw[r] = sum over entries k with index r, in bag i, of x[k] g[i] ------------------------------ */

static tch_status bag_weight_grad_shape(tch_call *c) {
  const tch_bag_weight_grad_attr *a = c->attr;
  TCH_TRY(tch_op_same_float(c, 1 | 1 << 2));
  if (a->rows < 0) return tch_op_fail(c, TCH_ERROR_VALUE, "rows is %lld", (long long) a->rows);
  TCH_TRY(check_gradient(c, 3));
  TCH_TRY(check_bags(c, 1, 2, 3, a->base, a->rows));
  shape_of(c, 2, a->rows, c->in[0]->size[1]);
  return TCH_OK;
}

static tch_status bag_weight_grad_forward(tch_call *c) {
  const tch_bag_weight_grad_attr *a = c->attr;
  tch_tensor *x, *w = c->out[0];
  job j;
  TCH_TRY(tch_op_contiguous(c, c->in[2], &x));
  TCH_TRY(start(c, &j, 1, 3, a->base, w->size[1]));
  TCH_TRY(tch_tensor_fill(w, 0));
  if (w->count == 0 || x->count == 0) return TCH_OK;
  matrix(w, &j.w, j.ws);
  matrix(c->in[0], &j.g, j.gs);
  j.x = address(x);
  tch_parallel(j.width, grain(j.width, x->count * j.width), spread_piece, &j);
  return TCH_OK;
}

static tch_status bag_weight_grad_backward(tch_call *c) {
  const tch_bag_weight_grad_attr *a = c->attr;
  tch_tensor *g = NULL;
  if (tch_wants(c, 0)) {
    TCH_TRY(tch_bag(c->gout[0], c->in[1], c->in[2], c->in[3], a->base, &g));
    TCH_TRY(tch_grad_give(c, 0, g));
  }
  if (!tch_wants(c, 2)) return TCH_OK;
  g = NULL;
  TCH_TRY(tch_bag_value_grad(c->in[0], c->gout[0], c->in[1], c->in[3], a->base, &g));
  return tch_grad_give(c, 2, g);
}

const tch_op_body tch_op_bag_weight_grad = {.shape = bag_weight_grad_shape, .forward = bag_weight_grad_forward,
                                            .backward_ops = bag_weight_grad_backward, .save_in = 1 << 1 | 1 << 3,
                                            .save_for = {1 << 2, 0, 1}};

/* -- bag_value_grad: dx[k] = g[i] . weight[index[k]] for entry k of bag i ------------------------------------------ */

static tch_status bag_value_grad_shape(tch_call *c) {
  const tch_bag_value_grad_attr *a = c->attr;
  TCH_TRY(tch_op_same_float(c, 3));
  TCH_TRY(check_gradient(c, 3));
  TCH_TRY(check_matrix(c, 1));
  if (c->in[0]->size[1] != c->in[1]->size[1])
    return tch_op_fail(c, TCH_ERROR_SHAPE, "g has %lld columns, weight has %lld", (long long) c->in[0]->size[1],
                       (long long) c->in[1]->size[1]);
  TCH_TRY(check_bags(c, 2, -1, 3, a->base, c->in[1]->size[0]));
  shape_of(c, 1, c->in[2]->count, 0);
  return TCH_OK;
}

static tch_status bag_value_grad_forward(tch_call *c) {
  const tch_bag_value_grad_attr *a = c->attr;
  tch_tensor *x = c->out[0];
  job j;
  TCH_TRY(start(c, &j, 2, 3, a->base, c->in[0]->size[1]));
  if (x->count == 0) return TCH_OK;
  matrix(c->in[1], &j.w, j.ws);
  matrix(c->in[0], &j.g, j.gs);
  j.x = address(x);
  tch_parallel(j.bags, grain(j.bags, x->count * j.width), dot_piece, &j);
  return TCH_OK;
}

static tch_status bag_value_grad_backward(tch_call *c) {
  const tch_bag_value_grad_attr *a = c->attr;
  tch_tensor *g = NULL;
  if (tch_wants(c, 0)) {
    TCH_TRY(tch_bag(c->in[1], c->in[2], c->gout[0], c->in[3], a->base, &g));
    TCH_TRY(tch_grad_give(c, 0, g));
  }
  if (!tch_wants(c, 1)) return TCH_OK;
  g = NULL;
  TCH_TRY(tch_bag_weight_grad(c->in[0], c->in[2], c->gout[0], c->in[3], c->in_shape[1].size[0], a->base, &g));
  return tch_grad_give(c, 1, g);
}

const tch_op_body tch_op_bag_value_grad = {.shape = bag_value_grad_shape, .forward = bag_value_grad_forward,
                                           .backward_ops = bag_value_grad_backward, .save_in = 1 << 2 | 1 << 3,
                                           .save_for = {1 << 1, 1}, .dense = true};
