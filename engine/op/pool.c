/* Pooling over planes: largest and mean of windows, of a fixed or an adaptive size, and the gradients as ops.
 *
 * x (N,C,H,W) or (C,H,W). A max pooling gives, beside y, the place of the largest number within each window (compact: one byte
 * while a window has 256 places or fewer). */
#include "core/cpu.h"
#include "core/memory.h"
#include "core/thread.h"
#include "kernel/pool.h"
#include "op/op.h"
#include <string.h>

TCH_KERNEL_FAMILY(pool)

typedef long long ll;
enum { PIECE = 1 << 15 }; /* elements worth a thread */

/* Attributes of all ops here. kernel absent: adaptive. */
typedef struct options {
  const tch_ints *kernel, *stride, *pad, *dilation;
  bool ceil, count_pad, adaptive;
} options;

/* Sizes along both directions. */
typedef struct window {
  int64_t in[2], out[2], kernel[2], stride[2], pad[2], dilation[2];
  bool count_pad, adaptive;
} window;

/* -- checks ------------------------------------------------------------------------------------------------------ */

static tch_status pair(const tch_call *c, const char *name, const tch_ints *given, const int64_t *missing,
                       int64_t least, int64_t out[2]) {
  int n = given ? given->n : 0;
  if (n > 2 || (n == 0 && missing == NULL))
    return tch_op_fail(c, TCH_ERROR_VALUE, "%s has %d entries, but one or two are needed", name, n);
  for (int d = 0; d < 2; d++) {
    out[d] = n == 0 ? missing[d] : given->v[n == 1 ? 0 : d];
    if (out[d] < least || out[d] > INT32_MAX)
      return tch_op_fail(c, TCH_ERROR_VALUE, "%s is %lld, but must be %lld or more", name, (ll) out[d], (ll) least);
  }
  return TCH_OK;
}

static tch_status check_planes(const tch_call *c, int i) {
  const tch_tensor *x = c->in[i];
  char name[32], text[TCH_SHAPE_TEXT];
  if ((x->ndim != 3 && x->ndim != 4) || x->size[x->ndim - 1] < 1 || x->size[x->ndim - 2] < 1)
    return tch_op_fail(c, TCH_ERROR_SHAPE, "%s is %s, but images (N,C,H,W) or one image (C,H,W) are needed",
                       tch_op_input_name(c, i, name), tch_shape_text(x, text));
  if (x->size[x->ndim - 1] > INT32_MAX || x->size[x->ndim - 2] > INT32_MAX)
    return tch_op_fail(c, TCH_ERROR_SHAPE, "%s has too large planes (%s)", tch_op_input_name(c, i, name),
                       tch_shape_text(x, text));
  return TCH_OK;
}

static tch_status read_window(const tch_call *c, const options *o, const int64_t in[2], window *w) {
  static const int64_t ones[2] = {1, 1}, zeros[2] = {0, 0};
  memcpy(w->in, in, sizeof w->in);
  w->count_pad = o->count_pad;
  w->adaptive = o->adaptive;
  if (w->adaptive) return TCH_OK;
  TCH_TRY(pair(c, "kernel", o->kernel, NULL, 1, w->kernel));
  TCH_TRY(pair(c, "stride", o->stride, w->kernel, 1, w->stride));
  TCH_TRY(pair(c, "pad", o->pad, zeros, 0, w->pad));
  TCH_TRY(pair(c, "dilation", o->dilation, ones, 1, w->dilation));
  for (int d = 0; d < 2; d++) {
    int64_t span = w->dilation[d] * (w->kernel[d] - 1) + 1, room = in[d] + 2 * w->pad[d] - span;
    if (w->pad[d] > w->kernel[d] / 2)
      return tch_op_fail(c, TCH_ERROR_VALUE, "pad is %lld, but at most half of the kernel (%lld) is possible",
                         (ll) w->pad[d], (ll) w->kernel[d]);
    if (room < 0)
      return tch_op_fail(c, TCH_ERROR_SHAPE, "kernel %lldx%lld is larger than the input with padding, %lldx%lld",
                         (ll) w->kernel[0], (ll) w->kernel[1], (ll) (in[0] + 2 * w->pad[0]),
                         (ll) (in[1] + 2 * w->pad[1]));
    w->out[d] = (room + (o->ceil ? w->stride[d] - 1 : 0)) / w->stride[d] + 1;
    if (o->ceil && (w->out[d] - 1) * w->stride[d] >= in[d] + w->pad[d]) w->out[d]--;
    for (int64_t out = w->pad[d]; out > 0; out -= w->stride[d]) /* a window that begins `out` before the plane */
      if ((out + w->dilation[d] - 1) / w->dilation[d] * w->dilation[d] - out >= in[d])
        return tch_op_fail(c, TCH_ERROR_VALUE, "with pad %lld and dilation %lld a window misses the input of %lldx%lld",
                           (ll) w->pad[d], (ll) w->dilation[d], (ll) in[0], (ll) in[1]);
  }
  return TCH_OK;
}

static const int64_t *last2(const tch_tensor *t) { return t->size + t->ndim - 2; }

static void planes_like(tch_shape *s, const tch_tensor *x, tch_dtype type, const int64_t size[2]) {
  s->type = type;
  s->ndim = x->ndim;
  memcpy(s->size, x->size, sizeof *s->size * x->ndim);
  memcpy(s->size + s->ndim - 2, size, sizeof *size * 2);
}

/* Input i holds what the windows give: planes of w->out, which an adaptive pooling takes from it. */
static tch_status check_origin(const tch_call *c, int i, window *w) {
  const int64_t *size = last2(c->in[i]);
  char name[32];
  if (w->adaptive) memcpy(w->out, size, sizeof w->out);
  if (memcmp(w->out, size, sizeof w->out) == 0) return TCH_OK;
  return tch_op_fail(c, TCH_ERROR_SHAPE,
                     "%s has planes of %lldx%lld, but the windows on planes of %lldx%lld give %lldx%lld",
                     tch_op_input_name(c, i, name), (ll) size[0], (ll) size[1], (ll) w->in[0], (ll) w->in[1],
                     (ll) w->out[0], (ll) w->out[1]);
}

static int64_t widest(const window *w, int d) {
  return w->adaptive ? (w->in[d] + w->out[d] - 1) / w->out[d] + 1 : w->kernel[d];
}

static bool wide_index(const window *w) { return widest(w, 0) * widest(w, 1) > 256; }

/* -- the windows themselves -------------------------------------------------------------------------------------- */

/* Window o of direction d: [floor(o in / out), ceil((o + 1) in / out)) if adaptive, else what lies inside the plane. */
static void fill_windows(const window *w, int d, tch_windows *t) {
  t->pairs = !w->adaptive && w->kernel[d] == 2 && w->stride[d] == 2 && w->pad[d] == 0 && w->dilation[d] == 1;
  for (int64_t o = 0; o < w->out[d]; o++) {
    int64_t begin, end, step = t->step, extent;
    if (w->adaptive) {
      begin = o * w->in[d] / w->out[d];
      end = ((o + 1) * w->in[d] + w->out[d] - 1) / w->out[d];
      extent = end - begin;
    } else {
      begin = o * w->stride[d] - w->pad[d];
      end = begin + step * (w->kernel[d] - 1) + 1;
      extent = (end < w->in[d] + w->pad[d] ? end : w->in[d] + w->pad[d]) - begin;
      if (begin < 0) begin += (-begin + step - 1) / step * step;
      if (end > w->in[d]) end = w->in[d];
    }
    t->first[o] = (int32_t) begin;
    t->count[o] = (int32_t) (end > begin ? (end - begin + step - 1) / step : 0);
    t->extent[o] = (int32_t) (w->count_pad ? extent : t->count[o]);
    if (t->count[o] < 2) t->pairs = false;
  }
}

static tch_status make_windows(const window *w, tch_windows t[2]) {
  for (int d = 0; d < 2; d++) {
    void *block;
    t[d] = (tch_windows){
        .in = w->in[d], .out = w->out[d], .step = w->adaptive ? 1 : w->dilation[d], .widest = widest(w, d)};
    tch_status status = tch_alloc(3 * w->out[d] * (int64_t) sizeof(int32_t), &block);
    if (status != TCH_OK) {
      if (d) tch_free(t[0].first, 3 * w->out[0] * (int64_t) sizeof(int32_t));
      return status;
    }
    t[d].first = block, t[d].count = t[d].first + w->out[d], t[d].extent = t[d].count + w->out[d];
    fill_windows(w, d, &t[d]);
  }
  return TCH_OK;
}

static void free_windows(tch_windows t[2]) {
  for (int d = 0; d < 2; d++) tch_free(t[d].first, 3 * t[d].out * (int64_t) sizeof(int32_t));
}

/* -- running over planes ----------------------------------------------------------------------------------------- */

typedef enum step { MAX, MAX_GRAD, MAX_TAKE, AVERAGE, AVERAGE_GRAD } step;

typedef struct job {
  const tch_pool_kernels *k;
  step step;
  tch_windows w[2];
  bool wide;
  int64_t from, to, index_bytes, index; /* bytes of a plane */
  const char *x;
  char *y, *places;
  double alpha, beta;
} job;

static void planes_piece(void *context, int64_t begin, int64_t end) {
  const job *j = context;
  const tch_windows *v = &j->w[0], *h = &j->w[1];
  for (int64_t i = begin; i < end; i++) {
    const void *x = j->x + i * j->from;
    void *y = j->y + i * j->to, *places = j->places + i * j->index;
    switch (j->step) {
      case MAX: j->k->max(v, h, j->wide, x, y, places); break;
      case MAX_GRAD: j->k->max_grad(v, h, j->wide, x, places, j->alpha, j->beta, y); break;
      case MAX_TAKE: j->k->max_take(v, h, j->wide, x, places, y); break;
      case AVERAGE: j->k->average(v, h, x, y); break;
      case AVERAGE_GRAD: j->k->average_grad(v, h, x, j->alpha, j->beta, y); break;
    }
  }
}

/* A contiguous tensor to write for out: itself, or a temporary that give_out brings there. */
static tch_status take_out(tch_call *c, int o, tch_tensor **out) {
  *out = c->out[o];
  return tch_tensor_contiguous(*out) ? TCH_OK : tch_op_temp(c, &c->shape[o], out);
}

static tch_status give_out(tch_call *c, int o, tch_tensor *made) {
  if (made == c->out[o]) return TCH_OK;
  bool on = tch_grad_enabled();
  tch_set_grad_enabled(false);
  tch_status status = tch_tensor_copy(c->out[o], made);
  tch_set_grad_enabled(on);
  return status;
}

/* Runs a step from x to y, both contiguous; places NULL for averages. */
static tch_status run(const window *w, step step, const tch_tensor *x, const tch_tensor *places, tch_tensor *y,
                      double alpha, double beta) {
  int64_t bytes = tch_dtype_bytes(x->type), in = w->in[0] * w->in[1], out = w->out[0] * w->out[1];
  bool back = step == MAX_GRAD || step == AVERAGE_GRAD;
  job j = {.k = tch_pool_table(x->type),
           .step = step,
           .wide = wide_index(w),
           .from = (back ? out : in) * bytes,
           .to = (back ? in : out) * bytes,
           .x = tch_tensor_data(x),
           .y = tch_tensor_data(y),
           .alpha = alpha,
           .beta = beta};
  if (places) {
    j.places = tch_tensor_data(places);
    j.index = out * tch_dtype_bytes(places->type);
  }
  int64_t planes = y->count / (back ? in : out), each = PIECE / in;
  TCH_TRY(make_windows(w, j.w));
  tch_parallel(planes, each > 0 ? each : 1, planes_piece, &j);
  free_windows(j.w);
  return TCH_OK;
}

static tch_status give(tch_call *c, int i, tch_status status, tch_tensor **g) {
  return status == TCH_OK ? tch_grad_give(c, i, *g) : status;
}

#define PASS(a) (a)->kernel.v, (a)->kernel.n, (a)->stride.v, (a)->stride.n, (a)->pad.v, (a)->pad.n

/* -- max_pool2d, adaptive_max_pool2d ----------------------------------------------------------------------------- */

static tch_status max_window(const tch_call *c, window *w) {
  const tch_max_pool2d_attr *a = c->attr;
  options o = {.kernel = &a->kernel, .stride = &a->stride, .pad = &a->pad, .dilation = &a->dilation, .ceil = a->ceil};
  TCH_TRY(check_planes(c, 0));
  return read_window(c, &o, last2(c->in[0]), w);
}

static tch_status adaptive_window(const tch_call *c, const tch_ints *size, window *w) {
  options o = {.adaptive = true};
  TCH_TRY(check_planes(c, 0));
  TCH_TRY(read_window(c, &o, last2(c->in[0]), w));
  return pair(c, "size", size, NULL, 1, w->out);
}

static tch_status max_shape(tch_call *c, const window *w) {
  planes_like(&c->shape[0], c->in[0], c->in[0]->type, w->out);
  planes_like(&c->shape[1], c->in[0], wide_index(w) ? TCH_INT : TCH_BYTE, w->out);
  return TCH_OK;
}

static tch_status max_forward(tch_call *c, const window *w) {
  tch_tensor *x, *y, *places;
  TCH_TRY(tch_op_contiguous(c, c->in[0], &x));
  TCH_TRY(take_out(c, 0, &y));
  TCH_TRY(take_out(c, 1, &places));
  TCH_TRY(run(w, MAX, x, places, y, 1, 0));
  TCH_TRY(give_out(c, 0, y));
  return give_out(c, 1, places);
}

static void window_of_gradient(const tch_call *c, window *w) {
  memcpy(w->in, c->in_shape[0].size + c->in_shape[0].ndim - 2, sizeof w->in);
  memcpy(w->out, last2(c->gout[0]), sizeof w->out);
}

static tch_status max_backward(tch_call *c, window *w) {
  tch_tensor *gy, *places, *gx;
  double alpha, beta;
  if (!tch_wants(c, 0) || c->gout[0] == NULL) return TCH_OK;
  TCH_TRY(tch_op_contiguous(c, c->gout[0], &gy));
  TCH_TRY(tch_op_contiguous(c, c->out[1], &places));
  TCH_TRY(tch_grad_open(c, 0, &gx, &alpha, &beta));
  return run(w, MAX_GRAD, gy, places, gx, alpha, beta);
}

static tch_status max_pool2d_shape(tch_call *c) {
  window w;
  TCH_TRY(tch_op_same_float(c, 1));
  TCH_TRY(max_window(c, &w));
  return max_shape(c, &w);
}

static tch_status max_pool2d_forward(tch_call *c) {
  window w;
  TCH_TRY(max_window(c, &w));
  return max_forward(c, &w);
}

static tch_status gradient_window(const tch_call *c, const options *o, window *w) {
  int64_t in[2];
  memcpy(in, c->in_shape[0].size + c->in_shape[0].ndim - 2, sizeof in);
  TCH_TRY(read_window(c, o, in, w));
  window_of_gradient(c, w);
  return TCH_OK;
}

static tch_status max_pool2d_backward(tch_call *c) {
  const tch_max_pool2d_attr *a = c->attr;
  options o = {.kernel = &a->kernel, .stride = &a->stride, .pad = &a->pad, .dilation = &a->dilation, .ceil = a->ceil};
  window w;
  if (c->gout[0] == NULL) return TCH_OK;
  TCH_TRY(gradient_window(c, &o, &w));
  return max_backward(c, &w);
}

static tch_status max_pool2d_backward_ops(tch_call *c) {
  const tch_max_pool2d_attr *a = c->attr;
  tch_tensor *g = NULL;
  if (c->gout[0] == NULL) return TCH_OK;
  const int64_t *size = c->in_shape[0].size + c->in_shape[0].ndim - 2;
  return give(c, 0,
              tch_max_pool2d_grad(c->gout[0], c->out[1], size, 2, PASS(a), a->dilation.v, a->dilation.n, a->ceil, &g),
              &g);
}

const tch_op_body tch_op_max_pool2d = {.shape = max_pool2d_shape,
                                       .forward = max_pool2d_forward,
                                       .backward = max_pool2d_backward,
                                       .backward_ops = max_pool2d_backward_ops,
                                       .save_out = 2};

static tch_status adaptive_max_pool2d_shape(tch_call *c) {
  window w;
  TCH_TRY(tch_op_same_float(c, 1));
  TCH_TRY(adaptive_window(c, &((const tch_adaptive_max_pool2d_attr *) c->attr)->size, &w));
  return max_shape(c, &w);
}

static tch_status adaptive_max_pool2d_forward(tch_call *c) {
  window w;
  TCH_TRY(adaptive_window(c, &((const tch_adaptive_max_pool2d_attr *) c->attr)->size, &w));
  return max_forward(c, &w);
}

static tch_status adaptive_max_pool2d_backward(tch_call *c) {
  options o = {.adaptive = true};
  window w;
  if (c->gout[0] == NULL) return TCH_OK;
  TCH_TRY(gradient_window(c, &o, &w));
  return max_backward(c, &w);
}

static tch_status adaptive_max_pool2d_backward_ops(tch_call *c) {
  tch_tensor *g = NULL;
  if (c->gout[0] == NULL) return TCH_OK;
  const int64_t *size = c->in_shape[0].size + c->in_shape[0].ndim - 2;
  return give(c, 0, tch_max_pool2d_grad(c->gout[0], c->out[1], size, 2, NULL, 0, NULL, 0, NULL, 0, NULL, 0, false, &g),
              &g);
}

const tch_op_body tch_op_adaptive_max_pool2d = {.shape = adaptive_max_pool2d_shape,
                                                .forward = adaptive_max_pool2d_forward,
                                                .backward = adaptive_max_pool2d_backward,
                                                .backward_ops = adaptive_max_pool2d_backward_ops,
                                                .save_out = 2};

/* -- max_pool2d_grad: gy goes to the places; max_pool2d_take: the numbers at the places. Each is the other's gradient;
 *    without kernel the windows are adaptive --------------------------------------------------------------------- */

static tch_status check_places(const tch_call *c, const window *w, const int64_t *outer, int ndim) {
  const tch_tensor *places = c->in[1];
  char text[TCH_SHAPE_TEXT];
  tch_dtype type = wide_index(w) ? TCH_INT : TCH_BYTE;
  bool fit = places->type == type && places->ndim == ndim && memcmp(last2(places), w->out, sizeof w->out) == 0;
  for (int d = 0; d < ndim - 2 && fit; d++) fit = places->size[d] == outer[d];
  if (fit) return TCH_OK;
  return tch_op_fail(c, TCH_ERROR_SHAPE, "indices are a %sTensor of %s, which is not what the pooling gave",
                     tch_dtype_name(places->type), tch_shape_text(places, text));
}

static tch_status max_grad_window(const tch_call *c, window *w) {
  const tch_max_pool2d_grad_attr *a = c->attr;
  options o = {.kernel = &a->kernel,
               .stride = &a->stride,
               .pad = &a->pad,
               .dilation = &a->dilation,
               .ceil = a->ceil,
               .adaptive = !a->kernel.n};
  int64_t in[2];
  TCH_TRY(check_planes(c, 0));
  TCH_TRY(pair(c, "size", &a->size, NULL, 1, in));
  TCH_TRY(read_window(c, &o, in, w));
  TCH_TRY(check_origin(c, 0, w));
  return check_places(c, w, c->in[0]->size, c->in[0]->ndim);
}

static tch_status max_pool2d_grad_shape(tch_call *c) {
  window w;
  TCH_TRY(tch_op_same_float(c, 1));
  TCH_TRY(max_grad_window(c, &w));
  planes_like(&c->shape[0], c->in[0], c->in[0]->type, w.in);
  return TCH_OK;
}

static tch_status max_pool2d_grad_forward(tch_call *c) {
  window w;
  tch_tensor *gy, *places, *gx;
  TCH_TRY(max_grad_window(c, &w));
  TCH_TRY(tch_op_contiguous(c, c->in[0], &gy));
  TCH_TRY(tch_op_contiguous(c, c->in[1], &places));
  TCH_TRY(take_out(c, 0, &gx));
  TCH_TRY(run(&w, MAX_GRAD, gy, places, gx, 1, 0));
  return give_out(c, 0, gx);
}

static tch_status max_pool2d_grad_backward(tch_call *c) {
  const tch_max_pool2d_grad_attr *a = c->attr;
  tch_tensor *g = NULL;
  return give(c, 0, tch_max_pool2d_take(c->gout[0], c->in[1], PASS(a), a->dilation.v, a->dilation.n, a->ceil, &g), &g);
}

const tch_op_body tch_op_max_pool2d_grad = {.shape = max_pool2d_grad_shape,
                                            .forward = max_pool2d_grad_forward,
                                            .backward_ops = max_pool2d_grad_backward,
                                            .save_in = 2};

static tch_status max_take_window(const tch_call *c, window *w) {
  const tch_max_pool2d_take_attr *a = c->attr;
  options o = {.kernel = &a->kernel,
               .stride = &a->stride,
               .pad = &a->pad,
               .dilation = &a->dilation,
               .ceil = a->ceil,
               .adaptive = !a->kernel.n};
  TCH_TRY(check_planes(c, 0));
  TCH_TRY(check_planes(c, 1));
  TCH_TRY(read_window(c, &o, last2(c->in[0]), w));
  TCH_TRY(check_origin(c, 1, w));
  return check_places(c, w, c->in[0]->size, c->in[0]->ndim);
}

static tch_status max_pool2d_take_shape(tch_call *c) {
  window w;
  TCH_TRY(tch_op_same_float(c, 1));
  TCH_TRY(max_take_window(c, &w));
  planes_like(&c->shape[0], c->in[0], c->in[0]->type, w.out);
  return TCH_OK;
}

static tch_status max_pool2d_take_forward(tch_call *c) {
  window w;
  tch_tensor *x, *places, *y;
  TCH_TRY(max_take_window(c, &w));
  TCH_TRY(tch_op_contiguous(c, c->in[0], &x));
  TCH_TRY(tch_op_contiguous(c, c->in[1], &places));
  TCH_TRY(take_out(c, 0, &y));
  TCH_TRY(run(&w, MAX_TAKE, x, places, y, 1, 0));
  return give_out(c, 0, y);
}

static tch_status max_pool2d_take_backward(tch_call *c) {
  const tch_max_pool2d_take_attr *a = c->attr;
  const int64_t *size = c->in_shape[0].size + c->in_shape[0].ndim - 2;
  tch_tensor *g = NULL;
  return give(
      c, 0, tch_max_pool2d_grad(c->gout[0], c->in[1], size, 2, PASS(a), a->dilation.v, a->dilation.n, a->ceil, &g), &g);
}

const tch_op_body tch_op_max_pool2d_take = {.shape = max_pool2d_take_shape,
                                            .forward = max_pool2d_take_forward,
                                            .backward_ops = max_pool2d_take_backward,
                                            .save_in = 2};

/* -- avg_pool2d, adaptive_avg_pool2d ----------------------------------------------------------------------------- */

static tch_status avg_forward(tch_call *c, const window *w) {
  tch_tensor *x, *y;
  TCH_TRY(tch_op_contiguous(c, c->in[0], &x));
  TCH_TRY(take_out(c, 0, &y));
  TCH_TRY(run(w, AVERAGE, x, NULL, y, 1, 0));
  return give_out(c, 0, y);
}

static tch_status avg_backward(tch_call *c, const options *o) {
  tch_tensor *gy, *gx;
  double alpha, beta;
  window w;
  TCH_TRY(gradient_window(c, o, &w));
  TCH_TRY(tch_op_contiguous(c, c->gout[0], &gy));
  TCH_TRY(tch_grad_open(c, 0, &gx, &alpha, &beta));
  return run(&w, AVERAGE_GRAD, gy, NULL, gx, alpha, beta);
}

static options avg_options(const tch_avg_pool2d_attr *a) {
  return (options){
      .kernel = &a->kernel, .stride = &a->stride, .pad = &a->pad, .ceil = a->ceil, .count_pad = a->count_pad};
}

static tch_status avg_pool2d_shape(tch_call *c) {
  options o = avg_options(c->attr);
  window w;
  TCH_TRY(tch_op_same_float(c, 1));
  TCH_TRY(check_planes(c, 0));
  TCH_TRY(read_window(c, &o, last2(c->in[0]), &w));
  planes_like(&c->shape[0], c->in[0], c->in[0]->type, w.out);
  return TCH_OK;
}

static tch_status avg_pool2d_forward(tch_call *c) {
  options o = avg_options(c->attr);
  window w;
  TCH_TRY(read_window(c, &o, last2(c->in[0]), &w));
  return avg_forward(c, &w);
}

static tch_status avg_pool2d_backward(tch_call *c) {
  options o = avg_options(c->attr);
  return avg_backward(c, &o);
}

static tch_status avg_pool2d_backward_ops(tch_call *c) {
  const tch_avg_pool2d_attr *a = c->attr;
  const int64_t *size = c->in_shape[0].size + c->in_shape[0].ndim - 2;
  tch_tensor *g = NULL;
  return give(c, 0, tch_avg_pool2d_grad(c->gout[0], size, 2, PASS(a), a->ceil, a->count_pad, &g), &g);
}

const tch_op_body tch_op_avg_pool2d = {.shape = avg_pool2d_shape,
                                       .forward = avg_pool2d_forward,
                                       .backward = avg_pool2d_backward,
                                       .backward_ops = avg_pool2d_backward_ops};

static tch_status adaptive_avg_pool2d_shape(tch_call *c) {
  window w;
  TCH_TRY(tch_op_same_float(c, 1));
  TCH_TRY(adaptive_window(c, &((const tch_adaptive_avg_pool2d_attr *) c->attr)->size, &w));
  planes_like(&c->shape[0], c->in[0], c->in[0]->type, w.out);
  return TCH_OK;
}

static tch_status adaptive_avg_pool2d_forward(tch_call *c) {
  window w;
  TCH_TRY(adaptive_window(c, &((const tch_adaptive_avg_pool2d_attr *) c->attr)->size, &w));
  return avg_forward(c, &w);
}

static tch_status adaptive_avg_pool2d_backward(tch_call *c) {
  options o = {.adaptive = true};
  return avg_backward(c, &o);
}

static tch_status adaptive_avg_pool2d_backward_ops(tch_call *c) {
  const int64_t *size = c->in_shape[0].size + c->in_shape[0].ndim - 2;
  tch_tensor *g = NULL;
  return give(c, 0, tch_avg_pool2d_grad(c->gout[0], size, 2, NULL, 0, NULL, 0, NULL, 0, false, false, &g), &g);
}

const tch_op_body tch_op_adaptive_avg_pool2d = {.shape = adaptive_avg_pool2d_shape,
                                                .forward = adaptive_avg_pool2d_forward,
                                                .backward = adaptive_avg_pool2d_backward,
                                                .backward_ops = adaptive_avg_pool2d_backward_ops};

/* -- avg_pool2d_grad: gy spread over the windows of planes of a given size; without kernel they are adaptive ---------- */

static tch_status avg_grad_window(const tch_call *c, window *w) {
  const tch_avg_pool2d_grad_attr *a = c->attr;
  options o = {.kernel = &a->kernel,
               .stride = &a->stride,
               .pad = &a->pad,
               .ceil = a->ceil,
               .count_pad = a->count_pad,
               .adaptive = !a->kernel.n};
  int64_t in[2];
  TCH_TRY(check_planes(c, 0));
  TCH_TRY(pair(c, "size", &a->size, NULL, 1, in));
  TCH_TRY(read_window(c, &o, in, w));
  return check_origin(c, 0, w);
}

static tch_status avg_pool2d_grad_shape(tch_call *c) {
  window w;
  TCH_TRY(tch_op_same_float(c, 1));
  TCH_TRY(avg_grad_window(c, &w));
  planes_like(&c->shape[0], c->in[0], c->in[0]->type, w.in);
  return TCH_OK;
}

static tch_status avg_pool2d_grad_forward(tch_call *c) {
  tch_tensor *gy, *gx;
  window w;
  TCH_TRY(avg_grad_window(c, &w));
  TCH_TRY(tch_op_contiguous(c, c->in[0], &gy));
  TCH_TRY(take_out(c, 0, &gx));
  TCH_TRY(run(&w, AVERAGE_GRAD, gy, NULL, gx, 1, 0));
  return give_out(c, 0, gx);
}

static tch_status avg_pool2d_grad_backward(tch_call *c) {
  const tch_avg_pool2d_grad_attr *a = c->attr;
  tch_tensor *g = NULL;
  if (a->kernel.n) return give(c, 0, tch_avg_pool2d(c->gout[0], PASS(a), a->ceil, a->count_pad, &g), &g);
  const int64_t *size = c->in_shape[0].size + c->in_shape[0].ndim - 2;
  return give(c, 0, tch_adaptive_avg_pool2d(c->gout[0], size, 2, &g), &g);
}

const tch_op_body tch_op_avg_pool2d_grad = {
    .shape = avg_pool2d_grad_shape, .forward = avg_pool2d_grad_forward, .backward_ops = avg_pool2d_grad_backward};
