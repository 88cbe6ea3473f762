/* Life of what Lua states share, its register, elements of collections, and what threads wait for. */
#define _GNU_SOURCE
#include "data/shared.h"
#include "core/storage.h"
#include "core/tensor.h"
#include <errno.h>
#include <string.h>

/* -- life ---------------------------------------------------------------------------------------------------------- */

static pthread_mutex_t register_lock = PTHREAD_MUTEX_INITIALIZER;
static tch_shared *registered; /* those with an id */
static int64_t last_id;

void *tch_shared_new(tch_kind kind, size_t bytes, void (*drop)(tch_shared *)) {
  tch_shared *s = tch_record_new(bytes);
  if (!s) return NULL;
  memset(s, 0, bytes);
  s->kind = kind;
  s->bytes = bytes;
  s->drop = drop;
  atomic_init(&s->refs, 1);
  pthread_mutex_init(&s->lock, NULL);
  return s;
}

void tch_shared_retain(void *object) { atomic_fetch_add_explicit(&((tch_shared *) object)->refs, 1, memory_order_relaxed); }

static void forget(tch_shared *s) {
  pthread_mutex_lock(&register_lock);
  for (tch_shared **at = &registered; s->id && *at; at = &(*at)->next)
    if (*at == s) {
      *at = s->next;
      break;
    }
  pthread_mutex_unlock(&register_lock);
}

/* Collections hold collections: the outermost call works off those that die, so that a long chain needs no stack. */
void tch_shared_release(void *object) {
  static _Thread_local tch_shared *waiting;
  static _Thread_local bool working;
  tch_shared *s = object;
  if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
  forget(s);
  s->next = waiting;
  waiting = s;
  if (working) return;
  working = true;
  while ((s = waiting)) {
    waiting = s->next;
    if (s->drop) s->drop(s);
    pthread_mutex_destroy(&s->lock);
    tch_record_free(s, s->bytes);
  }
  working = false;
}

int64_t tch_shared_id(void *object) {
  tch_shared *s = object;
  pthread_mutex_lock(&register_lock);
  if (s->id == 0) {
    s->id = ++last_id;
    s->next = registered;
    registered = s;
  }
  pthread_mutex_unlock(&register_lock);
  return s->id;
}

tch_status tch_shared_find(int64_t id, tch_kind kind, void **out) {
  tch_shared *s;
  pthread_mutex_lock(&register_lock);
  for (s = registered; s && (s->id != id || s->kind != kind); s = s->next) {}
  int refs = s ? atomic_load(&s->refs) : 0;
  while (refs > 0 && !atomic_compare_exchange_weak(&s->refs, &refs, refs + 1)) {}
  pthread_mutex_unlock(&register_lock);
  if (refs == 0) return tch_fail(TCH_ERROR_VALUE, "nothing of this kind has the id %lld (any more)", (long long) id);
  *out = s;
  return TCH_OK;
}

/* -- elements ------------------------------------------------------------------------------------------------------ */

static tch_status new_text(const char *data, int64_t bytes, tch_text **out) {
  tch_text *t = tch_record_new(sizeof *t + (size_t) bytes);
  if (!t) return TCH_ERROR_MEMORY;
  atomic_init(&t->refs, 1);
  t->bytes = bytes;
  if (bytes) memcpy(t->data, data, (size_t) bytes);
  *out = t;
  return TCH_OK;
}

const char *tch_text_data(const tch_text *t) { return t->data; }
void tch_text_release(tch_text *t) {
  if (atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) == 1) tch_record_free(t, sizeof *t + (size_t) t->bytes);
}

tch_status tch_value_cross(tch_value *value, int depth) {
  if (value->kind == TCH_TENSOR) {
    tch_tensor *t = value->object, *view;
    TCH_TRY(tch_tensor_alias(t, &view));
    if (view->storage) tch_storage_cross(view->storage);
    tch_tensor_release(t);
    value->object = view;
  } else if (value->kind == TCH_STORAGE) tch_storage_cross(value->object);
  else if (value->kind == TCH_VEC) return tch_vec_cross(value->object, depth + 1);
  else if (value->kind == TCH_HASH) return tch_hash_cross(value->object, depth + 1);
  else if (value->kind > TCH_HASH) atomic_store(&((tch_shared *) value->object)->crosses, true);
  return TCH_OK;
}

tch_status tch_value_take(tch_kind kind, double number, const void *object, int64_t bytes, bool crosses, tch_value *out) {
  tch_value value = {.kind = kind, .number = number};
  if (kind == TCH_STRING) {
    tch_text *text;
    TCH_TRY(new_text(object, bytes, &text));
    value.object = text;
  } else if (kind > TCH_STRING) {
    value.object = (void *) object;
    if (kind == TCH_TENSOR) tch_tensor_retain(value.object);
    else if (kind == TCH_STORAGE) tch_storage_retain(value.object);
    else tch_shared_retain(value.object);
    tch_status status = crosses ? tch_value_cross(&value, 0) : TCH_OK;
    if (status != TCH_OK) {
      tch_value_drop(value);
      return status;
    }
  }
  *out = value;
  return TCH_OK;
}

void tch_value_drop(tch_value value) {
  if (value.kind == TCH_STRING) tch_text_release(value.object);
  else if (value.kind == TCH_TENSOR) tch_tensor_release(value.object);
  else if (value.kind == TCH_STORAGE) tch_storage_release(value.object);
  else if (value.kind > TCH_STORAGE) tch_shared_release(value.object);
}

tch_status tch_value_give(tch_value value, bool crosses, tch_kind *kind, double *number, void **object, int64_t *bytes) {
  *kind = value.kind;
  if (value.kind < TCH_STRING) {
    *number = value.number;
    return TCH_OK;
  }
  if (value.kind == TCH_TENSOR && crosses) {
    tch_tensor *view;
    TCH_TRY(tch_tensor_alias(value.object, &view));
    *object = view;
    return TCH_OK;
  }
  *object = value.object;
  if (value.kind == TCH_STRING) {
    tch_text *text = value.object;
    atomic_fetch_add_explicit(&text->refs, 1, memory_order_relaxed);
    *bytes = text->bytes;
  } else if (value.kind == TCH_TENSOR) tch_tensor_retain(value.object);
  else if (value.kind == TCH_STORAGE) tch_storage_retain(value.object);
  else tch_shared_retain(value.object);
  return TCH_OK;
}

/* -- counter ------------------------------------------------------------------------------------------------------- */

struct tch_counter {
  tch_shared shared;
  atomic_llong value;
};

tch_status tch_counter_new(tch_counter **out) {
  *out = tch_shared_new(TCH_COUNTER, sizeof **out, NULL);
  return *out ? TCH_OK : TCH_ERROR_MEMORY;
}

int64_t tch_counter_add(tch_counter *c, int64_t n) { return atomic_fetch_add(&c->value, n); }
int64_t tch_counter_get(tch_counter *c) { return atomic_load(&c->value); }
void tch_counter_set(tch_counter *c, int64_t value) { atomic_store(&c->value, value); }

/* -- mutex and condition ------------------------------------------------------------------------------------------- */

struct tch_mutex {
  tch_shared shared;
  pthread_mutex_t mutex; /* tells misuse */
};
struct tch_condition {
  tch_shared shared;
  pthread_cond_t condition;
};

static void drop_mutex(tch_shared *s) { pthread_mutex_destroy(&((tch_mutex *) s)->mutex); }
static void drop_condition(tch_shared *s) { pthread_cond_destroy(&((tch_condition *) s)->condition); }

tch_status tch_mutex_new(tch_mutex **out) {
  tch_mutex *m = tch_shared_new(TCH_MUTEX, sizeof *m, drop_mutex);
  if (!m) return TCH_ERROR_MEMORY;
  pthread_mutexattr_t kind;
  pthread_mutexattr_init(&kind);
  pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_init(&m->mutex, &kind);
  pthread_mutexattr_destroy(&kind);
  *out = m;
  return TCH_OK;
}

tch_status tch_mutex_lock(tch_mutex *m) {
  int why = pthread_mutex_lock(&m->mutex);
  if (why == 0) return TCH_OK;
  return tch_fail(TCH_ERROR_STATE, "lock: %s", why == EDEADLK ? "this thread holds the mutex already" : strerror(why));
}

tch_status tch_mutex_unlock(tch_mutex *m) {
  if (pthread_mutex_unlock(&m->mutex) == 0) return TCH_OK;
  return tch_fail(TCH_ERROR_STATE, "unlock: this thread does not hold the mutex");
}

tch_status tch_condition_new(tch_condition **out) {
  tch_condition *c = tch_shared_new(TCH_CONDITION, sizeof *c, drop_condition);
  if (!c) return TCH_ERROR_MEMORY;
  pthread_cond_init(&c->condition, NULL);
  *out = c;
  return TCH_OK;
}

tch_status tch_condition_wait(tch_condition *c, tch_mutex *m) {
  if (pthread_cond_wait(&c->condition, &m->mutex) == 0) return TCH_OK;
  return tch_fail(TCH_ERROR_STATE, "wait: this thread does not hold the mutex");
}

void tch_condition_signal(tch_condition *c) { pthread_cond_signal(&c->condition); }
void tch_condition_broadcast(tch_condition *c) { pthread_cond_broadcast(&c->condition); }
