/* Collections, counters, mutexes and conditions that threads share. What Lua sees of them is tested in tests/lua/tds_spec.lua. */
#include "check.h"
#include "core/memory.h"
#include <pthread.h>

enum { THREADS = 4, ROUNDS = 2000 };

static void in_threads(void *(*body)(void *), void *argument) {
  pthread_t thread[THREADS];
  for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&thread[i], NULL, body, argument), 0);
  for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_join(thread[i], NULL), 0);
}

typedef struct got {
  tch_kind kind;
  double number;
  void *object;
  int64_t bytes;
} got;

static got vec_at(tch_vec *v, int64_t i) {
  got g = {0};
  ok(tch_vec_get(v, i, &g.kind, &g.number, &g.object, &g.bytes));
  return g;
}

static double number_at(tch_vec *v, int64_t i) {
  got g = vec_at(v, i);
  assert_int_equal(g.kind, TCH_NUMBER);
  return g.number;
}

static tch_status put_pair(tch_hash *h, got key, got value) {
  tch_kind kind[] = {key.kind, value.kind};
  double number[] = {key.number, value.number};
  void *object[] = {key.object, value.object};
  int64_t bytes[] = {key.bytes, value.bytes};
  return tch_hash_put(h, kind, number, object, bytes);
}

static got hash_at(tch_hash *h, got key) {
  ok(tch_hash_get(h, &key.kind, &key.number, &key.object, &key.bytes));
  return key;
}

static got number(double x) { return (got) {.kind = TCH_NUMBER, .number = x}; }
static got string(const char *text) { return (got) {.kind = TCH_STRING, .object = (void *) text, .bytes = (int64_t) strlen(text)}; }
static got tensor(tch_tensor *t) { return (got) {.kind = TCH_TENSOR, .object = t}; }

/* -- Vec ------------------------------------------------------------------------------------------------------------- */

static void a_vec_keeps_values_in_a_row(void **state) {
  tch_vec *v = NULL;
  ok(tch_vec_new(&v));
  for (int i = 0; i < 100; i++) ok(tch_vec_insert(v, -1, TCH_NUMBER, i, NULL, 0));
  assert_int_equal(tch_vec_count(v), 100);
  ok(tch_vec_insert(v, 10, TCH_STRING, 0, "a\0b", 3));
  got g = vec_at(v, 10);
  assert_int_equal(g.kind, TCH_STRING);
  assert_int_equal(g.bytes, 3);
  assert_memory_equal(tch_text_data(g.object), "a\0b", 3);
  tch_vec_remove(v, 10); /* what was got stays */
  assert_memory_equal(tch_text_data(g.object), "a\0b", 3);
  tch_text_release(g.object);
  assert_true(number_at(v, 10) == 10);
  tch_vec_swap(v, 0, 99);
  tch_vec_swap(v, 0, 100); /* outside: nothing */
  assert_true(number_at(v, 0) == 99 && number_at(v, 99) == 0);
  ok(tch_vec_put(v, 200, TCH_BOOLEAN, 1, NULL, 0));
  assert_int_equal(tch_vec_count(v), 201);
  assert_int_equal(vec_at(v, 150).kind, TCH_NIL);
  assert_int_equal(vec_at(v, 201).kind, TCH_NIL);
  assert_int_equal(vec_at(v, -1).kind, TCH_NIL);
  refused(tch_vec_put(v, -1, TCH_NUMBER, 1, NULL, 0), TCH_ERROR_VALUE, "begins at 1");
  refused(tch_vec_put(v, INT64_C(1) << 40, TCH_NUMBER, 1, NULL, 0), TCH_ERROR_VALUE, "cannot have");
  refused(tch_vec_resize(v, -1), TCH_ERROR_VALUE, "cannot have -1");
  refused(tch_vec_put(v, 0, TCH_VEC, 0, v, 0), TCH_ERROR_VALUE, "cannot hold itself");
  assert_int_equal(tch_vec_count(v), 201);
  ok(tch_vec_resize(v, 5));
  assert_int_equal(tch_vec_count(v), 5);
  tch_shared_release(v);
}

/* -- Hash ------------------------------------------------------------------------------------------------------------ */

static void a_hash_finds_keys_of_every_kind(void **state) {
  tch_hash *h = NULL;
  tch_tensor *t = doubles(NULL, 3, 0, 0), *u = doubles(NULL, 3, 0, 0);
  ok(tch_hash_new(&h));
  ok(put_pair(h, number(1), number(10)));
  ok(put_pair(h, (got) {.kind = TCH_BOOLEAN, .number = 1}, number(20)));
  ok(put_pair(h, string("1"), number(30)));
  ok(put_pair(h, tensor(t), number(40)));
  assert_int_equal(tch_hash_count(h), 4);
  assert_true(hash_at(h, number(1)).number == 10);
  assert_true(hash_at(h, (got) {.kind = TCH_BOOLEAN, .number = 1}).number == 20);
  assert_true(hash_at(h, string("1")).number == 30);
  assert_true(hash_at(h, tensor(t)).number == 40);
  assert_int_equal(hash_at(h, tensor(u)).kind, TCH_NIL);
  assert_int_equal(hash_at(h, string("")).kind, TCH_NIL);
  assert_true(put_pair(h, number(NAN), number(1)) != TCH_OK);
  refused(put_pair(h, string("self"), (got) {.kind = TCH_HASH, .object = h}), TCH_ERROR_VALUE, "cannot hold itself");
  ok(put_pair(h, tensor(t), (got) {.kind = TCH_NIL}));
  assert_int_equal(tch_hash_count(h), 3);
  tch_tensor_release(t);
  tch_tensor_release(u);
  tch_shared_release(h);
}

static void a_hash_survives_growing_and_removing(void **state) {
  tch_hash *h = NULL;
  ok(tch_hash_new(&h));
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < 1000; i++) ok(put_pair(h, number(i), number(i * 2 + round)));
    assert_int_equal(tch_hash_count(h), 1000);
    for (int i = 0; i < 1000; i++)
      if (i % 3) ok(put_pair(h, number(i), (got) {.kind = TCH_NIL}));
    assert_int_equal(tch_hash_count(h), 334);
    for (int i = 0; i < 1000; i++) {
      got g = hash_at(h, number(i));
      if (i % 3) assert_int_equal(g.kind, TCH_NIL);
      else assert_true(g.number == i * 2 + round);
    }
  }
  int64_t place = 0;
  double last = -1;
  for (int n = 0;; n++) {
    tch_kind kind[2];
    double value[2];
    void *object[2];
    int64_t bytes[2];
    ok(tch_hash_next(h, &place, kind, value, object, bytes));
    if (kind[0] == TCH_NIL) {
      assert_int_equal(n, 334);
      break;
    }
    assert_true(value[0] > last && value[1] == value[0] * 2 + 2); /* in the order in which they came */
    last = value[0];
  }
  tch_shared_release(h);
}

/* -- crossing -------------------------------------------------------------------------------------------------------- */

static void tensors_that_cross_are_views_that_keep_their_size(void **state) {
  tch_vec *v = NULL, *inner = NULL;
  tch_tensor *t = doubles(NULL, 2, 3, 0);
  ok(tch_vec_new(&v));
  ok(tch_vec_new(&inner));
  ok(tch_vec_put(inner, 0, TCH_TENSOR, 0, t, 0));
  ok(tch_vec_put(v, 0, TCH_VEC, 0, inner, 0));
  got same = vec_at(inner, 0); /* still of one state: the object itself */
  assert_ptr_equal(same.object, t);
  tch_tensor_release(same.object);
  ok(tch_shared_cross(v));
  got a = vec_at(inner, 0), b = vec_at(inner, 0);
  assert_ptr_not_equal(a.object, b.object);
  assert_ptr_equal(tch_tensor_storage(a.object), tch_tensor_storage(t));
  int64_t six[] = {6}, nine[] = {9};
  ok(tch_tensor_resize(a.object, 1, six, NULL));
  assert_int_equal(tch_tensor_dim(b.object), 2); /* sizes are each one's own */
  refused(tch_tensor_resize(b.object, 1, nine, NULL), TCH_ERROR_STATE, "several threads share");
  ok(tch_tensor_fill(a.object, 7));
  assert_true(at(t, 5) == 7); /* elements are not */
  tch_tensor_release(a.object);
  tch_tensor_release(b.object);
  tch_tensor_release(t);
  tch_shared_release(inner);
  tch_shared_release(v);
}

static void objects_are_found_by_number_while_they_live(void **state) {
  tch_counter *c = NULL;
  void *found = NULL;
  ok(tch_counter_new(&c));
  int64_t id = tch_shared_id(c);
  assert_int_equal(tch_shared_id(c), id);
  ok(tch_shared_find(id, TCH_COUNTER, &found));
  assert_ptr_equal(found, c);
  refused(tch_shared_find(id, TCH_MUTEX, &found), TCH_ERROR_VALUE, "nothing of this kind");
  tch_shared_release(c);
  assert_int_equal(tch_counter_add(found, 5), 0); /* found is a reference */
  assert_int_equal(tch_counter_get(found), 5);
  tch_shared_release(found);
  refused(tch_shared_find(id, TCH_COUNTER, &found), TCH_ERROR_VALUE, "any more");
}

static void a_long_chain_needs_no_stack(void **state) {
  int64_t records = tch_memory_records();
  tch_vec *last = NULL;
  for (int i = 0; i < 200000; i++) {
    tch_vec *v;
    ok(tch_vec_new(&v));
    if (last) {
      ok(tch_vec_put(v, 0, TCH_VEC, 0, last, 0));
      tch_shared_release(last);
    }
    last = v;
  }
  refused(tch_shared_cross(last), TCH_ERROR_VALUE, "more than 200 deep");
  tch_shared_release(last);
  assert_int_equal(tch_memory_records(), records);
}

/* -- missing memory -------------------------------------------------------------------------------------------------- */

/* One use of everything; how far it came when memory is missing does not matter, but nothing may be lost or half done. */
static tch_status use_all(tch_tensor *t) {
  tch_vec *v = NULL;
  tch_hash *h = NULL;
  got g = {0};
  tch_status status = tch_vec_new(&v);
  if (status == TCH_OK) status = tch_hash_new(&h);
  for (int i = 0; i < 9 && status == TCH_OK; i++) {
    int64_t n = tch_vec_count(v), pairs = tch_hash_count(h);
    status = tch_vec_put(v, i, i % 2 ? TCH_TENSOR : TCH_STRING, 0, i % 2 ? (void *) t : "text", 4);
    assert_int_equal(tch_vec_count(v), n + (status == TCH_OK));
    if (status == TCH_OK) {
      status = put_pair(h, i % 2 ? tensor(t) : string("key"), i % 3 ? string("value") : tensor(t));
      if (status != TCH_OK) assert_int_equal(tch_hash_count(h), pairs);
    }
  }
  if (status == TCH_OK) status = tch_vec_put(v, 9, TCH_HASH, 0, h, 0);
  if (status == TCH_OK) status = tch_shared_cross(v);
  if (status == TCH_OK && (status = tch_vec_get(v, 1, &g.kind, &g.number, &g.object, &g.bytes)) == TCH_OK) tch_tensor_release(g.object);
  for (int64_t place = 0; status == TCH_OK;) {
    tch_kind kind[2] = {TCH_NIL};
    double x[2];
    void *object[2];
    int64_t bytes[2];
    status = tch_hash_next(h, &place, kind, x, object, bytes);
    if (status != TCH_OK || kind[0] == TCH_NIL) break;
    for (int k = 0; k < 2; k++)
      if (kind[k] == TCH_STRING) tch_text_release(object[k]);
      else tch_tensor_release(object[k]);
  }
  tch_shared_release(h);
  tch_shared_release(v);
  return status;
}

static void missing_memory_loses_nothing(void **state) {
  tch_tensor *t = doubles(NULL, 4, 0, 0);
  int64_t used = tch_memory_used(), records = tch_memory_records();
  int failures = 0;
  for (int64_t n = 1;; n++) {
    tch_memory_fail_after(n);
    tch_status status = use_all(t);
    tch_memory_fail_after(0);
    assert_int_equal(tch_memory_used(), used);
    assert_int_equal(tch_memory_records(), records);
    if (status == TCH_OK) break;
    assert_int_equal(status, TCH_ERROR_MEMORY);
    failures++;
  }
  assert_true(failures > 20);
  tch_tensor_release(t);
}

/* -- threads --------------------------------------------------------------------------------------------------------- */

typedef struct shop {
  tch_vec *v;
  tch_hash *h;
  tch_counter *c;
  tch_mutex *m;
  tch_condition *filled;
  tch_tensor *t;
  int plain, failed, taken;
} shop;

static shop open_shop(void) {
  shop s = {.t = doubles(NULL, 2, 0, 0)};
  ok(tch_vec_new(&s.v));
  ok(tch_hash_new(&s.h));
  ok(tch_counter_new(&s.c));
  ok(tch_mutex_new(&s.m));
  ok(tch_condition_new(&s.filled));
  ok(tch_shared_cross(s.v));
  ok(tch_shared_cross(s.h));
  return s;
}

static void close_shop(shop *s) {
  tch_tensor_release(s->t);
  void *objects[] = {s->v, s->h, s->c, s->m, s->filled};
  for (int i = 0; i < 5; i++) tch_shared_release(objects[i]);
}

static void *crowd(void *argument) {
  shop *s = argument;
  int failed = 0;
  for (int i = 0; i < ROUNDS; i++) {
    int64_t mine = tch_counter_add(s->c, 1);
    failed += tch_vec_insert(s->v, -1, TCH_NUMBER, (double) mine, NULL, 0) != TCH_OK;
    failed += put_pair(s->h, number((double) mine), i % 2 ? string("x") : tensor(s->t)) != TCH_OK;
    got g = {.kind = TCH_NUMBER, .number = (double) (mine / 2)};
    failed += tch_hash_get(s->h, &g.kind, &g.number, &g.object, &g.bytes) != TCH_OK;
    if (g.kind == TCH_STRING) tch_text_release(g.object);
    else if (g.kind == TCH_TENSOR) tch_tensor_release(g.object);
    failed += tch_mutex_lock(s->m) != TCH_OK;
    s->plain++;
    s->failed += failed;
    failed = tch_mutex_unlock(s->m) != TCH_OK;
    void *found;
    failed += tch_shared_find(tch_shared_id(s->v), TCH_VEC, &found) != TCH_OK;
    tch_shared_release(found);
  }
  return NULL;
}

static void threads_share_collections(void **state) {
  int64_t used = tch_memory_used(), records = tch_memory_records();
  shop s = open_shop();
  in_threads(crowd, &s);
  assert_int_equal(s.failed, 0);
  assert_int_equal(s.plain, THREADS * ROUNDS);
  assert_int_equal(tch_counter_get(s.c), THREADS * ROUNDS);
  assert_int_equal(tch_vec_count(s.v), THREADS * ROUNDS);
  assert_int_equal(tch_hash_count(s.h), THREADS * ROUNDS);
  double sum = 0;
  for (int64_t i = 0; i < tch_vec_count(s.v); i++) sum += number_at(s.v, i);
  assert_true(sum == (double) (THREADS * ROUNDS) * (THREADS * ROUNDS - 1) / 2); /* each number once */
  close_shop(&s);
  assert_int_equal(tch_memory_used(), used);
  assert_int_equal(tch_memory_records(), records);
}

static void *taker(void *argument) {
  shop *s = argument;
  if (tch_mutex_lock(s->m) != TCH_OK) return NULL;
  for (;;) {
    while (tch_vec_count(s->v) == 0)
      if (tch_condition_wait(s->filled, s->m) != TCH_OK) return NULL;
    got g = {0};
    if (tch_vec_get(s->v, 0, &g.kind, &g.number, &g.object, &g.bytes) != TCH_OK) return NULL;
    if (g.number < 0) break; /* the end, left for the others */
    tch_vec_remove(s->v, 0);
    s->taken++;
  }
  tch_mutex_unlock(s->m);
  return NULL;
}

static void threads_wait_for_work(void **state) {
  shop s = open_shop();
  pthread_t thread[THREADS];
  for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&thread[i], NULL, taker, &s), 0);
  for (int i = 0; i <= ROUNDS; i++) {
    ok(tch_mutex_lock(s.m));
    ok(tch_vec_insert(s.v, -1, TCH_NUMBER, i < ROUNDS ? i : -1, NULL, 0));
    ok(tch_mutex_unlock(s.m));
    if (i < ROUNDS) tch_condition_signal(s.filled);
    else tch_condition_broadcast(s.filled);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
  assert_int_equal(s.taken, ROUNDS);
  close_shop(&s);
}

static void *lends(void *argument) {
  shop *s = argument;
  s->failed = tch_mutex_unlock(s->m) != TCH_ERROR_STATE;
  return NULL;
}

static void misuse_of_a_mutex_is_refused(void **state) {
  shop s = open_shop();
  refused(tch_mutex_unlock(s.m), TCH_ERROR_STATE, "does not hold");
  refused(tch_condition_wait(s.filled, s.m), TCH_ERROR_STATE, "does not hold");
  ok(tch_mutex_lock(s.m));
  refused(tch_mutex_lock(s.m), TCH_ERROR_STATE, "holds the mutex already");
  pthread_t other;
  assert_int_equal(pthread_create(&other, NULL, lends, &s), 0);
  pthread_join(other, NULL);
  assert_int_equal(s.failed, 0);
  ok(tch_mutex_unlock(s.m));
  close_shop(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_vec_keeps_values_in_a_row),
      cmocka_unit_test(a_hash_finds_keys_of_every_kind),
      cmocka_unit_test(a_hash_survives_growing_and_removing),
      cmocka_unit_test(tensors_that_cross_are_views_that_keep_their_size),
      cmocka_unit_test(objects_are_found_by_number_while_they_live),
      cmocka_unit_test(a_long_chain_needs_no_stack),
      cmocka_unit_test(missing_memory_loses_nothing),
      cmocka_unit_test(threads_share_collections),
      cmocka_unit_test(threads_wait_for_work),
      cmocka_unit_test(misuse_of_a_mutex_is_refused),
  };
  return cmocka_run_group_tests_name("shared", tests, NULL, NULL);
}
