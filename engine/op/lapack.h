/* LAPACK, which OpenBLAS carries, by its Fortran names for both floating types, and what its callers share.
 *
 * Everything is passed by address, matrices lie by columns, and the lengths of texts follow all other arguments. */
#ifndef TCH_OP_LAPACK_H
#define TCH_OP_LAPACK_H
#include "op/op.h"

#define TCH_LAPACK_ROUTINES(T, p)                                                                                             \
  void p##gesv_(const int *n, const int *k, T *a, const int *lda, int *pivots, T *b, const int *ldb, int *info);              \
  void p##getrf_(const int *m, const int *n, T *a, const int *lda, int *pivots, int *info);                                   \
  void p##getri_(const int *n, T *a, const int *lda, const int *pivots, T *work, const int *lwork, int *info);                \
  void p##gels_(const char *trans, const int *m, const int *n, const int *k, T *a, const int *lda, T *b, const int *ldb,      \
                T *work, const int *lwork, int *info, size_t);                                                                \
  void p##trtrs_(const char *uplo, const char *trans, const char *diag, const int *n, const int *k, const T *a,               \
                 const int *lda, T *b, const int *ldb, int *info, size_t, size_t, size_t);                                    \
  void p##potrf_(const char *uplo, const int *n, T *a, const int *lda, int *info, size_t);                                    \
  void p##potrs_(const char *uplo, const int *n, const int *k, const T *a, const int *lda, T *b, const int *ldb, int *info,   \
                 size_t);                                                                                                     \
  void p##potri_(const char *uplo, const int *n, T *a, const int *lda, int *info, size_t);                                    \
  void p##pstrf_(const char *uplo, const int *n, T *a, const int *lda, int *pivots, int *rank, const T *tolerance, T *work,   \
                 int *info, size_t);                                                                                          \
  void p##geqrf_(const int *m, const int *n, T *a, const int *lda, T *tau, T *work, const int *lwork, int *info);             \
  void p##orgqr_(const int *m, const int *n, const int *k, T *a, const int *lda, const T *tau, T *work, const int *lwork,     \
                 int *info);                                                                                                  \
  void p##ormqr_(const char *side, const char *trans, const int *m, const int *n, const int *k, const T *a, const int *lda,   \
                 const T *tau, T *c, const int *ldc, T *work, const int *lwork, int *info, size_t, size_t);                   \
  void p##syev_(const char *job, const char *uplo, const int *n, T *a, const int *lda, T *w, T *work, const int *lwork,       \
                int *info, size_t, size_t);                                                                                   \
  void p##geev_(const char *left, const char *right, const int *n, T *a, const int *lda, T *wr, T *wi, T *vl,                 \
                const int *ldvl, T *vr, const int *ldvr, T *work, const int *lwork, int *info, size_t, size_t);               \
  void p##gesvd_(const char *jobu, const char *jobv, const int *m, const int *n, T *a, const int *lda, T *s, T *u,            \
                 const int *ldu, T *vt, const int *ldvt, T *work, const int *lwork, int *info, size_t, size_t);
TCH_LAPACK_ROUTINES(float, s)
TCH_LAPACK_ROUTINES(double, d)

/* LAPACK(type, gesv, (&n, ...)) calls the routine of a floating type; arrays are given as void *. */
#define LAPACK(type, routine, arguments)                     \
  do {                                                       \
    if ((type) == TCH_DOUBLE) d##routine##_ arguments;       \
    else s##routine##_ arguments;                            \
  } while (0)

/* Shape rule: input i is a matrix of floating numbers with at least one entry, square if asked. */
tch_status tch_matrix_check(const tch_call *c, int i, bool square);
/* Shape rule: input b has a row (a vector: an entry) for each row of matrix a. */
tch_status tch_rows_check(const tch_call *c, int b, int a);
/* The shape of a matrix for output o, of input 0's type; columns 0: a vector. */
void tch_matrix_shape(tch_call *c, int o, int64_t rows, int64_t columns);

/* A copy of matrix t (a vector is one column) that lies by columns: entry (i, j) at i + j * rows. rows above t's are zeros. */
tch_status tch_columns_of(const tch_tensor *t, int64_t rows, tch_tensor **out);
/* A matrix that lies by columns, contents undefined. */
tch_status tch_columns_new(tch_dtype type, int64_t rows, int64_t columns, tch_tensor **out);
/* Room for `count` numbers until the call ends. */
tch_status tch_room(tch_call *c, tch_dtype type, int64_t count, void **out);
/* Room of the size that a routine asked for in `wish`, a number of the type, with its length. */
tch_status tch_work(tch_call *c, tch_dtype type, const void *wish, int *lwork, void **out);
/* Fails if t holds a number that is not finite: iterations would not end. */
tch_status tch_finite_check(const tch_call *c, const tch_tensor *t);
/* Zeros the part of a matrix that lies by columns above the diagonal (or below it). */
void tch_clear_triangle(tch_tensor *t, bool above);
/* t', as an op. */
tch_status tch_transposed(tch_tensor *t, tch_tensor **out);
#endif
