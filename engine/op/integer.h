/* The scalar ops' rows for the integer types. */
#ifndef TCH_OP_INTEGER_H
#define TCH_OP_INTEGER_H
#include "core/dtype.h"
#include "kernel/elementwise.h"
#include "op/gemm.h"

/* The row of an integer type, NULL if the op has none. */
tch_element_row *tch_integer_unary(tch_dtype type, int op);
tch_element_row *tch_integer_binary(tch_dtype type, int op);
tch_element_row *tch_integer_ternary(tch_dtype type, int op);
tch_element_row *tch_integer_compare(tch_dtype type, int op);

/* tch_gemm of an integer type; alpha and beta lose their fractions, sums wrap around. */
void tch_integer_gemm(tch_dtype type, int64_t m, int64_t n, int64_t k, double alpha, tch_grid a, tch_grid b, double beta,
                      tch_grid c);
#endif
