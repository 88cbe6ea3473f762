/* What callers of LAPACK share: checks, copies that lie by columns, room to work in. */
#include "op/lapack.h"
#include <limits.h>
#include <math.h>
#include <string.h>

tch_status tch_matrix_check(const tch_call *c, int i, bool square) {
  const tch_tensor *t = c->in[i];
  char name[32], text[TCH_SHAPE_TEXT];
  TCH_TRY(tch_op_same_float(c, 1u << i));
  bool fits = t->ndim == 2 && t->count > 0 && t->size[0] <= INT_MAX && t->size[1] <= INT_MAX;
  if (fits && (!square || t->size[0] == t->size[1])) return TCH_OK;
  return tch_op_fail(c, TCH_ERROR_SHAPE, "%s must be a %smatrix with entries, but it is %s",
                     tch_op_input_name(c, i, name), square ? "square " : "", tch_shape_text(t, text));
}

tch_status tch_rows_check(const tch_call *c, int b, int a) {
  const tch_tensor *t = c->in[b];
  char name[32], other[32], text[TCH_SHAPE_TEXT], more[TCH_SHAPE_TEXT];
  TCH_TRY(tch_op_same_float(c, 1u << a | 1u << b));
  if ((t->ndim == 1 || t->ndim == 2) && t->count > 0 && t->size[0] == c->in[a]->size[0]) return TCH_OK;
  return tch_op_fail(c, TCH_ERROR_SHAPE,
                     "%s must be a matrix or vector with as many rows as %s, but they are %s and %s",
                     tch_op_input_name(c, b, name), tch_op_input_name(c, a, other), tch_shape_text(t, text),
                     tch_shape_text(c->in[a], more));
}

void tch_matrix_shape(tch_call *c, int o, int64_t rows, int64_t columns) {
  c->shape[o] = (tch_shape){.type = c->in[0]->type, .ndim = columns ? 2 : 1, .size = {rows, columns}};
}

tch_status tch_columns_new(tch_dtype type, int64_t rows, int64_t columns, tch_tensor **out) {
  TCH_TRY(tch_tensor_of(&(tch_shape){.type = type, .ndim = 2, .size = {columns, rows}}, out));
  (*out)->size[0] = rows, (*out)->stride[0] = 1;
  (*out)->size[1] = columns, (*out)->stride[1] = rows;
  return TCH_OK;
}

tch_status tch_columns_of(const tch_tensor *t, int64_t rows, tch_tensor **out) {
  int64_t columns = t->ndim == 2 ? t->size[1] : 1;
  TCH_TRY(tch_columns_new(t->type, rows, columns, out));
  tch_tensor part = **out; /* the rows that t fills */
  part.size[0] = t->size[0];
  part.count = t->size[0] * columns;
  tch_status status = rows > t->size[0] ? tch_tensor_fill(*out, 0) : TCH_OK;
  if (status == TCH_OK) status = tch_tensor_copy(&part, t);
  if (status != TCH_OK) {
    tch_tensor_release(*out);
    *out = NULL;
  }
  return status;
}

tch_status tch_room(tch_call *c, tch_dtype type, int64_t count, void **out) {
  tch_tensor *room;
  TCH_TRY(tch_op_temp(c, &(tch_shape){.type = type, .ndim = 1, .size = {count}}, &room));
  *out = tch_tensor_data(room);
  return TCH_OK;
}

tch_status tch_work(tch_call *c, tch_dtype type, const void *wish, int *lwork, void **out) {
  double count = type == TCH_DOUBLE ? *(const double *) wish
                                    : (double) *(const float *) wish * (1 + 1e-6); /* was rounded */
  *lwork = count < 1 ? 1 : count > INT_MAX ? INT_MAX : (int) ceil(count);
  return tch_room(c, type, *lwork, out);
}

tch_status tch_finite_check(const tch_call *c, const tch_tensor *t) {
  for (int64_t i = 0; i < t->size[0]; i++)
    for (int64_t j = 0; j < t->size[1]; j++) {
      int64_t at = i * t->stride[0] + j * t->stride[1];
      double v = t->type == TCH_DOUBLE ? TCH_DATA(double, t)[at] : (double) TCH_DATA(float, t)[at];
      if (!isfinite(v))
        return tch_op_fail(c, TCH_ERROR_VALUE, "the matrix holds %g at row %lld, column %lld", v, (long long) i + 1,
                           (long long) j + 1);
    }
  return TCH_OK;
}

void tch_clear_triangle(tch_tensor *t, bool above) {
  int64_t bytes = tch_dtype_bytes(t->type), rows = t->size[0];
  char *data = tch_tensor_data(t);
  for (int64_t j = 0; j < t->size[1]; j++) {
    int64_t diagonal = j < rows ? j : rows;
    if (above) memset(data + j * rows * bytes, 0, (size_t) (diagonal * bytes));
    else if (j + 1 < rows) memset(data + (j * rows + j + 1) * bytes, 0, (size_t) ((rows - j - 1) * bytes));
  }
}

tch_status tch_transposed(tch_tensor *t, tch_tensor **out) { return tch_permute(t, (const int64_t[]){1, 0}, 2, out); }
