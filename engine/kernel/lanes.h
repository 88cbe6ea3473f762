/* A sum in independent lanes over blocks, then in double: accurate, and the same whatever the vector width. The lanes do not
 * depend on each other, so the compiler keeps them in vectors. Included by kernel units, where `real` is known. */
#ifndef TCH_KERNEL_LANES_H
#define TCH_KERNEL_LANES_H
#include <stdint.h>
#include <string.h>

enum { LANES = 32, BLOCK = 4096 };

typedef struct lanes_of {
  real lane[LANES];
} lanes_of;

/* Takes a copy, so that the lanes of the loops below stay in registers. */
static __attribute__((noinline, unused)) double lanes_total(const lanes_of *from) {
  double part[4] = {0};
  for (int k = 0; k < (int) LANES; k += 4)
    for (int j = 0; j < 4; j++) part[j] += from->lane[k + j];
  return (part[0] + part[1]) + (part[2] + part[3]);
}

/* total += sum of term(i), more += sum of other(i), i < n */
#define SUMS(n, total, term, more, other)                                 \
  do {                                                                    \
    for (int64_t start = 0; start < (n); start += BLOCK) {                \
      int64_t end = start + BLOCK < (n) ? start + BLOCK : (n), i = start; \
      real lane[LANES] = {0}, twin[LANES] = {0};                          \
      for (; i + (int64_t) LANES <= end; i += LANES)                      \
        for (int k = 0; k < (int) LANES; k++) {                           \
          lane[k] += term(i + k);                                         \
          twin[k] += other(i + k);                                        \
        }                                                                 \
      _Pragma("GCC unroll 1") for (int k = 0; i < end; i++, k++) {        \
        lane[k] += term(i);                                               \
        twin[k] += other(i);                                              \
      }                                                                   \
      lanes_of copy;                                                      \
      memcpy(copy.lane, lane, sizeof lane);                               \
      total += lanes_total(&copy);                                        \
      memcpy(copy.lane, twin, sizeof twin);                               \
      more += lanes_total(&copy);                                         \
    }                                                                     \
  } while (0)

/* total += sum of term(i), i < n */
#define SUM(n, total, term)                                               \
  do {                                                                    \
    for (int64_t start = 0; start < (n); start += BLOCK) {                \
      int64_t end = start + BLOCK < (n) ? start + BLOCK : (n), i = start; \
      real lane[LANES] = {0};                                             \
      for (; i + (int64_t) LANES <= end; i += LANES)                      \
        for (int k = 0; k < (int) LANES; k++) lane[k] += term(i + k);     \
      _Pragma("GCC unroll 1") for (int k = 0; i < end; i++, k++)          \
        lane[k] += term(i);                                               \
      lanes_of copy;                                                      \
      memcpy(copy.lane, lane, sizeof lane);                               \
      total += lanes_total(&copy);                                        \
    }                                                                     \
  } while (0)
#endif
