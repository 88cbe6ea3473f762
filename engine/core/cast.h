/* Rows of numbers of any data type, read into and written from double or int64_t. Strides count elements. */
#ifndef TCH_CORE_CAST_H
#define TCH_CORE_CAST_H
#include "tocha.h"

/* An integer wraps to a narrower type. A floating value becomes an integer by cutting its fraction to int64_t (NaN
 * gives 0, a value beyond the range the nearest end), which then wraps. */
void tch_load_double(tch_dtype type, const void *from, int64_t stride, double *to, int64_t n);
void tch_store_double(tch_dtype type, void *to, int64_t stride, const double *from, int64_t n);
void tch_load_long(tch_dtype type, const void *from, int64_t stride, int64_t *to, int64_t n);
void tch_store_long(tch_dtype type, void *to, int64_t stride, const int64_t *from, int64_t n);

double tch_plain(double value); /* every NaN as the ordinary one, for a host language that packs other things into NaNs */
int64_t tch_cut(double value); /* the rule above for one number */
#endif
