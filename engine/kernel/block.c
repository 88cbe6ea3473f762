/* Kernels on blocked planes of one instruction set; see block.h. */
#include "kernel/block.h"
#include "kernel/simd.h"
#define LINE V
#include "kernel/lines.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

#if defined(__AVX512F__) || defined(__aarch64__)
enum { MOST = 14 };
#else
enum { MOST = 6 };
#endif

/* -- sums ---------------------------------------------------------------------------------------------------------- */

/* One row of weights: c[m][n] += x[m] w[n]. */
INLINE void row(const int M, const int N, V (*c)[4], const real *const *p, int64_t at, const real *w, int64_t pair) {
  V b[4];
  UNROLL for (int n = 0; n < N; n++) b[n] = vload(w + n % 2 * VLEN + n / 2 * pair);
  UNROLL for (int m = 0; m < M; m++) {
    V x = vset(p[m][at]);
    UNROLL for (int n = 0; n < N; n++) c[m][n] = vfma(x, b[n], c[m][n]);
  }
}

/* What the sums start from: bias and what is added. */
INLINE void start(const tch_block_sum *s, const int M, const int N, V (*c)[4]) {
  UNROLL for (int n = 0; n < N; n++) {
    V bias = {0};
    if (!s->plain) bias = vload(s->bias + n * VLEN);
    UNROLL for (int m = 0; m < M; m++) c[m][n] = bias;
  }
  if (s->add) {
    const int64_t add_block = s->add_block;
    UNROLL for (int m = 0; m < M; m++) {
      const real *add = s->add + s->add_at[m];
      UNROLL for (int n = 0; n < N; n++) c[m][n] += vload(add + n * add_block);
    }
  }
}

INLINE void finish(const tch_block_sum *s, const int M, const int N, V (*c)[4]) {
  real *y = s->y;
  const int32_t *y_at = s->y_at;
  const int64_t y_block = s->y_block;
  if (!s->plain) {
    const real low = s->low, high = s->high;
    UNROLL for (int m = 0; m < M; m++)
      UNROLL for (int n = 0; n < N; n++) c[m][n] = vbound(c[m][n], low, high);
  }
  UNROLL for (int m = 0; m < M; m++)
    UNROLL for (int n = 0; n < N; n++) vstore(y + y_at[m] + n * y_block, c[m][n]);
}

INLINE void tile(const tch_block_sum *s, const int M, const int N) {
  V c[TCH_BLOCK_TILE][4];
  const real *p[TCH_BLOCK_TILE];
  UNROLL for (int m = 0; m < M; m++) p[m] = s->x + s->x_at[m];
  start(s, M, N, c);
  const int width = N == 1 ? VLEN : 2 * VLEN;
  const real *w = s->weight;
  const char *next = s->next;
  const int64_t pair = s->pair, next_step = s->next_step;
  const int32_t *tail = s->tap + s->full, *end = tail + s->rest;
  for (const int32_t *tap = s->tap; tap < end; tap++)
    for (int64_t k = *tap, last = k + (tap < tail ? VLEN : s->tail); k < last; k++, w += width, next += next_step) {
      __builtin_prefetch(next, 0, 2);
      row(M, N, c, p, k, w, pair);
    }
  finish(s, M, N, c);
}

#define TILE(m, n)                                                                                                     \
  static void tile_##m##_##n(const tch_block_sum *s) { tile(s, m, n); }
#define TILES(n)      TILE(1, n) TILE(2, n) TILE(3, n) TILE(4, n) TILE(5, n) TILE(6, n)
#define MORE_TILES(n) TILE(7, n) TILE(8, n) TILE(9, n) TILE(10, n) TILE(11, n) TILE(12, n) TILE(13, n) TILE(14, n)
#define NAMES(n)      tile_1_##n, tile_2_##n, tile_3_##n, tile_4_##n, tile_5_##n, tile_6_##n
TILES(1)
TILES(2)
TILE(1, 4)
TILE(2, 4)
#if defined(__AVX512F__) || defined(__aarch64__)
#define MORE_NAMES(n)                                                                                                  \
  , tile_7_##n, tile_8_##n, tile_9_##n, tile_10_##n, tile_11_##n, tile_12_##n, tile_13_##n, tile_14_##n
MORE_TILES(1)
MORE_TILES(2)
#else
#define MORE_NAMES(n)
#endif
/* of 1, 2 and 4 vectors */
static void (*const tiles[3][MOST])(const tch_block_sum *) = {
    {NAMES(1) MORE_NAMES(1)}, {NAMES(2) MORE_NAMES(2)}, {tile_1_4, tile_2_4}};

static void sum(const tch_block_sum *s) {
  tiles[s->vectors / 2][s->count - 1](s);
}

/* -- a window for each channel ------------------------------------------------------------------------------------- */

/* n outputs of a row under windows of 3x3 */
INLINE void window3(const tch_block_window *w, const int n, const int stride, const real *x, const V *g, V bias,
                    real *y) {
  V c[8];
  UNROLL for (int k = 0; k < n; k++) c[k] = bias;
  UNROLL for (int i = 0; i < 3; i++) {
    const real *line = x + i * w->x_row;
    UNROLL for (int j = 0; j < 3; j++) UNROLL for (int k = 0; k < n; k++)
        c[k] = vfma(vload(line + (k * stride + j) * VLEN), g[3 * i + j], c[k]);
  }
  UNROLL for (int k = 0; k < n; k++) vstore(y + k * VLEN, vbound(c[k], w->low, w->high));
}

INLINE void windows3(const tch_block_window *w, const int stride) {
  V g[9], bias = vload(w->bias);
  UNROLL for (int t = 0; t < 9; t++) g[t] = vload(w->weight + t * VLEN);
  for (int64_t i = 0; i < w->rows; i++) {
    const real *x = w->x + i * stride * w->x_row;
    real *y = w->y + i * w->y_row;
    int64_t j = 0;
    for (; j + 7 <= w->columns; j += 7) window3(w, 7, stride, x + j * stride * VLEN, g, bias, y + j * VLEN);
    for (; j < w->columns; j++) window3(w, 1, stride, x + j * stride * VLEN, g, bias, y + j * VLEN);
  }
}

/* n outputs of a row under any window */
INLINE void window_any(const tch_block_window *w, const int n, const real *x, real *y) {
  V c[4];
  UNROLL for (int k = 0; k < n; k++) c[k] = vload(w->bias);
  const real *g = w->weight;
  for (int64_t i = 0; i < w->size[0]; i++)
    for (int64_t j = 0; j < w->size[1]; j++, g += VLEN) {
      const real *from = x + i * w->dilation[0] * w->x_row + j * w->dilation[1] * VLEN;
      UNROLL for (int k = 0; k < n; k++) c[k] = vfma(vload(from + k * w->stride[1] * VLEN), vload(g), c[k]);
    }
  UNROLL for (int k = 0; k < n; k++) vstore(y + k * VLEN, vbound(c[k], w->low, w->high));
}

static void depthwise(const tch_block_window *w) {
  bool three = w->size[0] == 3 && w->size[1] == 3 && w->dilation[0] == 1 && w->dilation[1] == 1;
  if (three && w->stride[0] == 1 && w->stride[1] == 1) windows3(w, 1);
  else if (three && w->stride[0] == 2 && w->stride[1] == 2) windows3(w, 2);
  else
    for (int64_t i = 0; i < w->rows; i++) {
      const real *x = w->x + i * w->stride[0] * w->x_row;
      real *y = w->y + i * w->y_row;
      int64_t j = 0, step = w->stride[1] * VLEN;
      for (; j + 4 <= w->columns; j += 4) window_any(w, 4, x + j * step, y + j * VLEN);
      for (; j < w->columns; j++) window_any(w, 1, x + j * step, y + j * VLEN);
    }
}

/* -- pooling ------------------------------------------------------------------------------------------------------- */

/* The larger one; *bad keeps where a NaN was met. */
INLINE V larger(V most, const real *x, VI *bad) {
  V v = vload(x);
#if defined(__SSE2__)
  *bad |= (VI) (v != v);
  return VX86(max)(most, v);
#else
  (void) bad; /* vmax_ keeps it */
  return vmax_(v, most);
#endif
}

/* Of whole windows of n x n neighbours. */
INLINE V largest_of(const int n, const real *x, int64_t row) {
  V most = vload(x);
  VI bad = {0};
  UNROLL for (int r = 0; r < n; r++) UNROLL for (int c = 0; c < n; c++)
      most = larger(most, x + r * row + c * VLEN, &bad);
  return vsel(bad, (real) NAN, most);
}

static V largest(const tch_block_pool *p, int64_t i, int64_t j) {
  int32_t i1 = p->to[0][i], j1 = p->to[1][j];
  V most = vset((real) -INFINITY);
  for (int64_t r = p->from[0][i]; r < i1; r += p->step)
    for (int64_t c = p->from[1][j]; c < j1; c += p->step) most = vmax_(vload(p->x + r * p->x_row + c * VLEN), most);
  return most;
}

static V mean(const tch_block_pool *p, int64_t i, int64_t j) {
  int32_t i1 = p->to[0][i], j0 = p->from[1][j], j1 = p->to[1][j];
  V total = {0};
  for (int64_t r = p->from[0][i]; r < i1; r++) {
    const real *x = p->x + r * p->x_row;
    V a = {0}, b = {0};
    int64_t c = j0;
    for (; c + 2 <= j1; c += 2) {
      a += vload(x + c * VLEN);
      b += vload(x + (c + 1) * VLEN);
    }
    if (c < j1) a += vload(x + c * VLEN);
    total += a + b;
  }
  return total * (p->share[0][i] * p->share[1][j]);
}

static void pool(const tch_block_pool *p) {
  for (int64_t i = 0; i < p->rows; i++) {
    int32_t high = p->to[0][i] - p->from[0][i];
    const real *line = p->x + p->from[0][i] * p->x_row;
    for (int64_t j = 0; j < p->columns; j++) {
      int32_t side = p->share[0] || p->step != 1 || p->to[1][j] - p->from[1][j] != high ? 0 : high;
      const real *x = line + p->from[1][j] * VLEN;
      vstore(p->y + i * p->y_row + j * VLEN, side == 2     ? largest_of(2, x, p->x_row)
                                             : side == 3   ? largest_of(3, x, p->x_row)
                                             : p->share[0] ? mean(p, i, j)
                                                           : largest(p, i, j));
    }
  }
}

/* -- Winograd's method --------------------------------------------------------------------------------------------- */

enum { SIDE = 6, OUT = 4 };

static void tiles_in(const tch_block_tiles *t) {
  for (int64_t k = 0; k < t->tiles; k++) {
    const real *x = t->plane + k * OUT * VLEN;
    real *to = t->domain + k * VLEN;
    V half[SIDE * SIDE];
    UNROLL for (int j = 0; j < SIDE; j++) {
      V d[SIDE];
      UNROLL for (int i = 0; i < SIDE; i++) d[i] = vload(x + i * t->row + j * VLEN);
      line_input(d, 1, half + j, SIDE);
    }
    UNROLL for (int i = 0; i < SIDE; i++) {
      V o[SIDE];
      line_input(half + i * SIDE, 1, o, 1);
      UNROLL for (int j = 0; j < SIDE; j++) vstore(to + (i * SIDE + j) * t->step, o[j]);
    }
  }
}

static void tiles_out(const tch_block_tiles *t) {
  V bias = vload(t->bias);
  for (int64_t k = 0; k < t->tiles; k++) {
    const real *from = t->domain + k * VLEN;
    int64_t at = k * OUT, width = t->width - at;
    V half[OUT * SIDE];
    UNROLL for (int j = 0; j < SIDE; j++) {
      V m[SIDE];
      UNROLL for (int i = 0; i < SIDE; i++) m[i] = vload(from + (i * SIDE + j) * t->step);
      line_output(m, 1, half + j, SIDE);
    }
    UNROLL for (int i = 0; i < OUT; i++) {
      if (i >= t->height) break;
      V o[OUT];
      line_output(half + i * SIDE, 1, o, 1);
      UNROLL for (int j = 0; j < OUT; j++) {
        if (j >= width) break;
        V y = o[j] + bias;
        if (t->add) y += vload(t->add + i * t->add_row + (at + j) * VLEN);
        vstore(t->plane + i * t->row + (at + j) * VLEN, vbound(y, t->low, t->high));
      }
    }
  }
}

/* -- the rest ------------------------------------------------------------------------------------------------------ */

static void add(int64_t n, const float *a, const float *b, float low, float high, float *y) {
  for (int64_t i = 0; i < n; i += VLEN) vstore(y + i, vbound(vload(a + i) + vload(b + i), low, high));
}

static void enter(int64_t n, int64_t channels, const float *x, int64_t plane, float *y) {
  for (int64_t i = 0; i < n; i++)
    for (int64_t l = 0; l < VLEN; l++) y[i * VLEN + l] = l < channels ? x[l * plane + i] : 0;
}

static void leave(int64_t n, int64_t channels, const float *x, float *y, int64_t plane) {
  for (int64_t l = 0; l < channels; l++)
    for (int64_t i = 0; i < n; i++) y[l * plane + i] = x[i * VLEN + l];
}

#define TABLE_(isa) tch_block_kernels_float_##isa
#define TABLE(isa)  TABLE_(isa)
extern const tch_block_kernels TABLE(TCH_ISA);
const tch_block_kernels TABLE(TCH_ISA) = {.lanes = VLEN,
                                          .most = MOST,
                                          .sum = sum,
                                          .depthwise = depthwise,
                                          .pool = pool,
                                          .tiles_in = tiles_in,
                                          .tiles_out = tiles_out,
                                          .add = add,
                                          .enter = enter,
                                          .leave = leave};
