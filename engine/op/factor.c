/* Factors of matrices: Cholesky's, plain and pivoted, and Q R. Results lie by columns. */
#include "op/lapack.h"
#include "op/line.h"
#include <string.h>

static const char *triangle(bool upper) { return upper ? "U" : "L"; }

static tch_status square_shape(tch_call *c) {
  TCH_TRY(tch_matrix_check(c, 0, true));
  tch_matrix_shape(c, 0, c->in[0]->size[0], c->in[0]->size[0]);
  return TCH_OK;
}

/* Half of t + t', kept until the call ends. */
static tch_status symmetric(tch_call *c, tch_tensor *t, double scale, tch_tensor **out) {
  tch_tensor *turned, *sum;
  TCH_STEP(c, turned, transposed, t);
  TCH_STEP(c, sum, add, t, turned, 1);
  TCH_STEP(c, *out, mul_scalar, sum, scale);
  return TCH_OK;
}

/* -- potrf: A = U' U, or L L' --------------------------------------------------------------------------------------- */

static tch_status potrf_forward(tch_call *c) {
  bool upper = ((const tch_potrf_attr *) c->attr)->upper;
  int n = (int) c->in[0]->size[0], info;
  TCH_TRY(tch_columns_of(c->in[0], n, &c->out[0]));
  void *a = tch_tensor_data(c->out[0]);
  LAPACK(c->in[0]->type, potrf, (triangle(upper), &n, a, &n, &info, 1));
  if (info > 0)
    return tch_op_fail(c, TCH_ERROR_VALUE, "the matrix is not positive definite: its leading minor of order %d is not",
                       info);
  tch_clear_triangle(c->out[0], !upper);
  return TCH_OK;
}

/* Murray, "Differentiation of the Cholesky decomposition" (2016), eq. 10, made symmetric: with P the lower triangle of L' dL,
 * its diagonal halved, dA is the mean of L'^-1 P L^-1 and its transpose. */
static tch_status potrf_backward(tch_call *c) {
  bool upper = ((const tch_potrf_attr *) c->attr)->upper;
  tch_tensor *l = c->out[0], *g = c->gout[0], *lt, *lower, *product, *with, *without, *sum, *p, *left, *turned, *s, *da;
  if (upper) {
    TCH_STEP(c, l, transposed, c->out[0]);
    TCH_STEP(c, g, transposed, c->gout[0]);
  }
  TCH_STEP(c, lt, transposed, l);
  TCH_STEP(c, lower, tril, g, 0);
  TCH_STEP(c, product, mm, lt, lower, 1);
  TCH_STEP(c, with, tril, product, 0);
  TCH_STEP(c, without, tril, product, -1);
  TCH_STEP(c, sum, add, with, without, 1);
  TCH_STEP(c, p, mul_scalar, sum, 0.5);
  TCH_STEP(c, left, trtrs, p, l, false, true, false);
  TCH_STEP(c, turned, transposed, left);
  TCH_STEP(c, s, trtrs, turned, l, false, true, false);
  TCH_TRY(symmetric(c, s, 0.5, &da));
  tch_tensor_retain(da);
  return tch_grad_give(c, 0, da);
}

const tch_op_body tch_op_potrf = {
    .shape = square_shape, .forward = potrf_forward, .backward_ops = potrf_backward, .save_out = 1, .aside = true};

/* -- potrs, potri: the system and the inverse of the matrix whose factor is given ----------------------------------- */

/* The factor's gradient from that of the matrix A, which is given: U (dA + dA'), or (dA + dA') L. */
static tch_status give_factor(tch_call *c, int i, tch_tensor *factor, bool upper, tch_tensor *da) {
  tch_tensor *both, *full, *g = NULL;
  TCH_TRY(symmetric(c, da, 1, &both));
  if (upper) TCH_STEP(c, full, mm, factor, both, 1);
  else TCH_STEP(c, full, mm, both, factor, 1);
  return tch_grad_pass(c, i, upper ? tch_triu(full, 0, &g) : tch_tril(full, 0, &g), &g);
}

static tch_status singular(const tch_call *c, int i) {
  return tch_op_fail(c, TCH_ERROR_VALUE, "the factor is singular: entry (%d,%d) is zero", i, i);
}

static tch_status potrs_shape(tch_call *c) {
  TCH_TRY(tch_matrix_check(c, 1, true));
  TCH_TRY(tch_rows_check(c, 0, 1));
  tch_matrix_shape(c, 0, c->in[1]->size[0], c->in[0]->ndim == 2 ? c->in[0]->size[1] : 1);
  return TCH_OK;
}

/* LAPACK would divide by a zero of the diagonal. */
static tch_status diagonal_check(const tch_call *c, const tch_tensor *t) {
  for (int64_t i = 0; i < t->size[0]; i++) {
    int64_t at = i * (t->stride[0] + t->stride[1]);
    if ((t->type == TCH_DOUBLE ? TCH_DATA(double, t)[at] : (double) TCH_DATA(float, t)[at]) == 0)
      return singular(c, (int) i + 1);
  }
  return TCH_OK;
}

static tch_status potrs_forward(tch_call *c) {
  int n = (int) c->in[1]->size[0], k, info;
  tch_tensor *u;
  TCH_TRY(diagonal_check(c, c->in[1]));
  TCH_TRY(tch_columns_of(c->in[1], n, &u));
  TCH_TRY(tch_op_keep(c, u));
  TCH_TRY(tch_columns_of(c->in[0], n, &c->out[0]));
  k = (int) c->out[0]->size[1];
  void *factor = tch_tensor_data(u), *x = tch_tensor_data(c->out[0]);
  LAPACK(u->type, potrs, (triangle(((const tch_potrs_attr *) c->attr)->upper), &n, &k, factor, &n, x, &n, &info, 1));
  return TCH_OK;
}

/* dB = A^-1 g, dA = -dB X' */
static tch_status potrs_backward(tch_call *c) {
  bool upper = ((const tch_potrs_attr *) c->attr)->upper;
  tch_tensor *db, *shaped = NULL, *xt, *da, *triangular;
  TCH_STEP(c, db, potrs, c->gout[0], c->in[1], upper);
  if (tch_wants(c, 0))
    TCH_TRY(tch_grad_pass(c, 0, tch_reshape(db, c->in_shape[0].size, c->in_shape[0].ndim, &shaped), &shaped));
  if (!tch_wants(c, 1)) return TCH_OK;
  TCH_STEP(c, xt, transposed, c->out[0]);
  TCH_STEP(c, da, mm, db, xt, -1);
  if (upper) TCH_STEP(c, triangular, triu, c->in[1], 0);
  else TCH_STEP(c, triangular, tril, c->in[1], 0);
  return give_factor(c, 1, triangular, upper, da);
}

const tch_op_body tch_op_potrs = {.shape = potrs_shape,
                                  .forward = potrs_forward,
                                  .backward_ops = potrs_backward,
                                  .save_in = 2,
                                  .save_out = 1,
                                  .aside = true};

/* The other triangle of a symmetric matrix of which LAPACK wrote one. */
static void mirror(tch_tensor *t, bool from_upper) {
  int64_t n = t->size[0];
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = 0; i < j; i++) {
      int64_t above = i + j * n, below = j + i * n;
      int64_t to = from_upper ? below : above, from = from_upper ? above : below;
      if (t->type == TCH_DOUBLE) TCH_DATA(double, t)[to] = TCH_DATA(double, t)[from];
      else TCH_DATA(float, t)[to] = TCH_DATA(float, t)[from];
    }
}

static tch_status potri_forward(tch_call *c) {
  bool upper = ((const tch_potri_attr *) c->attr)->upper;
  int n = (int) c->in[0]->size[0], info;
  TCH_TRY(tch_columns_of(c->in[0], n, &c->out[0]));
  void *a = tch_tensor_data(c->out[0]);
  LAPACK(c->in[0]->type, potri, (triangle(upper), &n, a, &n, &info, 1));
  if (info > 0) return singular(c, info);
  mirror(c->out[0], upper);
  return TCH_OK;
}

/* dA = -Y g Y */
static tch_status potri_backward(tch_call *c) {
  bool upper = ((const tch_potri_attr *) c->attr)->upper;
  tch_tensor *y = c->out[0], *left, *da, *triangular;
  TCH_STEP(c, left, mm, y, c->gout[0], -1);
  TCH_STEP(c, da, mm, left, y, 1);
  if (upper) TCH_STEP(c, triangular, triu, c->in[0], 0);
  else TCH_STEP(c, triangular, tril, c->in[0], 0);
  return give_factor(c, 0, triangular, upper, da);
}

const tch_op_body tch_op_potri = {.shape = square_shape,
                                  .forward = potri_forward,
                                  .backward_ops = potri_backward,
                                  .save_in = 1,
                                  .save_out = 1,
                                  .aside = true};

/* -- pstrf: P' A P = U' U, or L L', of a semi-definite A ------------------------------------------------------------- */

static tch_status pstrf_shape(tch_call *c) {
  TCH_TRY(square_shape(c));
  c->shape[1] = (tch_shape){.type = TCH_INT, .ndim = 1, .size = {c->in[0]->size[0]}};
  return TCH_OK;
}

static tch_status pstrf_forward(tch_call *c) {
  const tch_pstrf_attr *t = c->attr;
  tch_dtype type = c->in[0]->type;
  int n = (int) c->in[0]->size[0], rank, info;
  union {
    float s;
    double d;
  } tolerance;
  void *work;
  if (type == TCH_DOUBLE) tolerance.d = t->tolerance;
  else tolerance.s = (float) t->tolerance;
  TCH_TRY(tch_finite_check(c, c->in[0]));
  TCH_TRY(tch_room(c, type, 2 * (int64_t) n, &work));
  TCH_TRY(tch_columns_of(c->in[0], n, &c->out[0]));
  TCH_TRY(tch_tensor_of(&c->shape[1], &c->out[1]));
  void *a = tch_tensor_data(c->out[0]), *level = &tolerance;
  int32_t *pivots = tch_tensor_data(c->out[1]);
  LAPACK(type, pstrf, (triangle(t->upper), &n, a, &n, pivots, &rank, level, work, &info, 1));
  if (info > 0)
    return tch_op_fail(c, TCH_ERROR_VALUE, "the matrix is rank deficient (rank %d of %d) or not positive semi-definite",
                       rank, n);
  for (int i = 0; i < n; i++) pivots[i] += (int32_t) t->base - 1;
  tch_clear_triangle(c->out[0], !t->upper);
  return TCH_OK;
}

const tch_op_body tch_op_pstrf = {.shape = pstrf_shape, .forward = pstrf_forward, .aside = true};

/* -- geqrf, orgqr, ormqr: reflectors, the orthogonal matrix they make, products with it ------------------------------ */

static int64_t lesser(int64_t a, int64_t b) { return a < b ? a : b; }

static tch_status geqrf_shape(tch_call *c) {
  TCH_TRY(tch_matrix_check(c, 0, false));
  int64_t m = c->in[0]->size[0], n = c->in[0]->size[1];
  tch_matrix_shape(c, 0, m, n);
  tch_matrix_shape(c, 1, lesser(m, n), 0);
  return TCH_OK;
}

/* qr (by columns) becomes R above the reflectors, whose factors go to tau. */
static tch_status reflect(tch_call *c, tch_tensor *qr, void *tau) {
  int m = (int) qr->size[0], n = (int) qr->size[1], query = -1, lwork, info;
  double wish = 0;
  void *work, *a = tch_tensor_data(qr);
  LAPACK(qr->type, geqrf, (&m, &n, a, &m, tau, (void *) &wish, &query, &info));
  TCH_TRY(tch_work(c, qr->type, &wish, &lwork, &work));
  LAPACK(qr->type, geqrf, (&m, &n, a, &m, tau, work, &lwork, &info));
  return TCH_OK;
}

/* Reflectors in the first k columns of q become the first columns of the orthogonal matrix. */
static tch_status expand_reflectors(tch_call *c, tch_tensor *q, const void *tau, int k) {
  int m = (int) q->size[0], query = -1, lwork, info;
  double wish = 0;
  void *work, *a = tch_tensor_data(q);
  LAPACK(q->type, orgqr, (&m, &k, &k, a, &m, tau, (void *) &wish, &query, &info));
  TCH_TRY(tch_work(c, q->type, &wish, &lwork, &work));
  LAPACK(q->type, orgqr, (&m, &k, &k, a, &m, tau, work, &lwork, &info));
  return TCH_OK;
}

static tch_status geqrf_forward(tch_call *c) {
  TCH_TRY(tch_columns_of(c->in[0], c->in[0]->size[0], &c->out[0]));
  TCH_TRY(tch_tensor_of(&c->shape[1], &c->out[1]));
  return reflect(c, c->out[0], tch_tensor_data(c->out[1]));
}

const tch_op_body tch_op_geqrf = {.shape = geqrf_shape, .forward = geqrf_forward, .aside = true};

/* tau holds at most `most` factors. */
static tch_status tau_check(const tch_call *c, int64_t most) {
  const tch_tensor *tau = c->in[1];
  char text[TCH_SHAPE_TEXT];
  TCH_TRY(tch_op_same_float(c, 3));
  if (tau->ndim == 1 && tau->count > 0 && tau->count <= most) return TCH_OK;
  return tch_op_fail(c, TCH_ERROR_SHAPE, "tau must be a vector of 1 to %lld numbers, but it is %s", (long long) most,
                     tch_shape_text(tau, text));
}

static tch_status orgqr_shape(tch_call *c) {
  TCH_TRY(tch_matrix_check(c, 0, false));
  int64_t m = c->in[0]->size[0], n = c->in[0]->size[1];
  tch_matrix_shape(c, 0, m, n);
  return tau_check(c, lesser(m, n));
}

static tch_status orgqr_forward(tch_call *c) {
  tch_tensor *tau;
  TCH_TRY(tch_op_contiguous(c, c->in[1], &tau));
  TCH_TRY(tch_columns_of(c->in[0], c->in[0]->size[0], &c->out[0]));
  return expand_reflectors(c, c->out[0], tch_tensor_data(tau), (int) tau->count);
}

const tch_op_body tch_op_orgqr = {.shape = orgqr_shape, .forward = orgqr_forward, .aside = true};

static tch_status ormqr_shape(tch_call *c) {
  const tch_ormqr_attr *t = c->attr;
  TCH_TRY(tch_matrix_check(c, 0, false));
  TCH_TRY(tch_matrix_check(c, 2, false));
  TCH_TRY(tch_op_same_float(c, 5));
  const tch_tensor *qr = c->in[0], *b = c->in[2];
  char text[TCH_SHAPE_TEXT], more[TCH_SHAPE_TEXT];
  TCH_TRY(tau_check(c, lesser(qr->size[0], qr->size[1])));
  if (b->size[t->left ? 0 : 1] != qr->size[0])
    return tch_op_fail(
        c, TCH_ERROR_SHAPE, "an orthogonal matrix of order %lld cannot be multiplied with %s from the %s; qr is %s",
        (long long) qr->size[0], tch_shape_text(b, text), t->left ? "left" : "right", tch_shape_text(qr, more));
  tch_matrix_shape(c, 0, b->size[0], b->size[1]);
  return TCH_OK;
}

static tch_status ormqr_forward(tch_call *c) {
  const tch_ormqr_attr *t = c->attr;
  tch_tensor *tau, *qr;
  TCH_TRY(tch_op_contiguous(c, c->in[1], &tau));
  TCH_TRY(tch_columns_of(c->in[0], c->in[0]->size[0], &qr));
  TCH_TRY(tch_op_keep(c, qr));
  TCH_TRY(tch_columns_of(c->in[2], c->in[2]->size[0], &c->out[0]));
  int m = (int) c->out[0]->size[0], n = (int) c->out[0]->size[1], k = (int) tau->count, order = (int) qr->size[0];
  int query = -1, lwork, info;
  double wish = 0;
  const char *side = t->left ? "L" : "R", *trans = t->trans ? "T" : "N";
  void *work, *a = tch_tensor_data(qr), *factors = tch_tensor_data(tau), *y = tch_tensor_data(c->out[0]);
  LAPACK(qr->type, ormqr, (side, trans, &m, &n, &k, a, &order, factors, y, &m, (void *) &wish, &query, &info, 1, 1));
  TCH_TRY(tch_work(c, qr->type, &wish, &lwork, &work));
  LAPACK(qr->type, ormqr, (side, trans, &m, &n, &k, a, &order, factors, y, &m, work, &lwork, &info, 1, 1));
  return TCH_OK;
}

const tch_op_body tch_op_ormqr = {.shape = ormqr_shape, .forward = ormqr_forward, .aside = true};

/* -- qr: A = Q R, with as many columns in Q as the lesser of A's sizes ----------------------------------------------- */

static tch_status qr_shape(tch_call *c) {
  TCH_TRY(tch_matrix_check(c, 0, false));
  int64_t m = c->in[0]->size[0], n = c->in[0]->size[1], k = lesser(m, n);
  tch_matrix_shape(c, 0, m, k);
  tch_matrix_shape(c, 1, k, n);
  return TCH_OK;
}

static tch_status qr_forward(tch_call *c) {
  int64_t m = c->in[0]->size[0], n = c->in[0]->size[1], k = lesser(m, n);
  tch_tensor *both;
  void *tau;
  TCH_TRY(tch_room(c, c->in[0]->type, k, &tau));
  TCH_TRY(tch_columns_of(c->in[0], m, &both));
  TCH_TRY(tch_op_keep(c, both));
  TCH_TRY(reflect(c, both, tau));
  tch_tensor top = *both, left = *both;
  top.size[0] = k, top.count = k * n;
  left.size[1] = k, left.count = m * k;
  TCH_TRY(tch_columns_of(&top, k, &c->out[1]));
  tch_clear_triangle(c->out[1], false);
  TCH_TRY(tch_columns_of(&left, m, &c->out[0]));
  return expand_reflectors(c, c->out[0], tau, (int) k);
}

/* Walter and Lehmann, "Algorithmic differentiation of linear algebra functions" (2018), section 3.1: with
 * M = R dR' - dQ' Q and S its lower triangle mirrored upwards, dA = (dQ + Q S) R'^-1. */
static tch_status qr_backward(tch_call *c) {
  tch_tensor *q = c->out[0], *r = c->out[1], *gq = c->gout[0], *gr = c->gout[1], *turned, *m = NULL, *part, *lower,
             *below, *above, *s, *sum, *solved, *da = NULL;
  if (c->in_shape[0].size[0] < c->in_shape[0].size[1])
    return tch_op_fail(c, TCH_ERROR_STATE, "it has a gradient for matrices with at least as many rows as columns");
  if (gr) {
    TCH_STEP(c, turned, transposed, gr);
    TCH_STEP(c, m, mm, r, turned, 1);
  }
  if (gq) {
    TCH_STEP(c, turned, transposed, gq);
    TCH_STEP(c, part, mm, turned, q, -1);
    if (m) TCH_STEP(c, m, add, m, part, 1);
    else m = part;
  }
  TCH_STEP(c, lower, tril, m, 0);
  TCH_STEP(c, below, tril, m, -1);
  TCH_STEP(c, above, transposed, below);
  TCH_STEP(c, s, add, lower, above, 1);
  TCH_STEP(c, sum, mm, q, s, 1);
  if (gq) TCH_STEP(c, sum, add, gq, sum, 1);
  TCH_STEP(c, turned, transposed, sum);
  TCH_STEP(c, solved, trtrs, turned, r, true, false, false);
  return tch_grad_pass(c, 0, tch_transposed(solved, &da), &da);
}

const tch_op_body tch_op_qr = {
    .shape = qr_shape, .forward = qr_forward, .backward_ops = qr_backward, .save_out = 3, .aside = true};
