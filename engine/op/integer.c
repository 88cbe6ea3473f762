/* Scalar rows over integers: the expressions of elementwise.def with the verbs' integer meaning. Sums wrap around. */
#include "op/integer.h"

#define vsel(mask, p, q) ((mask) ? (p) : (q))
#define vmax(p, q) ((p) > (q) ? (p) : (q))
#define vmin(p, q) ((p) < (q) ? (p) : (q))
#define vabs(p) ((p) < 0 ? (p) * m1 : (p))
#define vset(p) (p)

/* Division by 0 gives 0; the smallest number by -1 wraps around. */
static inline int64_t divide(int64_t x, int64_t y) { return y == 0 ? 0 : y == -1 ? (int64_t) (0 - (uint64_t) x) : x / y; }
static inline int64_t modulo(int64_t x, int64_t y) { return y == 0 || y == -1 ? 0 : x % y; }
static inline int64_t remain(int64_t x, int64_t y) {
  int64_t r = modulo(x, y);
  return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}
#define vdiv divide
#define vfmod modulo
#define vremainder remain

/* Sums and products are taken in int64 and wrap around: the build compiles this file with -fwrapv. */

#define FLOATS(...)
#define ALL(...) __VA_ARGS__
#define UNUSED __attribute__((unused))

#define UNARY_ROW(name, T, f)                                                                 \
  static void T##_unary_##name(int64_t n, void *const *p, const int64_t *s, const double *ab) { \
    const int64_t a UNUSED = (int64_t) ab[0], b UNUSED = (int64_t) ab[1], m1 UNUSED = -1;     \
    T *out = p[0];                                                                            \
    const T *xs = p[1];                                                                       \
    for (int64_t i = 0; i < n; i++) {                                                         \
      int64_t x UNUSED = xs[i * s[1]];                                                        \
      out[i * s[0]] = (T) (f);                                                                \
    }                                                                                         \
  }
#define BINARY_ROW(name, T, f)                                                                \
  static void T##_binary_##name(int64_t n, void *const *p, const int64_t *s, const double *ab) { \
    const int64_t a UNUSED = (int64_t) ab[0], b UNUSED = (int64_t) ab[1], m1 UNUSED = -1;     \
    T *out = p[0];                                                                            \
    const T *xs = p[1], *ys = p[2];                                                           \
    for (int64_t i = 0; i < n; i++) {                                                         \
      int64_t x = xs[i * s[1]], y = ys[i * s[2]];                                             \
      out[i * s[0]] = (T) (f);                                                                \
    }                                                                                         \
  }
#define COMPARE_ROW(name, T, test)                                                            \
  static void T##_compare_##name(int64_t n, void *const *p, const int64_t *s, const double *ab) { \
    uint8_t *out = p[0];                                                                      \
    const T *xs = p[1], *ys = p[2];                                                           \
    for (int64_t i = 0; i < n; i++) {                                                         \
      T x = xs[i * s[1]], y = ys[i * s[2]];                                                   \
      out[i * s[0]] = test;                                                                   \
    }                                                                                         \
  }
#define FIVE(M, name, f) M(name, uint8_t, f) M(name, int8_t, f) M(name, int16_t, f) M(name, int32_t, f) M(name, int64_t, f)

#define UNARY(name, types, f, dx, ddx) types(FIVE(UNARY_ROW, name, f))
#define BINARY(name, types, f, dx, dy) types(FIVE(BINARY_ROW, name, f))
#define TERNARY(name, f, dx, dy, dz)
#define COMPARE(name, test) FIVE(COMPARE_ROW, name, test)
#include "kernel/elementwise.def"
#undef UNARY
#undef BINARY
#undef COMPARE

#define FIVE_NAMES(kind, name) {uint8_t_##kind##_##name, int8_t_##kind##_##name, int16_t_##kind##_##name, \
                                int32_t_##kind##_##name, int64_t_##kind##_##name}
enum { INTEGERS = TCH_LONG + 1 };

static tch_element_row *const unary[TCH_UNARY_COUNT][INTEGERS] = {
#define UNARY(name, types, f, dx, ddx) types([TCH_UNARY_##name] = FIVE_NAMES(unary, name)) types(,)
#define BINARY(name, types, f, dx, dy)
#define COMPARE(name, test)
#include "kernel/elementwise.def"
};
#undef UNARY
#undef BINARY
#undef COMPARE

static tch_element_row *const binary[TCH_BINARY_COUNT][INTEGERS] = {
#define UNARY(name, types, f, dx, ddx)
#define BINARY(name, types, f, dx, dy) types([TCH_BINARY_##name] = FIVE_NAMES(binary, name)) types(,)
#define COMPARE(name, test)
#include "kernel/elementwise.def"
};
#undef BINARY
#undef COMPARE

static tch_element_row *const compare[TCH_COMPARE_COUNT][INTEGERS] = {
#define BINARY(name, types, f, dx, dy)
#define COMPARE(name, test) [TCH_COMPARE_##name] = FIVE_NAMES(compare, name),
#include "kernel/elementwise.def"
};

tch_element_row *tch_integer_unary(tch_dtype type, int op) { return unary[op][type]; }
tch_element_row *tch_integer_binary(tch_dtype type, int op) { return binary[op][type]; }
tch_element_row *tch_integer_compare(tch_dtype type, int op) { return compare[op][type]; }
