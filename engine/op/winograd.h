/* Convolutions with windows of 3x3 by Winograd's method (kernel/winograd.h); see convolve.h for the sums. */
#ifndef TCH_OP_WINOGRAD_H
#define TCH_OP_WINOGRAD_H
#include "op/convolve.h"

/* Whether the method applies to a geometry and costs less than direct sums; a rule on the shape alone. */
bool tch_winograd_pays(const tch_conv_geometry *g, bool forward);
/* As tch_convolve, tch_convolve_input and tch_convolve_weight, for geometries that pay; rows of x, y, gx, gy and
 * the windows of gw are contiguous. */
tch_status tch_winograd_forward(const tch_conv_geometry *g, tch_planes x, const void *weight,
                                const tch_finish *finish, tch_planes y);
tch_status tch_winograd_input(const tch_conv_geometry *g, tch_planes gy, const void *weight,
                              const tch_finish *finish, tch_planes gx);
tch_status tch_winograd_weight(const tch_conv_geometry *g, tch_planes x, tch_planes gy, tch_planes gw, double alpha,
                               double beta);
#endif
