/* Products with a matrix that is packed once and used often, by few rows at a time. Knows no tensors, no threads. */
#ifndef TCH_KERNEL_PACKED_H
#define TCH_KERNEL_PACKED_H
#include <stdbool.h>
#include <stdint.h>

/* Element (i, j) at data[i * row + j * column]. */
typedef struct tch_any_matrix {
  const void *data;
  int64_t row, column;
} tch_any_matrix;

/* A packed matrix of `depth` rows. */
typedef struct tch_panels {
  const void *data;
  int64_t depth;
} tch_panels;

typedef struct tch_packed_kernels {
  int64_t panel; /* columns are packed in panels of this many, the last one filled up with zeros */
  /* b (k, n) into the k * (n rounded up to panels) numbers of packed */
  void (*pack)(int64_t k, int64_t n, tch_any_matrix b, void *packed);
  /* c (m, n) = a (m, k) * b, or c += a * b, with the first k rows and n columns of b; rows of c are c_step apart */
  void (*product)(int64_t m, int64_t n, int64_t k, tch_any_matrix a, tch_panels b, bool add, void *c, int64_t c_step);
} tch_packed_kernels;

/* Numbers that a packed (k, n) takes. */
static inline int64_t tch_packed_count(const tch_packed_kernels *kernels, int64_t k, int64_t n) {
  return k * ((n + kernels->panel - 1) / kernels->panel * kernels->panel);
}
#endif
