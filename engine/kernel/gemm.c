/* Matrix products of one float type; see gemm.h. */
#include "kernel/gemm.h"
#include <cblas.h>
#include <string.h>

#define NAME2(type, isa) tch_gemm_kernels_##type##_##isa
#define NAME(type, isa)  NAME2(type, isa)
#if defined(TCH_REAL_IS_float)
#define GEMM cblas_sgemm
#define GEMV cblas_sgemv
#else
#define GEMM cblas_dgemm
#define GEMV cblas_dgemv
#endif

typedef TCH_REAL real;
enum { COLUMNS = 256 }; /* of sum_rows at a time: their sums stay in the first cache */

static void product(int64_t m, int64_t n, int64_t k, double alpha, tch_matrix a, tch_matrix b, double beta, void *c,
                    int64_t c_step) {
  int lda = (int) a.step, ldb = (int) b.step, ldc = (int) c_step, M = (int) m, N = (int) n, K = (int) k;
  real al = (real) alpha, be = (real) beta;
  if (m == 1 && K > 0) { /* a row times b: b' times a column */
    int step = a.transposed ? lda : 1;
    if (b.transposed) GEMV(CblasRowMajor, CblasNoTrans, N, K, al, b.data, ldb, a.data, step, be, c, 1);
    else GEMV(CblasRowMajor, CblasTrans, K, N, al, b.data, ldb, a.data, step, be, c, 1);
  } else if (n == 1 && K > 0) {
    int step = b.transposed ? 1 : ldb;
    if (a.transposed) GEMV(CblasRowMajor, CblasTrans, K, M, al, a.data, lda, b.data, step, be, c, ldc);
    else GEMV(CblasRowMajor, CblasNoTrans, M, K, al, a.data, lda, b.data, step, be, c, ldc);
  } else
    GEMM(CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans, b.transposed ? CblasTrans : CblasNoTrans, M, N, K, al,
         a.data, lda, b.data, ldb, be, c, ldc);
}

static void sum_rows(int64_t m, int64_t n, const void *xs, double alpha, double beta, void *ys, int64_t begin,
                     int64_t end) {
  real total[COLUMNS], *y = ys, al = (real) alpha, be = (real) beta;
  for (int64_t j = begin; j < end; j += COLUMNS) {
    int64_t width = end - j < COLUMNS ? end - j : COLUMNS;
    memset(total, 0, sizeof total);
    for (int64_t i = 0; i < m; i++) {
      const real *x = (const real *) xs + i * n + j;
      for (int64_t l = 0; l < width; l++) total[l] += x[l];
    }
    for (int64_t l = 0; l < width; l++) y[j + l] = al * total[l] + (be != 0 ? be * y[j + l] : 0);
  }
}

extern const tch_gemm_kernels NAME(TCH_REAL, TCH_ISA);
const tch_gemm_kernels NAME(TCH_REAL, TCH_ISA) = {product, sum_rows};
