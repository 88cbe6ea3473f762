/* Free stretches of address space, in order of address: a request takes the beginning of the first that is long enough; what
 * comes back joins its neighbours. A training step asks for many sizes, and with size classes each would keep memory of its
 * own. The first that fits wastes less than the best: what stays in use gathers at low addresses. There are few stretches,
 * so a plain array holds them. */
#define _GNU_SOURCE
#include "core/extent.h"
#include "core/poison.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { GRANULE = 1 << 16, HUGE_FROM = 2 << 20 }; /* bytes: a multiple of every page size; large pages wanted */

typedef struct extent {
  char *at;
  int64_t bytes;
} extent;

static extent *list; /* no two touch */
static int count, capacity;

int64_t tch_extent_bytes(int64_t bytes) { return (bytes + GRANULE - 1) / GRANULE * GRANULE; }

/* How many stretches begin before `at`. */
static int place_of(const char *at) {
  int low = 0, high = count;
  while (low < high) {
    int middle = (low + high) / 2;
    if (list[middle].at < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

static void drop(int i) { memmove(&list[i], &list[i + 1], sizeof *list * (size_t) (--count - i)); }

void *tch_extent_take(int64_t bytes) {
  int i = 0;
  bytes = tch_extent_bytes(bytes);
  while (i < count && list[i].bytes < bytes) i++;
  if (i == count) return NULL;
  char *at = list[i].at;
  list[i].at += bytes;
  list[i].bytes -= bytes;
  if (list[i].bytes == 0) drop(i);
  return at;
}

bool tch_extent_give(void *block, int64_t bytes) {
  char *at = block;
  bytes = tch_extent_bytes(bytes);
  int i = place_of(at);
  bool after = i > 0 && list[i - 1].at + list[i - 1].bytes == at, before = i < count && at + bytes == list[i].at;
  if (after) {
    list[i - 1].bytes += bytes;
    if (!before) return true;
    list[i - 1].bytes += list[i].bytes;
    drop(i);
    return true;
  }
  if (before) {
    list[i].at = at;
    list[i].bytes += bytes;
    return true;
  }
  if (count == capacity) {
    int more = capacity ? 2 * capacity : 64;
    extent *longer = realloc(list, sizeof *list * (size_t) more);
    if (!longer) return false;
    list = longer;
    capacity = more;
  }
  memmove(&list[i + 1], &list[i], sizeof *list * (size_t) (count++ - i));
  list[i] = (extent) {at, bytes};
  return true;
}

void *tch_extent_map(int64_t bytes) {
  bytes = tch_extent_bytes(bytes);
  void *at = mmap(NULL, (size_t) bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) return NULL;
#ifdef MADV_HUGEPAGE
  if (bytes >= HUGE_FROM) madvise(at, (size_t) bytes, MADV_HUGEPAGE);
#endif
  return at;
}

void tch_extent_unmap(void *at, int64_t bytes) {
  ASAN_UNPOISON_MEMORY_REGION(at, (size_t) tch_extent_bytes(bytes));
  munmap(at, (size_t) tch_extent_bytes(bytes));
}

int64_t tch_extent_evict(int64_t bytes) {
  int64_t given = 0;
  while (given < bytes && count > 0) {
    int longest = 0;
    for (int i = 1; i < count; i++)
      if (list[i].bytes > list[longest].bytes) longest = i;
    extent *e = &list[longest];
    int64_t part = bytes - given < e->bytes ? tch_extent_bytes(bytes - given) : e->bytes;
    tch_extent_unmap(e->at + e->bytes - part, part);
    given += part;
    e->bytes -= part;
    if (e->bytes == 0) drop(longest);
  }
  return given;
}
