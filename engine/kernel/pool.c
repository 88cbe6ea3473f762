/* Pooling kernels of one float type and instruction set; see pool.h. */
#include "kernel/pool.h"
#include "kernel/tile.h"
#include <string.h>

#define NAME2(type, isa) tch_pool_kernels_##type##_##isa
#define NAME(type, isa)  NAME2(type, isa)

#if defined(TCH_REAL_IS_float)
typedef int32_t whole;
#else
typedef int64_t whole;
#endif
typedef whole vwhole __attribute__((vector_size(TILE_BYTES)));
typedef uint8_t vbyte __attribute__((vector_size(LANES)));

/* Whether v takes the place of the largest m so far. */
static inline bool above(real v, real m) { return (v > m) | ((v != v) & (m == m)); }

/* -- maximum ----------------------------------------------------------------------------------------------------- */

static inline vreal either(vwhole mask, vreal p, vreal q) {
  return (vreal) (((vwhole) p & mask) | ((vwhole) q & ~mask));
}

static inline vwhole all_above(vreal v, vreal m) { return (v > m) | ((v != v) & (m == m)); }

/* LANES windows of two by two. */
static inline void max_quads(const real *x, const real *below, real *y, uint8_t *index) {
  vreal x0 = tile_load(x), x1 = tile_load(x + LANES), z0 = tile_load(below), z1 = tile_load(below + LANES);
  vreal a = tile_even(x0, x1), b = tile_odd(x0, x1), c = tile_even(z0, z1), d = tile_odd(z0, z1);
  vwhole ab = all_above(b, a), cd = all_above(d, c);
  vreal top = either(ab, b, a), low = either(cd, d, c);
  vwhole down = all_above(low, top);
  tile_store(y, either(down, low, top));
  vbyte places = __builtin_convertvector((down & (2 - cd)) | (~down & -ab), vbyte);
  memcpy(index, &places, sizeof places);
}

/* Windows of two by two over a plane. A vector may run into the next row, whose windows come later, but not out of the plane. */
static void max_pairs(const tch_windows *v, const tch_windows *h, const real *x, real *y, uint8_t *index) {
  for (int64_t i = 0; i < v->out; i++) {
    const real *row = x + 2 * i * h->in, *below = row + h->in;
    int64_t at = i * h->out, o = 0;
    int64_t room = v->out * h->out - at, reach = v->in * h->in - (2 * i + 1) * h->in;
    for (; o < h->out && o + LANES <= room && 2 * (o + LANES) <= reach; o += LANES)
      max_quads(row + 2 * o, below + 2 * o, y + at + o, index + at + o);
    for (; o < h->out; o++) {
      real a = row[2 * o], b = row[2 * o + 1], c = below[2 * o], d = below[2 * o + 1];
      bool ab = above(b, a), cd = above(d, c);
      real top = ab ? b : a, low = cd ? d : c;
      bool down = above(low, top);
      y[at + o] = down ? low : top;
      index[at + o] = (uint8_t) (down ? 2 + cd : ab);
    }
  }
}

static void max(const tch_windows *v, const tch_windows *h, bool wide, const void *xs, void *ys, void *index) {
  const real *x = xs;
  real *y = ys;
  uint8_t *narrow_index = index;
  int32_t *wide_index = index;
  if (v->pairs && h->pairs) {
    max_pairs(v, h, x, y, narrow_index);
    return;
  }
  for (int64_t i = 0, at = 0; i < v->out; i++)
    for (int64_t j = 0; j < h->out; j++, at++) {
      const real *window = x + v->first[i] * h->in + h->first[j];
      real m = window[0];
      int32_t best = 0;
      for (int64_t p = 0; p < v->count[i]; p++)
        for (int64_t q = 0; q < h->count[j]; q++) {
          real value = window[p * v->step * h->in + q * h->step];
          if (above(value, m)) m = value, best = (int32_t) (p * h->widest + q);
        }
      y[at] = m;
      if (wide) wide_index[at] = best;
      else narrow_index[at] = (uint8_t) best;
    }
}

static void scale(int64_t n, real *x, real beta) {
  if (beta == 0) memset(x, 0, n * sizeof *x);
  else if (beta != 1)
    for (int64_t i = 0; i < n; i++) x[i] *= beta;
}

/* One row of gx from the windows over it: g where the place is `left` or left + 1. reach: numbers up to the end of the plane. */
static void spread_row(const real *g, const uint8_t *index, int64_t out, int64_t room, whole left, real alpha, real *x,
                       int64_t reach) {
  int64_t o = 0;
  for (; o < out && o + LANES <= room && 2 * (o + LANES) <= reach; o += LANES) {
    vbyte places;
    memcpy(&places, index + o, sizeof places);
    vwhole k = __builtin_convertvector(places, vwhole);
    vreal value = alpha * tile_load(g + o);
    vreal p = (vreal) ((vwhole) value & (k == left)), q = (vreal) ((vwhole) value & (k == left + 1));
    tile_store(x + 2 * o, tile_zip0(p, q));
    tile_store(x + 2 * o + LANES, tile_zip1(p, q));
  }
  for (; o < out; o++) {
    x[2 * o] = index[o] == left ? alpha * g[o] : 0;
    x[2 * o + 1] = index[o] == left + 1 ? alpha * g[o] : 0;
  }
}

/* The gradient of max_pairs. What a vector leaves in the next row is written over by that row. */
static void spread_pairs(const tch_windows *v, const tch_windows *h, const real *gy, const uint8_t *index, real alpha,
                         real *gx) {
  for (int64_t i = 0; i < 2 * v->out; i++) {
    int64_t at = i / 2 * h->out;
    real *x = gx + i * h->in;
    spread_row(gy + at, index + at, h->out, (v->out * h->out) - at, i % 2 * 2, alpha, x, (v->in - i) * h->in);
    for (int64_t j = 2 * h->out; j < h->in; j++) x[j] = 0;
  }
  memset(gx + 2 * v->out * h->in, 0, (v->in - 2 * v->out) * h->in * sizeof *gx);
}

/* Offset in the plane of the place that window (i, j) chose; indices from elsewhere are kept inside the window. */
static int64_t place(const tch_windows *v, const tch_windows *h, int64_t i, int64_t j, bool wide, const void *index) {
  int64_t at = i * h->out + j, k = wide ? ((const int32_t *) index)[at] : ((const uint8_t *) index)[at];
  int64_t p = k / h->widest, q = k % h->widest;
  if (k < 0 || p >= v->count[i]) p = 0;
  if (q < 0 || q >= h->count[j]) q = 0;
  return (v->first[i] + p * v->step) * h->in + h->first[j] + q * h->step;
}

static void max_grad(const tch_windows *v, const tch_windows *h, bool wide, const void *gys, const void *index,
                     double alpha, double beta, void *gxs) {
  const real *gy = gys;
  real *gx = gxs, al = (real) alpha;
  if (v->pairs && h->pairs && beta == 0) {
    spread_pairs(v, h, gy, index, al, gx);
    return;
  }
  scale(v->in * h->in, gx, (real) beta);
  for (int64_t i = 0; i < v->out; i++)
    for (int64_t j = 0; j < h->out; j++) gx[place(v, h, i, j, wide, index)] += al * gy[i * h->out + j];
}

static void max_take(const tch_windows *v, const tch_windows *h, bool wide, const void *xs, const void *index,
                     void *ys) {
  const real *x = xs;
  real *y = ys;
  for (int64_t i = 0; i < v->out; i++)
    for (int64_t j = 0; j < h->out; j++) y[i * h->out + j] = x[place(v, h, i, j, wide, index)];
}

/* -- average ----------------------------------------------------------------------------------------------------- */

static void average(const tch_windows *v, const tch_windows *h, const void *xs, void *ys) {
  const real *x = xs;
  real *y = ys;
  for (int64_t i = 0; i < v->out; i++)
    for (int64_t j = 0; j < h->out; j++) {
      const real *window = x + v->first[i] * h->in + h->first[j];
      real sum = 0;
      for (int64_t p = 0; p < v->count[i]; p++)
        for (int64_t q = 0; q < h->count[j]; q++) sum += window[p * h->in + q];
      y[i * h->out + j] = sum / ((real) v->extent[i] * (real) h->extent[j]);
    }
}

static void average_grad(const tch_windows *v, const tch_windows *h, const void *gys, double alpha, double beta,
                         void *gxs) {
  const real *gy = gys;
  real *gx = gxs;
  scale(v->in * h->in, gx, (real) beta);
  for (int64_t i = 0; i < v->out; i++)
    for (int64_t j = 0; j < h->out; j++) {
      real *window = gx + v->first[i] * h->in + h->first[j];
      real share = (real) alpha * gy[i * h->out + j] / ((real) v->extent[i] * (real) h->extent[j]);
      for (int64_t p = 0; p < v->count[i]; p++)
        for (int64_t q = 0; q < h->count[j]; q++) window[p * h->in + q] += share;
    }
}

extern const tch_pool_kernels NAME(TCH_REAL, TCH_ISA);
const tch_pool_kernels NAME(TCH_REAL, TCH_ISA) = {max, max_grad, max_take, average, average_grad};
