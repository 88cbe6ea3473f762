/* A caching allocator. Blocks come in size classes; a freed block waits for the next request of its class, first in a
 * list of its thread (no lock, no atomic), then in a central list under one lock. Blocks hold the link to the next one
 * in their own first bytes. Blocks of more than a MiB are cut from stretches of address space (extent.c) under the same
 * lock. Fresh pages cost more than many kernels, so memory goes back to the system only when the process would hold much
 * more than it ever used at once, when the system refuses, or on tch_memory_trim. */
#define _GNU_SOURCE
#include "core/memory.h"
#include "core/error.h"
#include "core/extent.h"
#include "core/host.h"
#include "core/poison.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* -- size classes ------------------------------------------------------------------------------------------------- */

/* In units of 64 bytes: 1, 2, ..., 16, then eight steps to each doubling, so that at most an eighth of a block is
 * wasted. */
enum {
  STEPS = 8,
  MAX_SHIFT = 10,
  CLASSES = STEPS * (MAX_SHIFT + 2), /* up to 1 MiB */
  LOCAL_CLASSES = 56                 /* up to 32 KiB */
};

static const int64_t CLASS_BYTES = (int64_t) TCH_ALIGNMENT * 2 * STEPS << MAX_SHIFT; /* of the last class */
static const int64_t MAX_BYTES = (int64_t) 1 << 46;

/* CLASSES: no class, a stretch of its own size. */

static int class_of(int64_t bytes) {
  if (bytes > CLASS_BYTES) return CLASSES;
  int64_t last = (bytes - 1) / TCH_ALIGNMENT;
  int shift = last < 2 * STEPS ? 0 : 60 - __builtin_clzll((unsigned long long) last);
  return STEPS * shift + (int) (last >> shift);
}

static int64_t class_bytes(int class) {
  int shift = class < 2 * STEPS ? 0 : class / STEPS - 1;
  return (int64_t) TCH_ALIGNMENT * (class - STEPS * shift + 1) << shift;
}

/* What a block takes for which `bytes` were asked. */
static int64_t block_bytes(int64_t bytes) {
  return bytes > CLASS_BYTES ? tch_extent_bytes(bytes) : class_bytes(class_of(bytes));
}

/* -- state -------------------------------------------------------------------------------------------------------- */

typedef struct block {
  struct block *next;
} block;

typedef struct local {
  block *head[LOCAL_CLASSES];
  uint16_t count[LOCAL_CLASSES];
  atomic_llong blocks,
      records; /* bytes this thread took minus bytes it gave, in whole blocks; written by the thread alone */
  struct local *next, *previous;
  bool known; /* in the list of threads */
} local;

static _Thread_local local mine;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static block *central[CLASSES];           /* under lock */
static local *threads;                    /* under lock */
static int64_t past_blocks, past_records; /* of threads that ended; under lock */
static atomic_llong held;                 /* bytes got from the system */
static atomic_llong used, peak;           /* bytes asked for by tch_alloc */
static atomic_llong fail_after;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t thread_end;

static void give_central(block *first, block *last, int class) {
  pthread_mutex_lock(&lock);
  last->next = central[class];
  central[class] = first;
  pthread_mutex_unlock(&lock);
}

static void empty_local(local *thread) {
  for (int c = 0; c < LOCAL_CLASSES; c++) {
    block *last = thread->head[c];
    if (!last) continue;
    while (last->next) last = last->next;
    give_central(thread->head[c], last, c);
    thread->head[c] = NULL;
    thread->count[c] = 0;
  }
}

/* Under lock. */
static void forget_thread(local *thread) {
  past_blocks += atomic_load(&thread->blocks);
  past_records += atomic_load(&thread->records);
  atomic_store(&thread->blocks, 0);
  atomic_store(&thread->records, 0);
  if (thread->previous) thread->previous->next = thread->next;
  else threads = thread->next;
  if (thread->next) thread->next->previous = thread->previous;
  thread->known = false;
}

static void end_thread(void *thread) {
  empty_local(thread);
  pthread_mutex_lock(&lock);
  forget_thread(thread);
  pthread_mutex_unlock(&lock);
}

static void before_fork(void) { pthread_mutex_lock(&lock); }

static void after_fork(void) { pthread_mutex_unlock(&lock); }

/* In the child only the forking thread lives on; what the others had cached is lost to it. */
static void after_fork_in_child(void) {
  for (local *thread = threads, *next; thread; thread = next) {
    next = thread->next;
    if (thread != &mine) forget_thread(thread);
  }
  pthread_mutex_unlock(&lock);
}

static void set_up(void) {
  pthread_key_create(&thread_end, end_thread);
  pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

static void meet_thread(void) {
  pthread_once(&once, set_up);
  pthread_setspecific(thread_end, &mine);
  pthread_mutex_lock(&lock);
  mine.previous = NULL;
  mine.next = threads;
  if (threads) threads->previous = &mine;
  threads = &mine;
  mine.known = true;
  pthread_mutex_unlock(&lock);
}

static inline local *this_thread(void) {
  local *thread = &mine;
  if (__builtin_expect(!thread->known, 0)) meet_thread();
  return thread;
}

/* -- the system --------------------------------------------------------------------------------------------------- */

static void *system_get(int64_t bytes) {
  void *at = NULL;
  if (bytes > CLASS_BYTES) at = tch_extent_map(bytes);
  else if (posix_memalign(&at, TCH_ALIGNMENT, (size_t) bytes) != 0) at = NULL;
  if (at) atomic_fetch_add(&held, bytes);
  return at;
}

/* Gives free memory back, large pieces first, until `bytes` are given or none is left. */
static void evict(int64_t bytes) {
  pthread_mutex_lock(&lock);
  int64_t given = tch_extent_evict(bytes);
  for (int c = CLASSES - 1; c >= 0; c--)
    while (central[c] && given < bytes) {
      block *b = central[c];
      central[c] = b->next;
      ASAN_UNPOISON_MEMORY_REGION(b, (size_t) class_bytes(c));
      free(b);
      given += class_bytes(c);
    }
  pthread_mutex_unlock(&lock);
  atomic_fetch_sub(&held, given);
}

void tch_memory_trim(void) {
  empty_local(this_thread());
  evict(INT64_MAX);
}

/* A block from the system. Overcommitting systems promise memory that they cannot give and then kill the process, so
 * requests beyond what the host has are refused here. The cache may hold a quarter more than was ever in use, and 32
 * MiB. */
static void *fresh(int64_t bytes) {
  int64_t limit = bytes >= 1 << 26 ? tch_host_memory() : INT64_MAX;
  int64_t most = atomic_load(&peak) / 4 * 5 + ((int64_t) 32 << 20);
  int64_t excess = atomic_load(&held) + bytes - most;
  if (excess > 0) evict(excess);
  if (atomic_load(&held) > limit - bytes) tch_memory_trim();
  if (bytes > limit || atomic_load(&held) > limit - bytes) return NULL;
  void *at = system_get(bytes);
  if (at) return at;
  tch_memory_trim();
  return system_get(bytes);
}

/* -- taking and giving blocks -------------------------------------------------------------------------------------- */

/* Blocks of a class that a thread keeps: 64 of up to 1 KiB, then half as many per doubling, 4 at least. */
static inline int keep(int class) {
  int n = class < 2 * STEPS ? 64 : 64 >> (class / STEPS - 1);
  return n < 4 ? 4 : n;
}

static block *take_central(int class) {
  pthread_mutex_lock(&lock);
  block *b = central[class];
  if (b) central[class] = b->next;
  pthread_mutex_unlock(&lock);
  return b;
}

static void *take_large(int64_t bytes) {
  pthread_mutex_lock(&lock);
  void *at = tch_extent_take(bytes);
  pthread_mutex_unlock(&lock);
  return at;
}

static void give_large(void *at, int64_t bytes) {
  pthread_mutex_lock(&lock);
  bool noted = tch_extent_give(at, bytes);
  pthread_mutex_unlock(&lock);
  if (noted) return;
  tch_extent_unmap(at, bytes);
  atomic_fetch_sub(&held, tch_extent_bytes(bytes));
}

/* Moves up to half a list's worth of central blocks to the thread and returns one more. */
static block *refill(local *thread, int class) {
  pthread_mutex_lock(&lock);
  block *b = central[class];
  if (b) {
    block *last = b;
    int n = 0;
    while (last->next && n < keep(class) / 2) last = last->next, n++;
    central[class] = last->next;
    last->next = NULL;
    thread->head[class] = b->next;
    thread->count[class] = (uint16_t) n;
  }
  pthread_mutex_unlock(&lock);
  return b;
}

/* Moves the older half of a full list to the centre. */
static void spill(local *thread, int class) {
  int stay = keep(class) / 2;
  block *last = thread->head[class];
  for (int i = 1; i < stay; i++) last = last->next;
  block *first = last->next;
  last->next = NULL;
  thread->count[class] = (uint16_t) stay;
  for (last = first; last->next;) last = last->next;
  give_central(first, last, class);
}

static inline void *take(local *thread, int64_t bytes) {
  void *at = NULL;
  int class = class_of(bytes);
  if (class < LOCAL_CLASSES) {
    block *b = thread->head[class];
    if (__builtin_expect(b != NULL, 1)) {
      thread->head[class] = b->next;
      thread->count[class]--;
      return b;
    }
    at = refill(thread, class);
  } else at = class < CLASSES ? take_central(class) : take_large(bytes);
  return at ? at : fresh(block_bytes(bytes));
}

static inline void give(local *thread, void *at, int64_t bytes) {
  block *b = at;
  int class = class_of(bytes);
  ASAN_POISON_MEMORY_REGION(at, (size_t) block_bytes(bytes));
  if (class >= CLASSES) {
    give_large(at, bytes);
    return;
  }
  ASAN_UNPOISON_MEMORY_REGION(b, sizeof *b);
  if (class >= LOCAL_CLASSES) {
    give_central(b, b, class);
    return;
  }
  b->next = thread->head[class];
  thread->head[class] = b;
  if (++thread->count[class] > keep(class)) spill(thread, class);
}

static inline void count(atomic_llong *sum, int64_t bytes) {
  atomic_store_explicit(sum, atomic_load_explicit(sum, memory_order_relaxed) + bytes, memory_order_relaxed);
}

/* -- the door ------------------------------------------------------------------------------------------------------ */

const char *tch_bytes_text(int64_t bytes, char buffer[TCH_BYTES_TEXT]) {
  static const char *const unit[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) {
    snprintf(buffer, TCH_BYTES_TEXT, "%d B", bytes < 0 ? 0 : (int) bytes);
    return buffer;
  }
  double amount = (double) bytes / 1024;
  int u = 0;
  for (; amount >= 1000 && u < 5; u++) amount /= 1024;
  snprintf(buffer, TCH_BYTES_TEXT, amount < 9.95 ? "%.1f %s" : "%.0f %s", amount, unit[u]);
  return buffer;
}

static tch_status out_of_memory(int64_t bytes) {
  char asked[TCH_BYTES_TEXT], in_use[TCH_BYTES_TEXT];
  return tch_fail(TCH_ERROR_MEMORY, "out of memory: %s asked, %s in use", tch_bytes_text(bytes, asked),
                  tch_bytes_text(tch_memory_used(), in_use));
}

static bool injected_failure(void) {
  long long n = atomic_load_explicit(&fail_after, memory_order_relaxed);
  if (__builtin_expect(n == 0, 1)) return false;
  while (n > 0 && !atomic_compare_exchange_weak(&fail_after, &n, n - 1)) {}
  return n == 1;
}

tch_status tch_alloc(int64_t bytes, void **out) {
  if (bytes == 0) {
    *out = NULL;
    return TCH_OK;
  }
  if (bytes < 0) return tch_fail(TCH_ERROR_VALUE, "out of memory: more than 8 EiB asked");
  if (bytes > MAX_BYTES || injected_failure()) return out_of_memory(bytes);
  local *thread = this_thread();
  void *at = take(thread, bytes);
  if (!at) return out_of_memory(bytes);
  ASAN_UNPOISON_MEMORY_REGION(at, (size_t) bytes);
  ASAN_POISON_MEMORY_REGION((char *) at + bytes, (size_t) (block_bytes(bytes) - bytes));
  count(&thread->blocks, block_bytes(bytes));
  long long now = atomic_fetch_add_explicit(&used, bytes, memory_order_relaxed) + bytes;
  long long most = atomic_load_explicit(&peak, memory_order_relaxed);
  while (now > most
         && !atomic_compare_exchange_weak_explicit(&peak, &most, now, memory_order_relaxed, memory_order_relaxed)) {}
  *out = at;
  return TCH_OK;
}

void tch_free(void *at, int64_t bytes) {
  if (!at) return;
  local *thread = this_thread();
  atomic_fetch_sub_explicit(&used, bytes, memory_order_relaxed);
  count(&thread->blocks, -block_bytes(bytes));
  give(thread, at, bytes);
}

void *tch_record_new(size_t bytes) {
  if (bytes == 0) bytes = 1;
  if (bytes > (size_t) MAX_BYTES || injected_failure()) {
    out_of_memory(bytes > INT64_MAX ? INT64_MAX : (int64_t) bytes);
    return NULL;
  }
  local *thread = this_thread();
  int64_t whole = block_bytes((int64_t) bytes);
  void *at = take(thread, (int64_t) bytes);
  if (!at) {
    out_of_memory((int64_t) bytes);
    return NULL;
  }
  ASAN_UNPOISON_MEMORY_REGION(at, bytes);
  ASAN_POISON_MEMORY_REGION((char *) at + bytes, (size_t) whole - bytes);
  count(&thread->records, whole);
  return at;
}

void tch_record_free(void *at, size_t bytes) {
  if (!at) return;
  local *thread = this_thread();
  if (bytes == 0) bytes = 1;
  count(&thread->records, -block_bytes((int64_t) bytes));
  give(thread, at, (int64_t) bytes);
}

/* -- counts -------------------------------------------------------------------------------------------------------- */

static void sum_threads(int64_t *blocks, int64_t *records) {
  pthread_mutex_lock(&lock);
  *blocks = past_blocks;
  *records = past_records;
  for (local *thread = threads; thread; thread = thread->next) {
    *blocks += atomic_load_explicit(&thread->blocks, memory_order_relaxed);
    *records += atomic_load_explicit(&thread->records, memory_order_relaxed);
  }
  pthread_mutex_unlock(&lock);
}

int64_t tch_memory_used(void) { return atomic_load_explicit(&used, memory_order_relaxed); }

int64_t tch_memory_peak(void) { return atomic_load_explicit(&peak, memory_order_relaxed); }

int64_t tch_memory_cached(void) {
  int64_t blocks, records;
  sum_threads(&blocks, &records);
  return atomic_load(&held) - blocks - records;
}

int64_t tch_memory_records(void) {
  int64_t blocks, records;
  sum_threads(&blocks, &records);
  return records;
}

void tch_memory_fail_after(int64_t n) { atomic_store(&fail_after, n > 0 ? n : 0); }
