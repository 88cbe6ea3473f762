/* The pool: the calling thread and workers that are created when they are first needed. A job is one tch_parallel call. Its
 * pieces are dealt out in shares, one for each thread, and the same part of [0, n) always to the same thread, whose cache
 * then holds what it made of that part in the job before. Who is done with his own share helps with the others'. Pieces are
 * claimed one by one from the ticket of a share, which also carries the job's number, so that a worker that wakes up late
 * cannot touch a job that is over. Whoever waits spins for a while before it sleeps, for a sleeper takes some 20
 * microseconds to wake. */
#define _GNU_SOURCE
#include "core/thread.h"
#include "core/error.h"
#include "core/host.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { MAX_THREADS = 256, SPIN = 100000 /* nanoseconds */ };

typedef void (*piece_fn)(void *context, int64_t begin, int64_t end);

/* ticket = job number << 32 | next piece of the share. Between jobs the next piece is CLOSED, which no job has. */
#define CLOSED             UINT32_C(0xffffffff)
#define JOB(ticket)        ((uint32_t) ((ticket) >> 32))
#define TICKET(job, piece) ((uint64_t) (job) << 32 | (piece))

static struct {
  atomic_int threads; /* wanted, the caller included */
  atomic_bool spin;   /* no more threads than cores */
  atomic_bool busy;   /* someone owns the pool; the fields down to `context` are written by the owner alone */
  int workers;
  _Alignas(64) _Atomic uint32_t job; /* number of the latest job */
  _Atomic uint32_t pieces, shares;
  _Atomic int64_t n, grain;
  _Atomic piece_fn fn;
  void *_Atomic context;
  _Alignas(64) _Atomic uint32_t done; /* pieces that have run */
  atomic_bool owner_sleeps, stop;
  atomic_int sleepers;
  int alive;         /* workers, under lock */
  atomic_int counted; /* workers that took a number */
} pool;

static struct {
  _Alignas(64) _Atomic uint64_t ticket;
} shares[MAX_THREADS]; /* share s of pieces [pieces * s / shares, pieces * (s + 1) / shares) */

#define SET(field, value) atomic_store_explicit(&pool.field, value, memory_order_release)
#define GET(field)        atomic_load_explicit(&pool.field, memory_order_acquire)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER; /* a new job, or stop */
static pthread_cond_t rest = PTHREAD_COND_INITIALIZER; /* the last piece is done, or a worker ended */
static _Thread_local bool inside;                      /* this thread runs a piece */
static _Thread_local bool guest;                       /* this thread leaves the width of the pool alone */
static _Thread_local int number;                       /* among the pool's threads, from 1; 0: none of them */
static _Thread_local int guest_threads;                /* what it asked for; 0: nothing */

static int64_t nanoseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t) t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Waits for a condition without sleeping; false if it took too long. With more threads than cores nobody spins. */
#define SPIN_UNTIL(condition)                                                                                          \
  ({                                                                                                                   \
    bool met_ = (condition);                                                                                           \
    if (!met_ && atomic_load_explicit(&pool.spin, memory_order_relaxed)) {                                             \
      int64_t end_ = nanoseconds() + SPIN;                                                                             \
      do {                                                                                                             \
        for (int i_ = 0; i_ < 32 && !met_; i_++) {                                                                     \
          tch_pause();                                                                                             \
          met_ = (condition);                                                                                          \
        }                                                                                                              \
      } while (!met_ && nanoseconds() < end_);                                                                         \
    }                                                                                                                  \
    met_;                                                                                                              \
  })

/* -- running pieces ------------------------------------------------------------------------------------------------ */

static void run_inline(int64_t n, int64_t grain, piece_fn fn, void *context) {
  for (int64_t begin = 0; begin < n; begin += grain) fn(context, begin, n - begin < grain ? n : begin + grain);
}

/* Claims and runs pieces of a share of a job until none is left; returns how many. The fields are read between two looks at
 * the ticket: if the claim succeeds the job was open all the while, so they are its own; the owner closes the tickets before
 * it changes them. */
static uint32_t run_share(uint32_t job, uint32_t share) {
  for (uint32_t ran = 0;;) {
    uint64_t ticket = atomic_load(&shares[share].ticket);
    uint32_t piece = (uint32_t) ticket;
    uint32_t end = (uint32_t) ((uint64_t) GET(pieces) * (share + 1) / GET(shares));
    int64_t n = GET(n), grain = GET(grain);
    piece_fn fn = GET(fn);
    void *context = GET(context);
    if (JOB(ticket) != job || piece >= end) return ran;
    if (!atomic_compare_exchange_weak(&shares[share].ticket, &ticket, ticket + 1)) continue;
    int64_t begin = piece * grain;
    fn(context, begin, n - begin < grain ? n : begin + grain);
    ran++;
  }
}

/* The thread's own share of a job first. */
static void run_pieces(uint32_t job) {
  uint32_t ran = 0, count = GET(shares), pieces = GET(pieces);
  inside = true;
  for (uint32_t i = 0; i < count; i++) ran += run_share(job, ((uint32_t) number + i) % count);
  inside = false;
  if (ran && atomic_fetch_add(&pool.done, ran) + ran == pieces && atomic_load(&pool.owner_sleeps)) {
    pthread_mutex_lock(&lock);
    pthread_cond_broadcast(&rest);
    pthread_mutex_unlock(&lock);
  }
}

/* -- workers ------------------------------------------------------------------------------------------------------- */

/* Waits until a job with another number than `last` is open; false when the pool stops. */
static bool await_job(uint32_t last) {
  if (SPIN_UNTIL(atomic_load(&pool.job) != last || atomic_load(&pool.stop))) return !atomic_load(&pool.stop);
  pthread_mutex_lock(&lock);
  atomic_fetch_add(&pool.sleepers, 1);
  while (atomic_load(&pool.job) == last && !atomic_load(&pool.stop)) pthread_cond_wait(&work, &lock);
  atomic_fetch_sub(&pool.sleepers, 1);
  pthread_mutex_unlock(&lock);
  return !atomic_load(&pool.stop);
}

static void *worker(void *argument) {
  uint32_t job = (uint32_t) (uintptr_t) argument;
  number = atomic_fetch_add(&pool.counted, 1) + 1;
  while (await_job(job)) {
    job = atomic_load(&pool.job);
    run_pieces(job);
  }
  pthread_mutex_lock(&lock);
  pool.alive--;
  pthread_cond_broadcast(&rest);
  pthread_mutex_unlock(&lock);
  return NULL;
}

/* Signals are for the host's threads: workers block them all. A pool that cannot grow keeps to what it has. */
static void grow(int workers) {
  sigset_t all, old;
  pthread_attr_t detached;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  pthread_attr_init(&detached);
  pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
  pthread_mutex_lock(&lock);
  while (pool.workers < workers) {
    pthread_t thread;
    uintptr_t job = atomic_load(&pool.job);
    if (pthread_create(&thread, &detached, worker, (void *) job) != 0) {
      atomic_store(&pool.threads, pool.workers + 1);
      break;
    }
    pool.workers++;
    pool.alive++;
  }
  pthread_mutex_unlock(&lock);
  pthread_attr_destroy(&detached);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void stop_workers(void) {
  pthread_mutex_lock(&lock);
  atomic_store(&pool.stop, true);
  pthread_cond_broadcast(&work);
  while (pool.alive > 0) pthread_cond_wait(&rest, &lock);
  atomic_store(&pool.stop, false);
  atomic_store(&pool.counted, 0);
  pool.workers = 0;
  pthread_mutex_unlock(&lock);
}

/* The child of a fork has the forking thread only: it starts with an empty pool. */
static void start_anew(void) {
  pthread_mutex_init(&lock, NULL);
  pthread_cond_init(&work, NULL);
  pthread_cond_init(&rest, NULL);
  pool.workers = pool.alive = 0;
  atomic_store(&pool.counted, 0);
  atomic_store(&pool.sleepers, 0);
  atomic_store(&pool.owner_sleeps, false);
  atomic_store(&pool.stop, false);
  atomic_store(&pool.busy, false);
}

/* -- the pool's width ---------------------------------------------------------------------------------------------- */

extern void openblas_set_num_threads(int n) __attribute__((weak));

/* Per thread, because an OpenBLAS that is built on OpenMP keeps the number per thread. */
void tch_blas_serial(void) {
  static _Thread_local bool done;
  if (done) return;
  done = true;
  if (openblas_set_num_threads) openblas_set_num_threads(1);
}

/* OMP_NUM_THREADS (its first number), else the cores that the process may use. */
static int default_threads(void) {
  const char *text = getenv("OMP_NUM_THREADS");
  long n = text ? strtol(text, NULL, 10) : 0;
  if (n < 1) n = tch_host_cores();
  return n > MAX_THREADS ? MAX_THREADS : (int) n;
}

static void set_width(int threads) {
  atomic_store(&pool.spin, threads <= tch_host_cores());
  atomic_store(&pool.threads, threads);
}

static void choose_threads(void) {
  set_width(default_threads());
  pthread_atfork(NULL, NULL, start_anew);
}

int tch_thread_number(void) { return number; }

void tch_be_guest(void) { guest = true; }

int tch_threads(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, choose_threads);
  if (guest_threads) return guest_threads;
  return atomic_load_explicit(&pool.threads, memory_order_relaxed);
}

/* Waits for a job of another thread to end. */
tch_status tch_set_threads(int n) {
  if (n < 1 || n > MAX_THREADS)
    return tch_fail(TCH_ERROR_VALUE, "set_threads: %d threads wanted, but 1 to %d are possible", n, MAX_THREADS);
  if (inside) return tch_fail(TCH_ERROR_STATE, "set_threads: called from inside parallel work");
  if (guest) {
    guest_threads = n;
    return TCH_OK;
  }
  tch_threads();
  while (atomic_exchange(&pool.busy, true)) tch_pause();
  stop_workers();
  set_width(n);
  atomic_store(&pool.busy, false);
  return TCH_OK;
}

/* -- the call ------------------------------------------------------------------------------------------------------ */

static void wake_workers(uint32_t pieces) {
  if (atomic_load(&pool.sleepers) == 0) return;
  pthread_mutex_lock(&lock);
  if (pieces > (uint32_t) pool.workers) pthread_cond_broadcast(&work);
  else
    for (uint32_t i = 1; i < pieces; i++) pthread_cond_signal(&work);
  pthread_mutex_unlock(&lock);
}

static void await_pieces(uint32_t pieces) {
  if (SPIN_UNTIL(atomic_load(&pool.done) == pieces)) return;
  pthread_mutex_lock(&lock);
  atomic_store(&pool.owner_sleeps, true);
  atomic_thread_fence(memory_order_seq_cst); /* for emulators, which let the load below pass the store */
  while (atomic_load(&pool.done) != pieces) pthread_cond_wait(&rest, &lock);
  atomic_store(&pool.owner_sleeps, false);
  pthread_mutex_unlock(&lock);
}

void tch_parallel(int64_t n, int64_t grain, piece_fn fn, void *context) {
  if (n <= 0) return;
  if (grain < 1) grain = 1;
  int64_t pieces = (n - 1) / grain + 1;
  int threads = pieces > 1 && pieces < CLOSED && !inside ? tch_threads() : 1;
  if (threads > 1 && guest_threads) threads = atomic_load_explicit(&pool.threads, memory_order_relaxed);
  if (threads == 1 || atomic_exchange(&pool.busy, true)) {
    run_inline(n, grain, fn, context);
    return;
  }
  if (pool.workers < threads - 1) grow(threads - 1);
  uint32_t job = atomic_load(&pool.job) + 1, count = (uint32_t) (pieces < threads ? pieces : threads);
  SET(n, n);
  SET(grain, grain);
  SET(pieces, (uint32_t) pieces);
  SET(shares, count);
  SET(fn, fn);
  SET(context, context);
  SET(done, 0);
  for (uint32_t s = 0; s < count; s++)
    atomic_store_explicit(&shares[s].ticket, TICKET(job, (uint32_t) (pieces * s / count)), memory_order_release);
  atomic_store(&pool.job, job);
  wake_workers((uint32_t) pieces);
  run_pieces(job);
  await_pieces((uint32_t) pieces);
  for (uint32_t s = 0; s < count; s++)
    atomic_store_explicit(&shares[s].ticket, TICKET(job, CLOSED), memory_order_release);
  atomic_store(&pool.busy, false);
}
