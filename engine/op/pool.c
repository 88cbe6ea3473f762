/* Pooling over planes: largest and mean of windows, of a fixed or an adaptive size, and the gradients as ops.
 *
 * x (N,C,H,W) or (C,H,W). A max pooling gives, beside y, the place of the largest number within each window (compact: one byte
 * while a window has 256 places or fewer). */
#include "op/window.h"
#include <string.h>

static tch_status give(tch_call *c, int i, tch_status status, tch_tensor **g) {
  return status == TCH_OK ? tch_grad_give(c, i, *g) : status;
}

/* The attributes that several ops have: as arguments, and as options of a window. */
#define PASS(a)     (a)->kernel.v, (a)->kernel.n, (a)->stride.v, (a)->stride.n, (a)->pad.v, (a)->pad.n
#define PASS_MAX(a) PASS(a), (a)->dilation.v, (a)->dilation.n, (a)->ceil
#define MAX_OPTIONS(a)                                                                                                 \
  { .kernel = &(a)->kernel, .stride = &(a)->stride, .pad = &(a)->pad, .dilation = &(a)->dilation, .ceil = (a)->ceil }
#define AVERAGE_OPTIONS(a)                                                                                             \
  { .kernel = &(a)->kernel, .stride = &(a)->stride, .pad = &(a)->pad, .ceil = (a)->ceil, .count_pad = (a)->count_pad }

/* The sizes of the planes of input 0 at the forward call. */
static const int64_t *planes_before(const tch_call *c) { return c->in_shape[0].size + c->in_shape[0].ndim - 2; }

/* The window of an op whose input 0 is a gradient of windows over planes of a given size. */
static tch_status window_over(const tch_call *c, const tch_window_options *o, const tch_ints *size, tch_window *w) {
  int64_t in[2];
  TCH_TRY(tch_window_check(c, 0));
  TCH_TRY(tch_window_pair(c, "size", size, NULL, 1, in));
  TCH_TRY(tch_window_read(c, o, in, w));
  return tch_window_origin(c, 0, w);
}

/* -- max_pool2d, adaptive_max_pool2d ----------------------------------------------------------------------------- */

static tch_status max_window(const tch_call *c, tch_window *w) {
  const tch_max_pool2d_attr *a = c->attr;
  tch_window_options o = MAX_OPTIONS(a);
  TCH_TRY(tch_window_check(c, 0));
  return tch_window_read(c, &o, last2(c->in[0]), w);
}

static tch_status adaptive_window(const tch_call *c, const tch_ints *size, tch_window *w) {
  tch_window_options o = {.adaptive = true};
  TCH_TRY(tch_window_check(c, 0));
  TCH_TRY(tch_window_read(c, &o, last2(c->in[0]), w));
  return tch_window_pair(c, "size", size, NULL, 1, w->out);
}

static tch_status max_shape(tch_call *c, const tch_window *w) {
  tch_window_planes(&c->shape[0], c->in[0], c->in[0]->type, w->out);
  tch_window_planes(&c->shape[1], c->in[0], tch_window_wide(w) ? TCH_INT : TCH_BYTE, w->out);
  return TCH_OK;
}

static tch_status max_forward(tch_call *c, const tch_window *w) {
  tch_tensor *x, *y, *places;
  TCH_TRY(tch_op_contiguous(c, c->in[0], &x));
  TCH_TRY(tch_window_take(c, 0, &y));
  TCH_TRY(tch_window_take(c, 1, &places));
  TCH_TRY(tch_window_run(w, TCH_MAX, x, places, y, 1, 0));
  TCH_TRY(tch_window_give(c, 0, y));
  return tch_window_give(c, 1, places);
}

static tch_status max_backward(tch_call *c, tch_window *w) {
  tch_tensor *gy, *places, *gx;
  double alpha, beta;
  if (!tch_wants(c, 0) || c->gout[0] == NULL) return TCH_OK;
  TCH_TRY(tch_op_contiguous(c, c->gout[0], &gy));
  TCH_TRY(tch_op_contiguous(c, c->out[1], &places));
  TCH_TRY(tch_grad_open(c, 0, &gx, &alpha, &beta));
  return tch_window_run(w, TCH_MAX_GRAD, gy, places, gx, alpha, beta);
}

static tch_status max_pool2d_shape(tch_call *c) {
  tch_window w;
  TCH_TRY(tch_op_same_float(c, 1));
  TCH_TRY(max_window(c, &w));
  return max_shape(c, &w);
}

static tch_status max_pool2d_forward(tch_call *c) {
  tch_window w;
  TCH_TRY(max_window(c, &w));
  return max_forward(c, &w);
}

static tch_status gradient_window(const tch_call *c, const tch_window_options *o, tch_window *w) {
  TCH_TRY(tch_window_read(c, o, planes_before(c), w));
  memcpy(w->out, last2(c->gout[0]), sizeof w->out);
  return TCH_OK;
}

static tch_status max_pool2d_backward(tch_call *c) {
  const tch_max_pool2d_attr *a = c->attr;
  tch_window_options o = MAX_OPTIONS(a);
  tch_window w;
  if (c->gout[0] == NULL) return TCH_OK;
  TCH_TRY(gradient_window(c, &o, &w));
  return max_backward(c, &w);
}

static tch_status max_pool2d_backward_ops(tch_call *c) {
  const tch_max_pool2d_attr *a = c->attr;
  tch_tensor *g = NULL;
  if (c->gout[0] == NULL) return TCH_OK;
  return give(c, 0, tch_max_pool2d_grad(c->gout[0], c->out[1], planes_before(c), 2, PASS_MAX(a), &g), &g);
}

const tch_op_body tch_op_max_pool2d = {.shape = max_pool2d_shape,
                                       .forward = max_pool2d_forward,
                                       .backward = max_pool2d_backward,
                                       .backward_ops = max_pool2d_backward_ops,
                                       .save_out = 2};

static tch_status adaptive_max_pool2d_shape(tch_call *c) {
  tch_window w;
  TCH_TRY(tch_op_same_float(c, 1));
  TCH_TRY(adaptive_window(c, &((const tch_adaptive_max_pool2d_attr *) c->attr)->size, &w));
  return max_shape(c, &w);
}

static tch_status adaptive_max_pool2d_forward(tch_call *c) {
  tch_window w;
  TCH_TRY(adaptive_window(c, &((const tch_adaptive_max_pool2d_attr *) c->attr)->size, &w));
  return max_forward(c, &w);
}

static tch_status adaptive_max_pool2d_backward(tch_call *c) {
  tch_window_options o = {.adaptive = true};
  tch_window w;
  if (c->gout[0] == NULL) return TCH_OK;
  TCH_TRY(gradient_window(c, &o, &w));
  return max_backward(c, &w);
}

static tch_status adaptive_max_pool2d_backward_ops(tch_call *c) {
  tch_tensor *g = NULL;
  if (c->gout[0] == NULL) return TCH_OK;
  return give(
      c, 0,
      tch_max_pool2d_grad(c->gout[0], c->out[1], planes_before(c), 2, NULL, 0, NULL, 0, NULL, 0, NULL, 0, false, &g),
      &g);
}

const tch_op_body tch_op_adaptive_max_pool2d = {.shape = adaptive_max_pool2d_shape,
                                                .forward = adaptive_max_pool2d_forward,
                                                .backward = adaptive_max_pool2d_backward,
                                                .backward_ops = adaptive_max_pool2d_backward_ops,
                                                .save_out = 2};

/* -- max_pool2d_grad: gy goes to the places; max_pool2d_take: the numbers at the places. Each is the other's gradient;
 *    without kernel the windows are adaptive --------------------------------------------------------------------- */

static tch_status check_places(const tch_call *c, const tch_window *w, const int64_t *outer, int ndim) {
  const tch_tensor *places = c->in[1];
  char text[TCH_SHAPE_TEXT];
  tch_dtype type = tch_window_wide(w) ? TCH_INT : TCH_BYTE;
  bool fit = places->type == type && places->ndim == ndim && memcmp(last2(places), w->out, sizeof w->out) == 0;
  for (int d = 0; d < ndim - 2 && fit; d++) fit = places->size[d] == outer[d];
  if (fit) return TCH_OK;
  return tch_op_fail(c, TCH_ERROR_SHAPE, "indices are a %sTensor of %s, which is not what the pooling gave",
                     tch_dtype_name(places->type), tch_shape_text(places, text));
}

static tch_status max_grad_window(const tch_call *c, tch_window *w) {
  const tch_max_pool2d_grad_attr *a = c->attr;
  tch_window_options o = MAX_OPTIONS(a);
  o.adaptive = !a->kernel.n;
  TCH_TRY(window_over(c, &o, &a->size, w));
  return check_places(c, w, c->in[0]->size, c->in[0]->ndim);
}

static tch_status max_pool2d_grad_shape(tch_call *c) {
  tch_window w;
  TCH_TRY(tch_op_same_float(c, 1));
  TCH_TRY(max_grad_window(c, &w));
  tch_window_planes(&c->shape[0], c->in[0], c->in[0]->type, w.in);
  return TCH_OK;
}

static tch_status max_pool2d_grad_forward(tch_call *c) {
  tch_window w;
  tch_tensor *gy, *places, *gx;
  TCH_TRY(max_grad_window(c, &w));
  TCH_TRY(tch_op_contiguous(c, c->in[0], &gy));
  TCH_TRY(tch_op_contiguous(c, c->in[1], &places));
  TCH_TRY(tch_window_take(c, 0, &gx));
  TCH_TRY(tch_window_run(&w, TCH_MAX_GRAD, gy, places, gx, 1, 0));
  return tch_window_give(c, 0, gx);
}

static tch_status max_pool2d_grad_backward(tch_call *c) {
  const tch_max_pool2d_grad_attr *a = c->attr;
  tch_tensor *g = NULL;
  return give(c, 0, tch_max_pool2d_take(c->gout[0], c->in[1], PASS_MAX(a), &g), &g);
}

const tch_op_body tch_op_max_pool2d_grad = {.shape = max_pool2d_grad_shape,
                                            .forward = max_pool2d_grad_forward,
                                            .backward_ops = max_pool2d_grad_backward,
                                            .save_in = 2};

/* -- max_pool2d_relu_grad: max_pool2d_grad of what a ReLU (or, up to high, a ReLU6) gave, and the ReLU's gradient in the same
 *    pass: where the largest number is 0 its place gets nothing ------------------------------------------------------- */

static tch_status relu_grad_window(const tch_call *c, tch_window *w) {
  const tch_max_pool2d_relu_grad_attr *a = c->attr;
  tch_window_options o = MAX_OPTIONS(a);
  TCH_TRY(window_over(c, &o, &a->size, w));
  w->high = a->high;
  return check_places(c, w, c->in[0]->size, c->in[0]->ndim);
}

static tch_status max_pool2d_relu_grad_shape(tch_call *c) {
  char a[TCH_SHAPE_TEXT], b[TCH_SHAPE_TEXT];
  tch_window w;
  TCH_TRY(tch_op_same_float(c, 1 | 1 << 2));
  TCH_TRY(relu_grad_window(c, &w));
  if (!tch_tensor_same_size(c->in[0], c->in[2]))
    return tch_op_fail(c, TCH_ERROR_SHAPE, "y is %s, but its gradient is %s", tch_shape_text(c->in[2], a),
                       tch_shape_text(c->in[0], b));
  tch_window_planes(&c->shape[0], c->in[0], c->in[0]->type, w.in);
  return TCH_OK;
}

static tch_status max_pool2d_relu_grad_forward(tch_call *c) {
  tch_window w;
  tch_tensor *gy, *places, *gx, *y;
  TCH_TRY(relu_grad_window(c, &w));
  TCH_TRY(tch_op_contiguous(c, c->in[0], &gy));
  TCH_TRY(tch_op_contiguous(c, c->in[1], &places));
  TCH_TRY(tch_op_contiguous(c, c->in[2], &y));
  w.gate = y;
  TCH_TRY(tch_window_take(c, 0, &gx));
  TCH_TRY(tch_window_run(&w, TCH_MAX_GRAD, gy, places, gx, 1, 0));
  return tch_window_give(c, 0, gx);
}

const tch_op_body tch_op_max_pool2d_relu_grad = {.shape = max_pool2d_relu_grad_shape,
                                                 .forward = max_pool2d_relu_grad_forward};

static tch_status max_take_window(const tch_call *c, tch_window *w) {
  const tch_max_pool2d_take_attr *a = c->attr;
  tch_window_options o = MAX_OPTIONS(a);
  o.adaptive = !a->kernel.n;
  TCH_TRY(tch_window_check(c, 0));
  TCH_TRY(tch_window_check(c, 1));
  TCH_TRY(tch_window_read(c, &o, last2(c->in[0]), w));
  TCH_TRY(tch_window_origin(c, 1, w));
  return check_places(c, w, c->in[0]->size, c->in[0]->ndim);
}

static tch_status max_pool2d_take_shape(tch_call *c) {
  tch_window w;
  TCH_TRY(tch_op_same_float(c, 1));
  TCH_TRY(max_take_window(c, &w));
  tch_window_planes(&c->shape[0], c->in[0], c->in[0]->type, w.out);
  return TCH_OK;
}

static tch_status max_pool2d_take_forward(tch_call *c) {
  tch_window w;
  tch_tensor *x, *places, *y;
  TCH_TRY(max_take_window(c, &w));
  TCH_TRY(tch_op_contiguous(c, c->in[0], &x));
  TCH_TRY(tch_op_contiguous(c, c->in[1], &places));
  TCH_TRY(tch_window_take(c, 0, &y));
  TCH_TRY(tch_window_run(&w, TCH_MAX_TAKE, x, places, y, 1, 0));
  return tch_window_give(c, 0, y);
}

static tch_status max_pool2d_take_backward(tch_call *c) {
  const tch_max_pool2d_take_attr *a = c->attr;
  tch_tensor *g = NULL;
  return give(c, 0, tch_max_pool2d_grad(c->gout[0], c->in[1], planes_before(c), 2, PASS_MAX(a), &g), &g);
}

const tch_op_body tch_op_max_pool2d_take = {.shape = max_pool2d_take_shape,
                                            .forward = max_pool2d_take_forward,
                                            .backward_ops = max_pool2d_take_backward,
                                            .save_in = 2};

/* -- avg_pool2d, adaptive_avg_pool2d ----------------------------------------------------------------------------- */

static tch_status avg_forward(tch_call *c, const tch_window *w) {
  tch_tensor *x, *y;
  TCH_TRY(tch_op_contiguous(c, c->in[0], &x));
  TCH_TRY(tch_window_take(c, 0, &y));
  TCH_TRY(tch_window_run(w, TCH_AVERAGE, x, NULL, y, 1, 0));
  return tch_window_give(c, 0, y);
}

static tch_status avg_backward(tch_call *c, const tch_window_options *o) {
  tch_tensor *gy, *gx;
  double alpha, beta;
  tch_window w;
  TCH_TRY(gradient_window(c, o, &w));
  TCH_TRY(tch_op_contiguous(c, c->gout[0], &gy));
  TCH_TRY(tch_grad_open(c, 0, &gx, &alpha, &beta));
  return tch_window_run(&w, TCH_AVERAGE_GRAD, gy, NULL, gx, alpha, beta);
}

static tch_status avg_pool2d_shape(tch_call *c) {
  const tch_avg_pool2d_attr *a = c->attr;
  tch_window_options o = AVERAGE_OPTIONS(a);
  tch_window w;
  TCH_TRY(tch_op_same_float(c, 1));
  TCH_TRY(tch_window_check(c, 0));
  TCH_TRY(tch_window_read(c, &o, last2(c->in[0]), &w));
  tch_window_planes(&c->shape[0], c->in[0], c->in[0]->type, w.out);
  return TCH_OK;
}

static tch_status avg_pool2d_forward(tch_call *c) {
  const tch_avg_pool2d_attr *a = c->attr;
  tch_window_options o = AVERAGE_OPTIONS(a);
  tch_window w;
  TCH_TRY(tch_window_read(c, &o, last2(c->in[0]), &w));
  return avg_forward(c, &w);
}

static tch_status avg_pool2d_backward(tch_call *c) {
  const tch_avg_pool2d_attr *a = c->attr;
  tch_window_options o = AVERAGE_OPTIONS(a);
  return avg_backward(c, &o);
}

static tch_status avg_pool2d_backward_ops(tch_call *c) {
  const tch_avg_pool2d_attr *a = c->attr;
  tch_tensor *g = NULL;
  return give(c, 0, tch_avg_pool2d_grad(c->gout[0], planes_before(c), 2, PASS(a), a->ceil, a->count_pad, &g), &g);
}

const tch_op_body tch_op_avg_pool2d = {.shape = avg_pool2d_shape,
                                       .forward = avg_pool2d_forward,
                                       .backward = avg_pool2d_backward,
                                       .backward_ops = avg_pool2d_backward_ops};

static tch_status adaptive_avg_pool2d_shape(tch_call *c) {
  tch_window w;
  TCH_TRY(tch_op_same_float(c, 1));
  TCH_TRY(adaptive_window(c, &((const tch_adaptive_avg_pool2d_attr *) c->attr)->size, &w));
  tch_window_planes(&c->shape[0], c->in[0], c->in[0]->type, w.out);
  return TCH_OK;
}

static tch_status adaptive_avg_pool2d_forward(tch_call *c) {
  tch_window w;
  TCH_TRY(adaptive_window(c, &((const tch_adaptive_avg_pool2d_attr *) c->attr)->size, &w));
  return avg_forward(c, &w);
}

static tch_status adaptive_avg_pool2d_backward(tch_call *c) {
  tch_window_options o = {.adaptive = true};
  return avg_backward(c, &o);
}

static tch_status adaptive_avg_pool2d_backward_ops(tch_call *c) {
  tch_tensor *g = NULL;
  return give(c, 0, tch_avg_pool2d_grad(c->gout[0], planes_before(c), 2, NULL, 0, NULL, 0, NULL, 0, false, false, &g),
              &g);
}

const tch_op_body tch_op_adaptive_avg_pool2d = {.shape = adaptive_avg_pool2d_shape,
                                                .forward = adaptive_avg_pool2d_forward,
                                                .backward = adaptive_avg_pool2d_backward,
                                                .backward_ops = adaptive_avg_pool2d_backward_ops};

/* -- avg_pool2d_grad: gy spread over the windows of planes of a given size; without kernel they are adaptive ---------- */

static tch_status avg_grad_window(const tch_call *c, tch_window *w) {
  const tch_avg_pool2d_grad_attr *a = c->attr;
  tch_window_options o = AVERAGE_OPTIONS(a);
  o.adaptive = !a->kernel.n;
  return window_over(c, &o, &a->size, w);
}

static tch_status avg_pool2d_grad_shape(tch_call *c) {
  tch_window w;
  TCH_TRY(tch_op_same_float(c, 1));
  TCH_TRY(avg_grad_window(c, &w));
  tch_window_planes(&c->shape[0], c->in[0], c->in[0]->type, w.in);
  return TCH_OK;
}

static tch_status avg_pool2d_grad_forward(tch_call *c) {
  tch_tensor *gy, *gx;
  tch_window w;
  TCH_TRY(avg_grad_window(c, &w));
  TCH_TRY(tch_op_contiguous(c, c->in[0], &gy));
  TCH_TRY(tch_window_take(c, 0, &gx));
  TCH_TRY(tch_window_run(&w, TCH_AVERAGE_GRAD, gy, NULL, gx, 1, 0));
  return tch_window_give(c, 0, gx);
}

static tch_status avg_pool2d_grad_backward(tch_call *c) {
  const tch_avg_pool2d_grad_attr *a = c->attr;
  tch_tensor *g = NULL;
  if (a->kernel.n) return give(c, 0, tch_avg_pool2d(c->gout[0], PASS(a), a->ceil, a->count_pad, &g), &g);
  return give(c, 0, tch_adaptive_avg_pool2d(c->gout[0], planes_before(c), 2, &g), &g);
}

const tch_op_body tch_op_avg_pool2d_grad = {
    .shape = avg_pool2d_grad_shape, .forward = avg_pool2d_grad_forward, .backward_ops = avg_pool2d_grad_backward};
