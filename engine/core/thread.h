/* The one pool of threads. */
#ifndef TCH_CORE_THREAD_H
#define TCH_CORE_THREAD_H
#include "tocha.h"

/* Calls fn(context, begin, end) for [0, n) cut into pieces of `grain` (the last one shorter). The cut depends on n and
 * grain alone, so results that depend only on the piece do not depend on the number of threads. Returns when all are
 * done. One piece, one thread, a call from inside a piece or a busy pool: everything runs inline on the caller. fn must
 * not fail. */
void tch_parallel(int64_t n, int64_t grain, void (*fn)(void *context, int64_t begin, int64_t end), void *context);

/* Of the calling thread: 0 for the host's threads, 1, 2, ... for the pool's. A hint about whose cache holds what: results must not
 * depend on it. */
int tch_thread_number(void);

/* For loops that wait without sleeping. */
static inline void tch_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* Keeps OpenBLAS to one thread: its own pool and ours would spin against each other. To be called on each thread before
 * it uses OpenBLAS; costs nothing the second time. */
void tch_blas_serial(void);
#endif
