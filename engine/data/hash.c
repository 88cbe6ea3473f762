/* tds.Hash: values by key. Entries lie in the order in which they came; a table of open addresses (Knuth, The Art of Computer
 * Programming 3, 6.4, algorithm L) finds them. A removed entry stays, without a value, until the table is made anew. */
#include "data/shared.h"
#include <string.h>

typedef struct entry {
  tch_value key, value; /* value TCH_NIL: removed */
  uint64_t code;
} entry;

struct tch_hash {
  tch_shared shared;
  int64_t count;          /* of pairs */
  int64_t used, capacity; /* of entries */
  entry *entries;
  uint32_t *table; /* number of the entry + 1, 0: free; 2 * capacity of them, a power of two */
};

static void free_arrays(entry *entries, uint32_t *table, int64_t capacity) {
  tch_free(entries, capacity * (int64_t) sizeof *entries);
  tch_free(table, 2 * capacity * (int64_t) sizeof *table);
}

static void drop(tch_shared *s) {
  tch_hash *h = (tch_hash *) s;
  for (int64_t i = 0; i < h->used; i++) {
    tch_value_drop(h->entries[i].key);
    tch_value_drop(h->entries[i].value);
  }
  free_arrays(h->entries, h->table, h->capacity);
}

tch_status tch_hash_new(tch_hash **out) {
  *out = tch_shared_new(TCH_HASH, sizeof **out, drop);
  return *out ? TCH_OK : TCH_ERROR_MEMORY;
}

/* -- finding ------------------------------------------------------------------------------------------------------- */

/* A key as the caller gives it. */
typedef struct key {
  tch_kind kind;
  double number;
  const void *object; /* of a string: its bytes */
  int64_t bytes;
  uint64_t code;
} key;

static uint64_t mixed(uint64_t x) { /* the end of MurmurHash3 */
  x = (x ^ x >> 33) * UINT64_C(0xff51afd7ed558ccd);
  x = (x ^ x >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
  return x ^ x >> 33;
}

static uint64_t code_of(const key *k) {
  uint64_t bits = 0;
  if (k->kind == TCH_STRING) { /* FNV-1a */
    const unsigned char *data = k->object;
    bits = UINT64_C(0xcbf29ce484222325);
    for (int64_t i = 0; i < k->bytes; i++) bits = (bits ^ data[i]) * UINT64_C(0x100000001b3);
  } else if (k->kind < TCH_STRING) {
    double number = k->number + 0.; /* -0 is 0 */
    memcpy(&bits, &number, sizeof bits);
  } else bits = (uint64_t) (uintptr_t) k->object;
  return mixed(bits + (uint64_t) k->kind);
}

static tch_status make_key(tch_kind kind, double number, const void *object, int64_t bytes, key *out) {
  if (kind == TCH_NIL || (kind == TCH_NUMBER && number != number))
    return tch_fail(TCH_ERROR_VALUE, "a key of a Hash cannot be %s", kind == TCH_NIL ? "nil" : "NaN");
  *out = (key) {kind, number, object, bytes, 0};
  out->code = code_of(out);
  return TCH_OK;
}

static bool same(const entry *e, const key *k) {
  if (e->code != k->code || e->key.kind != k->kind) return false;
  if (k->kind < TCH_STRING) return e->key.number == k->number;
  if (k->kind > TCH_STRING) return e->key.object == k->object;
  const tch_text *text = e->key.object;
  return text->bytes == k->bytes && memcmp(text->data, k->object, (size_t) k->bytes) == 0;
}

/* The entry of the key, removed ones too, or -1. */
static int64_t find(const tch_hash *h, const key *k) {
  if (h->capacity == 0) return -1;
  uint64_t mask = (uint64_t) (2 * h->capacity) - 1;
  for (uint64_t i = k->code & mask; h->table[i]; i = (i + 1) & mask)
    if (same(&h->entries[h->table[i] - 1], k)) return h->table[i] - 1;
  return -1;
}

static void place(uint32_t *table, int64_t capacity, uint64_t code, int64_t number) {
  uint64_t mask = (uint64_t) (2 * capacity) - 1, i = code & mask;
  while (table[i]) i = (i + 1) & mask;
  table[i] = (uint32_t) number + 1;
}

/* Room for one more entry. Removed ones go. */
static tch_status make_room(tch_hash *h) {
  if (h->used < h->capacity) return TCH_OK;
  int64_t capacity = 8, used = 0;
  while (capacity < h->count + h->count / 2 + 1) capacity *= 2;
  if (capacity > INT32_MAX) return tch_fail(TCH_ERROR_VALUE, "a Hash cannot have more than %lld pairs", (long long) h->count);
  void *entries, *table;
  TCH_TRY(tch_alloc(capacity * (int64_t) sizeof(entry), &entries));
  tch_status status = tch_alloc(2 * capacity * (int64_t) sizeof(uint32_t), &table);
  if (status != TCH_OK) {
    tch_free(entries, capacity * (int64_t) sizeof(entry));
    return status;
  }
  memset(table, 0, (size_t) (2 * capacity) * sizeof(uint32_t));
  for (int64_t i = 0; i < h->used; i++) {
    const entry *e = &h->entries[i];
    if (e->value.kind == TCH_NIL) {
      tch_value_drop(e->key);
      continue;
    }
    ((entry *) entries)[used] = *e;
    place(table, capacity, e->code, used++);
  }
  free_arrays(h->entries, h->table, h->capacity);
  h->entries = entries;
  h->table = table;
  h->capacity = capacity;
  h->used = used;
  return TCH_OK;
}

/* -- what callers do ----------------------------------------------------------------------------------------------- */

int64_t tch_hash_count(tch_hash *h) {
  pthread_mutex_lock(&h->shared.lock);
  int64_t count = h->count;
  pthread_mutex_unlock(&h->shared.lock);
  return count;
}

tch_status tch_hash_get(tch_hash *h, tch_kind *kind, double *number, void **object, int64_t *bytes) {
  key k;
  TCH_TRY(make_key(*kind, *number, *object, *bytes, &k));
  *kind = TCH_NIL;
  pthread_mutex_lock(&h->shared.lock);
  int64_t at = find(h, &k);
  tch_status status = TCH_OK;
  if (at >= 0) status = tch_value_give(h->entries[at].value, h->shared.crosses, kind, number, object, bytes);
  pthread_mutex_unlock(&h->shared.lock);
  return status;
}

/* Under the lock: the value goes in, and what was there comes out. Of a new key the hash takes a reference of its own. */
static tch_status put(tch_hash *h, const key *k, tch_value value, bool crosses, tch_value *old) {
  int64_t at = find(h, k);
  if (at < 0) {
    if (value.kind == TCH_NIL) return TCH_OK;
    tch_value own;
    TCH_TRY(make_room(h));
    TCH_TRY(tch_value_take(k->kind, k->number, k->object, k->bytes, false, &own));
    if (crosses && k->kind > TCH_STORAGE) { /* tensors stay what they are: keys are told apart by address */
      tch_status status = tch_value_cross(&own, 0);
      if (status != TCH_OK) {
        tch_value_drop(own);
        return status;
      }
    }
    at = h->used++;
    h->entries[at] = (entry) {.key = own, .value = {.kind = TCH_NIL}, .code = k->code};
    place(h->table, h->capacity, k->code, at);
  }
  *old = h->entries[at].value;
  h->entries[at].value = value;
  h->count += (value.kind != TCH_NIL) - (old->kind != TCH_NIL);
  return TCH_OK;
}

tch_status tch_hash_put(tch_hash *h, const tch_kind *kind, const double *number, void *const *object, const int64_t *bytes) {
  key k;
  tch_value value, old = {.kind = TCH_NIL};
  if (object[0] == h || object[1] == h) return tch_fail(TCH_ERROR_VALUE, "a Hash cannot hold itself");
  bool crosses = atomic_load(&h->shared.crosses);
  TCH_TRY(make_key(kind[0], number[0], object[0], bytes[0], &k));
  TCH_TRY(tch_value_take(kind[1], number[1], object[1], bytes[1], crosses, &value));
  pthread_mutex_lock(&h->shared.lock);
  tch_status status = put(h, &k, value, crosses, &old);
  pthread_mutex_unlock(&h->shared.lock);
  tch_value_drop(status == TCH_OK ? old : value);
  return status;
}

tch_status tch_hash_next(tch_hash *h, int64_t *at, tch_kind *kind, double *number, void **object, int64_t *bytes) {
  tch_status status = TCH_OK;
  bool crosses = atomic_load(&h->shared.crosses);
  kind[0] = TCH_NIL;
  pthread_mutex_lock(&h->shared.lock);
  while (*at >= 0 && *at < h->used && h->entries[*at].value.kind == TCH_NIL) ++*at;
  if (*at >= 0 && *at < h->used) {
    const entry *e = &h->entries[(*at)++];
    status = tch_value_give(e->value, crosses, &kind[1], &number[1], &object[1], &bytes[1]);
    if (status == TCH_OK) {
      status = tch_value_give(e->key, crosses, &kind[0], &number[0], &object[0], &bytes[0]);
      if (status != TCH_OK && kind[1] >= TCH_STRING) tch_value_drop((tch_value) {.kind = kind[1], .object = object[1]});
    }
  }
  pthread_mutex_unlock(&h->shared.lock);
  return status;
}

tch_status tch_hash_cross(tch_hash *h, int depth) {
  if (atomic_load(&h->shared.crosses)) return TCH_OK;
  if (depth > TCH_DEEPEST) return tch_fail(TCH_ERROR_VALUE, "collections are nested more than %d deep", TCH_DEEPEST);
  atomic_store(&h->shared.crosses, true);
  for (int64_t i = 0; i < h->used; i++) {
    if (h->entries[i].key.kind > TCH_STORAGE) TCH_TRY(tch_value_cross(&h->entries[i].key, depth));
    TCH_TRY(tch_value_cross(&h->entries[i].value, depth));
  }
  return TCH_OK;
}

/* -- crossing ------------------------------------------------------------------------------------------------------ */

tch_status tch_shared_cross(void *object) {
  tch_value value = {.kind = ((tch_shared *) object)->kind, .object = object};
  return tch_value_cross(&value, -1);
}
