/* Copies and fills over strides and types against one element at a time; single elements. */
#include "check.h"
#include "core/box.h"
#include "core/cpu.h"
#include "core/dtype.h"
#include "core/random.h"
#include "core/tensor.h"
#include <stdlib.h>
#include <string.h>

static uint32_t dice(uint32_t n) { return tch_random_next(NULL) % n; }

/* A tensor of the sizes whose dimensions lie in memory in random order, with gaps or backwards at random. */
static tch_tensor *scattered(tch_dtype type, int ndim, const int64_t *size) {
  int order[TCH_MAX_DIMS];
  int64_t stride[TCH_MAX_DIMS], step = 1 + dice(2), offset = 0;
  for (int d = 0; d < ndim; d++) order[d] = d;
  for (int d = ndim - 1; d > 0; d--) {
    int k = (int) dice((uint32_t) d + 1), swapped = order[d];
    order[d] = order[k];
    order[k] = swapped;
  }
  for (int d = ndim - 1; d >= 0; d--) {
    stride[order[d]] = step;
    step *= size[order[d]];
    if (dice(4) == 0) step += 3;
    if (dice(5) == 0) {
      offset += (size[order[d]] - 1) * stride[order[d]];
      stride[order[d]] = -stride[order[d]];
    }
  }
  tch_storage *s = NULL;
  tch_tensor *t = NULL;
  ok(tch_storage_new(type, step + 7, &s));
  ok(tch_tensor_view_of(s, offset, ndim, size, stride, &t));
  tch_storage_release(s);
  return t;
}

static double nth(const tch_tensor *t, int64_t i) {
  int64_t index[TCH_MAX_DIMS];
  for (int d = t->ndim - 1; d >= 0; d--) {
    index[d] = i % t->size[d];
    i /= t->size[d];
  }
  double v = 0;
  ok(tch_tensor_get(t, t->ndim, index, &v));
  return v;
}

static void check_equal(const tch_tensor *a, const tch_tensor *b) {
  for (int64_t i = 0; i < a->count; i++)
    if (nth(a, i) != nth(b, i)) fail_msg("element %d is %g, not %g", (int) i, nth(a, i), nth(b, i));
}

static void any_strides_and_types(void **state) {
  tch_random_seed(NULL, 1);
  for (int round = 0; round < 1500; round++) {
    int64_t size[5], other[5], count = 1;
    int ndim = (int) dice(5);
    for (int d = 0; d < ndim; d++) count *= size[d] = 1 + dice(round % 50 == 0 ? 9 : 5);
    int n = ndim;
    memcpy(other, size, sizeof size);
    if (ndim > 1 && dice(3) == 0)
      other[0] = size[ndim - 1], other[ndim - 1] = size[0]; /* often without common factors */
    if (dice(4) == 0) n = 1, other[0] = count;
    tch_tensor *from = scattered((tch_dtype) dice(TCH_DTYPE_COUNT), ndim, size);
    tch_tensor *to = scattered(dice(2) ? from->type : (tch_dtype) dice(TCH_DTYPE_COUNT), n, other);
    ok(tch_tensor_random(from, 0, 127, NULL));
    ok(tch_tensor_fill(to, 3));
    ok(tch_tensor_copy(to, from));
    check_equal(to, from);
    tch_tensor_release(from);
    tch_tensor_release(to);
  }
}

static tch_tensor *matrix(tch_dtype type, int64_t rows, int64_t columns) {
  tch_tensor *t = NULL;
  ok(tch_tensor_new(type, 2, (int64_t[]){rows, columns}, &t));
  return t;
}

static tch_tensor *turned(tch_tensor *t) {
  tch_tensor *v = NULL;
  ok(tch_tensor_view_of(t->storage, t->offset, 2, (int64_t[]){t->size[1], t->size[0]},
                        (int64_t[]){t->stride[1], t->stride[0]}, &v));
  return v;
}

static void large_ones_go_to_the_pool(void **state) {
  ok(tch_set_threads(3));
  const tch_dtype types[] = {TCH_BYTE, TCH_SHORT, TCH_FLOAT, TCH_DOUBLE};
  for (int k = 0; k < 4; k++) {
    tch_tensor *a = matrix(types[k], 301, 515), *b = matrix(TCH_FLOAT, 301, 515), *c = matrix(types[k], 515, 301);
    tch_tensor *at = turned(a);
    ok(tch_tensor_random(a, 0, 100, NULL));
    ok(tch_tensor_copy(b, a));
    check_equal(b, a);
    ok(tch_tensor_copy(c, at));
    check_equal(c, at);
    ok(tch_tensor_fill(a, 7));
    for (int64_t i = 0; i < a->count; i += 997) close_to(nth(a, i), 7, 0);
    tch_tensor_release(a), tch_tensor_release(at), tch_tensor_release(b), tch_tensor_release(c);
  }
}

static void overlaps_copy_as_if_apart(void **state) {
  tch_tensor *t = doubles(NULL, 10, 0, 0), *low = NULL, *high = NULL, *square = doubles(NULL, 3, 3, 0),
             *other = turned(square);
  ok(tch_tensor_view_of(t->storage, 0, 1, (int64_t[]){8}, NULL, &low));
  ok(tch_tensor_view_of(t->storage, 2, 1, (int64_t[]){8}, NULL, &high));
  ok(tch_tensor_copy(high, low));
  for (int64_t i = 0; i < 8; i++) close_to(at(t, i + 2), 0.1 * (double) (i + 1), 1e-15);
  ok(tch_tensor_copy(square, other));
  close_to(at(square, 1), 0.4, 1e-15);
  close_to(at(square, 3), 0.2, 1e-15);
  ok(tch_tensor_copy(t, t));
  tch_tensor_release(t), tch_tensor_release(low), tch_tensor_release(high), tch_tensor_release(square),
      tch_tensor_release(other);
}

static void expanded_sources(void **state) {
  tch_tensor *row = doubles(NULL, 4, 0, 0), *wide = NULL, *to = doubles(NULL, 3, 4, 0);
  ok(tch_tensor_view_of(row->storage, 0, 2, (int64_t[]){3, 4}, (int64_t[]){0, 1}, &wide));
  ok(tch_tensor_fill(to, 0));
  ok(tch_tensor_copy(to, wide));
  check_equal(to, wide);
  ok(tch_tensor_fill(wide, 5));
  close_to(at(row, 3), 5, 0);
  tch_tensor_release(row), tch_tensor_release(wide), tch_tensor_release(to);
}

static double cast_to(tch_dtype type, double value) {
  tch_tensor *from = doubles(&value, 1, 0, 0), *to = NULL;
  ok(tch_tensor_new(type, 1, (int64_t[]){1}, &to));
  ok(tch_tensor_copy(to, from));
  double v = nth(to, 0);
  ok(tch_tensor_fill(from, 0));
  ok(tch_tensor_fill(to, value)); /* the same rule */
  assert_true(nth(to, 0) == v);
  tch_tensor_release(from), tch_tensor_release(to);
  return v;
}

static void casts_are_defined_for_every_number(void **state) {
  close_to(cast_to(TCH_INT, 2.9), 2, 0);
  close_to(cast_to(TCH_INT, -2.9), -2, 0);
  close_to(cast_to(TCH_BYTE, -1), 255, 0);
  close_to(cast_to(TCH_BYTE, 300), 44, 0);
  close_to(cast_to(TCH_CHAR, 200), -56, 0);
  close_to(cast_to(TCH_INT, NAN), 0, 0);
  close_to(cast_to(TCH_LONG, NAN), 0, 0);
  close_to(cast_to(TCH_LONG, INFINITY), 0x1p63, 0);
  close_to(cast_to(TCH_LONG, -1e300), -0x1p63, 0);
  close_to(cast_to(TCH_LONG, 0x1p63), 0x1p63, 0);
  close_to(cast_to(TCH_SHORT, INFINITY), -1, 0);
  assert_true(isinf(cast_to(TCH_FLOAT, INFINITY)));
  assert_true(cast_to(TCH_FLOAT, 0.1) == (double) 0.1f);
}

static void wide_integers_keep_their_digits(void **state) {
  const int64_t value[] = {INT64_MAX, INT64_MIN, (INT64_C(1) << 53) + 1, -7};
  tch_tensor *a = NULL, *b = NULL, *i = NULL, *f = NULL;
  ok(tch_tensor_new(TCH_LONG, 1, (int64_t[]){4}, &a));
  ok(tch_tensor_new(TCH_LONG, 1, (int64_t[]){4}, &b));
  ok(tch_tensor_new(TCH_INT, 1, (int64_t[]){4}, &i));
  ok(tch_tensor_new(TCH_FLOAT, 1, (int64_t[]){4}, &f));
  memcpy(tch_tensor_data(a), value, sizeof value);
  ok(tch_tensor_copy(b, a));
  assert_memory_equal(tch_tensor_data(b), value, sizeof value);
  ok(tch_tensor_copy(i, a));
  for (int k = 0; k < 4; k++) assert_int_equal(((int32_t *) tch_tensor_data(i))[k], (int32_t) value[k]);
  ok(tch_tensor_copy(f, a));
  for (int k = 0; k < 4; k++) assert_true(((float *) tch_tensor_data(f))[k] == (float) value[k]);
  tch_tensor_release(a), tch_tensor_release(b), tch_tensor_release(i), tch_tensor_release(f);
}

static void counts_must_agree(void **state) {
  tch_tensor *a = doubles(NULL, 2, 3, 0), *b = doubles(NULL, 4, 0, 0), *none = NULL;
  refused(tch_tensor_copy(a, b), TCH_ERROR_SHAPE, "copy: the target (2x3) has 6 elements, the source (4) has 4");
  close_to(at(a, 0), 0.1, 1e-15);
  ok(tch_tensor_empty(TCH_FLOAT, &none));
  refused(tch_tensor_copy(none, b), TCH_ERROR_SHAPE, "(empty) has 0 elements");
  ok(tch_tensor_copy(none, none));
  ok(tch_tensor_fill(none, 1));
  tch_tensor_release(a), tch_tensor_release(b), tch_tensor_release(none);
}

static void elements_are_checked(void **state) {
  tch_tensor *a = doubles(NULL, 2, 3, 0), *none = NULL;
  double v = -1;
  ok(tch_tensor_put(a, 2, (int64_t[]){1, 2}, 9));
  ok(tch_tensor_get(a, 2, (int64_t[]){1, 2}, &v));
  close_to(v, 9, 0);
  refused(tch_tensor_get(a, 2, (int64_t[]){1, 3}, &v), TCH_ERROR_SHAPE,
          "get: index 3 is outside 0..2 of dimension 1 (2x3)");
  refused(tch_tensor_put(a, 2, (int64_t[]){-1, 0}, 1), TCH_ERROR_SHAPE, "put: index -1");
  refused(tch_tensor_get(a, 1, (int64_t[]){0}, &v), TCH_ERROR_SHAPE, "1 indices for a tensor of 2 dimensions");
  ok(tch_tensor_empty(TCH_FLOAT, &none));
  refused(tch_tensor_get(none, 0, NULL, &v), TCH_ERROR_SHAPE, "(empty)");
  close_to(v, 9, 0);
  tch_tensor_release(a), tch_tensor_release(none);
}

static void blocks_of_every_size_are_turned(void **state) {
  enum { MOST = 37 };
  static uint8_t from[MOST * MOST * 8], to[MOST * MOST * 8];
  for (size_t i = 0; i < sizeof from; i++) from[i] = (uint8_t) (i * 37 + i / 251);
  for (int bytes = 1; bytes <= 8; bytes *= 2)
    for (int n = 1; n <= MOST; n += 3)
      for (int m = 1; m <= MOST; m += 4) {
        memset(to, 0, sizeof to);
        const int64_t size[] = {n, m}, rows[] = {1, MOST}, columns[] = {MOST, 1};
        tch_box_move(bytes, 2, size, to, rows, from, columns);
        for (int i = 0; i < n; i++)
          for (int j = 0; j < m; j++)
            assert_memory_equal(to + (j * MOST + i) * bytes, from + (i * MOST + j) * bytes, (size_t) bytes);
      }
}

/* A box of random sizes and strides: target dimensions in random order with gaps, the source's with any strides. */
typedef struct box {
  int ndim;
  int64_t size[4], to[4], from[4], to_span, from_span;
} box;

static box random_box(void) {
  box b = {.ndim = 1 + (int) dice(4), .from_span = 1};
  int order[4] = {0, 1, 2, 3};
  int64_t step = 1 + (dice(3) == 0 ? dice(9) : 0), room = 6000;
  for (int d = 0; d < b.ndim; d++) {
    b.size[d] = 1 + dice(room < 70 ? (uint32_t) room : 70);
    if (dice(2) == 0 && room >= 16) b.size[d] = 4 * (1 + dice(4)); /* sides of turns go on behind fours */
    room /= b.size[d];
    int k = (int) dice((uint32_t) d + 1);
    order[d] = order[k];
    order[k] = d;
  }
  for (int i = 0; i < b.ndim; i++) {
    int d = order[i];
    b.to[d] = step;
    step = step * b.size[d] + (dice(3) == 0 ? dice(5) : 0);
    b.from[d] = dice(4) == 0 ? dice(10) : 1;
    if (dice(2) == 0) b.from[d] = dice(2) ? 1 + dice(9) : b.from_span;
    b.from_span += b.from[d] * (b.size[d] - 1);
  }
  b.to_span = step;
  if (dice(3) == 0) { /* the source without gaps, in any order */
    b.from_span = 1;
    for (int i = b.ndim - 1, left = b.ndim; i >= 0; i--, left--) {
      int k = (int) dice((uint32_t) left), d = order[k];
      order[k] = order[i];
      order[i] = d;
      b.from[d] = b.from_span;
      b.from_span *= b.size[d];
    }
  }
  return b;
}

static void move_one_by_one(const box *b, int64_t bytes, char *to, const char *from) {
  int64_t count = 1;
  for (int d = 0; d < b->ndim; d++) count *= b->size[d];
  for (int64_t i = 0; i < count; i++) {
    int64_t left = i, t = 0, f = 0;
    for (int d = 0; d < b->ndim; d++) {
      t += left % b->size[d] * b->to[d];
      f += left % b->size[d] * b->from[d];
      left /= b->size[d];
    }
    memcpy(to + t * bytes, from + f * bytes, (size_t) bytes);
  }
}

/* Every instruction set, every width, at places that no vector is aligned to; what lies between the elements stays. */
static void boxes_move_and_gaps_stay(void **state) {
  enum { MOST = 1 << 20 };
  char *from = malloc(MOST), *to = malloc(MOST), *want = malloc(MOST);
  for (int i = 0; i < MOST; i++) from[i] = (char) dice(256);
  tch_isa was = tch_cpu_isa();
  for (int round = 0; round < 1200; round++) {
    box b = random_box();
    int64_t bytes = 1 << dice(4), lead = dice(20) * bytes;
    if (b.to_span * bytes + lead > MOST || b.from_span * bytes + lead > MOST) continue;
    memset(want, 7, (size_t) (b.to_span * bytes + lead));
    move_one_by_one(&b, bytes, want + lead, from + lead);
    for (int isa = 0; isa < TCH_ISA_COUNT; isa++) {
      if (!tch_cpu_supports((tch_isa) isa)) continue;
      tch_cpu_use((tch_isa) isa);
      memset(to, 7, (size_t) (b.to_span * bytes + lead));
      tch_box_move(bytes, b.ndim, b.size, to + lead, b.to, from + lead, b.from);
      assert_memory_equal(to, want, (size_t) (b.to_span * bytes + lead));
    }
  }
  tch_cpu_use(was);
  free(from), free(to), free(want);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(blocks_of_every_size_are_turned),
      cmocka_unit_test(boxes_move_and_gaps_stay),
      cmocka_unit_test(any_strides_and_types),
      cmocka_unit_test(large_ones_go_to_the_pool),
      cmocka_unit_test(overlaps_copy_as_if_apart),
      cmocka_unit_test(expanded_sources),
      cmocka_unit_test(casts_are_defined_for_every_number),
      cmocka_unit_test(wide_integers_keep_their_digits),
      cmocka_unit_test(counts_must_agree),
      cmocka_unit_test(elements_are_checked),
  };
  return cmocka_run_group_tests_name("copy", tests, NULL, NULL);
}
