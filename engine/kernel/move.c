/* Moves between grids for one word size and instruction set; see move.h. */
#include "kernel/comb.h"
#include "kernel/move.h"
#include "kernel/simd.h"

#define NAME2(type, isa) tch_move_kernels_##type##_##isa
#define NAME(type, isa) NAME2(type, isa)

typedef bits word __attribute__((may_alias));
typedef bits VW __attribute__((vector_size(VBYTES), aligned(sizeof(bits)), may_alias));
enum {
  NEAR = 8, /* strides whose gaps cost less to read than single elements */
  WRITE = 4, /* the same for writing */
  AHEAD = 1024 / sizeof(bits), /* places ahead that are fetched: stores through masks wait for their lines */
  FAR = (1 << 18) / sizeof(bits) /* of a comb, where that repays */
};

typedef enum way { GATHER, SCATTER, ALIKE, VALUE } way;

/* -- combs: rows of n elements, `pitch` places apart, in vectors ----------------------------------------------------------- */

#if defined(__AVX512F__)
enum {
  FEW = 3,  /* phases whose masks and indices stay in registers */
  PICKS = 9 /* vectors of memory that one of the result is picked from, at most */
};

/* A vector at an end: nothing beyond is touched. Its places begin at `at`, its elements at e. */
static void comb_edge(const comb *c, way w, int64_t f, int64_t at, int64_t e, word *to, const word *from) {
  vlanes here = c->lanes[f] & lanes_in(at, c->span);
  __m512i v = VINTEGER(set1)(*from);
  if (w == SCATTER) v = VINTEGER(permutexvar)((__m512i) c->index[f], VINTEGER(maskz_loadu)(lanes_in(e, c->count), from + e));
  if (w == ALIKE) v = VINTEGER(maskz_loadu)(here, from + at);
  VINTEGER(mask_storeu)(to + at, here, v);
}

/* phases 0: any. */
static inline __attribute__((always_inline)) void comb_turns(const comb *c, way w, word *to, const word *from, int phases,
                                                             bool half) {
  const int64_t n = phases > 0 ? phases : c->phases, all = n * (int64_t) VLEN, last = c->base[n - 1] + (int64_t) VLEN;
  const int64_t ahead = c->span > FAR ? AHEAD : 0;
  VI index[FEW];
  vlanes lanes[FEW];
  __m512i v = VINTEGER(set1)(*from);
#pragma GCC unroll 4
  for (int f = 0; f < phases; f++) index[f] = c->index[f], lanes[f] = c->lanes[f];
  for (int64_t at = -c->lead, e = 0; at < c->span; e += c->step) {
    for (; at >= 0 && at + all <= c->span && (w != SCATTER || e + last <= c->count); at += all, e += c->step) {
#pragma GCC unroll 4
      for (int64_t f = 0; f < n; f++) {
        int64_t place = at + f * (int64_t) VLEN;
        if (w == ALIKE) v = _mm512_loadu_si512(from + place);
        if (w == SCATTER) v = comb_elements(phases > 0 ? index[f] : c->index[f], from + e + c->base[f], half);
        __builtin_prefetch(to + place + ahead, 1);
        VINTEGER(mask_storeu)(to + place, phases > 0 ? lanes[f] : c->lanes[f], v);
      }
    }
    for (int f = 0; f < n && at < c->span; f++, at += VLEN) comb_edge(c, w, f, at, e + c->base[f], to, from);
  }
}

static inline __attribute__((always_inline)) void comb_way(const comb *c, way w, word *to, const word *from, bool half) {
  if (c->phases == 1) comb_turns(c, w, to, from, 1, half);
  else if (c->phases == 3) comb_turns(c, w, to, from, 3, half);
  else comb_turns(c, w, to, from, 0, half);
}

/* A comb brought together, seen from the result, whose vectors repeat after `phases` of them and `period` places: the f-th is
 * picked from `most` vectors of memory, the first of which begins at place first[f]; index[f] picks from two vectors, then from
 * what was picked and one more. */
typedef struct picks {
  int64_t phases, most, period, first[VLEN];
  VI index[VLEN][PICKS - 1];
} picks;

/* lead: where in a vector the comb begins. */
static __attribute__((noinline)) void picks_of(int64_t n, int64_t pitch, int64_t lead, picks *c) {
  c->phases = comb_phases(n);
  c->period = c->phases * (int64_t) VLEN / n * pitch;
  c->most = 2;
  for (int64_t f = 0; f < c->phases; f++) {
    VI e = viota() + (bits) (f * VLEN), row = e * (bits) ((0xffff + n) / n) >> 16;
    VI place = e + row * (bits) (pitch - n) + (bits) lead;
    c->first[f] = place[0] & -(int64_t) VLEN;
    place -= (bits) c->first[f];
    if (place[VLEN - 1] / (int64_t) VLEN >= c->most) c->most = place[VLEN - 1] / (int64_t) VLEN + 1;
    c->index[f][0] = place;
  }
  for (int64_t f = 0; f < c->phases; f++)
    for (bits k = 2; k < (c->most < 4 ? 4 : c->most); k++) {
      VI place = c->index[f][0], here = (VI) ((place & -(bits) VLEN) == k * (bits) VLEN);
      c->index[f][k - 1] = (here & ((place & (bits) (VLEN - 1)) + (bits) VLEN)) | (~here & viota());
    }
}

/* The f-th vector, of places at from + at; those from `end` on are not touched. */
static inline __m512i pick_edge(const picks *c, int64_t f, const word *from, int64_t at, int64_t end) {
  __m512i v = VINTEGER(maskz_loadu)(lanes_in(at, end), from + at);
  for (int64_t k = 1; k < c->most; k++) {
    int64_t place = at + k * (int64_t) VLEN;
    v = VINTEGER(permutex2var)(v, (__m512i) c->index[f][k - 1], VINTEGER(maskz_loadu)(lanes_in(place, end), from + place));
  }
  return v;
}

/* As many turns; phases 0, most 0: any. */
static inline __attribute__((always_inline)) void pick_turns(const picks *c, int64_t turns, word *to, const word *from, int phases,
                                                             int most) {
  VI index[FEW][PICKS - 1];
  const int64_t n = phases > 0 ? phases : c->phases, m = most > 0 ? most : c->most;
#pragma GCC unroll 4
  for (int f = 0; f < phases; f++)
#pragma GCC unroll 8
    for (int k = 0; k < most - 1; k++) {
      index[f][k] = c->index[f][k];
      __asm__("" : "+v"(index[f][k])); /* stays in a register */
    }
  for (; turns > 0; turns--, from += c->period)
#pragma GCC unroll 4
    for (int64_t f = 0; f < n; f++, to += VLEN) {
      const word *p = from + c->first[f];
      __m512i v = _mm512_loadu_si512(p);
#pragma GCC unroll 8
      for (int64_t k = 1; k < m; k++)
        v = VINTEGER(permutex2var)(v, (__m512i) (phases > 0 ? index[f][k - 1] : c->index[f][k - 1]),
                                   _mm512_loadu_si512(p + k * VLEN));
      _mm512_storeu_si512(to, v);
    }
}

static void gather_comb(int64_t n, int64_t rows, word *to, const word *from, int64_t pitch) {
  picks c;
  int64_t lead = comb_lead(from);
  for (; lead >= pitch; lead = (lead + pitch) % (int64_t) VLEN, rows--, from += pitch) /* until a row begins early in a vector */
    for (int64_t i = 0; i < n; i++) *to++ = from[i];
  picks_of(n, pitch, lead, &c);
  if (c.phases == 3 && c.most == 3) c.most = 4;
  from -= lead;
  int64_t end = lead + (rows - 1) * pitch + n, count = n * rows, turns = 0;
  int64_t reach = c.first[c.phases - 1] + c.most * (int64_t) VLEN;
  if (end >= reach) turns = (end - reach) / c.period + 1;
  if (c.phases == 1 && c.most == 2) pick_turns(&c, turns, to, from, 1, 2);
  else if (c.phases == 1 && c.most == 3) pick_turns(&c, turns, to, from, 1, 3);
  else if (c.phases == 1 && c.most == 4) pick_turns(&c, turns, to, from, 1, 4);
  else if (c.phases == 3 && c.most == 2) pick_turns(&c, turns, to, from, 3, 2);
  else if (c.phases == 3 && c.most == 4) pick_turns(&c, turns, to, from, 3, 4);
  else pick_turns(&c, turns, to, from, 0, 0);
  for (int64_t e = turns * c.phases * (int64_t) VLEN, f = 0, at = turns * c.period; e < count; e += VLEN) {
    VINTEGER(mask_storeu)(to + e, lanes_in(e, count), pick_edge(&c, f, from, at + c.first[f], end));
    if (++f == c.phases) f = 0, at += c.period;
  }
}

/* Moves rows of n elements, t1 and f1 places apart, in vectors, if that repays. f0 0: they are all one value. */
static __attribute__((noinline)) bool move_comb(int64_t n, int64_t rows, word *to, int64_t t1, const word *from, int64_t f0,
                                                int64_t f1) {
  way w = t1 == n ? GATHER : f0 == 0 ? VALUE : f1 == n ? SCATTER : ALIKE;
  int64_t pitch = w == GATHER ? f1 : t1;
  if (n >= (int64_t) VLEN || n * rows < 4 * (int64_t) VLEN || pitch <= n || pitch > TCH_PITCH) return false;
  if (pitch > (w == GATHER && n == 1 ? NEAR : WRITE) * n) return false;
  if ((f0 == 0) != (w == VALUE) || (w == VALUE && f1 != 0) || (w == ALIKE && f1 != t1)) return false;
  if (w == GATHER) {
    gather_comb(n, rows, to, from, pitch);
    return true;
  }
  comb c;
  comb_of(n, rows, pitch, to, &c);
  switch (w) {
    case SCATTER:
      if (c.half) comb_way(&c, SCATTER, to, from, true);
      else comb_way(&c, SCATTER, to, from, false);
      break;
    case ALIKE: comb_way(&c, ALIKE, to, from, false); break;
    default: comb_way(&c, VALUE, to, from, false); break;
  }
  return true;
}
#else
static bool move_comb(int64_t n, int64_t rows, word *to, int64_t t1, const word *from, int64_t f0, int64_t f1) { return false; }
#endif

/* -- rows without gaps on both sides ---------------------------------------------------------------------------------------- */

/* Rows of `bytes` bytes, which are from B to 2 B: two moves that may overlap. */
#define ROWS(B)                                           \
  for (int64_t j = 0; j < rows; j++) {                    \
    char *t = (char *) (to + j * t1);                     \
    const char *f = (const char *) (from + j * f1);       \
    memcpy(t, f, (B));                                    \
    memcpy(t + bytes - (B), f + bytes - (B), (B));        \
  }

static void copy_rows(int64_t n, int64_t rows, word *to, int64_t t1, const word *from, int64_t f1) {
  int64_t bytes = n * (int64_t) sizeof(word);
  if (bytes >= 1024) {
    for (int64_t j = 0; j < rows; j++) memcpy(to + j * t1, from + j * f1, (size_t) bytes);
  } else if (bytes >= VBYTES) {
    for (int64_t j = 0; j < rows; j++) {
      word *t = to + j * t1;
      const word *f = from + j * f1;
      for (int64_t i = 0; i < n - (int64_t) VLEN; i += VLEN) *(VW *) (t + i) = *(const VW *) (f + i);
      *(VW *) (t + n - VLEN) = *(const VW *) (f + n - VLEN);
    }
  } else if (bytes >= 32) {
    ROWS(32)
  } else if (bytes >= 16) {
    ROWS(16)
  } else if (bytes >= 8) {
    ROWS(8)
  } else {
    ROWS(4)
  }
}

/* -- single elements with gaps ------------------------------------------------------------------------------------------- */

/* f(s) with strides known to the compiler, where it makes vectors of them. */
#if defined(__AVX512F__)
#define STRIDES(f, s) \
  if (s == -1) f(-1)  \
  else f(s)
#else
#define STRIDES(f, s)    \
  switch (s) {           \
    case -1: f(-1) break; \
    case 2: f(2) break;  \
    case 3: f(3) break;  \
    case 4: f(4) break;  \
    default: f(s) break; \
  }
#endif

static void gather_row(int64_t n, word *restrict to, const word *restrict from, int64_t s) {
#define GATHERED(s) for (int64_t i = 0; i < n; i++) to[i] = from[i * (s)];
  if (move_comb(1, n, to, 1, from, 1, s)) return;
  STRIDES(GATHERED, s)
}

static void scatter_row(int64_t n, word *restrict to, int64_t s, const word *restrict from) {
#define SCATTERED(s) for (int64_t i = 0; i < n; i++) to[i * (s)] = from[i];
  if (move_comb(1, n, to, s, from, 1, 1)) return;
  STRIDES(SCATTERED, s)
}

static void fill_row(int64_t n, word *to, int64_t s, const word *value) {
  word one = *value;
  VW v = one - (VW) {0};
  int64_t i = 0;
  for (; s == 1 && i + (int64_t) VLEN <= n; i += VLEN) *(VW *) (to + i) = v;
  if (s != 1 && move_comb(1, n, to, s, value, 0, 0)) return;
  for (to += i * s; i + 4 <= n; i += 4, to += 4 * s) /* four places that do not wait for each other */
    to[0] = one, to[s] = one, to[2 * s] = one, to[3 * s] = one;
  for (; i < n; i++, to += s) *to = one;
}

/* Gaps on both sides: where they are not the same, through a block. */
static void row(int64_t n, word *restrict to, int64_t t, const word *restrict from, int64_t f) {
  enum { BLOCK = 256 };
  word block[BLOCK];
  int64_t i = 0;
  if (t == f && move_comb(1, n, to, t, from, 1, f)) return;
  for (int64_t m; i < n && n > BLOCK / 8; i += m) {
    m = n - i < BLOCK ? n - i : BLOCK;
    gather_row(m, block, from + i * f, f);
    scatter_row(m, to + i * t, t, block);
  }
  for (; i < n; i++) to[i * t] = from[i * f];
}

/* -- transpositions: 16 bytes of each of several rows side by side in one vector, turned by interleaving ---------------------- */

enum { PART = 16 / sizeof(word) };
typedef real part __attribute__((vector_size(16)));
typedef real part_anywhere __attribute__((vector_size(16), aligned(sizeof(real)), may_alias));

#if defined(__SSE2__)
#define PART_SUFFIX(name) VSUFFIX(name)
#define PART_LOW(a, b) ((part) PART_SUFFIX(_mm_unpacklo)(a, b))
#define PART_HIGH(a, b) ((part) PART_SUFFIX(_mm_unpackhi)(a, b))
#define LOW(a, b) ((V) VX86(unpacklo)(a, b))
#define HIGH(a, b) ((V) VX86(unpackhi)(a, b))
#else
#if defined(TCH_REAL_IS_float)
#define LOW_LANES 0, 4, 1, 5
#define HIGH_LANES 2, 6, 3, 7
#else
#define LOW_LANES 0, 2
#define HIGH_LANES 1, 3
#endif
#ifdef __clang__
#define PART_LOW(a, b) __builtin_shufflevector(a, b, LOW_LANES)
#define PART_HIGH(a, b) __builtin_shufflevector(a, b, HIGH_LANES)
#else
#define PART_LOW(a, b) __builtin_shuffle(a, b, (VI) {LOW_LANES})
#define PART_HIGH(a, b) __builtin_shuffle(a, b, (VI) {HIGH_LANES})
#endif
#define LOW PART_LOW
#define HIGH PART_HIGH
#endif

static inline part load_part(const word *p) { return (part) * (const part_anywhere *) p; }

/* Rows start at q[0] + step[0 .. 3], q[1] + step[0 .. 3], ...: parts of rows i, i + PART, ... in the lanes of a vector. */
static inline V load_parts(const word *const *q, const int64_t *step, int i) {
#define ROW_PART(k) load_part(q[(i + (k) * (int) PART) / 4] + step[(i + (k) * (int) PART) % 4])
#if defined(__AVX512F__)
  __m512 v = _mm512_castps128_ps512((__m128) ROW_PART(0));
  v = _mm512_insertf32x4(v, (__m128) ROW_PART(1), 1);
  v = _mm512_insertf32x4(v, (__m128) ROW_PART(2), 2);
  return (V) _mm512_insertf32x4(v, (__m128) ROW_PART(3), 3);
#elif defined(__AVX2__)
  return (V) _mm256_insertf128_ps(_mm256_castps128_ps256((__m128) ROW_PART(0)), (__m128) ROW_PART(1), 1);
#else
  return ROW_PART(0);
#endif
}

/* PART columns of as many rows as T holds. */
#define TURN(name, T, STORED, LOAD, LOW, HIGH)                                                                  \
  static inline void name(word *to, const int64_t *to_step, const word *const *q, const int64_t *step) {        \
    T a[PART], b[PART];                                                                                         \
    for (int i = 0; i < (int) PART; i++) a[i] = LOAD;                                                           \
    for (int round = 1; round < (int) PART; round *= 2) {                                                       \
      for (int i = 0; i < (int) PART / 2; i++) {                                                                \
        b[2 * i] = LOW(a[i], a[i + PART / 2]);                                                                  \
        b[2 * i + 1] = HIGH(a[i], a[i + PART / 2]);                                                             \
      }                                                                                                         \
      for (int i = 0; i < (int) PART; i++) a[i] = b[i];                                                         \
    }                                                                                                           \
    for (int i = 0; i < (int) PART; i++) *(STORED *) (to + to_step[i]) = a[i];                                  \
  }
TURN(turn_vectors, V, VU, load_parts(q, step, i), LOW, HIGH)
TURN(turn_parts, part, part_anywhere, load_part(q[0] + step[i]), PART_LOW, PART_HIGH)

/* Strips of `height` rows, for which TURN_SOME works, from row i on. */
#define STRIPS(TURN_SOME, height)                                                                               \
  for (; i + (int64_t) (height) <= n0; i += (height)) {                                                         \
    const word *q[((height) + 3) / 4];                                                                          \
    for (size_t k = 0; k < sizeof q / sizeof *q; k++) q[k] = from + tch_place(f, i + 4 * (int64_t) k);          \
    for (int64_t four = 0; four < n1 / 4; four++)                                                               \
      for (int j = 0; j < 4; j += PART) {                                                                       \
        TURN_SOME(to + i + t->at[four], t_step + j, q, f_step);                                                 \
        for (size_t k = 0; k < sizeof q / sizeof *q; k++) q[k] += PART;                                         \
      }                                                                                                         \
  }

static void turn(int64_t n0, int64_t n1, int64_t blocks, void *to_, const tch_places *t, const void *from_, const tch_places *f) {
  word *to = to_;
  const word *from = from_;
  const int64_t t_step[4] = {0, t->step, 2 * t->step, 3 * t->step}, f_step[4] = {0, f->step, 2 * f->step, 3 * f->step};
  const int64_t whole = n1 - n1 % 4;
  for (; blocks > 0; blocks--, to += t->next, from += f->next) {
    int64_t i = 0;
    STRIPS(turn_vectors, VLEN)
    STRIPS(turn_parts, PART)
    for (; i < n0; i++)
      for (int64_t j = 0; j < whole; j++) to[i + tch_place(t, j)] = from[tch_place(f, i) + j];
    for (int64_t j = whole; j < n1; j++)
      for (i = 0; i < n0; i++) to[i + tch_place(t, j)] = from[tch_place(f, i) + j];
  }
}

/* to[i + j * t1] = from[i * f0 + j] */
static void turn_plane(int64_t n0, int64_t n1, word *to, int64_t t1, const word *from, int64_t f0) {
  enum { SIDE = 128 };
  int64_t t[SIDE / 4], f[SIDE / 4];
  for (int64_t i = 0; i < SIDE / 4; i++) t[i] = 4 * i * t1, f[i] = 4 * i * f0;
  for (int64_t i = 0; i < n0; i += SIDE)
    for (int64_t j = 0; j < n1; j += SIDE)
      turn(n0 - i < SIDE ? n0 - i : SIDE, n1 - j < SIDE ? n1 - j : SIDE, 1, to + i + j * t1, &(tch_places) {t1, t, 0},
           from + i * f0 + j, &(tch_places) {f0, f, 0});
}

/* -- bytes with gaps: 16 of them lie in s vectors of 16, whose bytes are picked by shuffles ------------------------------ */

enum { BYTES = 16, SPAN = 4 /* places for a byte */ };

#if defined(__AVX2__)
static inline __attribute__((always_inline)) int64_t gather_bytes(int64_t n, uint8_t *to, const uint8_t *from, int s) {
  uint8_t pick[SPAN][BYTES];
  __m128i shuffle[SPAN];
  int64_t i = 0;
  for (int k = 0; k < s; k++) {
    for (int lane = 0; lane < BYTES; lane++) pick[k][lane] = (uint8_t) (lane * s / BYTES == k ? lane * s % BYTES : 0x80);
    shuffle[k] = _mm_loadu_si128((const __m128i *) pick[k]);
  }
  for (; i + BYTES < n; i += BYTES) {
    __m128i v = _mm_setzero_si128();
#pragma GCC unroll 8
    for (int k = 0; k < s; k++)
      v = _mm_or_si128(v, _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *) (from + i * s + k * BYTES)), shuffle[k]));
    _mm_storeu_si128((__m128i *) (to + i), v);
  }
  return i;
}
#endif

#if defined(__AVX512F__)
static inline __attribute__((always_inline)) int64_t scatter_bytes(int64_t n, uint8_t *to, const uint8_t *from, int s) {
  uint8_t pick[SPAN][BYTES];
  __m128i shuffle[SPAN];
  __mmask16 lanes[SPAN];
  int64_t i = 0;
  for (int k = 0; k < s; k++) {
    lanes[k] = 0;
    for (int lane = 0; lane < BYTES; lane++) {
      pick[k][lane] = (uint8_t) ((k * BYTES + lane) / s);
      if ((k * BYTES + lane) % s == 0) lanes[k] |= (__mmask16) (1 << lane);
    }
    shuffle[k] = _mm_loadu_si128((const __m128i *) pick[k]);
  }
  for (; i + BYTES <= n; i += BYTES) {
    __m128i v = _mm_loadu_si128((const __m128i *) (from + i));
#pragma GCC unroll 8
    for (int k = 0; k < s; k++) _mm_mask_storeu_epi8(to + i * s + k * BYTES, lanes[k], _mm_shuffle_epi8(v, shuffle[k]));
  }
  return i;
}
#endif

/* Rows of n bytes, of which a vector holds a whole number: brought together, each vector overwriting what the one before had too
 * much, or written through masks. */
static bool byte_rows(int64_t n, int64_t rows, uint8_t *to, int64_t t1, const uint8_t *from, int64_t f1) {
#if defined(__AVX512F__)
  bool together = t1 == n;
  int64_t pitch = together ? f1 : t1, r = 0, each = pitch > 0 ? BYTES / pitch : 0, some = each * n;
  if (n >= pitch || each < 2 || BYTES % pitch != 0 || (!together && f1 != n)) return false;
  uint8_t pick[BYTES] = {0};
  __mmask16 lanes = 0;
  for (int64_t i = 0; i < some; i++) {
    int64_t place = i / n * pitch + i % n;
    pick[together ? i : place] = (uint8_t) (together ? place : i);
    lanes |= (__mmask16) (1 << place);
  }
  __m128i shuffle = _mm_loadu_si128((const __m128i *) pick);
  for (; (r + each) * pitch < rows * pitch && r * n + BYTES <= rows * n; r += each) {
    __m128i v = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *) (from + r * f1)), shuffle);
    if (together) _mm_storeu_si128((__m128i *) (to + r * t1), v);
    else _mm_mask_storeu_epi8(to + r * t1, lanes, v);
  }
  for (; r < rows; r++)
    for (int64_t i = 0; i < n; i++) to[r * t1 + i] = from[r * f1 + i];
  return true;
#else
  return false;
#endif
}

static bool bytes(int64_t n0, int64_t n1, void *to_, int64_t t0, int64_t t1, const void *from_, int64_t f0, int64_t f1) {
  uint8_t *to = to_;
  const uint8_t *from = from_;
  if (t0 == 1 && f0 == 1) return n0 < BYTES && n1 > 2 * BYTES && byte_rows(n0, n1, to, t1, from, f1);
  bool gather = VBYTES > 16 && t0 == 1 && f0 >= 2 && f0 <= SPAN, scatter = VCHOOSE && f0 == 1 && t0 >= 2 && t0 <= SPAN;
  if (n0 < 4 * BYTES || (!gather && !scatter)) return false;
  for (int64_t j = 0; j < n1; j++, to += t1, from += f1) {
    int64_t i = 0;
#if defined(__AVX2__)
    if (gather)
      i = f0 == 2 ? gather_bytes(n0, to, from, 2) : f0 == 3 ? gather_bytes(n0, to, from, 3) : gather_bytes(n0, to, from, 4);
#endif
#if defined(__AVX512F__)
    if (scatter)
      i = t0 == 2 ? scatter_bytes(n0, to, from, 2) : t0 == 3 ? scatter_bytes(n0, to, from, 3) : scatter_bytes(n0, to, from, 4);
#endif
    for (; i < n0; i++) to[i * t0] = from[i * f0];
  }
  return true;
}

/* -- all of them ---------------------------------------------------------------------------------------------------------- */

static void move(int64_t n0, int64_t n1, void *to_, int64_t t0, int64_t t1, const void *from_, int64_t f0, int64_t f1) {
  word *to = to_;
  const word *from = from_;
  if (t0 != 1 && (t1 == 1 || (f0 != 1 && f1 == 1))) {
    int64_t n = n0, t = t0, f = f0;
    n0 = n1, t0 = t1, f0 = f1;
    n1 = n, t1 = t, f1 = f;
  }
  if (t0 == 1 && f0 <= 1 && f0 >= 0 && move_comb(n0, n1, to, t1, from, f0, f1)) return;
  if (t0 == 1 && f0 == 0 && f1 == 0 && n0 < (int64_t) VLEN) { /* short rows of one value */
    word block[VLEN] = {0};
    for (int64_t i = 0; i < n0; i++) block[i] = *from;
    copy_rows(n0, n1, to, t1, block, 0);
  } else if (t0 == 1 && f0 == 1) copy_rows(n0, n1, to, t1, from, f1);
  else if (t0 == 1 && f1 == 1 && f0 != 0 && n1 >= 4 && n0 >= 4) turn_plane(n0, n1, to, t1, from, f0);
  else
    for (int64_t j = 0; j < n1; j++, to += t1, from += f1) {
      if (f0 == 0) fill_row(n0, to, t0, from);
      else if (t0 == 1) gather_row(n0, to, from, f0);
      else if (f0 == 1) scatter_row(n0, to, t0, from);
      else row(n0, to, t0, from, f0);
    }
}

extern const tch_move_kernels NAME(TCH_REAL, TCH_ISA);
const tch_move_kernels NAME(TCH_REAL, TCH_ISA) = {.move = move, .turn = turn, .bytes = bytes};
