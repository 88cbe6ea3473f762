/* The one door through which the engine gets memory: caching, counted, with injectable failure. */
#ifndef TCH_CORE_MEMORY_H
#define TCH_CORE_MEMORY_H
#include "tocha.h"

enum { TCH_ALIGNMENT = 64 };

/* Blocks for numbers: 64-byte aligned, contents undefined, kept for reuse after tch_free. bytes may be 0 (*out = NULL).
 * tch_free needs the size that was asked for. Both may be called from any thread. */
tch_status tch_alloc(int64_t bytes, void **out);
void tch_free(void *block, int64_t bytes);

/* Small records (headers, nodes): 64-byte aligned, uninitialised; NULL when there is no memory, with the sentence set.
 * tch_record_free takes NULL. */
void *tch_record_new(size_t bytes);
void tch_record_free(void *record, size_t bytes);

/* Bytes of live records (tch_memory_used counts blocks only): tests see by it that no header or node leaks. */
int64_t tch_memory_records(void);

/* Writes "12 B", "3.5 MiB", ... and returns buffer. */
enum { TCH_BYTES_TEXT = 16 };
const char *tch_bytes_text(int64_t bytes, char buffer[TCH_BYTES_TEXT]);
#endif
