/* A sum in independent lanes over blocks, then in double: accurate, and the same whatever the vector width. The lanes do not
 * depend on each other, so the compiler keeps them in vectors. Included by kernel units, where `real` is known. */
#ifndef TCH_KERNEL_LANES_H
#define TCH_KERNEL_LANES_H
#include <stdint.h>

enum { LANES = 128 / sizeof(real), BLOCK = 4096 };

/* total += sum of term(i), i < n */
#define SUM(n, total, term)                                               \
  do {                                                                    \
    for (int64_t start = 0; start < (n); start += BLOCK) {                \
      int64_t end = start + BLOCK < (n) ? start + BLOCK : (n), i = start; \
      real lane[LANES] = {0};                                             \
      for (; i + (int64_t) LANES <= end; i += LANES)                      \
        for (int k = 0; k < (int) LANES; k++) lane[k] += term(i + k);     \
      for (int k = 0; i < end; i++, k++) lane[k] += term(i);              \
      double part = 0;                                                    \
      for (int k = 0; k < (int) LANES; k++) part += lane[k];              \
      total += part;                                                      \
    }                                                                     \
  } while (0)
#endif
