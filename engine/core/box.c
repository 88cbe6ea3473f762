/* Boxes: how a grid is cut into them, and moves of one. */
#include "core/box.h"
#include "core/cpu.h"
#include "core/turn.h"
#include "kernel/move.h"
#include <stdlib.h>
#include <string.h>

TCH_KERNEL_FAMILY(move)

/* -- extents ------------------------------------------------------------------------------------------------------------ */

/* The dimension, among those not in `used`, in which an operand takes the shortest steps; -1: there is none. */
static int densest(int ndim, const int64_t *size, const int64_t *stride, uint64_t used) {
  int best = -1;
  for (int d = 0; d < ndim; d++) {
    if (used >> d & 1 || size[d] == 1 || stride[d] == 0) continue;
    if (best < 0 || llabs(stride[d]) < llabs(stride[best])) best = d;
  }
  return best;
}

static int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* Grows an extent to `wish`, in equal parts of the size. */
static void grow(int64_t size, int64_t wish, int64_t *extent, int64_t *total) {
  if (wish > size) wish = size;
  int64_t even = divide_up(size, divide_up(size, wish)), round = divide_up(even, 16) * 16;
  if (round <= wish) even = round;
  if (even <= *extent) return;
  *total = *total / *extent * even;
  *extent = even;
}

void tch_box_extents(int n, const tch_grid_view *operand, int ndim, const int64_t *size, int64_t line, int64_t most,
                     int64_t *extent) {
  int64_t total = 1;
  for (int d = 0; d < ndim; d++) extent[d] = 1;
  if (ndim == 1) {
    extent[0] = size[0] < most ? size[0] : most;
    return;
  }
  for (int k = 0; k < n; k++) {
    int64_t wish = line / operand[k].bytes;
    uint64_t used = 0;
    for (int d; wish > 1 && (d = densest(ndim, size, operand[k].stride, used)) >= 0; used |= 1ull << d) {
      int64_t room = most / (total / extent[d]);
      grow(size[d], wish < room ? wish : room, &extent[d], &total);
      wish = divide_up(wish, extent[d]);
    }
  }
  for (int d = 0; d < ndim && total <= most / 2; d++) grow(size[d], extent[d] * (most / total), &extent[d], &total);
}

/* -- moves of words of 1 and 2 bytes ---------------------------------------------------------------------------------------- */

#define BY(to_step, from_step) \
  for (int64_t i = 0; i < n0; i++) to[i * (to_step)] = from[i * (from_step)]
#define SMALL_WORD(W)                                                                                             \
  typedef W __attribute__((may_alias)) word_##W;                                                                  \
  static void move_##W(int64_t n0, int64_t n1, void *target, int64_t t0, int64_t t1, const void *source, int64_t f0, int64_t f1) { \
    word_##W *to = target;                                                                                        \
    const word_##W *from = source;                                                                                \
    if (t0 == 1 && f1 == 1 && f0 != 1 && n0 > 4 && n1 > 4) {                                                      \
      tch_turn(sizeof(W), n0, n1, to, t1, from, f0);                                                              \
      return;                                                                                                     \
    }                                                                                                             \
    for (int64_t j = 0; j < n1; j++, to += t1, from += f1) {                                                      \
      if (t0 == 1 && f0 == 1 && n0 > 64) memcpy(to, from, (size_t) n0 * sizeof(W));                               \
      else if (t0 == 1 && f0 == 1) BY(1, 1);                                                                      \
      else if (t0 == 1 && f0 == 0) BY(1, 0);                                                                      \
      else if (t0 == 1 && f0 == 2) BY(1, 2);                                                                      \
      else if (t0 == 1 && f0 == 3) BY(1, 3);                                                                      \
      else BY(t0, f0);                                                                                            \
    }                                                                                                             \
  }
SMALL_WORD(uint8_t)
SMALL_WORD(uint16_t)

/* -- moves ---------------------------------------------------------------------------------------------------------------- */

typedef void move_plane(int64_t n0, int64_t n1, void *to, int64_t t0, int64_t t1, const void *from, int64_t f0, int64_t f1);

static move_plane *plane_of(int64_t bytes) {
  switch (bytes) {
    case 1: return move_uint8_t;
    case 2: return move_uint16_t;
    case 4: return tch_move_table(TCH_FLOAT)->move;
    default: return tch_move_table(TCH_DOUBLE)->move;
  }
}

typedef struct grid {
  int ndim;
  int64_t size[TCH_BOX_DIMS], to[TCH_BOX_DIMS], from[TCH_BOX_DIMS];
} grid;

/* Drops dimensions of size 1 and merges those that follow each other on both sides. */
static void simplify(grid *g, int ndim, const int64_t *size, const int64_t *to, const int64_t *from) {
  int m = 0;
  for (int d = 0; d < ndim; d++) {
    if (size[d] == 1) continue;
    if (m > 0 && to[d] == g->to[m - 1] * g->size[m - 1] && from[d] == g->from[m - 1] * g->size[m - 1]) {
      g->size[m - 1] *= size[d];
      continue;
    }
    g->size[m] = size[d];
    g->to[m] = to[d];
    g->from[m++] = from[d];
  }
  for (; m < 2; m++) g->size[m] = 1, g->to[m] = g->from[m] = 0;
  g->ndim = m;
}

static void swap(grid *g, int a, int b) {
  int64_t size = g->size[a], to = g->to[a], from = g->from[a];
  g->size[a] = g->size[b], g->to[a] = g->to[b], g->from[a] = g->from[b];
  g->size[b] = size, g->to[b] = to, g->from[b] = from;
}

/* Makes dimension 0 the target's densest and dimension 1 the source's, or the next one. */
static void face(grid *g) {
  int d = densest(g->ndim, g->size, g->to, 0);
  if (d > 0) swap(g, 0, d);
  d = densest(g->ndim, g->size, g->from, 0);
  if (d <= 0) d = densest(g->ndim, g->size, g->to, 1);
  if (d > 1) swap(g, 1, d);
}

void tch_box_move(int64_t bytes, int ndim, const int64_t *size, void *to, const int64_t *to_stride, const void *from,
                  const int64_t *from_stride) {
  grid g;
  move_plane *plane = plane_of(bytes);
  if (ndim == 1) {
    plane(size[0], 1, to, to_stride[0], 0, from, from_stride[0], 0);
    return;
  }
  simplify(&g, ndim, size, to_stride, from_stride);
  if (g.ndim > 1 && g.size[1] > 1) face(&g);
  int64_t place[TCH_BOX_DIMS] = {0};
  char *t = to;
  const char *f = from;
  for (int d = 2;;) {
    plane(g.size[0], g.size[1], t, g.to[0], g.to[1], f, g.from[0], g.from[1]);
    for (d = 2; d < g.ndim; d++) {
      t += g.to[d] * bytes;
      f += g.from[d] * bytes;
      if (++place[d] < g.size[d]) break;
      t -= g.to[d] * g.size[d] * bytes;
      f -= g.from[d] * g.size[d] * bytes;
      place[d] = 0;
    }
    if (d >= g.ndim) return;
  }
}
