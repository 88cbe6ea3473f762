/* One vector type, whose width follows the compiler's flags, and the verbs that algorithms are written in. Arithmetic and
 * comparisons are the plain operators; a comparison gives a mask for vsel. Included by kernel units, which define TCH_REAL. */
#ifndef TCH_KERNEL_SIMD_H
#define TCH_KERNEL_SIMD_H
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

typedef TCH_REAL real;
#if defined(TCH_REAL_IS_float)
typedef int32_t bits;
enum { VMANTISSA = 23, VBIAS = 127 };
#define LIBM(name) name##f
#define VSUFFIX(name) name##_ps
#else
typedef int64_t bits;
enum { VMANTISSA = 52, VBIAS = 1023 };
#define LIBM(name) name
#define VSUFFIX(name) name##_pd
#endif

/* VX86(max) is _mm256_max_ps, or whatever fits V. */
#if defined(__AVX512F__)
enum { VBYTES = 64 };
#define VPREFIX(name) _mm512_##name
#elif defined(__AVX2__)
enum { VBYTES = 32 };
#define VPREFIX(name) _mm256_##name
#else
enum { VBYTES = 16 };
#define VPREFIX(name) _mm_##name
#endif
#define VX86(name) VPREFIX_(VSUFFIX(name))
#define VPREFIX_(name) VPREFIX(name)
enum { VLEN = VBYTES / sizeof(real) };

typedef real V __attribute__((vector_size(VBYTES)));
typedef bits VI __attribute__((vector_size(VBYTES)));
typedef real VU __attribute__((vector_size(VBYTES), aligned(sizeof(real)), may_alias));

static inline V vload(const real *p) { return *(const VU *) p; }
static inline void vstore(real *p, V v) { *(VU *) p = v; }
/* A number or a vector as a vector. (x - 0 keeps the sign of a zero and costs nothing.) */
#define vset(x) ((x) - (V) {0})

static inline V vsel_(VI mask, V p, V q) {
#if defined(__AVX2__) && !defined(__AVX512F__)
  return VX86(blendv)(q, p, (V) mask);
#else
  return (V) ((mask & (VI) p) | (~mask & (VI) q));
#endif
}
/* p where the mask holds, else q; either may be a number */
#define vsel(mask, p, q) vsel_((VI) (mask), vset(p), vset(q))

/* Some lanes of a vector. Where they cannot be chosen (VCHOOSE is 0), all are meant. */
#if defined(__AVX512F__)
enum { VCHOOSE = 1 };
#if defined(TCH_REAL_IS_float)
typedef __mmask16 vlanes;
#define VLANES_OF(mask) _mm512_movepi32_mask((__m512i) (mask))
#define VINTEGER(name) _mm512_##name##_epi32
static inline VI viota(void) { return (VI) {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}; }
#else
typedef __mmask8 vlanes;
#define VLANES_OF(mask) _mm512_movepi64_mask((__m512i) (mask))
#define VINTEGER(name) _mm512_##name##_epi64
static inline VI viota(void) { return (VI) {0, 1, 2, 3, 4, 5, 6, 7}; }
#endif
static inline V vload_lanes(const real *p, vlanes lanes) { return VX86(maskz_loadu)(lanes, p); }
static inline void vstore_lanes(real *p, V v, vlanes lanes) { VX86(mask_storeu)(p, lanes, v); }
#else
enum { VCHOOSE = 0 };
typedef int vlanes;
static inline V vload_lanes(const real *p, vlanes lanes __attribute__((unused))) { return vload(p); }
static inline void vstore_lanes(real *p, V v, vlanes lanes __attribute__((unused))) { vstore(p, v); }
#endif
/* The first n lanes, n <= VLEN. */
static inline vlanes vfirst(int64_t n) { return (vlanes) ((1u << n) - 1); }

/* n < VLEN numbers; the other lanes hold 0 */
static inline V vload_part(const real *p, int64_t n) {
#if defined(__AVX512F__)
  return vload_lanes(p, vfirst(n));
#else
  V v = {0};
  memcpy(&v, p, (size_t) n * sizeof(real));
  return v;
#endif
}
static inline void vstore_part(real *p, V v, int64_t n) {
#if defined(__AVX512F__)
  vstore_lanes(p, v, vfirst(n));
#else
  memcpy(p, &v, (size_t) n * sizeof(real));
#endif
}

static inline V vload_stride(const real *p, int64_t stride, int64_t n) {
  V v = {0};
  for (int64_t k = 0; k < n; k++) v[k] = p[k * stride];
  return v;
}
static inline void vstore_stride(real *p, int64_t stride, V v, int64_t n) {
  for (int64_t k = 0; k < n; k++) p[k * stride] = v[k];
}

static inline V vabs_(V x) { return (V) ((VI) x & ~(VI) vset((real) -0.0)); }
static inline V vcopysign(V x, V sign) {
  VI s = (VI) vset((real) -0.0);
  return (V) (((VI) x & ~s) | ((VI) sign & s));
}

/* The larger and the smaller; a NaN on either side wins. (The instructions give b if either is NaN.) */
static inline V vmax_(V a, V b) {
#if defined(__SSE2__)
  return vsel_(a != a, a, VX86(max)(a, b));
#else
  return vsel_((VI) ((a > b) | (a != a)), a, b);
#endif
}
static inline V vmin_(V a, V b) {
#if defined(__SSE2__)
  return vsel_(a != a, a, VX86(min)(a, b));
#else
  return vsel_((VI) ((a < b) | (a != a)), a, b);
#endif
}
#define vabs(x) vabs_(vset(x))
#define vmax(a, b) vmax_(vset(a), vset(b))
#define vmin(a, b) vmin_(vset(a), vset(b))

/* a b + c, rounded once where the instruction set can */
static inline V vfma(V a, V b, V c) {
#if defined(__FMA__)
  return VX86(fmadd)(a, b, c);
#else
  return a * b + c;
#endif
}

/* c[0] + c[1] x + ... + c[n - 1] x^(n - 1) */
static inline __attribute__((always_inline)) V vpoly(V x, const real *c, int n) {
  V y = vset(c[n - 1]);
#pragma GCC unroll 20
  for (int i = n - 2; i >= 0; i--) y = vfma(y, x, vset(c[i]));
  return y;
}

/* f of every lane, for functions of the C library */
#define VLIBM __attribute__((noinline, unused))
#define VLANES1(name, f) \
  static VLIBM V name(V x) { for (int k = 0; k < (int) VLEN; k++) x[k] = f(x[k]); return x; }
#define VLANES2(name, f) \
  static VLIBM V name(V x, V y) { for (int k = 0; k < (int) VLEN; k++) x[k] = f(x[k], y[k]); return x; }
#if defined(__AVX2__)
static inline V vsqrt(V x) { return VX86(sqrt)(x); }
#if defined(__AVX512F__)
static inline V vfloor(V x) { return VX86(roundscale)(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
#else
static inline V vfloor(V x) { return VX86(floor)(x); }
#endif
static inline V vceil(V x) { return -vfloor(-x); }
static inline V vtrunc(V x) { return vcopysign(vfloor(vabs_(x)), x); }
#else
VLANES1(vsqrt, LIBM(sqrt))
VLANES1(vfloor, LIBM(floor))
VLANES1(vceil, LIBM(ceil))
VLANES1(vtrunc, LIBM(trunc))
#endif
VLANES1(vround, LIBM(round)) /* halves go away from zero */
VLANES1(vsin, LIBM(sin))
VLANES1(vcos, LIBM(cos))
VLANES1(vtan, LIBM(tan))
VLANES1(vasin, LIBM(asin))
VLANES1(vacos, LIBM(acos))
VLANES1(vatan, LIBM(atan))
VLANES1(vsinh, LIBM(sinh))
VLANES1(vcosh, LIBM(cosh))
VLANES2(vpow_lanes, LIBM(pow))
VLANES2(vatan2, LIBM(atan2))
VLANES2(vfmod, LIBM(fmod))

/* -- exp: x = k ln 2 + r with |r| <= ln 2 / 2 (Cody and Waite 1980); in r Taylor's series, whose first dropped term is below
 * half a unit in the last place ------------------------------------------------------------------------------------------ */

/* ln 2 in two parts; the first has few bits, so that k times it is exact */
#define VLN2_HIGH ((real) 0.693145751953125)
#define VLN2_LOW ((real) 1.42860682030941723212e-6)

/* Adding it rounds to whole numbers, and leaves them as the exponent of 2^k has them. */
#define VMAGIC ((real) 1.5 * (real) ((bits) 1 << VMANTISSA) + VBIAS)

/* Returns r; the low bits of *t are k + VBIAS. |x| stays below 2^20. */
static inline V vexp_reduce(V x, V *t) {
  *t = vfma(x, vset((real) 1.44269504088896340736), vset(VMAGIC));
  V n = *t - VMAGIC;
  return vfma(n, vset(-VLN2_LOW), vfma(n, vset(-VLN2_HIGH), x));
}

/* exp(r) - 1 */
static inline V vexp_core(V r) {
#if defined(TCH_REAL_IS_float)
  static const real c[] = {1.f / 2, 1.f / 6, 1.f / 24, 1.f / 120, 1.f / 720, 1.f / 5040};
#else
  static const real c[] = {1. / 2,     1. / 6,      1. / 24,      1. / 120,      1. / 720,       1. / 5040,
                           1. / 40320, 1. / 362880, 1. / 3628800, 1. / 39916800, 1. / 479001600, 1. / 6227020800};
#endif
  return vfma(r * r, vpoly(r, c, (int) (sizeof c / sizeof *c)), r);
}

/* 2^k for exponents of normal numbers, t as above */
static inline V vpower2(V t) { return (V) ((VI) t << VMANTISSA); }

/* x between two numbers; a NaN stays one. (The instructions give their second operand if either is NaN.) */
static inline V vbound(V x, real low, real high) {
#if defined(__SSE2__)
  return VX86(max)(vset(low), VX86(min)(vset(high), x));
#else
  return vmax_(vmin_(x, vset(high)), vset(low));
#endif
}

#if defined(__AVX2__) && !defined(__AVX512F__)
/* Whether a comparison holds in every lane. */
static inline bool vall(VI mask) { return VX86(movemask)((V) mask) == (1 << VLEN) - 1; }
#endif

static inline V vexp(V x) {
  const real high = sizeof(real) == 4 ? 89 : 710, low = sizeof(real) == 4 ? -104 : -746; /* beyond: infinity, 0 */
  V t, r;
#if defined(__AVX512F__)
  r = vexp_reduce(vbound(x, low, high), &t);
  return VX86(scalef)(vexp_core(r) + 1, t - VMAGIC);
#else
#if defined(__AVX2__)
  const real normal = sizeof(real) == 4 ? 87 : 708;
  if (__builtin_expect(vall((VI) (vabs_(x) <= normal)), true)) {
    r = vexp_reduce(x, &t);
    V s = vpower2(t);
    return vfma(vexp_core(r), s, s);
  }
#endif
  r = vexp_reduce(vbound(x, low, high), &t);
  VI k = (VI) t - (VI) vset(VMAGIC), half = k >> 1; /* 2^k itself may be no normal number */
  return (vexp_core(r) + 1) * (V) ((half + VBIAS) << VMANTISSA) * (V) ((k - half + VBIAS) << VMANTISSA);
#endif
}

/* exp(x) - 1 for |x| <= 50 */
static inline V vexpm1_core(V x) {
  V t, r = vexp_reduce(x, &t), s = vpower2(t);
  return vfma(s, vexp_core(r), s - 1);
}

/* exp(x) - 1 for |x| <= 50; larger ones are cut to that. Keeps the sign of a zero. */
static inline V vexpm1_near(V x) { return vsel(x == 0, x, vexpm1_core(vbound(x, -50, 50))); }

static inline V vexpm1(V x) { return vsel(x > 50, vexp(x), vexpm1_near(x)); }

/* -- log: x = 2^n m with sqrt(1/2) <= m < sqrt 2; log m = 2 artanh(s), s = f / (2 + f), f = m - 1, by its series ------------ */

static inline V vlog(V x) {
  const real tiny = sizeof(real) == 4 ? (real) 1.17549435e-38 : (real) 2.2250738585072014e-308; /* smallest normal number */
  VI small = (VI) (x < tiny);
  V lifted = vsel(small, x * (real) ((bits) 1 << (VMANTISSA + 1)), x);
  VI n = ((VI) lifted - (VI) vset((real) 0.70710678118654752440)) >> VMANTISSA;
  V f = (V) ((VI) lifted - (n << VMANTISSA)) - 1;
  V k = __builtin_convertvector(n - (small & (VMANTISSA + 1)), V);
  V s = f / (2 + f), z = s * s, half = (real) 0.5 * f * f;
#if defined(TCH_REAL_IS_float)
  static const real c[] = {2.f / 3, 2.f / 5, 2.f / 7, 2.f / 9};
#else
  static const real c[] = {2. / 3, 2. / 5, 2. / 7, 2. / 9, 2. / 11, 2. / 13, 2. / 15, 2. / 17, 2. / 19, 2. / 21};
#endif
  V q = z * vpoly(z, c, (int) (sizeof c / sizeof *c));
  /* log m = f - (f^2/2 - s (f^2/2 + q)), so that the leading term is exact */
  V y = k * VLN2_HIGH - ((half - (s * (half + q) + k * VLN2_LOW)) - f);
  y = vsel(x == 0, (real) -INFINITY, y);
  y = vsel(x == (real) INFINITY, x, y);
  return vsel((x < 0) | (x != x), (real) NAN, y);
}

/* log u + (x - (u - 1)) / u with u = 1 + x as rounded: the correction takes back what rounding u lost */
static inline V vlog1p(V x) {
  V u = 1 + x, l = vlog(u), y = l + (x - (u - 1)) / u;
  y = vsel((u == 0) | (u == (real) INFINITY), l, y);
  return vsel(u == 1, x, y);
}

/* -- what follows from them ----------------------------------------------------------------------------------------- */

static inline V vtanh(V x) {
  V e = vexpm1_core(vbound(-2 * vabs_(x), -50, 0));
  return vcopysign(e / (e + 2), x);
}

static inline V vsigmoid(V x) { return 1 / (1 + vexp(-x)); }

/* log(1 + exp(x)) without overflow */
static inline V vsoftplus(V x) { return vmax(x, 0) + vlog1p(vexp(-vabs(x))); }

/* -- erf: below 1 its series 2 / sqrt(pi) x (1 - x^2/3 + x^4/10 - ...); above, 1 - exp(-x^2) p(1 / (2 + x)), where p
 * interpolates exp(x^2) erfc(x) at Chebyshev's points over the x at which erf is not yet 1 ---------------------------------- */

/* e = exp(-x^2) */
static inline V verf_of(V x, V e) {
#if defined(TCH_REAL_IS_float)
  static const real near[] = {1.f,         -1.f / 3,     1.f / 10,     -1.f / 42,      1.f / 216,     -1.f / 1320,
                              1.f / 9360,  -1.f / 75600, 1.f / 685440, -1.f / 6894720, 1.f / 76204800};
  static const real far[] = {0.0013318622995f, 0.52886471322f, 1.5148457642f, -0.24143349663f, 9.6715531875f, -7.0014635905f};
#else
  static const real near[] = {1.,
                              -1. / 3,
                              1. / 10,
                              -1. / 42,
                              1. / 216,
                              -1. / 1320,
                              1. / 9360,
                              -1. / 75600,
                              1. / 685440,
                              -1. / 6894720,
                              1. / 76204800,
                              -1. / 918086400,
                              1. / 11975040000.,
                              -1. / 168129561600.,
                              1. / 2528170444800.,
                              -1. / 40537905408000.,
                              1. / 690452066304000.,
                              -1. / 12449059983360000.};
  static const real far[] = {1.62422847400775905695e-7, 0.564177145864045803941, 1.12882056695064920346,
                             1.9650380653313524453,     2.96506260761379159495,  1.11292725402788600576,
                             12.4692696956959696421,    -86.0235241240356990684, 356.025434810281282506,
                             -1304.87271176333935906,   3393.71928976118965114,  -5751.74578192639801269,
                             6141.24497387216398554,    -3802.3193399400057375,  1051.47759935451243071};
#endif
  V a = vabs_(x), z = x * x;
  V small = (real) 1.12837916709551257390 * x * vpoly(z, near, (int) (sizeof near / sizeof *near));
  V tail = e * vpoly(1 / (2 + a), far, (int) (sizeof far / sizeof *far));
  return vsel(a < 1, small, vcopysign(1 - tail, x));
}

static inline V verf(V x) { return verf_of(x, vexp(-x * x)); }

/* The normal distribution's Phi(x), u = x / sqrt 2, e = exp(-u^2). For floats half of erfc(|u|) or what that leaves of 1, with
 * erfc as in erf, but p over all u >= 0: an error of 2e-7 at most. */
static inline V vnormal(V u, V e) {
#if defined(TCH_REAL_IS_float)
  static const real c[] = {-2.0473391418e-05f, 0.56508077553f, 1.112497183f,  2.1214909427f, 2.1187368133f,
                           3.7051705907f,      5.9930158737f,  -43.46374581f, 55.824356595f, -23.64542586f};
  V q = (real) 0.5 * e * vpoly(1 / (2 + vabs_(u)), c, (int) (sizeof c / sizeof *c));
  return vsel(u < 0, q, 1 - q);
#else
  return (real) 0.5 * (1 + verf_of(u, e));
#endif
}

/* x Phi(x) */
static inline V vgelu(V x) {
  V u = x * (real) 0.70710678118654752440;
  return x * vnormal(u, vexp(-u * u));
}

/* Its derivative, Phi(x) + x Phi'(x) */
static inline V vgelu_slope(V x) {
  V u = x * (real) 0.70710678118654752440, e = vexp(-u * u);
  return vnormal(u, e) + x * (real) 0.39894228040143267794 * e;
}

/* x^a for one a; the common powers without the library */
static inline V vpow1(V x, real a) {
  if (a == 2) return x * x;
  if (a == 1) return x;
  if (a == 3) return x * x * x;
  if (a == (real) 0.5) return vsqrt(x);
  if (a == -1) return 1 / x;
  if (a == 0) return vset(1);
  return vpow_lanes(x, vset(a));
}

/* remainder with the sign of y */
static inline V vremainder(V x, V y) {
  V r = vfmod(x, y);
  return vsel((r != 0) & ((r < 0) != (y < 0)), r + y, r);
}
#endif
