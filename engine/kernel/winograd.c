/* Winograd kernels of one float type and instruction set; see winograd.h. */
#include "kernel/winograd.h"
#include "kernel/tile.h"
#define LINE vreal
#include "kernel/lines.h"

enum {
  SIDE = 6, /* of a patch and of a transformed tile */
  OUT = TCH_WINOGRAD_TILE,
  MATRICES = TCH_WINOGRAD_MATRICES,
  AT_ONCE = 16,                             /* tiles of a row that are laid side by side */
  SPAN = OUT * AT_ONCE + SIDE - OUT + LANES /* positions they span, and what a last vector overhangs */
};

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

/* -- the transformations of one line of numbers, `s` apart --------------------------------------------------------- */

#define INLINE static inline __attribute__((always_inline))

INLINE void line_output_gradient(const vreal *y, int s, vreal *o, int t) { /* A */
  vreal a = y[0] + y[2 * s], b = y[s] + y[3 * s], c = y[0] + 4 * y[2 * s], e = 2 * y[s] + 8 * y[3 * s];
  o[0] = y[0];
  o[t] = a + b;
  o[2 * t] = a - b;
  o[3 * t] = c + e;
  o[4 * t] = c - e;
  o[5 * t] = y[3 * s];
}

INLINE void line_weight(const vreal *g, int s, vreal *o, int t) { /* G */
  const real sixth = (real) 1 / 6;
  vreal a = -sixth * (g[0] + g[2 * s]), b = -sixth * g[s], c = sixth / 4 * g[0] + sixth * g[2 * s],
        e = sixth / 2 * g[s];
  o[0] = (real) 0.25 * g[0];
  o[t] = a + b;
  o[2 * t] = a - b;
  o[3 * t] = c + e;
  o[4 * t] = c - e;
  o[5 * t] = g[2 * s];
}

INLINE void line_weight_gradient(const vreal *m, int s, vreal *o, int t) { /* G' */
  const real sixth = (real) 1 / 6;
  vreal a = -sixth * (m[s] + m[2 * s]), b = sixth * (m[2 * s] - m[s]), c = m[3 * s] + m[4 * s], e = m[3 * s] - m[4 * s];
  o[0] = (real) 0.25 * m[0] + a + sixth / 4 * c;
  o[t] = b + sixth / 2 * e;
  o[2 * t] = a + sixth * c + m[5 * s];
}

/* out (nout, nout) = the line's transformation of both sides of in (nin, nin) */
#define BOTH(line, nin, nout, in, out)                                                                                 \
  do {                                                                                                                 \
    vreal half[(nout) * (nin)];                                                                                        \
    _Pragma("GCC unroll 6") for (int j = 0; j < (nin); j++) line(in + j, nin, half + j, nin);                          \
    _Pragma("GCC unroll 6") for (int i = 0; i < (nout); i++) line(half + i * (nin), 1, out + i * (nout), 1);           \
  } while (0)

/* -- planes and channels side by side ------------------------------------------------------------------------------ */

/* `rows` rows of `width` positions from (y, x) on, in order row, position, channel; zeros outside the plane. */
static void lay(const tch_tile_row *r, int64_t y, int64_t x, int64_t rows, int64_t width, vreal (*to)[SPAN]) {
  int64_t left = least(most(-x, 0), width), end = least(width, r->width - x);
  for (int64_t i = 0; i < rows; i++, y++) {
    bool inside = y >= 0 && y < r->height && end > left && r->channels > 0;
    int64_t first = inside ? left : width, last = inside ? end : width;
    for (int64_t j = 0; j < first; j++) to[i][j] = (vreal){0};
    for (int64_t j = first; j < last; j += LANES) {
      const real *from = (const real *) r->planes + y * r->row + x + j;
      int count = (int) least(last - j, LANES);
      vreal v[LANES];
#pragma GCC unroll 16
      for (int l = 0; l < LANES; l++)
        v[l] = l < r->channels ? tile_load_part(from + l * r->channel, count) : (vreal){0};
      tile_transpose(v);
#pragma GCC unroll 16
      for (int l = 0; l < LANES; l++) to[i][j + l] = v[l];
    }
    for (int64_t j = last; j < width; j++) to[i][j] = (vreal){0};
  }
}

/* The inverse for whole tiles: what lies outside the plane is dropped. */
static void unlay(const tch_tile_row *r, int64_t y, int64_t x, int64_t width, vreal (*from)[SPAN],
                  const tch_finish *f) {
  int64_t rows = least(OUT, r->height - y);
  width = least(width, r->width - x);
  real alpha = (real) f->alpha, beta = (real) f->beta;
  vreal low = tile_splat((real) f->low), high = tile_splat((real) f->high);
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < width; j += LANES) {
      real *to = (real *) r->planes + (y + i) * r->row + x + j;
      int count = (int) least(width - j, LANES);
      vreal v[LANES];
#pragma GCC unroll 16
      for (int l = 0; l < LANES; l++) v[l] = from[i][j + l];
      tile_transpose(v);
#pragma GCC unroll 16
      for (int l = 0; l < LANES; l++)
        if (l < r->channels) {
          real scale = f->scale ? alpha * ((const real *) f->scale)[l] : alpha;
          v[l] = scale * v[l] + (f->bias ? ((const real *) f->bias)[l] : 0);
          if (beta != 0) v[l] += beta * tile_load_part(to + l * r->channel, count);
          tile_store_part(to + l * r->channel, tile_clamp(v[l], low, high), count);
        }
    }
}

/* -- tiles --------------------------------------------------------------------------------------------------------- */

static inline real *entry(const tch_tile_row *r, int64_t tile) { return (real *) r->domain + tile * r->wide; }

static void input(const tch_tile_row *r) {
  vreal laid[SIDE][SPAN];
  for (int64_t t = 0; t < r->tiles; t += AT_ONCE) {
    int64_t count = least(r->tiles - t, AT_ONCE);
    lay(r, r->y, r->x + OUT * t, SIDE, OUT * count + SIDE - OUT, laid);
    for (int64_t k = 0; k < count; k++) {
      vreal patch[SIDE * SIDE], out[MATRICES];
#pragma GCC unroll 6
      for (int i = 0; i < SIDE; i++)
#pragma GCC unroll 6
        for (int j = 0; j < SIDE; j++) patch[i * SIDE + j] = laid[i][k * OUT + j];
      BOTH(line_input, SIDE, SIDE, patch, out);
      real *to = entry(r, t + k);
      for (int i = 0; i < MATRICES; i++) tile_store(to + i * r->step, out[i]);
    }
  }
}

static void output_gradient(const tch_tile_row *r) {
  vreal laid[OUT][SPAN];
  for (int64_t t = 0; t < r->tiles; t += AT_ONCE) {
    int64_t count = least(r->tiles - t, AT_ONCE);
    lay(r, r->y, r->x + OUT * t, OUT, OUT * count, laid);
    for (int64_t k = 0; k < count; k++) {
      vreal tile[OUT * OUT], out[MATRICES];
#pragma GCC unroll 4
      for (int i = 0; i < OUT; i++)
#pragma GCC unroll 4
        for (int j = 0; j < OUT; j++) tile[i * OUT + j] = laid[i][k * OUT + j];
      BOTH(line_output_gradient, OUT, SIDE, tile, out);
      real *to = entry(r, t + k);
      for (int i = 0; i < MATRICES; i++) tile_store(to + i * r->step, out[i]);
    }
  }
}

static void output(const tch_tile_row *r, const tch_finish *f) {
  vreal laid[OUT][SPAN];
  for (int64_t t = 0; t < r->tiles; t += AT_ONCE) {
    int64_t count = least(r->tiles - t, AT_ONCE);
    for (int64_t k = 0; k < count; k++) {
      vreal in[MATRICES], tile[OUT * OUT];
      const real *from = entry(r, t + k);
#pragma GCC unroll 36
      for (int i = 0; i < MATRICES; i++) in[i] = tile_load(from + i * r->step);
      BOTH(line_output, SIDE, OUT, in, tile);
#pragma GCC unroll 4
      for (int i = 0; i < OUT; i++)
#pragma GCC unroll 4
        for (int j = 0; j < OUT; j++) laid[i][k * OUT + j] = tile[i * OUT + j];
    }
    unlay(r, r->y, r->x + OUT * t, OUT * count, laid, f);
  }
}

/* -- weights ------------------------------------------------------------------------------------------------------- */

enum { TAPS = 9, WINDOW = 3 };

/* The windows of all lanes, one vector per tap; lanes without a channel are zero. */
static void load_windows(const tch_tile_weight *w, vreal window[TAPS]) {
  for (int tap = 0; tap < TAPS; tap += LANES) {
    int count = (int) least(TAPS - tap, LANES);
    vreal v[LANES];
#pragma GCC unroll 16
    for (int l = 0; l < LANES; l++)
      v[l] = l < w->channels ? tile_load_part((const real *) w->data + l * w->channel + tap, count) : (vreal){0};
    tile_transpose(v);
    for (int t = 0; t < count; t++) window[w->turned ? TAPS - 1 - tap - t : tap + t] = v[t];
  }
}

static void weight(const tch_tile_weight *w) {
  vreal window[TAPS], out[MATRICES];
  load_windows(w, window);
  BOTH(line_weight, WINDOW, SIDE, window, out);
  for (int i = 0; i < MATRICES; i++) tile_store((real *) w->domain + i * w->step, out[i]);
}

static void weight_gradient(const tch_tile_weight *w, int64_t slice, int64_t slices, double alpha, double beta) {
  vreal in[MATRICES], window[TAPS];
  for (int i = 0; i < MATRICES; i++) {
    const real *from = (const real *) w->domain + i * w->step;
    in[i] = tile_load(from);
    for (int64_t k = 1; k < slices; k++) in[i] += tile_load(from + k * slice);
  }
  BOTH(line_weight_gradient, SIDE, WINDOW, in, window);
  for (int tap = 0; tap < TAPS; tap += LANES) {
    int count = (int) least(TAPS - tap, LANES);
    vreal v[LANES];
    for (int t = 0; t < LANES; t++) v[t] = t < count ? (real) alpha * window[tap + t] : (vreal){0};
    tile_transpose(v);
    real *to = (real *) w->data + tap;
    for (int l = 0; l < w->channels; l++, to += w->channel) {
      if (beta != 0) v[l] += (real) beta * tile_load_part(to, count);
      tile_store_part(to, v[l], count);
    }
  }
}

/* -- products ------------------------------------------------------------------------------------------------------ */

/* The last rows of a product are `REST` where that is enough. */
enum { REST = TILE_M * 2 / 3 };

/* `rows` rows from m on, by four pointers three rows apart, and the first `halves` vectors of columns. One vector alone has two r
 * side by side, so that the multipliers are as busy. */
INLINE void affine_rows(const int rows, const int halves, const tch_tile_product *p, int64_t m) {
  const int64_t row = p->row, step = p->step;
  const real *b = p->b, *from = (const real *) p->a + m * row;
  vreal s[TILE_M][2];
#pragma GCC unroll 16
  for (int i = 0; i < TILE_M; i++) s[i][0] = s[i][1] = (vreal){0};
  for (int64_t r = 0; r < p->r; r += p->run, from += p->jump) {
    const real *a[4] = {from, from + 3 * row, from + 6 * row, from + 9 * row};
    int64_t count = least(p->r - r, p->run), k = 0;
    for (; halves == 1 && k + 2 <= count; k += 2, b += 2 * LANES) {
      vreal y0 = tile_load(b), y1 = tile_load(b + LANES);
#pragma GCC unroll 16
      for (int i = 0; i < rows; i++) {
        s[i][0] = tile_fma(tile_splat(a[i / 3][i % 3 * row]), y0, s[i][0]);
        s[i][1] = tile_fma(tile_splat(a[i / 3][i % 3 * row + step]), y1, s[i][1]);
      }
#pragma GCC unroll 4
      for (int j = 0; j < 4; j++) a[j] += 2 * step;
    }
    for (; k < count; k++, b += halves * LANES) {
      vreal y0 = tile_load(b), y1 = halves == 2 ? tile_load(b + LANES) : y0;
#pragma GCC unroll 16
      for (int i = 0; i < rows; i++) {
        vreal x = tile_splat(a[i / 3][i % 3 * row]);
        s[i][0] = tile_fma(x, y0, s[i][0]);
        if (halves == 2) s[i][1] = tile_fma(x, y1, s[i][1]);
      }
#pragma GCC unroll 4
      for (int j = 0; j < 4; j++) a[j] += step;
    }
  }
  int count = (int) least(p->m - m, rows);
  real *c = (real *) p->c + m * halves * LANES;
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++) {
    if (i >= count) break;
    if (halves == 1) s[i][0] += s[i][1];
#pragma GCC unroll 2
    for (int h = 0; h < halves; h++) {
      real *to = c + (i * halves + h) * LANES;
      tile_store(to, p->add ? s[i][h] + tile_load(to) : s[i][h]);
    }
  }
}

INLINE void affine_product(const int halves, const tch_tile_product *p) {
  int64_t m = 0;
  for (; p->m - m > REST; m += TILE_M) affine_rows(TILE_M, halves, p, m);
  if (m < p->m) affine_rows(REST, halves, p, m);
}

static void product(const tch_tile_product *p) { affine_product(2, p); }
static void narrow(const tch_tile_product *p) { affine_product(1, p); }

#define TABLE_NAME2(type, isa) tch_winograd_kernels_##type##_##isa
#define TABLE_NAME(type, isa)  TABLE_NAME2(type, isa)
extern const tch_winograd_kernels TABLE_NAME(TCH_REAL, TCH_ISA);
const tch_winograd_kernels TABLE_NAME(TCH_REAL, TCH_ISA) = {
    .lanes = LANES,
    .tile_m = TILE_M,
    .tile_n = TILE_N,
    .input = input,
    .output_gradient = output_gradient,
    .output = output,
    .weight = weight,
    .weight_gradient = weight_gradient,
    .product = product,
    .narrow = narrow,
};
