/* Moves of elements between two grids of any strides, by words of 4 bytes (the table of float) or 8 (that of double). */
#ifndef TCH_KERNEL_MOVE_H
#define TCH_KERNEL_MOVE_H
#include <stdbool.h>
#include <stdint.h>

/* Places in steps of fours: the i-th is at[i / 4] + i % 4 * step; in the next block `next` further. */
typedef struct tch_places {
  int64_t step;
  const int64_t *at;
  int64_t next;
} tch_places;

static inline int64_t tch_place(const tch_places *p, int64_t i) { return p->at[i / 4] + i % 4 * p->step; }

typedef struct tch_move_kernels {
  /* to[i * t0 + j * t1] = from[i * f0 + j * f1] for i < n0, j < n1. The two do not overlap. Nothing between the elements of `to`
   * is written; between those of `from` it may be read. */
  void (*move)(int64_t n0, int64_t n1, void *to, int64_t t0, int64_t t1, const void *from, int64_t f0, int64_t f1);
  /* to[i + t(j)] = from[f(i) + j] for i < n0, j < n1: a transposition whose sides may each be several dimensions; in several
   * blocks. */
  void (*turn)(int64_t n0, int64_t n1, int64_t blocks, void *to, const tch_places *t, const void *from, const tch_places *f);
  /* The same as move for single bytes, where vectors serve; false: nothing was done. */
  bool (*bytes)(int64_t n0, int64_t n1, void *to, int64_t t0, int64_t t1, const void *from, int64_t f0, int64_t f1);
} tch_move_kernels;
#endif
