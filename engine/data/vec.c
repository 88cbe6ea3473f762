/* tds.Vec: values by number, in a row. */
#include "data/shared.h"
#include <string.h>

struct tch_vec {
  tch_shared shared;
  int64_t count, capacity;
  tch_value *values;
};

static const int64_t MOST = INT64_C(1) << 31; /* elements of one Vec: an index by mistake is no wish for terabytes */

static void drop(tch_shared *s) {
  tch_vec *v = (tch_vec *) s;
  for (int64_t i = 0; i < v->count; i++) tch_value_drop(v->values[i]);
  tch_free(v->values, v->capacity * (int64_t) sizeof *v->values);
}

tch_status tch_vec_new(tch_vec **out) {
  *out = tch_shared_new(TCH_VEC, sizeof **out, drop);
  return *out ? TCH_OK : TCH_ERROR_MEMORY;
}

static tch_status reserve(tch_vec *v, int64_t n) {
  if (n <= v->capacity) return TCH_OK;
  if (n > MOST) return tch_fail(TCH_ERROR_VALUE, "a Vec cannot have %lld elements", (long long) n);
  int64_t capacity = v->capacity ? 2 * v->capacity : 4;
  if (capacity < n) capacity = n;
  void *values;
  TCH_TRY(tch_alloc(capacity * (int64_t) sizeof *v->values, &values));
  if (v->count) memcpy(values, v->values, (size_t) v->count * sizeof *v->values);
  tch_free(v->values, v->capacity * (int64_t) sizeof *v->values);
  v->values = values;
  v->capacity = capacity;
  return TCH_OK;
}

/* Under the lock; those beyond the old count are nil. */
static tch_status grow(tch_vec *v, int64_t n) {
  TCH_TRY(reserve(v, n));
  for (; v->count < n; v->count++) v->values[v->count] = (tch_value) {.kind = TCH_NIL};
  return TCH_OK;
}

static tch_status take(tch_vec *v, tch_kind kind, double number, const void *object, int64_t bytes, tch_value *out) {
  if (object == v) return tch_fail(TCH_ERROR_VALUE, "a Vec cannot hold itself");
  return tch_value_take(kind, number, object, bytes, atomic_load(&v->shared.crosses), out);
}

int64_t tch_vec_count(tch_vec *v) {
  pthread_mutex_lock(&v->shared.lock);
  int64_t count = v->count;
  pthread_mutex_unlock(&v->shared.lock);
  return count;
}

tch_status tch_vec_get(tch_vec *v, int64_t i, tch_kind *kind, double *number, void **object, int64_t *bytes) {
  tch_status status = TCH_OK;
  *kind = TCH_NIL;
  pthread_mutex_lock(&v->shared.lock);
  if (i >= 0 && i < v->count) status = tch_value_give(v->values[i], v->shared.crosses, kind, number, object, bytes);
  pthread_mutex_unlock(&v->shared.lock);
  return status;
}

tch_status tch_vec_put(tch_vec *v, int64_t i, tch_kind kind, double number, const void *object, int64_t bytes) {
  tch_value value, old = {.kind = TCH_NIL};
  TCH_TRY(take(v, kind, number, object, bytes, &value));
  pthread_mutex_lock(&v->shared.lock);
  tch_status status = i < 0 ? tch_fail(TCH_ERROR_VALUE, "an index of a Vec begins at 1") : i < v->count ? TCH_OK : grow(v, i + 1);
  if (status == TCH_OK) {
    old = v->values[i];
    v->values[i] = value;
  }
  pthread_mutex_unlock(&v->shared.lock);
  tch_value_drop(status == TCH_OK ? old : value);
  return status;
}

tch_status tch_vec_insert(tch_vec *v, int64_t i, tch_kind kind, double number, const void *object, int64_t bytes) {
  tch_value value;
  TCH_TRY(take(v, kind, number, object, bytes, &value));
  pthread_mutex_lock(&v->shared.lock);
  if (i < 0 || i > v->count) i = v->count;
  tch_status status = grow(v, v->count + 1);
  if (status == TCH_OK) {
    memmove(v->values + i + 1, v->values + i, (size_t) (v->count - 1 - i) * sizeof *v->values);
    v->values[i] = value;
  }
  pthread_mutex_unlock(&v->shared.lock);
  if (status != TCH_OK) tch_value_drop(value);
  return status;
}

void tch_vec_remove(tch_vec *v, int64_t i) {
  tch_value old = {.kind = TCH_NIL};
  pthread_mutex_lock(&v->shared.lock);
  if (i >= 0 && i < v->count) {
    old = v->values[i];
    v->count--;
    memmove(v->values + i, v->values + i + 1, (size_t) (v->count - i) * sizeof *v->values);
  }
  pthread_mutex_unlock(&v->shared.lock);
  tch_value_drop(old);
}

tch_status tch_vec_resize(tch_vec *v, int64_t n) {
  if (n < 0) return tch_fail(TCH_ERROR_VALUE, "a Vec cannot have %lld elements", (long long) n);
  tch_status status = TCH_OK;
  for (bool done = false; !done;) {
    tch_value old = {.kind = TCH_NIL};
    pthread_mutex_lock(&v->shared.lock);
    if (n < v->count) old = v->values[--v->count];
    else {
      status = grow(v, n);
      done = true;
    }
    pthread_mutex_unlock(&v->shared.lock);
    tch_value_drop(old);
  }
  return status;
}

void tch_vec_swap(tch_vec *v, int64_t i, int64_t j) {
  pthread_mutex_lock(&v->shared.lock);
  if (i >= 0 && j >= 0 && i < v->count && j < v->count) {
    tch_value value = v->values[i];
    v->values[i] = v->values[j];
    v->values[j] = value;
  }
  pthread_mutex_unlock(&v->shared.lock);
}

/* Until it crosses one state has it. */
tch_status tch_vec_cross(tch_vec *v, int depth) {
  if (atomic_load(&v->shared.crosses)) return TCH_OK;
  if (depth > TCH_DEEPEST) return tch_fail(TCH_ERROR_VALUE, "collections are nested more than %d deep", TCH_DEEPEST);
  atomic_store(&v->shared.crosses, true);
  for (int64_t i = 0; i < v->count; i++) TCH_TRY(tch_value_cross(&v->values[i], depth));
  return TCH_OK;
}
