/* Which planes are combs: rows of a few elements, or single elements, with small gaps in the result, and the same or none in the
 * operands. */
#ifndef TCH_KERNEL_PITCH_H
#define TCH_KERNEL_PITCH_H
#include <stdbool.h>
#include <stdint.h>

enum { TCH_PITCH = 32 /* places from one row of a comb to the next, at most */ };

/* The places from one row to the next; *single: a row is one element, and each row of the plane a comb. 0: it is no comb.
 * operands come after the result; an element may take up to `places`. */
static inline int64_t tch_comb_pitch(int operands, int64_t n, int64_t rows, const int64_t *step, const int64_t *next, int places,
                                     bool *single) {
  *single = false;
  for (int k = 0; k <= operands; k++) *single = *single || step[k] > 1;
  const int64_t *to_next = *single ? step : next, none = *single ? 1 : n;
  if (!*single && rows == 1) return 0;
  int64_t pitch = to_next[0];
  if (pitch <= none || pitch > places * none || pitch > TCH_PITCH) return 0;
  for (int k = 0; k <= operands; k++) {
    if (k > 0 && step[k] == 0 && (*single || next[k] == 0)) continue; /* one number */
    if ((!*single && step[k] != 1) || (to_next[k] != none && to_next[k] != pitch)) return 0;
  }
  return pitch;
}
#endif
