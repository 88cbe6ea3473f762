/* Iteration over operands of one broadcast shape. A kernel takes planes: rows of a few dozen elements or more without gaps, or rows
 * that lie alike in all operands. Where the operands do not lie so, the elements are cut into boxes, and what has gaps or
 * another order is packed into a block that stays in the nearest cache: the kernel runs over blocks, and a block of results is
 * moved to its places. */
#include "core/iter.h"
#include "core/box.h"
#include "core/thread.h"
#include "kernel/pitch.h"
#include <stdlib.h>
#include <string.h>

enum {
  GRAIN = 1 << 15,  /* elements a piece of work should have */
  RUN = 32,         /* elements of a row that are worth a call */
  LONG = 16,       /* the same in a box, whose rows lie apart: moves wait for several lines of memory at once */
  FEW = 64,         /* elements that are not worth a plan */
  BOX = 4096,       /* elements of a box */
  SPAN = 4096,      /* places of a block with gaps */
  LINE = 256,       /* bytes of a few cache lines: memory gives neighbours together */
  FAR = 20 << 20,   /* bytes of all operands, most of the last cache */
  WORD = 8,         /* bytes of the widest element */
  APART = 320       /* bytes between blocks, so that equal places in two do not meet in a cache */
};

/* Dimensions from the innermost. */
typedef struct plan {
  tch_plane plane; /* NULL: `row` takes the rows */
  tch_row row;
  void *context;
  int n, ndim, places; /* operands, dimensions, as tch_iterate_planes takes them */
  bool far; /* no cache holds the operands */
  int64_t size[TCH_MAX_DIMS], extent[TCH_MAX_DIMS]; /* of everything, of a box */
  int64_t stride[TCH_ITER_MAX][TCH_MAX_DIMS], bytes[TCH_ITER_MAX];
  char *data[TCH_ITER_MAX];
  int order[TCH_MAX_DIMS]; /* of the elements in a block, the innermost dimension first */
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

/* Fills in the dimensions; neighbours that every operand steps through alike become one. */
static void merge(plan *p, const tch_shape *shape, tch_tensor *const *operand) {
  int order[TCH_MAX_DIMS], m = 0;
  order_dimensions(operand[0], shape, order);
  for (int i = shape->ndim - 1; i >= 0; i--) {
    int64_t s = shape->size[order[i]], stride[TCH_ITER_MAX];
    if (s == 1) continue;
    bool joins = m > 0;
    for (int k = 0; k < p->n; k++) {
      stride[k] = stride_of(operand[k], order[i], shape->ndim);
      joins = joins && stride[k] == p->size[m - 1] * p->stride[k][m - 1];
    }
    if (joins) {
      p->size[m - 1] *= s;
      continue;
    }
    for (int k = 0; k < p->n; k++) p->stride[k][m] = stride[k];
    p->size[m++] = s;
  }
  if (m == 0) {
    for (int k = 0; k < p->n; k++) p->stride[k][0] = 1;
    p->size[m++] = 1;
  }
  p->ndim = m;
}

/* -- planes where the operands lie -------------------------------------------------------------------------------------------- */

static void call(const plan *p, int64_t n, int64_t rows, void *const *data, const int64_t *step, const int64_t *next) {
  if (p->plane) {
    p->plane(p->context, n, rows, data, step, next);
    return;
  }
  void *at[TCH_ITER_MAX];
  for (int64_t r = 0; r < rows; r++) {
    for (int k = 0; k < p->n; k++) at[k] = (char *) data[k] + r * next[k] * p->bytes[k];
    p->row(p->context, n, at, step);
  }
}

/* Rows [begin, end) of the innermost dimension. */
static void rows_piece(void *context, int64_t begin, int64_t end) {
  const plan *p = context;
  int64_t step[TCH_ITER_MAX], next[TCH_ITER_MAX];
  void *data[TCH_ITER_MAX];
  for (int k = 0; k < p->n; k++) step[k] = p->stride[k][0], next[k] = p->stride[k][1];
  for (int64_t r = begin, rows; r < end; r += rows) {
    int64_t left = r;
    rows = p->size[1] - r % p->size[1];
    if (rows > end - r) rows = end - r;
    for (int k = 0; k < p->n; k++) data[k] = p->data[k];
    for (int d = 1; d < p->ndim; d++) {
      for (int k = 0; k < p->n; k++) data[k] = (char *) data[k] + left % p->size[d] * p->stride[k][d] * p->bytes[k];
      left /= p->size[d];
    }
    call(p, p->size[0], rows, data, step, next);
  }
}

static void part_piece(void *context, int64_t begin, int64_t end) {
  const plan *p = context;
  void *data[TCH_ITER_MAX];
  int64_t step[TCH_ITER_MAX];
  for (int k = 0; k < p->n; k++) step[k] = p->stride[k][0], data[k] = p->data[k] + begin * step[k] * p->bytes[k];
  call(p, end - begin, 1, data, step, step);
}

static void run_planes(plan *p) {
  int64_t rows = 1;
  for (int d = 1; d < p->ndim; d++) rows *= p->size[d];
  if (rows == 1) tch_parallel(p->size[0], GRAIN, part_piece, p);
  else tch_parallel(rows, p->size[0] >= GRAIN ? 1 : GRAIN / p->size[0], rows_piece, p);
}

/* -- boxes ------------------------------------------------------------------------------------------------------------------ */

/* What a kernel gets of one operand in a box. */
typedef struct part {
  bool packed; /* in a block, in the order of the box */
  bool direct; /* brought into the result's places, where the kernel works then: wide elements leave the nearest cache */
  int64_t stride[TCH_MAX_DIMS]; /* as the kernel sees it */
  tch_box_mover mover; /* into the block, or back */
} part;

/* Strides of a block of a box of these sizes. */
static void form_of(const plan *p, const int64_t *size, int64_t *form) {
  int64_t next = 1;
  for (int i = 0; i < p->ndim; i++) {
    form[p->order[i]] = next;
    next *= size[p->order[i]];
  }
}

/* Does operand k lie so that the kernel can take it from there: all of it, or in rows that are long enough? */
static bool fits(const plan *p, int k, const int64_t *size, const int64_t *form) {
  const int64_t *stride = p->stride[k];
  int64_t follows = 1, constant = 1;
  for (int i = 0, d; i < p->ndim; i++) {
    d = p->order[i];
    if (size[d] == 1) continue;
    if (follows == form[d]) follows *= stride[d] == form[d] ? size[d] : 1;
    if (constant == form[d] && k > 0) constant *= stride[d] == 0 ? size[d] : 1;
  }
  int64_t all = 1;
  for (int d = 0; d < p->ndim; d++) all *= size[d];
  return follows >= LONG || constant >= LONG || follows == all || constant == all;
}

/* Calls the kernel for the planes of a box: dimensions that follow each other in all operands become one. */
static void box_calls(const plan *p, const int64_t *box, const part *part, void **data) {
  int64_t size[TCH_MAX_DIMS], step[TCH_MAX_DIMS][TCH_ITER_MAX], place[TCH_MAX_DIMS];
  int m = 0;
  for (int i = 0; i < p->ndim; i++) {
    int d = p->order[i];
    if (box[d] == 1) continue;
    bool joins = m > 0;
    for (int k = 0; k < p->n && joins; k++) joins = part[k].stride[d] == step[m - 1][k] * size[m - 1];
    if (joins) {
      size[m - 1] *= box[d];
      continue;
    }
    for (int k = 0; k < p->n; k++) step[m][k] = part[k].stride[d];
    size[m++] = box[d];
  }
  for (; m < 2; m++) {
    size[m] = 1;
    for (int k = 0; k < p->n; k++) step[m][k] = 0;
  }
  for (int d = 2; d < m; d++) { /* many rows in a call */
    place[d] = 0;
    if (size[d] <= size[1]) continue;
    int64_t other = size[1], steps[TCH_ITER_MAX];
    size[1] = size[d], size[d] = other;
    memcpy(steps, step[1], sizeof steps), memcpy(step[1], step[d], sizeof steps), memcpy(step[d], steps, sizeof steps);
  }
  for (int d = 2;;) {
    call(p, size[0], size[1], data, step[0], step[1]);
    for (d = 2; d < m; d++) {
      int64_t move = ++place[d] == size[d] ? 1 - size[d] : 1;
      for (int k = 0; k < p->n; k++) data[k] = (char *) data[k] + move * step[d][k] * p->bytes[k];
      if (move == 1) break;
      place[d] = 0;
    }
    if (d >= m) return;
  }
}

/* Makes ready for boxes of these sizes. */
static void take_parts(const plan *p, const int64_t *size, part *parts) {
  int64_t form[TCH_MAX_DIMS];
  form_of(p, size, form);
  bool direct = p->n == 2 && p->bytes[0] == WORD && p->bytes[1] == WORD && !p->far && p->data[1] != p->data[0];
  for (int k = 0; k < p->n; k++) {
    part *t = &parts[k];
    t->packed = !fits(p, k, size, form);
    t->direct = t->packed && k == 1 && direct && !parts[0].packed;
    const int64_t *block = t->direct ? p->stride[0] : form;
    memcpy(t->stride, t->packed ? block : p->stride[k], sizeof *form * (size_t) p->ndim);
    if (t->packed) tch_box_ready(&t->mover, p->bytes[k], p->ndim, size, k ? block : p->stride[k], k ? p->stride[k] : block);
  }
}

/* Asks for the lines of operand k in a box, before the moves of others. */
static void ask(const plan *p, const int64_t *size, const part *t, int k, const char *at) {
  int64_t place[TCH_MAX_DIMS], run = 1;
  int first = 0;
  for (int i = 0; i < p->ndim; i++) place[i] = 0;
  for (; first < p->ndim && t->stride[p->order[first]] == run; first++) run *= size[p->order[first]];
  if (run < LONG) return; /* a constant */
  for (int i;;) {
    for (int64_t b = 0; b < run * p->bytes[k]; b += 64) __builtin_prefetch(at + b);
    for (i = first; i < p->ndim; i++) {
      int d = p->order[i];
      at += t->stride[d] * p->bytes[k];
      if (++place[d] < size[d]) break;
      at -= t->stride[d] * size[d] * p->bytes[k];
      place[d] = 0;
    }
    if (i == p->ndim) return;
  }
}

static void box_piece(void *context, int64_t begin, int64_t end) {
  const plan *p = context;
  _Alignas(64) char block[TCH_ITER_MAX][BOX * WORD + APART];
  part parts[TCH_ITER_MAX];
  tch_box_walk walk;
  bool ready = false, far = p->far; /* ready: for whole boxes */
  tch_box_start(&walk, p->ndim, p->size, p->extent, begin);
  for (int64_t b = begin; b < end; b++, tch_box_next(&walk)) {
    int64_t size[TCH_MAX_DIMS], first[TCH_MAX_DIMS];
    char *at[TCH_ITER_MAX];
    void *data[TCH_ITER_MAX];
    bool whole = tch_box_here(&walk, first, size);
    if (!whole || !ready) take_parts(p, size, parts);
    ready = whole;
    for (int k = 0; k < p->n; k++) {
      at[k] = p->data[k];
      for (int d = 0; d < p->ndim; d++) at[k] += first[d] * p->stride[k][d] * p->bytes[k];
      data[k] = parts[k].direct ? at[0] : parts[k].packed ? block[k] : at[k];
      if (far && !parts[k].packed) ask(p, size, &parts[k], k, at[k]);
    }
    for (int k = 1; k < p->n; k++)
      if (parts[k].packed) tch_box_run(&parts[k].mover, data[k], at[k]);
    box_calls(p, size, parts, data);
    if (parts[0].packed) tch_box_run(&parts[0].mover, at[0], block[0]);
  }
}

static void run_boxes(plan *p) {
  int64_t each = 1;
  for (int d = 0; d < p->ndim; d++) each *= p->extent[d];
  tch_parallel(tch_box_count(p->ndim, p->size, p->extent), each >= GRAIN ? 1 : GRAIN / each, box_piece, p);
}

/* The order of operand k's dimensions, from the densest on. */
static void order_of(const plan *p, int k, int *order) {
  const int64_t *s = p->stride[k];
  for (int d = 0; d < p->ndim; d++) {
    int i = d;
    for (; i > 0 && s[d] != 0 && (s[order[i - 1]] == 0 || llabs(s[order[i - 1]]) > llabs(s[d])); i--) order[i] = order[i - 1];
    order[i] = d;
  }
}

/* The dimension of the box in which these strides are shortest. */
static int densest(const plan *p, const int64_t *stride) {
  int best = -1;
  for (int d = 0; d < p->ndim; d++)
    if (p->extent[d] > 1 && stride[d] != 0 && (best < 0 || llabs(stride[d]) < llabs(stride[best]))) best = d;
  return best;
}

/* What the moves of a box cost in this order: a transposition is twice a move of rows. */
static int moves(const plan *p) {
  int64_t form[TCH_MAX_DIMS];
  int cost = 0;
  form_of(p, p->extent, form);
  for (int k = 0; k < p->n; k++)
    if (!fits(p, k, p->extent, form)) cost += densest(p, p->stride[k]) == densest(p, form) ? 1 : 2;
  return cost;
}

/* Chooses the order of elements in blocks that takes the fewest moves. */
static void choose_order(plan *p, int64_t count) {
  int best[TCH_MAX_DIMS], least = 0;
  for (int d = 0; d < p->ndim; d++) best[d] = p->order[d] = d;
  if (p->ndim == 1 || count < BOX) return; /* not worth the search */
  for (int k = -1; k < p->n && (k < 0 || least > (p->n == 2 ? 2 : 1)); k++) {
    if (k >= 0) order_of(p, k, p->order);
    bool same = k >= 0;
    for (int d = 0; d < p->ndim; d++) same = same && p->order[d] == best[d];
    if (same) continue;
    int cost = moves(p);
    if (k >= 0 && cost >= least) continue;
    least = cost;
    for (int d = 0; d < p->ndim; d++) best[d] = p->order[d];
  }
  for (int d = 0; d < p->ndim; d++) p->order[d] = best[d];
}

/* -- gaps that are computed too --------------------------------------------------------------------------------------------- */

/* Rows of n elements (1: single ones), `pitch` places apart along a dimension, lie alike in several operands, and without gaps in
 * the result and the other operands, which a block holds with gaps. */
typedef struct gaps {
  const plan *p;
  int along;
  int64_t n, pitch, rows, pieces, outer; /* rows and pieces of the dimension, how often it comes */
  bool moves[TCH_ITER_MAX], one[TCH_ITER_MAX]; /* one: a number for all */
} gaps;

/* Sees whether there are such rows, where to compute in the gaps costs less than to bring the operands together. */
static bool find_gaps(const plan *p, gaps *g) {
  int alike = 0, places = abs(p->places);
  g->p = p, g->pitch = 0;
  for (int k = 1; k < p->n && g->pitch == 0; k++) {
    const int64_t *stride = p->stride[k];
    g->along = stride[0] == 1 && p->ndim > 1 && p->size[0] < LONG;
    g->n = g->along ? p->size[0] : 1;
    if (stride[g->along] > g->n) g->pitch = stride[g->along];
  }
  if (g->pitch == 0 || g->pitch > places * g->n || g->pitch > TCH_PITCH || p->size[g->along] * g->n < FEW) return false;
  for (int k = 0; k < p->n; k++) {
    const int64_t *stride = p->stride[k];
    bool whole = !g->along || stride[0] == 1, lies = k > 0 && whole && stride[g->along] == g->pitch;
    g->one[k] = k > 0 && stride[0] == 0 && stride[g->along] == 0;
    g->moves[k] = whole && stride[g->along] == g->n;
    if (!lies && !g->one[k] && !g->moves[k]) return false;
    alike += lies;
  }
  if (alike < 2 || (g->along && p->bytes[0] == 1)) return false; /* bytes of short rows move slowly */
  g->rows = SPAN / (p->bytes[0] == WORD ? 2 : 1) / g->pitch / 16 * 16; /* all in the nearest cache */
  if (g->rows > p->size[g->along]) g->rows = p->size[g->along];
  g->pieces = (p->size[g->along] + g->rows - 1) / g->rows;
  g->outer = 1;
  for (int d = g->along + 1; d < p->ndim; d++) g->outer *= p->size[d];
  return true;
}

/* How many places before `at` the operands that stay where they lie begin on a boundary of vectors and can be read from there. */
static int64_t lead_of(const gaps *g, char *const *at) {
  int64_t lead = -1;
  for (int k = 1; k < g->p->n; k++) {
    if (g->moves[k] || g->one[k]) continue;
    if (lead < 0) lead = (int64_t) ((uintptr_t) at[k] % 64) / g->p->bytes[k];
    if (at[k] - lead * g->p->bytes[k] < g->p->data[k]) return 0;
  }
  return lead;
}

static void gaps_piece(void *context, int64_t begin, int64_t end) {
  const gaps *g = context;
  const plan *p = g->p;
  _Alignas(64) char block[TCH_ITER_MAX][SPAN * WORD + APART];
  tch_box_mover mover[TCH_ITER_MAX];
  int64_t ready = 0, step[TCH_ITER_MAX];
  const int64_t dense[] = {1, g->n}, apart[] = {1, g->pitch};
  for (int k = 0; k < p->n; k++) step[k] = !g->one[k];
  for (int64_t i = begin; i < end; i++) {
    int64_t first = i % g->pieces * g->rows, left = i / g->pieces, rows = p->size[g->along] - first;
    void *data[TCH_ITER_MAX];
    char *at[TCH_ITER_MAX];
    if (rows > g->rows) rows = g->rows;
    for (int k = 0; k < p->n; k++) at[k] = p->data[k] + first * p->stride[k][g->along] * p->bytes[k];
    for (int d = g->along + 1; left > 0; left /= p->size[d++])
      for (int k = 0; k < p->n; k++) at[k] += left % p->size[d] * p->stride[k][d] * p->bytes[k];
    int64_t lead = lead_of(g, at);
    for (int k = 0; k < p->n; k++) {
      data[k] = g->moves[k] ? block[k] : at[k] - (g->one[k] ? 0 : lead * p->bytes[k]);
      if (g->moves[k] && rows != ready)
        tch_box_ready(&mover[k], p->bytes[k], 2, (int64_t[]) {g->n, rows}, k ? apart : dense, k ? dense : apart);
      if (g->moves[k] && k > 0) tch_box_run(&mover[k], block[k] + lead * p->bytes[k], at[k]);
    }
    ready = rows;
    call(p, lead + (rows - 1) * g->pitch + g->n, 1, data, step, step);
    tch_box_run(&mover[0], at[0], block[0] + lead * p->bytes[0]);
  }
}

static void run_gaps(gaps *g) {
  int64_t each = g->rows * g->n;
  tch_parallel(g->outer * g->pieces, each >= GRAIN ? 1 : GRAIN / each, gaps_piece, g);
}

/* -- the choice --------------------------------------------------------------------------------------------------------------- */

static bool combed(const plan *p) {
  int64_t step[TCH_ITER_MAX], next[TCH_ITER_MAX], rows = p->ndim > 1 ? p->size[1] : 1;
  bool single;
  if (p->places <= 1 || (p->size[0] < RUN && rows < RUN)) return false;
  for (int k = 0; k < p->n; k++) step[k] = p->stride[k][0], next[k] = p->ndim > 1 ? p->stride[k][1] : 0;
  return tch_comb_pitch(p->n - 1, p->size[0], rows, step, next, p->places, &single) > 0 && (!single || p->size[0] >= RUN);
}

/* Can the kernel take all operands as they lie? */
static bool in_place(const plan *p, int64_t count) {
  bool rows = p->size[0] >= RUN;
  for (int k = 0; k < p->n; k++) rows = rows && (p->stride[k][0] == 1 || (k > 0 && p->stride[k][0] == 0));
  return rows || count < FEW || combed(p);
}

/* Are all operands densest along dimension 0? */
static bool in_order(const plan *p) {
  for (int k = 0; k < p->n; k++)
    for (int d = 1; d < p->ndim; d++)
      if (p->stride[k][d] != 0 && llabs(p->stride[k][d]) < llabs(p->stride[k][0])) return false;
  return true;
}

static void cut(plan *p, int64_t count) {
  int64_t bytes = p->bytes[0];
  for (int k = 1; k < p->n; k++) bytes += p->data[k] == p->data[0] ? 0 : p->bytes[k];
  p->far = count * bytes >= FAR;
  tch_grid_view view[TCH_ITER_MAX];
  int64_t most = BOX;
  for (int k = 0; k < p->n; k++) view[k] = (tch_grid_view) {p->stride[k], p->bytes[k]};
  if (p->bytes[p->n - 1] == WORD && in_order(p)) most /= 2; /* combs of wide elements: all their blocks in the nearest cache */
  tch_box_extents(p->n, view, p->ndim, p->size, LINE, most, p->extent);
  choose_order(p, count);
}

/* -- the calls ---------------------------------------------------------------------------------------------------------------- */

/* One row of everything, if all operands lie alike and without gaps. */
static bool run_flat(plan *p, const tch_shape *shape, tch_tensor *const *operand) {
  p->size[0] = tch_shape_count(shape);
  for (int k = 0; k < p->n; k++) {
    if (operand[k]->count != p->size[0] || !tch_tensor_contiguous(operand[k])) return false;
    p->data[k] = tch_tensor_data(operand[k]);
    p->bytes[k] = tch_dtype_bytes(operand[k]->type);
    p->stride[k][0] = 1;
  }
  tch_parallel(p->size[0], GRAIN, part_piece, p);
  return true;
}

/* Element by element, the last dimension first: results on top of each other see those before them, as in Torch7. */
static void run_in_order(const plan *p, const tch_shape *shape, tch_tensor *const *operand) {
  int64_t place[TCH_MAX_DIMS] = {0}, step[TCH_ITER_MAX];
  void *data[TCH_ITER_MAX];
  for (int k = 0; k < p->n; k++) step[k] = 1, data[k] = p->data[k];
  for (int d;;) {
    call(p, 1, 1, data, step, step);
    for (d = shape->ndim - 1; d >= 0; d--) {
      int64_t move = ++place[d] == shape->size[d] ? 1 - shape->size[d] : 1;
      for (int k = 0; k < p->n; k++) data[k] = (char *) data[k] + move * stride_of(operand[k], d, shape->ndim) * p->bytes[k];
      if (move == 1) break;
      place[d] = 0;
    }
    if (d < 0) return;
  }
}

static void iterate(plan *p, const tch_shape *shape, tch_tensor *const *operand) {
  int64_t count = tch_shape_count(shape);
  if (run_flat(p, shape, operand) || count == 0) return;
  for (int k = 0; k < p->n; k++) {
    p->data[k] = tch_tensor_data(operand[k]);
    p->bytes[k] = tch_dtype_bytes(operand[k]->type);
  }
  if (tch_tensor_repeats(operand[0])) {
    run_in_order(p, shape, operand);
    return;
  }
  merge(p, shape, operand);
  if (in_place(p, count)) {
    run_planes(p);
    return;
  }
  gaps g;
  if (find_gaps(p, &g)) {
    run_gaps(&g);
    return;
  }
  cut(p, count);
  run_boxes(p);
}

void tch_iterate(const tch_shape *shape, tch_tensor *const *operand, int n, tch_row row, void *context) {
  plan p;
  p.plane = NULL, p.row = row, p.context = context, p.n = n, p.places = 1;
  iterate(&p, shape, operand);
}

void tch_iterate_planes(const tch_shape *shape, tch_tensor *const *operand, int n, tch_plane plane, void *context, int places) {
  plan p;
  p.plane = plane, p.row = NULL, p.context = context, p.n = n, p.places = places;
  iterate(&p, shape, operand);
}
