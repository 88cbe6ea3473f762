/* The scalar ops' rows, for one float type and instruction set. */
#include "kernel/elementwise.h"
#include "kernel/simd.h"

#define NAME2(type, isa) tch_elementwise_kernels_##type##_##isa
#define NAME(type, isa) NAME2(type, isa)
#define vdiv(x, y) ((x) / (y))
#define UNUSED __attribute__((unused))

static inline V load(const real *p, int64_t stride, int64_t n) {
  if (stride == 0) return vset(*p);
  if (stride != 1) return vload_stride(p, stride, n);
  return n == (int64_t) VLEN ? vload(p) : vload_part(p, n);
}

static inline void store(real *p, int64_t stride, V v, int64_t n) {
  if (stride != 1) vstore_stride(p, stride, v, n);
  else if (n == (int64_t) VLEN) vstore(p, v);
  else vstore_part(p, v, n);
}

/* A row of 1 to 4 operands named o1 .. o4. Contiguous rows take the first loop; other rows and ends the second. */
#define ROW(function, operands, o1, o2, o3, o4, expression)                                            \
  static void function(int64_t n, void *const *p, const int64_t *s, const double *ab) {                \
    real *out = p[0];                                                                                  \
    const real *p1 = p[1], *p2 = operands > 1 ? p[2] : p1, *p3 = operands > 2 ? p[3] : p1,              \
               *p4 = operands > 3 ? p[4] : p1;                                                         \
    int64_t s1 = s[1], s2 = operands > 1 ? s[2] : 1, s3 = operands > 2 ? s[3] : 1, s4 = operands > 3 ? s[4] : 1; \
    const real a UNUSED = (real) ab[0], b UNUSED = (real) ab[1];                                       \
    int64_t i = 0;                                                                                     \
    if (s[0] == 1 && s1 == 1 && s2 == 1 && s3 == 1 && s4 == 1)                                         \
      for (; i + (int64_t) VLEN <= n; i += VLEN) {                                                     \
        V o1 UNUSED = vload(p1 + i), o2 UNUSED = operands > 1 ? vload(p2 + i) : (V) {0},                \
          o3 UNUSED = operands > 2 ? vload(p3 + i) : (V) {0}, o4 UNUSED = operands > 3 ? vload(p4 + i) : (V) {0}; \
        vstore(out + i, vset(expression));                                                       \
      }                                                                                                \
    for (; i < n; i += VLEN) {                                                                         \
      int64_t m = n - i < (int64_t) VLEN ? n - i : (int64_t) VLEN;                                     \
      V o1 UNUSED = load(p1 + i * s1, s1, m), o2 UNUSED = operands > 1 ? load(p2 + i * s2, s2, m) : (V) {0}, \
        o3 UNUSED = operands > 2 ? load(p3 + i * s3, s3, m) : (V) {0},                                 \
        o4 UNUSED = operands > 3 ? load(p4 + i * s4, s4, m) : (V) {0};                                 \
      store(out + i * s[0], s[0], vset(expression), m);                                          \
    }                                                                                                  \
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
#define COMPARE(name, test)                                                                   \
  static void compare_##name(int64_t n, void *const *p, const int64_t *s, const double *ab) { \
    uint8_t *out = p[0];                                                                      \
    const real *xs = p[1], *ys = p[2];                                                        \
    for (int64_t i = 0; i < n; i++) {                                                         \
      real x = xs[i * s[1]], y = ys[i * s[2]];                                                \
      out[i * s[0]] = test;                                                                   \
    }                                                                                         \
  }
#include "kernel/elementwise.def"
#undef UNARY
#undef BINARY
#undef TERNARY
#undef COMPARE

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
};
