/* Ops that order the entries along a dimension: sort, topk, kthvalue, median, mode. All order by (value, position), so equal
 * values keep their order; NaN counts as the greatest value and -0 as 0. Indices count from the attribute `base`. */
#include "core/thread.h"
#include "op/line.h"
#include <string.h>

/* -- keys: unsigned numbers that order as the values do ----------------------------------------------------------- */

typedef struct entry {
  uint64_t key;
  int64_t at; /* position along the dimension */
} entry;

static uint64_t whole_key(int64_t v) { return (uint64_t) v ^ UINT64_C(1) << 63; }

/* IEEE 754: the bits of a positive number order as it does, those of a negative one the other way round. */
static uint64_t real_key(double v) {
  uint64_t bits;
  if (v != v) return UINT64_MAX;
  v += 0.0; /* -0 becomes 0 */
  memcpy(&bits, &v, sizeof bits);
  return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

#define KEY_OF(v) _Generic((v), float: real_key, double: real_key, default: whole_key)(v)

/* Entries of the line that begins at element `start` and steps by `step`; `down` reverses the order of values. */
static void read_line(const tch_tensor *x, int64_t start, int64_t step, int64_t n, bool down, entry *e) {
  switch (x->type) {
#define READ(ID, T, name, floating)                                                                             \
  case TCH_##ID:                                                                                                \
    for (int64_t i = 0; i < n; i++)                                                                             \
      e[i] = (entry) {KEY_OF(TCH_DATA(T, x)[start + i * step]) ^ (down ? UINT64_MAX : 0), i};                    \
    break;
    TCH_DTYPES(READ)
#undef READ
    default: break;
  }
}

static bool before(const entry *a, const entry *b) { return a->key != b->key ? a->key < b->key : a->at < b->at; }

/* Merge sort of n entries; `room` has n more. Runs of 16 are sorted by insertion first. */
static void sort_entries(entry *e, entry *room, int64_t n) {
  enum { RUN = 16 };
  for (int64_t low = 0; low < n; low += RUN) {
    int64_t high = low + RUN < n ? low + RUN : n;
    for (int64_t i = low + 1; i < high; i++) {
      entry v = e[i];
      int64_t j = i;
      for (; j > low && before(&v, &e[j - 1]); j--) e[j] = e[j - 1];
      e[j] = v;
    }
  }
  for (int64_t width = RUN; width < n; width *= 2) {
    for (int64_t low = 0; low < n; low += 2 * width) {
      int64_t mid = low + width < n ? low + width : n, high = mid + width < n ? mid + width : n;
      memcpy(room, e + low, sizeof *e * (size_t) (mid - low));
      const entry *a = room, *a_end = room + (mid - low), *b = e + mid, *b_end = e + high;
      for (entry *to = e + low; a < a_end; to++) *to = b < b_end && before(b, a) ? *b++ : *a++;
    }
  }
}

static void swap(entry *a, entry *b) {
  entry t = *a;
  *a = *b;
  *b = t;
}

/* Puts the k + 1 first entries, unordered, before all others, with the k-th at e[k] (Hoare's selection, median of three). */
static void select_entries(entry *e, int64_t n, int64_t k) {
  int64_t low = 0, high = n - 1;
  while (low < high) {
    int64_t mid = low + (high - low) / 2;
    if (before(&e[mid], &e[low])) swap(&e[mid], &e[low]);
    if (before(&e[high], &e[low])) swap(&e[high], &e[low]);
    if (before(&e[high], &e[mid])) swap(&e[high], &e[mid]);
    entry pivot = e[mid];
    int64_t i = low, j = high;
    while (i <= j) {
      while (before(&e[i], &pivot)) i++;
      while (before(&pivot, &e[j])) j--;
      if (i <= j) swap(&e[i++], &e[j--]);
    }
    if (k <= j) high = j;
    else if (k >= i) low = i;
    else return;
  }
}

/* -- lines: every op picks m of the n entries of each line -------------------------------------------------------- */

typedef struct job {
  const tch_tensor *x;
  tch_tensor *y, *index;
  tch_line line;
  int64_t m, k, base, lines; /* k: a number of entry, from 0 */
  int64_t piece;             /* lines of one piece; each piece has 2 n entries of room */
  bool down;
  entry *room;
  /* leaves the entries that are wanted at the start of e */
  void (*pick)(const struct job *j, entry *e, entry *room);
} job;

static void pick_sorted(const job *j, entry *e, entry *room) {
  if (j->m < j->line.n) select_entries(e, j->line.n, j->m - 1);
  sort_entries(e, room, j->m);
}

static void pick_kth(const job *j, entry *e, entry *room) {
  select_entries(e, j->line.n, j->k);
  e[0] = e[j->k];
}

/* The most frequent value, the smallest of several; its last position. */
static void pick_mode(const job *j, entry *e, entry *room) {
  int64_t n = j->line.n, longest = 0, last = 0;
  sort_entries(e, room, n);
  for (int64_t i = 0, start = 0; i < n; i++) {
    if (i + 1 < n && e[i + 1].key == e[i].key) continue;
    if (i + 1 - start > longest) longest = i + 1 - start, last = i;
    start = i + 1;
  }
  e[0] = e[last];
}

static void run_lines(void *context, int64_t begin, int64_t end) {
  const job *j = context;
  int64_t n = j->line.n, inner = j->line.inner, bytes = tch_dtype_bytes(j->x->type);
  entry *e = j->room + begin / j->piece * 2 * n;
  const char *x = tch_tensor_data(j->x);
  char *y = tch_tensor_data(j->y);
  int64_t *index = tch_tensor_data(j->index);
  for (int64_t r = begin; r < end; r++) {
    int64_t from = r / inner * n * inner + r % inner, to = r / inner * j->m * inner + r % inner;
    read_line(j->x, from, inner, n, j->down, e);
    j->pick(j, e, e + n);
    for (int64_t i = 0; i < j->m; i++) {
      memcpy(y + (to + i * inner) * bytes, x + (from + e[i].at * inner) * bytes, (size_t) bytes);
      index[to + i * inner] = e[i].at + j->base;
    }
  }
}

static tch_status run(tch_call *c, int64_t dim, job *j) {
  enum { PIECES = 64 };
  tch_tensor *x, *room;
  TCH_TRY(tch_op_contiguous(c, c->in[0], &x));
  j->x = x;
  j->y = c->out[0];
  j->index = c->out[1];
  j->line = tch_line_of(x->ndim, x->size, dim);
  j->lines = j->line.outer * j->line.inner;
  if (j->lines == 0 || j->m == 0) return TCH_OK;
  j->piece = 1 + 4096 / j->line.n;
  if (j->piece < (j->lines + PIECES - 1) / PIECES) j->piece = (j->lines + PIECES - 1) / PIECES;
  int64_t pieces = (j->lines + j->piece - 1) / j->piece;
  tch_shape s = {.type = TCH_LONG, .ndim = 1, .size = {pieces * 2 * j->line.n * 2}};
  TCH_TRY(tch_op_temp(c, &s, &room));
  j->room = tch_tensor_data(room);
  tch_parallel(j->lines, j->piece, run_lines, j);
  return TCH_OK;
}

/* Shape rule: out[0] has m entries along dim (or, keep false, no such dimension), out[1] the same as Long. */
static tch_status picked_shape(tch_call *c, int64_t dim, int64_t m, bool keep) {
  const tch_tensor *x = c->in[0];
  int d;
  TCH_TRY(tch_op_shape_like(c, 0, x));
  TCH_TRY(tch_op_line_dim(c, x, dim, &d));
  if (x->ndim > 0) c->shape[0].size[d] = m;
  if (!keep && x->ndim > 0) {
    for (int k = d; k < x->ndim - 1; k++) c->shape[0].size[k] = c->shape[0].size[k + 1];
    c->shape[0].ndim--;
  }
  c->shape[1] = c->shape[0];
  c->shape[1].type = TCH_LONG;
  return TCH_OK;
}

static int64_t line_length(const tch_call *c, int64_t dim) {
  const tch_tensor *x = c->in[0];
  return tch_line_of(x->ndim, x->size, dim).n;
}

static tch_status nothing_there(const tch_call *c, int64_t dim) {
  char text[TCH_SHAPE_TEXT];
  return tch_op_fail(c, TCH_ERROR_SHAPE, "dimension %d of %s has no entries",
                     tch_line_of(c->in[0]->ndim, c->in[0]->size, dim).dim + 1, tch_shape_text(c->in[0], text));
}

/* The gradient goes where the values came from; `kept` says whether the outputs still have dimension dim. */
static tch_status picked_backward(tch_call *c, int64_t dim, int64_t base, bool kept) {
  const tch_shape *x = &c->in_shape[0];
  int64_t size[TCH_MAX_DIMS];
  tch_tensor *zeros = NULL, *from = NULL, *at = NULL, *g = NULL;
  if (x->ndim == 0 || kept) {
    tch_tensor_retain(from = c->gout[0]);
    tch_tensor_retain(at = c->out[1]);
  } else {
    memcpy(size, x->size, sizeof size);
    size[dim < 0 ? dim + x->ndim : dim] = 1;
    TCH_TRY(tch_reshape(c->gout[0], size, x->ndim, &from));
    tch_status status = tch_reshape(c->out[1], size, x->ndim, &at);
    if (status != TCH_OK) {
      tch_tensor_release(from);
      return status;
    }
  }
  tch_status status = TCH_OK;
  if (x->ndim == 0) tch_tensor_retain(g = from);
  else {
    status = tch_grad_zeros(c, 0, &zeros);
    if (status == TCH_OK) status = tch_scatter_add(zeros, at, from, dim, base, &g);
    tch_tensor_release(zeros);
  }
  tch_tensor_release(from);
  tch_tensor_release(at);
  return tch_grad_pass(c, 0, status, &g);
}

/* -- sort --------------------------------------------------------------------------------------------------------- */

static tch_status sort_shape(tch_call *c) {
  const tch_sort_attr *a = c->attr;
  int d;
  TCH_TRY(tch_op_line_dim(c, c->in[0], a->dim, &d));
  return picked_shape(c, a->dim, line_length(c, a->dim), true);
}

static tch_status sort_forward(tch_call *c) {
  const tch_sort_attr *a = c->attr;
  job j = {.m = line_length(c, a->dim), .base = a->base, .down = a->descending, .pick = pick_sorted};
  return run(c, a->dim, &j);
}

static tch_status sort_backward(tch_call *c) {
  const tch_sort_attr *a = c->attr;
  return picked_backward(c, a->dim, a->base, true);
}

const tch_op_body tch_op_sort = {.shape = sort_shape, .forward = sort_forward, .backward_ops = sort_backward, .save_out = 2,
                                 .dense = true};

/* -- topk: the k smallest or largest, in order -------------------------------------------------------------------- */

/* k entries of a line are there? */
static tch_status check_count(tch_call *c, int64_t dim, int64_t k) {
  int d;
  TCH_TRY(tch_op_line_dim(c, c->in[0], dim, &d));
  int64_t n = line_length(c, dim);
  if (k >= 1 && k <= n) return TCH_OK;
  return tch_op_fail(c, TCH_ERROR_VALUE, "k = %lld, but dimension %d has %lld entries", (long long) k, d + 1, (long long) n);
}

static tch_status topk_shape(tch_call *c) {
  const tch_topk_attr *a = c->attr;
  TCH_TRY(check_count(c, a->dim, a->k));
  return picked_shape(c, a->dim, a->k, true);
}

static tch_status topk_forward(tch_call *c) {
  const tch_topk_attr *a = c->attr;
  job j = {.m = a->k, .base = a->base, .down = a->largest, .pick = pick_sorted};
  return run(c, a->dim, &j);
}

static tch_status topk_backward(tch_call *c) {
  const tch_topk_attr *a = c->attr;
  return picked_backward(c, a->dim, a->base, true);
}

const tch_op_body tch_op_topk = {.shape = topk_shape, .forward = topk_forward, .backward_ops = topk_backward, .save_out = 2,
                                 .dense = true};

/* -- kthvalue: the k-th smallest, k from 1 ------------------------------------------------------------------------ */

static tch_status kthvalue_shape(tch_call *c) {
  const tch_kthvalue_attr *a = c->attr;
  TCH_TRY(check_count(c, a->dim, a->k));
  return picked_shape(c, a->dim, 1, a->keep);
}

static tch_status kthvalue_forward(tch_call *c) {
  const tch_kthvalue_attr *a = c->attr;
  job j = {.m = 1, .k = a->k - 1, .base = a->base, .pick = pick_kth};
  return run(c, a->dim, &j);
}

static tch_status kthvalue_backward(tch_call *c) {
  const tch_kthvalue_attr *a = c->attr;
  return picked_backward(c, a->dim, a->base, a->keep);
}

const tch_op_body tch_op_kthvalue = {.shape = kthvalue_shape, .forward = kthvalue_forward, .backward_ops = kthvalue_backward,
                                     .save_out = 2, .dense = true};

/* -- median: the middle value, the lower of two ------------------------------------------------------------------- */

static tch_status median_shape(tch_call *c) {
  const tch_median_attr *a = c->attr; /* mode's are the same */
  int d;
  TCH_TRY(tch_op_line_dim(c, c->in[0], a->dim, &d));
  if (line_length(c, a->dim) == 0) return nothing_there(c, a->dim);
  return picked_shape(c, a->dim, 1, a->keep);
}

static tch_status median_forward(tch_call *c) {
  const tch_median_attr *a = c->attr;
  job j = {.m = 1, .k = (line_length(c, a->dim) - 1) / 2, .base = a->base, .pick = pick_kth};
  return run(c, a->dim, &j);
}

static tch_status median_backward(tch_call *c) {
  const tch_median_attr *a = c->attr;
  return picked_backward(c, a->dim, a->base, a->keep);
}

const tch_op_body tch_op_median = {.shape = median_shape, .forward = median_forward, .backward_ops = median_backward,
                                   .save_out = 2, .dense = true};

/* -- mode: the most frequent value, the smallest of several ------------------------------------------------------- */

_Static_assert(sizeof(tch_mode_attr) == sizeof(tch_median_attr), "median's rules read mode's attributes");

static tch_status mode_forward(tch_call *c) {
  const tch_mode_attr *a = c->attr;
  job j = {.m = 1, .base = a->base, .pick = pick_mode};
  return run(c, a->dim, &j);
}

const tch_op_body tch_op_mode = {.shape = median_shape, .forward = mode_forward, .backward_ops = median_backward,
                                 .save_out = 2, .dense = true};
