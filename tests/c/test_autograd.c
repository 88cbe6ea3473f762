/* The tape: gradients, accumulation, second derivatives, and the rules on in-place writes. Each rule's test shows the wrong
 * gradient that it prevents. */
#include "check.h"

static tch_tensor *leaf(tch_tensor *t) {
  ok(tch_requires_grad(t, true));
  return t;
}

static tch_tensor *total(tch_tensor *t) {
  tch_tensor *s = NULL;
  ok(tch_sum(t, NULL, 0, false, &s));
  return s;
}

static void release(tch_tensor *a, tch_tensor *b, tch_tensor *c, tch_tensor *d) {
  tch_tensor_release(a);
  tch_tensor_release(b);
  tch_tensor_release(c);
  tch_tensor_release(d);
}

static void gradient_of_a_square(void **state) {
  tch_tensor *x = leaf(doubles(NULL, 3, 0, 0)), *y = NULL;
  ok(tch_square(x, &y));
  tch_tensor *s = total(y);
  assert_int_equal(tch_tensor_dim(s), 0);
  ok(tch_backward(s, NULL, 0));
  for (int i = 0; i < 3; i++) close_to(at(tch_grad(x), i), 0.2 * (i + 1), 1e-15);
  release(s, y, x, NULL);
}

static void gradients_accumulate(void **state) {
  tch_tensor *x = leaf(doubles(NULL, 2, 0, 0));
  for (int k = 0; k < 3; k++) {
    tch_tensor *y = NULL, *s;
    ok(tch_square(x, &y));
    s = total(y);
    ok(tch_backward(s, NULL, 0));
    release(s, y, NULL, NULL);
  }
  close_to(at(tch_grad(x), 1), 3 * 0.4, 1e-14);
  tch_tensor_release(x);
}

static void an_input_used_twice_gets_both_gradients(void **state) {
  tch_tensor *x = leaf(doubles(NULL, 2, 0, 0)), *y = NULL, *z = NULL;
  ok(tch_mul(x, x, &y)); /* x^2 */
  ok(tch_mul(y, x, &z)); /* x^3 */
  tch_tensor *s = total(z);
  ok(tch_backward(s, NULL, 0));
  for (int i = 0; i < 2; i++) close_to(at(tch_grad(x), i), 3 * pow(0.1 * (i + 1), 2), 1e-14);
  release(s, z, y, x);
}

static void broadcast_inputs_get_sums(void **state) {
  tch_tensor *x = leaf(doubles(NULL, 2, 3, 0)), *b = leaf(doubles(NULL, 3, 0, 0)), *y = NULL;
  ok(tch_mul(x, b, &y));
  tch_tensor *s = total(y);
  ok(tch_backward(s, NULL, 0));
  assert_int_equal(tch_tensor_dim(tch_grad(b)), 1);
  for (int i = 0; i < 3; i++) close_to(at(tch_grad(b), i), 0.1 * (i + 1) + 0.1 * (i + 4), 1e-14);
  for (int i = 0; i < 6; i++) close_to(at(tch_grad(x), i), 0.1 * (i % 3 + 1), 1e-14);
  release(s, y, b, x);
}

static void second_derivatives(void **state) {
  tch_tensor *x = leaf(doubles(NULL, 2, 0, 0)), *y = NULL, *z = NULL, *g = NULL, *gg = NULL;
  ok(tch_tanh(x, &y));
  ok(tch_mul(y, x, &z)); /* x tanh x */
  tch_tensor *s = total(z);
  ok(tch_gradients(&s, NULL, 1, &x, 1, TCH_CREATE_GRAPH, &g));
  assert_null(tch_grad(x));
  tch_tensor *s2 = total(g);
  ok(tch_gradients(&s2, NULL, 1, &x, 1, 0, &gg));
  for (int i = 0; i < 2; i++) {
    double v = 0.1 * (i + 1), t = tanh(v), d = 1 - t * t;
    close_to(at(g, i), t + v * d, 1e-14);
    close_to(at(gg, i), 2 * d - 2 * v * t * d, 1e-13);
  }
  release(s, z, y, x);
  release(s2, g, gg, NULL);
}

static void a_graph_serves_once_unless_retained(void **state) {
  tch_tensor *x = leaf(doubles(NULL, 2, 0, 0)), *y = NULL;
  ok(tch_square(x, &y));
  tch_tensor *s = total(y);
  ok(tch_backward(s, NULL, TCH_RETAIN_GRAPH));
  ok(tch_backward(s, NULL, 0));
  close_to(at(tch_grad(x), 0), 0.4, 1e-15);
  refused(tch_backward(s, NULL, 0), TCH_ERROR_STATE, "retainGraph");
  release(s, y, x, NULL);
}

static void no_node_without_gradients(void **state) {
  tch_tensor *x = leaf(doubles(NULL, 2, 0, 0)), *y = NULL, *d = NULL, *z = NULL;
  tch_set_grad_enabled(false);
  ok(tch_square(x, &y));
  tch_set_grad_enabled(true);
  assert_false(tch_needs_grad(y));
  refused(tch_backward(y, NULL, 0), TCH_ERROR_STATE, "requires a gradient");
  ok(tch_detach(x, &d));
  ok(tch_square(d, &z));
  assert_false(tch_needs_grad(z));
  release(z, d, y, x);
}

/* z = x * y saves x; without the check its gradient towards y would be the overwritten 7. */
static void an_overwritten_saved_tensor_is_refused(void **state) {
  tch_tensor *x = doubles(NULL, 2, 0, 0), *y = leaf(doubles(NULL, 2, 0, 0)), *z = NULL;
  ok(tch_mul(x, y, &z));
  tch_tensor *s = total(z);
  ok(tch_tensor_fill(x, 7));
  refused(tch_backward(s, NULL, 0), TCH_ERROR_STATE, "mul saved was overwritten");
  release(s, z, y, x);
}

/* Two parameters in one flat vector: a write to one must not spoil what was saved of the other. */
static void writes_are_counted_per_range(void **state) {
  tch_tensor *flat = doubles(NULL, 4, 0, 0), *a = NULL, *b = NULL, *x = leaf(doubles(NULL, 2, 0, 0)), *z = NULL;
  ok(tch_slice(flat, 0, 0, 2, 1, &a));
  ok(tch_slice(flat, 0, 2, 2, 1, &b));
  ok(tch_mul(a, x, &z));
  tch_tensor *s = total(z);
  ok(tch_tensor_fill(b, 7));
  ok(tch_backward(s, NULL, TCH_RETAIN_GRAPH));
  close_to(at(tch_grad(x), 1), 0.2, 1e-15);
  ok(tch_tensor_fill(flat, 7));
  refused(tch_backward(s, NULL, 0), TCH_ERROR_STATE, "overwritten");
  release(s, z, b, a);
  release(flat, x, NULL, NULL);
}

/* y = x^2, then y += y in place: recorded, so the gradient is 4x and not the 2x of the forgotten write. */
static void an_in_place_op_is_recorded(void **state) {
  tch_tensor *x = leaf(doubles(NULL, 2, 0, 0)), *y = NULL;
  ok(tch_square(x, &y));
  ok(tch_add(y, y, 1, &y));
  tch_tensor *s = total(y);
  ok(tch_backward(s, NULL, 0));
  for (int i = 0; i < 2; i++) close_to(at(tch_grad(x), i), 4 * 0.1 * (i + 1), 1e-14);
  release(s, y, x, NULL);
}

/* Writing a leaf in place would make its gradient that of another variable. */
static void a_leaf_is_not_written_in_place(void **state) {
  tch_tensor *x = leaf(doubles(NULL, 2, 0, 0));
  refused(tch_add(x, x, 1, &x), TCH_ERROR_STATE, "leaf");
  refused(tch_tensor_fill(x, 1), TCH_ERROR_STATE, "torch.noGrad");
  close_to(at(x, 0), 0.1, 0);
  tch_set_grad_enabled(false);
  ok(tch_add(x, x, 1, &x));
  tch_set_grad_enabled(true);
  close_to(at(x, 0), 0.2, 1e-15);
  tch_tensor_release(x);
}

/* A recorded write into a view would be missing from the history of the tensor it views. */
static void a_view_is_not_written_in_place(void **state) {
  tch_tensor *x = leaf(doubles(NULL, 4, 0, 0)), *y = NULL, *v = NULL;
  int64_t size[] = {2, 2};
  ok(tch_square(x, &y));
  ok(tch_reshape(y, size, 2, &v));
  refused(tch_mul(v, v, &v), TCH_ERROR_STATE, "view");
  release(v, y, x, NULL);
}

/* y's history says x^2; after a write through an alias its numbers say something else. */
static void use_after_an_alias_wrote_is_refused(void **state) {
  tch_tensor *x = leaf(doubles(NULL, 2, 0, 0)), *y = NULL, *d = NULL, *z = NULL;
  ok(tch_square(x, &y));
  ok(tch_detach(y, &d));
  ok(tch_tensor_fill(d, 3));
  refused(tch_square(y, &z), TCH_ERROR_STATE, "overwritten through another tensor");
  release(z, d, y, x);
}

static void a_parameter_collects_in_its_gradient(void **state) {
  tch_tensor *w = doubles(NULL, 2, 0, 0), *gw = doubles(NULL, 2, 0, 0), *p = NULL, *y = NULL, *g = NULL;
  ok(tch_parameter(w, gw, &p));
  assert_false(tch_needs_grad(w));
  assert_true(tch_needs_grad(p));
  assert_ptr_equal(tch_grad(w), gw);
  ok(tch_square(p, &y));
  tch_tensor *s = total(y);
  ok(tch_gradients(&s, NULL, 1, &w, 1, TCH_RETAIN_GRAPH, &g));
  close_to(at(g, 1), 0.4, 1e-15);
  ok(tch_backward(s, NULL, 0));
  close_to(at(gw, 1), 0.2 + 0.4, 1e-15);
  release(s, y, p, g);
  release(w, gw, NULL, NULL);
}

static void off_tape_backward_scales_and_accumulates(void **state) {
  tch_tensor *x = doubles(NULL, 2, 0, 0), *w = doubles(NULL, 2, 0, 0), *y = NULL, *gy = doubles(NULL, 2, 0, 0);
  tch_tensor *gx = doubles(NULL, 1, 0, 0), *gw = doubles(NULL, 2, 0, 0);
  ok(tch_mul(x, w, &y));
  ok(tch_mul_backward(x, w, y, gy, 0.5, 2, gx, gw));
  assert_int_equal(tch_tensor_count(gx), 2);
  for (int i = 0; i < 2; i++) {
    double v = 0.1 * (i + 1);
    close_to(at(gx, i), v * v, 1e-15);
    close_to(at(gw, i), v + 0.5 * v * v, 1e-15);
  }
  release(x, w, y, gy);
  release(gx, gw, NULL, NULL);
}

static void a_host_function_takes_part(void **state) {
  tch_tensor *x = leaf(doubles(NULL, 2, 0, 0)), *y = NULL, *h = doubles(NULL, 2, 0, 0), *g = NULL;
  ok(tch_square(x, &y));
  ok(tch_host_node(42, "twice", &y, 1, &h, 1));
  tch_tensor *s = total(h);
  tch_pass *pass;
  tch_node *node;
  ok(tch_pass_new(&s, NULL, 1, NULL, 0, 0, &pass));
  ok(tch_pass_run(pass, &node));
  assert_int_equal(tch_node_host_id(node), 42);
  assert_true(tch_pass_wants(pass, 0));
  ok(tch_pass_grad(pass, 0, &g));
  tch_tensor *twice = NULL;
  ok(tch_add(g, g, 1, &twice));
  ok(tch_pass_give(pass, 0, twice));
  ok(tch_pass_run(pass, &node));
  assert_null(node);
  tch_pass_free(pass);
  close_to(at(tch_grad(x), 1), 2 * 0.4, 1e-15);
  release(s, h, y, x);
  release(g, twice, NULL, NULL);
  assert_int_equal(tch_host_released(), 42);
  assert_int_equal(tch_host_released(), 0);
}

static void a_long_chain_is_released_without_recursion(void **state) {
  tch_tensor *x = leaf(doubles(NULL, 1, 0, 0)), *y = NULL;
  int64_t before = tch_memory_used();
  ok(tch_square(x, &y));
  for (int i = 0; i < 200000; i++) {
    tch_tensor *z = NULL;
    ok(tch_add(y, x, 0, &z));
    tch_tensor_release(y);
    y = z;
  }
  ok(tch_backward(y, NULL, TCH_RETAIN_GRAPH));
  close_to(at(tch_grad(x), 0), 0.2, 1e-12);
  ok(tch_set_grad(x, NULL));
  tch_tensor_release(y);
  assert_int_equal(tch_memory_used(), before);
  tch_tensor_release(x);
}

static void reshapes_and_slices_have_gradients(void **state) {
  tch_tensor *x = leaf(doubles(NULL, 2, 3, 0)), *p = NULL, *sl = NULL, *q = NULL, *e = NULL;
  int64_t dims[] = {1, 0}, wide[] = {4, 2, 2};
  ok(tch_permute(x, dims, 2, &p));        /* 3x2 */
  ok(tch_slice(p, 0, 0, 2, 2, &sl));      /* rows 1 and 3 */
  ok(tch_expand(sl, wide, 3, &e));
  ok(tch_square(e, &q));
  tch_tensor *s = total(q);
  ok(tch_backward(s, NULL, 0));
  for (int i = 0; i < 6; i++) close_to(at(tch_grad(x), i), i % 3 == 1 ? 0 : 4 * 2 * 0.1 * (i + 1), 1e-14);
  release(s, q, e, sl);
  release(p, x, NULL, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gradient_of_a_square),
      cmocka_unit_test(gradients_accumulate),
      cmocka_unit_test(an_input_used_twice_gets_both_gradients),
      cmocka_unit_test(broadcast_inputs_get_sums),
      cmocka_unit_test(second_derivatives),
      cmocka_unit_test(a_graph_serves_once_unless_retained),
      cmocka_unit_test(no_node_without_gradients),
      cmocka_unit_test(an_overwritten_saved_tensor_is_refused),
      cmocka_unit_test(writes_are_counted_per_range),
      cmocka_unit_test(an_in_place_op_is_recorded),
      cmocka_unit_test(a_leaf_is_not_written_in_place),
      cmocka_unit_test(a_view_is_not_written_in_place),
      cmocka_unit_test(use_after_an_alias_wrote_is_refused),
      cmocka_unit_test(a_parameter_collects_in_its_gradient),
      cmocka_unit_test(off_tape_backward_scales_and_accumulates),
      cmocka_unit_test(a_host_function_takes_part),
      cmocka_unit_test(a_long_chain_is_released_without_recursion),
      cmocka_unit_test(reshapes_and_slices_have_gradients),
  };
  return cmocka_run_group_tests_name("autograd", tests, NULL, NULL);
}
