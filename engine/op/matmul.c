/* Products of matrices, vectors and batches of matrices, and the fully connected layer.
 *
 * One plan serves all: every operand is seen as a batch of matrices, out[i] = alpha * a[i] * b[i] + beta * c[i]. */
#include "op/gemm.h"
#include "op/op.h"
#include <string.h>

typedef long long ll;

/* What sets the products apart. */
typedef struct rule {
  int a, b;   /* dimensions of the factors; 0: any */
  bool add;   /* the inputs are c, a, b, with attributes beta and alpha; else a, b */
  bool outer; /* a column times a row */
  bool total; /* summed over the batch */
} rule;

/* Factors and result as batches of matrices. batch_a and batch_b are 0 in a dimension that is broadcast. */
typedef struct plan {
  int nbatch;
  int64_t batch[TCH_MAX_DIMS], step_a[TCH_MAX_DIMS], step_b[TCH_MAX_DIMS];
  int64_t m, n, k, row_a, column_a, row_b, column_b;
  tch_shape out;
} plan;

/* -- shapes ------------------------------------------------------------------------------------------------------ */

static tch_status check_dims(const tch_call *c, const rule *r, const tch_tensor *a, const tch_tensor *b) {
  char p[TCH_SHAPE_TEXT], q[TCH_SHAPE_TEXT];
  if ((r->a && a->ndim != r->a) || (r->b && b->ndim != r->b))
    return tch_op_fail(c, TCH_ERROR_SHAPE, "a tensor of %d and one of %d dimensions are needed, got %s and %s", r->a,
                       r->b, tch_shape_text(a, p), tch_shape_text(b, q));
  if (a->ndim == 0 || b->ndim == 0)
    return tch_op_fail(c, TCH_ERROR_SHAPE, "both factors need at least one dimension, got %s and %s",
                       tch_shape_text(a, p), tch_shape_text(b, q));
  return TCH_OK;
}

static tch_status no_fit(const tch_call *c, const tch_tensor *a, const tch_tensor *b) {
  char p[TCH_SHAPE_TEXT], q[TCH_SHAPE_TEXT];
  return tch_op_fail(c, TCH_ERROR_SHAPE, "%s times %s is not possible", tch_shape_text(a, p), tch_shape_text(b, q));
}

static tch_status plan_batch(const tch_call *c, const tch_tensor *a, const tch_tensor *b, plan *p) {
  int na = a->ndim > 2 ? a->ndim - 2 : 0, nb = b->ndim > 2 ? b->ndim - 2 : 0;
  p->nbatch = na > nb ? na : nb;
  for (int d = 0; d < p->nbatch; d++) {
    int da = d - p->nbatch + na, db = d - p->nbatch + nb;
    int64_t sa = da < 0 ? 1 : a->size[da], sb = db < 0 ? 1 : b->size[db];
    if (sa != sb && sa != 1 && sb != 1) return no_fit(c, a, b);
    p->batch[d] = sa == 1 ? sb : sa;
    p->step_a[d] = da < 0 || sa == 1 ? 0 : a->stride[da];
    p->step_b[d] = db < 0 || sb == 1 ? 0 : b->stride[db];
  }
  return TCH_OK;
}

static tch_status plan_of(const tch_call *c, const rule *r, const tch_tensor *a, const tch_tensor *b, plan *p) {
  TCH_TRY(check_dims(c, r, a, b));
  memset(p, 0, sizeof *p);
  p->m = p->n = p->k = 1;
  int la = a->ndim - 1, lb = b->ndim - 1;
  if (r->outer) {
    p->m = a->size[0], p->row_a = a->stride[0];
    p->n = b->size[0], p->column_b = b->stride[0];
  } else {
    p->k = a->size[la], p->column_a = a->stride[la];
    if (la > 0) p->m = a->size[la - 1], p->row_a = a->stride[la - 1];
    if (lb > 0) p->n = b->size[lb], p->column_b = b->stride[lb];
    p->row_b = b->stride[lb > 0 ? lb - 1 : 0];
    if (b->size[lb > 0 ? lb - 1 : 0] != p->k) return no_fit(c, a, b);
  }
  TCH_TRY(plan_batch(c, a, b, p));
  if (r->a == 3 && a->size[0] != b->size[0]) return no_fit(c, a, b);
  tch_shape *s = &p->out;
  s->type = a->type;
  for (int d = 0; d < p->nbatch && !r->total; d++) s->size[s->ndim++] = p->batch[d];
  if (la > 0 || r->outer) s->size[s->ndim++] = p->m;
  if (lb > 0 || r->outer) s->size[s->ndim++] = p->n;
  return TCH_OK;
}

static tch_status product_shape(tch_call *c, const rule *r) {
  plan p;
  char t[TCH_SHAPE_TEXT], u[TCH_SHAPE_TEXT];
  TCH_TRY(tch_op_same_type(c, ~0u));
  TCH_TRY(plan_of(c, r, c->in[r->add], c->in[r->add + 1], &p));
  c->shape[0] = p.out;
  if (!r->add) return TCH_OK;
  const tch_tensor *x = c->in[0];
  bool fit = x->ndim <= p.out.ndim && !(x->ndim == 0 && x->count == 0);
  for (int d = 1; d <= x->ndim && fit; d++)
    fit = x->size[x->ndim - d] == p.out.size[p.out.ndim - d] || x->size[x->ndim - d] == 1;
  if (fit) return TCH_OK;
  tch_tensor want = {.ndim = p.out.ndim, .count = 1};
  memcpy(want.size, p.out.size, sizeof want.size);
  return tch_op_fail(c, TCH_ERROR_SHAPE, "the product is %s, to which %s cannot be added", tch_shape_text(&want, t),
                     tch_shape_text(x, u));
}

/* -- forward ----------------------------------------------------------------------------------------------------- */

/* out is a tensor of p->out, whose matrices have one stride of 1. */
static tch_status multiply(const plan *p, const rule *r, const tch_tensor *a, const tch_tensor *b, tch_tensor *out,
                           double alpha, double beta) {
  int64_t bytes = tch_dtype_bytes(out->type), total = 1, at[TCH_MAX_DIMS] = {0};
  for (int d = 0; d < p->nbatch; d++) total *= p->batch[d];
  bool has_m = r->outer || a->ndim > 1, has_n = r->outer || b->ndim > 1;
  int last = out->ndim - 1;
  int64_t column = has_n ? out->stride[last] : 1, row = has_m ? out->stride[last - has_n] : 1;
  if (total == 0 && r->total)
    return tch_gemm(out->type, p->m, p->n, 0, 0, (tch_grid){0}, (tch_grid){0}, beta,
                    (tch_grid){tch_tensor_data(out), row, column});
  for (int64_t i = 0; i < total; i++) {
    int64_t oa = 0, ob = 0, oc = 0;
    for (int d = 0; d < p->nbatch; d++) {
      oa += at[d] * p->step_a[d], ob += at[d] * p->step_b[d];
      if (!r->total) oc += at[d] * out->stride[d];
    }
    tch_grid ga = {(char *) tch_tensor_data(a) + oa * bytes, p->row_a, p->column_a};
    tch_grid gb = {(char *) tch_tensor_data(b) + ob * bytes, p->row_b, p->column_b};
    tch_grid gc = {(char *) tch_tensor_data(out) + oc * bytes, row, column};
    TCH_TRY(tch_gemm(out->type, p->m, p->n, p->k, alpha, ga, gb, r->total && i > 0 ? 1 : beta, gc));
    for (int d = p->nbatch - 1; d >= 0 && ++at[d] == p->batch[d]; d--) at[d] = 0;
  }
  return TCH_OK;
}

/* Copies x, broadcast, into out; without a trace on the tape. */
static tch_status spread(tch_tensor *x, tch_tensor *out) {
  tch_tensor *wide = NULL;
  bool on = tch_grad_enabled();
  tch_set_grad_enabled(false);
  tch_status status = tch_expand(x, out->size, out->ndim, &wide);
  if (status == TCH_OK) status = tch_tensor_copy(out, wide);
  tch_tensor_release(wide);
  tch_set_grad_enabled(on);
  return status;
}

static tch_status run_product(tch_call *c, const rule *r, double alpha, double beta) {
  tch_tensor *a = c->in[r->add], *b = c->in[r->add + 1], *out = c->out[0], *work = out;
  plan p;
  TCH_TRY(plan_of(c, r, a, b, &p));
  if (!tch_tensor_contiguous(out) || tch_tensor_overlap(out, a) || tch_tensor_overlap(out, b))
    TCH_TRY(tch_op_temp(c, &p.out, &work));
  if (r->add && beta != 0 && !tch_tensor_same_view(c->in[0], work)) TCH_TRY(spread(c->in[0], work));
  TCH_TRY(multiply(&p, r, a, b, work, alpha, beta));
  return work == out ? TCH_OK : spread(work, out);
}

/* -- gradients, by ops ------------------------------------------------------------------------------------------- */

static tch_status give(tch_call *c, int i, tch_status status, tch_tensor **g) {
  return status == TCH_OK ? tch_grad_give(c, i, *g) : status;
}

/* t with its last two dimensions exchanged, or with a dimension of size 1 put at `at`. */
static tch_status turned(tch_tensor *t, tch_tensor **out) {
  int64_t dims[TCH_MAX_DIMS];
  for (int d = 0; d < t->ndim; d++) dims[d] = d;
  dims[t->ndim - 1] = t->ndim - 2, dims[t->ndim - 2] = t->ndim - 1;
  return tch_permute(t, dims, t->ndim, out);
}

static tch_status with_dim(tch_tensor *t, int at, tch_tensor **out) {
  int64_t size[TCH_MAX_DIMS];
  if (t->ndim == TCH_MAX_DIMS) return tch_fail(TCH_ERROR_SHAPE, "the tensor has %d dimensions already", t->ndim);
  memcpy(size, t->size, sizeof *size * at);
  size[at] = 1;
  memcpy(size + at + 1, t->size + at, sizeof *size * (t->ndim - at));
  return tch_reshape(t, size, t->ndim + 1, out);
}

/* Drops the last dimension, of size 1. On failure *t is released and NULL. */
static tch_status without_last(tch_tensor **t) {
  tch_tensor *flat = NULL;
  tch_status status = tch_reshape(*t, (*t)->size, (*t)->ndim - 1, &flat);
  tch_tensor_release(*t);
  *t = flat;
  return status;
}

/* a * b' or a' * b of operands of at least two dimensions. */
static tch_status times_turned(tch_tensor *a, tch_tensor *b, bool turn_a, double alpha, tch_tensor **out) {
  tch_tensor *t = NULL;
  tch_status status = turned(turn_a ? a : b, &t);
  if (status == TCH_OK) status = turn_a ? tch_matmul(t, b, alpha, out) : tch_matmul(a, t, alpha, out);
  tch_tensor_release(t);
  return status;
}

/* Gradients of the factors of out = alpha * a * b, with vectors made matrices first. */
static tch_status factor_gradients(tch_call *c, const rule *r, double alpha) {
  int ia = r->add, ib = r->add + 1;
  tch_tensor *a = NULL, *b = NULL, *g = NULL, *step = NULL, *made = NULL;
  bool column_a = r->outer, row_a = !r->outer && c->in[ia]->ndim == 1;
  bool row_b = r->outer, column_b = !r->outer && c->in[ib]->ndim == 1;
  tch_status status = column_a || row_a ? with_dim(c->in[ia], column_a, &a)
                                        : (tch_tensor_retain(a = c->in[ia]), TCH_OK);
  if (status == TCH_OK)
    status = column_b || row_b ? with_dim(c->in[ib], column_b, &b) : (tch_tensor_retain(b = c->in[ib]), TCH_OK);
  tch_tensor_retain(g = c->gout[0]);
  if (status == TCH_OK && row_a && (status = with_dim(g, g->ndim - !column_b, &step)) == TCH_OK) {
    tch_tensor_release(g);
    g = step, step = NULL;
  }
  if (status == TCH_OK && column_b && (status = with_dim(g, g->ndim, &step)) == TCH_OK) {
    tch_tensor_release(g);
    g = step, step = NULL;
  }
  if (status == TCH_OK && tch_wants(c, ia)) {
    status = times_turned(g, b, false, alpha, &made); /* (..., m, k) */
    if (status == TCH_OK && column_a) status = without_last(&made);
    status = give(c, ia, status, &made);
    made = NULL;
  }
  if (status == TCH_OK && tch_wants(c, ib)) {
    status = times_turned(a, g, true, alpha, &made); /* (..., k, n) */
    if (status == TCH_OK && column_b) status = without_last(&made);
    status = give(c, ib, status, &made);
  }
  tch_tensor_release(a);
  tch_tensor_release(b);
  tch_tensor_release(g);
  return status;
}

static tch_status sum_gradients(tch_call *c, const rule *r, double alpha, double beta) {
  tch_tensor *g = c->gout[0];
  if (tch_wants(c, 0)) {
    tch_tensor *part = NULL;
    if (beta == 1) TCH_TRY((tch_tensor_retain(g), tch_grad_give(c, 0, g)));
    else TCH_TRY(give(c, 0, tch_mul_scalar(g, beta, &part), &part));
  }
  return factor_gradients(c, r, alpha);
}

/* -- the products ------------------------------------------------------------------------------------------------ */

#define PRODUCT(name, ...)                                                                                             \
  static const rule name##_rule = {__VA_ARGS__};                                                                       \
  static tch_status name##_shape(tch_call *c) { return product_shape(c, &name##_rule); }                               \
  static tch_status name##_forward(tch_call *c) {                                                                      \
    return run_product(c, &name##_rule, ((const tch_##name##_attr *) c->attr)->alpha, 0);                              \
  }                                                                                                                    \
  static tch_status name##_backward(tch_call *c) {                                                                     \
    return factor_gradients(c, &name##_rule, ((const tch_##name##_attr *) c->attr)->alpha);                            \
  }                                                                                                                    \
  const tch_op_body tch_op_##name = {                                                                                  \
      .shape = name##_shape, .forward = name##_forward, .backward_ops = name##_backward, .save_in = 3};

#define PRODUCT_SUM(name, ...)                                                                                         \
  static const rule name##_rule = {__VA_ARGS__, .add = true};                                                          \
  static tch_status name##_shape(tch_call *c) { return product_shape(c, &name##_rule); }                               \
  static tch_status name##_forward(tch_call *c) {                                                                      \
    const tch_##name##_attr *a = c->attr;                                                                              \
    return run_product(c, &name##_rule, a->alpha, a->beta);                                                            \
  }                                                                                                                    \
  static tch_status name##_backward(tch_call *c) {                                                                     \
    const tch_##name##_attr *a = c->attr;                                                                              \
    return sum_gradients(c, &name##_rule, a->alpha, a->beta);                                                          \
  }                                                                                                                    \
  const tch_op_body tch_op_##name = {.shape = name##_shape,                                                            \
                                     .forward = name##_forward,                                                        \
                                     .backward_ops = name##_backward,                                                  \
                                     .save_in = 6,                                                                     \
                                     .in_place = true};

PRODUCT(matmul, .a = 0)
PRODUCT(mm, .a = 2, .b = 2)
PRODUCT(mv, .a = 2, .b = 1)
PRODUCT(dot, .a = 1, .b = 1)
PRODUCT(bmm, .a = 3, .b = 3)
PRODUCT(outer, .a = 1, .b = 1, .outer = true)
PRODUCT_SUM(addmm, .a = 2, .b = 2)
PRODUCT_SUM(addmv, .a = 2, .b = 1)
PRODUCT_SUM(addr, .a = 1, .b = 1, .outer = true)
PRODUCT_SUM(addbmm, .a = 3, .b = 3, .total = true)
PRODUCT_SUM(baddbmm, .a = 3, .b = 3)

/* -- linear: y (..., out) = x (..., in) * weight' (out, in) + bias --------------------------------------------------- */

enum { X, WEIGHT, BIAS };

static tch_status linear_shape(tch_call *c) {
  const tch_tensor *x = c->in[X], *w = c->in[WEIGHT], *b = c->in[BIAS];
  char p[TCH_SHAPE_TEXT], q[TCH_SHAPE_TEXT];
  TCH_TRY(tch_op_same_float(c, ~0u));
  if (w->ndim != 2)
    return tch_op_fail(c, TCH_ERROR_SHAPE, "weight is %s, but (outputs, inputs) is needed", tch_shape_text(w, p));
  if (x->ndim == 0 || x->size[x->ndim - 1] != w->size[1])
    return tch_op_fail(c, TCH_ERROR_SHAPE, "size mismatch: weight takes %lld inputs, input has %lld (input %s, weight %s)",
                       (ll) w->size[1], (ll) (x->ndim ? x->size[x->ndim - 1] : x->count), tch_shape_text(x, p),
                       tch_shape_text(w, q));
  if (b && (b->ndim != 1 || b->size[0] != w->size[0]))
    return tch_op_fail(c, TCH_ERROR_SHAPE, "bias is %s, but one number for each of the %lld outputs is needed",
                       tch_shape_text(b, p), (ll) w->size[0]);
  c->shape[0].type = x->type;
  c->shape[0].ndim = x->ndim;
  memcpy(c->shape[0].size, x->size, sizeof *x->size * x->ndim);
  c->shape[0].size[x->ndim - 1] = w->size[0];
  return TCH_OK;
}

static tch_grid grid_of(const tch_tensor *t, int64_t columns) { return (tch_grid){tch_tensor_data(t), columns, 1}; }

static int64_t rows_of(const tch_tensor *x) {
  int64_t rows = 1;
  for (int d = 0; d < x->ndim - 1; d++) rows *= x->size[d];
  return rows;
}

static tch_status run_linear(tch_call *c, const tch_after *after) {
  tch_tensor *x, *w = c->in[WEIGHT], *bias, *y = c->out[0];
  int64_t in = w->size[1], out = w->size[0], rows = rows_of(c->in[X]);
  tch_grid weight = {tch_tensor_data(w), w->stride[0], w->stride[1]};
  TCH_TRY(tch_op_contiguous(c, c->in[X], &x));
  if (!tch_tensor_contiguous(y)) TCH_TRY(tch_op_temp(c, &c->shape[0], &y));
  tch_grid from = grid_of(y, out);
  if (c->in[BIAS]) {
    TCH_TRY(tch_op_contiguous(c, c->in[BIAS], &bias));
    from = (tch_grid){tch_tensor_data(bias), 0, 1};
  }
  TCH_TRY(tch_gemm_after(y->type, rows, out, in, 1, grid_of(x, in), tch_grid_turned(weight), c->in[BIAS] ? 1 : 0, from,
                         grid_of(y, out), after));
  return y == c->out[0] ? TCH_OK : spread(y, c->out[0]);
}

static tch_status linear_forward(tch_call *c) { return run_linear(c, NULL); }

/* g: the gradient of the product */
static tch_status linear_gradients(tch_call *c, tch_tensor *g) {
  tch_tensor *x, *w = c->in[WEIGHT], *gy, *into;
  int64_t in = w->size[1], out = w->size[0], rows = rows_of(g);
  tch_grid weight = {tch_tensor_data(w), w->stride[0], w->stride[1]};
  double alpha, beta;
  TCH_TRY(tch_op_contiguous(c, g, &gy));
  if (tch_wants(c, X)) {
    TCH_TRY(tch_grad_open(c, X, &into, &alpha, &beta));
    TCH_TRY(tch_gemm(gy->type, rows, in, out, alpha, grid_of(gy, out), weight, beta, grid_of(into, in)));
  }
  if (tch_wants(c, WEIGHT)) {
    TCH_TRY(tch_op_contiguous(c, c->in[X], &x));
    TCH_TRY(tch_grad_open(c, WEIGHT, &into, &alpha, &beta));
    TCH_TRY(tch_gemm(gy->type, out, in, rows, alpha, tch_grid_turned(grid_of(gy, out)), grid_of(x, in), beta,
                     grid_of(into, in)));
  }
  if (tch_wants(c, BIAS)) {
    TCH_TRY(tch_grad_open(c, BIAS, &into, &alpha, &beta));
    tch_sum_rows(gy->type, rows, out, tch_tensor_data(gy), alpha, beta, tch_tensor_data(into));
  }
  return TCH_OK;
}

static tch_status linear_backward(tch_call *c) { return linear_gradients(c, c->gout[0]); }

static tch_status linear_weight_gradient(tch_tensor *g, tch_tensor *x, tch_tensor **out) {
  tch_tensor *g2 = NULL, *x2 = NULL;
  int64_t gs[2] = {-1, g->size[g->ndim - 1]}, xs[2] = {rows_of(x), x->size[x->ndim - 1]};
  gs[0] = xs[0];
  tch_status status = tch_reshape(g, gs, 2, &g2);
  if (status == TCH_OK) status = tch_reshape(x, xs, 2, &x2);
  if (status == TCH_OK) status = times_turned(g2, x2, true, 1, out);
  tch_tensor_release(g2);
  tch_tensor_release(x2);
  return status;
}

static tch_status linear_gradient_ops(tch_call *c, tch_tensor *g) {
  tch_tensor *made = NULL;
  int64_t dims[TCH_MAX_DIMS];
  if (tch_wants(c, X)) TCH_TRY(give(c, X, tch_matmul(g, c->in[WEIGHT], 1, &made), &made));
  made = NULL;
  if (tch_wants(c, WEIGHT)) TCH_TRY(give(c, WEIGHT, linear_weight_gradient(g, c->in[X], &made), &made));
  made = NULL;
  if (!tch_wants(c, BIAS)) return TCH_OK;
  for (int d = 0; d < g->ndim - 1; d++) dims[d] = d;
  if (g->ndim == 1) return (tch_tensor_retain(g), tch_grad_give(c, BIAS, g));
  return give(c, BIAS, tch_sum(g, dims, g->ndim - 1, false, &made), &made);
}

static tch_status linear_backward_ops(tch_call *c) { return linear_gradient_ops(c, c->gout[0]); }

const tch_op_body tch_op_linear = {.shape = linear_shape,
                                   .forward = linear_forward,
                                   .backward = linear_backward,
                                   .backward_ops = linear_backward_ops,
                                   .save_in = 1 << X | 1 << WEIGHT};

/* -- linear_relu, relu_linear_grad: a ReLU behind a linear, and the gradient before one that gave x --------------------------- */

static tch_status linear_relu_forward(tch_call *c) { return run_linear(c, &(tch_after){0}); }

static tch_status linear_relu_backward(tch_call *c) {
  tch_tensor *g;
  TCH_STEP(c, g, relu_grad, c->gout[0], c->out[0], c->out[0]);
  return linear_gradients(c, g);
}

static tch_status linear_relu_backward_ops(tch_call *c) {
  tch_tensor *g;
  TCH_STEP(c, g, relu_grad, c->gout[0], c->out[0], c->out[0]);
  return linear_gradient_ops(c, g);
}

const tch_op_body tch_op_linear_relu = {.shape = linear_shape,
                                        .forward = linear_relu_forward,
                                        .backward = linear_relu_backward,
                                        .backward_ops = linear_relu_backward_ops,
                                        .save_in = 1 << X | 1 << WEIGHT,
                                        .save_out = 1};

enum { GY, READ, BY };

static tch_status relu_linear_grad_shape(tch_call *c) {
  const tch_tensor *gy = c->in[GY], *x = c->in[READ], *w = c->in[BY];
  char p[TCH_SHAPE_TEXT], q[TCH_SHAPE_TEXT], r[TCH_SHAPE_TEXT];
  TCH_TRY(tch_op_same_float(c, ~0u));
  bool fit = w->ndim == 2 && x->ndim > 0 && x->ndim == gy->ndim && x->size[x->ndim - 1] == w->size[1]
             && gy->size[x->ndim - 1] == w->size[0];
  for (int d = 0; fit && d < x->ndim - 1; d++) fit = x->size[d] == gy->size[d];
  if (!fit)
    return tch_op_fail(c, TCH_ERROR_SHAPE, "gradient %s, input %s and weight %s do not fit", tch_shape_text(gy, p),
                       tch_shape_text(x, q), tch_shape_text(w, r));
  c->shape[0].type = x->type;
  c->shape[0].ndim = x->ndim;
  memcpy(c->shape[0].size, x->size, sizeof *x->size * x->ndim);
  return TCH_OK;
}

static tch_status relu_linear_grad_forward(tch_call *c) {
  tch_tensor *gy, *x, *w = c->in[BY], *gx = c->out[0];
  int64_t in = w->size[1], out = w->size[0];
  tch_grid weight = {tch_tensor_data(w), w->stride[0], w->stride[1]};
  TCH_TRY(tch_op_contiguous(c, c->in[GY], &gy));
  TCH_TRY(tch_op_contiguous(c, c->in[READ], &x));
  return tch_gemm_after(gx->type, rows_of(gx), in, out, 1, grid_of(gy, out), weight, 0, grid_of(gx, in), grid_of(gx, in),
                        &(tch_after){tch_tensor_data(x)});
}

const tch_op_body tch_op_relu_linear_grad = {.shape = relu_linear_grad_shape, .forward = relu_linear_grad_forward, .dense = true};
