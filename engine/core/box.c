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

enum { MANY = 64 /* elements of a line that are enough, however narrow they are */ };

static int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* Grows an extent to `wish`, in equal parts of the size. */
static void grow(int64_t size, int64_t wish, int64_t *extent, int64_t *total) {
  int64_t even = size;
  if (wish < size) {
    even = divide_up(size, divide_up(size, wish));
    int64_t round = divide_up(even, 16) * 16;
    if (round <= wish) even = round;
  }
  if (even <= *extent) return;
  *total = *extent == 1 ? *total * even : *total / *extent * even;
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
    int64_t wish = line / operand[k].bytes < MANY ? line / operand[k].bytes : MANY;
    uint64_t used = 0;
    for (int d; wish > 1 && (d = densest(ndim, size, operand[k].stride, used)) >= 0; used |= 1ull << d) {
      int64_t others = extent[d] == 1 ? total : total / extent[d];
      grow(size[d], wish * others <= most ? wish : most / others, &extent[d], &total);
      wish = extent[d] >= wish ? 1 : divide_up(wish, extent[d]);
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

static const tch_move_kernels kernels_uint8_t = {move_uint8_t, tch_turn_bytes},
                              kernels_uint16_t = {move_uint16_t, tch_turn_shorts};

static const tch_move_kernels *kernels_of(int64_t bytes) {
  switch (bytes) {
    case 1: return &kernels_uint8_t;
    case 2: return &kernels_uint16_t;
    case 4: return tch_move_table(TCH_FLOAT);
    default: return tch_move_table(TCH_DOUBLE);
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

/* One side of a turn: dimensions that follow each other without a gap there, and where the places are on the other side. */
enum { SIDE = 256, TURN = 4 /* the least of each */ };
typedef struct side {
  int64_t n, at[SIDE / 4];
  tch_places places;
} side;

/* The dimension that goes on with a side on which it has these strides; -1: there is none, or no room. */
static int follower(const grid *g, const int64_t *stride, int64_t n) {
  for (int d = 0; d < g->ndim && (n == 1 || n % 4 == 0); d++)
    if (g->size[d] > 1 && stride[d] == n && n * g->size[d] <= SIDE) return d;
  return -1;
}

/* Moves dimension d from the grid to a side; `step` is its stride on the other one. */
static void take(grid *g, int d, side *s, int64_t step) {
  int64_t n = s->n * g->size[d], fours = s->n / 4;
  if (s->n == 1) s->places = (tch_places) {step, s->at};
  for (int64_t i = fours; i < divide_up(n, 4); i++) s->at[i] = fours > 0 ? s->at[i - fours] + step : 4 * i * step;
  s->n = n;
  g->ndim--;
  for (; d < g->ndim; d++) g->size[d] = g->size[d + 1], g->to[d] = g->to[d + 1], g->from[d] = g->from[d + 1];
}

/* Where target and source are dense in different dimensions, takes these and those that follow them to the sides, so that both are
 * about as long. False: there is nothing to turn. */
static bool take_sides(grid *g, side *i, side *j) {
  i->n = j->n = 1;
  int to = follower(g, g->to, 1), from = follower(g, g->from, 1);
  if (to < 0 || from < 0 || to == from) return false;
  bool first = true;
  for (; to >= 0 || from >= 0; first = i->n <= j->n) {
    if (to >= 0 && (first || from < 0)) take(g, to, i, g->from[to]);
    else take(g, from, j, g->to[from]);
    to = follower(g, g->to, i->n), from = follower(g, g->from, j->n);
  }
  return i->n >= TURN && j->n >= TURN;
}

void tch_box_move(int64_t bytes, int ndim, const int64_t *size, void *to, const int64_t *to_stride, const void *from,
                  const int64_t *from_stride) {
  grid g, rest;
  side i, j;
  const tch_move_kernels *kernels = kernels_of(bytes);
  if (ndim == 1) {
    kernels->move(size[0], 1, to, to_stride[0], 0, from, from_stride[0], 0);
    return;
  }
  simplify(&g, ndim, size, to_stride, from_stride);
  rest = g;
  bool turned = take_sides(&rest, &i, &j);
  if (turned) g = rest;
  else if (g.ndim > 1 && g.size[1] > 1) face(&g);
  int64_t place[TCH_BOX_DIMS];
  char *t = to;
  const char *f = from;
  for (int d = 0; d < g.ndim; d++) place[d] = 0;
  for (int d;;) {
    if (turned) kernels->turn(i.n, j.n, t, &j.places, f, &i.places);
    else kernels->move(g.size[0], g.size[1], t, g.to[0], g.to[1], f, g.from[0], g.from[1]);
    for (d = turned ? 0 : 2; d < g.ndim; d++) {
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
