/* One vector type, whose width follows the compiler's flags, and the verbs that algorithms are written in. Arithmetic and
 * comparisons are the plain operators; a comparison gives a mask for vsel. Included by kernel units, which define TCH_REAL. */
#ifndef TCH_KERNEL_SIMD_H
#define TCH_KERNEL_SIMD_H
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef TCH_REAL real;
#if defined(TCH_REAL_IS_float)
typedef int32_t bits;
#define VBIAS 127
#define VMANTISSA 23
#define VTINY 1.17549435e-38f  /* smallest normal number */
#define VLIFT 16777216.0f      /* 2^24 lifts every denormal to a normal number */
#define VLIFT_BITS 24
#define LIBM(name) name##f
#else
typedef int64_t bits;
#define VBIAS 1023
#define VMANTISSA 52
#define VTINY 2.2250738585072014e-308
#define VLIFT 18014398509481984.0
#define VLIFT_BITS 54
#define LIBM(name) name
#endif

#if defined(__AVX512F__)
enum { VBYTES = 64 };
#elif defined(__AVX2__)
enum { VBYTES = 32 };
#else
enum { VBYTES = 16 };
#endif
enum { VLEN = VBYTES / sizeof(real) };

typedef real V __attribute__((vector_size(VBYTES)));
typedef bits VI __attribute__((vector_size(VBYTES)));
typedef real VU __attribute__((vector_size(VBYTES), aligned(sizeof(real)), may_alias));

static inline V vload(const real *p) { return *(const VU *) p; }
static inline void vstore(real *p, V v) { *(VU *) p = v; }
static inline V vset(real x) { return x - (V) {0}; }
static inline V vsel_(VI mask, V p, V q) { return (V) ((mask & (VI) p) | (~mask & (VI) q)); }
/* p where the mask holds, else q; either may be a number */
#define vsel(mask, p, q) vsel_((VI) (mask), (p) + (V) {0}, (q) + (V) {0})

/* n < VLEN numbers; the other lanes hold 0 */
static inline V vload_part(const real *p, int64_t n) {
  V v = {0};
  memcpy(&v, p, (size_t) n * sizeof(real));
  return v;
}
static inline void vstore_part(real *p, V v, int64_t n) { memcpy(p, &v, (size_t) n * sizeof(real)); }

static inline V vload_stride(const real *p, int64_t stride, int64_t n) {
  V v = {0};
  for (int64_t k = 0; k < n; k++) v[k] = p[k * stride];
  return v;
}
static inline void vstore_stride(real *p, int64_t stride, V v, int64_t n) {
  for (int64_t k = 0; k < n; k++) p[k * stride] = v[k];
}

static inline V vabs_(V x) { return (V) ((VI) x & ~(VI) vset((real) -0.0)); }
static inline V vmax_(V a, V b) { return vsel_((VI) ((a > b) | (a != a)), a, b); } /* a NaN in a stays */
static inline V vmin_(V a, V b) { return vsel_((VI) ((a < b) | (a != a)), a, b); }
#define vabs(x) vabs_((x) + (V) {0})
#define vmax(a, b) vmax_((a) + (V) {0}, (b) + (V) {0})
#define vmin(a, b) vmin_((a) + (V) {0}, (b) + (V) {0})

/* f of every lane, for functions of the C library */
#define VLANES1(name, f) \
  static inline V name(V x) { for (int k = 0; k < (int) VLEN; k++) x[k] = f(x[k]); return x; }
#define VLANES2(name, f) \
  static inline V name(V x, V y) { for (int k = 0; k < (int) VLEN; k++) x[k] = f(x[k], y[k]); return x; }
VLANES1(vsqrt, LIBM(sqrt))
VLANES1(vfloor, LIBM(floor))
VLANES1(vceil, LIBM(ceil))
VLANES1(vround, LIBM(rint))
VLANES1(vtrunc, LIBM(trunc))
VLANES1(vlog1p, LIBM(log1p))
VLANES1(vsin, LIBM(sin))
VLANES1(vcos, LIBM(cos))
VLANES1(vtan, LIBM(tan))
VLANES1(vasin, LIBM(asin))
VLANES1(vacos, LIBM(acos))
VLANES1(vatan, LIBM(atan))
VLANES1(vsinh, LIBM(sinh))
VLANES1(vcosh, LIBM(cosh))
VLANES1(verf, LIBM(erf))
VLANES2(vpow_lanes, LIBM(pow))
VLANES2(vatan2, LIBM(atan2))
VLANES2(vfmod, LIBM(fmod))

/* -- exp, expm1 -----------------------------------------------------------------------------------------------------
 * x = n ln 2 + r with |r| <= ln 2 / 2 (ln 2 in two parts, Cody and Waite 1980); expm1(r) by its Taylor series to the degree
 * that the type needs: the rest is below 0.35^(d+1) / (d+1)!. */

#if defined(TCH_REAL_IS_float)
#define VLN2_HIGH 0.693359375f
#define VLN2_LOW (-2.12194440e-4f)
#define VEXP_MAX 88.7228394f
#define VEXP_MIN (-104.0f)
enum { VEXP_DEGREE = 7, VLOG_TERMS = 6 };
#else
#define VLN2_HIGH 0.6931471803691238
#define VLN2_LOW 1.9082149292705877e-10
#define VEXP_MAX 709.782712893384
#define VEXP_MIN (-746.0)
enum { VEXP_DEGREE = 13, VLOG_TERMS = 11 };
#endif

static const real vinverse_factorial[] = {
    (real) 1, (real) 1, (real) (1.0 / 2), (real) (1.0 / 6), (real) (1.0 / 24), (real) (1.0 / 120), (real) (1.0 / 720),
    (real) (1.0 / 5040), (real) (1.0 / 40320), (real) (1.0 / 362880), (real) (1.0 / 3628800), (real) (1.0 / 39916800),
    (real) (1.0 / 479001600), (real) (1.0 / 6227020800)};

/* expm1(r); *n is the exponent */
static inline V vexp_core(V x, V *n) {
  const real magic = (real) (VMANTISSA == 23 ? 12582912.0 : 6755399441055744.0); /* 1.5 * 2^mantissa: rounds to integers */
  V k = x * (real) 1.44269504088896340736 + magic - magic;
  V r = (x - k * (real) VLN2_HIGH) - k * (real) VLN2_LOW;
  V p = vset(vinverse_factorial[VEXP_DEGREE]);
  for (int d = VEXP_DEGREE - 1; d >= 2; d--) p = p * r + vinverse_factorial[d];
  *n = k;
  return r + r * r * p;
}

/* 2^n for integers n in the range of normal exponents */
static inline V vpower2(V n) { return (V) ((__builtin_convertvector(n, VI) + VBIAS) << VMANTISSA); }

static inline V vexp(V x) {
  V n, c = vmin(vmax(x, (real) VEXP_MIN), (real) VEXP_MAX);
  c = vsel(x != x, 0, c);
  V p = vexp_core(c, &n);
  V half = __builtin_convertvector(__builtin_convertvector(n * (real) 0.5, VI), V);
  V y = (p + 1) * vpower2(half) * vpower2(n - half);
  y = vsel(x > (real) VEXP_MAX, (real) INFINITY, y);
  y = vsel(x < (real) VEXP_MIN, 0, y);
  return vsel(x != x, x, y);
}

static inline V vexpm1(V x) {
  V n, c = vmin(vmax(x, (real) -45), (real) VEXP_MAX);
  c = vsel(x != x, 0, c);
  V p = vexp_core(c, &n);
  V half = __builtin_convertvector(__builtin_convertvector(n * (real) 0.5, VI), V);
  V a = vpower2(half), b = vpower2(n - half);
  V y = p * a * b + (a * b - 1);
  y = vsel(n > (real) (VBIAS - 1), (p + 1) * a * b, y); /* 2^n alone would overflow */
  y = vsel(x > (real) VEXP_MAX, (real) INFINITY, y);
  y = vsel(x < (real) -45, -1, y);
  return vsel((x != x) | (x == 0), x, y);
}

/* -- log: x = 2^n m with m in [sqrt(1/2), sqrt 2); log m = 2 artanh(s), s = (m - 1) / (m + 1), by its series --------------- */

static inline V vlog(V x) {
  V lifted = vsel(x < (real) VTINY, x * (real) VLIFT, x);
  VI raw = (VI) lifted;
  V n = __builtin_convertvector((raw >> VMANTISSA) - VBIAS, V);
  V m = (V) ((raw & (((bits) 1 << VMANTISSA) - 1)) | ((bits) VBIAS << VMANTISSA));
  VI large = (VI) (m > (real) 1.41421356237309504880);
  m = vsel(large, m * (real) 0.5, m);
  n = n + vsel(large, 1, 0) - vsel(x < (real) VTINY, VLIFT_BITS, 0);
  V f = m - 1, s = f / (m + 1), z = s * s;
  V p = vset((real) (1.0 / (2 * VLOG_TERMS + 1)));
  for (int k = VLOG_TERMS - 1; k >= 1; k--) p = p * z + (real) (1.0 / (2 * k + 1));
  /* 2 s = f - s f, so that the leading term is exact */
  V y = n * (real) VLN2_HIGH + (f - (s * (f - 2 * z * p) - n * (real) VLN2_LOW));
  y = vsel(x == 0, (real) -INFINITY, y);
  y = vsel(x == (real) INFINITY, x, y);
  return vsel((x < 0) | (x != x), (real) NAN, y);
}

/* -- what follows from them ----------------------------------------------------------------------------------------- */

static inline V vtanh(V x) {
  V a = vmin(vabs(x), 22), e = vexpm1(2 * a), t = e / (e + 2);
  t = vsel(x < 0, -t, t);
  return vsel((x != x) | (x == 0), x, t);
}

static inline V vsigmoid(V x) { return 1 / (1 + vexp(-x)); }

/* log(1 + exp(x)) without overflow */
static inline V vsoftplus(V x) { return vmax(x, 0) + vlog1p(vexp(-vabs(x))); }

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
