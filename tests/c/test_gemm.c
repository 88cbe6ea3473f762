/* Matrix products against the definition: every op, random shapes, views, types. */
#include "gradcheck.h"
#include "random_tensor.h"
#include "core/cpu.h"

static double get(const tch_tensor *t, int n, const int64_t *at) {
  double v;
  ok(tch_tensor_get(t, n, at, &v));
  return v;
}

/* Element (batch, i, j) of t as a matrix; a vector is a column, or a row if `row`. */
static double element(const tch_tensor *t, int64_t batch, int64_t i, int64_t j, bool row) {
  int64_t at[3];
  switch (tch_tensor_dim(t)) {
    case 0: return get(t, 0, at);
    case 1: return get(t, 1, row ? &j : &i);
    case 2: return get(t, 2, (int64_t[]){i, j});
    default: return get(t, 3, (int64_t[]){batch, i, j});
  }
}

/* y[batch] (m, n) = beta * c + alpha * a (m, k) * b (k, n), summed over the batch if total; releases y. */
typedef struct product {
  int64_t batch, m, n, k;
  bool row_a, row_b, row_y, total;
  double alpha, beta;
} product;

static void check(const char *what, product p, const tch_tensor *a, const tch_tensor *b, const tch_tensor *c,
                  tch_tensor *y) {
  double tolerance = tch_tensor_dtype(y) == TCH_DOUBLE ? 1e-11 : 2e-4;
  int64_t outs = p.total ? 1 : p.batch;
  assert_int_equal(tch_tensor_count(y), outs * p.m * p.n);
  for (int64_t o = 0; o < outs; o++)
    for (int64_t i = 0; i < p.m; i++)
      for (int64_t j = 0; j < p.n; j++) {
        double want = 0;
        for (int64_t q = o; q < (p.total ? p.batch : o + 1); q++)
          for (int64_t k = 0; k < p.k; k++) want += element(a, q, i, k, p.row_a) * element(b, q, k, j, p.row_b);
        want = p.alpha * want + (c ? p.beta * element(c, o, i, j, p.row_y) : 0);
        double got = element(y, o, i, j, p.row_y);
        if (fabs(got - want) > tolerance * (1 + fabs(want)))
          fail_msg("%s (%lld,%lld,%lld) is %.9g, not %.9g (%s)", what, (long long) o, (long long) i, (long long) j, got,
                   want, tch_cpu_name());
      }
  tch_tensor_release(y);
}

#define TENSOR(n, ...) random_tensor(type, n, (int64_t[]){__VA_ARGS__}, random_below(3) == 0)

static void products(tch_dtype type) {
  int64_t limit = random_below(4) ? 9 : 90, B = random_from(1, 4), M = random_from(1, limit), N = random_from(1, limit),
          K = random_from(1, limit);
  double alpha = random_from(-2, 2), beta = random_from(-1, 1);
  tch_tensor *a = TENSOR(2, M, K), *b = TENSOR(2, K, N), *x = TENSOR(1, K), *u = TENSOR(1, M), *v = TENSOR(1, N);
  tch_tensor *a3 = TENSOR(3, B, M, K), *b3 = TENSOR(3, B, K, N), *c = TENSOR(2, M, N), *c3 = TENSOR(3, B, M, N), *y;
  product p = {.batch = 1, .m = M, .n = N, .k = K, .alpha = alpha, .beta = beta};
  product column = p, outer = p, batch = p, total = p, row = p, scalar = p;
  column.n = 1, outer.k = 1, outer.row_b = true, batch.batch = total.batch = B, total.total = true;
  row.m = 1, row.row_a = row.row_y = true, scalar.m = scalar.n = 1, scalar.row_a = true;
  y = NULL;
  ok(tch_mm(a, b, alpha, &y));
  check("mm", p, a, b, NULL, y);
  y = NULL;
  ok(tch_mv(a, x, alpha, &y));
  check("mv", column, a, x, NULL, y);
  y = NULL;
  ok(tch_matmul(x, b, alpha, &y));
  check("vector matmul", row, x, b, NULL, y);
  y = NULL;
  ok(tch_dot(x, x, alpha, &y));
  check("dot", scalar, x, x, NULL, y);
  y = NULL;
  ok(tch_outer(u, v, alpha, &y));
  check("outer", outer, u, v, NULL, y);
  y = NULL;
  ok(tch_bmm(a3, b3, alpha, &y));
  check("bmm", batch, a3, b3, NULL, y);
  y = NULL;
  ok(tch_matmul(a3, b, alpha, &y));
  check("matmul", batch, a3, b, NULL, y);
  y = NULL;
  ok(tch_addmm(c, a, b, beta, alpha, &y));
  check("addmm", p, a, b, c, y);
  y = NULL;
  ok(tch_addmv(u, a, x, beta, alpha, &y));
  check("addmv", column, a, x, u, y);
  y = NULL;
  ok(tch_addr(c, u, v, beta, alpha, &y));
  check("addr", outer, u, v, c, y);
  y = NULL;
  ok(tch_baddbmm(c3, a3, b3, beta, alpha, &y));
  check("baddbmm", batch, a3, b3, c3, y);
  y = NULL;
  ok(tch_addbmm(c, a3, b3, beta, alpha, &y));
  check("addbmm", total, a3, b3, c, y);
  tch_tensor *old = NULL;
  ok(tch_clone(c, &old));
  y = c;
  ok(tch_addmm(c, a, b, beta, alpha, &y));
  assert_ptr_equal(y, c);
  tch_tensor_retain(c);
  check("addmm in place", p, a, b, old, c);
  tch_tensor *all[] = {a, b, x, u, v, a3, b3, c, c3, old};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) tch_tensor_release(all[i]);
}

static void products_are_their_definition(void **state) {
  for (int i = 0; i < 30; i++) {
    EVERY_ISA(products(TCH_FLOAT));
    EVERY_ISA(products(TCH_DOUBLE));
  }
}

/* A matrix, at times a view with gaps, at times the transpose of one without. */
static tch_tensor *any_matrix(tch_dtype type, int64_t m, int64_t n) {
  if (random_below(2)) return TENSOR(2, m, n);
  tch_tensor *back = random_tensor(type, 2, (int64_t[]){n, m}, false), *t = NULL;
  ok(tch_permute(back, (int64_t[]){1, 0}, 2, &t));
  tch_tensor_release(back);
  return t;
}

/* y v = alpha a (b v) + beta c v for a random v: an error anywhere in a large product shows, at little cost. */
static void large_product(tch_dtype type, int64_t m, int64_t n, int64_t k) {
  double alpha = random_from(1, 3), beta = random_from(-1, 1), *v = calloc(n, sizeof *v), *bv = calloc(k, sizeof *bv);
  tch_tensor *a = any_matrix(type, m, k), *b = any_matrix(type, k, n), *c = TENSOR(2, m, n), *y = NULL;
  for (int64_t j = 0; j < n; j++) v[j] = random_from(-8, 8) / 8.0;
  for (int64_t r = 0; r < k; r++)
    for (int64_t j = 0; j < n; j++) bv[r] += element(b, 0, r, j, false) * v[j];
  ok(tch_addmm(c, a, b, beta, alpha, &y));
  for (int64_t i = 0; i < m; i++) {
    double want = 0, got = 0, size = 0;
    for (int64_t r = 0; r < k; r++) want += alpha * element(a, 0, i, r, false) * bv[r], size += fabs(bv[r]);
    for (int64_t j = 0; j < n; j++) {
      want += beta * element(c, 0, i, j, false) * v[j];
      got += element(y, 0, i, j, false) * v[j];
    }
    if (fabs(got - want) > (type == TCH_DOUBLE ? 1e-13 : 2e-5) * (1 + size))
      fail_msg("row %lld of %lldx%lldx%lld gives %.9g, not %.9g (%s)", (long long) i, (long long) m, (long long) n,
               (long long) k, got, want, tch_cpu_name());
  }
  tch_tensor_release(a), tch_tensor_release(b), tch_tensor_release(c), tch_tensor_release(y);
  free(v), free(bv);
}

/* Sizes around the tiles, and beyond what is packed at a time; see the constants of op/tiled.c. */
static void large_products_are_their_definition(void **state) {
  for (int i = 0; i < 6; i++) {
    int64_t m = random_from(2, 150), n = random_from(2, 150), k = random_from(200, 700);
    EVERY_ISA(large_product(TCH_FLOAT, m, n, k));
    EVERY_ISA(large_product(TCH_DOUBLE, k / 2, n, m));
  }
  large_product(TCH_FLOAT, 3, 16500, 300); /* more columns than are packed at a time */
  large_product(TCH_FLOAT, 2, 17, 140000); /* more of the inner dimension */
}

/* The bias joins the first part of a sum alone. */
static void long_sums_take_the_bias_once(void **state) {
  enum { ROWS = 2, IN = 132000, OUT = 17 };
  tch_dtype type = TCH_FLOAT;
  tch_tensor *x = TENSOR(2, ROWS, IN), *w = TENSOR(2, OUT, IN), *b = TENSOR(1, OUT), *y = NULL, *none = NULL;
  ok(tch_linear(x, w, b, &y));
  ok(tch_linear(x, w, NULL, &none));
  for (int64_t i = 0; i < ROWS; i++)
    for (int64_t j = 0; j < OUT; j++)
      close_to(element(y, 0, i, j, false) - element(none, 0, i, j, false), element(b, 0, j, 0, false), 0.01);
  tch_tensor *all[] = {x, w, b, y, none};
  for (int i = 0; i < 5; i++) tch_tensor_release(all[i]);
}

static void linears(tch_dtype type) {
  int64_t in = random_from(1, 130), out = random_from(1, 70), n = random_from(1, 70);
  tch_tensor *x = TENSOR(2, n, in), *w = TENSOR(2, out, in), *b = TENSOR(1, out), *g = TENSOR(2, n, out), *y = NULL,
             *wt = NULL, *gt = NULL, *gx = NULL, *gw = NULL, *gb = NULL;
  int64_t turn[] = {1, 0};
  ok(tch_permute(w, turn, 2, &wt));
  ok(tch_permute(g, turn, 2, &gt));
  tch_tensor *wide = NULL;
  ok(tch_expand(b, (int64_t[]){n, out}, 2, &wide));
  product p = {.batch = 1, .m = n, .n = out, .k = in, .alpha = 1, .beta = 1};
  ok(tch_linear(x, w, b, &y));
  check("linear", p, x, wt, wide, y);
  ok(tch_tensor_empty(type, &gx));
  ok(tch_tensor_empty(type, &gb));
  ok(tch_tensor_new(type, 2, (int64_t[]){out, in}, &gw));
  ok(tch_tensor_fill(gw, 3));
  tch_tensor *three = NULL;
  ok(tch_clone(gw, &three));
  ok(tch_linear_backward(x, w, b, NULL, g, 0.5, 2, gx, gw, gb));
  check("gx", (product){.batch = 1, .m = n, .n = in, .k = out, .alpha = 1}, g, w, NULL, gx);
  check("gw", (product){.batch = 1, .m = out, .n = in, .k = n, .alpha = 0.5, .beta = 1}, gt, x, three, gw);
  for (int64_t j = 0; j < out; j++) {
    double want = 0;
    for (int64_t i = 0; i < n; i++) want += element(g, 0, i, j, false);
    close_to(get(gb, 1, &j), want, 1e-5);
  }
  tch_tensor *all[] = {x, w, b, g, wt, gt, gb, wide, three};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) tch_tensor_release(all[i]);
}

static void linear_is_its_definition(void **state) {
  for (int i = 0; i < 30; i++) {
    EVERY_ISA(linears(TCH_FLOAT));
    EVERY_ISA(linears(TCH_DOUBLE));
  }
}

/* Both to the bit; releases them. */
static void same(const char *what, tch_tensor *a, tch_tensor *b) {
  size_t bytes = tch_tensor_dtype(a) == TCH_DOUBLE ? sizeof(double) : sizeof(float);
  int64_t count = tch_tensor_count(a);
  assert_int_equal(count, tch_tensor_count(b));
  if (count && memcmp(tch_tensor_data(a), tch_tensor_data(b), count * bytes)) fail_msg("%s (%s)", what, tch_cpu_name());
  tch_tensor_release(a), tch_tensor_release(b);
}

/* A ReLU joined to a product gives the bits that it gives alone; a NaN or an infinity is among the biases of small ones. */
static void relus(tch_dtype type, int64_t n, int64_t in, int64_t out) {
  tch_tensor *x = TENSOR(2, n, in), *w = TENSOR(2, out, in), *b = random_below(4) ? TENSOR(1, out) : NULL, *g = TENSOR(2, n, out);
  tch_tensor *y = NULL, *own = NULL, *joined = NULL, *gy = NULL, *gx = NULL, *wanted = NULL, *into[3] = {NULL}, *apart[3] = {NULL};
  if (b && out <= 40) ok(tch_tensor_put(b, 1, (int64_t[]){out - 1}, (double[]){NAN, INFINITY, -INFINITY}[random_below(3)]));
  ok(tch_linear(x, w, b, &y));
  ok(tch_linear_relu(x, w, b, &joined));
  ok(tch_relu(y, &own));
  ok(tch_relu_grad(g, own, own, &gy));
  for (int k = 0; k < 3; k++) {
    ok(tch_tensor_empty(type, &into[k]));
    ok(tch_tensor_empty(type, &apart[k]));
  }
  ok(tch_linear_backward(x, w, b, NULL, gy, 1, 0, apart[0], apart[1], b ? apart[2] : NULL));
  ok(tch_linear_relu_backward(x, w, b, joined, g, 1, 0, into[0], into[1], b ? into[2] : NULL));
  ok(tch_relu_linear_grad(gy, x, w, &gx));
  ok(tch_relu_grad(apart[0], x, x, &wanted));
  same("gradient of a linear and of the ReLU before it", gx, wanted);
  same("linear_relu", joined, own);
  for (int k = 0; k < 3; k++) same("gradient of linear_relu", into[k], apart[k]);
  tch_tensor *all[] = {x, w, b, g, y, gy};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) tch_tensor_release(all[i]);
}

static void joined_relus_are_those_apart(void **state) {
  for (int i = 0; i < 30; i++) {
    int64_t most = i % 6 == 0 ? 700 : 40, n = random_from(1, i % 6 == 0 ? 150 : 40), in = random_from(1, most);
    EVERY_ISA(relus(TCH_FLOAT, n, in, random_from(1, most)));
    EVERY_ISA(relus(TCH_DOUBLE, n, in, random_from(1, most)));
  }
  relus(TCH_FLOAT, 5, 270000, 20); /* more of the inner dimension and, backward, more columns than are packed at a time */
}

static void empty_products_are_zero(void **state) {
  tch_tensor *a = NULL, *b = NULL, *y = NULL;
  ok(tch_tensor_new(TCH_FLOAT, 2, (int64_t[]){3, 0}, &a));
  ok(tch_tensor_new(TCH_FLOAT, 2, (int64_t[]){0, 2}, &b));
  ok(tch_mm(a, b, 1, &y));
  for (int i = 0; i < 6; i++) assert_true(((float *) tch_tensor_data(y))[i] == 0);
  tch_tensor_release(a), tch_tensor_release(b), tch_tensor_release(y);
}

static void threads_do_not_change_a_bit(void **state) {
  tch_dtype type = TCH_FLOAT;
  int threads = tch_threads();
  static const int64_t sizes[][3] = {{300, 200, 150}, {64, 257, 600}, {1, 700, 900}, {700, 90, 333}, {500, 40, 99}};
  for (int i = 0; i < 5; i++) {
    int64_t m = sizes[i][0], n = sizes[i][1], k = sizes[i][2];
    tch_tensor *a = TENSOR(2, m, k), *b = TENSOR(2, k, n), *y[2] = {NULL};
    for (int t = 0; t < 2; t++) {
      ok(tch_set_threads(t ? 3 : 1));
      ok(tch_mm(a, b, 1, &y[t]));
    }
    assert_memory_equal(tch_tensor_data(y[0]), tch_tensor_data(y[1]), m * n * sizeof(float));
    tch_tensor_release(a), tch_tensor_release(b), tch_tensor_release(y[0]), tch_tensor_release(y[1]);
  }
  ok(tch_set_threads(threads));
}

/* -- gradients ------------------------------------------------------------------------------------------------------ */

static tch_status matmul(tch_tensor *const *x, void *context, tch_tensor **y) { return tch_matmul(x[0], x[1], 2, y); }
static tch_status outer(tch_tensor *const *x, void *context, tch_tensor **y) { return tch_outer(x[0], x[1], 1, y); }
static tch_status addmm(tch_tensor *const *x, void *context, tch_tensor **y) {
  return tch_addmm(x[0], x[1], x[2], 0.5, 3, y);
}
static tch_status addbmm(tch_tensor *const *x, void *context, tch_tensor **y) {
  return tch_addbmm(x[0], x[1], x[2], 1, 3, y);
}
static tch_status linear(tch_tensor *const *x, void *context, tch_tensor **y) {
  return tch_linear(x[0], x[1], x[2], y);
}

static tch_status linear_relu(tch_tensor *const *x, void *context, tch_tensor **y) {
  return tch_linear_relu(x[0], x[1], x[2], y);
}

static void gradients_agree_with_differences(void **state) {
  static const struct {
    gradcheck_op op;
    int n, ndim[3];
    int64_t size[3][4];
  } cases[] = {
      {matmul, 2, {2, 2}, {{3, 4}, {4, 2}}},
      {matmul, 2, {1, 1}, {{4}, {4}}},
      {matmul, 2, {1, 2}, {{4}, {4, 3}}},
      {matmul, 2, {2, 1}, {{3, 4}, {4}}},
      {matmul, 2, {3, 1}, {{2, 3, 4}, {4}}},
      {matmul, 2, {1, 3}, {{4}, {2, 4, 3}}},
      {matmul, 2, {3, 2}, {{2, 3, 4}, {4, 2}}},
      {matmul, 2, {4, 3}, {{2, 1, 3, 4}, {3, 4, 2}}},
      {outer, 2, {1, 1}, {{3}, {2}}},
      {addmm, 3, {2, 2, 2}, {{3, 2}, {3, 4}, {4, 2}}},
      {addmm, 3, {1, 2, 2}, {{2}, {3, 4}, {4, 2}}},
      {addbmm, 3, {2, 3, 3}, {{3, 2}, {2, 3, 4}, {2, 4, 2}}},
      {linear, 3, {2, 2, 1}, {{3, 4}, {2, 4}, {2}}},
      {linear, 3, {1, 2, 1}, {{4}, {2, 4}, {2}}},
      {linear, 3, {3, 2, 1}, {{2, 3, 4}, {2, 4}, {2}}},
      {linear_relu, 3, {2, 2, 1}, {{5, 4}, {3, 4}, {3}}},
      {linear_relu, 3, {1, 2, 1}, {{4}, {9, 4}, {9}}},
      {linear_relu, 3, {3, 2, 1}, {{2, 3, 4}, {2, 4}, {2}}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    tch_tensor *x[3];
    for (int k = 0; k < cases[i].n; k++) x[k] = random_tensor(TCH_DOUBLE, cases[i].ndim[k], cases[i].size[k], false);
    gradcheck(cases[i].op, NULL, x, cases[i].n);
    for (int k = 0; k < cases[i].n; k++) tch_tensor_release(x[k]);
  }
}

static void misfits_are_named(void **state) {
  tch_dtype type = TCH_FLOAT;
  tch_tensor *a = TENSOR(2, 3, 4), *b = TENSOR(2, 3, 5), *v = TENSOR(1, 4), *y = NULL, *c = TENSOR(2, 7, 7),
             *bias = TENSOR(1, 9);
  tch_tensor *w = TENSOR(2, 10, 1600);
  refused(tch_mm(a, b, 1, &y), TCH_ERROR_SHAPE, "mm: 3x4 times 3x5 is not possible");
  refused(tch_mm(a, v, 1, &y), TCH_ERROR_SHAPE, "mm: a tensor of 2 and one of 2 dimensions are needed, got 3x4 and 4");
  refused(tch_addmv(c, a, v, 1, 1, &y), TCH_ERROR_SHAPE, "addmv: the product is 3, to which 7x7 cannot be added");
  refused(tch_linear(a, w, NULL, &y), TCH_ERROR_SHAPE,
          "linear: size mismatch: weight takes 1600 inputs, input has 4 (input 3x4, weight 10x1600)");
  refused(tch_linear_relu(a, w, NULL, &y), TCH_ERROR_SHAPE, "linear_relu: size mismatch: weight takes 1600 inputs");
  refused(tch_relu_linear_grad(a, a, b, &y), TCH_ERROR_SHAPE,
          "relu_linear_grad: gradient 3x4, input 3x4 and weight 3x5 do not fit");
  refused(tch_linear(v, a, bias, &y), TCH_ERROR_SHAPE, "bias is 9, but one number for each of the 3 outputs is needed");
  assert_null(y);
  tch_tensor *all[] = {a, b, v, c, bias, w};
  for (int i = 0; i < 6; i++) tch_tensor_release(all[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(products_are_their_definition),    cmocka_unit_test(linear_is_its_definition),
      cmocka_unit_test(large_products_are_their_definition), cmocka_unit_test(long_sums_take_the_bias_once),
      cmocka_unit_test(joined_relus_are_those_apart),
      cmocka_unit_test(empty_products_are_zero),          cmocka_unit_test(threads_do_not_change_a_bit),
      cmocka_unit_test(gradients_agree_with_differences), cmocka_unit_test(misfits_are_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
