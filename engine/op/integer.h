/* The scalar ops' rows for the integer types. */
#ifndef TCH_OP_INTEGER_H
#define TCH_OP_INTEGER_H
#include "core/dtype.h"
#include "kernel/elementwise.h"

/* The row of an integer type, NULL if the op has none. */
tch_element_row *tch_integer_unary(tch_dtype type, int op);
tch_element_row *tch_integer_binary(tch_dtype type, int op);
tch_element_row *tch_integer_compare(tch_dtype type, int op);
#endif
