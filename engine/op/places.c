/* Places of extremes, cut for the pool by the shape alone; see places.h. */
#include "op/places.h"
#include "core/box.h"
#include "core/cast.h"
#include "core/cpu.h"
#include "core/thread.h"
#include "kernel/reduce.h"
#include "op/line.h"
#include <stdlib.h>
#include <string.h>

TCH_KERNEL_FAMILY(reduce)

enum {
  GRAIN = 1 << 15,
  BLOCK = 2048, /* columns at a time, or entries of a line brought together */
  LONG = 64,    /* entries of a line that is worth a call, */
  APART = 256,  /* and of one with gaps */
  GAPS = 4,     /* places a column that are looked at instead of brought together, */
  FAR = 1 << 18, /* where all are that many bytes */
  WIDE = 16,    /* neighbouring lines that are read where they lie */
  WORD = 8      /* bytes of the widest type */
};

static int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

typedef struct search {
  const tch_tensor *x;
  const tch_reduce_kernels *table;
  tch_line line;
  bool largest;
  char *y;
  int64_t *place, bytes;
} search;

static int64_t long_place(const search *s, const char *x, int64_t stride) {
  int64_t buffer[BLOCK], best = 0, place = -1;
  for (int64_t i = 0; i < s->line.n; i += BLOCK) {
    int64_t m = s->line.n - i < BLOCK ? s->line.n - i : BLOCK;
    tch_load_long(s->x->type, x + i * stride * s->bytes, stride, buffer, m);
    for (int64_t k = 0; k < m; k++)
      if (place < 0 || (s->largest ? buffer[k] > best : buffer[k] < best)) best = buffer[k], place = i + k;
  }
  return place;
}

/* Lines [begin, end) where each is contiguous, or of integers. */
static void line_piece(void *context, int64_t begin, int64_t end) {
  const search *s = context;
  int64_t inner = s->line.inner;
  for (int64_t k = begin; k < end; k++) {
    const char *x = (const char *) tch_tensor_data(s->x) + (k / inner * s->line.n * inner + k % inner) * s->bytes;
    int64_t at = s->table == NULL ? long_place(s, x, inner)
                 : s->largest     ? s->table->largest(s->line.n, x, inner)
                                  : s->table->smallest(s->line.n, x, inner);
    s->place[k] = at;
    memcpy(s->y + k * s->bytes, x + at * inner * s->bytes, (size_t) s->bytes);
  }
}

/* Blocks [begin, end) of neighbouring lines. */
static void block_piece(void *context, int64_t begin, int64_t end) {
  const search *s = context;
  int64_t inner = s->line.inner, blocks = divide_up(inner, BLOCK);
  for (int64_t b = begin; b < end; b++) {
    int64_t o = b / blocks, first = b % blocks * BLOCK, n = inner - first < BLOCK ? inner - first : BLOCK;
    const char *x = (const char *) tch_tensor_data(s->x) + (o * s->line.n * inner + first) * s->bytes;
    char *best = s->y + (o * inner + first) * s->bytes;
    int64_t *place = s->place + o * inner + first;
    memcpy(best, x, (size_t) (n * s->bytes));
    memset(place, 0, (size_t) n * sizeof *place);
    if (s->largest) s->table->largest_columns(n, s->line.n - 1, best, place, x + inner * s->bytes, inner, 1);
    else s->table->smallest_columns(n, s->line.n - 1, best, place, x + inner * s->bytes, inner, 1);
  }
}

/* Columns of a matrix at a time: as many as a block holds, with the gaps between them if those are small and it is far. */
static int64_t gaps_block(const tch_tensor *x) {
  int64_t step = x->stride[1];
  return step > 1 && step <= GAPS && x->count * step * tch_dtype_bytes(x->type) >= FAR ? BLOCK / step : BLOCK;
}

/* Extremes of n columns with small gaps, gaps and all. */
static void over_gaps(const search *s, int64_t n, const char *x, char *best, int64_t *place) {
  _Alignas(64) char bests[BLOCK * WORD];
  int64_t places[BLOCK] = {0}, step = s->x->stride[1], span = (n - 1) * step + 1;
  memcpy(bests, x, (size_t) (span * s->bytes));
  if (s->largest) s->table->largest_columns(span, s->line.n, bests, places, x, s->x->stride[0], 0);
  else s->table->smallest_columns(span, s->line.n, bests, places, x, s->x->stride[0], 0);
  for (int64_t i = 0; i < n; i++) {
    memcpy(best + i * s->bytes, bests + i * step * s->bytes, (size_t) s->bytes);
    place[i] = places[i * step];
  }
}

/* Blocks [begin, end) of the columns of a matrix that is no contiguous one, brought together where they have large gaps. */
static void gaps_piece(void *context, int64_t begin, int64_t end) {
  const search *s = context;
  _Alignas(64) char together[BLOCK * WORD];
  const int64_t *stride = s->x->stride, wide = gaps_block(s->x);
  for (int64_t b = begin; b < end; b++) {
    int64_t first = b * wide, n = s->line.inner - first < wide ? s->line.inner - first : wide, high = BLOCK / n;
    const char *x = (const char *) tch_tensor_data(s->x) + first * stride[1] * s->bytes;
    char *best = s->y + first * s->bytes;
    if (wide < BLOCK) {
      over_gaps(s, n, x, best, s->place + first);
      continue;
    }
    for (int64_t i = 0, rows, next; i < s->line.n; i += rows) {
      const char *row = x + i * stride[0] * s->bytes;
      rows = s->line.n - i, next = stride[0];
      if (stride[1] != 1) {
        if (rows > high) rows = high;
        tch_box_move(s->bytes, 2, (int64_t[]) {n, rows}, together, (int64_t[]) {1, n}, row, (int64_t[]) {stride[1], stride[0]});
        row = together, next = n;
      }
      if (i == 0) memcpy(best, row, (size_t) (n * s->bytes)), memset(s->place + first, 0, (size_t) n * sizeof *s->place);
      if (s->largest) s->table->largest_columns(n, rows, best, s->place + first, row, next, i);
      else s->table->smallest_columns(n, rows, best, s->place + first, row, next, i);
    }
  }
}

/* Place of the extreme of a line of floats; one with gaps is brought together, a block at a time. */
static int64_t place_in(const search *s, const char *x, int64_t stride) {
  int64_t (*find)(int64_t, const void *, int64_t) = s->largest ? s->table->largest : s->table->smallest;
  if (stride == 1) return find(s->line.n, x, 1);
  _Alignas(64) char together[BLOCK * WORD], best[WORD];
  int64_t place = 0;
  for (int64_t i = 0, m; i < s->line.n; i += m) {
    m = s->line.n - i < BLOCK ? s->line.n - i : BLOCK;
    tch_box_move(s->bytes, 1, &m, together, (int64_t[]) {1}, x + i * stride * s->bytes, &stride);
    int64_t at = find(m, together, 1);
    const char *found = together + at * s->bytes;
    if (i == 0) memcpy(best, found, (size_t) s->bytes), place = at;
    else if (s->largest) s->table->largest_columns(1, 1, best, &place, found, 0, i + at);
    else s->table->smallest_columns(1, 1, best, &place, found, 0, i + at);
  }
  return place;
}

/* Lines [begin, end) of a view. */
static void dense_piece(void *context, int64_t begin, int64_t end) {
  const search *s = context;
  const tch_tensor *t = s->x;
  int64_t stride = t->stride[s->line.dim];
  for (int64_t i = begin; i < end; i++) {
    const char *x = tch_tensor_data(t);
    int64_t left = i;
    for (int d = t->ndim - 1; d >= 0; d--) {
      if (d == s->line.dim) continue;
      x += left % t->size[d] * t->stride[d] * s->bytes, left /= t->size[d];
    }
    s->place[i] = place_in(s, x, stride);
    memcpy(s->y + i * s->bytes, x + s->place[i] * stride * s->bytes, (size_t) s->bytes);
  }
}

/* Are neighbours along dim nearer than others? */
static bool dense_along(const tch_tensor *x, int dim) {
  bool dense = tch_dtype_floating(x->type) && x->ndim > 0 && x->size[dim] >= (x->stride[dim] == 1 ? LONG : APART);
  dense = dense && x->stride[dim] != 0;
  for (int d = 0; d < x->ndim && dense; d++)
    dense = x->size[d] == 1 || d == dim || llabs(x->stride[d]) >= llabs(x->stride[dim]);
  return dense;
}

bool tch_places_of_view(const tch_tensor *x, int dim) {
  bool columns = x->ndim == 2 && dim == 0 && x->size[1] > 1 && tch_dtype_floating(x->type);
  if (tch_dtype_floating(x->type) && tch_tensor_contiguous(x) && tch_line_of(x->ndim, x->size, dim).inner >= WIDE) return true;
  return (columns && llabs(x->stride[1]) < llabs(x->stride[0])) || dense_along(x, dim);
}

void tch_reduce_places(const tch_tensor *x, int dim, bool largest, void *y, int64_t *place) {
  bool floating = tch_dtype_floating(x->type), contiguous = tch_tensor_contiguous(x);
  search s = {.x = x, .table = floating ? tch_reduce_table(x->type) : NULL, .line = tch_line_of(x->ndim, x->size, dim),
              .largest = largest, .y = y, .place = place, .bytes = tch_dtype_bytes(x->type)};
  if (x->count == 0) return;
  bool lines = !floating || s.line.inner == 1 || (!contiguous && dense_along(x, dim));
  if (!lines) {
    int64_t wide = contiguous ? BLOCK : gaps_block(x), work = s.line.n * (s.line.inner < wide ? s.line.inner : wide);
    tch_parallel(s.line.outer * divide_up(s.line.inner, wide), work >= GRAIN ? 1 : GRAIN / work,
                 contiguous ? block_piece : gaps_piece, &s);
  } else
    tch_parallel(s.line.outer * s.line.inner, s.line.n >= GRAIN ? 1 : GRAIN / s.line.n, contiguous ? line_piece : dense_piece, &s);
}
