/* Large blocks: stretches of address space from the system, cut to size and joined again. memory.c calls these under its
 * lock. */
#ifndef TCH_CORE_EXTENT_H
#define TCH_CORE_EXTENT_H
#include <stdbool.h>
#include <stdint.h>

/* What a request of so many bytes takes. */
int64_t tch_extent_bytes(int64_t bytes);

/* A stretch of tch_extent_bytes(bytes) from the free ones; NULL: none is long enough. */
void *tch_extent_take(int64_t bytes);

/* Makes a stretch free, one that was taken or a new one. False: it could not be noted, and the caller must unmap it. */
bool tch_extent_give(void *at, int64_t bytes);

/* A new stretch from the system, NULL: refused; and one that goes back. */
void *tch_extent_map(int64_t bytes);
void tch_extent_unmap(void *at, int64_t bytes);

/* Unmaps free stretches, long ones first, until `bytes` are given back or none is left. Returns how many were. */
int64_t tch_extent_evict(int64_t bytes);
#endif
