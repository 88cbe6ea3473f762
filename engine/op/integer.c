/* Scalar rows over integers: the expressions of elementwise.def with the verbs' integer meaning. Sums wrap around. */
#include "op/integer.h"
#include "core/cast.h"
#include "core/thread.h"

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
/* By a negative power only 1 and -1 do not become 0. */
static inline int64_t power(int64_t x, int64_t n) {
  if (n < 0) return x == 1 ? 1 : x == -1 ? (n & 1 ? -1 : 1) : 0;
  int64_t y = 1;
  for (; n > 0; n >>= 1, x *= x)
    if (n & 1) y *= x;
  return y;
}
#define vpow_lanes power
#define vdiv divide
#define vfmod modulo
#define vremainder remain

/* Sums and products are taken in int64 and wrap around: the build compiles this file with -fwrapv. */

#define FLOATS(...)
#define ALL(...) __VA_ARGS__
#define UNUSED __attribute__((unused))

/* Rows of n elements; p[k] + r * next[k] is where row r of an operand begins. */
#define PLANE \
  int64_t n, int64_t rows, void *const *p, const int64_t *s, const int64_t *next UNUSED, const double *ab UNUSED
#define UNARY_ROW(name, T, f)                                                                            \
  static void T##_unary_##name(PLANE) {                                                                  \
    const int64_t a UNUSED = tch_cut(ab[0]), b UNUSED = tch_cut(ab[1]), m1 UNUSED = -1;                \
    for (int64_t r = 0; r < rows; r++) {                                                                 \
      T *out = (T *) p[0] + r * next[0];                                                                 \
      const T *xs = (const T *) p[1] + r * next[1];                                                      \
      for (int64_t i = 0; i < n; i++) {                                                                  \
        int64_t x UNUSED = xs[i * s[1]];                                                                 \
        out[i * s[0]] = (T) (f);                                                                         \
      }                                                                                                  \
    }                                                                                                    \
  }
#define BINARY_ROW(name, T, f)                                                                           \
  static void T##_binary_##name(PLANE) {                                                                 \
    const int64_t a UNUSED = tch_cut(ab[0]), b UNUSED = tch_cut(ab[1]), m1 UNUSED = -1;                \
    for (int64_t r = 0; r < rows; r++) {                                                                 \
      T *out = (T *) p[0] + r * next[0];                                                                 \
      const T *xs = (const T *) p[1] + r * next[1], *ys = (const T *) p[2] + r * next[2];                \
      for (int64_t i = 0; i < n; i++) {                                                                  \
        int64_t x = xs[i * s[1]], y = ys[i * s[2]];                                                      \
        out[i * s[0]] = (T) (f);                                                                         \
      }                                                                                                  \
    }                                                                                                    \
  }
#define TERNARY_ROW(name, T, f)                                                                          \
  static void T##_ternary_##name(PLANE) {                                                                \
    const int64_t a = tch_cut(ab[0]);                                                                   \
    for (int64_t r = 0; r < rows; r++) {                                                                 \
      T *out = (T *) p[0] + r * next[0];                                                                 \
      const T *xs = (const T *) p[1] + r * next[1], *ys = (const T *) p[2] + r * next[2],                \
              *zs = (const T *) p[3] + r * next[3];                                                      \
      for (int64_t i = 0; i < n; i++) {                                                                  \
        int64_t x = xs[i * s[1]], y = ys[i * s[2]], z = zs[i * s[3]];                                    \
        out[i * s[0]] = (T) (f);                                                                         \
      }                                                                                                  \
    }                                                                                                    \
  }
#define COMPARE_ROW(name, T, test)                                                                       \
  static void T##_compare_##name(PLANE) {                                                                \
    for (int64_t r = 0; r < rows; r++) {                                                                 \
      uint8_t *out = (uint8_t *) p[0] + r * next[0];                                                     \
      const T *xs = (const T *) p[1] + r * next[1], *ys = (const T *) p[2] + r * next[2];                \
      for (int64_t i = 0; i < n; i++) {                                                                  \
        T x = xs[i * s[1]], y = ys[i * s[2]];                                                            \
        out[i * s[0]] = test;                                                                            \
      }                                                                                                  \
    }                                                                                                    \
  }
#define FIVE(M, name, f) M(name, uint8_t, f) M(name, int8_t, f) M(name, int16_t, f) M(name, int32_t, f) M(name, int64_t, f)

#define UNARY(name, types, f, dx, ddx) types(FIVE(UNARY_ROW, name, f))
#define BINARY(name, types, f, dx, dy) types(FIVE(BINARY_ROW, name, f))
#define TERNARY(name, f, dx, dy, dz) FIVE(TERNARY_ROW, name, f)
#define COMPARE(name, test) FIVE(COMPARE_ROW, name, test)
#include "kernel/elementwise.def"
#undef UNARY
#undef BINARY
#undef TERNARY
#undef COMPARE

#define FIVE_NAMES(kind, name) {uint8_t_##kind##_##name, int8_t_##kind##_##name, int16_t_##kind##_##name, \
                                int32_t_##kind##_##name, int64_t_##kind##_##name}
enum { INTEGERS = TCH_LONG + 1 };

static tch_element_row *const unary[TCH_UNARY_COUNT][INTEGERS] = {
#define UNARY(name, types, f, dx, ddx) types([TCH_UNARY_##name] = FIVE_NAMES(unary, name)) types(,)
#define BINARY(name, types, f, dx, dy)
#define TERNARY(name, f, dx, dy, dz)
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
#undef TERNARY

static tch_element_row *const ternary[TCH_TERNARY_COUNT][INTEGERS] = {
#define BINARY(name, types, f, dx, dy)
#define TERNARY(name, f, dx, dy, dz) [TCH_TERNARY_##name] = FIVE_NAMES(ternary, name),
#include "kernel/elementwise.def"
};
#undef TERNARY
#undef COMPARE

static tch_element_row *const compare[TCH_COMPARE_COUNT][INTEGERS] = {
#define TERNARY(name, f, dx, dy, dz)
#define COMPARE(name, test) [TCH_COMPARE_##name] = FIVE_NAMES(compare, name),
#include "kernel/elementwise.def"
};

tch_element_row *tch_integer_unary(tch_dtype type, int op) { return unary[op][type]; }
tch_element_row *tch_integer_binary(tch_dtype type, int op) { return binary[op][type]; }
tch_element_row *tch_integer_ternary(tch_dtype type, int op) { return ternary[op][type]; }
tch_element_row *tch_integer_compare(tch_dtype type, int op) { return compare[op][type]; }

/* -- products of matrices --------------------------------------------------------------------------------------- */

typedef struct product {
  tch_dtype type;
  int64_t n, k, alpha, beta;
  tch_grid a, b, c;
} product;

#define PRODUCT_ROW(T)                                                                               \
  static void T##_product(const product *p, int64_t i) {                                             \
    const T *a = (const T *) p->a.data + i * p->a.row, *b = p->b.data;                               \
    T *c = (T *) p->c.data + i * p->c.row;                                                           \
    for (int64_t j = 0; j < p->n; j++) {                                                             \
      int64_t sum = 0;                                                                               \
      for (int64_t l = 0; l < p->k; l++) sum += (int64_t) a[l * p->a.column] * b[l * p->b.row + j * p->b.column]; \
      T *to = c + j * p->c.column;                                                                   \
      *to = (T) (p->alpha * sum + (p->beta ? p->beta * *to : 0));                                    \
    }                                                                                                \
  }
PRODUCT_ROW(uint8_t)
PRODUCT_ROW(int8_t)
PRODUCT_ROW(int16_t)
PRODUCT_ROW(int32_t)
PRODUCT_ROW(int64_t)

static void product_rows(void *context, int64_t begin, int64_t end) {
  static void (*const row[INTEGERS])(const product *, int64_t) = {uint8_t_product, int8_t_product, int16_t_product,
                                                                  int32_t_product, int64_t_product};
  const product *p = context;
  for (int64_t i = begin; i < end; i++) row[p->type](p, i);
}

void tch_integer_gemm(tch_dtype type, int64_t m, int64_t n, int64_t k, double alpha, tch_grid a, tch_grid b, double beta,
                      tch_grid c) {
  product p = {type, n, k, (int64_t) alpha, (int64_t) beta, a, b, c};
  int64_t work = n * (k > 0 ? k : 1);
  tch_parallel(m, work > 1 << 15 ? 1 : (1 << 15) / work + 1, product_rows, &p);
}
