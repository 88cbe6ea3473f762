/* Convolution as gathered sums (kernel/conv.h): this file makes the tables of offsets, sums.c cuts the work.
 *
 *   forward   C = y   m: images and output positions   n: output channels   r: input channels and taps
 *   input     C = gx  m: images and input positions    n: input channels    r: output channels and taps
 *   weight    C = gw  m: input channels and taps       n: output channels   r: images and output positions
 *
 * A strided convolution's input gradient falls into stride x stride phases: positions that meet the same taps. */
#include "op/convolve.h"
#include "core/cpu.h"
#include "core/error.h"
#include "core/thread.h"
#include "op/depthwise.h"
#include "op/gemm.h"
#include "op/scratch.h"
#include "op/sums.h"
#include "op/winograd.h"

TCH_KERNEL_FAMILY(conv)

enum { PIECE = 1 << 18 }; /* products that a piece for another thread is worth (about ten microseconds) */

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }

tch_planes tch_planes_of(const tch_tensor *t) {
  tch_planes p = {.data = tch_tensor_data(t)};
  int lead = 4 - t->ndim;
  for (int d = lead; d < 4; d++) p.stride[d] = t->stride[d - lead];
  return p;
}

static void *at(tch_dtype type, const void *base, int64_t offset) {
  return (char *) base + offset * tch_dtype_bytes(type);
}

/* -- a border of zeros ------------------------------------------------------------------------------------------- */

typedef struct border {
  const tch_conv_kernels *k;
  tch_planes from;
  char *to;
  tch_dtype type;
  int64_t channels, plane, size[2], before[2], after[2], to_size[2];
} border;

static void pad_piece(void *context, int64_t begin, int64_t end) {
  const border *b = context;
  for (int64_t i = begin; i < end; i++) {
    int64_t offset = i / b->channels * b->from.stride[0] + i % b->channels * b->from.stride[1];
    b->k->pad(at(b->type, b->from.data, offset), b->from.stride[2], b->from.stride[3], b->size[0], b->size[1],
              at(b->type, b->to, i * b->plane), b->to_size[1], b->before[1], b->before[0], b->after[0]);
  }
}

/* *x becomes a copy with zeros around its planes, unless none are wanted. A copy for `slide` is always made, with room for
 * what is read past the end. */
static tch_status add_border(tch_scratch *s, tch_dtype type, tch_planes *x, int64_t n, int64_t channels,
                             const int64_t size[2], const int64_t before[2], const int64_t after[2], bool slide) {
  if (before[0] == 0 && before[1] == 0 && after[0] == 0 && after[1] == 0 && !slide) return TCH_OK;
  border b = {.k = tch_conv_table(type), .from = *x, .type = type, .channels = channels};
  for (int d = 0; d < 2; d++) {
    b.size[d] = size[d], b.before[d] = before[d], b.after[d] = after[d];
    b.to_size[d] = size[d] + before[d] + after[d];
  }
  int64_t plane = b.to_size[0] * b.to_size[1];
  if (plane % 64 == 0)
    plane += 16; /* planes at multiples of a large power of two would fight for the same places in a cache */
  b.plane = plane;
  TCH_TRY(tch_scratch_take(s, (n * channels * plane + b.k->lanes) * tch_dtype_bytes(type), &b.to));
  tch_parallel(n * channels, max(1, PIECE / 8 / plane), pad_piece, &b);
  *x = (tch_planes){b.to, {channels * plane, plane, b.to_size[1], 1}};
  return TCH_OK;
}

/* -- tables ------------------------------------------------------------------------------------------------------ */

/* Offsets of `rows` x `columns` positions of n images: first + image * step[0] + row * step[2] + column * step[3]. Returns the
 * end. */
static int64_t *fill_positions(int64_t *t, int64_t n, int64_t rows, int64_t columns, const int64_t step[4], int64_t first) {
  for (int64_t i = 0; i < n; i++)
    for (int64_t y = 0; y < rows; y++)
      for (int64_t x = 0; x < columns; x++) *t++ = first + i * step[0] + y * step[2] + x * step[3];
  return t;
}

static tch_status position_table(tch_scratch *s, int64_t n, int64_t rows, int64_t columns, const int64_t step[4],
                                 int64_t first, const int64_t **out) {
  int64_t *t;
  TCH_TRY(tch_scratch_take(s, n * rows * columns * (int64_t) sizeof *t, &t));
  *out = t;
  fill_positions(t, n, rows, columns, step, first);
  return TCH_OK;
}

enum { TABLE = 512 }; /* positions that fill tiles well */

/* How many of n images one table of positions serves: all if they are few, else as many as have `least` positions. */
static int64_t table_images(int64_t n, int64_t positions, int64_t least) {
  int64_t each = n * positions <= 8 * least ? n : ceil_div(least, positions);
  return each < n ? ceil_div(n, ceil_div(n, each)) : max(1, n);
}

/* Whether the positions of rows x columns of n images stand in memory in their order. */
static bool in_order(const tch_planes *p, int64_t n, int64_t rows, int64_t columns) {
  int64_t row = p->stride[2], last = (rows - 1) * row + columns;
  return p->stride[3] == 1 && (rows == 1 || row >= columns) && (n == 1 || p->stride[0] >= last);
}

/* -- the choice of a method ---------------------------------------------------------------------------------------- */

/*   DENSE      the window covers the plane: a product of matrices (dense, below)
 *   DEPTHWISE  a plane per channel, each with its own window (depthwise.c)
 *   WINOGRAD   windows of 3x3, stride 1, where the multiplications saved pay (winograd.c)
 *   GATHERED   everything else: gathered sums (this file), in one of the ways of tch_path
 * Depthwise and Winograd read rows of neighbouring numbers. */
typedef enum method { DEPTHWISE, WINOGRAD, GATHERED } method;

static method method_of(const tch_conv_geometry *g, const tch_planes *x, const tch_planes *y, bool forward) {
  if (x->stride[3] != 1 || y->stride[3] != 1) return GATHERED;
  return tch_depthwise_fits(g) ? DEPTHWISE : tch_winograd_pays(g, forward) ? WINOGRAD : GATHERED;
}

/* -- one window a plane: a product of matrices ------------------------------------------------------------------- */

/* The kernel covers the input exactly, so that x (n, c kh kw), weight (o, c kh kw) and y (n, o) are matrices. */
static bool dense(const tch_conv_geometry *g, const tch_planes *x) {
  bool packed = g->groups == 1 && x->stride[3] == 1 && x->stride[2] == g->in[1] && x->stride[1] == g->in[0] * g->in[1];
  for (int d = 0; d < 2; d++) packed = packed && g->in[d] == g->kernel[d] && g->pad[d] == 0 && g->dilation[d] == 1;
  return packed;
}

static int64_t inputs(const tch_conv_geometry *g) { return g->c * g->kernel[0] * g->kernel[1]; }

static tch_grid images_grid(const tch_planes *p) { return (tch_grid){p->data, p->stride[0], 1}; }
static tch_grid outputs_grid(const tch_planes *p) { return (tch_grid){p->data, p->stride[0], p->stride[1]}; }

/* What is left of finish after the product y (rows, columns); column j belongs to channel j / each. With a scale, beta is 0. */
static void finish_matrix(tch_dtype type, tch_grid y, int64_t rows, int64_t columns, const tch_finish *f, int64_t each) {
  if (!f->bias && !f->scale && f->low == -INFINITY && f->high == INFINITY) return;
#define FINISH(T)                                                                                                      \
  for (int64_t i = 0; i < rows; i++)                                                                                   \
    for (int64_t j = 0; j < columns; j++) {                                                                            \
      T *to = (T *) y.data + i * y.row + j * y.column, v = *to;                                                        \
      if (f->scale) v *= ((const T *) f->scale)[j / each];                                                             \
      if (f->bias) v += ((const T *) f->bias)[j / each];                                                               \
      *to = v < (T) f->low ? (T) f->low : v > (T) f->high ? (T) f->high : v;                                           \
    }
  if (type == TCH_FLOAT) FINISH(float) else FINISH(double)
#undef FINISH
}

/* -- forward ----------------------------------------------------------------------------------------------------- */

/* Offsets of the taps of `channels` input channels in x. */
static tch_status tap_table(tch_scratch *s, const tch_conv_geometry *g, const tch_planes *x, const int64_t **out) {
  int64_t *t, channels = g->c / g->groups;
  TCH_TRY(tch_scratch_take(s, channels * g->kernel[0] * g->kernel[1] * (int64_t) sizeof *t, &t));
  *out = t;
  for (int64_t c = 0; c < channels; c++)
    for (int64_t i = 0; i < g->kernel[0]; i++)
      for (int64_t k = 0; k < g->kernel[1]; k++)
        *t++ = c * x->stride[1] + i * g->dilation[0] * x->stride[2] + k * g->dilation[1] * x->stride[3];
  return TCH_OK;
}

/* Offsets of the windows of n images. */
static tch_status window_table(tch_scratch *s, const tch_conv_geometry *g, int64_t n, const tch_planes *x, const int64_t **out) {
  int64_t step[4] = {x->stride[0], 0, g->stride[0] * x->stride[2], g->stride[1] * x->stride[3]};
  return position_table(s, n, g->out[0], g->out[1], step, 0, out);
}

static tch_status count_table(tch_scratch *s, int64_t n, const int64_t **out) {
  int64_t step[4] = {0, 0, 0, 1};
  return position_table(s, 1, 1, n, step, 0, out);
}

static tch_status forward(tch_scratch *s, const tch_conv_geometry *g, tch_planes x, const void *weight,
                          const tch_finish *finish, tch_planes y) {
  int64_t channels = g->c / g->groups, taps = g->kernel[0] * g->kernel[1], outs = g->o / g->groups, plane = g->out[0] * g->out[1];
  bool whole = in_order(&y, g->n, g->out[0], g->out[1]);
  tch_path path = tch_path_of(outs, taps, channels * taps, g->n * plane, whole);
  TCH_TRY(add_border(s, g->type, &x, g->n, g->c, g->in, g->pad, g->pad, path == TCH_SLIDE));
  tch_sum_job j = {.type = g->type,
                   .groups = g->groups,
                   .a_group = channels * x.stride[1],
                   .b_group = outs * channels * taps,
                   .c_group = outs * y.stride[1],
                   .bias_group = outs,
                   .images = g->n,
                   .each = table_images(g->n, plane, TABLE),
                   .a_image = x.stride[0],
                   .c_image = y.stride[0]};
  j.g = (tch_contraction){.m = j.each * plane,
                          .n = outs,
                          .r = channels * taps,
                          .a = x.data,
                          .b = weight,
                          .bn = channels * taps,
                          .c = y.data,
                          .cn = y.stride[1],
                          .finish = *finish};
  TCH_TRY(window_table(s, g, j.each, &x, &j.g.am));
  TCH_TRY(tap_table(s, g, &x, &j.g.ar));
  TCH_TRY(count_table(s, j.g.r, &j.g.br));
  TCH_TRY(position_table(s, j.each, g->out[0], g->out[1], y.stride, 0, &j.g.cm));
  return tch_sum_run(s, &j, 1, path);
}

tch_status tch_convolve(const tch_conv_geometry *g, tch_planes x, const void *weight, const tch_finish *finish,
                        tch_planes y) {
  tch_scratch s = {0};
  if (dense(g, &x) && (y.stride[1] == 1 || y.stride[0] == 1)) {
    tch_grid w = {(void *) weight, inputs(g), 1};
    TCH_TRY(
        tch_gemm(g->type, g->n, g->o, inputs(g), finish->alpha, images_grid(&x), tch_grid_turned(w), finish->beta,
                 outputs_grid(&y)));
    finish_matrix(g->type, outputs_grid(&y), g->n, g->o, finish, 1);
    return TCH_OK;
  }
  method way = method_of(g, &x, &y, true);
  if (way == DEPTHWISE) return tch_depthwise_forward(g, x, weight, finish, y);
  if (way == WINOGRAD) return tch_winograd_forward(g, x, weight, finish, y);
  tch_status status = forward(&s, g, x, weight, finish, y);
  tch_scratch_free(&s);
  return status;
}

/* -- gradient of the weight -------------------------------------------------------------------------------------- */

static tch_status weight_gradient(tch_scratch *s, const tch_conv_geometry *g, tch_planes x, tch_planes gy, tch_planes gw,
                                  double alpha, double beta) {
  TCH_TRY(add_border(s, g->type, &x, g->n, g->c, g->in, g->pad, g->pad, false));
  int64_t channels = g->c / g->groups, taps = g->kernel[0] * g->kernel[1], outs = g->o / g->groups, plane = g->out[0] * g->out[1];
  tch_sum_job j = {.type = g->type,
                   .groups = g->groups,
                   .a_group = channels * x.stride[1],
                   .b_group = outs * gy.stride[1],
                   .c_group = outs * gw.stride[0],
                   .images = g->n,
                   .each = table_images(g->n, plane, TABLE),
                   .a_image = x.stride[0],
                   .b_image = gy.stride[0]};
  j.g = (tch_contraction){.m = channels * taps,
                          .n = outs,
                          .r = j.each * plane,
                          .a = x.data,
                          .b = gy.data,
                          .bn = gy.stride[1],
                          .c = gw.data,
                          .cn = gw.stride[0],
                          .finish = tch_finish_of(NULL, alpha, beta)};
  int64_t step[4] = {gw.stride[1], 0, gw.stride[2], gw.stride[3]};
  TCH_TRY(tap_table(s, g, &x, &j.g.am));
  TCH_TRY(window_table(s, g, j.each, &x, &j.g.ar));
  TCH_TRY(position_table(s, j.each, g->out[0], g->out[1], gy.stride, 0, &j.g.br));
  TCH_TRY(position_table(s, channels, g->kernel[0], g->kernel[1], step, 0, &j.g.cm));
  return tch_sum_run(s, &j, 1, TCH_LONG_GATHER);
}

tch_status tch_convolve_weight(const tch_conv_geometry *g, tch_planes x, tch_planes gy, tch_planes gw, double alpha,
                               double beta) {
  tch_scratch s = {0};
  tch_planes one = {gw.data, {0, gw.stride[1], gw.stride[2], gw.stride[3]}};
  if (dense(g, &x) && dense(g, &one))
    return tch_gemm(g->type, g->o, inputs(g), g->n, alpha, tch_grid_turned(outputs_grid(&gy)), images_grid(&x), beta,
                    images_grid(&gw));
  method way = gw.stride[3] == 1 && gw.stride[2] == g->kernel[1] ? method_of(g, &x, &gy, false) : GATHERED;
  if (way == DEPTHWISE) return tch_depthwise_weight(g, x, gy, gw, alpha, beta);
  if (way == WINOGRAD) return tch_winograd_weight(g, x, gy, gw, alpha, beta);
  tch_status status = weight_gradient(&s, g, x, gy, gw, alpha, beta);
  tch_scratch_free(&s);
  return status;
}

/* -- gradient of the input --------------------------------------------------------------------------------------- */

/* In one direction, a phase is the input positions first, first + stride, ...; position number q of them meets tap t (at
 * t * dilation) in output (first + q * stride + pad - t * dilation) / stride = q + origin - back(t), where that is whole. */
typedef struct phase {
  int64_t first, count, origin;
  int64_t taps; /* how many taps it meets: t0, t0 + period, ... */
  int64_t t0, period, back0, back_step;
} phase;

static int64_t gcd(int64_t a, int64_t b) {
  while (b) {
    int64_t r = a % b;
    a = b, b = r;
  }
  return a;
}

static phase phase_of(const tch_conv_geometry *g, int d, int64_t first) {
  int64_t stride = g->stride[d], dilation = g->dilation[d], p = (first + g->pad[d]) % stride;
  phase f = {.first = first,
             .count = (g->in[d] - 1 - first) / stride + 1,
             .origin = (first + g->pad[d]) / stride,
             .period = stride / gcd(stride, dilation),
             .t0 = -1};
  for (int64_t t = 0; t < min(f.period, g->kernel[d]) && f.t0 < 0; t++)
    if (t * dilation % stride == p) f.t0 = t;
  if (f.t0 >= 0) {
    f.taps = (g->kernel[d] - 1 - f.t0) / f.period + 1;
    f.back0 = (f.t0 * dilation - p) / stride;
    f.back_step = f.period * dilation / stride;
  }
  return f;
}

/* Zeros that gy needs before and after it, so that every tap of every phase finds a number. */
static void reach(const tch_conv_geometry *g, int d, int64_t *before, int64_t *after) {
  *before = *after = 0;
  for (int64_t first = 0; first < min(g->stride[d], g->in[d]); first++) {
    phase f = phase_of(g, d, first);
    if (f.taps == 0) continue;
    *before = max(*before, f.back0 + (f.taps - 1) * f.back_step - f.origin);
    *after = max(*after, f.origin + f.count - 1 - f.back0 - (g->out[d] - 1));
  }
}

/* The positions of f from number q on that meet the same taps inside the plane: a phase of its own. */
static phase part_of(const tch_conv_geometry *g, int d, const phase *f, int64_t q) {
  phase part = *f;
  int64_t begin = 0, end = 0;
  for (part.count = 0; q + part.count < f->count; part.count++) {
    int64_t last = q + part.count + f->origin - f->back0, b = 0, e = f->taps; /* output that tap 0 meets */
    while (b < e && last - b * f->back_step >= g->out[d]) b++;
    while (e > b && last - (e - 1) * f->back_step < 0) e--;
    if (part.count == 0) begin = b, end = e;
    if (b != begin || e != end) break;
  }
  part.first += q * g->stride[d], part.origin += q;
  part.t0 += begin * f->period, part.back0 += begin * f->back_step, part.taps = end - begin;
  return part;
}

/* Positions times taps in direction d: all, and those inside the plane. */
static void count_taps(const tch_conv_geometry *g, int d, int64_t *all, int64_t *inside) {
  *all = *inside = 0;
  for (int64_t first = 0; first < min(g->stride[d], g->in[d]); first++) {
    phase f = phase_of(g, d, first), part;
    *all += f.count * f.taps;
    for (int64_t q = 0; q < f.count; q += part.count) {
      part = part_of(g, d, &f, q);
      *inside += part.count * part.taps;
    }
  }
}

/* Whether to sum the parts of a phase apart instead of multiplying zeros of a border: it pays from a seventh of zeros on, in sums
 * large enough for the setting up of many parts. */
static bool apart(const tch_conv_geometry *g) {
  int64_t all[2], inside[2];
  for (int d = 0; d < 2; d++) count_taps(g, d, &all[d], &inside[d]);
  double work = (double) inside[0] * inside[1] * g->n * g->c * g->o / g->groups;
  return work > 1 << 23 && 7.0 * all[0] * all[1] > 8.0 * inside[0] * inside[1];
}

/* A sum for each part; without jobs they are only counted. */
typedef struct transposed {
  const tch_conv_geometry *g;
  bool apart;
  tch_planes gy, gx;
  int64_t before[2], each;
  const void *weight;
  tch_finish finish;
  tch_sum_job *jobs;
  int64_t *table; /* room for `entries` */
  int64_t count, entries;
} transposed;

static void phase_sum(transposed *t, const phase *v, const phase *h) {
  const tch_conv_geometry *g = t->g;
  const tch_planes *gy = &t->gy, *gx = &t->gx;
  int64_t channels = g->c / g->groups, taps = g->kernel[0] * g->kernel[1], outs = g->o / g->groups;
  int64_t m = t->each * v->count * h->count, r = outs * v->taps * h->taps;
  t->entries += 2 * (m + r);
  if (t->jobs == NULL) {
    t->count++;
    return;
  }
  tch_sum_job *j = &t->jobs[t->count++];
  *j = (tch_sum_job){.type = g->type,
                     .groups = g->groups,
                     .a_group = outs * gy->stride[1],
                     .b_group = outs * channels * taps,
                     .c_group = channels * gx->stride[1],
                     .bias_group = channels,
                     .images = g->n,
                     .each = t->each,
                     .a_image = gy->stride[0],
                     .c_image = gx->stride[0]};
  int64_t out_step[4] = {gx->stride[0], 0, g->stride[0] * gx->stride[2], g->stride[1] * gx->stride[3]};
  int64_t read_step[4] = {gy->stride[1], 0, -v->back_step * gy->stride[2], -h->back_step * gy->stride[3]};
  int64_t tap_step[4] = {channels * taps, 0, v->period * g->kernel[1], h->period};
  int64_t *am = t->table, *cm, *ar, *br;
  cm = fill_positions(am, t->each, v->count, h->count, gy->stride,
                      (v->origin + t->before[0]) * gy->stride[2] + (h->origin + t->before[1]) * gy->stride[3]);
  ar = fill_positions(cm, t->each, v->count, h->count, out_step, v->first * gx->stride[2] + h->first * gx->stride[3]);
  br = fill_positions(ar, outs, v->taps, h->taps, read_step, -v->back0 * gy->stride[2] - h->back0 * gy->stride[3]);
  t->table = fill_positions(br, outs, v->taps, h->taps, tap_step, v->t0 * g->kernel[1] + h->t0);
  j->g = (tch_contraction){.m = m,
                           .n = channels,
                           .r = r,
                           .a = gy->data,
                           .am = am,
                           .ar = ar,
                           .b = t->weight,
                           .br = br,
                           .bn = taps,
                           .c = gx->data,
                           .cm = cm,
                           .cn = gx->stride[1],
                           .finish = t->finish};
}

/* All parts of the phases that begin at (p, q). */
static void phase_parts(transposed *t, int64_t p, int64_t q) {
  phase v = phase_of(t->g, 0, p), h = phase_of(t->g, 1, q), a = v, b = h;
  for (int64_t i = 0; i < v.count; i += a.count) {
    if (t->apart) a = part_of(t->g, 0, &v, i);
    for (int64_t j = 0; j < h.count; j += b.count) {
      if (t->apart) b = part_of(t->g, 1, &h, j);
      phase va = a, hb = b;
      if (a.taps == 0 || b.taps == 0) va.taps = hb.taps = va.t0 = hb.t0 = 0;
      phase_sum(t, &va, &hb);
    }
  }
}

static void all_parts(transposed *t) {
  t->count = t->entries = 0;
  for (int64_t p = 0; p < min(t->g->stride[0], t->g->in[0]); p++)
    for (int64_t q = 0; q < min(t->g->stride[1], t->g->in[1]); q++) phase_parts(t, p, q);
}

static tch_status input_gradient(tch_scratch *s, const tch_conv_geometry *g, tch_planes gy, const void *weight,
                                 const tch_finish *finish, tch_planes gx) {
  bool whole = g->stride[0] == 1 && g->stride[1] == 1 && in_order(&gx, g->n, g->in[0], g->in[1]);
  int64_t taps = g->kernel[0] * g->kernel[1], plane = g->in[0] * g->in[1];
  tch_path path = tch_path_of(g->c / g->groups, taps, g->o / g->groups * taps, g->n * plane, whole);
  transposed t = {.g = g, .gy = gy, .gx = gx, .weight = weight, .finish = *finish};
  int64_t after[2] = {0, 0};
  t.apart = path == TCH_GATHER && apart(g);
  for (int d = 0; d < 2 && !t.apart; d++) reach(g, d, &t.before[d], &after[d]);
  /* parts at the edges have few positions of an image */
  t.each = table_images(g->n, plane, TABLE * (t.apart ? 16 : g->stride[0] * g->stride[1]));
  TCH_TRY(add_border(s, g->type, &t.gy, g->n, g->o, g->out, t.before, after, path == TCH_SLIDE));
  all_parts(&t);
  tch_sum_job *jobs;
  TCH_TRY(tch_scratch_take(s, t.entries * (int64_t) sizeof *t.table, &t.table));
  TCH_TRY(tch_scratch_take(s, t.count * (int64_t) sizeof *jobs, &jobs));
  t.jobs = jobs;
  all_parts(&t);
  return tch_sum_run(s, jobs, t.count, path);
}

tch_status tch_convolve_input(const tch_conv_geometry *g, tch_planes gy, const void *weight, const tch_finish *finish,
                              tch_planes gx) {
  tch_scratch s = {0};
  if (dense(g, &gx)) {
    tch_grid w = {(void *) weight, inputs(g), 1};
    TCH_TRY(tch_gemm(g->type, g->n, inputs(g), g->o, finish->alpha, outputs_grid(&gy), w, finish->beta,
                     images_grid(&gx)));
    finish_matrix(g->type, images_grid(&gx), g->n, inputs(g), finish, g->kernel[0] * g->kernel[1]);
    return TCH_OK;
  }
  method way = method_of(g, &gx, &gy, false);
  if (way == DEPTHWISE) return tch_depthwise_input(g, gy, weight, finish, gx);
  if (way == WINOGRAD) return tch_winograd_input(g, gy, weight, finish, gx);
  tch_status status = input_gradient(&s, g, gy, weight, finish, gx);
  tch_scratch_free(&s);
  return status;
}

/* -- gradient of the bias ---------------------------------------------------------------------------------------- */

typedef struct sums {
  const tch_conv_kernels *k;
  const void *x;
  int64_t outer, step, inner;
  double alpha, beta;
  void *out;
} sums;

static void sums_piece(void *context, int64_t begin, int64_t end) {
  const sums *s = context;
  s->k->sum_planes(s->x, s->outer, s->step, s->inner, s->alpha, s->beta, s->out, begin, end);
}

void tch_channel_sums(tch_dtype type, const void *gy, int64_t n, int64_t o, int64_t plane, double alpha, double beta,
                      void *gb) {
  sums s = {tch_conv_table(type), gy, n, o * plane, plane, alpha, beta, gb};
  tch_parallel(o, max(1, PIECE / 4 / max(1, n * plane)), sums_piece, &s);
}
