/* Casts. Every type is read into and written from two wide types, so a new type adds rows, not pairs. */
#include "core/cast.h"
#include "core/dtype.h"
#include <string.h>

static inline int64_t cut(double value) {
  const double end = 0x1p63;
  if (value >= -end && value < end) return (int64_t) value;
  return value >= end ? INT64_MAX : value < -end ? INT64_MIN : 0;
}

int64_t tch_cut(double value) { return cut(value); }

#define SAME(value) (value)

/* One loop for rows without gaps, which the compiler turns into vectors, and one for the rest. */
#define ROW(name, FROM, TO, convert, from_stride, to_stride)                                                           \
  static void name(const FROM *restrict from, TO *restrict to, int64_t stride, int64_t n) {                            \
    if (stride == 1)                                                                                                   \
      for (int64_t i = 0; i < n; i++) to[i] = (TO) convert(from[i]);                                                   \
    else                                                                                                               \
      for (int64_t i = 0; i < n; i++) to[i * (to_stride)] = (TO) convert(from[i * (from_stride)]);                     \
  }

#define CUT_IF_false(name, T, TO) ROW(name, T, TO, SAME, stride, 1)
#define CUT_IF_true(name, T, TO)  ROW(name, T, TO, cut, stride, 1)
/* Nearly always all numbers fit 32 bits; then vectors do it. */
#define FROM_DOUBLE_false(name, T)                                                                                     \
  ROW(name##_any, double, T, cut, 1, stride)                                                                           \
  ROW(name##_small, double, T, (int32_t), 1, stride)                                                                   \
  static void name(const double *restrict from, T *restrict to, int64_t stride, int64_t n) {                           \
    bool small = true;                                                                                                 \
    for (int64_t i = 0; i < n; i++) small &= from[i] > -0x1p31 && from[i] < 0x1p31;                                    \
    if (small) name##_small(from, to, stride, n);                                                                      \
    else name##_any(from, to, stride, n);                                                                              \
  }
#define FROM_DOUBLE_true(name, T) ROW(name, double, T, SAME, 1, stride)

#define ROWS(ID, T, NAME, FLOATING)                                                                                    \
  ROW(load_double_##ID, T, double, SAME, stride, 1)                                                                    \
  ROW(store_long_##ID, int64_t, T, SAME, 1, stride)                                                                    \
  CUT_IF_##FLOATING(load_long_##ID, T, int64_t) FROM_DOUBLE_##FLOATING(store_double_##ID, T)
TCH_DTYPES(ROWS)

/* -- types of 16 bits ---------------------------------------------------------------------------------------------- */

/* A double keeps its exponent in 11 bits, biased by 1023, above 52 bits of fraction; a small type in what `fraction` and the
 * sign leave of 16, biased by `bias`. Both functions are arithmetic on those bits, without branches, for the compiler to turn
 * into vectors. */
static inline double widen(uint16_t bits, int fraction, int bias) {
  uint64_t magnitude = bits & 0x7fff, most = 0x7fff >> fraction;
  uint64_t normal = (magnitude << (52 - fraction)) + ((uint64_t) (1023 - bias) << 52);
  uint64_t unit = (uint64_t) (1024 - bias - fraction) << 52; /* the smallest number above 0 */
  double value, small;
  memcpy(&small, &unit, sizeof small);
  small *= (double) (int32_t) magnitude;
  memcpy(&unit, &small, sizeof small);
  uint64_t wide = magnitude >> fraction == 0 ? unit : magnitude >> fraction == most ? normal | 0x7ffULL << 52 : normal;
  wide |= (uint64_t) (bits & 0x8000) << 48;
  memcpy(&value, &wide, sizeof value);
  return value;
}

/* To the nearest, ties to the even one. */
static inline uint16_t narrow(double value, int fraction, int bias) {
  uint64_t bits, sum, past = (uint64_t) (1023 + bias + 1) << 52, least = (uint64_t) (1024 - bias) << 52;
  uint64_t grid = (uint64_t) (1023 + 53 - bias - fraction) << 52; /* numbers around it are multiples of the smallest one */
  double magnitude, base;
  memcpy(&bits, &value, sizeof bits);
  uint16_t sign = (uint16_t) (bits >> 48 & 0x8000);
  bits &= ~(1ULL << 63);
  memcpy(&magnitude, &bits, sizeof magnitude);
  memcpy(&base, &grid, sizeof base);
  magnitude += base;
  memcpy(&sum, &magnitude, sizeof sum);
  int shift = 52 - fraction;
  uint64_t normal = (bits - ((uint64_t) (1023 - bias) << 52) + (1ULL << (shift - 1)) - 1 + (bits >> shift & 1)) >> shift;
  uint64_t special = (uint64_t) (0x7fff >> fraction) << fraction | (uint64_t) (bits > 0x7ffULL << 52) << (fraction - 1);
  return (uint16_t) (sign | (bits >= past ? special : bits < least ? sum - grid : normal));
}

#define STORED_ROWS(ID, T, NAME, FRACTION, BIAS)                                                                       \
  static inline double widen_##ID(T value) { return widen(value, FRACTION, BIAS); }                                    \
  static inline int64_t cut_##ID(T value) { return cut(widen_##ID(value)); }                                           \
  static inline T narrow_##ID(double value) { return narrow(value, FRACTION, BIAS); }                                  \
  static inline T narrow_long_##ID(int64_t value) { return narrow_##ID((double) value); }                              \
  ROW(load_double_##ID, T, double, widen_##ID, stride, 1)                                                              \
  ROW(store_double_##ID, double, T, narrow_##ID, 1, stride)                                                            \
  ROW(load_long_##ID, T, int64_t, cut_##ID, stride, 1)                                                                 \
  ROW(store_long_##ID, int64_t, T, narrow_long_##ID, 1, stride)
TCH_STORED_DTYPES(STORED_ROWS)

/* -- one number ---------------------------------------------------------------------------------------------------- */

double tch_plain(double value) { return value == value ? value : __builtin_nan(""); }
double tch_float_at(const float *data, int64_t i) { return tch_plain(data[i]); }
double tch_double_at(const double *data, int64_t i) { return tch_plain(data[i]); }
double tch_half_at(const uint16_t *data, int64_t i) { return tch_plain(widen_HALF(data[i])); }
double tch_bfloat16_at(const uint16_t *data, int64_t i) { return tch_plain(widen_BFLOAT16(data[i])); }
uint16_t tch_half_bits(double value) { return narrow_HALF(value); }
uint16_t tch_bfloat16_bits(double value) { return narrow_BFLOAT16(value); }

/* -- by type ------------------------------------------------------------------------------------------------------- */

void tch_load_double(tch_dtype type, const void *from, int64_t stride, double *to, int64_t n) {
  switch (type) {
#define CASE(ID, ...)                                                                                                \
  case TCH_##ID: load_double_##ID(from, to, stride, n); break;
    TCH_DTYPES(CASE)
    TCH_STORED_DTYPES(CASE)
#undef CASE
    default: break;
  }
}

void tch_store_double(tch_dtype type, void *to, int64_t stride, const double *from, int64_t n) {
  switch (type) {
#define CASE(ID, ...)                                                                                                \
  case TCH_##ID: store_double_##ID(from, to, stride, n); break;
    TCH_DTYPES(CASE)
    TCH_STORED_DTYPES(CASE)
#undef CASE
    default: break;
  }
}

void tch_load_long(tch_dtype type, const void *from, int64_t stride, int64_t *to, int64_t n) {
  switch (type) {
#define CASE(ID, ...)                                                                                                \
  case TCH_##ID: load_long_##ID(from, to, stride, n); break;
    TCH_DTYPES(CASE)
    TCH_STORED_DTYPES(CASE)
#undef CASE
    default: break;
  }
}

void tch_store_long(tch_dtype type, void *to, int64_t stride, const int64_t *from, int64_t n) {
  switch (type) {
#define CASE(ID, ...)                                                                                                \
  case TCH_##ID: store_long_##ID(from, to, stride, n); break;
    TCH_DTYPES(CASE)
    TCH_STORED_DTYPES(CASE)
#undef CASE
    default: break;
  }
}
