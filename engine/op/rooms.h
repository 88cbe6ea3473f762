/* Memory for the pieces of a parallel call: a room for each thread, which a piece takes while it works. A thread prefers the room
 * that it had before, for it is still in its cache. */
#ifndef TCH_OP_ROOMS_H
#define TCH_OP_ROOMS_H
#include "core/thread.h"
#include "op/scratch.h"
#include <stdatomic.h>

typedef struct tch_rooms {
  int count;
  int64_t bytes; /* of a room, a multiple of 64 */
  char *data;
  atomic_bool *taken;
} tch_rooms;

static inline tch_status tch_rooms_make(tch_scratch *s, int64_t bytes, tch_rooms *r) {
  *r = (tch_rooms){.count = tch_threads(), .bytes = (bytes + 63) / 64 * 64};
  TCH_TRY(tch_scratch_take(s, r->count * (int64_t) sizeof *r->taken, &r->taken));
  for (int i = 0; i < r->count; i++) atomic_init(&r->taken[i], false);
  return tch_scratch_take(s, r->count * r->bytes, &r->data);
}

/* Number of a free room, which is taken from now on. */
static inline int tch_rooms_enter(const tch_rooms *r) {
  int room = tch_thread_number() % r->count;
  while (atomic_exchange(&r->taken[room], true)) room = (room + 1) % r->count;
  return room;
}

static inline char *tch_rooms_at(const tch_rooms *r, int room) { return r->data + room * r->bytes; }

static inline void tch_rooms_leave(const tch_rooms *r, int room) { atomic_store(&r->taken[room], false); }
#endif
