/* Row functions of the scalar ops, numbered in the order of elementwise.def. */
#ifndef TCH_KERNEL_ELEMENTWISE_H
#define TCH_KERNEL_ELEMENTWISE_H
#include <stdint.h>

#define UNARY(name, ...) TCH_UNARY_##name,
#define BINARY(name, ...)
#define TERNARY(name, ...)
#define COMPARE(name, ...)
enum {
#include "kernel/elementwise.def"
  TCH_UNARY_COUNT
};
#undef UNARY
#undef BINARY
#define UNARY(name, ...)
#define BINARY(name, ...) TCH_BINARY_##name,
enum {
#include "kernel/elementwise.def"
  TCH_BINARY_COUNT
};
#undef BINARY
#undef TERNARY
#define BINARY(name, ...)
#define TERNARY(name, ...) TCH_TERNARY_##name,
enum {
#include "kernel/elementwise.def"
  TCH_TERNARY_COUNT
};
#undef TERNARY
#undef COMPARE
#define TERNARY(name, ...)
#define COMPARE(name, ...) TCH_COMPARE_##name,
enum {
#include "kernel/elementwise.def"
  TCH_COMPARE_COUNT
};
#undef UNARY
#undef BINARY
#undef TERNARY
#undef COMPARE

/* Rows of n elements; p[0] is the result, the operands follow. Elements of a row are `step` apart (0: one number for all, 1:
 * contiguous), rows `next`, both counted in elements; ab holds the parameters a and b. */
typedef void tch_element_row(int64_t n, int64_t rows, void *const *p, const int64_t *step, const int64_t *next, const double *ab);

typedef struct tch_elementwise_kernels {
  tch_element_row *unary[TCH_UNARY_COUNT];       /* y | x */
  tch_element_row *unary_grad[TCH_UNARY_COUNT];  /* dx | g x y; NULL: no gradient */
  tch_element_row *unary_grad2[TCH_UNARY_COUNT]; /* d(dx)/dx | g x y */
  tch_element_row *binary[TCH_BINARY_COUNT];     /* z | x y */
  tch_element_row *binary_grad[TCH_BINARY_COUNT][2];   /* dx, dy | g x y z */
  tch_element_row *ternary[TCH_TERNARY_COUNT];         /* w | x y z */
  tch_element_row *ternary_grad[TCH_TERNARY_COUNT][3]; /* dx, dy, dz | g x y z */
  tch_element_row *compare[TCH_COMPARE_COUNT];         /* byte | x y */
  int places; /* rows that lie alike may have gaps, where an element takes up to so many places: nothing between is touched */
  /* Copies past the caches, for results that are too large to stay in them. to lies on a 16-byte boundary. */
  void (*stream)(int64_t bytes, void *to, const void *from);
} tch_elementwise_kernels;
#endif
