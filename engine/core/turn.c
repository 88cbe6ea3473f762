/* Blocks of N x N elements, N of which fill a vector of 16 bytes, turned by log2(N) rounds of interleaving the rows of the upper
 * half with those of the lower one; what is left at the edges one by one. */
#include "core/turn.h"

#define LOW1 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH1 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#define LOW2 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH2 4, 12, 5, 13, 6, 14, 7, 15

#ifdef __clang__
#define SHUFFLE(V, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(V, a, b, ...) __builtin_shuffle(a, b, (V){__VA_ARGS__})
#endif

#define TURN(T, BYTES, N)                                                                                       \
  typedef T row##BYTES __attribute__((vector_size(16), may_alias));                                             \
  typedef T row##BYTES##_anywhere __attribute__((vector_size(16), may_alias, aligned(BYTES)));                  \
  typedef T word##BYTES __attribute__((may_alias));                                                             \
  static inline __attribute__((always_inline)) void block##BYTES(word##BYTES *to, int64_t to_step,              \
                                                                 const word##BYTES *from, int64_t from_step) {  \
    row##BYTES a[N], b[N];                                                                                      \
    for (int i = 0; i < N; i++) a[i] = *(const row##BYTES##_anywhere *) (from + i * from_step);                 \
    for (int round = 1; round < N; round *= 2) {                                                                \
      for (int i = 0; i < N / 2; i++) {                                                                         \
        b[2 * i] = SHUFFLE(row##BYTES, a[i], a[i + N / 2], LOW##BYTES);                                         \
        b[2 * i + 1] = SHUFFLE(row##BYTES, a[i], a[i + N / 2], HIGH##BYTES);                                    \
      }                                                                                                         \
      for (int i = 0; i < N; i++) a[i] = b[i];                                                                  \
    }                                                                                                           \
    for (int i = 0; i < N; i++) *(row##BYTES##_anywhere *) (to + i * to_step) = a[i];                           \
  }                                                                                                             \
  static void turn##BYTES(int64_t n, int64_t m, word##BYTES *to, int64_t to_step, const word##BYTES *from,      \
                          int64_t from_step) {                                                                  \
    int64_t whole_n = n / N * N, whole_m = m / N * N;                                                           \
    for (int64_t i = 0; i < whole_n; i += N)                                                                    \
      for (int64_t j = 0; j < whole_m; j += N)                                                                  \
        block##BYTES(to + j * to_step + i, to_step, from + i * from_step + j, from_step);                       \
    for (int64_t i = 0; i < n; i++)                                                                             \
      for (int64_t j = i < whole_n ? whole_m : 0; j < m; j++) to[j * to_step + i] = from[i * from_step + j];    \
  }
TURN(uint8_t, 1, 16)
TURN(uint16_t, 2, 8)

void tch_turn(int64_t bytes, int64_t n, int64_t m, void *to, int64_t to_step, const void *from, int64_t from_step) {
  if (bytes == 1) turn1(n, m, to, to_step, from, from_step);
  else turn2(n, m, to, to_step, from, from_step);
}
