/* Iteration over operands of one broadcast shape. A kernel is fast on long rows without gaps. Where the operands do not lie so,
 * the elements are cut into boxes, and what has gaps or another order is packed into a block that stays in the nearest cache: the
 * kernel runs over blocks, and a block of results is moved to its places. */
#include "core/iter.h"
#include "core/box.h"
#include "core/thread.h"
#include <stdlib.h>
#include <string.h>

enum {
  GRAIN = 1 << 15,  /* elements a piece of work should have */
  LONG = 256,       /* entries of a row that are worth a call */
  FEW = 64,         /* elements that are not worth a plan */
  BOX = 4096,       /* elements of a box */
  LINE = 256,       /* bytes of a few cache lines: memory gives neighbours together */
  THIN = 3,         /* places for an element up to which a form keeps its gaps */
  WORD = 8          /* bytes of the widest element */
};

/* Dimensions from the innermost. */
typedef struct plan {
  tch_row row;
  void *context;
  int n, ndim; /* operands, dimensions */
  int64_t size[TCH_MAX_DIMS], extent[TCH_MAX_DIMS]; /* of everything, of a box */
  int64_t stride[TCH_ITER_MAX][TCH_MAX_DIMS], bytes[TCH_ITER_MAX];
  char *data[TCH_ITER_MAX];
  /* The order of elements in a block: that of an operand, whose dimensions are listed here from the densest on; with its own
   * strides, and so with its gaps, or without gaps. */
  int form, order[TCH_MAX_DIMS];
  bool gaps;
  bool rows; /* the kernel is called for each row of a box, not for the box */
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

/* -- rows of the innermost dimension, where the operands lie ----------------------------------------------------------------- */

static void rows_piece(void *context, int64_t begin, int64_t end) {
  const plan *p = context;
  int64_t place[TCH_MAX_DIMS], step[TCH_ITER_MAX];
  void *data[TCH_ITER_MAX];
  int64_t left = begin;
  for (int k = 0; k < p->n; k++) data[k] = p->data[k], step[k] = p->stride[k][0];
  for (int d = 1; d < p->ndim; d++) {
    place[d] = left % p->size[d];
    left /= p->size[d];
    for (int k = 0; k < p->n; k++) data[k] = (char *) data[k] + place[d] * p->stride[k][d] * p->bytes[k];
  }
  for (int64_t r = begin; r < end; r++) {
    p->row(p->context, p->size[0], data, step);
    for (int d = 1; d < p->ndim; d++) {
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
  int64_t step[TCH_ITER_MAX];
  for (int k = 0; k < p->n; k++) step[k] = p->stride[k][0], data[k] = p->data[k] + begin * step[k] * p->bytes[k];
  p->row(p->context, end - begin, data, step);
}

static void run_rows(plan *p) {
  int64_t rows = 1;
  for (int d = 1; d < p->ndim; d++) rows *= p->size[d];
  if (rows == 1) tch_parallel(p->size[0], GRAIN, part_piece, p);
  else tch_parallel(rows, p->size[0] >= GRAIN ? 1 : GRAIN / p->size[0], rows_piece, p);
}

/* -- boxes ------------------------------------------------------------------------------------------------------------------ */

/* What a kernel gets of one operand in one box. */
typedef struct part {
  bool packed; /* in a block, in the order of the box */
  int64_t step, stride[TCH_MAX_DIMS]; /* as the kernel sees it */
} part;

static int64_t span_of(const plan *p, const int64_t *size, const int64_t *stride) {
  int64_t span = 1;
  for (int d = 0; d < p->ndim; d++) span += (size[d] - 1) * stride[d];
  return span;
}

/* Strides of a block of a box of these sizes. */
static void form_of(const plan *p, const int64_t *size, int64_t *form) {
  int64_t next = 1;
  for (int i = 0; i < p->ndim; i++) {
    int d = p->order[i];
    form[d] = p->gaps ? p->stride[p->form][d] : next;
    next *= size[d];
  }
}

static bool follows(const plan *p, int k, const int64_t *size, const int64_t *form) {
  for (int d = 0; d < p->ndim; d++)
    if (size[d] > 1 && p->stride[k][d] != form[d]) return false;
  return true;
}

static bool constant(const plan *p, int k, const int64_t *size) {
  for (int d = 0; d < p->ndim; d++)
    if (size[d] > 1 && p->stride[k][d] != 0) return false;
  return true;
}

static void take_part(const plan *p, int k, const int64_t *size, const int64_t *form, part *t) {
  bool same = k > 0 && constant(p, k, size), fits = p->rows ? p->stride[k][0] == 1 : follows(p, k, size, form);
  t->packed = (!same && !fits) || (k == 0 && p->gaps); /* nothing is written between the elements of the result */
  t->step = same ? 0 : 1;
  for (int d = 0; d < p->ndim; d++) t->stride[d] = t->packed ? form[d] : p->stride[k][d];
}

/* Calls the kernel for every row of a box: the rest of the dimensions are walked. */
static void row_calls(const plan *p, const int64_t *size, const part *part, void **data, const int64_t *step) {
  int64_t place[TCH_MAX_DIMS] = {0};
  for (int d = 1;;) {
    p->row(p->context, size[0], data, step);
    for (d = 1; d < p->ndim; d++) {
      int64_t move = ++place[d] == size[d] ? 1 - size[d] : 1;
      for (int k = 0; k < p->n; k++) data[k] = (char *) data[k] + move * part[k].stride[d] * p->bytes[k];
      if (move == 1) break;
      place[d] = 0;
    }
    if (d >= p->ndim) return;
  }
}

/* One box: its sizes, and where its first elements lie. */
static void place_box(const plan *p, int64_t box, int64_t *size, char **at) {
  for (int k = 0; k < p->n; k++) at[k] = p->data[k];
  for (int d = 0; d < p->ndim; d++) {
    int64_t boxes = (p->size[d] + p->extent[d] - 1) / p->extent[d], first = box % boxes * p->extent[d];
    box /= boxes;
    size[d] = p->size[d] - first < p->extent[d] ? p->size[d] - first : p->extent[d];
    for (int k = 0; k < p->n; k++) at[k] += first * p->stride[k][d] * p->bytes[k];
  }
}

static void box_piece(void *context, int64_t begin, int64_t end) {
  const plan *p = context;
  _Alignas(64) char block[TCH_ITER_MAX][BOX * WORD];
  for (int64_t b = begin; b < end; b++) {
    int64_t size[TCH_MAX_DIMS], form[TCH_MAX_DIMS], step[TCH_ITER_MAX];
    char *at[TCH_ITER_MAX];
    void *data[TCH_ITER_MAX];
    part part[TCH_ITER_MAX];
    place_box(p, b, size, at);
    form_of(p, size, form);
    for (int k = 0; k < p->n; k++) {
      take_part(p, k, size, form, &part[k]);
      data[k] = part[k].packed ? block[k] : at[k];
      step[k] = part[k].step;
      if (k > 0 && part[k].packed) tch_box_move(p->bytes[k], p->ndim, size, block[k], part[k].stride, at[k], p->stride[k]);
    }
    if (p->rows) row_calls(p, size, part, data, step);
    else p->row(p->context, span_of(p, size, form), data, step);
    if (part[0].packed) tch_box_move(p->bytes[0], p->ndim, size, at[0], p->stride[0], block[0], part[0].stride);
  }
}

static void run_boxes(plan *p) {
  int64_t boxes = 1, each = 1;
  for (int d = 0; d < p->ndim; d++) boxes *= (p->size[d] + p->extent[d] - 1) / p->extent[d], each *= p->extent[d];
  tch_parallel(boxes, each >= GRAIN ? 1 : GRAIN / each, box_piece, p);
}

/* Takes the form from operand k, its dimensions from the densest on. */
static void take_form(plan *p, int k) {
  const int64_t *s = p->stride[k];
  p->form = k;
  for (int d = 0; d < p->ndim; d++) {
    int i = d;
    for (; i > 0 && s[d] != 0 && (s[p->order[i - 1]] == 0 || llabs(s[p->order[i - 1]]) > llabs(s[d])); i--)
      p->order[i] = p->order[i - 1];
    p->order[i] = d;
  }
}

/* Shortens the box until the form with its gaps fits into a block; false where that leaves little, or too many gaps. */
static bool keep_gaps(plan *p) {
  const int64_t *s = p->stride[p->form];
  int64_t span = 1, count = 1, total = 1;
  for (int i = 0; i < p->ndim; i++) {
    int d = p->order[i];
    if (p->extent[d] == 1) continue;
    total *= p->extent[d];
    if (s[d] < span) return false; /* elements on top of each other, or backwards */
    int64_t fit = (BOX - span) / s[d] + 1;
    if (fit < p->extent[d]) p->extent[d] = fit > 16 ? fit / 16 * 16 : fit > 0 ? fit : 1;
    span += (p->extent[d] - 1) * s[d];
    count *= p->extent[d];
  }
  p->gaps = true;
  return span <= THIN * count && count >= FEW && 4 * count >= total;
}

/* The dimension of the box in which these strides are shortest. */
static int densest(const plan *p, const int64_t *stride) {
  int best = -1;
  for (int d = 0; d < p->ndim; d++)
    if (p->extent[d] > 1 && stride[d] != 0 && (best < 0 || llabs(stride[d]) < llabs(stride[best]))) best = d;
  return best;
}

/* What the moves of a box cost in this form: a transposition is twice a move of rows. */
static int moves(const plan *p) {
  int64_t form[TCH_MAX_DIMS];
  int cost = 0;
  form_of(p, p->extent, form);
  for (int k = 0; k < p->n; k++) {
    part t;
    take_part(p, k, p->extent, form, &t);
    if (t.packed) cost += densest(p, p->stride[k]) == densest(p, form) ? 1 : 2;
  }
  return cost;
}

/* Chooses the order of elements in blocks that takes the fewest moves. */
static void choose_form(plan *p, int64_t count) {
  p->gaps = false;
  p->form = 0;
  for (int d = 0; d < p->ndim; d++) p->order[d] = d;
  if (count < BOX) return; /* not worth the search */
  int least = moves(p);
  plan best = *p;
  for (int k = 0; k < p->n && least > 1; k++) {
    plan other = *p;
    other.rows = false;
    take_form(&other, k);
    for (int gaps = 0; gaps < 2; gaps++) {
      if (gaps && (k > 0 || !keep_gaps(&other))) continue; /* in a source's form the result moves, and so do its gaps */
      int cost = moves(&other);
      if (cost < least) best = other, least = cost;
    }
  }
  *p = best;
}

/* Chooses the boxes; false if rows as they lie are as good. */
static bool cut(plan *p, int64_t count) {
  tch_grid_view view[TCH_ITER_MAX];
  bool plain = p->size[0] >= LONG || count < FEW;
  for (int k = 0; k < p->n; k++) {
    view[k] = (tch_grid_view) {p->stride[k], p->bytes[k]};
    plain = plain && (count < FEW || p->stride[k][0] == 1 || (k > 0 && p->stride[k][0] == 0));
    for (int d = 0; d < p->ndim && k == 0; d++)
      if (p->stride[0][d] == 0 && p->size[d] > 1) return false; /* results on top of each other: in order */
  }
  if (plain) return false;
  tch_box_extents(p->n, view, p->ndim, p->size, LINE, p->ndim > 1 ? BOX : BOX / 2, p->extent);
  p->rows = p->extent[0] >= LONG && p->ndim > 1;
  choose_form(p, count);
  return true;
}

/* -- the calls ---------------------------------------------------------------------------------------------------------------- */

/* One row of everything, if all operands lie alike and without gaps. */
static bool run_flat(const tch_shape *shape, tch_tensor *const *operand, int n, tch_row row, void *context) {
  plan p;
  p.row = row;
  p.context = context;
  p.n = n;
  p.size[0] = tch_shape_count(shape);
  for (int k = 0; k < n; k++) {
    if (operand[k]->count != p.size[0] || !tch_tensor_contiguous(operand[k])) return false;
    p.data[k] = tch_tensor_data(operand[k]);
    p.bytes[k] = tch_dtype_bytes(operand[k]->type);
    p.stride[k][0] = 1;
  }
  tch_parallel(p.size[0], GRAIN, part_piece, &p);
  return true;
}

void tch_iterate(const tch_shape *shape, tch_tensor *const *operand, int n, tch_row row, void *context) {
  if (run_flat(shape, operand, n, row, context)) return;
  plan p;
  int64_t count = tch_shape_count(shape);
  if (count == 0) return;
  p.row = row;
  p.context = context;
  p.n = n;
  for (int k = 0; k < n; k++) {
    p.data[k] = tch_tensor_data(operand[k]);
    p.bytes[k] = tch_dtype_bytes(operand[k]->type);
  }
  merge(&p, shape, operand);
  if (cut(&p, count)) run_boxes(&p);
  else run_rows(&p);
}
