/* The register tile of the matrix and convolution kernels, over GCC vector types.
 *
 * One tile is tile_m positions by tile_n = 2 vectors of lanes; it is summed over r with one broadcast of A and two loads of
 * packed B per position, so that the multipliers and not the loads are the limit. Included once by each unit that needs it. */
#ifndef TCH_KERNEL_TILE_H
#define TCH_KERNEL_TILE_H
#include <stdint.h>
#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

typedef TCH_REAL real;

#if defined(__AVX512F__)
enum { TILE_BYTES = 64, TILE_M = 12 };
#elif defined(__AVX2__)
enum { TILE_BYTES = 32, TILE_M = 6 };
#elif defined(__aarch64__)
enum { TILE_BYTES = 16, TILE_M = 12 };
#else
enum { TILE_BYTES = 16, TILE_M = 6 };
#endif
enum { LANES = TILE_BYTES / sizeof(real), TILE_N = 2 * LANES };

typedef real vreal __attribute__((vector_size(TILE_BYTES)));
#if defined(TCH_REAL_IS_float)
typedef int32_t whole;
#else
typedef int64_t whole;
#endif
typedef whole vwhole __attribute__((vector_size(TILE_BYTES)));
typedef real vreal_u __attribute__((vector_size(TILE_BYTES), aligned(sizeof(real)), may_alias));

static inline vreal tile_load(const real *p) { return *(const vreal_u *) p; }
static inline void tile_store(real *p, vreal v) { *(vreal_u *) p = v; }
static inline vreal tile_splat(real x) { return x - (vreal){0}; }

#if defined(__AVX2__) && !defined(__AVX512F__)
static inline __m256i tile_first(int count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
#endif

/* The first `count` lanes, the rest zero; nothing behind them is touched. */
static inline vreal tile_load_part(const real *p, int count) {
  if (count >= LANES) return tile_load(p);
#if defined(__AVX512F__) && defined(TCH_REAL_IS_float)
  return (vreal) _mm512_maskz_loadu_ps((__mmask16) ((1u << count) - 1), p);
#elif defined(__AVX2__) && defined(TCH_REAL_IS_float)
  return (vreal) _mm256_maskload_ps(p, tile_first(count));
#else
  vreal v = {0};
  memcpy(&v, p, count * sizeof(real));
  return v;
#endif
}
static inline void tile_store_part(real *p, vreal v, int count) {
  if (count >= LANES) {
    tile_store(p, v);
    return;
  }
#if defined(__AVX512F__) && defined(TCH_REAL_IS_float)
  _mm512_mask_storeu_ps(p, (__mmask16) ((1u << count) - 1), (__m512) v);
#elif defined(__AVX2__) && defined(TCH_REAL_IS_float)
  _mm256_maskstore_ps(p, tile_first(count), (__m256) v);
#else
  memcpy(p, &v, count * sizeof(real));
#endif
}

/* Lanes [begin, end) of a vector at p, the rest zero; nothing else is touched. */
static inline vreal tile_load_lanes(const real *p, int begin, int end) {
#if defined(__AVX512F__) && defined(TCH_REAL_IS_float)
  return (vreal) _mm512_maskz_loadu_ps((__mmask16) ((1u << end) - (1u << begin)), p);
#elif defined(__AVX2__) && defined(TCH_REAL_IS_float)
  return (vreal) _mm256_maskload_ps(p, _mm256_andnot_si256(tile_first(begin), tile_first(end)));
#else
  vreal v = {0};
  for (int l = begin; l < end; l++) v[l] = p[l];
  return v;
#endif
}

/* The bits of p and q together. */
static inline vreal tile_or(vreal p, vreal q) { return (vreal) ((vwhole) p | (vwhole) q); }

/* a * b + c, rounded once where the instruction set can */
static inline vreal tile_fma(vreal a, vreal b, vreal c) {
#if defined(__AVX512F__) && defined(TCH_REAL_IS_float)
  return (vreal) _mm512_fmadd_ps((__m512) a, (__m512) b, (__m512) c);
#elif defined(__AVX512F__)
  return (vreal) _mm512_fmadd_pd((__m512d) a, (__m512d) b, (__m512d) c);
#elif defined(__FMA__) && defined(TCH_REAL_IS_float)
  return (vreal) _mm256_fmadd_ps((__m256) a, (__m256) b, (__m256) c);
#elif defined(__FMA__)
  return (vreal) _mm256_fmadd_pd((__m256d) a, (__m256d) b, (__m256d) c);
#else
  return a * b + c;
#endif
}

/* The sum of the lanes. */
static inline real tile_total(vreal v) {
#if defined(__AVX512F__) && defined(TCH_REAL_IS_float)
  return _mm512_reduce_add_ps((__m512) v);
#else
  real sum = 0;
  for (int l = 0; l < LANES; l++) sum += v[l];
  return sum;
#endif
}

/* mask ? p : q, lane by lane */
static inline vreal tile_either(vwhole mask, vreal p, vreal q) {
  return (vreal) (((vwhole) p & mask) | ((vwhole) q & ~mask));
}

/* min(max(v, low), high); a NaN stays one */
static inline vreal tile_clamp(vreal v, vreal low, vreal high) {
#if defined(__AVX512F__) && defined(TCH_REAL_IS_float)
  return (vreal) _mm512_min_ps((__m512) high, _mm512_max_ps((__m512) low, (__m512) v));
#elif defined(__AVX2__) && defined(TCH_REAL_IS_float)
  return (vreal) _mm256_min_ps((__m256) high, _mm256_max_ps((__m256) low, (__m256) v));
#else
  v = tile_either(v < low, low, v);
  return tile_either(v > high, high, v);
#endif
}

/* -- transposition of LANES vectors ------------------------------------------------------------------------------ */

#if defined(__clang__) || __GNUC__ >= 12
#define TILE_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#elif defined(TCH_REAL_IS_float)
typedef int32_t vindex __attribute__((vector_size(TILE_BYTES)));
#define TILE_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (vindex){__VA_ARGS__})
#else
typedef int64_t vindex __attribute__((vector_size(TILE_BYTES)));
#define TILE_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (vindex){__VA_ARGS__})
#endif

#define TILE_EXCHANGE(step, low, high)                                                                                 \
  _Pragma("GCC unroll 16") for (int i = 0; i < LANES; i++) if (!(i & step)) {                                          \
    vreal p = v[i], q = v[i + step];                                                                                   \
    v[i] = low(p, q);                                                                                                  \
    v[i + step] = high(p, q);                                                                                          \
  }

#define LOW2_1(p, q)   TILE_SHUFFLE(p, q, 0, 2)
#define HIGH2_1(p, q)  TILE_SHUFFLE(p, q, 1, 3)
#define LOW4_1(p, q)   TILE_SHUFFLE(p, q, 0, 4, 2, 6)
#define HIGH4_1(p, q)  TILE_SHUFFLE(p, q, 1, 5, 3, 7)
#define LOW4_2(p, q)   TILE_SHUFFLE(p, q, 0, 1, 4, 5)
#define HIGH4_2(p, q)  TILE_SHUFFLE(p, q, 2, 3, 6, 7)
#define LOW8_1(p, q)   TILE_SHUFFLE(p, q, 0, 8, 2, 10, 4, 12, 6, 14)
#define HIGH8_1(p, q)  TILE_SHUFFLE(p, q, 1, 9, 3, 11, 5, 13, 7, 15)
#define LOW8_2(p, q)   TILE_SHUFFLE(p, q, 0, 1, 8, 9, 4, 5, 12, 13)
#define HIGH8_2(p, q)  TILE_SHUFFLE(p, q, 2, 3, 10, 11, 6, 7, 14, 15)
#define LOW8_4(p, q)   TILE_SHUFFLE(p, q, 0, 1, 2, 3, 8, 9, 10, 11)
#define HIGH8_4(p, q)  TILE_SHUFFLE(p, q, 4, 5, 6, 7, 12, 13, 14, 15)
#define LOW16_1(p, q)  TILE_SHUFFLE(p, q, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30)
#define HIGH16_1(p, q) TILE_SHUFFLE(p, q, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31)
#define LOW16_2(p, q)  TILE_SHUFFLE(p, q, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
#define HIGH16_2(p, q) TILE_SHUFFLE(p, q, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
#define LOW16_4(p, q)  TILE_SHUFFLE(p, q, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27)
#define HIGH16_4(p, q) TILE_SHUFFLE(p, q, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31)
#define LOW16_8(p, q)  TILE_SHUFFLE(p, q, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)
#define HIGH16_8(p, q) TILE_SHUFFLE(p, q, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31)

#if defined(__AVX512F__) && defined(TCH_REAL_IS_float)
#define TILE_TRANSPOSE(E)                                                                                              \
  E(1, LOW16_1, HIGH16_1) E(2, LOW16_2, HIGH16_2) E(4, LOW16_4, HIGH16_4) E(8, LOW16_8, HIGH16_8)
#elif defined(__AVX512F__) || (defined(__AVX2__) && defined(TCH_REAL_IS_float))
#define TILE_TRANSPOSE(E) E(1, LOW8_1, HIGH8_1) E(2, LOW8_2, HIGH8_2) E(4, LOW8_4, HIGH8_4)
#elif defined(__AVX2__) || defined(TCH_REAL_IS_float)
#define TILE_TRANSPOSE(E) E(1, LOW4_1, HIGH4_1) E(2, LOW4_2, HIGH4_2)
#else
#define TILE_TRANSPOSE(E) E(1, LOW2_1, HIGH2_1)
#endif

/* v[i][j] <-> v[j][i] */
static inline __attribute__((always_inline)) void tile_transpose(vreal v[LANES]) { TILE_TRANSPOSE(TILE_EXCHANGE) }

/* -- pairs of neighbours ------------------------------------------------------------------------------------------ */

/* tile_even, tile_odd: the numbers at even and odd places of p followed by q. tile_zip0, tile_zip1: the two halves of p and q
 * taken in turn, which undoes them. tile_pairs: the numbers at even places of p and odd places of q. */
#if defined(__AVX512F__) && defined(TCH_REAL_IS_float)
#define tile_pairs(p, q) TILE_SHUFFLE(p, q, 0, 2, 4, 6, 8, 10, 12, 14, 17, 19, 21, 23, 25, 27, 29, 31)
#define tile_even(p, q) TILE_SHUFFLE(p, q, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)
#define tile_odd(p, q)  TILE_SHUFFLE(p, q, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31)
#define tile_zip0(p, q) TILE_SHUFFLE(p, q, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define tile_zip1(p, q) TILE_SHUFFLE(p, q, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif defined(__AVX512F__) || (defined(__AVX2__) && defined(TCH_REAL_IS_float))
#define tile_pairs(p, q) TILE_SHUFFLE(p, q, 0, 2, 4, 6, 9, 11, 13, 15)
#define tile_even(p, q) TILE_SHUFFLE(p, q, 0, 2, 4, 6, 8, 10, 12, 14)
#define tile_odd(p, q)  TILE_SHUFFLE(p, q, 1, 3, 5, 7, 9, 11, 13, 15)
#define tile_zip0(p, q) TILE_SHUFFLE(p, q, 0, 8, 1, 9, 2, 10, 3, 11)
#define tile_zip1(p, q) TILE_SHUFFLE(p, q, 4, 12, 5, 13, 6, 14, 7, 15)
#elif defined(__AVX2__) || defined(TCH_REAL_IS_float)
#define tile_pairs(p, q) TILE_SHUFFLE(p, q, 0, 2, 5, 7)
#define tile_even(p, q) TILE_SHUFFLE(p, q, 0, 2, 4, 6)
#define tile_odd(p, q)  TILE_SHUFFLE(p, q, 1, 3, 5, 7)
#define tile_zip0(p, q) TILE_SHUFFLE(p, q, 0, 4, 1, 5)
#define tile_zip1(p, q) TILE_SHUFFLE(p, q, 2, 6, 3, 7)
#else
#define tile_pairs(p, q) TILE_SHUFFLE(p, q, 0, 3)
#define tile_even(p, q) TILE_SHUFFLE(p, q, 0, 2)
#define tile_odd(p, q)  TILE_SHUFFLE(p, q, 1, 3)
#define tile_zip0(p, q) TILE_SHUFFLE(p, q, 0, 2)
#define tile_zip1(p, q) TILE_SHUFFLE(p, q, 1, 3)
#endif

/* -- the sum ----------------------------------------------------------------------------------------------------- */

/* c[i][.] = sum over r of a[i][ar[r]] * b[r][.], b packed in rows of TILE_N. */
static inline __attribute__((always_inline)) void tile_sum(int64_t nr, const real *const a[TILE_M], const int64_t *ar,
                                                           const real *b, vreal out[TILE_M][2]) {
  vreal c[TILE_M][2];
#pragma GCC unroll 16
  for (int i = 0; i < TILE_M; i++) c[i][0] = c[i][1] = (vreal){0};
  const real *p[TILE_M];
#pragma GCC unroll 16
  for (int i = 0; i < TILE_M; i++) p[i] = a[i];
  for (int64_t r = 0; r < nr; r++, b += TILE_N) {
    int64_t at = ar[r];
    vreal b0 = tile_load(b), b1 = tile_load(b + LANES);
#pragma GCC unroll 16
    for (int i = 0; i < TILE_M; i++) {
      vreal x = tile_splat(p[i][at]);
      c[i][0] = tile_fma(x, b0, c[i][0]);
      c[i][1] = tile_fma(x, b1, c[i][1]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < TILE_M; i++) out[i][0] = c[i][0], out[i][1] = c[i][1];
}
#endif
