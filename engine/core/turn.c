/* Blocks of N x N elements, N of which fill a vector of 16 bytes, turned by log2(N) rounds of interleaving the rows of the upper
 * half with those of the lower one; at the edges some are turned twice. */
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

#define TURN(name, T, BYTES, N)                                                                                 \
  typedef T row##BYTES __attribute__((vector_size(16), may_alias));                                             \
  typedef T row##BYTES##_anywhere __attribute__((vector_size(16), may_alias, aligned(BYTES)));                  \
  typedef T word##BYTES __attribute__((may_alias));                                                             \
  static inline __attribute__((always_inline)) void name##_block(                                               \
      int64_t i, int64_t j, word##BYTES *to, const tch_places *t, const word##BYTES *from, const tch_places *f) { \
    row##BYTES a[N], b[N];                                                                                      \
    for (int k = 0; k < N; k++) a[k] = *(const row##BYTES##_anywhere *) (from + tch_place(f, i + k) + j);       \
    for (int round = 1; round < N; round *= 2) {                                                                \
      for (int k = 0; k < N / 2; k++) {                                                                         \
        b[2 * k] = SHUFFLE(row##BYTES, a[k], a[k + N / 2], LOW##BYTES);                                         \
        b[2 * k + 1] = SHUFFLE(row##BYTES, a[k], a[k + N / 2], HIGH##BYTES);                                    \
      }                                                                                                         \
      for (int k = 0; k < N; k++) a[k] = b[k];                                                                  \
    }                                                                                                           \
    for (int k = 0; k < N; k++) *(row##BYTES##_anywhere *) (to + tch_place(t, j + k) + i) = a[k];               \
  }                                                                                                             \
  void name(int64_t n, int64_t m, int64_t blocks, void *target, const tch_places *t, const void *source,        \
            const tch_places *f) {                                                                              \
    word##BYTES *to = target;                                                                                   \
    const word##BYTES *from = source;                                                                           \
    bool vectors = n >= N && m >= N; /* the last ones may overlap those before */                               \
    for (; blocks > 0; blocks--, to += t->next, from += f->next) {                                              \
      for (int64_t i = 0; i < n && vectors; i += N) {                                                           \
        if (i > n - N) i = n - N;                                                                               \
        for (int64_t j = 0; j < m; j += N) {                                                                    \
          if (j > m - N) j = m - N;                                                                             \
          name##_block(i, j, to, t, from, f);                                                                   \
        }                                                                                                       \
      }                                                                                                         \
      for (int64_t i = 0; i < n && !vectors; i++)                                                               \
        for (int64_t j = 0; j < m; j++) to[i + tch_place(t, j)] = from[tch_place(f, i) + j];                    \
    }                                                                                                           \
  }
TURN(tch_turn_bytes, uint8_t, 1, 16)
TURN(tch_turn_shorts, uint16_t, 2, 8)
