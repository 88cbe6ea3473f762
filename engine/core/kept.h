/* What an op made of numbers in a storage, kept with the storage for the next call that needs it: weights in another layout. A copy
 * of the numbers tells whether they are still the same, so no write is missed, whoever did it and by whatever pointer. */
#ifndef TCH_CORE_KEPT_H
#define TCH_CORE_KEPT_H
#include "core/storage.h"

struct tch_kept {
  atomic_int refs;
  tch_kept *next;
  const void *maker; /* names what was made, and by which kernels */
  int64_t place;     /* of the numbers, in bytes from the storage's beginning */
  int64_t size[2];   /* their shape */
  int64_t bytes, made_bytes;
  void *copy, *made;
};

/* What was kept of `bytes` bytes at data in s and still stands, or NULL; to be released. */
tch_kept *tch_kept_find(tch_storage *s, const void *maker, const void *data, int64_t bytes, const int64_t size[2]);
/* Room for made_bytes at made; NULL without memory. The caller fills it, gives it to tch_kept_attach, and releases it. */
tch_kept *tch_kept_new(tch_storage *s, const void *maker, const void *data, int64_t bytes, const int64_t size[2],
                       int64_t made_bytes);
/* s keeps k, in place of what was made of the same numbers before. One storage keeps up to eight times its own size. */
void tch_kept_attach(tch_storage *s, tch_kept *k);
void tch_kept_release(tch_kept *k); /* NULL is fine */
void tch_kept_drop(tch_storage *s); /* s keeps nothing any more */
#endif
