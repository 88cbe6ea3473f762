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
  for (int d = 0; d < ndim; d++) total *= size[d];
  for (int d = 0; d < ndim; d++) extent[d] = total <= most ? size[d] : 1;
  if (total <= most) return;
  total = 1;
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

/* -- from box to box -------------------------------------------------------------------------------------------------------- */

int64_t tch_box_count(int ndim, const int64_t *size, const int64_t *extent) {
  int64_t n = 1;
  for (int d = 0; d < ndim; d++) n *= divide_up(size[d], extent[d]);
  return n;
}

void tch_box_start(tch_box_walk *w, int ndim, const int64_t *size, const int64_t *extent, int64_t box) {
  w->ndim = ndim, w->size = size, w->extent = extent;
  for (int d = 0; d < ndim; d++) {
    w->boxes[d] = size[d] == extent[d] ? 1 : divide_up(size[d], extent[d]);
    w->place[d] = box == 0 ? 0 : box % w->boxes[d];
    if (box > 0) box /= w->boxes[d];
  }
}

void tch_box_next(tch_box_walk *w) {
  for (int d = 0; d < w->ndim && ++w->place[d] == w->boxes[d]; d++) w->place[d] = 0;
}

bool tch_box_here(const tch_box_walk *w, int64_t *first, int64_t *size) {
  bool whole = true;
  for (int d = 0; d < w->ndim; d++) {
    first[d] = w->place[d] * w->extent[d];
    size[d] = w->size[d] - first[d] < w->extent[d] ? w->size[d] - first[d] : w->extent[d];
    whole = whole && size[d] == w->extent[d];
  }
  return whole;
}

/* -- moves of words of 1 and 2 bytes ---------------------------------------------------------------------------------------- */

#define BY(to_step, from_step) \
  for (int64_t i = 0; i < n0; i++) to[i * (to_step)] = from[i * (from_step)]
#define SMALL_WORD(W)                                                                                             \
  typedef W __attribute__((may_alias)) word_##W;                                                                  \
  static void move_##W(int64_t n0, int64_t n1, void *target, int64_t t0, int64_t t1, const void *source, int64_t f0, int64_t f1) { \
    word_##W *to = target;                                                                                        \
    const word_##W *from = source;                                                                                \
    if (sizeof(W) == 1 && tch_move_table(TCH_FLOAT)->bytes(n0, n1, to, t0, t1, from, f0, f1)) return;             \
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

static const tch_move_kernels kernels_uint8_t = {.move = move_uint8_t, .turn = tch_turn_bytes},
                              kernels_uint16_t = {.move = move_uint16_t, .turn = tch_turn_shorts};

static const tch_move_kernels *kernels_of(int64_t bytes) {
  switch (bytes) {
    case 1: return &kernels_uint8_t;
    case 2: return &kernels_uint16_t;
    case 4: return tch_move_table(TCH_FLOAT);
    default: return tch_move_table(TCH_DOUBLE);
  }
}

/* Drops dimensions of size 1 and merges those that follow each other on both sides. */
static void simplify(tch_box_mover *g, int ndim, const int64_t *size, const int64_t *to, const int64_t *from) {
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

static void swap(tch_box_mover *g, int a, int b) {
  int64_t size = g->size[a], to = g->to[a], from = g->from[a];
  g->size[a] = g->size[b], g->to[a] = g->to[b], g->from[a] = g->from[b];
  g->size[b] = size, g->to[b] = to, g->from[b] = from;
}

/* Makes dimension 0 the target's densest and dimension 1 the source's, or the next one. */
static void face(tch_box_mover *g) {
  int d = densest(g->ndim, g->size, g->to, 0);
  if (d > 0) swap(g, 0, d);
  d = densest(g->ndim, g->size, g->from, 0);
  if (d <= 0) d = densest(g->ndim, g->size, g->to, 1);
  if (d > 1) swap(g, 1, d);
}

enum { TURN = 4 /* the least of each side */ };

/* The dimension that goes on with a side of a turn on which it has these strides; -1: there is none, or no room. */
static int follower(const tch_box_mover *g, uint64_t used, const int64_t *stride, int64_t n) {
  for (int d = 0; d < g->ndim && (n == 1 || n % 4 == 0); d++)
    if (!(used >> d & 1) && g->size[d] > 1 && stride[d] == n && n * g->size[d] <= TCH_BOX_SIDE) return d;
  return -1;
}

/* A dimension goes to a side; `step` is its stride on the other one. */
static void take(tch_box_side *s, int64_t size, int64_t step) {
  int64_t n = s->n * size, fours = s->n / 4;
  if (s->n == 1) s->step = step;
  for (int64_t i = fours; i < (n + 3) / 4; i++) s->at[i] = fours > 0 ? s->at[i - fours] + step : 4 * i * step;
  s->n = n;
}

/* Where target and source are dense in different dimensions, these and those that follow them become the sides of a turn, so that
 * both are about as long. */
static bool take_sides(tch_box_mover *g) {
  tch_box_side *i = &g->row, *j = &g->column;
  int to = follower(g, 0, g->to, 1), from = follower(g, 0, g->from, 1), m = 0;
  uint64_t used = 0;
  if (to < 0 || from < 0 || to == from) return false;
  i->n = j->n = 1;
  for (bool first = true; to >= 0 || from >= 0; first = i->n <= j->n) {
    bool row = to >= 0 && (first || from < 0);
    int d = row ? to : from;
    if (row) take(i, g->size[d], g->from[d]);
    else take(j, g->size[d], g->to[d]);
    used |= 1ull << d;
    to = follower(g, used, g->to, i->n), from = follower(g, used, g->from, j->n);
  }
  if (i->n < TURN || j->n < TURN) return false;
  for (int d = 0; d < g->ndim; d++)
    if (!(used >> d & 1)) g->size[m] = g->size[d], g->to[m] = g->to[d], g->from[m++] = g->from[d];
  for (; m < 1; m++) g->size[m] = 1, g->to[m] = g->from[m] = 0;
  g->ndim = m;
  return true;
}

void tch_box_ready(tch_box_mover *m, int64_t bytes, int ndim, const int64_t *size, const int64_t *to_stride,
                   const int64_t *from_stride) {
  m->bytes = bytes;
  m->kernels = kernels_of(bytes);
  simplify(m, ndim, size, to_stride, from_stride);
  m->turned = take_sides(m);
  if (!m->turned && m->size[1] > 1) face(m);
}

void tch_box_run(const tch_box_mover *m, void *to, const void *from) {
  const tch_places rows = {m->row.step, m->row.at, m->from[0]}, columns = {m->column.step, m->column.at, m->to[0]};
  int64_t place[TCH_BOX_DIMS], bytes = m->bytes;
  char *t = to;
  const char *f = from;
  for (int d = 0; d < m->ndim; d++) place[d] = 0;
  for (int d;;) {
    if (m->turned) m->kernels->turn(m->row.n, m->column.n, m->size[0], t, &columns, f, &rows);
    else m->kernels->move(m->size[0], m->size[1], t, m->to[0], m->to[1], f, m->from[0], m->from[1]);
    for (d = m->turned ? 1 : 2; d < m->ndim; d++) {
      t += m->to[d] * bytes;
      f += m->from[d] * bytes;
      if (++place[d] < m->size[d]) break;
      t -= m->to[d] * m->size[d] * bytes;
      f -= m->from[d] * m->size[d] * bytes;
      place[d] = 0;
    }
    if (d >= m->ndim) return;
  }
}

void tch_box_move(int64_t bytes, int ndim, const int64_t *size, void *to, const int64_t *to_stride, const void *from,
                  const int64_t *from_stride) {
  tch_box_mover m;
  tch_box_ready(&m, bytes, ndim, size, to_stride, from_stride);
  tch_box_run(&m, to, from);
}
