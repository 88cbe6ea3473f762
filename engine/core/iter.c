/* Iteration over operands of one broadcast shape. */
#include "core/iter.h"
#include "core/thread.h"
#include "core/turn.h"
#include <stdlib.h>
#include <string.h>

enum {
  GRAIN = 1 << 15, /* elements a piece of work should have */
  TILE = 256,      /* entries of a row where an operand is walked across its memory */
  NEAR = 64,       /* bytes that lie together there: as many rows make a tile */
  MANY = 1 << 10,  /* elements whose short rows are worth copies */
  LINE = 8         /* strides from here on use a cache line for one entry or two */
};

typedef struct plan {
  tch_row row;
  void *context;
  int n, ndim; /* operands; outer dimensions, without the row's */
  int64_t size[TCH_MAX_DIMS], length;
  int64_t stride[TCH_ITER_MAX][TCH_MAX_DIMS], step[TCH_ITER_MAX], bytes[TCH_ITER_MAX];
  char *data[TCH_ITER_MAX];
} plan;

bool tch_broadcast(const tch_tensor *a, const tch_tensor *b, tch_shape *out) {
  int n = a->ndim > b->ndim ? a->ndim : b->ndim;
  if ((a->ndim == 0 && a->count == 0) || (b->ndim == 0 && b->count == 0)) return false;
  out->type = a->type;
  out->ndim = n;
  for (int d = 0; d < n; d++) {
    int da = d - (n - a->ndim), db = d - (n - b->ndim);
    int64_t sa = da < 0 ? 1 : a->size[da], sb = db < 0 ? 1 : b->size[db];
    if (sa != sb && sa != 1 && sb != 1) return false;
    out->size[d] = sa == 1 ? sb : sa;
  }
  return true;
}

static int64_t stride_of(const tch_tensor *t, int d, int ndim) {
  int k = d - (ndim - t->ndim);
  return k < 0 || t->size[k] == 1 ? 0 : t->stride[k];
}

/* Orders dimensions by the result's strides, so that rows run along its memory. */
static void order_dimensions(const tch_tensor *result, const tch_shape *shape, int *order) {
  for (int d = 0; d < shape->ndim; d++) order[d] = d;
  for (int i = 1; i < shape->ndim; i++)
    for (int k = i; k > 0; k--) {
      int64_t before = stride_of(result, order[k - 1], shape->ndim), here = stride_of(result, order[k], shape->ndim);
      if (before < 0) before = -before;
      if (here < 0) here = -here;
      if (before >= here || here == 0 || before == 0) break;
      int t = order[k];
      order[k] = order[k - 1];
      order[k - 1] = t;
    }
}

/* Merges neighbouring dimensions that every operand steps through alike. Returns their number. */
static int merge(const tch_shape *shape, tch_tensor *const *operand, int n, int64_t *size, int64_t stride[][TCH_MAX_DIMS]) {
  int order[TCH_MAX_DIMS], m = 0;
  order_dimensions(operand[0], shape, order);
  for (int i = 0; i < shape->ndim; i++) {
    int64_t s = shape->size[order[i]];
    if (s == 1) continue;
    bool joins = m > 0;
    for (int k = 0; k < n && joins; k++) joins = stride[k][m - 1] == s * stride_of(operand[k], order[i], shape->ndim);
    int at = joins ? m - 1 : m++;
    size[at] = joins ? size[at] * s : s;
    for (int k = 0; k < n; k++) stride[k][at] = stride_of(operand[k], order[i], shape->ndim);
  }
  return m;
}

static void rows_piece(void *context, int64_t begin, int64_t end) {
  const plan *p = context;
  int64_t place[TCH_MAX_DIMS];
  void *data[TCH_ITER_MAX];
  int64_t left = begin;
  for (int k = 0; k < p->n; k++) data[k] = p->data[k];
  for (int d = p->ndim - 1; d >= 0; d--) {
    place[d] = left % p->size[d];
    left /= p->size[d];
    for (int k = 0; k < p->n; k++) data[k] = (char *) data[k] + place[d] * p->stride[k][d] * p->bytes[k];
  }
  for (int64_t r = begin; r < end; r++) {
    p->row(p->context, p->length, data, p->step);
    for (int d = p->ndim - 1; d >= 0; d--) {
      int64_t move = ++place[d] == p->size[d] ? 1 - p->size[d] : 1;
      for (int k = 0; k < p->n; k++) data[k] = (char *) data[k] + move * p->stride[k][d] * p->bytes[k];
      if (move == 1) break;
      place[d] = 0;
    }
  }
}

static void part_piece(void *context, int64_t begin, int64_t end) {
  const plan *p = context;
  void *data[TCH_ITER_MAX];
  for (int k = 0; k < p->n; k++) data[k] = p->data[k] + begin * p->step[k] * p->bytes[k];
  p->row(p->context, end - begin, data, p->step);
}

static void run_plan(plan *p) {
  int64_t rows = 1;
  for (int d = 0; d < p->ndim; d++) rows *= p->size[d];
  if (rows == 1) tch_parallel(p->length, GRAIN, part_piece, p);
  else tch_parallel(rows, p->length >= GRAIN ? 1 : GRAIN / p->length, rows_piece, p);
}

static int64_t tiles_of(int64_t n, int64_t each) { return (n + each - 1) / each; }

/* Does operand k walk along rows in long steps, and across them in short ones? */
static bool crosses(const plan *p, int k) {
  int64_t across = llabs(p->stride[k][p->ndim - 1]), along = llabs(p->step[k]);
  return k > 0 && across > 0 && across < along && along >= LINE;
}

static bool any_crosses(const plan *p) {
  if (p->ndim == 0 || p->length < NEAR) return false;
  for (int k = 1; k < p->n; k++)
    if (crosses(p, k)) return true;
  return false;
}

/* Asks for the cache lines of `bytes` bytes at `offset` bytes from p, which may lie outside of the tensor. */
static inline void fetch(const void *p, int64_t offset, int64_t bytes) {
  for (uintptr_t at = (uintptr_t) p + (uintptr_t) offset, end = at + (uintptr_t) bytes; at < end; at += 64)
    __builtin_prefetch((const void *) at);
}

/* to[m * TILE + i] = from[i * along + m * across] for elements of `bytes` each: reads in the order of memory. */
static void pack(int64_t n, int64_t rows, int64_t bytes, const char *from, int64_t along, int64_t across, char *to) {
  if (across == 1) {
    for (int64_t i = 0; i < n; i++) fetch(from, (i + TILE) * along * bytes, rows * bytes); /* the next tile's */
    tch_turn(bytes, n, rows, to, TILE, from, along);
    return;
  }
#define PACK(T)                          \
  for (int64_t i = 0; i < n; i++)        \
    for (int64_t m = 0; m < rows; m++) ((T *) to)[m * TILE + i] = ((const T *) from)[i * along + m * across];
  switch (bytes) {
    case 1: PACK(uint8_t) break;
    case 2: PACK(uint16_t) break;
    case 4: PACK(uint32_t) break;
    default: PACK(uint64_t) break;
  }
#undef PACK
}

/* Rows of a tile, by the widest operand that crosses. */
static int64_t tile_rows(const plan *p) {
  int64_t bytes = 1;
  for (int k = 1; k < p->n; k++)
    if (crosses(p, k) && p->bytes[k] > bytes) bytes = p->bytes[k];
  return NEAR / bytes;
}

/* Tiles [begin, end): TILE entries of `high` neighbouring rows. An operand that crosses the rows is turned into their direction
 * first, so that every cache line is read once. */
static void tile_piece(void *context, int64_t begin, int64_t end) {
  const plan *p = context;
  _Alignas(64) char turned[TCH_ITER_MAX][TILE * NEAR];
  int last = p->ndim - 1;
  int64_t high = tile_rows(p);
  int64_t tiles_along = tiles_of(p->length, TILE), tiles_across = tiles_of(p->size[last], high);
  int64_t step[TCH_ITER_MAX], next[TCH_ITER_MAX];
  for (int k = 0; k < p->n; k++) {
    step[k] = crosses(p, k) ? 1 : p->step[k];
    next[k] = (crosses(p, k) ? TILE : p->stride[k][last]) * p->bytes[k];
  }
  for (int64_t t = begin; t < end; t++) {
    int64_t i = t % tiles_along * TILE, r = t / tiles_along % tiles_across * high, outer = t / tiles_along / tiles_across;
    int64_t n = p->length - i < TILE ? p->length - i : TILE, rows = p->size[last] - r < high ? p->size[last] - r : high;
    void *data[TCH_ITER_MAX];
    for (int k = 0; k < p->n; k++) {
      int64_t at = i * p->step[k] + r * p->stride[k][last], place = outer;
      for (int d = last - 1; d >= 0; d--) at += place % p->size[d] * p->stride[k][d], place /= p->size[d];
      data[k] = p->data[k] + at * p->bytes[k];
      if (!crosses(p, k)) continue;
      pack(n, rows, p->bytes[k], data[k], p->step[k], p->stride[k][last], turned[k]);
      data[k] = turned[k];
    }
    for (int64_t m = 0; m < rows; m++) {
      p->row(p->context, n, data, step);
      // cppcheck-suppress uninitvar ; the loop above gave each of the p->n a value
      for (int k = 0; k < p->n; k++) data[k] = (char *) data[k] + next[k];
    }
  }
}

static void run_tiles(plan *p) {
  int64_t high = tile_rows(p), tiles = tiles_of(p->length, TILE) * tiles_of(p->size[p->ndim - 1], high);
  for (int d = 0; d < p->ndim - 1; d++) tiles *= p->size[d];
  tch_parallel(tiles, GRAIN / (TILE * high), tile_piece, p);
}

/* One row of everything, if all operands lie alike and without gaps. */
static bool run_flat(const tch_shape *shape, tch_tensor *const *operand, int n, tch_row row, void *context) {
  plan p;
  p.row = row;
  p.context = context;
  p.n = n;
  p.length = tch_shape_count(shape);
  for (int k = 0; k < n; k++) {
    if (operand[k]->count != p.length || !tch_tensor_contiguous(operand[k])) return false;
    p.data[k] = tch_tensor_data(operand[k]);
    p.bytes[k] = tch_dtype_bytes(operand[k]->type);
    p.step[k] = 1;
  }
  tch_parallel(p.length, GRAIN, part_piece, &p);
  return true;
}

/* Short rows cost more than a copy of the operands that break them: copies them, and goes on. False: nothing was done. */
static bool run_copies(const tch_shape *shape, tch_tensor *const *operand, int n, tch_row row, void *context) {
  tch_tensor *straight[TCH_ITER_MAX], *copy[TCH_ITER_MAX] = {NULL};
  bool changed = false;
  for (int k = 0; k < n; k++) {
    straight[k] = operand[k];
    if (k == 0 || operand[k]->count != operand[0]->count || tch_tensor_contiguous(operand[k])) continue;
    if (tch_tensor_new(operand[k]->type, operand[k]->ndim, operand[k]->size, &copy[k]) != TCH_OK) continue;
    if (tch_tensor_copy(copy[k], operand[k]) == TCH_OK) straight[k] = copy[k], changed = true;
  }
  if (changed) tch_iterate(shape, straight, n, row, context);
  for (int k = 1; k < n; k++) tch_tensor_release(copy[k]);
  return changed;
}

void tch_iterate(const tch_shape *shape, tch_tensor *const *operand, int n, tch_row row, void *context) {
  if (run_flat(shape, operand, n, row, context)) return;
  plan p = {.row = row, .context = context, .n = n};
  int64_t count = tch_shape_count(shape);
  if (count == 0) return;
  for (int k = 0; k < n; k++) {
    p.data[k] = tch_tensor_data(operand[k]);
    p.bytes[k] = tch_dtype_bytes(operand[k]->type);
  }
  int m = merge(shape, operand, n, p.size, p.stride);
  p.ndim = m > 0 ? m - 1 : 0;
  p.length = m > 0 ? p.size[m - 1] : 1;
  for (int k = 0; k < n; k++) p.step[k] = m > 0 ? p.stride[k][m - 1] : 1;
  bool breaks = p.ndim > 0 && p.length < NEAR && count >= MANY && tch_tensor_contiguous(operand[0]);
  if (breaks && run_copies(shape, operand, n, row, context)) return;
  if (any_crosses(&p)) run_tiles(&p);
  else run_plan(&p);
}
