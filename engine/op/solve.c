/* Linear systems: the inverse, A X = B for square, triangular and rectangular A. Results lie by columns. */
#include "op/lapack.h"
#include "op/line.h"

static tch_status singular(const tch_call *c, const char *factor, int i) {
  return tch_op_fail(c, TCH_ERROR_VALUE, "the matrix is singular: %s(%d,%d) is zero", factor, i, i);
}

/* g, which may lack because only another output was used, in the shape of input i: a vector was taken as one column. */
static tch_status give_shaped(tch_call *c, int i, tch_tensor *g) {
  tch_tensor *shaped = NULL;
  return tch_grad_pass(c, i, tch_reshape(g, c->in_shape[i].size, c->in_shape[i].ndim, &shaped), &shaped);
}

/* -- inverse ------------------------------------------------------------------------------------------------------- */

static tch_status inverse_shape(tch_call *c) {
  TCH_TRY(tch_matrix_check(c, 0, true));
  tch_matrix_shape(c, 0, c->in[0]->size[0], c->in[0]->size[0]);
  return TCH_OK;
}

static tch_status inverse_forward(tch_call *c) {
  tch_dtype type = c->in[0]->type;
  int n = (int) c->in[0]->size[0], query = -1, lwork, info;
  double wish = 0;
  void *pivots, *work;
  TCH_TRY(tch_room(c, TCH_INT, n, &pivots));
  TCH_TRY(tch_columns_of(c->in[0], n, &c->out[0]));
  void *a = tch_tensor_data(c->out[0]);
  LAPACK(type, getrf, (&n, &n, a, &n, pivots, &info));
  if (info > 0) return singular(c, "U", info);
  LAPACK(type, getri, (&n, a, &n, pivots, (void *) &wish, &query, &info));
  TCH_TRY(tch_work(c, type, &wish, &lwork, &work));
  LAPACK(type, getri, (&n, a, &n, pivots, work, &lwork, &info));
  return TCH_OK;
}

/* dA = -Y' g Y' */
static tch_status inverse_backward(tch_call *c) {
  tch_tensor *turned, *left, *g = NULL;
  TCH_STEP(c, turned, transposed, c->out[0]);
  TCH_STEP(c, left, mm, turned, c->gout[0], -1);
  return tch_grad_pass(c, 0, tch_mm(left, turned, 1, &g), &g);
}

const tch_op_body tch_op_inverse = {
    .shape = inverse_shape, .forward = inverse_forward, .backward_ops = inverse_backward, .save_out = 1, .aside = true};

/* -- gesv: A X = B, with A = P L U --------------------------------------------------------------------------------- */

static int64_t columns(const tch_tensor *b) { return b->ndim == 2 ? b->size[1] : 1; }

static tch_status gesv_shape(tch_call *c) {
  TCH_TRY(tch_matrix_check(c, 1, true));
  TCH_TRY(tch_rows_check(c, 0, 1));
  int64_t n = c->in[1]->size[0];
  tch_matrix_shape(c, 0, n, columns(c->in[0]));
  tch_matrix_shape(c, 1, n, n);
  return TCH_OK;
}

static tch_status gesv_forward(tch_call *c) {
  int n = (int) c->in[1]->size[0], k = (int) columns(c->in[0]), info;
  void *pivots;
  TCH_TRY(tch_room(c, TCH_INT, n, &pivots));
  TCH_TRY(tch_columns_of(c->in[0], n, &c->out[0]));
  TCH_TRY(tch_columns_of(c->in[1], n, &c->out[1]));
  void *b = tch_tensor_data(c->out[0]), *a = tch_tensor_data(c->out[1]);
  LAPACK(c->in[1]->type, gesv, (&n, &k, a, &n, pivots, b, &n, &info));
  return info > 0 ? singular(c, "U", info) : TCH_OK;
}

/* dB = A'^-1 g, dA = -dB X' */
static tch_status gesv_backward(tch_call *c) {
  tch_tensor *turned, *db = NULL, *lu = NULL, *xt, *da = NULL;
  TCH_STEP(c, turned, transposed, c->in[1]);
  TCH_TRY(tch_gesv(c->gout[0], turned, &db, &lu));
  tch_tensor_release(lu);
  TCH_TRY(tch_op_keep(c, db));
  if (tch_wants(c, 0)) TCH_TRY(give_shaped(c, 0, db));
  if (!tch_wants(c, 1)) return TCH_OK;
  TCH_STEP(c, xt, transposed, c->out[0]);
  return tch_grad_pass(c, 1, tch_mm(db, xt, -1, &da), &da);
}

const tch_op_body tch_op_gesv = {.shape = gesv_shape,
                                 .forward = gesv_forward,
                                 .backward_ops = gesv_backward,
                                 .save_in = 2,
                                 .save_out = 1,
                                 .aside = true};

/* -- trtrs: A X = B for a triangle A ------------------------------------------------------------------------------- */

static tch_status trtrs_shape(tch_call *c) {
  TCH_TRY(tch_matrix_check(c, 1, true));
  TCH_TRY(tch_rows_check(c, 0, 1));
  tch_matrix_shape(c, 0, c->in[1]->size[0], columns(c->in[0]));
  return TCH_OK;
}

static tch_status trtrs_forward(tch_call *c) {
  const tch_trtrs_attr *t = c->attr;
  int n = (int) c->in[1]->size[0], k = (int) columns(c->in[0]), info;
  tch_tensor *a;
  TCH_TRY(tch_columns_of(c->in[1], n, &a));
  TCH_TRY(tch_op_keep(c, a));
  TCH_TRY(tch_columns_of(c->in[0], n, &c->out[0]));
  void *triangle = tch_tensor_data(a), *x = tch_tensor_data(c->out[0]);
  LAPACK(
      a->type, trtrs,
      (t->upper ? "U" : "L", t->trans ? "T" : "N", t->unit ? "U" : "N", &n, &k, triangle, &n, x, &n, &info, 1, 1, 1));
  return info > 0 ? singular(c, "A", info) : TCH_OK;
}

/* With T = A or A': dB = T'^-1 g and dT = -dB X', of which the triangle counts. */
static tch_status trtrs_backward(tch_call *c) {
  const tch_trtrs_attr *t = c->attr;
  tch_tensor *db, *other, *full, *da = NULL;
  TCH_STEP(c, db, trtrs, c->gout[0], c->in[1], t->upper, !t->trans, t->unit);
  if (tch_wants(c, 0)) TCH_TRY(give_shaped(c, 0, db));
  if (!tch_wants(c, 1)) return TCH_OK;
  TCH_STEP(c, other, transposed, t->trans ? db : c->out[0]);
  TCH_STEP(c, full, mm, t->trans ? c->out[0] : db, other, -1);
  int skip = t->unit ? 1 : 0; /* the diagonal */
  return tch_grad_pass(c, 1, t->upper ? tch_triu(full, skip, &da) : tch_tril(full, -skip, &da), &da);
}

const tch_op_body tch_op_trtrs = {.shape = trtrs_shape,
                                  .forward = trtrs_forward,
                                  .backward_ops = trtrs_backward,
                                  .save_in = 2,
                                  .save_out = 1,
                                  .aside = true};

/* -- gels: the least |A X - B|, or the least |X| with A X = B ------------------------------------------------------- */

static tch_status gels_shape(tch_call *c) {
  TCH_TRY(tch_matrix_check(c, 1, false));
  TCH_TRY(tch_rows_check(c, 0, 1));
  tch_matrix_shape(c, 0, c->in[1]->size[1], columns(c->in[0]));
  tch_matrix_shape(c, 1, c->in[1]->size[0], c->in[1]->size[1]);
  return TCH_OK;
}

static tch_status gels_forward(tch_call *c) {
  tch_dtype type = c->in[1]->type;
  int m = (int) c->in[1]->size[0], n = (int) c->in[1]->size[1], k = (int) columns(c->in[0]), query = -1, lwork, info;
  int rows = m > n ? m : n; /* B takes the residuals or grows to X */
  double wish = 0;
  void *work;
  tch_tensor *b;
  TCH_TRY(tch_columns_of(c->in[0], rows, &b));
  TCH_TRY(tch_op_keep(c, b));
  TCH_TRY(tch_columns_of(c->in[1], m, &c->out[1]));
  void *x = tch_tensor_data(b), *a = tch_tensor_data(c->out[1]);
  LAPACK(type, gels, ("N", &m, &n, &k, a, &m, x, &rows, (void *) &wish, &query, &info, 1));
  TCH_TRY(tch_work(c, type, &wish, &lwork, &work));
  LAPACK(type, gels, ("N", &m, &n, &k, a, &m, x, &rows, work, &lwork, &info, 1));
  if (info > 0)
    return tch_op_fail(c, TCH_ERROR_VALUE,
                       "the matrix has not full rank: entry (%d,%d) of its triangular factor is zero", info, info);
  tch_tensor part = *b;
  part.size[0] = n, part.count = (int64_t) n * k;
  return tch_columns_of(&part, n, &c->out[0]);
}

/* For m >= n, with A = Q R: Z = (A'A)^-1 g by R's triangle, dB = A Z, dA = (B - A X) Z' - A Z X'. */
static tch_status gels_backward(tch_call *c) {
  tch_tensor *a = c->in[1], *r, *half, *z, *az, *b, *fit, *rest, *zt, *xt, *one, *two, *da = NULL;
  int64_t m = a->size[0], n = a->size[1], k = c->out[0]->size[1];
  if (m < n)
    return tch_op_fail(c, TCH_ERROR_STATE, "it has a gradient for matrices with at least as many rows as columns");
  TCH_STEP(c, r, slice, c->out[1], 0, 0, n, 1);
  TCH_STEP(c, half, trtrs, c->gout[0], r, true, true, false);
  TCH_STEP(c, z, trtrs, half, r, true, false, false);
  TCH_STEP(c, az, mm, a, z, 1);
  if (tch_wants(c, 0)) TCH_TRY(give_shaped(c, 0, az));
  if (!tch_wants(c, 1)) return TCH_OK;
  TCH_STEP(c, b, reshape, c->in[0], ((const int64_t[]){m, k}), 2);
  TCH_STEP(c, fit, mm, a, c->out[0], 1);
  TCH_STEP(c, rest, sub, b, fit, 1);
  TCH_STEP(c, zt, transposed, z);
  TCH_STEP(c, xt, transposed, c->out[0]);
  TCH_STEP(c, one, mm, rest, zt, 1);
  TCH_STEP(c, two, mm, az, xt, 1);
  return tch_grad_pass(c, 1, tch_sub(one, two, 1, &da), &da);
}

/* Only first derivatives: the triangle in qr has no history. */
static tch_status gels_first(tch_call *c) {
  if (c->graph) return tch_op_fail(c, TCH_ERROR_STATE, "its gradient has no gradient of its own");
  return gels_backward(c);
}

const tch_op_body tch_op_gels = {.shape = gels_shape,
                                 .forward = gels_forward,
                                 .backward_ops = gels_first,
                                 .save_in = 3,
                                 .save_out = 3,
                                 .aside = true};
