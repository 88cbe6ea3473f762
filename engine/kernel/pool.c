/* Pooling kernels of one float type and instruction set; see pool.h. */
#include "kernel/pool.h"
#include <string.h>

#define NAME2(type, isa) tch_pool_kernels_##type##_##isa
#define NAME(type, isa)  NAME2(type, isa)

typedef TCH_REAL real;

/* Whether v takes the place of the largest m so far. */
static inline bool above(real v, real m) { return (v > m) | ((v != v) & (m == m)); }

/* -- maximum ----------------------------------------------------------------------------------------------------- */

static void max_pairs(int64_t out, const real *restrict x, const real *restrict below, real *restrict y,
                      uint8_t *restrict index) {
  for (int64_t o = 0; o < out; o++) {
    real a = x[2 * o], b = x[2 * o + 1], c = below[2 * o], d = below[2 * o + 1];
    bool ab = above(b, a), cd = above(d, c);
    real top = ab ? b : a, low = cd ? d : c;
    bool down = above(low, top);
    y[o] = down ? low : top;
    index[o] = (uint8_t) (down ? 2 + cd : ab);
  }
}

static void max(const tch_windows *v, const tch_windows *h, bool wide, const void *xs, void *ys, void *index) {
  const real *x = xs;
  real *y = ys;
  uint8_t *narrow_index = index;
  int32_t *wide_index = index;
  if (v->pairs && h->pairs) {
    for (int64_t i = 0; i < v->out; i++)
      max_pairs(h->out, x + 2 * i * h->in, x + (2 * i + 1) * h->in, y + i * h->out, narrow_index + i * h->out);
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

static void spread_pairs(int64_t out, const real *restrict g, const uint8_t *restrict index, real alpha,
                         real *restrict x, real *restrict below) {
  for (int64_t o = 0; o < out; o++) {
    real value = alpha * g[o];
    uint8_t k = index[o];
    x[2 * o] = k == 0 ? value : 0;
    x[2 * o + 1] = k == 1 ? value : 0;
    below[2 * o] = k == 2 ? value : 0;
    below[2 * o + 1] = k == 3 ? value : 0;
  }
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
    int64_t used = 2 * h->out;
    for (int64_t i = 0; i < v->out; i++) {
      real *x = gx + 2 * i * h->in;
      spread_pairs(h->out, gy + i * h->out, (const uint8_t *) index + i * h->out, al, x, x + h->in);
      for (int64_t j = used; j < h->in; j++) x[j] = x[h->in + j] = 0;
    }
    memset(gx + 2 * v->out * h->in, 0, (v->in - 2 * v->out) * h->in * sizeof *gx);
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
