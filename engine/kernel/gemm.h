/* Products of matrices, by OpenBLAS, and what goes with them. Knows no tensors, no threads. */
#ifndef TCH_KERNEL_GEMM_H
#define TCH_KERNEL_GEMM_H
#include <stdbool.h>
#include <stdint.h>

/* A matrix in rows of `step` elements, each row contiguous; transposed: read as its transpose. */
typedef struct tch_matrix {
  const void *data;
  int64_t step;
  bool transposed;
} tch_matrix;

typedef struct tch_gemm_kernels {
  /* c (m, n) in rows of c_step = alpha * a (m, k) * b (k, n) + beta * c; sizes and steps fit an int. */
  void (*product)(int64_t m, int64_t n, int64_t k, double alpha, tch_matrix a, tch_matrix b, double beta, void *c,
                  int64_t c_step);
  /* y (n) = alpha * (sum of the rows of x (m, n), contiguous, in columns [begin, end)) + beta * y */
  void (*sum_rows)(int64_t m, int64_t n, const void *x, double alpha, double beta, void *y, int64_t begin, int64_t end);
} tch_gemm_kernels;
#endif
