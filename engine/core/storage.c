/* Storage: life, size, and the record of writes. */
#include "core/storage.h"
#include "core/dtype.h"
#include "core/error.h"
#include "core/kept.h"
#include "core/memory.h"
#include <string.h>

struct tch_write {
  int64_t begin, end;
  uint64_t version;
};

static tch_status byte_count(tch_dtype type, int64_t count, int64_t *bytes) {
  if ((unsigned) type >= TCH_DTYPE_COUNT) return tch_fail(TCH_ERROR_TYPE, "storage: there is no data type %d", (int) type);
  if (count < 0 || __builtin_mul_overflow(count, tch_dtype_bytes(type), bytes))
    return tch_fail(TCH_ERROR_VALUE, "storage: %lld elements are not possible", (long long) count);
  return TCH_OK;
}

tch_status tch_storage_over(tch_dtype type, int64_t count, void *data, void (*drop)(void *owner), void *owner,
                            tch_storage **out) {
  int64_t bytes = 0;
  TCH_TRY(byte_count(type, count, &bytes));
  tch_storage *s = tch_record_new(sizeof *s);
  if (s == NULL) return TCH_ERROR_MEMORY;
  *s = (tch_storage) {.type = type, .count = count, .data = data, .foreign = true, .drop = drop, .owner = owner};
  atomic_init(&s->refs, 1);
  *out = s;
  return TCH_OK;
}

tch_status tch_storage_at(tch_dtype type, int64_t count, void *address, tch_storage **out) {
  if (count > 0 && (uintptr_t) address < 4096)
    return tch_fail(TCH_ERROR_VALUE, "storage: there is no memory at address %llu", (unsigned long long) (uintptr_t) address);
  return tch_storage_over(type, count, address, NULL, NULL, out);
}

tch_status tch_storage_view(tch_storage *s, tch_dtype type, int64_t offset, int64_t count, tch_storage **out) {
  int64_t bytes = 0, whole = s->count * tch_dtype_bytes(s->type);
  TCH_TRY(byte_count(type, count, &bytes));
  if (offset < 0 || offset > whole || bytes > whole - offset)
    return tch_fail(TCH_ERROR_VALUE, "storage: %lld bytes from byte %lld on do not lie in a storage of %lld bytes",
                    (long long) bytes, (long long) offset, (long long) whole);
  if (((uintptr_t) s->data + (uintptr_t) offset) % (uintptr_t) tch_dtype_bytes(type) != 0)
    return tch_fail(TCH_ERROR_VALUE, "storage: byte %lld of the storage is no place for a %s", (long long) offset,
                    tch_dtype_name(type));
  tch_storage *base = s->base ? s->base : s;
  TCH_TRY(tch_storage_over(type, count, (char *) s->data + offset, NULL, NULL, out));
  (*out)->base = base;
  (*out)->tracked = true; /* the base decides */
  tch_storage_retain(base);
  atomic_fetch_add_explicit(&base->views, 1, memory_order_relaxed);
  return TCH_OK;
}

tch_status tch_storage_new(tch_dtype type, int64_t count, tch_storage **out) {
  int64_t bytes = 0;
  TCH_TRY(byte_count(type, count, &bytes));
  tch_storage *s = tch_record_new(sizeof *s);
  if (s == NULL) return TCH_ERROR_MEMORY;
  void *data = NULL;
  tch_status status = tch_alloc(bytes, &data);
  if (status != TCH_OK) {
    tch_record_free(s, sizeof *s);
    return status;
  }
  *s = (tch_storage) {.type = type, .count = count, .data = data};
  atomic_init(&s->refs, 1);
  *out = s;
  return TCH_OK;
}

void tch_storage_retain(tch_storage *s) { atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed); }

void tch_storage_release(tch_storage *s) {
  if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
  tch_kept_drop(s);
  if (!s->foreign) tch_free(s->data, s->count * tch_dtype_bytes(s->type));
  if (s->drop) s->drop(s->owner);
  if (s->base) {
    atomic_fetch_sub_explicit(&s->base->views, 1, memory_order_relaxed);
    tch_storage_release(s->base);
  }
  if (s->writes) tch_record_free(s->writes, sizeof(tch_write) * (size_t) s->capacity);
  tch_record_free(s, sizeof *s);
}

tch_status tch_storage_resize(tch_storage *s, int64_t count) {
  int64_t bytes = 0, old = s->count * tch_dtype_bytes(s->type);
  TCH_TRY(byte_count(s->type, count, &bytes));
  if (count == s->count) return TCH_OK;
  if (s->foreign)
    return tch_fail(TCH_ERROR_STATE, "a storage on memory that is not its own (a file, or a part of another storage) cannot be "
                    "resized from %lld to %lld elements", (long long) s->count, (long long) count);
  if (s->crosses)
    return tch_fail(TCH_ERROR_STATE, "a storage that several threads share cannot be resized from %lld to %lld elements (resize a "
                    "copy)", (long long) s->count, (long long) count);
  if (atomic_load_explicit(&s->views, memory_order_relaxed) > 0)
    return tch_fail(TCH_ERROR_STATE, "the storage cannot be resized while another storage is a view of it");
  void *data = NULL;
  TCH_TRY(tch_alloc(bytes, &data));
  if (bytes > 0 && old > 0) memcpy(data, s->data, (size_t) (bytes < old ? bytes : old));
  tch_storage_wrote(s, 0, s->count > count ? s->count : count);
  tch_kept_drop(s);
  tch_free(s->data, old);
  s->data = data;
  s->count = count;
  return TCH_OK;
}

void tch_storage_cross(tch_storage *s) {
  atomic_store(&s->crosses, true);
  if (s->base) atomic_store(&s->base->crosses, true);
}

int64_t tch_storage_count(const tch_storage *s) { return s->count; }
tch_dtype tch_storage_dtype(const tch_storage *s) { return s->type; }
void *tch_storage_data(tch_storage *s) { return s->data; }

/* -- writes ----------------------------------------------------------------------------------------------------- */

bool tch_storage_meet(const tch_storage *s, int64_t a, int64_t b, const tch_storage *t, int64_t c, int64_t d) {
  if (s == t) return a < d && c < b;
  if (!s->foreign && !t->foreign) return false;
  int64_t m = tch_dtype_bytes(s->type), n = tch_dtype_bytes(t->type);
  const char *x = s->data, *y = t->data;
  return x + a * m < y + d * n && y + c * n < x + b * m;
}

/* The base's elements behind elements [*begin, *end) of a view. */
static const tch_storage *based(const tch_storage *s, int64_t *begin, int64_t *end) {
  if (s->base == NULL) return s;
  int64_t shift = (const char *) s->data - (const char *) s->base->data, own = tch_dtype_bytes(s->type);
  int64_t bytes = tch_dtype_bytes(s->base->type);
  *begin = (shift + *begin * own) / bytes;
  *end = (shift + *end * own + bytes - 1) / bytes;
  return s->base;
}

uint64_t tch_storage_track(tch_storage *s) {
  if (s->base) s = s->base;
  if (!s->crosses) s->tracked = true;
  return s->version;
}

uint64_t tch_storage_version(const tch_storage *s, int64_t begin, int64_t end) {
  s = based(s, &begin, &end);
  uint64_t version = s->everywhere;
  for (int i = 0; i < s->nwrites; i++) {
    const tch_write *w = &s->writes[i];
    if (w->begin < end && begin < w->end && w->version > version) version = w->version;
  }
  return version;
}

static bool reserve(tch_storage *s, int n) {
  if (n <= s->capacity) return true;
  int capacity = s->capacity ? 2 * s->capacity : 4;
  while (capacity < n) capacity *= 2;
  tch_write *writes = tch_record_new(sizeof *writes * (size_t) capacity);
  if (writes == NULL) return false;
  if (s->nwrites) memcpy(writes, s->writes, sizeof *writes * (size_t) s->nwrites);
  if (s->writes) tch_record_free(s->writes, sizeof *writes * (size_t) s->capacity);
  s->writes = writes;
  s->capacity = capacity;
  return true;
}

void tch_storage_wrote(tch_storage *s, int64_t begin, int64_t end) {
  s = (tch_storage *) based(s, &begin, &end);
  if (!s->tracked || s->crosses || begin >= end) return;
  uint64_t version = ++s->version;
  /* Ranges [first, last) touch the new one; what sticks out of them on either side keeps its own version. */
  int first = 0, last;
  while (first < s->nwrites && s->writes[first].end <= begin) first++;
  for (last = first; last < s->nwrites && s->writes[last].begin < end;) last++;
  tch_write piece[3];
  int n = 0;
  if (first < last && s->writes[first].begin < begin)
    piece[n++] = (tch_write) {s->writes[first].begin, begin, s->writes[first].version};
  piece[n++] = (tch_write) {begin, end, version};
  if (first < last && s->writes[last - 1].end > end)
    piece[n++] = (tch_write) {end, s->writes[last - 1].end, s->writes[last - 1].version};
  int total = s->nwrites - (last - first) + n;
  if (!reserve(s, total)) {
    s->everywhere = version;
    return;
  }
  memmove(s->writes + first + n, s->writes + last, sizeof *s->writes * (size_t) (s->nwrites - last));
  memcpy(s->writes + first, piece, sizeof *piece * (size_t) n);
  s->nwrites = total;
}
