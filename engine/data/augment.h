/* Random changes of one picture, (channels, height, width) floats from 0 to 255. */
#ifndef TCH_DATA_AUGMENT_H
#define TCH_DATA_AUGMENT_H
#include "data/data.h"

/* Draws an affine map; false if it is the identity. */
bool tch_augment_draw(const tch_sample_options *o, tch_draws *d, double matrix[6]);
/* to: as large as from. */
void tch_augment_warp(const tch_sample_options *o, const double matrix[6], int64_t channels, int64_t height, int64_t width,
                      const float *from, float *to);
/* Brightness, contrast, saturation, hue, in place. */
void tch_augment_colours(const tch_sample_options *o, tch_draws *d, int64_t channels, int64_t pixels, float *x);
void tch_augment_cutout(const tch_sample_options *o, tch_draws *d, int64_t channels, int64_t height, int64_t width, float *x);
#endif
