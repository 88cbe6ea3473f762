/* Ops that pick by index or mask, join, rearrange, sort and accumulate: values, gradients, and what they refuse. */
#include "gradcheck.h"

static tch_tensor *longs(const int64_t *values, int64_t a, int64_t b) {
  int64_t size[] = {a, b};
  tch_tensor *t = NULL;
  ok(tch_tensor_new(TCH_LONG, b ? 2 : 1, size, &t));
  memcpy(tch_tensor_data(t), values, sizeof *values * (size_t) tch_tensor_count(t));
  return t;
}

static tch_tensor *bytes(const uint8_t *values, int64_t a, int64_t b) {
  int64_t size[] = {a, b};
  tch_tensor *t = NULL;
  ok(tch_tensor_new(TCH_BYTE, b ? 2 : 1, size, &t));
  memcpy(tch_tensor_data(t), values, (size_t) tch_tensor_count(t));
  return t;
}

#define LONGS(a, b, ...) longs((const int64_t[]) {__VA_ARGS__}, a, b)
#define BYTES(a, b, ...) bytes((const uint8_t[]) {__VA_ARGS__}, a, b)
#define DOUBLES(a, b, ...) doubles((const double[]) {__VA_ARGS__}, a, b, 0)

/* t, of doubles or longs, holds exactly these values; t is released. */
static void holds(tch_tensor *t, int n, const double *want) {
  assert_non_null(t);
  assert_int_equal(tch_tensor_count(t), n);
  assert_true(tch_tensor_contiguous(t));
  for (int i = 0; i < n; i++) {
    double got = tch_tensor_dtype(t) == TCH_LONG ? (double) ((int64_t *) tch_tensor_data(t))[i] : at(t, i);
    if (got != want[i]) fail_msg("element %d is %g, not %g", i, got, want[i]);
  }
  tch_tensor_release(t);
}
#define HOLDS(t, ...) holds(t, (int) (sizeof((double[]) {__VA_ARGS__}) / sizeof(double)), (const double[]) {__VA_ARGS__})

static void release(tch_tensor *a, tch_tensor *b, tch_tensor *c) {
  tch_tensor_release(a);
  tch_tensor_release(b);
  tch_tensor_release(c);
}

/* -- index_select and its kin ------------------------------------------------------------------------------------- */

static void index_select_takes_rows_and_columns(void **state) {
  tch_tensor *x = DOUBLES(2, 3, 1, 2, 3, 4, 5, 6), *index = LONGS(2, 0, 3, 1), *y = NULL, *rows = NULL;
  ok(tch_index_select(x, index, 1, 1, &y));
  HOLDS(y, 3, 1, 6, 4);
  tch_tensor *again = LONGS(3, 0, 1, 0, 1);
  ok(tch_index_select(x, again, 0, 0, &rows));
  HOLDS(rows, 4, 5, 6, 1, 2, 3, 4, 5, 6);
  release(x, index, again);
}

static void indices_out_of_range_are_named_as_the_caller_counts(void **state) {
  tch_tensor *x = doubles(NULL, 2, 10, 0), *index = LONGS(3, 0, 1, 10, 11), *y = NULL;
  refused(tch_index_select(x, index, 1, 1, &y), TCH_ERROR_VALUE, "index[3] = 11, but dimension 2 has 10 entries");
  refused(tch_index_select(x, index, 1, 0, &y), TCH_ERROR_VALUE, "index[1] = 10, but dimension 2 has 10 entries");
  tch_tensor *real = doubles(NULL, 3, 0, 0);
  refused(tch_index_select(x, real, 1, 0, &y), TCH_ERROR_TYPE, "index is a DoubleTensor");
  tch_tensor_release(real);
  refused(tch_index_select(x, index, 2, 1, &y), TCH_ERROR_VALUE, "no dimension");
  assert_null(y);
  release(x, index, NULL);
}

static void index_add_counts_repeated_rows(void **state) {
  tch_tensor *x = DOUBLES(3, 0, 1, 2, 3), *index = LONGS(3, 0, 0, 2, 0), *source = DOUBLES(3, 0, 10, 20, 30), *y = NULL;
  ok(tch_index_add(x, index, source, 0, 0, 1, &y));
  HOLDS(y, 41, 2, 23);
  y = x;
  ok(tch_index_add(x, index, source, 0, 0, 0.5, &y));
  HOLDS(x, 21, 2, 13);
  release(index, source, NULL);
}

static void index_copy_and_fill(void **state) {
  tch_tensor *x = DOUBLES(2, 2, 1, 2, 3, 4), *index = LONGS(1, 0, 1), *source = DOUBLES(2, 1, 8, 9), *y = NULL, *z = NULL;
  ok(tch_index_copy(x, index, source, 1, 0, &y));
  HOLDS(y, 1, 8, 3, 9);
  ok(tch_index_fill(x, index, 0, 0, 7, &z));
  HOLDS(z, 1, 2, 7, 7);
  refused(tch_index_copy(x, index, x, 1, 0, &z), TCH_ERROR_SHAPE, "src");
  release(x, index, source);
}

/* -- gather and scatter ------------------------------------------------------------------------------------------- */

static void gather_and_scatter_are_inverse(void **state) {
  tch_tensor *x = DOUBLES(2, 3, 1, 2, 3, 4, 5, 6), *index = LONGS(2, 2, 3, 1, 2, 2), *y = NULL, *z = NULL, *f = NULL;
  ok(tch_gather(x, index, 1, 1, &y));
  ok(tch_scatter(x, index, y, 1, 1, &z));
  HOLDS(z, 1, 2, 3, 4, 5, 6);
  HOLDS(y, 3, 1, 5, 5);
  ok(tch_scatter_fill(x, index, 1, 1, 0, &f));
  HOLDS(f, 0, 2, 0, 4, 0, 6);
  release(x, index, NULL);
}

static void scatter_add_adds_collisions(void **state) {
  tch_tensor *x = DOUBLES(1, 3, 1, 1, 1), *index = LONGS(1, 3, 0, 0, 2), *source = DOUBLES(1, 3, 1, 2, 3), *y = NULL;
  ok(tch_scatter_add(x, index, source, 1, 0, &y));
  HOLDS(y, 4, 1, 4);
  release(x, index, source);
}

static void scatter_works_in_place_on_a_transposed_view(void **state) {
  int64_t turn[] = {1, 0};
  tch_tensor *x = DOUBLES(2, 3, 1, 2, 3, 4, 5, 6), *t = NULL, *index = LONGS(1, 2, 2, 0), *source = DOUBLES(1, 2, 8, 9);
  ok(tch_permute(x, turn, 2, &t)); /* 3x2 on x's storage */
  tch_tensor *target = t;
  ok(tch_scatter(t, index, source, 0, 0, &target));
  HOLDS(x, 1, 2, 8, 9, 5, 6);
  release(t, index, source);
}

static void a_failed_scatter_changes_nothing(void **state) {
  tch_tensor *x = DOUBLES(1, 3, 1, 2, 3), *index = LONGS(1, 2, 0, 3), *source = DOUBLES(1, 2, 8, 9), *y = x;
  refused(tch_scatter(x, index, source, 1, 0, &y), TCH_ERROR_VALUE, "index[0][1] = 3, but dimension 2 has 3 entries (0 to 2)");
  HOLDS(x, 1, 2, 3);
  release(index, source, NULL);
}

/* -- embedding ---------------------------------------------------------------------------------------------------- */

static void embedding_gives_no_gradient_to_padding(void **state) {
  tch_tensor *weight = DOUBLES(3, 2, 1, 2, 3, 4, 5, 6), *index = LONGS(2, 2, 1, 3, 3, 1), *y = NULL, *s = NULL;
  ok(tch_requires_grad(weight, true));
  ok(tch_embedding(weight, index, 1, 1, &y));
  assert_int_equal(tch_tensor_dim(y), 3);
  ok(tch_sum(y, NULL, 0, false, &s));
  ok(tch_backward(s, NULL, 0));
  tch_tensor_retain(tch_grad(weight));
  HOLDS(tch_grad(weight), 0, 0, 0, 0, 2, 2);
  release(y, s, weight);
  tch_tensor_release(index);
}

/* -- masks -------------------------------------------------------------------------------------------------------- */

static void masks_select_fill_and_copy(void **state) {
  tch_tensor *x = DOUBLES(2, 2, 1, 2, 3, 4), *mask = BYTES(2, 2, 0, 1, 1, 0), *y = NULL, *f = NULL, *c = NULL;
  ok(tch_masked_select(x, mask, &y));
  ok(tch_masked_fill(x, mask, -1, &f));
  HOLDS(f, 1, -1, -1, 4);
  tch_tensor *source = DOUBLES(3, 0, 7, 8, 9);
  ok(tch_masked_copy(x, mask, source, &c));
  HOLDS(c, 1, 7, 8, 4);
  HOLDS(y, 2, 3);
  tch_tensor *few = DOUBLES(1, 0, 7), *none = NULL;
  refused(tch_masked_copy(x, mask, few, &none), TCH_ERROR_SHAPE, "1 elements, but the mask marks 2");
  release(x, mask, source);
  tch_tensor_release(few);
}

static void nonzero_lists_places(void **state) {
  tch_tensor *x = DOUBLES(2, 2, 0, 5, 0, 6), *y = NULL;
  ok(tch_nonzero(x, 1, &y));
  HOLDS(y, 1, 2, 2, 2);
  tch_tensor_release(x);
}

/* -- joining and rearranging -------------------------------------------------------------------------------------- */

static void cat_and_stack(void **state) {
  tch_tensor *a = DOUBLES(2, 1, 1, 2), *b = DOUBLES(2, 2, 3, 4, 5, 6), *list[] = {a, b}, *twice[] = {a, a}, *y = NULL, *z = NULL;
  ok(tch_cat(list, 2, 1, &y));
  HOLDS(y, 1, 3, 4, 2, 5, 6);
  ok(tch_stack(twice, 2, 1, &z));
  assert_int_equal(tch_tensor_size(z, 1), 2);
  HOLDS(z, 1, 1, 2, 2);
  y = NULL;
  refused(tch_stack(list, 2, 0, &y), TCH_ERROR_SHAPE, "xs[2] is 2x2, but the first tensor is 2x1");
  refused(tch_cat(list, 2, 0, &y), TCH_ERROR_SHAPE, "except along dimension 1");
  release(a, b, NULL);
}

static void pad_edge_reflects_repeats_and_goes_round(void **state) {
  tch_tensor *x = DOUBLES(3, 0, 1, 2, 3), *y = NULL;
  int64_t before[] = {2}, after[] = {1}, wide[] = {3};
  ok(tch_pad_edge(x, before, 1, after, 1, 0, &y));
  HOLDS(y, 3, 2, 1, 2, 3, 2);
  y = NULL;
  ok(tch_pad_edge(x, before, 1, after, 1, 1, &y));
  HOLDS(y, 1, 1, 1, 2, 3, 3);
  y = NULL;
  ok(tch_pad_edge(x, before, 1, after, 1, 2, &y));
  HOLDS(y, 2, 3, 1, 2, 3, 1);
  y = NULL;
  refused(tch_pad_edge(x, wide, 1, after, 1, 0, &y), TCH_ERROR_VALUE, "widths 3 and 1 are not possible");
  tch_tensor_release(x);
}

static void roll_flip_and_tile(void **state) {
  tch_tensor *x = DOUBLES(2, 3, 1, 2, 3, 4, 5, 6), *y = NULL;
  int64_t shift[] = {-1}, one[] = {1}, both[] = {0, 1}, times[] = {2, 1, 2};
  ok(tch_roll(x, shift, 1, one, 1, &y));
  HOLDS(y, 2, 3, 1, 5, 6, 4);
  y = NULL;
  ok(tch_flip(x, both, 2, &y));
  HOLDS(y, 6, 5, 4, 3, 2, 1);
  y = NULL;
  ok(tch_tile(x, times, 3, &y));
  HOLDS(y, 1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6, 1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6);
  tch_tensor_release(x);
}

/* -- order -------------------------------------------------------------------------------------------------------- */

static void sort_keeps_the_order_of_equals_and_puts_nan_last(void **state) {
  tch_tensor *x = DOUBLES(5, 0, 2, NAN, -0.0, 2, 0), *y = NULL, *index = NULL;
  ok(tch_sort(x, 0, false, 1, &y, &index));
  assert_true(isnan(at(y, 4)));
  HOLDS(index, 3, 5, 1, 4, 2);
  index = NULL;
  ok(tch_sort(x, 0, true, 0, &y, &index));
  HOLDS(index, 1, 0, 3, 2, 4);
  release(x, y, NULL);
}

static void sort_agrees_with_qsort(void **state) {
  enum { N = 1000 };
  int64_t size[] = {N, 2};
  tch_tensor *x = NULL, *y = NULL, *index = NULL;
  ok(tch_tensor_new(TCH_LONG, 2, size, &x));
  int64_t *v = tch_tensor_data(x);
  for (int i = 0; i < 2 * N; i++) v[i] = (int64_t) ((uint64_t) (i + 1) * UINT64_C(0x9E3779B97F4A7C15)) >> (i % 40);
  ok(tch_sort(x, 0, false, 0, &y, &index));
  const int64_t *s = tch_tensor_data(y), *at = tch_tensor_data(index);
  for (int i = 0; i < 2 * N; i++) {
    assert_int_equal(s[i], v[2 * at[i] + i % 2]);
    if (i >= 2) assert_true(s[i - 2] <= s[i]);
  }
  release(x, y, index);
}

static void topk_kthvalue_median_and_mode(void **state) {
  tch_tensor *x = DOUBLES(2, 4, 4, 1, 3, 1, 9, 8, 8, 7), *y = NULL, *index = NULL;
  ok(tch_topk(x, 2, 1, true, 1, &y, &index));
  HOLDS(y, 4, 3, 9, 8);
  HOLDS(index, 1, 3, 1, 2);
  y = index = NULL;
  ok(tch_kthvalue(x, 3, 1, false, 0, &y, &index));
  assert_int_equal(tch_tensor_dim(y), 1);
  HOLDS(y, 3, 8);
  tch_tensor_release(index);
  y = index = NULL;
  ok(tch_median(x, 1, true, 0, &y, &index));
  HOLDS(y, 1, 8);
  tch_tensor_release(index);
  y = index = NULL;
  ok(tch_mode(x, 1, true, 1, &y, &index));
  HOLDS(y, 1, 8);
  HOLDS(index, 4, 3);
  y = index = NULL;
  refused(tch_topk(x, 5, 1, true, 1, &y, &index), TCH_ERROR_VALUE, "k = 5, but dimension 2 has 4 entries");
  tch_tensor_release(x);
}

static void cumulative_sums_and_products(void **state) {
  tch_tensor *x = DOUBLES(2, 3, 1, 2, 3, 4, 5, 6), *y = NULL;
  ok(tch_cumsum(x, 1, &y));
  HOLDS(y, 1, 3, 6, 4, 9, 15);
  y = NULL;
  ok(tch_cumprod(x, 0, &y));
  HOLDS(y, 1, 2, 3, 4, 10, 18);
  tch_tensor_release(x);
}

static void triangles(void **state) {
  tch_tensor *x = DOUBLES(2, 3, 1, 2, 3, 4, 5, 6), *y = NULL;
  ok(tch_tril(x, 0, &y));
  HOLDS(y, 1, 0, 0, 4, 5, 0);
  y = NULL;
  ok(tch_triu(x, 1, &y));
  HOLDS(y, 0, 2, 3, 0, 0, 6);
  y = NULL;
  ok(tch_tril(x, INT64_MAX, &y));
  HOLDS(y, 1, 2, 3, 4, 5, 6);
  tch_tensor_release(x);
}

static void one_hot_rows(void **state) {
  tch_tensor *index = LONGS(2, 0, 3, 1), *y = NULL;
  ok(tch_one_hot(index, 3, TCH_DOUBLE, 1, &y));
  HOLDS(y, 0, 0, 1, 1, 0, 0);
  y = NULL;
  refused(tch_one_hot(index, 2, TCH_DOUBLE, 1, &y), TCH_ERROR_VALUE, "= 3, but");
  tch_tensor_release(index);
}

/* -- dropout ------------------------------------------------------------------------------------------------------ */

static void dropout_draws_torch7s_stream(void **state) {
  tch_random *r = NULL;
  tch_tensor *x = doubles(NULL, 10, 0, 0), *y = NULL, *mask = NULL;
  ok(tch_random_new(1, &r));
  ok(tch_tensor_fill(x, 1));
  ok(tch_dropout(x, 0.5, true, r, &y, &mask));
  HOLDS(y, 2, 0, 0, 0, 2, 2, 2, 0, 2, 2);
  refused(tch_dropout(x, 1, true, r, &x, &mask), TCH_ERROR_VALUE, "p = 1");
  release(x, mask, NULL);
  tch_random_release(r);
}

/* -- gradients ---------------------------------------------------------------------------------------------------- */

#define OP_OF(name, call)                                                           \
  static tch_status name(tch_tensor *const *x, void *context, tch_tensor **y) {     \
    tch_tensor *index = context, *other = NULL;                                     \
    (void) index;                                                                   \
    tch_status status = call;                                                       \
    tch_tensor_release(other);                                                      \
    return status;                                                                  \
  }
#define LIST(...) (const int64_t[]) {__VA_ARGS__}
OP_OF(select_1, tch_index_select(x[0], index, 1, 0, y))
OP_OF(add_1, tch_index_add(x[0], index, x[1], 1, 0, 0.5, y))
OP_OF(copy_1, tch_index_copy(x[0], index, x[1], 1, 0, y))
OP_OF(fill_1, tch_index_fill(x[0], index, 1, 0, 3, y))
OP_OF(gather_1, tch_gather(x[0], index, 1, 0, y))
OP_OF(scatter_1, tch_scatter(x[0], index, x[1], 1, 0, y))
OP_OF(scatter_add_1, tch_scatter_add(x[0], index, x[1], 1, 0, y))
OP_OF(scatter_fill_1, tch_scatter_fill(x[0], index, 1, 0, 3, y))
OP_OF(embed_some, tch_embedding(x[0], index, 0, 1, y))
OP_OF(mask_select, tch_masked_select(x[0], index, y))
OP_OF(mask_fill, tch_masked_fill(x[0], index, 3, y))
OP_OF(mask_copy, tch_masked_copy(x[0], index, x[1], y))
OP_OF(cat_0, tch_cat(x, 2, 0, y))
OP_OF(stack_1, tch_stack(x, 2, 1, y))
OP_OF(pad_zero, tch_pad(x[0], LIST(1, 0), 2, LIST(0, 2), 2, 0, y))
OP_OF(crop_some, tch_crop(x[0], LIST(1, 0), 2, LIST(0, 1), 2, y))
OP_OF(pad_reflect, tch_pad_edge(x[0], LIST(1, 2), 2, LIST(1, 1), 2, 0, y))
OP_OF(pad_repeat, tch_pad_edge(x[0], LIST(1, 2), 2, LIST(0, 3), 2, 1, y))
OP_OF(pad_round, tch_pad_edge(x[0], LIST(1, 2), 2, LIST(0, 3), 2, 2, y))
OP_OF(roll_01, tch_roll(x[0], LIST(1, -2), 2, LIST(0, 1), 2, y))
OP_OF(flip_1, tch_flip(x[0], LIST(1), 1, y))
OP_OF(tile_all, tch_tile(x[0], LIST(2, 3, 2), 3, y))
OP_OF(sort_0, tch_sort(x[0], 0, true, 0, y, &other))
OP_OF(topk_1, tch_topk(x[0], 2, 1, true, 1, y, &other))
OP_OF(kth_0, tch_kthvalue(x[0], 2, 0, false, 1, y, &other))
OP_OF(median_1, tch_median(x[0], 1, true, 1, y, &other))
OP_OF(cumsum_0, tch_cumsum(x[0], 0, y))
OP_OF(cumprod_1, tch_cumprod(x[0], 1, y))
OP_OF(tril_0, tch_tril(x[0], 0, y))
OP_OF(triu_1, tch_triu(x[0], 1, y))

static void check_one(gradcheck_op op, tch_tensor *context) {
  tch_tensor *x = DOUBLES(3, 3, 0.3, -1.2, 0.8, 2.5, 0.1, -0.4, 1.7, -2.2, 0.6);
  gradcheck(op, context, &x, 1);
  release(x, context, NULL);
}

static void check_two(gradcheck_op op, tch_tensor *context, int64_t columns) {
  tch_tensor *x[] = {DOUBLES(3, 3, 0.3, -1.2, 0.8, 2.5, 0.1, -0.4, 1.7, -2.2, 0.6), doubles(NULL, 3, columns, 0)};
  gradcheck(op, context, x, 2);
  release(x[0], x[1], context);
}

static void gradients_of_index_ops(void **state) {
  check_one(select_1, LONGS(4, 0, 0, 2, 2, 1));
  check_two(add_1, LONGS(4, 0, 0, 2, 2, 1), 4);
  check_two(copy_1, LONGS(2, 0, 2, 0), 2);
  check_one(fill_1, LONGS(2, 0, 2, 0));
  check_one(gather_1, LONGS(3, 2, 0, 2, 1, 1, 0, 2));
  check_two(scatter_1, LONGS(3, 2, 0, 2, 1, 0, 0, 2), 2);
  check_two(scatter_1, LONGS(3, 2, 0, 2, 1, 0, 0, 2), 3);
  check_two(scatter_add_1, LONGS(3, 2, 0, 2, 1, 1, 0, 2), 2);
  check_one(scatter_fill_1, LONGS(3, 2, 0, 2, 1, 1, 0, 2));
  check_one(embed_some, LONGS(4, 0, 0, 2, 2, 0));
  check_one(mask_select, BYTES(3, 3, 0, 1, 0, 1, 1, 0, 0, 0, 1));
  check_one(mask_fill, BYTES(3, 3, 0, 1, 0, 1, 1, 0, 0, 0, 1));
  check_two(mask_copy, BYTES(3, 3, 0, 1, 0, 1, 1, 0, 0, 0, 1), 2);
}

static void gradients_of_joining_and_rearranging(void **state) {
  gradcheck_op ops[] = {pad_zero, crop_some, pad_reflect, pad_repeat, pad_round, roll_01, flip_1, tile_all};
  check_two(cat_0, NULL, 3);
  check_two(stack_1, NULL, 3);
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) check_one(ops[i], NULL);
}

static void gradients_of_ordering_and_accumulating(void **state) {
  gradcheck_op ops[] = {sort_0, topk_1, kth_0, median_1, cumsum_0, cumprod_1, tril_0, triu_1};
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) check_one(ops[i], NULL);
}

static void the_gradient_of_cumprod_survives_zeros(void **state) {
  tch_tensor *x = DOUBLES(2, 3, 2, 0, 3, 0, 5, 0);
  gradcheck(cumprod_1, NULL, &x, 1);
  tch_tensor_release(x);
}

static void second_derivatives_through_an_embedding(void **state) {
  tch_tensor *w = DOUBLES(3, 2, 1, 2, 3, 4, 5, 6), *index = LONGS(3, 0, 2, 1, 2), *y = NULL, *q = NULL, *s = NULL, *g = NULL;
  ok(tch_requires_grad(w, true));
  ok(tch_embedding(w, index, 0, 1, &y));
  ok(tch_mul(y, y, &q));
  ok(tch_sum(q, NULL, 0, false, &s));
  ok(tch_gradients(&s, NULL, 1, &w, 1, TCH_CREATE_GRAPH, &g)); /* 2 w per use, none for the padding */
  tch_tensor *t = NULL, *gg = NULL;
  ok(tch_sum(g, NULL, 0, false, &t));
  ok(tch_gradients(&t, NULL, 1, &w, 1, 0, &gg));
  HOLDS(gg, 0, 0, 0, 0, 4, 4);
  release(w, index, y);
  release(q, s, g);
  tch_tensor_release(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(index_select_takes_rows_and_columns),
    cmocka_unit_test(indices_out_of_range_are_named_as_the_caller_counts),
    cmocka_unit_test(index_add_counts_repeated_rows),
    cmocka_unit_test(index_copy_and_fill),
    cmocka_unit_test(gather_and_scatter_are_inverse),
    cmocka_unit_test(scatter_add_adds_collisions),
    cmocka_unit_test(scatter_works_in_place_on_a_transposed_view),
    cmocka_unit_test(a_failed_scatter_changes_nothing),
    cmocka_unit_test(embedding_gives_no_gradient_to_padding),
    cmocka_unit_test(masks_select_fill_and_copy),
    cmocka_unit_test(nonzero_lists_places),
    cmocka_unit_test(cat_and_stack),
    cmocka_unit_test(pad_edge_reflects_repeats_and_goes_round),
    cmocka_unit_test(roll_flip_and_tile),
    cmocka_unit_test(sort_keeps_the_order_of_equals_and_puts_nan_last),
    cmocka_unit_test(sort_agrees_with_qsort),
    cmocka_unit_test(topk_kthvalue_median_and_mode),
    cmocka_unit_test(cumulative_sums_and_products),
    cmocka_unit_test(triangles),
    cmocka_unit_test(one_hot_rows),
    cmocka_unit_test(dropout_draws_torch7s_stream),
    cmocka_unit_test(gradients_of_index_ops),
    cmocka_unit_test(gradients_of_joining_and_rearranging),
    cmocka_unit_test(gradients_of_ordering_and_accumulating),
    cmocka_unit_test(the_gradient_of_cumprod_survives_zeros),
    cmocka_unit_test(second_derivatives_through_an_embedding),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
