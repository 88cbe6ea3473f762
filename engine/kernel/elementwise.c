/* The scalar ops' rows, for one float type and instruction set. */
#include "kernel/elementwise.h"
#include "kernel/comb.h"
#include "kernel/simd.h"

#define NAME2(type, isa) tch_elementwise_kernels_##type##_##isa
#define NAME(type, isa) NAME2(type, isa)
#define vdiv(x, y) ((x) / (y))
#define UNUSED __attribute__((unused))

enum { BLOCK = 32 * VLEN, MOST = 4 };

/* Where an expression is computed: in each of some rows on vectors at 0, step, 2 step ... below n, of which the lanes given are
 * written. (Choosing lanes costs nothing in a store, but loads that choose wait for memory one after the other.) */
typedef struct patch {
  int64_t n, step, rows;
  const int64_t *next; /* from one row to the next, of the result and the operands */
  vlanes lanes;
} patch;
typedef void (*dense_row)(const patch *at, void *out, const real *const *in, real a, real b);

typedef struct job {
  dense_row row;
  int operands;
  int64_t bytes; /* of an element of the result */
  real a, b;
} job;

/* m elements of a strided operand brought together; what is left of the last vector repeats the last one. */
static void gather(int64_t m, const real *from, int64_t stride, real *to) {
  for (int64_t i = 0; i < m; i++) to[i] = from[i * stride];
  for (int64_t i = m; i % (int64_t) VLEN != 0; i++) to[i] = to[m - 1];
}

static void fill(int64_t m, real *to, real value) {
  for (int64_t i = 0; i < m; i += VLEN) vstore(to + i, vset(value));
}

static inline void *place(const job *j, void *out, int64_t at) { return (char *) out + at * j->bytes; }

static inline void run_patch(const job *j, int64_t n, int64_t step, vlanes lanes, void *out, const real *const *in) {
  static const int64_t none[MOST + 1];
  j->row(&(patch) {n, step, 1, none, lanes}, out, in, j->a, j->b);
}

/* Some lanes of the vector at `at`; nothing else is read or written. */
static inline void run_lanes(const job *j, vlanes lanes, int64_t at, void *out, const real *const *in) {
  real block[MOST][VLEN] __attribute__((aligned(64)));
  const real *p[MOST];
  for (int k = 0; k < j->operands; k++) {
    vstore(block[k], vload_lanes(in[k] + at, lanes));
    p[k] = block[k];
  }
  run_patch(j, VLEN, VLEN, lanes, place(j, out, at), p);
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
  run_patch(j, VLEN, VLEN, vfirst(VLEN), block[MOST], end);
  memcpy(place(j, out, at), block[MOST], (size_t) (m * j->bytes));
}

/* Rows of n elements without gaps: whole vectors of all rows, then what is left of each. There whole vectors are read too, where
 * rows follow that far. */
static void run_rows(const job *j, int64_t n, int64_t rows, void *out, const real *const *in, const int64_t *next) {
  int64_t whole = n - n % (int64_t) VLEN, rest = n - whole, beyond = VLEN - rest, easy = VCHOOSE ? rows : 0;
  const real *at[MOST];
  if (whole > 0) j->row(&(patch) {whole, VLEN, rows, next, vfirst(VLEN)}, out, in, j->a, j->b);
  if (rest == 0) return;
  for (int k = 0; k < j->operands; k++) {
    at[k] = in[k] + whole;
    if (next[k + 1] <= 0) easy = 0;
    while (easy > 0 && (rows - easy) * next[k + 1] < beyond) easy--;
  }
  if (easy > 0) j->row(&(patch) {VLEN, VLEN, easy, next, vfirst(rest)}, place(j, out, whole), at, j->a, j->b);
  for (int64_t r = easy; r < rows; r++) {
    for (int k = 0; k < j->operands; k++) at[k] = in[k] + r * next[k + 1];
    run_rest(j, rest, whole, place(j, out, r * next[0]), at);
  }
}

static void spread(const job *j, int64_t m, void *out, int64_t stride, const void *from) {
  const real *block = from;
  const uint8_t *bytes = from;
  if (j->bytes == 1) for (int64_t i = 0; i < m; i++) ((uint8_t *) out)[i * stride] = bytes[i];
  else for (int64_t i = 0; i < m; i++) ((real *) out)[i * stride] = block[i];
}

/* One row over operands of any step: those with gaps pass through small blocks. */
static void run_row(const job *j, int64_t n, void *out, const real *const *p, const int64_t *s) {
  static const int64_t none[MOST + 1];
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

/* -- combs: the result or operands have small gaps ----------------------------------------------------------------------- */

/* An element may take up to so many places. */
enum { PLACES = VCHOOSE ? 4 : 1 };
#if defined(__AVX512F__)
enum { CHUNK = 96 /* vectors */, FAR = (1 << 17) / sizeof(real) };

/* How an operand lies: in the places of the comb, without gaps, or as one number. */
typedef enum lie { COMB, DENSE, ONE } lie;

typedef struct combed {
  const job *j;
  lie lie[MOST + 1];
  real *p[MOST + 1];
  comb out, back; /* indices that spread dense operands, and that bring a dense result together */
  bool ahead;
  real block[MOST + 1][CHUNK * VLEN] __attribute__((aligned(64)));
} combed;

static inline V permute(VI index, V v) { return (V) VINTEGER(permutexvar)((__m512i) index, (__m512i) v); }

/* A vector at an end: its places begin at `at`, its elements at e; nothing beyond is touched. */
static void comb_edge(combed *c, int64_t f, int64_t at, int64_t e) {
  vlanes here = c->out.lanes[f] & lanes_in(at, c->out.span);
  const real *in[MOST];
  for (int k = 0; k < c->j->operands; k++) {
    real *block = c->block[k + 1];
    in[k] = block;
    if (c->lie[k + 1] == COMB) vstore(block, vload_lanes(c->p[k + 1] + at, here));
    if (c->lie[k + 1] == DENSE) vstore(block, permute(c->out.index[f], vload_lanes(c->p[k + 1] + e, lanes_in(e, c->out.count))));
  }
  if (c->lie[0] == COMB) {
    run_patch(c->j, VLEN, VLEN, here, c->p[0] + at, in);
    return;
  }
  run_patch(c->j, VLEN, VLEN, vfirst(VLEN), c->block[0], in);
  vstore_lanes(c->p[0] + e, permute(c->back.index[f], vload(c->block[0])), lanes_in(e, comb_end(&c->out, f, e)));
}

/* The result's block side by side. What is too much of a vector the next one overwrites. */
static inline __attribute__((always_inline)) void bring_back(const combed *c, int64_t turns, int64_t e, int phases) {
  int64_t end = e + turns * c->out.step + c->out.base[0], last = c->out.base[phases - 1] + (int64_t) VLEN;
  const real *from = c->block[0];
  for (int64_t i = 0; i < turns; i++, e += c->out.step) {
    bool inside = e + last <= end;
    for (int f = 0; f < phases; f++, from += VLEN) {
      int64_t to = e + c->out.base[f];
      V v = permute(c->back.index[f], vload(from));
      if (inside) vstore(c->p[0] + to, v);
      else vstore_lanes(c->p[0] + to, v, lanes_in(to, end));
    }
  }
}

static void comb_turns(combed *c, int64_t turns, int64_t at, int64_t e) {
  const comb *o = &c->out;
  const real *in[MOST], *each[MOST];
  int64_t phases = o->phases, all = phases * (int64_t) VLEN;
  for (int k = 0; k < c->j->operands; k++) {
    const real *p = c->p[k + 1];
    in[k] = c->lie[k + 1] == COMB ? p + at : c->block[k + 1];
    if (c->lie[k + 1] == COMB && c->ahead)
      for (int64_t i = at + turns * all; i < at + 2 * turns * all && i < o->span; i += VLEN) __builtin_prefetch(p + i);
    for (int64_t f = 0; c->lie[k + 1] == DENSE && f < phases; f++) {
      VI index = o->index[f];
      const real *from = p + e + o->base[f];
      for (int64_t i = f * (int64_t) VLEN; i < turns * all; i += all, from += o->step)
        vstore(c->block[k + 1] + i, permute(index, vload(from)));
    }
  }
  if (c->lie[0] == DENSE) {
    run_patch(c->j, turns * all, VLEN, vfirst(VLEN), c->block[0], in);
    if (phases == 1) bring_back(c, turns, e, 1);
    else if (phases == 3) bring_back(c, turns, e, 3);
    else bring_back(c, turns, e, (int) phases);
    return;
  }
  for (int64_t f = 0; f < phases; f++) { /* vectors that need the same lanes in one call */
    for (int k = 0; k < c->j->operands; k++) each[k] = in[k] + f * (int64_t) VLEN;
    run_patch(c->j, turns * all - f * (int64_t) VLEN, all, o->lanes[f], c->p[0] + at + f * (int64_t) VLEN, each);
  }
}

static __attribute__((noinline)) void run_comb(combed *c) {
  const comb *o = &c->out;
  int64_t all = o->phases * (int64_t) VLEN, last = o->base[o->phases - 1] + (int64_t) VLEN;
  for (int64_t at = -o->lead, e = 0; at < o->span;) {
    int64_t turns = at < 0 ? 0 : (o->span - at) / all;
    if (turns > CHUNK / o->phases) turns = CHUNK / o->phases;
    while (turns > 0 && e + (turns - 1) * o->step + last > o->count) turns--;
    if (turns > 0) {
      comb_turns(c, turns, at, e);
      at += turns * all, e += turns * o->step;
      continue;
    }
    for (int64_t f = 0; f < o->phases && at < o->span; f++, at += VLEN) comb_edge(c, f, at, e + o->base[f]);
    e += o->step;
  }
}

/* Runs the plane if it is a comb, or if its rows are. */
static bool run_combs(const job *j, int64_t n, int64_t rows, void *const *p, const int64_t *s, const int64_t *next) {
  bool single;
  int64_t pitch = j->bytes == sizeof(real) ? tch_comb_pitch(j->operands, n, rows, s, next, PLACES, &single) : 0, streams = 0;
  if (pitch == 0) return false;
  combed c;
  c.j = j;
  int first = -1;
  for (int k = 0; k <= j->operands; k++) {
    c.lie[k] = (single ? s[k] : next[k]) == pitch ? COMB : s[k] == 0 ? ONE : DENSE;
    if (c.lie[k] == COMB && first < 0) first = k;
    streams += k > 0 && c.lie[k] == COMB;
  }
  for (int64_t r = 0; r < (single ? rows : 1); r++) {
    for (int k = 0; k <= j->operands; k++) {
      c.p[k] = (real *) p[k] + r * next[k];
      if (c.lie[k] == ONE && (r == 0 || next[k] != 0)) fill(CHUNK * VLEN, c.block[k], *c.p[k]);
    }
    if (r == 0 || comb_lead(c.p[first]) != c.out.lead) {
      comb_of(false, single ? 1 : n, single ? n : rows, pitch, c.p[first], &c.out);
      if (c.lie[0] == DENSE) comb_of(true, single ? 1 : n, single ? n : rows, pitch, c.p[first], &c.back);
    }
    c.ahead = (streams > 1 || c.out.phases > 1) && c.out.span > FAR; /* jumps are not foreseen by the processor */
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

/* Rows without gaps, of operands that may be one number for all. */
static void run_plain(const job *j, int64_t n, int64_t rows, void *const *p, const int64_t *s, const int64_t *next) {
  real block[MOST][BLOCK] __attribute__((aligned(64)));
  const real *in[MOST];
  for (int k = 0; k < j->operands; k++) {
    in[k] = p[k + 1];
    if (s[k + 1] == 1) continue;
    fill(n, block[k], *in[k]);
    in[k] = block[k];
  }
  run_rows(j, n, rows, p[0], in, next);
}

/* Runs over planes; rows that follow each other are one. */
static void run(const job *j, int64_t n, int64_t rows, void *const *p, const int64_t *s, const int64_t *next) {
  bool follow = true, plain = s[0] == 1;
  for (int k = 0; k <= j->operands; k++) follow = follow && (rows == 1 || next[k] == n * s[k]);
  if (follow) n *= rows, rows = 1;
  for (int k = 0; k <= j->operands; k++) plain = plain && (s[k] == 1 || (s[k] == 0 && n <= BLOCK && (rows == 1 || next[k] == 0)));
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

/* A row of 1 to 4 operands named o1 .. o4. */
#define ROW(function, operands, o1, o2, o3, o4, expression)                                             \
  static void function##_dense(const patch *at, void *to, const real *const *in, real a UNUSED, real b UNUSED) { \
    const real *p1 = in[0], *p2 = in[operands > 1 ? 1 : 0], *p3 = in[operands > 2 ? 2 : 0],             \
               *p4 = in[operands > 3 ? 3 : 0];                                                          \
    real *out = to;                                                                                     \
    const int64_t n = at->n, step = at->step;                                                           \
    const vlanes lanes UNUSED = at->lanes;                                                              \
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
    const job j = {function##_dense, operands, sizeof(real), (real) ab[0], (real) ab[1]};               \
    run(&j, n, rows, p, s, next);                                                                       \
  }

#define UNARY(name, types, f, dx, ddx)              \
  ROW(unary_##name, 1, x, y_, g_, z_, f)            \
  ROW(unary_grad_##name, 3, g, x, y, z_, dx)        \
  ROW(unary_grad2_##name, 3, g, x, y, z_, ddx)
#define BINARY(name, types, f, dx, dy)              \
  ROW(binary_##name, 2, x, y, g_, z_, f)            \
  ROW(binary_dx_##name, 4, g, x, y, z, dx)          \
  ROW(binary_dy_##name, 4, g, x, y, z, dy)
#define TERNARY(name, f, dx, dy, dz)                \
  ROW(ternary_##name, 3, x, y, z, g_, f)            \
  ROW(ternary_dx_##name, 4, g, x, y, z, dx)         \
  ROW(ternary_dy_##name, 4, g, x, y, z, dy)         \
  ROW(ternary_dz_##name, 4, g, x, y, z, dz)
#define TRUTHS(test)                                                                                    \
  for (int64_t i = 0; i < n; i++) {                                                                     \
    real x = xs[i], y = ys[i];                                                                          \
    out[i] = test;                                                                                      \
  }
#if defined(__AVX512F__)
/* For rows that are short beside what the compiler does at the ends of its loops, or of which some lanes are written. */
#define TRUTHS_OF_LANES(test)                                                                           \
  for (int64_t i = 0; i < n; i += VLEN) {                                                               \
    V x = vload(xs + i), y = vload(ys + i);                                                             \
    _mm_mask_storeu_epi8(out + i, lanes, _mm_maskz_set1_epi8(VLANES_OF((VI) (test)), 1));               \
  }
#else
#define TRUTHS_OF_LANES TRUTHS
#endif
#define COMPARE(name, test)                                                                             \
  static void compare_##name##_dense(const patch *at, void *to, const real *const *in, real a UNUSED, real b UNUSED) { \
    const real *restrict xs = in[0], *restrict ys = in[1];                                              \
    uint8_t *restrict out = to;                                                                         \
    const int64_t n = at->n;                                                                            \
    const vlanes lanes UNUSED = at->lanes;                                                              \
    for (int64_t r = at->rows; r > 0; r--, out += at->next[0], xs += at->next[1], ys += at->next[2])    \
      if (n < 256) TRUTHS_OF_LANES(test) else TRUTHS(test)                                              \
  }                                                                                                     \
  static void compare_##name(int64_t n, int64_t rows, void *const *p, const int64_t *s, const int64_t *next, \
                             const double *ab UNUSED) {                                                 \
    const job j = {compare_##name##_dense, 2, 1, 0, 0};                                                 \
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
