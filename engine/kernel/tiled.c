/* Products of packed matrices; see tiled.h. */
#include "kernel/tiled.h"
#include "kernel/tile.h"

#define NAME2(type, isa) tch_tiled_kernels_##type##_##isa
#define NAME(type, isa) NAME2(type, isa)

enum {
  DEPTH = TCH_TILED_PANEL / (TILE_N * sizeof(real)),
  STEPS = 8, /* of a strip, packed before the same of the next */
  LOW = TILE_M * 2 / 3,
  BLOCK = 4  /* strips that a panel in the first cache is multiplied with before the next panel, where a lies */
};

/* -- packing ------------------------------------------------------------------------------------------------------- */

/* to[i * step + j] = from[j * line + i], i < some multiple of LANES that is k at most, j < n <= LANES. Whole vectors are
 * written, whose lanes from n on are 0. Returns the steps done. */
static int64_t turn(int64_t k, int n, const real *from, int64_t line, real *to, int64_t step) {
  vreal v[LANES];
  int64_t i = 0;
  for (; i + LANES <= k; i += LANES) {
#pragma GCC unroll 16
    for (int j = 0; j < LANES; j++) v[j] = j < n ? tile_load(from + j * line + i) : (vreal){0};
    tile_transpose(v);
#pragma GCC unroll 16
    for (int j = 0; j < LANES; j++) tile_store(to + (i + j) * step, v[j]);
  }
  return i;
}

/* Half a panel of columns at distance `line`. */
static void pack_turned(int64_t k, int n, const real *from, int64_t line, real *to) {
  for (int64_t i = turn(k, n, from, line, to, TILE_N); i < k; i++)
    for (int j = 0; j < LANES; j++) to[i * TILE_N + j] = j < n ? from[j * line + i] : 0;
}

static void pack_panels(int64_t k, int64_t n, tch_any_matrix b, void *to) {
  real *p = to;
  for (int64_t begin = 0; begin < n; begin += TILE_N, p += k * TILE_N) {
    const real *from = (const real *) b.data + begin * b.column;
    int width = n - begin < TILE_N ? (int) (n - begin) : TILE_N, left = width < LANES ? width : LANES, right = width - left;
    if (b.column == 1 && width == TILE_N) {
      for (int64_t i = 0; i < k; i++, from += b.row) {
        tile_store(p + i * TILE_N, tile_load(from));
        tile_store(p + i * TILE_N + LANES, tile_load(from + LANES));
      }
    } else if (b.column == 1) {
      for (int64_t i = 0; i < k; i++, from += b.row) {
        tile_store(p + i * TILE_N, tile_load_part(from, left));
        tile_store(p + i * TILE_N + LANES, right > 0 ? tile_load_part(from + LANES, right) : (vreal){0});
      }
    } else if (b.row == 1) {
      pack_turned(k, left, from, b.column, p);
      pack_turned(k, right, from + (right > 0 ? LANES * b.column : 0), b.column, p + LANES);
    } else {
      for (int64_t i = 0; i < k; i++)
        for (int j = 0; j < TILE_N; j++) p[i * TILE_N + j] = j < width ? from[i * b.row + j * b.column] : 0;
    }
  }
}

/* Strips of rows without gaps whose steps lie far apart; returns how many steps are done. A few at a time are taken through all
 * strips, for their lines may share a set of the first cache, while the lines of the next ones are fetched into the second: the
 * processor does not foresee them. */
static int64_t pack_apart(int64_t m, int64_t height, int64_t k, tch_any_matrix a, real *to) {
  const real *from = a.data;
  int64_t i = 0, inside = k - (LANES - 1) / (m % height > 0 ? m % height : height);
  for (; i + STEPS <= inside; i += STEPS, from += STEPS * a.column) {
    for (int64_t next = 2 * STEPS; next < 3 * STEPS && i + next < k; next++)
      for (int64_t j = 0; j < m; j += 64 / sizeof(real)) __builtin_prefetch(from + next * a.column + j, 0, 2);
    for (int64_t begin = 0; begin < m; begin += height) {
      int64_t rows = m - begin < height ? m - begin : height;
      const real *f = from + begin;
      real *t = to + begin * k + i * rows;
      if (begin + LANES <= m)
#pragma GCC unroll 16
        for (int j = 0; j < STEPS; j++, f += a.column, t += rows) tile_store(t, tile_load(f));
      else
        for (int j = 0; j < STEPS; j++, f += a.column, t += rows) tile_store(t, tile_load_part(f, (int) rows));
    }
  }
  return i;
}

/* Whole vectors go beyond their step; the steps whose vector would leave the strip are copied number by number. */
static void pack_strips(int64_t m, int64_t height, int64_t k, tch_any_matrix a, void *to) {
  int64_t done = a.row == 1 && a.column != 1 && height <= LANES ? pack_apart(m, height, k, a, to) : 0;
  for (int64_t begin = 0; begin < m; begin += height) {
    const real *from = (const real *) a.data + begin * a.row;
    real *p = (real *) to + begin * k;
    int rows = m - begin < height ? (int) (m - begin) : (int) height;
    int64_t i = done;
    if (a.column == 1 && rows <= LANES) i = turn(k - (LANES - 1) / rows, rows, from, a.row, p, rows);
    for (; i < k; i++)
      for (int j = 0; j < rows; j++) p[i * rows + j] = from[i * a.column + j * a.row];
  }
}

/* -- the tile ------------------------------------------------------------------------------------------------------ */

/* c = alpha * sums + beta * from; without from it is a row of zeros, and beta 1 */
typedef struct output {
  real alpha, beta, *data;
  const real *from, *gate;
  int64_t step, from_step;
  bool relu;
} output;

static output output_at(double alpha, double beta, tch_tiled_from from, void *c, int64_t c_step, int64_t i, int64_t j) {
  static const real zeros[TILE_N];
  real *to = (real *) c + i * c_step + j;
  const real *gate = from.gate ? (const real *) from.gate + i * c_step + j : NULL;
  if (beta == 0) return (output){(real) alpha, 1, to, zeros, gate, c_step, 0, from.relu};
  const real *added = (const real *) from.data + i * from.step + j;
  return (output){(real) alpha, (real) beta, to, added, gate, c_step, from.step, from.relu};
}

static inline vreal above_zero(vreal v) { return (vreal) ((vwhole) v & ~(vwhole) (v <= 0)); } /* or a NaN */
static inline vreal gated(vreal v, vreal gate) { return (vreal) ((vwhole) v & (vwhole) (gate > 0)); }

/* sums (rows, TILE_N) into the first `width` columns of c. */
static __attribute__((noinline)) void finish(int rows, const real *sums, const output *c, int width) {
  for (int i = 0; i < rows; i++)
    for (int h = 0; h < width; h += LANES) {
      vreal old = tile_load_part(c->from + i * c->from_step + h, width - h) * tile_splat(c->beta);
      vreal sum = tile_fma(tile_load(sums + i * TILE_N + h), tile_splat(c->alpha), old);
      if (c->relu) sum = above_zero(sum);
      if (c->gate) sum = gated(sum, tile_load_part(c->gate + i * c->step + h, width - h));
      tile_store_part(c->data + i * c->step + h, sum, width - h);
    }
}

/* What a tile fetches into the second cache while it is summed: at each of its k steps the line at `from`, which moves on by
 * `step` bytes. */
typedef struct ahead {
  const char *from;
  int64_t step;
} ahead;

/* rows is a constant at every call; element (i, r) of a at a[i * row + r * column], of b at b[i * b_row + r]. */
static inline __attribute__((always_inline)) void tile(int rows, int64_t k, const real *a, int64_t row, int64_t column,
                                                       const real *b, int64_t b_row, ahead next, const output *c, int width) {
  vreal sum[TILE_M][2];
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++) sum[i][0] = sum[i][1] = (vreal){0};
  for (int64_t r = 0; r < k; r++, a += column, b += b_row, next.from += next.step) {
    __builtin_prefetch(next.from, 0, 2);
    vreal b0 = tile_load(b), b1 = tile_load(b + LANES);
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
      vreal x = tile_splat(a[i * row]);
      sum[i][0] = tile_fma(x, b0, sum[i][0]);
      sum[i][1] = tile_fma(x, b1, sum[i][1]);
    }
  }
  if (c->alpha != 1 || c->beta != 1 || width < TILE_N) {
    real sums[TILE_M * TILE_N];
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
      tile_store(sums + i * TILE_N, sum[i][0]);
      tile_store(sums + i * TILE_N + LANES, sum[i][1]);
    }
    finish(rows, sums, c, width);
    return;
  }
  real *to = c->data;
  const real *from = c->from, *gate = c->gate;
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++, from += c->from_step) {
    sum[i][0] += tile_load(from);
    sum[i][1] += tile_load(from + LANES);
  }
  if (c->relu)
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) sum[i][0] = above_zero(sum[i][0]), sum[i][1] = above_zero(sum[i][1]);
  if (gate)
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++, gate += c->step) {
      sum[i][0] = gated(sum[i][0], tile_load(gate));
      sum[i][1] = gated(sum[i][1], tile_load(gate + LANES));
    }
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++, to += c->step) {
    tile_store(to, sum[i][0]);
    tile_store(to + LANES, sum[i][1]);
  }
}

#define EACH_COUNT(F) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12)

#if defined(__clang__)
#define ONE_COPY __attribute__((noinline))
#else
#define ONE_COPY __attribute__((noinline, noclone))
#endif

static ONE_COPY void any_tile(int rows, int64_t k, const real *a, int64_t row, int64_t column, const real *b, int64_t b_row,
                              ahead next, const output *c, int width) {
#define CASE(count) \
  case count: if (count <= TILE_M) tile(count <= TILE_M ? count : 1, k, a, row, column, b, b_row, next, c, width); break;
  switch (rows) { EACH_COUNT(CASE) }
#undef CASE
}

static int64_t row_of(tch_panels p) { return p.row ? p.row : TILE_N; }
static int64_t size_of(tch_panels p) { return p.row ? TILE_N : p.depth * TILE_N; }

/* What the first of m / height strips fetches of the panel after b, if there is one: its part, where panels are packed; all of
 * it where they lie in rows. */
static ahead next_panel(tch_panels p, const real *b, bool more, int64_t m, int64_t height) {
  int64_t bytes = row_of(p) * (int64_t) sizeof(real);
  return (ahead){(const char *) (more ? b + size_of(p) : b), p.row ? bytes : bytes * height / m};
}
static ahead after(tch_panels p, ahead next, int64_t k) {
  return p.row ? (ahead){next.from, 0} : (ahead){next.from + k * next.step, next.step};
}

/* Strips of one block stay in the second cache while the panels go by. Each strip fetches its part of the next panel, which
 * lies in memory or in a third cache that may be slow. */
static void product(int64_t m, int64_t height, int64_t n, int64_t k, double alpha, const void *a, tch_panels panels, double beta,
                    tch_tiled_from from, void *cs, int64_t c_step) {
  int64_t b_row = row_of(panels), size = size_of(panels);
  const real *b = panels.data;
  for (int64_t j = 0; j < n; j += TILE_N, b += size) {
    int width = n - j < TILE_N ? (int) (n - j) : TILE_N;
    ahead next = next_panel(panels, b, j + TILE_N < n, m, height);
    for (int64_t i = 0; i < m; i += height) {
      output c = output_at(alpha, beta, from, cs, c_step, i, j);
      int rows = (int) (m - i < height ? m - i : height);
      any_tile(rows, k, (const real *) a + i * k, 1, rows, b, b_row, next, &c, width);
      next = after(panels, next, k);
    }
  }
}

/* m rows as strips of TILE_M, as many as leave LOW or more to each of the others, which are equal (a tile of LOW rows takes a
 * twentieth longer per row, lower ones much more): strips before `full` have TILE_M rows, then those before `higher` one more than
 * `height`, the rest `height`. */
typedef struct cut {
  int64_t strips, full, higher, height;
} cut;

static cut cut_of(int64_t m) {
  int64_t strips = (m + TILE_M - 1) / TILE_M, spare = m - LOW * strips, full = spare > 0 ? spare / (TILE_M - LOW) : 0;
  if (full == strips) return (cut){strips, full, full, 0};
  int64_t rest = m - full * TILE_M, height = rest / (strips - full);
  return (cut){strips, full, full + rest - height * (strips - full), height};
}

static int64_t rows_of(const cut *x, int64_t s) { return s < x->full ? TILE_M : x->height + (s < x->higher); }

static void product_direct(int64_t m, int64_t n, int64_t k, double alpha, tch_any_matrix a, tch_panels panels, double beta,
                           tch_tiled_from from, void *cs, int64_t c_step) {
  cut x = cut_of(m);
  int64_t b_row = row_of(panels), size = size_of(panels);
  for (int64_t s0 = 0, i0 = 0, i = 0; s0 < x.strips; s0 += BLOCK, i0 = i) {
    int64_t s1 = s0 + BLOCK < x.strips ? s0 + BLOCK : x.strips;
    const real *b = panels.data;
    for (int64_t j = 0; j < n; j += TILE_N, b += size) {
      int width = n - j < TILE_N ? (int) (n - j) : TILE_N;
      ahead next = next_panel(panels, b, j + TILE_N < n, s1 - s0, 1);
      i = i0;
      for (int64_t s = s0; s < s1; s++) {
        int64_t rows = rows_of(&x, s);
        output c = output_at(alpha, beta, from, cs, c_step, i, j);
        any_tile((int) rows, k, (const real *) a.data + i * a.row, a.row, a.column, b, b_row, next, &c, width);
        next = after(panels, next, k);
        i += rows;
      }
    }
  }
}

/* -- sums along k -------------------------------------------------------------------------------------------------- */

/* For LANES columns of b (k, n) at a time, whose lanes are added up together at the end. */
static void dots(int64_t m, int64_t n, int64_t k, double alpha, tch_any_matrix a, tch_any_matrix b, double beta,
                 tch_tiled_from from, void *cs, int64_t c_step) {
  enum { GROUP = LANES < 8 ? LANES : 8 }; /* sums that are in registers with the addresses of their columns */
  for (int64_t j = 0; j < n; j += LANES)
    for (int64_t i = 0; i < m; i++) {
      int width = n - j < LANES ? (int) (n - j) : LANES;
      const real *x = (const real *) a.data + i * a.row;
      vreal sum[LANES] = {{0}};
      for (int g = 0; g < width; g += GROUP) {
        const real *y[GROUP];
        vreal part[GROUP];
        int64_t r = 0;
        for (int l = 0; l < GROUP; l++) {
          y[l] = (const real *) b.data + (j + (g + l < width ? g + l : width - 1)) * b.column;
          part[l] = (vreal){0};
        }
        for (; r + LANES <= k; r += LANES) {
          vreal v = tile_load(x + r);
#pragma GCC unroll 8
          for (int l = 0; l < GROUP; l++) part[l] = tile_fma(v, tile_load(y[l] + r), part[l]);
        }
        if (r < k) {
          vreal v = tile_load_part(x + r, (int) (k - r));
          for (int l = 0; l < GROUP; l++) part[l] = tile_fma(v, tile_load_part(y[l] + r, (int) (k - r)), part[l]);
        }
        for (int l = 0; l < GROUP; l++) sum[g + l] = part[l];
      }
#define FOLD(step, low, high)                        \
  _Pragma("GCC unroll 16") for (int l = 0; l < LANES; l += 2 * step) \
    sum[l] = low(sum[l], sum[l + step]) + high(sum[l], sum[l + step]);
      TILE_TRANSPOSE(FOLD) /* lane l of the first is the total of the l-th now */
#undef FOLD
      output c = output_at(alpha, beta, from, cs, c_step, i, j);
      vreal old = tile_load_part(c.from, width) * tile_splat(c.beta);
      tile_store_part(c.data, tile_fma(sum[0], tile_splat(c.alpha), old), width);
    }
}

extern const tch_tiled_kernels NAME(TCH_REAL, TCH_ISA);
const tch_tiled_kernels NAME(TCH_REAL, TCH_ISA) = {.rows = TILE_M, .columns = TILE_N, .depth = DEPTH, .pack_panels = pack_panels,
                                                   .pack_strips = pack_strips, .product = product,
                                                   .product_direct = product_direct, .dots = dots};
