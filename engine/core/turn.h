/* Transposes a block of elements in registers. */
#ifndef TCH_CORE_TURN_H
#define TCH_CORE_TURN_H
#include <stdint.h>

/* to[j * to_step + i] = from[i * from_step + j] for i < n and j < m; elements have 1 or 2 bytes (kernel/move.h has
 * those of 4 and 8), steps count elements. */
void tch_turn(int64_t bytes, int64_t n, int64_t m, void *to, int64_t to_step, const void *from, int64_t from_step);
#endif
