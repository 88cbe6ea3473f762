/* Convolution kernels of one float type and instruction set; see conv.h. */
#include "kernel/conv.h"
#include "kernel/tile.h"

enum {
  CHUNK = 256, /* rows of packed B that are used on many positions before the next: 16 KB, half of the first cache */
  GROUP = 16,  /* tiles of positions that meet a chunk together */
  RUNS = 4,    /* rows that one vector of positions is gathered from by vectors */
  DEPTH = 512, /* of packed A: a panel of it and a strip of B stay in the second cache */
  SLIDE_N = 4
};

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* -- packing ----------------------------------------------------------------------------------------------------- */

/* Rows [r0, r1) of block `block` of B into `to`. */
static void pack_rows(const tch_contraction *g, int64_t block, int64_t r0, int64_t r1, real *to) {
  const real *b = (const real *) g->b + block * TILE_N * g->bn;
  int64_t columns = least(g->n - block * TILE_N, TILE_N), r = r0;
  while (r < r1) {
    if (g->bn == 1 && columns == TILE_N) {
      tile_store(to, tile_load(b + g->br[r]));
      tile_store(to + LANES, tile_load(b + g->br[r] + LANES));
      to += TILE_N, r++;
      continue;
    }
    if (columns % LANES == 0 && r + LANES <= r1 && g->br[r + LANES - 1] - g->br[r] == LANES - 1) {
      for (int64_t half = 0; half < TILE_N; half += LANES) {
        vreal v[LANES];
        if (half < columns) {
#pragma GCC unroll 16
          for (int i = 0; i < LANES; i++) v[i] = tile_load(b + g->br[r] + (half + i) * g->bn);
          tile_transpose(v);
        } else
          for (int i = 0; i < LANES; i++) v[i] = (vreal){0};
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++) tile_store(to + i * TILE_N + half, v[i]);
      }
      to += LANES * TILE_N, r += LANES;
      continue;
    }
    const real *from = b + g->br[r];
    for (int64_t j = 0; j < columns; j++) to[j] = from[j * g->bn];
    for (int64_t j = columns; j < TILE_N; j++) to[j] = 0;
    to += TILE_N, r++;
  }
}

static void pack(const tch_contraction *g, int64_t block) {
  pack_rows(g, block, 0, g->r, (real *) g->packed + block * g->r * TILE_N);
}

/* -- results ----------------------------------------------------------------------------------------------------- */

/* tch_finish of the columns of a block. */
typedef struct finish {
  vreal scale[2], bias[2], low, high;
  real beta;
} finish;

static finish finish_of(const tch_contraction *g, int64_t block) {
  const tch_finish *all = &g->finish;
  finish f = {.low = tile_splat((real) all->low), .high = tile_splat((real) all->high), .beta = (real) all->beta};
  real scale[TILE_N], bias[TILE_N] = {0};
  int64_t first = block * TILE_N, count = least(g->n - first, TILE_N);
  for (int64_t j = 0; j < TILE_N; j++)
    scale[j] = (real) all->alpha * (all->scale && j < count ? ((const real *) all->scale)[first + j] : 1);
  if (all->bias) memcpy(bias, (const real *) all->bias + first, count * sizeof(real));
  for (int half = 0; half < 2; half++)
    f.scale[half] = tile_load(scale + half * LANES), f.bias[half] = tile_load(bias + half * LANES);
  return f;
}

static void put(real *c, real v, const finish *f) {
  if (f->beta != 0) v += f->beta * *c;
  *c = v < f->low[0] ? f->low[0] : v > f->high[0] ? f->high[0] : v;
}

/* Stores a tile whose n runs along memory. */
static void store_rows(const tch_contraction *g, int64_t m, int64_t rows, int64_t columns, real *c, vreal (*sum)[2],
                       const finish *f) {
  for (int64_t i = 0; i < rows; i++) {
    real *to = c + g->cm[m + i];
    for (int half = 0; half < 2; half++, to += LANES) {
      vreal v = sum[i][half];
      int64_t width = columns - half * LANES;
      if (width >= LANES) {
        if (f->beta != 0) v += f->beta * tile_load(to);
        tile_store(to, tile_clamp(v, f->low, f->high));
      } else
        for (int64_t j = 0; j < width; j++) put(to + j, v[j], f);
    }
  }
}

/* Stores a full tile whose m runs along memory, transposed in registers. */
static inline __attribute__((always_inline)) void store_columns(int64_t cn, int64_t columns, real *c, vreal (*sum)[2],
                                                                const finish *f) {
  for (int half = 0; half < 2 && half * LANES < columns; half++)
    for (int start = 0; start < TILE_M; start += LANES) {
      vreal v[LANES];
      int width = TILE_M - start < LANES ? TILE_M - start : LANES;
#pragma GCC unroll 16
      for (int i = 0; i < LANES; i++) v[i] = start + i < TILE_M ? sum[start + i][half] : (vreal){0};
      tile_transpose(v);
      real *to = c + half * LANES * cn + start;
      int64_t height = least(columns - half * LANES, LANES);
#pragma GCC unroll 16
      for (int j = 0; j < LANES; j++)
        if (j < height) {
          if (f->beta != 0) {
            real old[LANES] = {0};
            memcpy(old, to + j * cn, width * sizeof(real));
            v[j] += f->beta * tile_load(old);
          }
          v[j] = tile_clamp(v[j], f->low, f->high);
          memcpy(to + j * cn, &v[j], width * sizeof(real));
        }
    }
}

static void store_scattered(const tch_contraction *g, int64_t m, int64_t rows, int64_t columns, real *c,
                            vreal (*sum)[2], const finish *f) {
  const real *flat = (const real *) sum;
  const int64_t *cm = g->cm + m;
  if (f->beta == 0) {
    for (int64_t i = 0; i < rows; i++)
      for (int half = 0; half < 2; half++) sum[i][half] = tile_clamp(sum[i][half], f->low, f->high);
    for (int64_t j = 0; j < columns; j++, c += g->cn)
      for (int64_t i = 0; i < rows; i++) c[cm[i]] = flat[i * TILE_N + j];
    return;
  }
  for (int64_t j = 0; j < columns; j++)
    for (int64_t i = 0; i < rows; i++) put(c + g->cm[m + i] + j * g->cn, flat[i * TILE_N + j], f);
}

/* -- sums -------------------------------------------------------------------------------------------------------- */

static void tile_pointers(const tch_contraction *g, int64_t m, int64_t rows, const real *a[TILE_M]) {
  for (int i = 0; i < TILE_M; i++) a[i] = (const real *) g->a + g->am[m + (i < rows ? i : 0)];
}

static void finish_tile(const tch_contraction *g, int64_t m, int64_t rows, int64_t columns, real *c, vreal (*sum)[2],
                        const finish *f) {
#pragma GCC unroll 16
  for (int i = 0; i < TILE_M; i++)
    for (int half = 0; half < 2; half++) sum[i][half] = f->scale[half] * sum[i][half] + f->bias[half];
  if (g->cn == 1) store_rows(g, m, rows, columns, c, sum, f);
  else if (rows == TILE_M && g->cm[m + TILE_M - 1] - g->cm[m] == TILE_M - 1)
    store_columns(g->cn, columns, c + g->cm[m], sum, f);
  else store_scattered(g, m, rows, columns, c, sum, f);
}

/* Where r is long, its chunks are added up in a group of tiles, so that a chunk of B stays in the first cache meanwhile. */
static void gather(const tch_contraction *g, int64_t block, int64_t m0, int64_t m1) {
  const real *b = (const real *) g->packed + block * g->r * TILE_N;
  real *c = (real *) g->c + block * TILE_N * g->cn;
  int64_t columns = least(g->n - block * TILE_N, TILE_N), group = g->r > CHUNK ? GROUP * TILE_M : m1 - m0;
  finish f = finish_of(g, block);
  vreal partial[GROUP][TILE_M][2], sum[TILE_M][2];
  const real *a[TILE_M];
  for (int64_t start = m0; start < m1; start += group) {
    int64_t end = least(m1, start + group);
    for (int64_t r = 0; r < g->r || r == 0; r += CHUNK) {
      int64_t count = least(g->r - r, CHUNK);
      bool last = r + CHUNK >= g->r;
      for (int64_t m = start; m < end; m += TILE_M) {
        int64_t rows = least(end - m, TILE_M);
        vreal(*kept)[2] = partial[g->r > CHUNK ? (m - start) / TILE_M : 0];
        tile_pointers(g, m, rows, a);
        tile_sum(count, a, g->ar + r, b + r * TILE_N, sum);
        if (r > 0)
          for (int i = 0; i < TILE_M; i++) sum[i][0] += kept[i][0], sum[i][1] += kept[i][1];
        if (last) finish_tile(g, m, rows, columns, c, sum, &f);
        else memcpy(kept, sum, sizeof sum);
      }
    }
  }
}

static void long_gather(const tch_contraction *g, int64_t block, int64_t m0, int64_t m1, int64_t r0, int64_t r1, void *sums,
                        bool add) {
  _Alignas(64) real b[CHUNK * TILE_N];
  for (int64_t r = r0; r < r1 || (r == r0 && !add); r += CHUNK) {
    int64_t count = least(r1 - r, CHUNK);
    pack_rows(g, block, r, r + count, b);
    real *to = sums;
    for (int64_t m = m0; m < m1; m += TILE_M) {
      int64_t rows = least(m1 - m, TILE_M);
      const real *a[TILE_M];
      vreal sum[TILE_M][2];
      tile_pointers(g, m, rows, a);
      tile_sum(count, a, g->ar + r, b, sum);
      for (int64_t i = 0; i < rows; i++, to += TILE_N)
        for (int half = 0; half < 2; half++) {
          vreal *s = &sum[i][half];
          tile_store(to + half * LANES, r > r0 || add ? *s + tile_load(to + half * LANES) : *s);
        }
    }
  }
}

static void long_finish(const tch_contraction *g, int64_t block, int64_t m0, int64_t m1, const void *sums, int64_t step,
                        int64_t slices) {
  real *c = (real *) g->c + block * TILE_N * g->cn;
  int64_t columns = least(g->n - block * TILE_N, TILE_N);
  finish f = finish_of(g, block);
  const real *s = sums;
  for (int64_t m = m0; m < m1; m += LANES, s += LANES * TILE_N) {
    int count = (int) least(m1 - m, LANES);
    for (int half = 0; half * LANES < columns; half++) {
      vreal v[LANES];
      for (int i = 0; i < LANES; i++) {
        const real *from = s + i * TILE_N + half * LANES;
        vreal total = i < count ? tile_load(from) : (vreal){0};
        for (int64_t k = 1; k < slices && i < count; k++) total += tile_load(from + k * step);
        v[i] = f.scale[half] * total + f.bias[half];
      }
      tile_transpose(v);
      real *to = c + half * LANES * g->cn;
      bool row = g->cm[m + count - 1] - g->cm[m] == count - 1;
      for (int j = 0; j < LANES && half * LANES + j < columns; j++, to += g->cn) {
        if (row) {
          if (f.beta != 0) v[j] += f.beta * tile_load_part(to + g->cm[m], count);
          tile_store_part(to + g->cm[m], tile_clamp(v[j], f.low, f.high), count);
        } else
          for (int i = 0; i < count; i++) put(to + g->cm[m + i], v[j][i], &f);
      }
    }
  }
}

/* -- few columns, or a short r: vectors run along positions ----------------------------------------------------------- */

/* A vector of positions: the first one, how many count, and whether they lie side by side in C too. */
typedef struct stretch {
  int64_t m, count;
  bool row;
} stretch;

static bool adjacent(const int64_t *table, int64_t m, int64_t count) {
  return table[m + count - 1] - table[m] == count - 1;
}

/* The vector at m. A short rest of a row is taken together with the positions before it, which are then computed twice. */
static stretch stretch_at(const tch_contraction *g, int64_t m0, int64_t m, int64_t end) {
  int64_t count = least(end - m, LANES), back;
  if (!adjacent(g->am, m, count))
    for (count = 1; g->am[m + count] == g->am[m] + count;) count++;
  back = m + count - LANES;
  if (count < LANES && g->finish.beta == 0 && back >= m0 && adjacent(g->am, back, LANES) && adjacent(g->cm, back, LANES))
    return (stretch){back, LANES, true};
  return (stretch){m, count, count == LANES && adjacent(g->cm, m, LANES)};
}

static void store_stretch(const tch_contraction *g, const stretch *s, real *c, vreal v, const finish *f) {
  real values[LANES];
  tile_store(values, v);
  for (int64_t i = 0; i < s->count; i++) put(c + g->cm[s->m + i], values[i], f);
}

/* Columns [n, n + columns) of C at `vectors` vectors of positions. */
static inline __attribute__((always_inline)) void slide_tile(const tch_contraction *g, int64_t n, const int vectors,
                                                             const int columns, const stretch *s) {
  vreal sum[8][SLIDE_N];
  const real *a[8], *b = (const real *) g->b + n * g->bn;
#pragma GCC unroll 8
  for (int i = 0; i < vectors; i++) {
    a[i] = (const real *) g->a + g->am[s[i].m];
#pragma GCC unroll 4
    for (int j = 0; j < columns; j++) sum[i][j] = (vreal){0};
  }
  for (int64_t r = 0; r < g->r; r++) {
    int64_t at = g->ar[r];
    const real *br = b + g->br[r];
    vreal y[SLIDE_N];
#pragma GCC unroll 4
    for (int j = 0; j < columns; j++) y[j] = tile_splat(br[j * g->bn]);
#pragma GCC unroll 8
    for (int i = 0; i < vectors; i++) {
      vreal x = tile_load(a[i] + at);
#pragma GCC unroll 4
      for (int j = 0; j < columns; j++) sum[i][j] = tile_fma(x, y[j], sum[i][j]);
    }
  }
  const tch_finish *all = &g->finish;
  finish f = {.low = tile_splat((real) all->low), .high = tile_splat((real) all->high), .beta = (real) all->beta};
#pragma GCC unroll 4
  for (int j = 0; j < columns; j++) {
    vreal bias = tile_splat(all->bias ? ((const real *) all->bias)[n + j] : 0);
    real scale = (real) all->alpha * (all->scale ? ((const real *) all->scale)[n + j] : 1);
    real *c = (real *) g->c + (n + j) * g->cn;
#pragma GCC unroll 8
    for (int i = 0; i < vectors; i++) {
      vreal v = scale * sum[i][j] + bias;
      if (f.beta == 0 && s[i].row) tile_store(c + g->cm[s[i].m], tile_clamp(v, f.low, f.high));
      else if (s[i].count > 0) store_stretch(g, &s[i], c, v, &f);
    }
  }
}

static void slide(const tch_contraction *g, int64_t block, int64_t m0, int64_t m1) {
  static const int at_once[SLIDE_N + 1] = {0, 8, 4, 4, 3};
  int64_t n = block * SLIDE_N;
  int columns = (int) least(g->n - n, SLIDE_N), vectors = at_once[columns];
  stretch s[8];
  for (int64_t next = m0; next < m1;) {
    for (int i = 0; i < vectors; i++) {
      s[i] = next < m1 ? stretch_at(g, m0, next, m1) : (stretch){.m = m0};
      next = next < m1 ? s[i].m + s[i].count : m1;
    }
    switch (columns) {
      case 1: slide_tile(g, n, 8, 1, s); break;
      case 2: slide_tile(g, n, 4, 2, s); break;
      case 3: slide_tile(g, n, 4, 3, s); break;
      default: slide_tile(g, n, 3, 4, s); break;
    }
  }
}

/* -- many positions, B where it lies: vectors run along positions ------------------------------------------------------ */

/* The step between the offsets of `count` neighbours; 0 if they are not in one row. */
static int64_t step_of(const int64_t *table, int64_t count) {
  int64_t step = count > 1 ? table[1] - table[0] : 1;
  for (int64_t i = 2; i < count; i++)
    if (table[i] - table[i - 1] != step) return 0;
  return step;
}

/* Lanes [begin, end) of a vector of positions stand side by side in A, lane 0 of them would be at `from`. */
typedef struct run {
  int begin, end;
  const real *from;
} run;

/* The vector at m as runs; their number, or 0 if there are more than RUNS. */
static int runs_of(const tch_contraction *g, int64_t m, int64_t count, run *runs) {
  const int64_t *am = g->am + m;
  int n = 0;
  for (int begin = 0, end; begin < count; begin = end) {
    for (end = begin + 1; end < count && am[end] - am[end - 1] == 1;) end++;
    if (n == RUNS) return 0;
    runs[n++] = (run){begin, end, (const real *) g->a + am[begin] - begin};
  }
  return n;
}

static inline __attribute__((always_inline)) void pack_runs(const tch_contraction *g, const int n, const run *runs, int64_t r0,
                                                            int64_t r1, real *to) {
  for (int64_t r = r0; r < r1; r++, to += TILE_N) {
    int64_t at = g->ar[r];
    vreal v = tile_load_lanes(runs[0].from + at, runs[0].begin, runs[0].end);
#pragma GCC unroll 4
    for (int i = 1; i < n; i++) v = tile_or(v, tile_load_lanes(runs[i].from + at, runs[i].begin, runs[i].end));
    tile_store(to, v);
  }
}

/* Rows [r0, r1) of A at a vector of positions m .. m + count; lanes from count on hold some number of A, or 0. */
static void pack_positions(const tch_contraction *g, int64_t m, int64_t count, int64_t r0, int64_t r1, real *to) {
  int64_t at[LANES], step = count == LANES ? step_of(g->am + m, LANES) : 0;
  const real *a = g->a, *first = a + g->am[m];
  run runs[RUNS];
  if (step == 1) {
    for (int64_t r = r0; r < r1; r++, to += TILE_N) tile_store(to, tile_load(first + g->ar[r]));
    return;
  }
  if (step == 2) {
    for (int64_t r = r0; r < r1; r++, to += TILE_N) {
      const real *from = first + g->ar[r];
      tile_store(to, tile_pairs(tile_load(from), tile_load(from + LANES - 1)));
    }
    return;
  }
  switch (runs_of(g, m, count, runs)) {
    case 1: pack_runs(g, 1, runs, r0, r1, to); return;
    case 2: pack_runs(g, 2, runs, r0, r1, to); return;
    case 3: pack_runs(g, 3, runs, r0, r1, to); return;
    case 4: pack_runs(g, 4, runs, r0, r1, to); return;
  }
  for (int64_t l = 0; l < LANES; l++) at[l] = g->am[m + (l < count ? l : 0)];
  for (int64_t r = r0; r < r1; r++, to += TILE_N) {
    const real *from = a + g->ar[r];
    for (int l = 0; l < LANES; l++) to[l] = from[at[l]];
  }
}

/* sum[i] (+)= sum over r of w[br[r] + i * step] * x[r]; x packed in rows of TILE_N, of which the first `halves` vectors count.
 * Meanwhile the numbers of the next `rows` columns are fetched: weights of a batch of one come from memory, once. */
static inline __attribute__((always_inline)) void rows_tile(const int rows, const int halves, int64_t nr, const real *w,
                                                            int64_t step, const int64_t *br, const real *x, bool add,
                                                            vreal (*sum)[2]) {
  vreal s[TILE_M][2];
  const real *ahead = w + br[0] + rows * step;
  const bool along = step >= nr; /* a column lies along memory */
  int64_t fetched = 0;
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++) s[i][0] = s[i][1] = (vreal){0};
  for (int64_t r = 0; r < nr; r++, x += TILE_N) {
    const real *at = w + br[r];
    __builtin_prefetch(along ? ahead + fetched : at + rows * step);
    fetched += rows;
    if (fetched >= nr) fetched -= nr, ahead += step;
    vreal x0 = tile_load(x), x1 = halves == 2 ? tile_load(x + LANES) : x0;
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
      vreal y = tile_splat(at[i * step]);
      s[i][0] = tile_fma(y, x0, s[i][0]);
      if (halves == 2) s[i][1] = tile_fma(y, x1, s[i][1]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
    for (int h = 0; h < halves; h++) sum[i][h] = add ? sum[i][h] + s[i][h] : s[i][h];
}

/* As rows_tile for one position, lane 0 of vector `half`; its numbers lie in a row, x, as those of each column of B do. */
static void rows_dot(int rows, int half, int64_t nr, const real *w, int64_t step, const real *x, bool add, vreal (*sum)[2]) {
  for (int i = 0; i < rows; i++, w += step) {
    vreal s[2] = {{0}, {0}};
    int64_t r = 0;
    for (; r + TILE_N <= nr; r += TILE_N) {
      s[0] = tile_fma(tile_load(w + r), tile_load(x + r), s[0]);
      s[1] = tile_fma(tile_load(w + r + LANES), tile_load(x + r + LANES), s[1]);
    }
    for (; r < nr; r += LANES) {
      int part = (int) least(nr - r, LANES);
      s[0] = tile_fma(tile_load_part(w + r, part), tile_load_part(x + r, part), s[0]);
    }
    vreal old = add ? sum[i][half] : (vreal){0};
    old[0] += tile_total(s[0] + s[1]);
    sum[i][half] = old;
  }
}

static void rows_sum(int rows, int halves, int64_t nr, const real *w, int64_t step, const int64_t *br, const real *x,
                     bool add, vreal (*sum)[2]) {
#define CASE(count)                                                                                                    \
  case count: {                                                                                                        \
    enum { ROWS = count <= TILE_M ? count : 1 };                                                                       \
    if (halves == 2) rows_tile(ROWS, 2, nr, w, step, br, x, add, sum);                                                 \
    else rows_tile(ROWS, 1, nr, w, step, br, x, add, sum);                                                             \
    break;                                                                                                             \
  }
  switch (rows) { CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12) }
#undef CASE
}

/* Columns [n, n + rows) of C at up to TILE_N positions from m on. */
static void finish_rows(const tch_contraction *g, int64_t n, int rows, int64_t m, int64_t count, vreal (*sum)[2]) {
  const tch_finish *all = &g->finish;
  const int64_t *cm = g->cm + m;
  finish f = {.low = tile_splat((real) all->low), .high = tile_splat((real) all->high), .beta = (real) all->beta};
  const real *scales = all->scale ? (const real *) all->scale + n : NULL;
  const real *biases = all->bias ? (const real *) all->bias + n : NULL;
  bool whole = f.beta == 0 && count == TILE_N && adjacent(cm, 0, TILE_N);
  real *c = (real *) g->c + n * g->cn;
  for (int i = 0; i < rows; i++, c += g->cn) {
    vreal scale = tile_splat((real) all->alpha * (scales ? scales[i] : 1)), bias = tile_splat(biases ? biases[i] : 0);
    sum[i][0] = tile_fma(scale, sum[i][0], bias);
    sum[i][1] = tile_fma(scale, sum[i][1], bias);
    if (whole) {
      tile_store(c + cm[0], tile_clamp(sum[i][0], f.low, f.high));
      tile_store(c + cm[0] + LANES, tile_clamp(sum[i][1], f.low, f.high));
      continue;
    }
    for (int64_t h = 0, first = 0; first < count; h++, first += LANES) {
      int64_t width = least(count - first, LANES);
      real *to = c + cm[first];
      if (adjacent(cm, first, width)) {
        vreal v = sum[i][h];
        if (f.beta != 0) v += f.beta * tile_load_part(to, (int) width);
        tile_store_part(to, tile_clamp(v, f.low, f.high), (int) width);
      } else
        for (int64_t l = 0; l < width; l++) put(c + cm[first + l], sum[i][h][l], &f);
    }
  }
}

static int64_t rows_room(const tch_contraction *g, int64_t columns, int64_t positions) {
  int64_t panels = (positions + TILE_N - 1) / TILE_N * TILE_N;
  return DEPTH + panels * (least(g->r, DEPTH) + (g->r > DEPTH ? columns : 0));
}

static void rows(const tch_contraction *g, int64_t n0, int64_t n1, int64_t m0, int64_t m1, void *room) {
  int64_t depth = g->r > DEPTH ? DEPTH : g->r > 0 ? g->r : 1, panels = (m1 - m0 + TILE_N - 1) / TILE_N;
  int64_t strips = (n1 - n0 + TILE_M - 1) / TILE_M, height = (n1 - n0 + strips - 1) / strips;
  real *single = room, *x = single + DEPTH;
  vreal kept[TILE_M][2], (*partial)[2] = (vreal(*)[2])(x + panels * depth * TILE_N);
  /* A last vector of one position is summed apart. */
  bool apart = (m1 - m0) % LANES == 1 && g->r > 0 && adjacent(g->br, 0, g->r);
  for (int64_t r = 0; r < g->r || r == 0; r += depth) {
    int64_t count = least(g->r - r, depth);
    for (int64_t m = m0, p = 0; m < m1; m += LANES, p++)
      pack_positions(g, m, least(m1 - m, LANES), r, r + count, x + p / 2 * depth * TILE_N + p % 2 * LANES);
    for (int64_t i = 0; apart && i < count; i++) single[i] = x[((panels - 1) * depth + i) * TILE_N + (m1 - m0 - 1) % TILE_N];
    for (int64_t n = n0; n < n1; n += height) {
      int64_t these = least(n1 - n, height);
      for (int64_t p = 0; p < panels; p++) {
        int64_t m = m0 + p * TILE_N, positions = least(m1 - m, TILE_N);
        // cppcheck-suppress legacyUninitvar ; a first chunk writes the sums that a later one adds to
        vreal(*sum)[2] = g->r > depth ? partial + (n - n0) * panels + p * these : kept;
        const real *w = (const real *) g->b + n * g->bn;
        bool one = apart && p == panels - 1;
        int vectors = positions > LANES ? 2 : 1, whole = one ? vectors - 1 : vectors;
        if (whole > 0) rows_sum((int) these, whole, count, w, g->bn, g->br + r, x + p * depth * TILE_N, r > 0, sum);
        if (one) rows_dot((int) these, vectors - 1, count, w + g->br[r], g->bn, single, r > 0, sum);
        if (r + depth >= g->r) finish_rows(g, n, (int) these, m, positions, sum);
      }
    }
  }
}

/* -- around them ------------------------------------------------------------------------------------------------- */

static void pad(const void *from, int64_t row, int64_t step, int64_t rows, int64_t width, void *to, int64_t to_width,
                int64_t left, int64_t above, int64_t below) {
  const real *x = from;
  real *y = to;
  memset(y, 0, above * to_width * sizeof(real));
  y += above * to_width;
  for (int64_t i = 0; i < rows; i++, x += row, y += to_width) {
    memset(y, 0, left * sizeof(real));
    if (step == 1) memcpy(y + left, x, width * sizeof(real));
    else
      for (int64_t j = 0; j < width; j++) y[left + j] = x[j * step];
    memset(y + left + width, 0, (to_width - left - width) * sizeof(real));
  }
  memset(y, 0, below * to_width * sizeof(real));
}

static void sum_planes(const void *x, int64_t outer, int64_t step, int64_t inner, double alpha, double beta, void *out,
                       int64_t begin, int64_t end) {
  real *o = out;
  for (int64_t i = begin; i < end; i++) {
    vreal total[2] = {{0}};
    real rest = 0;
    for (int64_t n = 0; n < outer; n++) {
      const real *p = (const real *) x + n * step + i * inner;
      int64_t j = 0;
      for (; j + TILE_N <= inner; j += TILE_N) total[0] += tile_load(p + j), total[1] += tile_load(p + j + LANES);
      for (; j < inner; j++) rest += p[j];
    }
    total[0] += total[1];
    for (int l = 0; l < LANES; l++) rest += total[0][l];
    o[i] = (real) alpha * rest + (beta != 0 ? (real) beta * o[i] : 0);
  }
}

#define TABLE_NAME2(type, isa) tch_conv_kernels_##type##_##isa
#define TABLE_NAME(type, isa)  TABLE_NAME2(type, isa)
extern const tch_conv_kernels TABLE_NAME(TCH_REAL, TCH_ISA);
const tch_conv_kernels TABLE_NAME(TCH_REAL, TCH_ISA) = {
    .tile_m = TILE_M,
    .tile_n = TILE_N,
    .slide_n = SLIDE_N,
    .lanes = LANES,
    .pack = pack,
    .slide = slide,
    .gather = gather,
    .long_gather = long_gather,
    .long_finish = long_finish,
    .rows = rows,
    .rows_room = rows_room,
    .pad = pad,
    .sum_planes = sum_planes,
};
