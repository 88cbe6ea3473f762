/* The scalar ops' rows, for one float type and instruction set. */
#include "kernel/elementwise.h"
#include "kernel/simd.h"

#define NAME2(type, isa) tch_elementwise_kernels_##type##_##isa
#define NAME(type, isa) NAME2(type, isa)
#define vdiv(x, y) ((x) / (y))
#define UNUSED __attribute__((unused))

/* A row's expression on n contiguous elements, n a multiple of VLEN. */
typedef void (*dense_row)(int64_t n, real *out, const real *const *in, real a, real b);

/* m elements of a strided operand brought together; what is left of the last vector repeats the last one. */
static void gather(int64_t m, const real *from, int64_t stride, real *to) {
  for (int64_t i = 0; i < m; i++) to[i] = from[i * stride];
  for (int64_t i = m; i % (int64_t) VLEN != 0; i++) to[i] = to[m - 1];
}

/* Runs a row over operands of any stride. Contiguous ones are read and written where they lie as far as whole vectors go;
 * others, and the end, pass through small blocks. */
static void run(dense_row row, int operands, int64_t n, void *const *p, const int64_t *s, const double *ab) {
  enum { BLOCK = 32 * VLEN, MOST = 4 };
  real block[MOST + 1][BLOCK] __attribute__((aligned(64)));
  const real *in[MOST];
  int dense = s[0] == 1;
  for (int k = 1; k <= operands; k++) dense = dense && s[k] == 1;
  for (int64_t begin = 0, m; begin < n; begin += m) {
    m = n - begin;
    if (m >= (int64_t) VLEN) m -= m % (int64_t) VLEN;
    if (!dense && m > BLOCK) m = BLOCK;
    int whole = m % (int64_t) VLEN == 0;
    for (int k = 0; k < operands; k++) {
      in[k] = (const real *) p[k + 1] + begin * s[k + 1];
      if (whole && s[k + 1] == 1) continue;
      if (begin == 0 || s[k + 1] != 0) gather(m, in[k], s[k + 1], block[k]);
      in[k] = block[k];
    }
    real *out = (real *) p[0] + begin * s[0], *to = whole && s[0] == 1 ? out : block[MOST];
    row(whole ? m : (int64_t) VLEN, to, in, (real) ab[0], (real) ab[1]);
    for (int64_t i = 0; to != out && i < m; i++) out[i * s[0]] = to[i];
  }
}

/* A row of 1 to 4 operands named o1 .. o4. */
#define ROW(function, operands, o1, o2, o3, o4, expression)                                             \
  static void function##_dense(int64_t n, real *out, const real *const *in, real a UNUSED, real b UNUSED) { \
    const real *p1 = in[0], *p2 = in[operands > 1 ? 1 : 0], *p3 = in[operands > 2 ? 2 : 0],             \
               *p4 = in[operands > 3 ? 3 : 0];                                                          \
    for (int64_t i = 0; i < n; i += VLEN) {                                                             \
      V o1 UNUSED = vload(p1 + i), o2 UNUSED = vload(p2 + i), o3 UNUSED = vload(p3 + i),                \
        o4 UNUSED = vload(p4 + i);                                                                      \
      vstore(out + i, vset(expression));                                                                \
    }                                                                                                   \
  }                                                                                                     \
  static void function(int64_t n, void *const *p, const int64_t *s, const double *ab) {                 \
    run(function##_dense, operands, n, p, s, ab);                                                       \
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
#define COMPARE_EACH(o, a, b, test)        \
  for (int64_t i = 0; i < n; i++) {        \
    real x = xs[i * (a)], y = ys[i * (b)]; \
    out[i * (o)] = test;                   \
  }
#define COMPARE(name, test)                                                                   \
  static void compare_##name(int64_t n, void *const *p, const int64_t *s, const double *ab) { \
    uint8_t *restrict out = p[0];                                                             \
    const real *restrict xs = p[1], *restrict ys = p[2];                                      \
    if (s[0] == 1 && s[1] == 1 && s[2] == 1) COMPARE_EACH(1, 1, 1, test)                      \
    else if (s[0] == 1 && s[1] == 1 && s[2] == 0) COMPARE_EACH(1, 1, 0, test)                 \
    else COMPARE_EACH(s[0], s[1], s[2], test)                                                 \
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
  .stream = stream,
};
