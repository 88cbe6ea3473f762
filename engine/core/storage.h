/* Reference-counted memory of one data type, and the count of writes that the tape checks. */
#ifndef TCH_CORE_STORAGE_H
#define TCH_CORE_STORAGE_H
#include "tocha.h"
#include <stdatomic.h>

typedef struct tch_write tch_write;
typedef struct tch_kept tch_kept;

struct tch_storage {
  atomic_int refs, views; /* views: storages that look into this one */
  tch_dtype type;
  int64_t count; /* elements */
  void *data;    /* NULL when count is 0 */
  /* Memory that is not the storage's own cannot be resized: a part of another storage, which counts the writes, or memory of
   * another owner, told by drop(owner) when the storage goes (NULL: nobody need be told). */
  bool foreign;
  atomic_bool crosses; /* several Lua states reach it: it keeps its size, and writes are not counted */
  tch_storage *base;
  void (*drop)(void *owner);
  void *owner;
  _Atomic(tch_kept *) kept; /* what ops made of the elements (core/kept.h) */
  /* Writes seen since the tape first saved a view of this storage: disjoint ranges, sorted, each with the version of its
   * last write. While nothing was saved, tracked is false and writes cost nothing. */
  bool tracked;
  uint64_t version;    /* of the last write */
  uint64_t everywhere; /* of the last write whose range could not be kept for want of memory: counts for every range */
  int nwrites, capacity;
  tch_write *writes;
};

/* A storage of `count` elements at data, which `owner` keeps. On failure nothing is dropped. */
tch_status tch_storage_over(tch_dtype type, int64_t count, void *data, void (*drop)(void *owner), void *owner,
                            tch_storage **out);
/* Elements [a, b) of s and [c, d) of t share memory. */
bool tch_storage_meet(const tch_storage *s, int64_t a, int64_t b, const tch_storage *t, int64_t c, int64_t d);

/* Notes a write to elements [begin, end). Without memory for the range it counts as a write to everything. */
void tch_storage_wrote(tch_storage *s, int64_t begin, int64_t end);
/* Version of the last write to [begin, end); 0 if there was none since tracking began. */
uint64_t tch_storage_version(const tch_storage *s, int64_t begin, int64_t end);
/* Starts tracking and returns the current version. */
uint64_t tch_storage_track(tch_storage *s);
#endif
