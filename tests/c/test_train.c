/* A small convolutional network trained through tocha.h alone, and the same training with every allocation failing in
 * turn. */
#include "check.h"
#include "core/memory.h"

enum { BATCH = 32, SIDE = 8, CLASSES = 3, PLANES = 4, FLAT = PLANES * 3 * 3, PARAMETERS = 4 };

/* Sizes of the parameters: convolution (4,1,3,3) and (4), linear (3,36) and (3). They lie one after the other in
 * `x`. */
static const int64_t sizes[PARAMETERS][4] = {{PLANES, 1, 3, 3}, {PLANES}, {CLASSES, FLAT}, {CLASSES}};
static const int dims[PARAMETERS] = {4, 1, 2, 1};

typedef struct model {
  tch_random *random;
  tch_tensor *x, *g, *m, *v; /* parameters, gradients, Adam's moments: flat vectors */
  tch_tensor *part[PARAMETERS], *part_grad[PARAMETERS];
  int64_t steps;
} model;

static void drop(tch_tensor **t) {
  tch_tensor_release(*t);
  *t = NULL;
}

#define TRY(call)                                                                                                      \
  do {                                                                                                                 \
    tch_status status_ = (call);                                                                                       \
    if (status_ != TCH_OK) return status_;                                                                             \
  } while (0)

static int64_t part_count(int i) {
  int64_t n = 1;
  for (int d = 0; d < dims[i]; d++) n *= sizes[i][d];
  return n;
}

static tch_status zeros(int64_t n, tch_tensor **out) {
  TRY(tch_tensor_new(TCH_FLOAT, 1, &n, out));
  return tch_tensor_fill(*out, 0);
}

static tch_status model_new(model *net) {
  int64_t n = 0, offset = 0;
  for (int i = 0; i < PARAMETERS; i++) n += part_count(i);
  TRY(tch_random_new(123, &net->random));
  TRY(zeros(n, &net->x));
  TRY(zeros(n, &net->g));
  TRY(zeros(n, &net->m));
  TRY(zeros(n, &net->v));
  TRY(tch_tensor_uniform(net->x, -0.3, 0.3, net->random));
  for (int i = 0; i < PARAMETERS; offset += part_count(i), i++) {
    TRY(tch_tensor_view_of(tch_tensor_storage(net->x), offset, dims[i], sizes[i], NULL, &net->part[i]));
    TRY(tch_tensor_view_of(tch_tensor_storage(net->g), offset, dims[i], sizes[i], NULL, &net->part_grad[i]));
  }
  return TCH_OK;
}

static void model_free(model *net) {
  for (int i = 0; i < PARAMETERS; i++) drop(&net->part[i]), drop(&net->part_grad[i]);
  drop(&net->x), drop(&net->g), drop(&net->m), drop(&net->v);
  tch_random_release(net->random);
  net->random = NULL;
}

/* Noisy images (32,1,8,8) of a bar that lies (class 0), stands (1) or leans (2), and their classes (32). */
static tch_status draw_batch(tch_random *random, tch_tensor **images, tch_tensor **classes) {
  TRY(tch_tensor_new(TCH_FLOAT, 4, (int64_t[]){BATCH, 1, SIDE, SIDE}, images));
  TRY(tch_tensor_new(TCH_LONG, 1, (int64_t[]){BATCH}, classes));
  TRY(tch_tensor_normal(*images, 0, 0.3, random));
  for (int64_t i = 0; i < BATCH; i++) {
    int64_t class = tch_random_range(random, 0, CLASSES - 1), place = tch_random_range(random, 1, SIDE - 2);
    TRY(tch_tensor_put(*classes, 1, &i, (double) class));
    for (int64_t k = 0; k < SIDE; k++) {
      int64_t row = class == 0 ? place : k, column = class == 1 ? place : class == 0 ? k : (k + place) % SIDE;
      TRY(tch_tensor_put(*images, 4, (int64_t[]){i, 0, row, column}, 1));
    }
  }
  return TCH_OK;
}

/* Scores (32,3) of a batch. `t` keeps what is made on the way, for the caller to release. */
static tch_status forward(tch_tensor *const p[PARAMETERS], tch_tensor *images, tch_tensor *t[5], tch_tensor **scores) {
  TRY(tch_conv2d(images, p[0], p[1], NULL, 0, NULL, 0, NULL, 0, 1, &t[0]));
  TRY(tch_relu(t[0], &t[1]));
  TRY(tch_max_pool2d(t[1], (int64_t[]){2}, 1, NULL, 0, NULL, 0, NULL, 0, false, &t[2], &t[3]));
  TRY(tch_reshape(t[2], (int64_t[]){BATCH, FLAT}, 2, &t[4]));
  return tch_linear(t[4], p[2], p[3], scores);
}

static tch_status try_step(model *net, tch_tensor **t, double *loss) {
  tch_tensor **p = t, **images = t + 4, **classes = t + 5, **scores = t + 6, **cost = t + 7, **logp = t + 8;
  TRY(draw_batch(net->random, images, classes));
  for (int i = 0; i < PARAMETERS; i++) TRY(tch_parameter(net->part[i], net->part_grad[i], &p[i]));
  TRY(tch_tensor_fill(net->g, 0));
  TRY(forward(p, *images, t + 9, scores));
  TRY(tch_cross_entropy(*scores, *classes, NULL, 0, -100, 1, cost, logp));
  TRY(tch_backward(*cost, NULL, 0));
  TRY(tch_tensor_get(*cost, 0, NULL, loss));
  return tch_adam_step(net->x, net->g, net->m, net->v, ++net->steps, 0.02, 0.9, 0.999, 1e-8, 0, false);
}

static tch_status step(model *net, double *loss) {
  tch_tensor *t[14] = {NULL};
  tch_status status = try_step(net, t, loss);
  for (int i = 0; i < 14; i++) drop(&t[i]);
  return status;
}

static double accuracy(model *net) {
  tch_tensor *t[5] = {NULL}, *images = NULL, *classes = NULL, *scores = NULL;
  int right = 0;
  ok(draw_batch(net->random, &images, &classes));
  ok(forward(net->part, images, t, &scores));
  for (int64_t i = 0; i < BATCH; i++) {
    int64_t best = 0;
    double most, score, class;
    for (int64_t k = 0; k < CLASSES; k++) {
      ok(tch_tensor_get(scores, 2, (int64_t[]){i, k}, &score));
      if (k == 0 || score > most) best = k, most = score;
    }
    ok(tch_tensor_get(classes, 1, &i, &class));
    right += class == (double) best;
  }
  for (int i = 0; i < 5; i++) drop(&t[i]);
  drop(&images), drop(&classes), drop(&scores);
  return (double) right / BATCH;
}

static void a_network_learns(void **state) {
  model net = {0};
  double first, last = 0, right = 0;
  int64_t used = tch_memory_used(), records = tch_memory_records();
  ok(model_new(&net));
  ok(step(&net, &first));
  int64_t used_by_net = tch_memory_used(), records_by_net = 0;
  for (int i = 0; i < 150; i++) {
    ok(step(&net, &last));
    assert_int_equal(tch_memory_used(), used_by_net); /* what a step makes is gone after it */
    if (i == 50) records_by_net = tch_memory_records();
    if (i > 50) assert_int_equal(tch_memory_records(), records_by_net);
  }
  assert_true(fabs(first - log(CLASSES)) < 0.4);
  assert_true(last < 0.2);
  for (int i = 0; i < 8; i++) right += accuracy(&net) / 8;
  assert_true(right > 0.95);
  model_free(&net);
  assert_int_equal(tch_memory_used(), used);
  assert_int_equal(tch_memory_records(), records);
}

static void the_width_of_the_pool_changes_no_bit(void **state) {
  model net[2] = {{0}, {0}};
  double loss;
  for (int k = 0; k < 2; k++) {
    ok(tch_set_threads(k ? 3 : 1));
    ok(model_new(&net[k]));
    for (int i = 0; i < 10; i++) ok(step(&net[k], &loss));
  }
  assert_memory_equal(tch_tensor_data(net[0].x), tch_tensor_data(net[1].x),
                      (size_t) tch_tensor_count(net[0].x) * sizeof(float));
  model_free(&net[0]);
  model_free(&net[1]);
}

static tch_status train_three_steps(void) {
  model net = {0};
  double loss;
  tch_status status = model_new(&net);
  for (int i = 0; i < 3 && status == TCH_OK; i++) status = step(&net, &loss);
  model_free(&net);
  return status;
}

static void every_allocation_may_fail(void **state) {
  ok(train_three_steps());
  int64_t used = tch_memory_used(), records = tch_memory_records();
  tch_status status = TCH_ERROR_MEMORY;
  int failures = 0;
  for (int64_t n = 1; status != TCH_OK; n++) {
    tch_memory_fail_after(n);
    status = train_three_steps();
    tch_memory_fail_after(0);
    assert_int_equal(tch_memory_used(), used);
    assert_int_equal(tch_memory_records(), records);
    if (status == TCH_OK) {
      status = n < failures + 20 ? TCH_ERROR_MEMORY
                                 : TCH_OK; /* some allocations are spared: a wider write record will do */
      continue;
    }
    failures = (int) n;
    assert_int_equal(status, TCH_ERROR_MEMORY);
    assert_non_null(strstr(tch_error(), "out of memory"));
  }
  assert_true(failures > 100);
  ok(train_three_steps());
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_network_learns),
      cmocka_unit_test(the_width_of_the_pool_changes_no_bit),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("train", tests, NULL, NULL);
}
