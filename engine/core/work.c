/* The count of operations and bytes. */
#include "core/work.h"

atomic_int tch_work_watchers;
static _Atomic uint64_t total_operations, total_bytes;
static _Thread_local int depth;

void tch_work_watch(bool on) { atomic_fetch_add(&tch_work_watchers, on ? 1 : -1); }

void tch_work_done(double *operations, double *bytes) {
  *operations = (double) atomic_load(&total_operations);
  *bytes = (double) atomic_load(&total_bytes);
}

void tch_work_enter(void) { depth++; }

void tch_work_leave(double operations, double bytes) {
  if (--depth > 0) return;
  atomic_fetch_add(&total_operations, (uint64_t) operations);
  atomic_fetch_add(&total_bytes, (uint64_t) bytes);
}

void tch_work_moved(double bytes) {
  if (tch_work_counts() && depth == 0) atomic_fetch_add(&total_bytes, (uint64_t) bytes);
}
