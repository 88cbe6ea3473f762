/* Objects that several Lua states may hold: collections, counters, mutexes, conditions. */
#ifndef TCH_DATA_SHARED_H
#define TCH_DATA_SHARED_H
#include "core/error.h"
#include "core/memory.h"
#include <pthread.h>
#include <stdatomic.h>

typedef struct tch_shared {
  tch_kind kind; /* TCH_VEC or one after it */
  atomic_int refs;
  atomic_bool crosses; /* more than one Lua state may reach it */
  int64_t id;          /* by which other states find it; 0: nobody asked. Under the lock of the register */
  size_t bytes;        /* of the record that begins here */
  void (*drop)(struct tch_shared *); /* gives the contents back */
  struct tch_shared *next;           /* in the register; or of those that wait to be destroyed */
  pthread_mutex_t lock;              /* of the contents */
} tch_shared;

/* A record of a kind with one reference and the rest zero. NULL when there is no memory. */
void *tch_shared_new(tch_kind kind, size_t bytes, void (*drop)(tch_shared *));

/* What an element of a collection is. It owns a reference to its object. */
typedef struct tch_value {
  tch_kind kind;
  union {
    double number; /* of a boolean: 0 or 1 */
    void *object;
  };
} tch_value;

/* Checks and copies what a caller gave (number, or object with bytes) for a collection that `crosses` or not: tensors of one that
 * does become views of their own, on storages that cannot be resized from then on. */
tch_status tch_value_take(tch_kind kind, double number, const void *object, int64_t bytes, bool crosses, tch_value *out);
void tch_value_drop(tch_value value);
/* Another reference to the object, for a caller; bytes: of a string. From a collection that crosses every caller gets a view of
 * its own of a tensor: the sizes of one are no business of other threads. */
tch_status tch_value_give(tch_value value, bool crosses, tch_kind *kind, double *number, void **object, int64_t *bytes);
/* Makes an element of a collection that begins to cross fit to be seen from several states. */
tch_status tch_value_cross(tch_value *value, int depth);

/* The bytes of a string, counted and never changed. */
struct tch_text {
  atomic_int refs;
  int64_t bytes;
  char data[];
};

tch_status tch_vec_cross(tch_vec *v, int depth);
tch_status tch_hash_cross(tch_hash *h, int depth);
enum { TCH_DEEPEST = 200 }; /* levels of collections in collections that may cross */
#endif
