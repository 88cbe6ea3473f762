/* Memory of one call, given back together. */
#ifndef TCH_OP_SCRATCH_H
#define TCH_OP_SCRATCH_H
#include "core/error.h"
#include "core/memory.h"
#include <string.h>

typedef struct tch_scratch {
  int n;
  void *block[8];
  int64_t bytes[8];
} tch_scratch;

/* *(void **) out = a new block */
static inline tch_status tch_scratch_take(tch_scratch *s, int64_t bytes, void *out) {
  void *block;
  TCH_TRY(tch_alloc(bytes, &block));
  s->block[s->n] = block;
  s->bytes[s->n++] = bytes;
  memcpy(out, &block, sizeof block);
  return TCH_OK;
}

static inline void tch_scratch_free(tch_scratch *s) {
  while (s->n > 0) s->n--, tch_free(s->block[s->n], s->bytes[s->n]);
}
#endif
