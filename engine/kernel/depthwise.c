/* Depthwise kernels of one float type and instruction set; see depthwise.h. */
#include "kernel/depthwise.h"
#include "kernel/tile.h"

enum { ROWS = 8, TAPS = 9 }; /* output rows, and taps of a weight's gradient, that are summed together */

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

typedef struct finish {
  real scale, bias, beta, low, high;
} finish;

static finish finish_of(const tch_plane_finish *f) {
  return (finish){(real) f->scale, (real) f->bias, (real) f->beta, (real) f->low, (real) f->high};
}

/* What becomes of the sums v that belong at the first `count` places of y. */
static inline __attribute__((always_inline)) void finish_store(const finish *f, vreal v, real *y, int count) {
  v = f->scale * v + f->bias;
  if (f->beta != 0) v += f->beta * tile_load_part(y, count);
  tile_store_part(y, tile_clamp(v, tile_splat(f->low), tile_splat(f->high)), count);
}

static inline real finish_one(const finish *f, real v, real old) {
  v = f->scale * v + f->bias + (f->beta != 0 ? f->beta * old : 0);
  return v < f->low ? f->low : v > f->high ? f->high : v;
}

/* -- the buffer ---------------------------------------------------------------------------------------------------- */

/* The columns of one remainder of a row: plane column j + q * stride and buffer column at + q, q < count. */
typedef struct comb {
  int64_t j, at, count;
} comb;

static comb comb_of(const tch_window *w, int64_t remainder) {
  int64_t j = ((remainder - w->left) % w->stride + w->stride) % w->stride;
  int64_t count = j < w->width ? (w->width - j - 1) / w->stride + 1 : 0;
  return (comb){j, remainder * w->columns + (w->left + j) / w->stride, count};
}

static inline __attribute__((always_inline)) void enter_row(const real *from, real *to, const comb *c,
                                                            const int64_t stride) {
  from += c->j, to += c->at;
  for (int64_t q = 0; q < c->count; q++) to[q] = from[q * stride];
}

static void enter(const tch_window *w, const void *plane, int64_t step, void *buffer) {
  int64_t line = w->stride * w->columns;
  memset(buffer, 0, (w->lines * line + LANES) * sizeof(real));
  for (int64_t r = 0; r < w->stride; r++) {
    comb c = comb_of(w, r);
    for (int64_t i = 0; i < w->height; i++) {
      const real *from = (const real *) plane + i * step;
      real *to = (real *) buffer + (w->top + i) * line;
      switch (w->stride) {
        case 1: enter_row(from, to, &c, 1); break;
        case 2: enter_row(from, to, &c, 2); break;
        default: enter_row(from, to, &c, w->stride);
      }
    }
  }
}

static inline __attribute__((always_inline)) void leave_row(const real *from, real *to, const comb *c, const finish *f,
                                                            const int64_t stride) {
  from += c->at, to += c->j;
  for (int64_t q = 0; q < c->count; q++) to[q * stride] = finish_one(f, from[q], to[q * stride]);
}

static void leave(const tch_window *w, const void *buffer, const tch_plane_finish *end, void *plane, int64_t step) {
  finish f = finish_of(end);
  int64_t line = w->stride * w->columns;
  for (int64_t r = 0; r < w->stride; r++) {
    comb c = comb_of(w, r);
    for (int64_t i = 0; i < w->height; i++) {
      const real *from = (const real *) buffer + (w->top + i) * line;
      real *to = (real *) plane + i * step;
      switch (w->stride) {
        case 1: leave_row(from, to, &c, &f, 1); break;
        case 2: leave_row(from, to, &c, &f, 2); break;
        default: leave_row(from, to, &c, &f, w->stride);
      }
    }
  }
}

/* -- sums ---------------------------------------------------------------------------------------------------------- */

/* `count` (at most ROWS) rows of one vector of outputs. */
static inline __attribute__((always_inline)) void forward_rows(const tch_window *w, const real *b, const real *weight,
                                                               const finish *f, real *y, int64_t step, int width,
                                                               const int count) {
  vreal sum[ROWS];
#pragma GCC unroll 8
  for (int i = 0; i < count; i++) sum[i] = (vreal){0};
  for (int64_t t = 0; t < w->taps; t++) {
    vreal tap = tile_splat(weight[t]);
    const real *from = b + w->tap[t];
#pragma GCC unroll 8
    for (int i = 0; i < count; i++) sum[i] = tile_fma(tile_load(from + i * w->row), tap, sum[i]);
  }
#pragma GCC unroll 8
  for (int i = 0; i < count; i++, y += step) finish_store(f, sum[i], y, width);
}

static void forward(const tch_window *w, const void *buffer, const void *weight, const tch_plane_finish *end, void *y,
                    int64_t step) {
  finish f = finish_of(end);
  for (int64_t j = 0; j < w->cols; j += LANES) {
    const real *b = (const real *) buffer + j;
    real *to = (real *) y + j;
    int width = (int) least(w->cols - j, LANES);
    int64_t i = 0;
    for (; i + ROWS <= w->rows; i += ROWS)
      forward_rows(w, b + i * w->row, weight, &f, to + i * step, step, width, ROWS);
    for (; i + 3 <= w->rows; i += 3) forward_rows(w, b + i * w->row, weight, &f, to + i * step, step, width, 3);
    for (; i < w->rows; i++) forward_rows(w, b + i * w->row, weight, &f, to + i * step, step, width, 1);
  }
}

/* Tap after tap over the plane: within a tap no row is read soon after it is written. */
static void scatter(const tch_window *w, const void *gy, int64_t step, const void *weight, void *buffer) {
  for (int64_t t = 0; t < w->taps; t++) {
    vreal tap = tile_splat(((const real *) weight)[t]);
    for (int64_t i = 0; i < w->rows; i++) {
      const real *g = (const real *) gy + i * step;
      real *b = (real *) buffer + i * w->row + w->tap[t];
      for (int64_t j = 0; j < w->cols; j += LANES) {
        int width = (int) least(w->cols - j, LANES);
        tile_store_part(b + j, tile_fma(tile_load_part(g + j, width), tap, tile_load_part(b + j, width)), width);
      }
    }
  }
}

static inline __attribute__((always_inline)) void weight_taps(const tch_window *w, const real *b, const real *gy,
                                                              int64_t step, double *sums, const int64_t *tap,
                                                              const int count) {
  vreal sum[TAPS];
#pragma GCC unroll 9
  for (int t = 0; t < count; t++) sum[t] = (vreal){0};
  for (int64_t i = 0; i < w->rows; i++, b += w->row, gy += step)
    for (int64_t j = 0; j < w->cols; j += LANES) {
      vreal g = tile_load_part(gy + j, (int) least(w->cols - j, LANES));
#pragma GCC unroll 9
      for (int t = 0; t < count; t++) sum[t] = tile_fma(tile_load(b + tap[t] + j), g, sum[t]);
    }
  for (int t = 0; t < count; t++) {
    double total = 0;
    for (int l = 0; l < LANES; l++) total += sum[t][l];
    sums[t] += total;
  }
}

static void weight(const tch_window *w, const void *buffer, const void *gy, int64_t step, double *sums) {
  int64_t t = 0;
  for (; t + TAPS <= w->taps; t += TAPS) weight_taps(w, buffer, gy, step, sums + t, w->tap + t, TAPS);
  for (; t < w->taps; t++) weight_taps(w, buffer, gy, step, sums + t, w->tap + t, 1);
}

/* -- windows of 3x3 where the plane lies ---------------------------------------------------------------------------- */

/* The lanes of a vector that fall inside a row: [low, high). */
typedef struct lanes {
  int low, high;
#if defined(__AVX512F__) && defined(TCH_REAL_IS_float)
  __mmask16 mask;
#elif defined(__AVX2__) && defined(TCH_REAL_IS_float)
  __m256i mask;
#endif
} lanes;

/* Of a vector at column `first` of a row of `width` numbers. */
static inline lanes lanes_at(int64_t first, int64_t width) {
  int64_t low = first < 0 ? least(-first, LANES) : 0, high = least(width - first, LANES);
  lanes l = {.low = (int) low, .high = (int) (high > low ? high : low)};
#if defined(__AVX512F__) && defined(TCH_REAL_IS_float)
  l.mask = (__mmask16) (((1u << l.high) - 1) & ~((1u << l.low) - 1));
#elif defined(__AVX2__) && defined(TCH_REAL_IS_float)
  l.mask = _mm256_andnot_si256(tile_first(l.low), tile_first(l.high));
#endif
  return l;
}

/* The lanes inside, the others zero and not touched. */
static inline vreal lanes_load(const real *p, const lanes *l) {
#if defined(__AVX512F__) && defined(TCH_REAL_IS_float)
  return (vreal) _mm512_maskz_loadu_ps(l->mask, p);
#elif defined(__AVX2__) && defined(TCH_REAL_IS_float)
  return (vreal) _mm256_maskload_ps(p, l->mask);
#else
  if (l->low == 0 && l->high == LANES) return tile_load(p);
  vreal v = {0};
  for (int i = l->low; i < l->high; i++) v[i] = p[i];
  return v;
#endif
}

/* The three columns that outputs at column j meet, in each row of x. */
typedef struct strip {
  int64_t at;
  lanes inside[4];
} strip;

static strip strip_at(const tch_window3 *w, int64_t j) {
  strip s = {.at = w->stride * j - w->left};
  if (w->stride == 1)
    for (int k = 0; k < 3; k++) s.inside[k] = lanes_at(s.at + k, w->width);
  else
    for (int k = 0; k < 4; k++) s.inside[k] = lanes_at(s.at + k % 2 * LANES + k / 2 * 2, w->width);
  return s;
}

static inline __attribute__((always_inline)) void strip_load(const strip *s, const real *row, const int stride,
                                                             vreal x[3]) {
  const real *p = row + s->at;
  if (stride == 1) {
#pragma GCC unroll 3
    for (int k = 0; k < 3; k++) x[k] = lanes_load(p + k, &s->inside[k]);
    return;
  }
  vreal a = lanes_load(p, &s->inside[0]), b = lanes_load(p + LANES, &s->inside[1]);
  x[0] = tile_even(a, b), x[1] = tile_odd(a, b);
  a = lanes_load(p + 2, &s->inside[2]), b = lanes_load(p + LANES + 2, &s->inside[3]);
  x[2] = tile_even(a, b);
}

/* Row i of x at the strip; zeros outside the plane. */
static inline __attribute__((always_inline)) void strip_row(const tch_window3 *w, const strip *s, const real *x,
                                                            int64_t step, int64_t i, const int stride, vreal v[3]) {
  if (i >= 0 && i < w->height) strip_load(s, x + i * step, stride, v);
  else v[0] = v[1] = v[2] = (vreal){0};
}

static inline vreal sum3(vreal sum, const vreal x[3], const vreal tap[3]) {
  return tile_fma(x[2], tap[2], tile_fma(x[1], tap[1], tile_fma(x[0], tap[0], sum)));
}

static inline __attribute__((always_inline)) void forward3_with(const tch_window3 *w, const real *x, int64_t x_step,
                                                                const vreal tap[9], const finish *f, real *y,
                                                                int64_t y_step, const int stride) {
  for (int64_t j = 0; j < w->cols; j += LANES) {
    strip s = strip_at(w, j);
    int width = (int) least(w->cols - j, LANES);
    vreal v[3], upper = {0}, both = {0}; /* sums of the next output, and of the one after it, stride 1 */
    if (stride == 2) strip_row(w, &s, x, x_step, -w->top, 2, v);
    for (int64_t i = stride == 1 ? -2 : 0; i < w->rows; i++) {
      vreal sum;
      if (stride == 1) {
        strip_row(w, &s, x, x_step, i + 2 - w->top, 1, v);
        sum = sum3(both, v, tap + 6);
        both = sum3(upper, v, tap + 3);
        upper = sum3((vreal){0}, v, tap);
      } else {
        sum = sum3((vreal){0}, v, tap);
        strip_row(w, &s, x, x_step, 2 * i + 1 - w->top, 2, v);
        sum = sum3(sum, v, tap + 3);
        strip_row(w, &s, x, x_step, 2 * i + 2 - w->top, 2, v);
        sum = sum3(sum, v, tap + 6);
      }
      if (i >= 0) finish_store(f, sum, y + i * y_step + j, width);
    }
  }
}

static void forward3(const tch_window3 *w, const void *x, int64_t x_step, const void *weight,
                     const tch_plane_finish *end, void *y, int64_t y_step) {
  finish f = finish_of(end);
  vreal tap[9];
  for (int t = 0; t < 9; t++) tap[t] = tile_splat(((const real *) weight)[t]);
  if (w->stride == 1) forward3_with(w, x, x_step, tap, &f, y, y_step, 1);
  else forward3_with(w, x, x_step, tap, &f, y, y_step, 2);
}

/* The gradient of stride 2. With c = column + left, output q meets columns c = 2q, 2q + 1, 2q + 2; rows likewise. */
static void input3_pairs(const tch_window3 *w, const real *gy, int64_t y_step, const vreal tap[9], const finish *f,
                         real *gx, int64_t x_step) {
  for (int64_t i = 0; i < w->height; i++) {
    int64_t above = i + w->top, first = above / 2; /* output rows: first, and with an even row first - 1 */
    for (int64_t q = 0; 2 * q - w->left < w->width; q += LANES) {
      lanes here = lanes_at(q, w->cols), before = lanes_at(q - 1, w->cols);
      vreal even = {0}, odd = {0};
      for (int k = 0; k < (above % 2 ? 1 : 2); k++) {
        int64_t o = first - k;
        if (o < 0 || o >= w->rows) continue;
        const vreal *row = tap + (above % 2 ? 3 : 6 * k);
        vreal g = lanes_load(gy + o * y_step + q, &here), back = lanes_load(gy + o * y_step + q - 1, &before);
        even = tile_fma(back, row[2], tile_fma(g, row[0], even));
        odd = tile_fma(g, row[1], odd);
      }
      vreal out[2] = {tile_zip0(even, odd), tile_zip1(even, odd)};
      for (int half = 0; half < 2; half++) {
        int64_t at = 2 * q + half * LANES - w->left;
        real *to = gx + i * x_step + at;
        if (at >= 0 && at < w->width) finish_store(f, out[half], to, (int) least(w->width - at, LANES));
        else
          for (int64_t l = at < 0 ? -at : LANES; l < least(w->width - at, LANES); l++)
            to[l] = finish_one(f, out[half][l], to[l]);
      }
    }
  }
}

static void input3(const tch_window3 *w, const void *gy, int64_t y_step, const void *weight,
                   const tch_plane_finish *end, void *gx, int64_t x_step) {
  finish f = finish_of(end);
  vreal tap[9];
  for (int t = 0; t < 9; t++) tap[t] = tile_splat(((const real *) weight)[w->stride == 1 ? 8 - t : t]);
  tch_window3 turned = {w->rows, w->cols, w->height, w->width, 2 - w->top, 2 - w->left, 1};
  if (w->stride == 1) forward3_with(&turned, gy, y_step, tap, &f, gx, x_step, 1);
  else input3_pairs(w, gy, y_step, tap, &f, gx, x_step);
}

static inline __attribute__((always_inline)) void weight3_with(const tch_window3 *w, const real *x, int64_t x_step,
                                                               const real *gy, int64_t y_step, double *sums,
                                                               const int stride) {
  vreal sum[9];
#pragma GCC unroll 9
  for (int t = 0; t < 9; t++) sum[t] = (vreal){0};
  for (int64_t j = 0; j < w->cols; j += LANES) {
    strip s = strip_at(w, j);
    int width = (int) least(w->cols - j, LANES);
    vreal v[3][3];
    for (int k = 0; k < 3 - stride; k++) strip_row(w, &s, x, x_step, k - w->top, stride, v[k + stride]);
    for (int64_t i = 0; i < w->rows; i++) {
      vreal g = tile_load_part(gy + i * y_step + j, width);
#pragma GCC unroll 3
      for (int k = 0; k < 3; k++) {
        if (k + stride < 3) memcpy(v[k], v[k + stride], sizeof v[k]);
        else strip_row(w, &s, x, x_step, i * stride + k - w->top, stride, v[k]);
#pragma GCC unroll 3
        for (int l = 0; l < 3; l++) sum[3 * k + l] = tile_fma(v[k][l], g, sum[3 * k + l]);
      }
    }
  }
#pragma GCC unroll 9
  for (int t = 0; t < 9; t++) sums[t] += tile_total(sum[t]);
}

static void weight3(const tch_window3 *w, const void *x, int64_t x_step, const void *gy, int64_t y_step, double *sums) {
  if (w->stride == 1) weight3_with(w, x, x_step, gy, y_step, sums, 1);
  else weight3_with(w, x, x_step, gy, y_step, sums, 2);
}

#define TABLE_NAME2(type, isa) tch_depthwise_kernels_##type##_##isa
#define TABLE_NAME(type, isa)  TABLE_NAME2(type, isa)
extern const tch_depthwise_kernels TABLE_NAME(TCH_REAL, TCH_ISA);
const tch_depthwise_kernels TABLE_NAME(TCH_REAL, TCH_ISA) = {
    .lanes = LANES,
    .enter = enter,
    .leave = leave,
    .forward = forward,
    .scatter = scatter,
    .weight = weight,
    .forward3 = forward3,
    .input3 = input3,
    .weight3 = weight3};
