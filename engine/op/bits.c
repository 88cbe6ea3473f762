/* Bitwise operations on integers. Shifts by more bits than there are give 0; to the right, zeros come in. */
#include "core/iter.h"
#include "op/op.h"
#include <math.h>
#include <string.h>

typedef void bit_row(int64_t n, void *const *data, const int64_t *stride);

#define UNSIGNED(v) \
  _Generic((v), uint8_t: (uint8_t) 0, int8_t: (uint8_t) 0, int16_t: (uint16_t) 0, int32_t: (uint32_t) 0, int64_t: (uint64_t) 0)

#define AND(x, y, bits) ((x) & (y))
#define OR(x, y, bits) ((x) | (y))
#define XOR(x, y, bits) ((x) ^ (y))
#define LEFT(x, y, bits) ((y) < (bits) ? (uint64_t) (x) << (y) : 0)
#define RIGHT(x, y, bits) ((y) < (bits) ? (uint64_t) (x) >> (y) : 0)

#define ROW(name, T, VALUE)                                                     \
  static void name##_##T(int64_t n, void *const *data, const int64_t *stride) { \
    T *z = data[0];                                                             \
    const T *xs = data[1], *ys = data[2];                                       \
    for (int64_t i = 0; i < n; i++) {                                           \
      __typeof__(UNSIGNED((T) 0)) x = (__typeof__(x)) xs[i * stride[1]];        \
      uint64_t y = (uint64_t) ys[i * stride[2]];                                \
      z[i * stride[0]] = (T) VALUE(x, y, 8 * sizeof(T));                        \
    }                                                                           \
  }
#define SCALED_ROW(name, T, SIGN)                                               \
  static void name##_##T(int64_t n, void *const *data, const int64_t *stride) { \
    T *z = data[0];                                                             \
    const T *xs = data[1], *ys = data[2];                                       \
    for (int64_t i = 0; i < n; i++) z[i * stride[0]] = (T) (xs[i * stride[1]] * exp2(SIGN (double) ys[i * stride[2]])); \
  }
#define ROWS(name, VALUE)                                                                                          \
  ROW(name, uint8_t, VALUE) ROW(name, int8_t, VALUE) ROW(name, int16_t, VALUE) ROW(name, int32_t, VALUE) ROW(name, int64_t, VALUE)

ROWS(and, AND)
ROWS(or, OR)
ROWS(xor, XOR)
ROWS(left, LEFT)
ROWS(right, RIGHT)
SCALED_ROW(left, float, +)
SCALED_ROW(left, double, +)
SCALED_ROW(right, float, -)
SCALED_ROW(right, double, -)

#define INTEGERS(name)                                                                                             \
  [TCH_BYTE] = name##_uint8_t, [TCH_CHAR] = name##_int8_t, [TCH_SHORT] = name##_int16_t, [TCH_INT] = name##_int32_t, \
  [TCH_LONG] = name##_int64_t
static bit_row *const and_rows[TCH_DTYPE_COUNT] = {INTEGERS(and)};
static bit_row *const or_rows[TCH_DTYPE_COUNT] = {INTEGERS(or)};
static bit_row *const xor_rows[TCH_DTYPE_COUNT] = {INTEGERS(xor)};
static bit_row *const left_rows[TCH_DTYPE_COUNT] = {INTEGERS(left), [TCH_FLOAT] = left_float, [TCH_DOUBLE] = left_double};
static bit_row *const right_rows[TCH_DTYPE_COUNT] = {INTEGERS(right), [TCH_FLOAT] = right_float, [TCH_DOUBLE] = right_double};

static tch_status shape(tch_call *c, bit_row *const *rows) {
  const tch_tensor *x = c->in[0], *y = c->in[1];
  char a[TCH_SHAPE_TEXT], b[TCH_SHAPE_TEXT];
  TCH_TRY(tch_op_same_type(c, 3));
  if (x->count == 0 || y->count == 0) return tch_op_fail(c, TCH_ERROR_SHAPE, "the tensor is empty");
  if (rows[x->type] == NULL)
    return tch_op_fail(c, TCH_ERROR_TYPE, "a tensor of integers is needed, not a %sTensor", tch_dtype_name(x->type));
  if (!tch_broadcast(x, y, &c->shape[0]))
    return tch_op_fail(c, TCH_ERROR_SHAPE, "x is %s and y is %s: the sizes differ in a dimension where neither is 1",
                       tch_shape_text(x, a), tch_shape_text(y, b));
  return TCH_OK;
}

static void run_row(void *context, int64_t n, void *const *data, const int64_t *stride) {
  (*(bit_row *const *) context)(n, data, stride);
}

static tch_status forward(tch_call *c, bit_row *const *rows) {
  tch_tensor *operand[] = {c->out[0], c->in[0], c->in[1]};
  bit_row *row = rows[c->in[0]->type];
  tch_iterate(&c->shape[0], operand, 3, run_row, &row);
  return TCH_OK;
}

#define BITS(op, rows)                                                          \
  static tch_status op##_shape(tch_call *c) { return shape(c, rows); }          \
  static tch_status op##_forward(tch_call *c) { return forward(c, rows); }      \
  const tch_op_body tch_op_##op = {.shape = op##_shape, .forward = op##_forward, .in_place = true};

BITS(bitand, and_rows)
BITS(bitor, or_rows)
BITS(bitxor, xor_rows)
BITS(lshift, left_rows)
BITS(rshift, right_rows)
