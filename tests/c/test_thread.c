/* The pool: every piece once, nesting, busy callers, width, fork. */
#include "check.h"
#include "core/host.h"
#include "core/thread.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N = 10007 };

typedef struct tally {
  atomic_int visits[N];
  int64_t n, grain;
  atomic_int pieces, misfits;
} tally;

static void visit(void *context, int64_t begin, int64_t end) {
  tally *t = context;
  atomic_fetch_add(&t->pieces, 1);
  if (begin % t->grain != 0 || (end != t->n && end - begin != t->grain)) atomic_fetch_add(&t->misfits, 1);
  for (int64_t i = begin; i < end; i++) atomic_fetch_add(&t->visits[i], 1);
}

static void check_call(int64_t n, int64_t grain) {
  static tally t;
  memset(&t, 0, sizeof t);
  t.n = n;
  t.grain = grain;
  tch_parallel(n, grain, visit, &t);
  for (int64_t i = 0; i < N; i++) assert_int_equal(t.visits[i], i < n);
  assert_int_equal(t.pieces, n ? (n - 1) / grain + 1 : 0);
  assert_int_equal(t.misfits, 0);
}

static void every_piece_runs_once_whatever_the_width(void **state) {
  for (int threads = 1; threads <= 5; threads++) {
    ok(tch_set_threads(threads));
    assert_int_equal(tch_threads(), threads);
    check_call(0, 10);
    check_call(1, 10);
    check_call(N, 1);
    check_call(N, 64);
    check_call(N, N);
    check_call(N, 2 * N);
    check_call(100, 33);
  }
}

static void add(void *context, int64_t begin, int64_t end) { atomic_fetch_add((atomic_llong *) context, end - begin); }

static void jobs_follow_each_other_closely(void **state) {
  ok(tch_set_threads(3));
  atomic_llong sum = 0;
  for (int i = 0; i < 20000; i++) tch_parallel(7, 2, add, &sum);
  assert_int_equal(sum, 20000 * 7);
}

static void nest(void *context, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; i++) tch_parallel(10, 3, add, context);
}

static void nested_calls_run_inline(void **state) {
  ok(tch_set_threads(4));
  atomic_llong sum = 0;
  tch_parallel(100, 1, nest, &sum);
  assert_int_equal(sum, 1000);
}

static void resize_pool(void *context, int64_t begin, int64_t end) {
  if (tch_set_threads(2) == TCH_ERROR_STATE) atomic_fetch_add((atomic_int *) context, 1);
}

static void the_width_has_bounds(void **state) {
  int before = tch_threads();
  refused(tch_set_threads(0), TCH_ERROR_VALUE, "set_threads: 0 threads wanted, but 1 to 256");
  refused(tch_set_threads(257), TCH_ERROR_VALUE, "257");
  assert_int_equal(tch_threads(), before);
  ok(tch_set_threads(2));
  atomic_int refusals = 0;
  tch_parallel(10, 1, resize_pool, &refusals);
  assert_int_equal(refusals, 10);
}

static void *call_often(void *context) {
  for (int i = 0; i < 2000; i++) tch_parallel(64, 4, add, context);
  return NULL;
}

static void callers_share_the_pool(void **state) {
  ok(tch_set_threads(3));
  atomic_llong sum = 0;
  pthread_t thread[4];
  for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&thread[i], NULL, call_often, &sum), 0);
  for (int i = 0; i < 4; i++) pthread_join(thread[i], NULL);
  assert_int_equal(sum, 4 * 2000 * 64);
}

static void look_at_signals(void *context, int64_t begin, int64_t end) {
  sigset_t set;
  pthread_sigmask(SIG_BLOCK, NULL, &set);
  if (!pthread_equal(pthread_self(), *(pthread_t *) context) && !sigismember(&set, SIGINT)) raise(SIGKILL);
  usleep(200);
}

static void workers_block_signals(void **state) {
  ok(tch_set_threads(4));
  pthread_t self = pthread_self();
  tch_parallel(16, 1, look_at_signals, &self);
  sigset_t set;
  pthread_sigmask(SIG_BLOCK, NULL, &set);
  assert_false(sigismember(&set, SIGINT));
}

static void sleepers_wake(void **state) {
  ok(tch_set_threads(2));
  atomic_llong sum = 0;
  for (int i = 0; i < 20; i++) {
    usleep(2000);
    tch_parallel(8, 1, add, &sum);
  }
  assert_int_equal(sum, 160);
}

static void a_forked_child_has_a_pool(void **state) {
#ifdef __SANITIZE_THREAD__
  skip(); /* it forbids threads in the child of a process that had some */
#endif
  if (getenv("RUNNER")) skip(); /* qemu's user mode aborts in the child of a process that had threads */
  ok(tch_set_threads(3));
  atomic_llong sum = 0;
  tch_parallel(8, 1, add, &sum);
  pid_t child = fork();
  if (child == 0) {
    alarm(20);
    for (int i = 0; i < 100; i++) tch_parallel(8, 1, add, &sum);
    _exit(sum == 808 && tch_set_threads(1) == TCH_OK ? 0 : 1);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

typedef struct dealing {
  atomic_int begun[4], alone, strangers;
} dealing;

/* Piece i is one of two that wait for each other, so that both threads work, each on its own half. */
static void meet(void *context, int64_t begin, int64_t end) {
  dealing *d = context;
  atomic_store(&d->begun[begin], 1);
  int64_t other = (begin + 2) % 4, turns = 0;
  while (!atomic_load(&d->begun[other]) && turns < 1000000) sched_yield(), turns++;
  if (turns == 1000000) atomic_fetch_add(&d->alone, 1);
  if (tch_thread_number() != begin / 2) atomic_fetch_add(&d->strangers, 1);
}

static void a_thread_has_the_same_share_of_every_job(void **state) {
  ok(tch_set_threads(2));
  for (int i = 0; i < 100; i++) {
    dealing d = {0};
    tch_parallel(4, 1, meet, &d);
    assert_int_equal(d.alone, 0);
    assert_int_equal(d.strangers, 0);
  }
}

static void the_host_has_cores_and_memory(void **state) {
  assert_in_range(tch_host_cores(), 1, sysconf(_SC_NPROCESSORS_ONLN));
  assert_true(tch_host_memory() > 1 << 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_piece_runs_once_whatever_the_width),
      cmocka_unit_test(jobs_follow_each_other_closely),
      cmocka_unit_test(nested_calls_run_inline),
      cmocka_unit_test(the_width_has_bounds),
      cmocka_unit_test(callers_share_the_pool),
      cmocka_unit_test(workers_block_signals),
      cmocka_unit_test(sleepers_wake),
      cmocka_unit_test(a_thread_has_the_same_share_of_every_job),
      cmocka_unit_test(a_forked_child_has_a_pool),
      cmocka_unit_test(the_host_has_cores_and_memory),
  };
  return cmocka_run_group_tests_name("thread", tests, NULL, NULL);
}
