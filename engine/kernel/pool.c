/* Pooling kernels of one float type and instruction set; see pool.h. */
#include "kernel/pool.h"
#include "kernel/tile.h"
#include <string.h>

#define NAME2(type, isa) tch_pool_kernels_##type##_##isa
#define NAME(type, isa)  NAME2(type, isa)

typedef uint8_t vbyte __attribute__((vector_size(LANES)));

/* Whether v takes the place of the largest m so far. */
static inline bool above(real v, real m) { return (v > m) | ((v != v) & (m == m)); }

/* -- maximum ----------------------------------------------------------------------------------------------------- */

static inline vwhole all_above(vreal v, vreal m) { return (v > m) | ((v != v) & (m == m)); }

/* The first `count` numbers of a vector: all from LANES on, none below 1. */
static inline int part(int64_t count) { return count > LANES ? LANES : count < 0 ? 0 : (int) count; }

static inline vbyte bytes_load(const uint8_t *from, int count) {
  vbyte v = {0};
  if (count >= LANES) memcpy(&v, from, sizeof v);
#if defined(__AVX512F__) && defined(TCH_REAL_IS_float)
  else v = (vbyte) _mm_maskz_loadu_epi8((__mmask16) ((1u << count) - 1), from);
#else
  else memcpy(&v, from, count);
#endif
  return v;
}

static inline void bytes_store(uint8_t *to, vbyte v, int count) {
  if (count >= LANES) memcpy(to, &v, sizeof v);
#if defined(__AVX512F__) && defined(TCH_REAL_IS_float)
  else _mm_mask_storeu_epi8(to, (__mmask16) ((1u << count) - 1), (__m128i) v);
#else
  else memcpy(to, &v, count);
#endif
}

/* `count` (at most LANES) windows of two by two. */
static inline __attribute__((always_inline)) void max_quads(const real *x, const real *below, real *y, uint8_t *index,
                                                            int count) {
  int first = part(2 * count), second = part(2 * count - LANES);
  vreal x0 = tile_load_part(x, first), x1 = tile_load_part(x + LANES, second);
  vreal z0 = tile_load_part(below, first), z1 = tile_load_part(below + LANES, second);
  vreal a = tile_even(x0, x1), b = tile_odd(x0, x1), c = tile_even(z0, z1), d = tile_odd(z0, z1);
  vwhole ab = all_above(b, a), cd = all_above(d, c);
  vreal top = tile_either(ab, b, a), low = tile_either(cd, d, c);
  vwhole down = all_above(low, top);
  tile_store_part(y, tile_either(down, low, top), count);
  bytes_store(index, __builtin_convertvector((down & (2 - cd)) | (~down & -ab), vbyte), count);
}

/* Windows of two by two over a plane. A vector may run into the next row, whose windows come later, but not out of the plane. */
static void max_pairs(const tch_windows *v, const tch_windows *h, const real *x, real *y, uint8_t *index) {
  for (int64_t i = 0; i < v->out; i++) {
    const real *row = x + 2 * i * h->in, *below = row + h->in;
    int64_t at = i * h->out, o = 0;
    int64_t room = v->out * h->out - at, reach = v->in * h->in - (2 * i + 1) * h->in;
    for (; o < h->out && o + LANES <= room && 2 * (o + LANES) <= reach; o += LANES)
      max_quads(row + 2 * o, below + 2 * o, y + at + o, index + at + o, LANES);
    for (; o < h->out; o += LANES)
      max_quads(row + 2 * o, below + 2 * o, y + at + o, index + at + o, part(h->out - o));
  }
}

/* Window (i, j). */
static void max_window(const tch_windows *v, const tch_windows *h, int64_t i, int64_t j, const real *x, real *y,
                       int32_t *index) {
  const real *window = x + v->first[i] * h->in + h->first[j];
  real m = window[0];
  int32_t best = 0;
  for (int64_t p = 0; p < v->count[i]; p++)
    for (int64_t q = 0; q < h->count[j]; q++) {
      real value = window[p * v->step * h->in + q * h->step];
      if (above(value, m)) m = value, best = (int32_t) (p * h->widest + q);
    }
  *y = m, *index = best;
}

/* `count` (at most LANES) whole windows of row i that begin `stride` (1 or 2) apart. */
static inline __attribute__((always_inline)) vwhole max_vector(const tch_windows *v, const tch_windows *h, int64_t i,
                                                               const real *x, const int stride, int count, real *y) {
  vreal m = {0};
  vwhole best = {0};
  int first = part(stride * (count - 1) + 1), second = stride == 2 ? part(2 * count - 1 - LANES) : 0;
  for (int64_t p = 0; p < v->count[i]; p++, x += v->step * h->in)
    for (int64_t q = 0; q < h->widest; q++) {
      const real *from = x + q * h->step;
      vreal value = tile_load_part(from, first);
      if (stride == 2) value = tile_even(value, tile_load_part(from + LANES, second));
      vwhole mask = p + q ? all_above(value, m) : ~best, here = {0};
      here += (whole) (p * h->widest + q);
      m = tile_either(mask, value, m);
      best = (mask & here) | (~mask & best);
    }
  tile_store_part(y, m, count);
  return best;
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
  int64_t begin = 0, end = !wide && (h->stride == 1 || h->stride == 2) ? h->out : 0; /* whole windows, for vectors */
  while (begin < end && h->count[begin] < h->widest) begin++;
  while (end > begin && h->count[end - 1] < h->widest) end--;
  for (int64_t i = 0; i < v->out; i++) {
    const real *row = x + v->first[i] * h->in;
    for (int64_t j = 0; j < h->out; j++) {
      int64_t at = i * h->out + j;
      if (j >= begin && j < end) {
        int count = part(end - j);
        vwhole best = h->stride == 2 ? max_vector(v, h, i, row + h->first[j], 2, count, y + at)
                                     : max_vector(v, h, i, row + h->first[j], 1, count, y + at);
        bytes_store(narrow_index + at, __builtin_convertvector(best, vbyte), count);
        j += count - 1;
        continue;
      }
      int32_t best;
      max_window(v, h, i, j, x, y + at, &best);
      if (wide) wide_index[at] = best;
      else narrow_index[at] = (uint8_t) best;
    }
  }
}

static void scale(int64_t n, real *x, real beta) {
  if (beta == 0) memset(x, 0, n * sizeof *x);
  else if (beta != 1)
    for (int64_t i = 0; i < n; i++) x[i] *= beta;
}

/* What gradients go through: all of them, or those of outputs between 0 and high. */
typedef struct gate {
  const real *y;
  real high;
} gate;

static inline bool passes(const gate *by, int64_t at) { return !by->y || ((by->y[at] > 0) & (by->y[at] < by->high)); }

static inline vwhole widen(vbyte v) {
#if defined(__AVX512F__) && defined(TCH_REAL_IS_float)
  return (vwhole) _mm512_cvtepu8_epi32((__m128i) v);
#else
  return __builtin_convertvector(v, vwhole);
#endif
}

/* `count` (at most LANES) windows, number `at` and on: g at their places in two rows of gx, zeros elsewhere; `width` numbers of a
 * row are written. */
static inline __attribute__((always_inline)) void spread_quads(const real *gy, const uint8_t *index, const gate *by, int64_t at,
                                                               real alpha, real *x, real *below, int count, int64_t width) {
  vwhole k = widen(bytes_load(index + at, count));
  vreal value = alpha * tile_load_part(gy + at, count);
  if (by->y) {
    vreal y = tile_load_part(by->y + at, count);
    value = (vreal) ((vwhole) value & (y > 0) & (y < by->high));
  }
  vreal a = (vreal) ((vwhole) value & (k == 0)), b = (vreal) ((vwhole) value & (k == 1));
  vreal c = (vreal) ((vwhole) value & (k == 2)), d = (vreal) ((vwhole) value & (k == 3));
  int first = part(width), second = part(width - LANES);
  tile_store_part(x, tile_zip0(a, b), first);
  tile_store_part(x + LANES, tile_zip1(a, b), second);
  tile_store_part(below, tile_zip0(c, d), first);
  tile_store_part(below + LANES, tile_zip1(c, d), second);
}

/* The gradient of max_pairs. */
static void spread_pairs(const tch_windows *v, const tch_windows *h, const real *gy, const uint8_t *index, const gate *by,
                         real alpha, real *gx) {
  for (int64_t i = 0; i < v->out; i++) {
    real *x = gx + 2 * i * h->in, *below = x + h->in;
    int64_t at = i * h->out, o = 0;
    for (; o + LANES < h->out; o += LANES) spread_quads(gy, index, by, at + o, alpha, x + 2 * o, below + 2 * o, LANES, 2 * LANES);
    spread_quads(gy, index, by, at + o, alpha, x + 2 * o, below + 2 * o, (int) (h->out - o), h->in - 2 * o);
    if (h->in - 2 * o > 2 * LANES) x[h->in - 1] = below[h->in - 1] = 0;
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
                     const void *ys, double high, double alpha, double beta, void *gxs) {
  const real *gy = gys;
  const gate by = {ys, (real) high};
  real *gx = gxs, al = (real) alpha;
  if (v->pairs && h->pairs && beta == 0) {
    spread_pairs(v, h, gy, index, &by, al, gx);
    return;
  }
  scale(v->in * h->in, gx, (real) beta);
  int64_t offset[256]; /* of the places of a whole window */
  int64_t places = wide ? 0 : v->widest * h->widest;
  for (int64_t k = 0; k < places; k++)
    offset[k] = k / h->widest * v->step * h->in + k % h->widest * h->step;
  for (int64_t i = 0; i < v->out; i++) {
    bool whole_rows = v->count[i] == v->widest;
    for (int64_t j = 0; j < h->out; j++) {
      int64_t at = i * h->out + j;
      if (!passes(&by, at)) continue;
      if (whole_rows && h->count[j] == h->widest && !wide && ((const uint8_t *) index)[at] < places)
        gx[v->first[i] * h->in + h->first[j] + offset[((const uint8_t *) index)[at]]] += al * gy[at];
      else gx[place(v, h, i, j, wide, index)] += al * gy[at];
    }
  }
}

static void max_take(const tch_windows *v, const tch_windows *h, bool wide, const void *xs, const void *index,
                     void *ys) {
  const real *x = xs;
  real *y = ys;
  for (int64_t i = 0; i < v->out; i++)
    for (int64_t j = 0; j < h->out; j++) y[i * h->out + j] = x[place(v, h, i, j, wide, index)];
}

/* -- average ----------------------------------------------------------------------------------------------------- */

static real sum_run(const real *x, int64_t n) {
  vreal total = {0};
  for (int64_t i = 0; i < n; i += LANES) total += tile_load_part(x + i, part(n - i));
  return tile_total(total);
}

static void average(const tch_windows *v, const tch_windows *h, const void *xs, void *ys) {
  const real *x = xs;
  real *y = ys;
  for (int64_t i = 0; i < v->out; i++)
    for (int64_t j = 0; j < h->out; j++) {
      const real *window = x + v->first[i] * h->in + h->first[j];
      real sum = 0;
      if (h->count[j] == h->in) sum = sum_run(window, v->count[i] * h->in);
      else
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
