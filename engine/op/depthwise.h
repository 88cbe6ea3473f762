/* Convolutions with one output plane per input plane (groups of one channel); see convolve.h for the sums. */
#ifndef TCH_OP_DEPTHWISE_H
#define TCH_OP_DEPTHWISE_H
#include "op/convolve.h"

bool tch_depthwise_fits(const tch_conv_geometry *g);
/* As tch_convolve, tch_convolve_input and tch_convolve_weight, for geometries that fit; rows of x, y, gx, gy and the windows of
 * gw are contiguous. */
tch_status tch_depthwise_forward(const tch_conv_geometry *g, tch_planes x, const void *weight,
                                 const tch_finish *finish, tch_planes y);
tch_status tch_depthwise_input(const tch_conv_geometry *g, tch_planes gy, const void *weight,
                               const tch_finish *finish, tch_planes gx);
tch_status tch_depthwise_weight(const tch_conv_geometry *g, tch_planes x, tch_planes gy, tch_planes gw, double alpha,
                                double beta);
#endif
