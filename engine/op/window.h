/* The windows of a pooling: what its attributes mean, what they give, and running a kernel over all planes. */
#ifndef TCH_OP_WINDOW_H
#define TCH_OP_WINDOW_H
#include "op/op.h"

/* Attributes of the pooling ops. adaptive: there are no others. */
typedef struct tch_window_options {
  const tch_ints *kernel, *stride, *pad, *dilation;
  bool ceil, count_pad, adaptive;
} tch_window_options;

/* Sizes along both directions. */
typedef struct tch_window {
  int64_t in[2], out[2], kernel[2], stride[2], pad[2], dilation[2];
  bool count_pad, adaptive;
  const tch_tensor *gate; /* of TCH_MAX_GRAD: the outputs, contiguous; gradients count where they lie between 0 and high */
  double high;
} tch_window;

typedef enum tch_window_step { TCH_MAX, TCH_MAX_GRAD, TCH_MAX_TAKE, TCH_AVERAGE, TCH_AVERAGE_GRAD } tch_window_step;

/* One or two numbers, `least` or more; missing NULL: they must be given. */
tch_status tch_window_pair(const tch_call *c, const char *name, const tch_ints *given, const int64_t *missing,
                           int64_t least, int64_t out[2]);
/* Input i is (N,C,H,W) or (C,H,W) with planes that are not empty. */
tch_status tch_window_check(const tch_call *c, int i);
/* The windows that the options put on planes of size `in`; an adaptive pooling sets out itself. */
tch_status tch_window_read(const tch_call *c, const tch_window_options *o, const int64_t in[2], tch_window *w);
/* Shape like x, with planes of size. */
void tch_window_planes(tch_shape *s, const tch_tensor *x, tch_dtype type, const int64_t size[2]);
/* Input i holds what the windows give: planes of w->out, which an adaptive pooling takes from it. */
tch_status tch_window_origin(const tch_call *c, int i, tch_window *w);
/* Whether a place in a window needs more than a byte. */
bool tch_window_wide(const tch_window *w);
/* A contiguous tensor to write for out: itself, or a temporary that tch_window_give brings there. */
tch_status tch_window_take(tch_call *c, int o, tch_tensor **out);
tch_status tch_window_give(tch_call *c, int o, tch_tensor *made);
/* Runs a step from x to y, both contiguous; places NULL for averages. */
tch_status tch_window_run(const tch_window *w, tch_window_step step, const tch_tensor *x, const tch_tensor *places,
                          tch_tensor *y, double alpha, double beta);

/* Height and width. */
static inline const int64_t *last2(const tch_tensor *t) { return t->size + t->ndim - 2; }
#endif
