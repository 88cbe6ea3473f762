/* Ops along a dimension or by position: cumulative sums and products, triangles of matrices, one-hot rows. */
#include "core/cast.h"
#include "core/thread.h"
#include "op/index.h"
#include "op/line.h"
#include <string.h>

static int64_t grain(int64_t work) { return work > 16384 ? 1 : 16384 / (work > 0 ? work : 1); }

typedef struct job {
  const tch_tensor *x;
  tch_tensor *y;
  tch_line line;
} job;

typedef void (*piece)(void *context, int64_t begin, int64_t end);

static tch_status along_shape(tch_call *c, int64_t dim) {
  int d;
  TCH_TRY(tch_op_shape_like(c, 0, c->in[0]));
  return tch_op_line_dim(c, c->in[0], dim, &d);
}

/* Calls run for all lines of out[0], with x the input made contiguous. */
static tch_status along(tch_call *c, int64_t dim, piece run) {
  tch_tensor *x;
  TCH_TRY(tch_op_contiguous(c, c->in[0], &x));
  job k = {x, c->out[0], tch_line_of(x->ndim, x->size, dim)};
  if (x->count > 0) tch_parallel(k.line.outer * k.line.inner, grain(k.line.n), run, &k);
  return TCH_OK;
}

/* Running totals of lines [begin, end); floating types accumulate in double, the others modulo their range. */
#define RUNNING(name, LINE)                                                                              \
  static void name(void *context, int64_t begin, int64_t end) {                                          \
    const job *k = context;                                                                              \
    int64_t n = k->line.n, step = k->line.inner;                                                         \
    for (int64_t r = begin; r < end; r++) {                                                              \
      int64_t at = r / step * n * step + r % step;                                                       \
      switch (k->x->type) { TCH_DTYPES(LINE) default: break; }                                           \
    }                                                                                                    \
  }
#define RUN_LINE(ID, T, TOTAL, start, OPERATOR)                                                          \
  case TCH_##ID: {                                                                                       \
    const T *x = TCH_DATA(T, k->x) + at;                                                                 \
    T *y = TCH_DATA(T, k->y) + at;                                                                       \
    TOTAL total = start;                                                                                 \
    for (int64_t i = 0; i < n; i++) y[i * step] = (T) (total = total OPERATOR (TOTAL) x[i * step]);      \
    break;                                                                                               \
  }
#define TOTAL_OF(T) __typeof__(_Generic((T) 0, float: 0.0, double: 0.0, default: (uint64_t) 0))
#define SUM_LINE(ID, T, name, floating) RUN_LINE(ID, T, TOTAL_OF(T), 0, +)
#define PRODUCT_LINE(ID, T, name, floating) RUN_LINE(ID, T, TOTAL_OF(T), 1, *)
RUNNING(running_sums, SUM_LINE)
RUNNING(running_products, PRODUCT_LINE)

/* -- cumsum: y_i = x_1 + ... + x_i -------------------------------------------------------------------------------- */

static tch_status cumsum_shape(tch_call *c) { return along_shape(c, ((const tch_cumsum_attr *) c->attr)->dim); }

static tch_status cumsum_forward(tch_call *c) { return along(c, ((const tch_cumsum_attr *) c->attr)->dim, running_sums); }

/* dx_i = g_i + ... + g_n: the running sums from the other end. */
static tch_status cumsum_backward(tch_call *c) {
  const tch_cumsum_attr *a = c->attr;
  int ndims = c->in_shape[0].ndim > 0;
  tch_tensor *turned = NULL, *sums = NULL, *g = NULL;
  tch_status status = tch_flip(c->gout[0], &a->dim, ndims, &turned);
  if (status == TCH_OK) status = tch_cumsum(turned, a->dim, &sums);
  if (status == TCH_OK) status = tch_flip(sums, &a->dim, ndims, &g);
  tch_tensor_release(turned);
  tch_tensor_release(sums);
  return tch_grad_pass(c, 0, status, &g);
}

const tch_op_body tch_op_cumsum = {.shape = cumsum_shape, .forward = cumsum_forward, .backward_ops = cumsum_backward,
                                   .in_place = true, .dense = true};

/* -- cumprod: y_i = x_1 ... x_i ----------------------------------------------------------------------------------- */

static tch_status cumprod_shape(tch_call *c) { return along_shape(c, ((const tch_cumprod_attr *) c->attr)->dim); }

static tch_status cumprod_forward(tch_call *c) {
  return along(c, ((const tch_cumprod_attr *) c->attr)->dim, running_products);
}

/* dx_i = (x_1 ... x_{i-1}) s_i with s_i = g_i + x_{i+1} s_{i+1}: no division, so zeros need no care. */
#define CUMPROD_BACKWARD(T)                                                              \
  static void cumprod_backward_##T(const tch_line *l, int64_t at, const T *x, const T *g, T *dx, double alpha, double beta, \
                                   double *before) {                                     \
    double product = 1, tail = 0;                                                        \
    for (int64_t i = 0; i < l->n; i++) {                                                 \
      before[i] = product;                                                               \
      product *= x[at + i * l->inner];                                                   \
    }                                                                                    \
    for (int64_t i = l->n - 1; i >= 0; i--) {                                            \
      int64_t e = at + i * l->inner;                                                     \
      tail = g[e] + (i + 1 < l->n ? x[e + l->inner] * tail : 0);                         \
      dx[e] = (T) (alpha * before[i] * tail + (beta != 0 ? dx[e] : 0));                  \
    }                                                                                    \
  }
CUMPROD_BACKWARD(float)
CUMPROD_BACKWARD(double)

static tch_status cumprod_backward(tch_call *c) {
  const tch_cumprod_attr *a = c->attr;
  tch_tensor *x, *g, *dx, *before;
  double alpha, beta;
  TCH_TRY(tch_op_contiguous(c, c->in[0], &x));
  TCH_TRY(tch_op_contiguous(c, c->gout[0], &g));
  tch_line l = tch_line_of(x->ndim, x->size, a->dim);
  tch_shape room = {.type = TCH_DOUBLE, .ndim = 1, .size = {l.n}};
  TCH_TRY(tch_op_temp(c, &room, &before));
  TCH_TRY(tch_grad_open(c, 0, &dx, &alpha, &beta));
  for (int64_t r = 0; r < l.outer * l.inner && x->count; r++) {
    int64_t at = r / l.inner * l.n * l.inner + r % l.inner;
    if (x->type == TCH_FLOAT)
      cumprod_backward_float(&l, at, tch_tensor_data(x), tch_tensor_data(g), tch_tensor_data(dx), alpha, beta,
                             tch_tensor_data(before));
    else
      cumprod_backward_double(&l, at, tch_tensor_data(x), tch_tensor_data(g), tch_tensor_data(dx), alpha, beta,
                              tch_tensor_data(before));
  }
  return TCH_OK;
}

const tch_op_body tch_op_cumprod = {.shape = cumprod_shape, .forward = cumprod_forward, .backward = cumprod_backward,
                                    .save_in = 1, .in_place = true, .dense = true};

/* -- tril, triu: the matrices of x without what lies above, or below, diagonal k ---------------------------------- */

static tch_status triangle_shape(tch_call *c) {
  char text[TCH_SHAPE_TEXT];
  if (c->in[0]->ndim < 2)
    return tch_op_fail(c, TCH_ERROR_SHAPE, "a matrix or a batch of them is needed, but the tensor is %s",
                       tch_shape_text(c->in[0], text));
  return tch_op_shape_like(c, 0, c->in[0]);
}

static int64_t clamp(int64_t v, int64_t low, int64_t high) { return v < low ? low : v > high ? high : v; }

/* Columns [keep_from, keep_to) of row i stay: all up to column i + k, or all from it on. */
static tch_status triangle(tch_call *c, int64_t k, bool lower) {
  tch_tensor *y = c->out[0];
  int64_t rows = y->size[y->ndim - 2], columns = y->size[y->ndim - 1], bytes = tch_dtype_bytes(y->type);
  if (!tch_tensor_same_view(y, c->in[0])) TCH_TRY(tch_tensor_copy(y, c->in[0]));
  k = clamp(k, -rows - columns, rows + columns);
  char *data = tch_tensor_data(y);
  for (int64_t r = 0; columns > 0 && r < y->count / columns; r++) {
    int64_t split = clamp(r % rows + k + (lower ? 1 : 0), 0, columns); /* first column of the upper part */
    char *row = data + r * columns * bytes;
    if (lower) memset(row + split * bytes, 0, (size_t) ((columns - split) * bytes));
    else memset(row, 0, (size_t) (split * bytes));
  }
  return TCH_OK;
}

static tch_status tril_forward(tch_call *c) { return triangle(c, ((const tch_tril_attr *) c->attr)->k, true); }

static tch_status tril_backward(tch_call *c) {
  tch_tensor *g = NULL;
  return tch_grad_pass(c, 0, tch_tril(c->gout[0], ((const tch_tril_attr *) c->attr)->k, &g), &g);
}

const tch_op_body tch_op_tril = {.shape = triangle_shape, .forward = tril_forward, .backward_ops = tril_backward,
                                 .in_place = true, .dense = true};

static tch_status triu_forward(tch_call *c) { return triangle(c, ((const tch_triu_attr *) c->attr)->k, false); }

static tch_status triu_backward(tch_call *c) {
  tch_tensor *g = NULL;
  return tch_grad_pass(c, 0, tch_triu(c->gout[0], ((const tch_triu_attr *) c->attr)->k, &g), &g);
}

const tch_op_body tch_op_triu = {.shape = triangle_shape, .forward = triu_forward, .backward_ops = triu_backward,
                                 .in_place = true, .dense = true};

/* -- one_hot: a new last dimension of `classes`, zero but for a 1 at the index ------------------------------------ */

static tch_status one_hot_shape(tch_call *c) {
  const tch_one_hot_attr *a = c->attr;
  TCH_TRY(tch_op_shape_like(c, 0, c->in[0]));
  if (a->type < 0 || a->type >= TCH_DTYPE_COUNT)
    return tch_op_fail(c, TCH_ERROR_TYPE, "there is no data type %lld", (long long) a->type);
  if (a->classes < 1) return tch_op_fail(c, TCH_ERROR_VALUE, "%lld classes are not possible", (long long) a->classes);
  int n = c->shape[0].ndim;
  if (n == TCH_MAX_DIMS) return tch_op_fail(c, TCH_ERROR_SHAPE, "the index has %d dimensions already", n);
  c->shape[0].type = (tch_dtype) a->type;
  c->shape[0].size[n] = a->classes;
  c->shape[0].ndim = n + 1;
  return tch_index_check(c, 0, a->base, a->classes, n);
}

static tch_status one_hot_forward(tch_call *c) {
  const tch_one_hot_attr *a = c->attr;
  tch_tensor *index, *y = c->out[0];
  TCH_TRY(tch_op_contiguous(c, c->in[0], &index));
  TCH_TRY(tch_tensor_fill(y, 0));
  const double one = 1;
  for (int64_t i = 0; i < index->count; i++) {
    int64_t at = i * a->classes + tch_index_at(index, i) - a->base;
    tch_store_double(y->type, (char *) tch_tensor_data(y) + at * tch_dtype_bytes(y->type), 1, &one, 1);
  }
  return TCH_OK;
}

const tch_op_body tch_op_one_hot = {.shape = one_hot_shape, .forward = one_hot_forward, .dense = true};
