/* The scalar ops' rows, for one float type and instruction set. */
#include "kernel/elementwise.h"
#include "kernel/comb.h"
#include "kernel/simd.h"

#define NAME2(type, isa) tch_elementwise_kernels_##type##_##isa
#define NAME(type, isa) NAME2(type, isa)
#define vdiv(x, y) ((x) / (y))
#define UNUSED __attribute__((unused))
#define FLOATS false /* rows of floats alone compute more */
#define ALL true

enum { BLOCK = 32 * VLEN, MOST = 4 };

/* Where an expression is computed: in each of some rows on vectors at 0, step, 2 step ... below n, of which the lanes given are
 * written: by turns, one of `phases`, which are 1 unless the row is light. (Choosing lanes costs nothing in a store, but loads
 * that choose wait for memory one after the other.) */
typedef struct patch {
  int64_t n, step, rows;
  const int64_t *next; /* from one row to the next, of the result and the operands */
  int64_t phases;
  const vlanes *lanes;
  const comb *spread; /* NULL, or of a light row: the second operand has no gaps */
} patch;
typedef void (*dense_row)(const patch *at, void *out, const real *const *in, real a, real b);

typedef struct job {
  dense_row row;
  int operands;
  bool light; /* costs less than memory does */
  int64_t bytes; /* of an element of the result */
  real a, b;
} job;

static const vlanes all_lanes = (vlanes) ((1u << VLEN) - 1);

/* m elements of a strided operand brought together; what is left of the last vector repeats the last one. */
static void gather(int64_t m, const real *from, int64_t stride, real *to) {
  for (int64_t i = 0; i < m; i++) to[i] = from[i * stride];
  for (int64_t i = m; i % (int64_t) VLEN != 0; i++) to[i] = to[m - 1];
}

static void fill(int64_t m, real *to, real value) {
  for (int64_t i = 0; i < m; i += VLEN) vstore(to + i, vset(value));
}

static inline void *place(const job *j, void *out, int64_t at) { return (char *) out + at * j->bytes; }

static const int64_t none[MOST + 1];

static inline void run_patch(const job *j, int64_t n, int64_t step, const vlanes *lanes, void *out, const real *const *in) {
  j->row(&(patch) {n, step, 1, none, 1, lanes, NULL}, out, in, j->a, j->b);
}

/* Some lanes of the vector at `at`; nothing else is read or written. */
static inline void run_lanes(const job *j, vlanes lanes, int64_t at, void *out, const real *const *in) {
  real block[MOST][VLEN] __attribute__((aligned(64)));
  const real *p[MOST];
  for (int k = 0; k < j->operands; k++) {
    vstore(block[k], vload_lanes(in[k] + at, lanes));
    p[k] = block[k];
  }
  run_patch(j, VLEN, VLEN, &lanes, place(j, out, at), p);
}

/* The m < VLEN elements at `at`. */
static inline void run_rest(const job *j, int64_t m, int64_t at, void *out, const real *const *in) {
  if (VCHOOSE) {
    run_lanes(j, vfirst(m), at, out, in);
    return;
  }
  real block[MOST + 1][VLEN] __attribute__((aligned(64)));
  const real *end[MOST];
  for (int k = 0; k < j->operands; k++) {
    gather(m, in[k] + at, 1, block[k]);
    end[k] = block[k];
  }
  run_patch(j, VLEN, VLEN, &all_lanes, block[MOST], end);
  memcpy(place(j, out, at), block[MOST], (size_t) (m * j->bytes));
}

/* Rows of n elements without gaps: whole vectors of all rows, then what is left of each. There whole vectors are read too, where
 * rows follow that far. */
static void run_rows(const job *j, int64_t n, int64_t rows, void *out, const real *const *in, const int64_t *next) {
  int64_t whole = n - n % (int64_t) VLEN, rest = n - whole, beyond = VLEN - rest, easy = VCHOOSE ? rows : 0;
  const real *at[MOST];
  const vlanes end = vfirst(rest);
  if (whole > 0) j->row(&(patch) {whole, VLEN, rows, next, 1, &all_lanes, NULL}, out, in, j->a, j->b);
  if (rest == 0) return;
  for (int k = 0; k < j->operands; k++) {
    at[k] = in[k] + whole;
    if (next[k + 1] <= 0) easy = 0;
    while (easy > 0 && (rows - easy) * next[k + 1] < beyond) easy--;
  }
  if (easy > 0) j->row(&(patch) {VLEN, VLEN, easy, next, 1, &end, NULL}, place(j, out, whole), at, j->a, j->b);
  for (int64_t r = easy; r < rows; r++) {
    for (int k = 0; k < j->operands; k++) at[k] = in[k] + r * next[k + 1];
    run_rest(j, rest, whole, place(j, out, r * next[0]), at);
  }
}

static void spread(const job *j, int64_t m, void *out, int64_t stride, const void *from) {
  const real *block = from;
  const uint8_t *bytes = from;
  if (j->bytes == 1) {
    for (int64_t i = 0; i < m; i++) ((uint8_t *) out)[i * stride] = bytes[i];
    return;
  }
  real *to = out;
  for (; m >= 4; m -= 4, block += 4, to += 4 * stride) /* four places that do not wait for each other */
    to[0] = block[0], to[stride] = block[1], to[2 * stride] = block[2], to[3 * stride] = block[3];
  for (int64_t i = 0; i < m; i++) to[i * stride] = block[i];
}

/* One row over operands of any step: those with gaps pass through small blocks. */
static void run_row(const job *j, int64_t n, void *out, const real *const *p, const int64_t *s) {
  real block[MOST + 1][BLOCK] __attribute__((aligned(64)));
  const real *in[MOST];
  for (int64_t begin = 0, m; begin < n; begin += m) {
    m = n - begin < BLOCK ? n - begin : BLOCK;
    for (int k = 0; k < j->operands; k++) {
      in[k] = p[k] + begin * s[k + 1];
      if (s[k + 1] == 1) continue;
      if (s[k + 1] != 0) gather(m, in[k], s[k + 1], block[k]);
      else if (begin == 0) fill(m, block[k], *in[k]);
      in[k] = block[k];
    }
    if (s[0] == 1) run_rows(j, m, 1, place(j, out, begin), in, none);
    else {
      run_rows(j, m, 1, block[MOST], in, none);
      spread(j, m, place(j, out, begin * s[0]), s[0], block[MOST]);
    }
  }
}

/* -- combs: the result has small gaps, and operands the same or none ----------------------------------------------------- */

/* An element may take up to so many places. */
enum { PLACES = VCHOOSE ? 4 : 1 };
#if defined(__AVX512F__)
enum { CHUNK = 96 /* vectors */ };

/* How an operand lies: in the places of the comb, without gaps, or as one number. */
typedef enum lie { COMB, DENSE, ONE } lie;

typedef struct combed {
  const job *j;
  lie lie[MOST];
  real *out, *in[MOST];
  comb comb;
  real block[MOST][CHUNK * VLEN] __attribute__((aligned(64)));
} combed;

static inline V permute(VI index, V v) { return (V) VINTEGER(permutexvar)((__m512i) index, (__m512i) v); }

/* A vector at an end: its places begin at `at`, its elements at e; nothing beyond is touched. */
static void comb_edge(combed *c, int64_t f, int64_t at, int64_t e) {
  const comb *o = &c->comb;
  vlanes here = o->lanes[f] & lanes_in(at, o->span);
  const real *in[MOST];
  for (int k = 0; k < c->j->operands; k++) {
    in[k] = c->block[k];
    if (c->lie[k] == COMB) vstore(c->block[k], vload_lanes(c->in[k] + at, here));
    if (c->lie[k] == DENSE) vstore(c->block[k], permute(o->index[f], vload_lanes(c->in[k] + e, lanes_in(e, o->count))));
  }
  run_patch(c->j, VLEN, VLEN, &here, c->out + at, in);
}

/* Dense elements from e on to the places of a block. */
static void spread_turns(const comb *o, int64_t turns, const real *from, real *to) {
  for (; turns > 0; turns--, from += o->step)
    for (int64_t f = 0; f < o->phases; f++, to += VLEN) vstore(to, (V) comb_elements(o->index[f], from + o->base[f], o->half));
}

/* Whole vectors from place `at` and element e on. */
static void comb_turns(combed *c, int64_t turns, int64_t at, int64_t e) {
  const comb *o = &c->comb;
  const real *in[MOST], *each[MOST];
  int64_t all = o->phases * (int64_t) VLEN;
  bool spreads = false;
  for (int k = 0; k < c->j->operands; k++) {
    in[k] = c->lie[k] == COMB ? c->in[k] + at : c->block[k];
    if (c->lie[k] != DENSE) continue;
    if (k == 1 && c->j->light && o->half) in[k] = c->in[k] + e, spreads = true;
    else spread_turns(o, turns, c->in[k] + e, c->block[k]);
  }
  if (c->j->light || o->phases == 1) {
    c->j->row(&(patch) {turns * all, VLEN, 1, none, o->phases, o->lanes, spreads ? o : NULL}, c->out + at, in, c->j->a, c->j->b);
    return;
  }
  for (int64_t f = 0; f < o->phases; f++) { /* vectors that need the same lanes in one call */
    for (int k = 0; k < c->j->operands; k++) each[k] = in[k] + f * (int64_t) VLEN;
    run_patch(c->j, turns * all - f * (int64_t) VLEN, all, &o->lanes[f], c->out + at + f * (int64_t) VLEN, each);
  }
}

static __attribute__((noinline)) void run_comb(combed *c) {
  const comb *o = &c->comb;
  int64_t phases = o->phases, all = phases * (int64_t) VLEN, last = o->base[phases - 1] + (int64_t) VLEN, most = 1 << 30;
  for (int k = 0; k < c->j->operands; k++)
    if (c->lie[k] != COMB) most = CHUNK / (int) phases; /* for which there is a block */
  int64_t at = -o->lead, e = 0, whole = o->lead > 0 ? -1 : o->span / all; /* turns */
  while (at < o->span) {
    int64_t turns = whole < most ? whole : most;
    while (turns > 0 && e + (turns - 1) * o->step + last > o->count) turns--; /* what is loaded for a vector */
    if (turns > 0) comb_turns(c, turns, at, e);
    for (int64_t f = 0; turns <= 0 && f < phases; f++)
      if (at + f * (int64_t) VLEN < o->span) comb_edge(c, f, at + f * (int64_t) VLEN, e + o->base[f]);
    if (turns <= 0) turns = 1;
    at += turns * all, e += turns * o->step;
    whole = whole < 0 ? (o->span - at) / all : whole - turns;
  }
}

/* Runs the plane if it is a comb, or if its rows are. */
static bool run_combs(const job *j, int64_t n, int64_t rows, void *const *p, const int64_t *s, const int64_t *next) {
  bool single;
  int64_t pitch = j->bytes == sizeof(real) ? tch_comb_pitch(j->operands, n, rows, s, next, PLACES, &single) : 0;
  if (pitch == 0) return false;
  combed c;
  c.j = j;
  for (int64_t r = 0; r < (single ? rows : 1); r++) {
    c.out = (real *) p[0] + r * next[0];
    for (int k = 0; k < j->operands; k++) {
      c.in[k] = (real *) p[k + 1] + r * next[k + 1];
      c.lie[k] = s[k + 1] == 0 ? ONE : (single ? s : next)[k + 1] == pitch ? COMB : DENSE;
      if (c.lie[k] == ONE && (r == 0 || next[k + 1] != 0)) fill(CHUNK * VLEN, c.block[k], *c.in[k]);
    }
    if (r == 0 || comb_lead(c.out) != c.comb.lead) comb_of(single ? 1 : n, single ? n : rows, pitch, c.out, &c.comb);
    run_comb(&c);
  }
  return true;
}
#else
static bool run_combs(const job *j, int64_t n, int64_t rows, void *const *p, const int64_t *s, const int64_t *next) {
  return false;
}
#endif

/* -- all of them ---------------------------------------------------------------------------------------------------------- */

/* Rows without gaps, of operands that may be one number for all, or for each row. */
static void run_plain(const job *j, int64_t n, int64_t rows, void *const *p, const int64_t *s, const int64_t *next) {
  real block[MOST][BLOCK] __attribute__((aligned(64)));
  const real *in[MOST];
  int64_t wide = (n + (int64_t) VLEN - 1) / (int64_t) VLEN * (int64_t) VLEN, step[MOST + 1] = {next[0]}, most = rows;
  for (int k = 0; k < j->operands; k++) {
    step[k + 1] = next[k + 1];
    if (s[k + 1] == 0 && next[k + 1] != 0) step[k + 1] = wide, most = BLOCK / wide;
    if (s[k + 1] == 0 && next[k + 1] == 0) fill(n, block[k], *(const real *) p[k + 1]);
  }
  for (int64_t r = 0, m; r < rows; r += m) {
    m = rows - r < most ? rows - r : most;
    for (int k = 0; k < j->operands; k++) {
      const real *from = (const real *) p[k + 1] + r * next[k + 1];
      in[k] = s[k + 1] == 1 ? from : block[k];
      for (int64_t i = 0; s[k + 1] == 0 && next[k + 1] != 0 && i < m; i++) fill(n, block[k] + i * wide, from[i * next[k + 1]]);
    }
    run_rows(j, n, m, place(j, p[0], r * next[0]), in, step);
  }
}

/* Runs over planes; rows that follow each other are one. */
static void run(const job *j, int64_t n, int64_t rows, void *const *p, const int64_t *s, const int64_t *next) {
  bool follow = true, plain = s[0] == 1;
  for (int k = 0; k <= j->operands; k++) follow = follow && (rows == 1 || next[k] == n * s[k]);
  if (follow) n *= rows, rows = 1;
  for (int k = 0; k <= j->operands; k++) plain = plain && (s[k] == 1 || (s[k] == 0 && n <= BLOCK));
  if (n * rows >= 4 * (int64_t) VLEN && (n < (int64_t) VLEN || !plain) && run_combs(j, n, rows, p, s, next)) return;
  if (plain) {
    run_plain(j, n, rows, p, s, next);
    return;
  }
  for (int64_t r = 0; r < rows; r++) {
    const real *in[MOST];
    for (int k = 0; k < j->operands; k++) in[k] = (const real *) p[k + 1] + r * next[k + 1];
    run_row(j, n, place(j, p[0], r * next[0]), in, s);
  }
}

#if defined(__AVX512F__)
#define SPREAD(f) (V) comb_elements(o->index[f], p2 + o->base[f], true)
#define SPREAD3(f) (V) comb_elements(x##f, p2 + b##f, true)
#else
#define SPREAD(f) vload(p2 + i)
#define SPREAD3(f) vload(p2 + i)
#endif
#define LIGHT(o1, o2, o3, o4, second, expression, lanes)                                                \
  {                                                                                                     \
    V o1 UNUSED = vload(p1 + i), o2 UNUSED = second, o3 UNUSED = vload(p3 + i), o4 UNUSED = vload(p4 + i); \
    vstore_lanes(out + i, vset(expression), lanes);                                                     \
    i += step;                                                                                          \
  }
/* The masks of one phase and of three stay in registers. */
#define LIGHT_ROW(o1, o2, o3, o4, expression)                                                           \
  const comb *o = at->spread;                                                                           \
  const vlanes *k = at->lanes;                                                                          \
  int64_t i = 0, f = 0;                                                                                 \
  if (at->phases == 3) {                                                                                \
    const vlanes k0 = k[0], k1 = k[1], k2 = k[2];                                                       \
    while (!o && i < n) {                                                                               \
      LIGHT(o1, o2, o3, o4, vload(p2 + i), expression, k0)                                              \
      LIGHT(o1, o2, o3, o4, vload(p2 + i), expression, k1)                                              \
      LIGHT(o1, o2, o3, o4, vload(p2 + i), expression, k2)                                              \
    }                                                                                                   \
    if (!o) return;                                                                                     \
    const VI x0 UNUSED = o->index[0], x1 UNUSED = o->index[1], x2 UNUSED = o->index[2];                 \
    const int64_t b0 UNUSED = o->base[0], b1 UNUSED = o->base[1], b2 UNUSED = o->base[2];               \
    for (; i < n; p2 += o->step) {                                                                      \
      LIGHT(o1, o2, o3, o4, SPREAD3(0), expression, k0)                                                 \
      LIGHT(o1, o2, o3, o4, SPREAD3(1), expression, k1)                                                 \
      LIGHT(o1, o2, o3, o4, SPREAD3(2), expression, k2)                                                 \
    }                                                                                                   \
  } else if (at->phases == 1) {                                                                         \
    const vlanes k0 = *k;                                                                               \
    const VI x0 UNUSED = o->index[0];                                                                   \
    const int64_t b0 UNUSED = o->base[0];                                                               \
    for (; i < n; p2 += o->step) LIGHT(o1, o2, o3, o4, SPREAD3(0), expression, k0)                      \
  }                                                                                                     \
  while (i < n) {                                                                                       \
    LIGHT(o1, o2, o3, o4, o ? SPREAD(f) : vload(p2 + i), expression, k[f])                              \
    if (++f < at->phases) continue;                                                                     \
    f = 0;                                                                                              \
    if (o) p2 += o->step;                                                                               \
  }

/* A row of 1 to 4 operands named o1 .. o4. */
#define ROW(function, light, operands, o1, o2, o3, o4, expression)                                      \
  static void function##_dense(const patch *at, void *to, const real *const *in, real a UNUSED, real b UNUSED) { \
    const real *p1 = in[0], *p2 = in[operands > 1 ? 1 : 0], *p3 = in[operands > 2 ? 2 : 0],             \
               *p4 = in[operands > 3 ? 3 : 0];                                                          \
    real *out = to;                                                                                     \
    const int64_t n = at->n, step = at->step;                                                           \
    const vlanes lanes UNUSED = *at->lanes;                                                             \
    if (VCHOOSE && light && (at->phases > 1 || at->spread)) {                                           \
      LIGHT_ROW(o1, o2, o3, o4, expression)                                                             \
      return;                                                                                           \
    }                                                                                                   \
    for (int64_t r = at->rows; r > 0; r--) {                                                            \
      for (int64_t i = 0; i < n; i += step) {                                                           \
        V o1 UNUSED = vload(p1 + i), o2 UNUSED = vload(p2 + i), o3 UNUSED = vload(p3 + i),              \
          o4 UNUSED = vload(p4 + i);                                                                    \
        vstore_lanes(out + i, vset(expression), lanes);                                                 \
      }                                                                                                 \
      out += at->next[0], p1 += at->next[1];                                                            \
      if (operands > 1) p2 += at->next[2];                                                              \
      if (operands > 2) p3 += at->next[3];                                                              \
      if (operands > 3) p4 += at->next[4];                                                              \
    }                                                                                                   \
  }                                                                                                     \
  static void function(int64_t n, int64_t rows, void *const *p, const int64_t *s, const int64_t *next,  \
                       const double *ab) {                                                              \
    const job j = {function##_dense, operands, light, sizeof(real), (real) ab[0], (real) ab[1]};               \
    run(&j, n, rows, p, s, next);                                                                       \
  }

#define UNARY(name, types, f, dx, ddx)              \
  ROW(unary_##name, types, 1, x, y_, g_, z_, f)            \
  ROW(unary_grad_##name, false, 3, g, x, y, z_, dx)        \
  ROW(unary_grad2_##name, false, 3, g, x, y, z_, ddx)
#define BINARY(name, types, f, dx, dy)              \
  ROW(binary_##name, types, 2, x, y, g_, z_, f)            \
  ROW(binary_dx_##name, false, 4, g, x, y, z, dx)          \
  ROW(binary_dy_##name, false, 4, g, x, y, z, dy)
#define TERNARY(name, f, dx, dy, dz)                \
  ROW(ternary_##name, true, 3, x, y, z, g_, f)            \
  ROW(ternary_dx_##name, false, 4, g, x, y, z, dx)         \
  ROW(ternary_dy_##name, false, 4, g, x, y, z, dy)         \
  ROW(ternary_dz_##name, false, 4, g, x, y, z, dz)
#define TRUTHS(test)                                                                                    \
  for (int64_t i = 0; i < n; i++) {                                                                     \
    real x = xs[i], y = ys[i];                                                                          \
    out[i] = test;                                                                                      \
  }
#if defined(__AVX512F__)
/* Bytes of 1 where four masks hold, packed lane by lane, then put in order. */
static inline void store_truths(uint8_t *out, VI m0, VI m1, VI m2, VI m3) {
#if defined(TCH_REAL_IS_float)
  __m512i low = _mm512_packs_epi32((__m512i) m0, (__m512i) m1), high = _mm512_packs_epi32((__m512i) m2, (__m512i) m3);
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  __m512i v = _mm512_permutexvar_epi32(order, _mm512_packs_epi16(low, high));
  _mm512_storeu_si512(out, _mm512_and_si512(v, _mm512_set1_epi8(1)));
#else
  __m512 low = _mm512_shuffle_ps((__m512) m0, (__m512) m1, 0x88), high = _mm512_shuffle_ps((__m512) m2, (__m512) m3, 0x88);
  __m512i v = _mm512_packs_epi32((__m512i) low, (__m512i) high);
  static const int16_t words[32] = {0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27};
  const __m512i order = _mm512_loadu_si512(words);
  v = _mm512_permutexvar_epi16(order, _mm512_packs_epi16(v, v));
  _mm256_storeu_si256((__m256i *) out, _mm256_and_si256(_mm512_castsi512_si256(v), _mm256_set1_epi8(1)));
#endif
}
/* Four vectors at a time, then one. */
#undef TRUTHS
#define TRUTHS(test)                                                                                    \
  int64_t i = 0;                                                                                        \
  for (; lanes == vfirst(VLEN) && i + 4 * (int64_t) VLEN <= n; i += 4 * VLEN) {                         \
    VI mask[4];                                                                                         \
    _Pragma("GCC unroll 4") for (int k = 0; k < 4; k++) {                                               \
      V x = vload(xs + i + k * VLEN), y = vload(ys + i + k * VLEN);                                     \
      mask[k] = (VI) (test);                                                                            \
    }                                                                                                   \
    store_truths(out + i, mask[0], mask[1], mask[2], mask[3]);                                          \
  }                                                                                                     \
  for (; i < n; i += VLEN) {                                                                            \
    V x = vload(xs + i), y = vload(ys + i);                                                             \
    _mm_mask_storeu_epi8(out + i, lanes, _mm_maskz_set1_epi8(VLANES_OF((VI) (test)), 1));               \
  }
#endif
#define COMPARE(name, test)                                                                             \
  static void compare_##name##_dense(const patch *at, void *to, const real *const *in, real a UNUSED, real b UNUSED) { \
    const real *restrict xs = in[0], *restrict ys = in[1];                                              \
    uint8_t *restrict out = to;                                                                         \
    const int64_t n = at->n;                                                                            \
    const vlanes lanes UNUSED = *at->lanes;                                                             \
    for (int64_t r = at->rows; r > 0; r--, out += at->next[0], xs += at->next[1], ys += at->next[2]) {  \
      TRUTHS(test)                                                                                      \
    }                                                                                                   \
  }                                                                                                     \
  static void compare_##name(int64_t n, int64_t rows, void *const *p, const int64_t *s, const int64_t *next, \
                             const double *ab UNUSED) {                                                 \
    const job j = {compare_##name##_dense, 2, true, 1, 0, 0};                                                 \
    run(&j, n, rows, p, s, next);                                                                       \
  }
#include "kernel/elementwise.def"
#undef UNARY
#undef BINARY
#undef TERNARY
#undef COMPARE

static void stream(int64_t bytes, void *to, const void *from) {
  int64_t i = 0;
#if defined(__SSE2__)
  for (; i + 64 <= bytes; i += 64)
    for (int k = 0; k < 64; k += 16)
      _mm_stream_si128((__m128i *) ((char *) to + i + k), _mm_loadu_si128((const __m128i *) ((const char *) from + i + k)));
  _mm_sfence();
#endif
  memcpy((char *) to + i, (const char *) from + i, (size_t) (bytes - i));
}

extern const tch_elementwise_kernels NAME(TCH_REAL, TCH_ISA);
const tch_elementwise_kernels NAME(TCH_REAL, TCH_ISA) = {
#define UNARY(name, types, f, dx, ddx)                    \
  .unary[TCH_UNARY_##name] = unary_##name,                \
  .unary_grad[TCH_UNARY_##name] = unary_grad_##name,      \
  .unary_grad2[TCH_UNARY_##name] = unary_grad2_##name,
#define BINARY(name, types, f, dx, dy)                    \
  .binary[TCH_BINARY_##name] = binary_##name,             \
  .binary_grad[TCH_BINARY_##name] = {binary_dx_##name, binary_dy_##name},
#define TERNARY(name, f, dx, dy, dz)                      \
  .ternary[TCH_TERNARY_##name] = ternary_##name,          \
  .ternary_grad[TCH_TERNARY_##name] = {ternary_dx_##name, ternary_dy_##name, ternary_dz_##name},
#define COMPARE(name, test) .compare[TCH_COMPARE_##name] = compare_##name,
#include "kernel/elementwise.def"
  .places = PLACES,
  .stream = stream,
};
