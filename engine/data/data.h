/* What runs beside Lua: samples of a data set, drawn, decoded and augmented by threads of their own. */
#ifndef TCH_DATA_DATA_H
#define TCH_DATA_DATA_H
#include "core/error.h"
#include "core/tensor.h"

/*        option        numbers   default      meaning */
#define TCH_SAMPLE_OPTIONS(X) \
  X(seed,         1, 0)          /* of everything drawn */                                                       \
  X(height,       1, 0)          /* of the result */                                                             \
  X(width,        1, 0)                                                                                          \
  X(planes,       1, 3)          /* 1 luminance, 3 red, green, blue */                                           \
  X(upright,      1, 1)          /* follow the orientation tag */                                                \
  X(cover,        1, 0)          /* keep the proportions and cut what is too much off; 0: stretch */             \
  X(rotation,     1, 0)          /* up to so many degrees, either way */                                         \
  X(width_shift,  1, 0)          /* up to this share of the width */                                             \
  X(height_shift, 1, 0)                                                                                          \
  X(shear,        1, 0)          /* up to so many degrees */                                                     \
  X(zoom,         2, 1, 1)       /* factors from, to; one is drawn for each axis; above 1 shows more */          \
  X(hflip,        1, 0)          /* mirror half of the pictures */                                               \
  X(vflip,        1, 0)                                                                                          \
  X(fill,         1, 1)          /* what comes in: 0 value, 1 nearest, 2 reflect, 3 wrap */                      \
  X(fill_value,   1, 0)          /* 0 to 255 */                                                                  \
  X(crop,         1, 0)          /* move by up to so many whole pixels */                                        \
  X(area,         2, 1, 1)       /* cut a box of this share of the picture, from, to, out ... */                 \
  X(ratio,        2, .75, 1.333333333333333) /* ... with this ratio of width to height */                        \
  X(brightness,   1, 0)          /* factors from 1 - b to 1 + b */                                               \
  X(contrast,     1, 0)                                                                                          \
  X(saturation,   1, 0)                                                                                          \
  X(hue,          1, 0)          /* turned by up to this share of the circle */                                  \
  X(scale,        1, 1. / 255)   /* result = (scale * value - mean) / deviation */                               \
  X(mean,         3, 0, 0, 0)                                                                                    \
  X(deviation,    3, 1, 1, 1)                                                                                    \
  X(cutout,       1, 0)          /* side of a square that becomes 0 */

typedef struct tch_sample_options {
#define FIELD(name, count, ...) double name[count];
  TCH_SAMPLE_OPTIONS(FIELD)
#undef FIELD
} tch_sample_options;

/* Where samples come from: pictures in files, or a tensor. */
typedef struct tch_source {
  tch_tensor *names;  /* texts, each with its NUL */
  tch_tensor *index;  /* (N,4): where the sample's name begins in names; first byte; count, -1: the whole file; where the path of
                         the file that it lies in begins in names (not read if there is a blob). NULL if there are images */
  tch_tensor *blob;   /* contents of an archive, or NULL */
  tch_tensor *images; /* (N,C,H,W) bytes or floats from 0 to 255; or NULL */
} tch_source;

int64_t tch_source_count(const tch_source *s);
/* The name of sample i for messages, or NULL if it has none. */
const char *tch_source_name(const tch_source *s, int64_t i);

/* Numbers in [0, 1) of one sample: the k-th depends on seed, epoch and sample alone. */
typedef struct tch_draws {
  uint64_t key, count;
} tch_draws;
double tch_draw(tch_draws *d);
static inline double tch_draw_between(tch_draws *d, double a, double b) { return a + (b - a) * tch_draw(d); }

/* Computes sample i into planes * height * width floats. */
tch_status tch_sample_make(const tch_source *s, const tch_sample_options *o, uint64_t epoch, int64_t i, float *to);
#endif
