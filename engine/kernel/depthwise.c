/* Depthwise kernels of one float type and instruction set; see depthwise.h. */
#include "kernel/depthwise.h"
#include "kernel/tile.h"

enum { ROWS = 8, TAPS = 9 }; /* output rows, and taps of a weight's gradient, that are summed together */

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

typedef struct finish {
  real alpha, bias, beta;
} finish;

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
  if (f->beta == 0)
    for (int64_t q = 0; q < c->count; q++) to[q * stride] = f->alpha * from[q] + f->bias;
  else
    for (int64_t q = 0; q < c->count; q++) to[q * stride] = f->alpha * from[q] + f->bias + f->beta * to[q * stride];
}

static void leave(const tch_window *w, const void *buffer, double alpha, double bias, double beta, void *plane,
                  int64_t step) {
  finish f = {(real) alpha, (real) bias, (real) beta};
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
  for (int i = 0; i < count; i++, y += step) {
    vreal v = f->alpha * sum[i] + f->bias;
    if (f->beta != 0) v += f->beta * tile_load_part(y, width);
    tile_store_part(y, v, width);
  }
}

static void forward(const tch_window *w, const void *buffer, const void *weight, double alpha, double bias, double beta,
                    void *y, int64_t step) {
  finish f = {(real) alpha, (real) bias, (real) beta};
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

#define TABLE_NAME2(type, isa) tch_depthwise_kernels_##type##_##isa
#define TABLE_NAME(type, isa)  TABLE_NAME2(type, isa)
extern const tch_depthwise_kernels TABLE_NAME(TCH_REAL, TCH_ISA);
const tch_depthwise_kernels TABLE_NAME(TCH_REAL, TCH_ISA) = {
    .lanes = LANES, .enter = enter, .leave = leave, .forward = forward, .scatter = scatter, .weight = weight};
