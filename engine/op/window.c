/* See window.h. */
#include "op/window.h"
#include "core/cpu.h"
#include "core/memory.h"
#include "core/thread.h"
#include "kernel/pool.h"
#include <math.h>
#include <string.h>

TCH_KERNEL_FAMILY(pool)

typedef long long ll;
enum { PIECE = 1 << 15 }; /* elements worth a thread */

/* -- checks ------------------------------------------------------------------------------------------------------ */

tch_status tch_window_pair(const tch_call *c, const char *name, const tch_ints *given, const int64_t *missing,
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

tch_status tch_window_check(const tch_call *c, int i) {
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

tch_status tch_window_read(const tch_call *c, const tch_window_options *o, const int64_t in[2], tch_window *w) {
  static const int64_t ones[2] = {1, 1}, zeros[2] = {0, 0};
  memcpy(w->in, in, sizeof w->in);
  w->count_pad = o->count_pad;
  w->adaptive = o->adaptive;
  w->gate = NULL, w->high = INFINITY;
  if (w->adaptive) return TCH_OK;
  TCH_TRY(tch_window_pair(c, "kernel", o->kernel, NULL, 1, w->kernel));
  TCH_TRY(tch_window_pair(c, "stride", o->stride, w->kernel, 1, w->stride));
  TCH_TRY(tch_window_pair(c, "pad", o->pad, zeros, 0, w->pad));
  TCH_TRY(tch_window_pair(c, "dilation", o->dilation, ones, 1, w->dilation));
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

void tch_window_planes(tch_shape *s, const tch_tensor *x, tch_dtype type, const int64_t size[2]) {
  s->type = type;
  s->ndim = x->ndim;
  memcpy(s->size, x->size, sizeof *s->size * x->ndim);
  memcpy(s->size + s->ndim - 2, size, sizeof *size * 2);
}

tch_status tch_window_origin(const tch_call *c, int i, tch_window *w) {
  const int64_t *size = last2(c->in[i]);
  char name[32];
  if (w->adaptive) memcpy(w->out, size, sizeof w->out);
  if (memcmp(w->out, size, sizeof w->out) == 0) return TCH_OK;
  return tch_op_fail(c, TCH_ERROR_SHAPE,
                     "%s has planes of %lldx%lld, but the windows on planes of %lldx%lld give %lldx%lld",
                     tch_op_input_name(c, i, name), (ll) size[0], (ll) size[1], (ll) w->in[0], (ll) w->in[1],
                     (ll) w->out[0], (ll) w->out[1]);
}

static int64_t widest(const tch_window *w, int d) {
  return w->adaptive ? (w->in[d] + w->out[d] - 1) / w->out[d] + 1 : w->kernel[d];
}

bool tch_window_wide(const tch_window *w) { return widest(w, 0) * widest(w, 1) > 256; }

/* -- the windows themselves -------------------------------------------------------------------------------------- */

/* Window o of direction d: [floor(o in / out), ceil((o + 1) in / out)) if adaptive, else what lies inside the plane. */
static void fill_windows(const tch_window *w, int d, tch_windows *t) {
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

static tch_status make_windows(const tch_window *w, tch_windows t[2]) {
  for (int d = 0; d < 2; d++) {
    void *block;
    t[d] = (tch_windows){
        .in = w->in[d], .out = w->out[d], .step = w->adaptive ? 1 : w->dilation[d], .widest = widest(w, d),
        .stride = w->adaptive ? 0 : w->stride[d]};
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

typedef struct job {
  const tch_pool_kernels *k;
  tch_window_step step;
  tch_windows w[2];
  bool wide;
  int64_t from, to, index_bytes, index; /* bytes of a plane */
  const char *x, *gate;
  double high;
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
      case TCH_MAX: j->k->max(v, h, j->wide, x, y, places); break;
      case TCH_MAX_GRAD:
        j->k->max_grad(v, h, j->wide, x, places, j->gate ? j->gate + i * j->from : NULL, j->high, j->alpha, j->beta, y);
        break;
      case TCH_MAX_TAKE: j->k->max_take(v, h, j->wide, x, places, y); break;
      case TCH_AVERAGE: j->k->average(v, h, x, y); break;
      case TCH_AVERAGE_GRAD: j->k->average_grad(v, h, x, j->alpha, j->beta, y); break;
    }
  }
}

tch_status tch_window_take(tch_call *c, int o, tch_tensor **out) {
  *out = c->out[o];
  return tch_tensor_contiguous(*out) ? TCH_OK : tch_op_temp(c, &c->shape[o], out);
}

tch_status tch_window_give(tch_call *c, int o, tch_tensor *made) {
  if (made == c->out[o]) return TCH_OK;
  bool on = tch_grad_enabled();
  tch_set_grad_enabled(false);
  tch_status status = tch_tensor_copy(c->out[o], made);
  tch_set_grad_enabled(on);
  return status;
}

tch_status tch_window_run(const tch_window *w, tch_window_step step, const tch_tensor *x, const tch_tensor *places,
                          tch_tensor *y, double alpha, double beta) {
  int64_t bytes = tch_dtype_bytes(x->type), in = w->in[0] * w->in[1], out = w->out[0] * w->out[1];
  bool back = step == TCH_MAX_GRAD || step == TCH_AVERAGE_GRAD;
  job j = {.k = tch_pool_table(x->type),
           .step = step,
           .wide = tch_window_wide(w),
           .from = (back ? out : in) * bytes,
           .to = (back ? in : out) * bytes,
           .x = tch_tensor_data(x),
           .gate = w->gate ? tch_tensor_data(w->gate) : NULL,
           .high = w->high,
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
