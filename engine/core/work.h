/* Counts what is computed while somebody watches: arithmetic of products, and bytes that calls read and write. Only the
 * outermost call of a thread counts; what it calls to do its work is a part of it. */
#ifndef TCH_CORE_WORK_H
#define TCH_CORE_WORK_H
#include "tocha.h"
#include <stdatomic.h>

extern atomic_int tch_work_watchers;

static inline bool tch_work_counts(void) { return atomic_load_explicit(&tch_work_watchers, memory_order_relaxed) > 0; }
/* Around a call that counts as a whole. */
void tch_work_enter(void);
void tch_work_leave(double operations, double bytes);
/* A transfer of `bytes` outside such a call. */
void tch_work_moved(double bytes);
#endif
