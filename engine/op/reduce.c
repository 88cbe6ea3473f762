/* Reductions over some dimensions or over all. What is reduced is brought into rows of contiguous numbers: leading dimensions
 * that stay, trailing ones that go. Sums of integers are Long. */
#include "kernel/reduce.h"
#include "core/cpu.h"
#include "core/thread.h"
#include "op/op.h"
#include <math.h>
#include <string.h>

TCH_KERNEL_FAMILY(reduce)

enum { WORK = 1 << 15 };

/* -- which dimensions ------------------------------------------------------------------------------------------- */

/* Bit per dimension that is reduced; dims empty: all. */
static tch_status read_dims(const tch_call *c, const tch_tensor *x, const tch_ints *dims, uint32_t *mask) {
  *mask = dims->n == 0 ? (1u << x->ndim) - 1 : 0;
  for (int i = 0; i < dims->n; i++) {
    int d;
    TCH_TRY(tch_op_dim(c, x, dims->v[i], &d));
    if (*mask >> d & 1) return tch_op_fail(c, TCH_ERROR_VALUE, "dimension %d is given twice", d + 1);
    *mask |= 1u << d;
  }
  return TCH_OK;
}

static tch_status check_not_empty(const tch_call *c) {
  char text[TCH_SHAPE_TEXT];
  if (c->in[0]->count > 0) return TCH_OK;
  return tch_op_fail(c, TCH_ERROR_SHAPE, "the tensor has no elements (%s)", tch_shape_text(c->in[0], text));
}

static void reduced_shape(const tch_tensor *x, uint32_t mask, bool keep, tch_shape *out) {
  out->type = x->type;
  out->ndim = 0;
  for (int d = 0; d < x->ndim; d++)
    if (!(mask >> d & 1)) out->size[out->ndim++] = x->size[d];
    else if (keep) out->size[out->ndim++] = 1;
}

static tch_status shape_over(tch_call *c, const tch_ints *dims, bool keep, bool floats) {
  uint32_t mask;
  if (floats) TCH_TRY(tch_op_same_float(c, 1));
  TCH_TRY(read_dims(c, c->in[0], dims, &mask));
  reduced_shape(c->in[0], mask, keep, &c->shape[0]);
  if (!tch_dtype_floating(c->in[0]->type)) c->shape[0].type = TCH_LONG;
  return TCH_OK;
}

/* x as (rows, columns), contiguous, rows being what stays. columns_first: it is (columns, rows) instead, which a sum takes as
 * it is. */
typedef struct rows {
  tch_tensor *x;
  int64_t rows, columns;
  bool columns_first;
} rows;

static tch_status as_rows(tch_call *c, tch_tensor *x, uint32_t mask, bool either, rows *out) {
  int64_t order[TCH_MAX_DIMS], kept = 1, gone = x->ndim || x->count ? 1 : 0; /* without a shape: nothing */
  int n = 0, first = 0;
  for (int d = 0; d < x->ndim; d++)
    if (!(mask >> d & 1)) order[n++] = d, kept *= x->size[d];
  first = n;
  for (int d = 0; d < x->ndim; d++)
    if (mask >> d & 1) order[n++] = d, gone *= x->size[d];
  *out = (rows) {.rows = kept, .columns = gone};
  bool leading = first > 0 && first < n; /* the reduced dimensions come first already */
  for (int d = 0; d < n - first && leading; d++) leading = mask >> d & 1;
  if (either && leading) {
    out->columns_first = true;
    return tch_op_contiguous(c, x, &out->x);
  }
  bool sorted = true;
  for (int i = 0; i < n; i++) sorted = sorted && order[i] == i;
  if (sorted) return tch_op_contiguous(c, x, &out->x);
  tch_tensor *view = NULL;
  bool on = tch_grad_enabled();
  tch_set_grad_enabled(false);
  tch_status status = tch_permute(x, order, n, &view);
  tch_set_grad_enabled(on);
  if (status != TCH_OK) return status;
  tch_shape shape = {.type = x->type, .ndim = n};
  memcpy(shape.size, view->size, sizeof *shape.size * (size_t) n);
  status = tch_op_temp(c, &shape, &out->x);
  if (status == TCH_OK) status = tch_tensor_copy(out->x, view);
  tch_tensor_release(view);
  return status;
}

/* -- a result per row ------------------------------------------------------------------------------------------- */

typedef struct work {
  rows r;
  tch_tensor *y;
  double (*reduce)(const struct work *w, const void *row);
  const tch_reduce_kernels *table;
  double p;
  bool unbiased;
} work;

static void put(const tch_tensor *t, int64_t i, double v) {
  if (t->type == TCH_DOUBLE) TCH_DATA(double, t)[i] = v;
  else TCH_DATA(float, t)[i] = (float) v;
}

static double get(const tch_tensor *t, int64_t i) {
  return t->type == TCH_DOUBLE ? TCH_DATA(double, t)[i] : TCH_DATA(float, t)[i];
}

static void reduce_piece(void *context, int64_t begin, int64_t end) {
  const work *w = context;
  int64_t bytes = tch_dtype_bytes(w->r.x->type);
  const char *data = tch_tensor_data(w->r.x);
  for (int64_t i = begin; i < end; i++) put(w->y, i, w->reduce(w, data + i * w->r.columns * bytes));
}

static int64_t grain_of(int64_t columns) { return columns >= WORK ? 1 : WORK / (columns ? columns : 1); }

static tch_status reduce_floats(tch_call *c, const tch_ints *dims, work *w) {
  uint32_t mask;
  TCH_TRY(read_dims(c, c->in[0], dims, &mask));
  w->table = tch_reduce_table(c->in[0]->type);
  w->y = c->out[0];
  TCH_TRY(as_rows(c, c->in[0], mask, false, &w->r));
  tch_parallel(w->r.rows, grain_of(w->r.columns), reduce_piece, w);
  return TCH_OK;
}

/* -- sum and mean ----------------------------------------------------------------------------------------------- */

enum { PART = 1 << 16 }; /* a long row is summed in parts, for the pool */

typedef struct long_sum {
  const tch_reduce_kernels *table;
  const char *data;
  int64_t n, bytes;
  double *part;
} long_sum;

static void part_piece(void *context, int64_t begin, int64_t end) {
  const long_sum *s = context;
  for (int64_t i = begin; i < end; i++) {
    int64_t at = i * PART, n = s->n - at < PART ? s->n - at : PART;
    s->part[i] = s->table->sum(n, s->data + at * s->bytes);
  }
}

/* One row: its parts side by side, then their sum in order. */
static tch_status sum_long_row(tch_call *c, const rows *r, double *total) {
  long_sum s = {tch_reduce_table(r->x->type), tch_tensor_data(r->x), r->columns, tch_dtype_bytes(r->x->type), NULL};
  int64_t parts = (r->columns + PART - 1) / PART;
  tch_shape shape = {.type = TCH_DOUBLE, .ndim = 1, .size = {parts}};
  tch_tensor *t;
  TCH_TRY(tch_op_temp(c, &shape, &t));
  s.part = tch_tensor_data(t);
  tch_parallel(parts, 1, part_piece, &s);
  *total = 0;
  for (int64_t i = 0; i < parts; i++) *total += s.part[i];
  return TCH_OK;
}

typedef struct column_sum {
  const tch_reduce_kernels *table;
  rows r;
  double *sum, scale;
  tch_tensor *y;
} column_sum;

/* Columns [begin, end) of (columns, rows): sums down the first dimension. */
static void column_piece(void *context, int64_t begin, int64_t end) {
  const column_sum *s = context;
  int64_t bytes = tch_dtype_bytes(s->r.x->type);
  const char *data = tch_tensor_data(s->r.x);
  for (int64_t i = begin; i < end; i++) s->sum[i] = 0;
  for (int64_t k = 0; k < s->r.columns; k++) s->table->add(end - begin, data + (k * s->r.rows + begin) * bytes, s->sum + begin);
  for (int64_t i = begin; i < end; i++) put(s->y, i, s->scale * s->sum[i]);
}

static double sum_row(const work *w, const void *row) { return w->p * w->table->sum(w->r.columns, row); }

static tch_status sum_floats(tch_call *c, const tch_ints *dims, bool mean) {
  work w = {.reduce = sum_row, .y = c->out[0]};
  uint32_t mask;
  TCH_TRY(read_dims(c, c->in[0], dims, &mask));
  w.table = tch_reduce_table(c->in[0]->type);
  TCH_TRY(as_rows(c, c->in[0], mask, true, &w.r));
  w.p = mean ? 1 / (double) w.r.columns : 1;
  if (w.r.columns_first) {
    tch_shape shape = {.type = TCH_DOUBLE, .ndim = 1, .size = {w.r.rows}};
    tch_tensor *sums;
    TCH_TRY(tch_op_temp(c, &shape, &sums));
    column_sum s = {w.table, w.r, tch_tensor_data(sums), w.p, c->out[0]};
    tch_parallel(w.r.rows, grain_of(w.r.columns), column_piece, &s);
    return TCH_OK;
  }
  if (w.r.rows == 1 && w.r.columns > PART) {
    double total;
    TCH_TRY(sum_long_row(c, &w.r, &total));
    put(c->out[0], 0, w.p * total);
    return TCH_OK;
  }
  tch_parallel(w.r.rows, grain_of(w.r.columns), reduce_piece, &w);
  return TCH_OK;
}

static tch_status reduce_integers(tch_call *c, const tch_ints *dims, bool product) {
  uint32_t mask;
  rows r;
  TCH_TRY(read_dims(c, c->in[0], dims, &mask));
  TCH_TRY(as_rows(c, c->in[0], mask, false, &r));
  int64_t *y = tch_tensor_data(c->out[0]);
  switch (r.x->type) {
#define SUM(ID, T, NAME, FLOATING)                                                              \
  case TCH_##ID:                                                                                \
    for (int64_t i = 0; i < r.rows; i++) {                                                      \
      const T *row = (const T *) tch_tensor_data(r.x) + i * r.columns;                          \
      uint64_t total = product;                                                                 \
      for (int64_t k = 0; k < r.columns; k++)                                                   \
        total = product ? total * (uint64_t) (int64_t) row[k] : total + (uint64_t) (int64_t) row[k]; \
      y[i] = (int64_t) total;                                                                   \
    }                                                                                           \
    break;
    TCH_DTYPES(SUM)
#undef SUM
    default: break;
  }
  return TCH_OK;
}

static tch_status sum_shape(tch_call *c) {
  const tch_sum_attr *a = c->attr;
  return shape_over(c, &a->dims, a->keep, false);
}

static tch_status sum_forward(tch_call *c) {
  const tch_sum_attr *a = c->attr;
  return tch_dtype_floating(c->in[0]->type) ? sum_floats(c, &a->dims, false) : reduce_integers(c, &a->dims, false);
}

/* g, the gradient of a reduction, with the sizes of input 0 again. New reference. */
static tch_status spread(const tch_call *c, tch_tensor *g, const tch_ints *dims, tch_tensor **out) {
  const tch_shape *s = &c->in_shape[0];
  int64_t size[TCH_MAX_DIMS];
  uint32_t mask = dims->n == 0 ? ~0u : 0;
  for (int i = 0; i < dims->n; i++) mask |= 1u << (dims->v[i] < 0 ? dims->v[i] + s->ndim : dims->v[i]);
  for (int d = 0; d < s->ndim; d++) size[d] = mask >> d & 1 ? 1 : s->size[d];
  tch_tensor *kept = NULL;
  *out = NULL;
  TCH_TRY(tch_reshape(g, size, s->ndim, &kept));
  tch_status status = tch_expand(kept, s->size, s->ndim, out);
  tch_tensor_release(kept);
  return status;
}

static tch_status sum_backward(tch_call *c) {
  const tch_sum_attr *a = c->attr;
  tch_tensor *g;
  TCH_TRY(spread(c, c->gout[0], &a->dims, &g));
  return tch_grad_give(c, 0, g);
}

const tch_op_body tch_op_sum = {.shape = sum_shape, .forward = sum_forward, .backward_ops = sum_backward, .dense = true};

static tch_status mean_shape(tch_call *c) {
  const tch_mean_attr *a = c->attr;
  TCH_TRY(check_not_empty(c));
  return shape_over(c, &a->dims, a->keep, true);
}

static tch_status mean_forward(tch_call *c) {
  const tch_mean_attr *a = c->attr;
  return sum_floats(c, &a->dims, true);
}

static tch_status mean_backward(tch_call *c) {
  const tch_mean_attr *a = c->attr;
  tch_tensor *scaled = NULL, *g;
  double share = (double) c->gout[0]->count / (double) tch_shape_count(&c->in_shape[0]);
  TCH_TRY(tch_mul_scalar(c->gout[0], share, &scaled));
  tch_status status = spread(c, scaled, &a->dims, &g);
  tch_tensor_release(scaled);
  return status == TCH_OK ? tch_grad_give(c, 0, g) : status;
}

const tch_op_body tch_op_mean = {.shape = mean_shape, .forward = mean_forward, .backward_ops = mean_backward, .dense = true};

/* -- products, norms, variances, logsumexp: gradients as ops ---------------------------------------------------- */

static tch_status prod_shape(tch_call *c) {
  const tch_prod_attr *a = c->attr;
  return shape_over(c, &a->dims, a->keep, false);
}

static double prod_row(const work *w, const void *row) { return w->table->product(w->r.columns, row); }

static tch_status prod_forward(tch_call *c) {
  const tch_prod_attr *a = c->attr;
  if (!tch_dtype_floating(c->in[0]->type)) return reduce_integers(c, &a->dims, true);
  work w = {.reduce = prod_row};
  return reduce_floats(c, &a->dims, &w);
}

/* g times the product of the others: with zeros in a row that is not product / x, so it is taken directly. */
static tch_status prod_backward(tch_call *c) {
  const tch_prod_attr *a = c->attr;
  tch_tensor *dst, *g;
  double alpha, beta;
  uint32_t mask;
  rows r;
  tch_shape shape = c->in_shape[0];
  TCH_TRY(read_dims(c, c->in[0], &a->dims, &mask));
  TCH_TRY(tch_op_contiguous(c, c->gout[0], &g));
  TCH_TRY(as_rows(c, c->in[0], mask, false, &r));
  memcpy(shape.size, r.x->size, sizeof *shape.size * (size_t) r.x->ndim);
  TCH_TRY(tch_op_temp(c, &shape, &dst));
  for (int64_t i = 0; i < r.rows; i++) {
    double before = 1;
    for (int64_t k = 0; k < r.columns; k++) {
      put(dst, i * r.columns + k, before);
      before *= get(r.x, i * r.columns + k);
    }
    double after = get(g, i);
    for (int64_t k = r.columns - 1; k >= 0; k--) {
      put(dst, i * r.columns + k, get(dst, i * r.columns + k) * after);
      after *= get(r.x, i * r.columns + k);
    }
  }
  int64_t back[TCH_MAX_DIMS];
  int n = 0;
  for (int d = 0; d < c->in[0]->ndim; d++) if (!(mask >> d & 1)) back[d] = n++;
  for (int d = 0; d < c->in[0]->ndim; d++) if (mask >> d & 1) back[d] = n++;
  tch_tensor *view = NULL, *into;
  TCH_TRY(tch_permute(dst, back, n, &view));
  tch_status status = tch_grad_open(c, 0, &into, &alpha, &beta);
  if (status == TCH_OK) status = beta == 0 ? tch_tensor_copy(into, view) : tch_add(into, view, alpha, &into);
  tch_tensor_release(view);
  return status;
}

const tch_op_body tch_op_prod = {.shape = prod_shape, .forward = prod_forward, .backward = prod_backward, .save_in = 1,
                                 .dense = true};

static tch_status norm_shape(tch_call *c) {
  const tch_norm_attr *a = c->attr;
  return shape_over(c, &a->dims, a->keep, true);
}

static double norm_row(const work *w, const void *row) {
  int64_t place;
  if (w->r.columns == 0) return 0;
  if (isinf(w->p)) {
    double high = w->table->extreme(w->r.columns, row, 1, &place), low = w->table->extreme(w->r.columns, row, -1, &place);
    return fmax(fabs(high), fabs(low));
  }
  double total = w->table->power(w->r.columns, row, w->p);
  return w->p == 2 ? sqrt(total) : w->p == 0 || w->p == 1 ? total : pow(total, 1 / w->p);
}

static tch_status norm_forward(tch_call *c) {
  const tch_norm_attr *a = c->attr;
  work w = {.reduce = norm_row, .p = a->p};
  return reduce_floats(c, &a->dims, &w);
}

/* dx = g * sign(x) |x|^(p - 1) / y^(p - 1); for p = 2, g * x / y, and 0 where y is 0 */
static tch_status norm_backward(tch_call *c) {
  const tch_norm_attr *a = c->attr;
  tch_tensor *t[8] = {NULL}, *g = NULL, *x = c->in[0];
  if (isinf(a->p)) return tch_op_fail(c, TCH_ERROR_STATE, "the maximum norm has no gradient here (use max)");
  tch_status status = TCH_OK;
  if (a->p == 2) {
    status = tch_clamp(c->out[0], 1e-300, INFINITY, &t[0]);
    if (c->out[0]->type == TCH_FLOAT && status == TCH_OK) status = tch_clamp(c->out[0], 1e-37, INFINITY, &t[0]);
    if (status == TCH_OK) status = tch_div(c->gout[0], t[0], &t[1]);
    if (status == TCH_OK) status = spread(c, t[1], &a->dims, &t[2]);
    if (status == TCH_OK) status = tch_mul(x, t[2], &g);
  } else {
    status = tch_abs(x, &t[0]);
    if (status == TCH_OK) status = tch_pow_scalar(t[0], a->p - 1, &t[1]);
    if (status == TCH_OK) status = tch_sign(x, &t[2]);
    if (status == TCH_OK) status = tch_mul(t[1], t[2], &t[3]);
    if (status == TCH_OK) status = tch_pow_scalar(c->out[0], 1 - a->p, &t[4]);
    if (status == TCH_OK) status = tch_mul(c->gout[0], t[4], &t[5]);
    if (status == TCH_OK) status = spread(c, t[5], &a->dims, &t[6]);
    if (status == TCH_OK) status = tch_mul(t[3], t[6], &g);
  }
  for (int i = 0; i < 8; i++) tch_tensor_release(t[i]);
  return status == TCH_OK ? tch_grad_give(c, 0, g) : status;
}

const tch_op_body tch_op_norm = {.shape = norm_shape, .forward = norm_forward, .backward_ops = norm_backward, .save_in = 1,
                                 .save_out = 1, .dense = true};

/* Variance (divided by n - 1 if unbiased) and its root. */
static double var_row(const work *w, const void *row) {
  double n = (double) w->r.columns, mean = w->table->sum(w->r.columns, row) / n;
  return w->table->square(w->r.columns, row, mean) / (n - w->unbiased);
}

static double std_row(const work *w, const void *row) { return sqrt(var_row(w, row)); }

static tch_status var_shape(tch_call *c) {
  const tch_var_attr *a = c->attr;
  TCH_TRY(check_not_empty(c));
  return shape_over(c, &a->dims, a->keep, true);
}

static tch_status var_forward(tch_call *c) {
  const tch_var_attr *a = c->attr;
  work w = {.reduce = var_row, .unbiased = a->unbiased};
  return reduce_floats(c, &a->dims, &w);
}

/* dx = g * (x - mean) * factor / (n - 1); factor is 2 for the variance, 1 / std for its root */
static tch_status spread_centred(tch_call *c, tch_tensor *g, const tch_ints *dims, bool unbiased, double factor) {
  tch_tensor *t[4] = {NULL}, *dx = NULL, *x = c->in[0];
  double n = (double) x->count / (double) g->count;
  int64_t all[TCH_MAX_DIMS];
  for (int d = 0; d < x->ndim; d++) all[d] = d;
  tch_status status = tch_mean(x, dims->n ? dims->v : all, dims->n ? dims->n : x->ndim, true, &t[0]);
  if (status == TCH_OK) status = tch_sub(x, t[0], 1, &t[1]);
  if (status == TCH_OK) status = tch_mul_scalar(g, factor / (n - unbiased), &t[2]);
  if (status == TCH_OK) status = spread(c, t[2], dims, &t[3]);
  if (status == TCH_OK) status = tch_mul(t[1], t[3], &dx);
  for (int i = 0; i < 4; i++) tch_tensor_release(t[i]);
  return status == TCH_OK ? tch_grad_give(c, 0, dx) : status;
}

static tch_status var_backward(tch_call *c) {
  const tch_var_attr *a = c->attr;
  return spread_centred(c, c->gout[0], &a->dims, a->unbiased, 2);
}

const tch_op_body tch_op_var = {.shape = var_shape, .forward = var_forward, .backward_ops = var_backward, .save_in = 1,
                                .dense = true};

static tch_status std_shape(tch_call *c) {
  const tch_std_attr *a = c->attr;
  TCH_TRY(check_not_empty(c));
  return shape_over(c, &a->dims, a->keep, true);
}

static tch_status std_forward(tch_call *c) {
  const tch_std_attr *a = c->attr;
  work w = {.reduce = std_row, .unbiased = a->unbiased};
  return reduce_floats(c, &a->dims, &w);
}

static tch_status std_backward(tch_call *c) {
  const tch_std_attr *a = c->attr;
  tch_tensor *g = NULL;
  TCH_TRY(tch_div(c->gout[0], c->out[0], &g));
  tch_status status = spread_centred(c, g, &a->dims, a->unbiased, 1);
  tch_tensor_release(g);
  return status;
}

const tch_op_body tch_op_std = {.shape = std_shape, .forward = std_forward, .backward_ops = std_backward, .save_in = 1,
                                .save_out = 1, .dense = true};

static tch_status logsumexp_shape(tch_call *c) {
  const tch_logsumexp_attr *a = c->attr;
  TCH_TRY(check_not_empty(c));
  return shape_over(c, &a->dims, a->keep, true);
}

static double logsumexp_row(const work *w, const void *row) { return w->table->logsumexp(w->r.columns, row); }

static tch_status logsumexp_forward(tch_call *c) {
  const tch_logsumexp_attr *a = c->attr;
  work w = {.reduce = logsumexp_row};
  return reduce_floats(c, &a->dims, &w);
}

/* dx = g * exp(x - y) */
static tch_status logsumexp_backward(tch_call *c) {
  const tch_logsumexp_attr *a = c->attr;
  tch_tensor *t[4] = {NULL}, *dx = NULL;
  tch_status status = spread(c, c->out[0], &a->dims, &t[0]);
  if (status == TCH_OK) status = tch_sub(c->in[0], t[0], 1, &t[1]);
  if (status == TCH_OK) status = tch_exp(t[1], &t[2]);
  if (status == TCH_OK) status = spread(c, c->gout[0], &a->dims, &t[3]);
  if (status == TCH_OK) status = tch_mul(t[2], t[3], &dx);
  for (int i = 0; i < 4; i++) tch_tensor_release(t[i]);
  return status == TCH_OK ? tch_grad_give(c, 0, dx) : status;
}

const tch_op_body tch_op_logsumexp = {.shape = logsumexp_shape, .forward = logsumexp_forward,
                                      .backward_ops = logsumexp_backward, .save_in = 1, .save_out = 1, .dense = true};
