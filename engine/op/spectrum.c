/* Eigenvalues and singular values. Matrices of vectors lie by columns. */
#include "op/lapack.h"
#include "op/line.h"
#include <math.h>

static tch_status no_convergence(const tch_call *c, int count) {
  return tch_op_fail(c, TCH_ERROR_VALUE, "the iteration did not converge: %d values are missing", count);
}

/* -- gradients of functions of vectors: shared steps ----------------------------------------------------------------- */

/* t scaled by columns: t diag(s). */
static tch_status columns_times(tch_call *c, tch_tensor *t, tch_tensor *s, tch_tensor **out) {
  TCH_STEP(c, *out, mul, t, s);
  return TCH_OK;
}

/* 1 / (v_j - v_i), with zeros on the diagonal. */
static tch_status gaps(tch_call *c, tch_tensor *v, tch_tensor **out) {
  int64_t n = v->size[0];
  tch_tensor *row, *column, *differences, *never, *open;
  TCH_TRY(tch_op_temp(c, &(tch_shape){.type = v->type, .ndim = 2, .size = {n, n}}, &never));
  TCH_TRY(tch_tensor_fill(never, 0));
  for (int64_t i = 0; i < n; i++) TCH_TRY(tch_tensor_put(never, 2, (const int64_t[]){i, i}, INFINITY));
  TCH_STEP(c, row, reshape, v, ((const int64_t[]){1, n}), 2);
  TCH_STEP(c, column, reshape, v, ((const int64_t[]){n, 1}), 2);
  TCH_STEP(c, differences, sub, row, column, 1);
  TCH_STEP(c, open, add, differences, never, 1);
  TCH_STEP(c, *out, reciprocal, open);
  return TCH_OK;
}

/* a' b */
static tch_status inner(tch_call *c, tch_tensor *a, tch_tensor *b, tch_tensor **out) {
  tch_tensor *turned;
  TCH_STEP(c, turned, transposed, a);
  TCH_STEP(c, *out, mm, turned, b, 1);
  return TCH_OK;
}

/* a b' */
static tch_status outer(tch_call *c, tch_tensor *a, tch_tensor *b, tch_tensor **out) {
  tch_tensor *turned;
  TCH_STEP(c, turned, transposed, b);
  TCH_STEP(c, *out, mm, a, turned, 1);
  return TCH_OK;
}

/* *sum += t, where *sum may be NULL. */
static tch_status gather(tch_call *c, tch_tensor **sum, tch_tensor *t) {
  if (*sum) TCH_STEP(c, *sum, add, *sum, t, 1);
  else *sum = t;
  return TCH_OK;
}

/* -- symeig: A = V diag(w) V' ---------------------------------------------------------------------------------------- */

static tch_status symeig_shape(tch_call *c) {
  TCH_TRY(tch_matrix_check(c, 0, true));
  int64_t n = c->in[0]->size[0];
  tch_matrix_shape(c, 0, n, 0);
  if (((const tch_symeig_attr *) c->attr)->vectors) tch_matrix_shape(c, 1, n, n);
  else tch_matrix_shape(c, 1, 0, 0);
  return TCH_OK;
}

static tch_status symeig_forward(tch_call *c) {
  const tch_symeig_attr *t = c->attr;
  tch_dtype type = c->in[0]->type;
  int n = (int) c->in[0]->size[0], query = -1, lwork, info;
  const char *job = t->vectors ? "V" : "N", *uplo = t->upper ? "U" : "L";
  double wish = 0;
  void *work;
  tch_tensor *vectors;
  TCH_TRY(tch_finite_check(c, c->in[0]));
  TCH_TRY(tch_columns_of(c->in[0], n, &vectors));
  TCH_TRY(tch_op_keep(c, vectors));
  TCH_TRY(tch_tensor_of(&c->shape[0], &c->out[0]));
  void *a = tch_tensor_data(vectors), *w = tch_tensor_data(c->out[0]);
  LAPACK(type, syev, (job, uplo, &n, a, &n, w, (void *) &wish, &query, &info, 1, 1));
  TCH_TRY(tch_work(c, type, &wish, &lwork, &work));
  LAPACK(type, syev, (job, uplo, &n, a, &n, w, work, &lwork, &info, 1, 1));
  if (info > 0) return no_convergence(c, info);
  if (!t->vectors) return tch_tensor_of(&c->shape[1], &c->out[1]);
  tch_tensor_retain(c->out[1] = vectors);
  return TCH_OK;
}

/* With F_ij = 1 / (w_j - w_i): dA = V (diag(dw) + F o (V' dV)) V', made symmetric. Equal eigenvalues have no derivative of
 * their vectors. */
static tch_status symeig_backward(tch_call *c) {
  tch_tensor *w = c->out[0], *v = c->out[1], *gw = c->gout[0], *gv = c->gout[1], *turn, *f, *mixed, *left, *part,
             *full = NULL, *turned, *sum, *da = NULL;
  if (v == NULL || v->count == 0)
    return tch_op_fail(c, TCH_ERROR_STATE, "its gradient needs the vectors: ask for them");
  if (gw) {
    TCH_TRY(columns_times(c, v, gw, &left));
    TCH_TRY(outer(c, left, v, &full));
  }
  if (gv) {
    TCH_TRY(inner(c, v, gv, &turn));
    TCH_TRY(gaps(c, w, &f));
    TCH_STEP(c, mixed, mul, turn, f);
    TCH_STEP(c, left, mm, v, mixed, 1);
    TCH_TRY(outer(c, left, v, &part));
    TCH_TRY(gather(c, &full, part));
  }
  TCH_STEP(c, turned, transposed, full);
  TCH_STEP(c, sum, add, full, turned, 1);
  return tch_grad_pass(c, 0, tch_mul_scalar(sum, 0.5, &da), &da);
}

const tch_op_body tch_op_symeig = {
    .shape = symeig_shape, .forward = symeig_forward, .backward_ops = symeig_backward, .save_out = 3, .aside = true};

/* -- eig: w holds real and imaginary parts; V the vectors as LAPACK packs conjugate pairs ---------------------------- */

static tch_status eig_shape(tch_call *c) {
  TCH_TRY(tch_matrix_check(c, 0, true));
  int64_t n = c->in[0]->size[0];
  tch_matrix_shape(c, 0, n, 2);
  if (((const tch_eig_attr *) c->attr)->vectors) tch_matrix_shape(c, 1, n, n);
  else tch_matrix_shape(c, 1, 0, 0);
  return TCH_OK;
}

static tch_status eig_forward(tch_call *c) {
  bool vectors = ((const tch_eig_attr *) c->attr)->vectors;
  tch_dtype type = c->in[0]->type;
  int n = (int) c->in[0]->size[0], query = -1, one = 1, lwork, info;
  double wish = 0;
  void *work;
  tch_tensor *copy, *parts;
  TCH_TRY(tch_finite_check(c, c->in[0]));
  TCH_TRY(tch_columns_of(c->in[0], n, &copy));
  TCH_TRY(tch_op_keep(c, copy));
  TCH_TRY(tch_columns_new(type, n, 2, &parts));
  TCH_TRY(tch_op_keep(c, parts));
  if (vectors) TCH_TRY(tch_columns_new(type, n, n, &c->out[1]));
  else TCH_TRY(tch_tensor_of(&c->shape[1], &c->out[1]));
  char *real = tch_tensor_data(parts);
  void *a = tch_tensor_data(copy), *re = real, *im = real + n * tch_dtype_bytes(type), *v = tch_tensor_data(c->out[1]);
  const char *job = vectors ? "V" : "N";
  LAPACK(type, geev, ("N", job, &n, a, &n, re, im, NULL, &one, v, &n, (void *) &wish, &query, &info, 1, 1));
  TCH_TRY(tch_work(c, type, &wish, &lwork, &work));
  LAPACK(type, geev, ("N", job, &n, a, &n, re, im, NULL, &one, v, &n, work, &lwork, &info, 1, 1));
  if (info > 0) return no_convergence(c, info);
  TCH_TRY(tch_tensor_of(&c->shape[0], &c->out[0]));
  return tch_tensor_copy(c->out[0], parts);
}

const tch_op_body tch_op_eig = {.shape = eig_shape, .forward = eig_forward, .aside = true};

/* -- svd: A = U diag(s) V', with as many columns as the lesser of A's sizes, or all ---------------------------------- */

static tch_status svd_shape(tch_call *c) {
  bool full = ((const tch_svd_attr *) c->attr)->full;
  TCH_TRY(tch_matrix_check(c, 0, false));
  int64_t m = c->in[0]->size[0], n = c->in[0]->size[1], k = m < n ? m : n;
  tch_matrix_shape(c, 0, m, full ? m : k);
  tch_matrix_shape(c, 1, k, 0);
  tch_matrix_shape(c, 2, n, full ? n : k);
  return TCH_OK;
}

static tch_status svd_forward(tch_call *c) {
  tch_dtype type = c->in[0]->type;
  int m = (int) c->in[0]->size[0], n = (int) c->in[0]->size[1], query = -1, lwork, info;
  int rows = (int) c->shape[2].size[1]; /* of V' */
  const char *job = ((const tch_svd_attr *) c->attr)->full ? "A" : "S";
  double wish = 0;
  void *work;
  tch_tensor *copy, *vt;
  TCH_TRY(tch_finite_check(c, c->in[0]));
  TCH_TRY(tch_columns_of(c->in[0], m, &copy));
  TCH_TRY(tch_op_keep(c, copy));
  TCH_TRY(tch_columns_new(type, rows, n, &vt));
  TCH_TRY(tch_op_keep(c, vt));
  TCH_TRY(tch_columns_new(type, m, c->shape[0].size[1], &c->out[0]));
  TCH_TRY(tch_tensor_of(&c->shape[1], &c->out[1]));
  void *a = tch_tensor_data(copy), *u = tch_tensor_data(c->out[0]), *s = tch_tensor_data(c->out[1]),
       *v = tch_tensor_data(vt);
  LAPACK(type, gesvd, (job, job, &m, &n, a, &m, s, u, &m, v, &rows, (void *) &wish, &query, &info, 1, 1));
  TCH_TRY(tch_work(c, type, &wish, &lwork, &work));
  LAPACK(type, gesvd, (job, job, &m, &n, a, &m, s, u, &m, v, &rows, work, &lwork, &info, 1, 1));
  if (info > 0) return no_convergence(c, info);
  tch_tensor turned = *vt;
  turned.size[0] = n, turned.stride[0] = rows;
  turned.size[1] = rows, turned.stride[1] = 1;
  return tch_columns_of(&turned, n, &c->out[2]);
}

/* (F o (X - X')) with X = u' g. */
static tch_status skew(tch_call *c, tch_tensor *u, tch_tensor *g, tch_tensor *f, tch_tensor **out) {
  tch_tensor *x, *turned, *difference;
  TCH_TRY(inner(c, u, g, &x));
  TCH_STEP(c, turned, transposed, x);
  TCH_STEP(c, difference, sub, x, turned, 1);
  TCH_STEP(c, *out, mul, difference, f);
  return TCH_OK;
}

/* What of g diag(1/s) lies outside the space of u: g/s - u u' g/s. */
static tch_status outside(tch_call *c, tch_tensor *u, tch_tensor *g, tch_tensor *inverse, tch_tensor **out) {
  tch_tensor *scaled, *within, *projected;
  TCH_TRY(columns_times(c, g, inverse, &scaled));
  TCH_TRY(inner(c, u, scaled, &within));
  TCH_STEP(c, projected, mm, u, within, 1);
  TCH_STEP(c, *out, sub, scaled, projected, 1);
  return TCH_OK;
}

/* Townsend, "Differentiating the singular value decomposition" (2016), with F_ij = 1 / (s_j^2 - s_i^2):
 * dA = U (diag(ds) + (F o skew(U' dU)) S + S (F o skew(V' dV))) V' + (1 - U U') dU S^-1 V' + U S^-1 dV' (1 - V V').
 * Equal singular values have no derivative of their vectors. */
static tch_status svd_backward(tch_call *c) {
  tch_tensor *u = c->out[0], *s = c->out[1], *v = c->out[2], *gu = c->gout[0], *gs = c->gout[1], *gv = c->gout[2];
  tch_tensor *f = NULL, *inverse = NULL, *square, *part, *left, *sum = NULL;
  if (((const tch_svd_attr *) c->attr)->full)
    return tch_op_fail(c, TCH_ERROR_STATE, "its gradient is known for the reduced form ('S') only");
  if (gu || gv) {
    TCH_STEP(c, square, mul, s, s);
    TCH_TRY(gaps(c, square, &f));
    TCH_STEP(c, inverse, reciprocal, s);
  }
  if (gs) {
    TCH_TRY(columns_times(c, u, gs, &left));
    TCH_TRY(outer(c, left, v, &sum));
  }
  if (gu) {
    TCH_TRY(skew(c, u, gu, f, &part));
    TCH_TRY(columns_times(c, part, s, &part));
    TCH_STEP(c, left, mm, u, part, 1);
    TCH_TRY(outside(c, u, gu, inverse, &part));
    TCH_TRY(gather(c, &left, part));
    TCH_TRY(outer(c, left, v, &part));
    TCH_TRY(gather(c, &sum, part));
  }
  if (gv) {
    TCH_TRY(skew(c, v, gv, f, &part)); /* symmetric, since F and the skew part are not */
    TCH_TRY(columns_times(c, part, s, &part));
    TCH_STEP(c, left, mm, v, part, 1);
    TCH_TRY(outside(c, v, gv, inverse, &part));
    TCH_TRY(gather(c, &left, part));
    TCH_TRY(outer(c, u, left, &part));
    TCH_TRY(gather(c, &sum, part));
  }
  tch_tensor_retain(sum);
  return tch_grad_give(c, 0, sum);
}

const tch_op_body tch_op_svd = {
    .shape = svd_shape, .forward = svd_forward, .backward_ops = svd_backward, .save_out = 7, .aside = true};
