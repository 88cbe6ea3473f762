/* A list per storage, without a lock: who looks at it takes it away as a whole and puts it back. Who finds it gone makes his
 * own; of two lists that come back, one is dropped. */
#include "core/kept.h"
#include "core/dtype.h"
#include "core/memory.h"
#include <string.h>

enum { TIMES = 8 }; /* a storage's own size that it keeps at most */

void tch_kept_release(tch_kept *k) {
  if (k == NULL || atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) != 1) return;
  tch_free(k->copy, k->bytes);
  tch_free(k->made, k->made_bytes);
  tch_record_free(k, sizeof *k);
}

static void drop(tch_kept *list) {
  while (list) {
    tch_kept *next = list->next;
    tch_kept_release(list);
    list = next;
  }
}

void tch_kept_drop(tch_storage *s) { drop(atomic_exchange(&s->kept, NULL)); }

static void put_back(tch_storage *s, tch_kept *list) {
  tch_kept *none = NULL;
  if (list && !atomic_compare_exchange_strong(&s->kept, &none, list)) drop(list);
}

static int64_t place_of(const tch_storage *s, const void *data) { return (const char *) data - (const char *) s->data; }

tch_kept *tch_kept_find(tch_storage *s, const void *maker, const void *data, int64_t bytes, const int64_t size[2]) {
  tch_kept *list = atomic_exchange(&s->kept, NULL), *k = list;
  int64_t place = place_of(s, data);
  while (k && (k->maker != maker || k->place != place || k->bytes != bytes || k->size[0] != size[0] || k->size[1] != size[1]))
    k = k->next;
  if (k) atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
  put_back(s, list);
  if (k == NULL || memcmp(k->copy, data, (size_t) bytes) == 0) return k;
  tch_kept_release(k);
  return NULL;
}

tch_kept *tch_kept_new(tch_storage *s, const void *maker, const void *data, int64_t bytes, const int64_t size[2],
                       int64_t made_bytes) {
  tch_kept *k = tch_record_new(sizeof *k);
  if (k == NULL) return NULL;
  *k = (tch_kept) {.maker = maker, .place = place_of(s, data), .size = {size[0], size[1]}, .bytes = bytes,
                   .made_bytes = made_bytes};
  atomic_init(&k->refs, 1);
  if (tch_alloc(bytes, &k->copy) == TCH_OK && tch_alloc(made_bytes, &k->made) == TCH_OK) {
    memcpy(k->copy, data, (size_t) bytes);
    return k;
  }
  tch_free(k->copy, k->copy ? bytes : 0);
  tch_record_free(k, sizeof *k);
  return NULL;
}

void tch_kept_attach(tch_storage *s, tch_kept *k) {
  tch_kept *list = atomic_exchange(&s->kept, NULL), **at = &list;
  int64_t total = k->bytes + k->made_bytes;
  while (*at) {
    tch_kept *old = *at;
    if (old->maker == k->maker && old->place == k->place) {
      *at = old->next;
      tch_kept_release(old);
    } else {
      total += old->bytes + old->made_bytes;
      at = &old->next;
    }
  }
  if (total > TIMES * s->count * tch_dtype_bytes(s->type)) {
    drop(list);
    list = NULL;
  }
  k->next = list;
  atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
  put_back(s, k);
}
