/* Pictures as planes of numbers, and what is computed on them. */
#ifndef TCH_IMAGE_IMAGE_H
#define TCH_IMAGE_IMAGE_H
#include "core/cpu.h"
#include "core/error.h"
#include "core/tensor.h"
#include "kernel/picture.h"

TCH_KERNEL_FAMILY(picture)

/* A picture (H,W) or (C,H,W) of bytes, floats or doubles as contiguous floats or doubles; fails in the name of `op`. */
tch_status tch_image_work(tch_tensor *image, const char *op, tch_tensor **out);
/* The result of work on `like`: `work` itself, or, if `like` is bytes, a new tensor of its numbers rounded and cut to 0..255.
 * Takes `work` over, also when it fails. */
tch_status tch_image_result(tch_tensor *work, const tch_tensor *like, tch_tensor **out);

static inline int64_t tch_image_channels(const tch_tensor *t) { return t->ndim == 3 ? t->size[0] : 1; }

/* How one direction is resized: output i is the sum of weight[i * taps + k] * input[first[i] + k]. */
typedef struct tch_resize_plan {
  int64_t in, out, taps;
  tch_dtype type; /* of the weights */
  int32_t *first;
  void *weight;
  int64_t bytes;  /* of the block that both lie in */
} tch_resize_plan;

tch_status tch_resize_plan_make(tch_resize_plan *p, int64_t in, int64_t out, tch_resize mode, tch_dtype type);
void tch_resize_plan_free(tch_resize_plan *p);
/* Resizes (channels, rows->in, columns->in) to (channels, rows->out, columns->out) with `room` for rows->in * columns->out
 * numbers. round: rounds what lies between the passes, as bytes do. */
void tch_resize_planes(const tch_resize_plan *rows, const tch_resize_plan *columns, int64_t channels, const void *from,
                       void *room, bool round, void *to);
#endif
