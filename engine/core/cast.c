/* Casts. Every type is read into and written from two wide types, so a new type adds rows, not pairs. */
#include "core/cast.h"
#include "core/dtype.h"

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

void tch_load_double(tch_dtype type, const void *from, int64_t stride, double *to, int64_t n) {
  switch (type) {
#define CASE(ID, T, NAME, FLOATING)                                                                                    \
  case TCH_##ID: load_double_##ID(from, to, stride, n); break;
    TCH_DTYPES(CASE)
#undef CASE
    default: break;
  }
}

void tch_store_double(tch_dtype type, void *to, int64_t stride, const double *from, int64_t n) {
  switch (type) {
#define CASE(ID, T, NAME, FLOATING)                                                                                    \
  case TCH_##ID: store_double_##ID(from, to, stride, n); break;
    TCH_DTYPES(CASE)
#undef CASE
    default: break;
  }
}

void tch_load_long(tch_dtype type, const void *from, int64_t stride, int64_t *to, int64_t n) {
  switch (type) {
#define CASE(ID, T, NAME, FLOATING)                                                                                    \
  case TCH_##ID: load_long_##ID(from, to, stride, n); break;
    TCH_DTYPES(CASE)
#undef CASE
    default: break;
  }
}

void tch_store_long(tch_dtype type, void *to, int64_t stride, const int64_t *from, int64_t n) {
  switch (type) {
#define CASE(ID, T, NAME, FLOATING)                                                                                    \
  case TCH_##ID: store_long_##ID(from, to, stride, n); break;
    TCH_DTYPES(CASE)
#undef CASE
    default: break;
  }
}
