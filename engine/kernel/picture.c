/* Resampling of pictures. */
#include "kernel/picture.h"
#include <math.h>
#include <stdbool.h>
#include <string.h>

#define NAME2(type, isa) tch_picture_kernels_##type##_##isa
#define NAME(type, isa) NAME2(type, isa)
#if defined(TCH_REAL_IS_float)
#define LIBM(name) name##f
#else
#define LIBM(name) name
#endif

typedef TCH_REAL real;

static void columns(int64_t n, int64_t taps, const int32_t *first, const void *ws, const void *xs, void *ys) {
  const real *restrict weight = ws, *restrict from = xs;
  real *restrict to = ys;
  for (int64_t i = 0; i < n; i++, weight += taps) {
    const real *x = from + first[i];
    real sum = 0;
    for (int64_t k = 0; k < taps; k++) sum += weight[k] * x[k];
    to[i] = sum;
  }
}

static void rows(int64_t n, int64_t taps, const void *ws, const void *xs, int64_t stride, void *ys) {
  const real *restrict weight = ws, *restrict from = xs;
  real *restrict to = ys;
  for (int64_t i = 0; i < n; i++) to[i] = weight[0] * from[i];
  for (int64_t k = 1; k < taps; k++) {
    const real *restrict row = from + k * stride;
    real w = weight[k];
    for (int64_t i = 0; i < n; i++) to[i] += w * row[i];
  }
}

static void bytes(int64_t n, const uint8_t *restrict from, double scale, double shift, void *ys) {
  real *restrict to = ys, a = (real) scale, b = (real) shift;
  for (int64_t i = 0; i < n; i++) to[i] = a * (real) from[i] + b;
}

/* A pixel as one number: loops that compilers vectorize. */
static uint32_t pixel(const uint8_t *from, int64_t i) {
  uint32_t v;
  memcpy(&v, from + 4 * i, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  v = __builtin_bswap32(v);
#endif
  return v;
}

static void split(int64_t n, const uint8_t *restrict from, uint8_t *restrict r, uint8_t *restrict g, uint8_t *restrict b) {
  for (int64_t i = 0; i < n; i++) {
    uint32_t v = pixel(from, i);
    r[i] = (uint8_t) v;
    g[i] = (uint8_t) (v >> 8);
    b[i] = (uint8_t) (v >> 16);
  }
}

static void split_unit(int64_t n, const uint8_t *restrict from, void *rs, void *gs, void *bs) {
  real *restrict r = rs, *restrict g = gs, *restrict b = bs, scale = (real) (1. / 255);
  for (int64_t i = 0; i < n; i++) {
    uint32_t v = pixel(from, i);
    r[i] = (real) (int32_t) (v & 255) * scale;
    g[i] = (real) (int32_t) (v >> 8 & 255) * scale;
    b[i] = (real) (int32_t) (v >> 16 & 255) * scale;
  }
}

/* -- sampling at any place ------------------------------------------------------------------------------------------ */

enum { TAPS = 6 };

/* One direction of one sample: which pixels, with which weights. */
typedef struct line {
  int n;
  int32_t at[TAPS]; /* -1: outside */
  real weight[TAPS];
} line;

/* x, brought to where the picture is; false if the sample is outside. */
static inline bool place(real *x, int64_t n, tch_edge edge) {
  real last = (real) (n - 1);
  if (*x >= 0 && *x <= last) return true;
  switch (edge) {
    case TCH_EDGE_VALUE: return false;
    case TCH_EDGE_BORDER:
      if (!(*x > (real) -.5 && *x < last + (real) .5)) return false;
      break;
    case TCH_EDGE_REFLECT: {
      real period = 2 * (real) n, r = LIBM(fmod)(*x + (real) .5, period);
      if (r < 0) r += period;
      if (r > (real) n) r = period - r;
      *x = r - (real) .5;
      break;
    }
    case TCH_EDGE_WRAP:
      if (n > 1) {
        *x = LIBM(fmod)(*x, last);
        if (*x < 0) *x += last;
      }
      break;
    case TCH_EDGE_CLAMP: break;
  }
  *x = *x > 0 ? *x < last ? *x : last : 0; /* not a number: 0 */
  return true;
}

/* Catmull and Rom's spline. */
static inline void cubic(real t, real *w) {
  real u = 1 - t, half = (real) .5;
  w[0] = -half * t * u * u;
  w[1] = 1 + half * t * t * (3 * t - 5);
  w[2] = 1 + half * u * u * (3 * u - 5);
  w[3] = -half * u * t * t;
}

static inline real sinc(real x) { return x == 0 ? 1 : LIBM(sin)(x) / x; }

/* Lanczos' window of radius 3; the weights sum to 1. */
static void lanczos(real t, real *w) {
  real sum = 0, pi = (real) 3.14159265358979323846;
  for (int k = 0; k < 6; k++) sum += w[k] = sinc(pi * (t + 2 - (real) k)) * sinc(pi * (t + 2 - (real) k) / 3);
  for (int k = 0; k < 6; k++) w[k] /= sum;
}

static inline int64_t clamp(int64_t i, int64_t n) { return i < 0 ? 0 : i < n ? i : n - 1; }

static inline line line_at(real x, int64_t n, tch_interpolation interpolation) {
  line l;
  if (interpolation == TCH_NEAREST) {
    l.n = 1;
    l.at[0] = (int32_t) clamp((int64_t) (x + (real) .5), n);
    l.weight[0] = 1;
    return l;
  }
  int64_t i = (int64_t) x;
  real t = x - (real) i;
  if (interpolation == TCH_LINEAR) {
    l.n = 2;
    l.at[0] = (int32_t) i;
    l.at[1] = (int32_t) clamp(i + 1, n);
    l.weight[0] = 1 - t;
    l.weight[1] = t;
  } else if (interpolation == TCH_CUBIC) { /* beyond the edge it meets the edge's value, as in Torch7's warp */
    l.n = 4;
    for (int k = 0; k < 4; k++) l.at[k] = (int32_t) (i + k - 1 >= 0 && i + k - 1 < n ? i + k - 1 : -1);
    cubic(t, l.weight);
  } else {
    l.n = 6;
    for (int k = 0; k < 6; k++) l.at[k] = (int32_t) clamp(i + k - 2, n);
    lanczos(t, l.weight);
  }
  return l;
}

static inline real at(const real *plane, int64_t width, int32_t y, int32_t x, real value) {
  return y < 0 || x < 0 ? value : plane[y * width + x];
}

static inline void sample_with(int64_t n, const tch_planes *p, const real *ys, const real *xs, real *to, int64_t stride,
                               tch_interpolation interpolation, tch_edge edge) {
  const real *data = p->data;
  int64_t plane = p->height * p->width;
  real value = (real) p->value;
  for (int64_t i = 0; i < n; i++) {
    real y = ys[i], x = xs[i];
    if (!place(&y, p->height, edge) || !place(&x, p->width, edge)) {
      for (int64_t c = 0; c < p->channels; c++) to[c * stride + i] = value;
      continue;
    }
    line v = line_at(y, p->height, interpolation), h = line_at(x, p->width, interpolation);
    for (int64_t c = 0; c < p->channels; c++) {
      real sum = 0;
      for (int j = 0; j < v.n; j++) {
        real row = 0;
        for (int k = 0; k < h.n; k++) row += h.weight[k] * at(data + c * plane, p->width, v.at[j], h.at[k], value);
        sum += v.weight[j] * row;
      }
      to[c * stride + i] = sum;
    }
  }
}

static void sample(int64_t n, const tch_planes *p, const void *ys, const void *xs, void *to, int64_t stride) {
  /* The frequent ones with constants, so that the compiler unrolls them. */
  if (p->interpolation == TCH_LINEAR) sample_with(n, p, ys, xs, to, stride, TCH_LINEAR, p->edge);
  else if (p->interpolation == TCH_NEAREST) sample_with(n, p, ys, xs, to, stride, TCH_NEAREST, p->edge);
  else sample_with(n, p, ys, xs, to, stride, p->interpolation, p->edge);
}

extern const tch_picture_kernels NAME(TCH_REAL, TCH_ISA);
const tch_picture_kernels NAME(TCH_REAL, TCH_ISA) = {columns, rows, sample, bytes, split, split_unit};
