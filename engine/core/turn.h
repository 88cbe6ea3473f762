/* Transposes blocks of elements in registers. */
#ifndef TCH_CORE_TURN_H
#define TCH_CORE_TURN_H
#include "kernel/move.h"

/* to[i + t(j)] = from[f(i) + j] for i < n and j < m; elements have 1 or 2 bytes (kernel/move.h has those of 4 and 8). */
void tch_turn_bytes(int64_t n, int64_t m, int64_t blocks, void *to, const tch_places *t, const void *from, const tch_places *f);
void tch_turn_shorts(int64_t n, int64_t m, int64_t blocks, void *to, const tch_places *t, const void *from, const tch_places *f);
#endif
