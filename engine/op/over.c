/* Folds of a tensor: dimensions split into kept and folded, rows or columns, cut for the pool by the shape alone. */
#include "op/over.h"
#include "core/box.h"
#include "core/cast.h"
#include "core/cpu.h"
#include "core/thread.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

TCH_KERNEL_FAMILY(reduce)

enum {
  GRAIN = 1 << 15,
  BLOCK = 2048, /* columns at a time */
  MAX_CHUNKS = 64,
  SHORT = 32,    /* entries of a run that cost more than the sums in it */
  FEW = 8,       /* columns that are not worth a vector loop */
  WIDE = 64,     /* columns that are */
  LONG = 256,    /* entries of a run that is worth a call */
  MANY = 1 << 10, /* entries that are worth a copy */
  WORD = 8       /* bytes of the widest type */
};

/* A list of dimensions, the outermost first, and the number of entries. */
typedef struct axes {
  int n;
  int64_t count, size[TCH_MAX_DIMS], stride[TCH_MAX_DIMS];
} axes;

typedef struct plan {
  axes kept, folded;
  bool columns;          /* rows run along a kept dimension */
  const char *x, *storage; /* the first element; where the storage begins, on a boundary of vectors as a rule */
  tch_dtype type;
  int64_t bytes;
  tch_reduction fold;
  const tch_reduce_kernels *table; /* NULL: integers */
  const double *p;
  int64_t chunk, chunks; /* folded entries a chunk */
  int64_t blocks;        /* columns: pieces of a kept row */
  void *acc;             /* [chunks][kept.count] double or int64_t */
} plan;

static void push(axes *a, int64_t size, int64_t stride) {
  a->count *= size;
  if (size == 1) return;
  if (a->n > 0 && a->stride[a->n - 1] == size * stride) {
    a->size[a->n - 1] *= size;
    a->stride[a->n - 1] = stride;
    return;
  }
  a->size[a->n] = size;
  a->stride[a->n++] = stride;
}

/* Dimensions of x in the mask, those with long strides first. Their order goes into order[0 .. n - 1]. */
static axes axes_of(const tch_tensor *x, uint32_t mask, int *order, int *n) {
  axes a = {.count = 1};
  *n = 0;
  for (int d = 0; d < x->ndim; d++) {
    if (!(mask >> d & 1)) continue;
    int k = (*n)++;
    for (; k > 0 && llabs(x->stride[order[k - 1]]) < llabs(x->stride[d]); k--) order[k] = order[k - 1];
    order[k] = d;
  }
  for (int k = 0; k < *n; k++) push(&a, x->size[order[k]], x->stride[order[k]]);
  return a;
}

static int64_t offset_of(const axes *a, int64_t index) {
  int64_t at = 0;
  for (int d = a->n - 1; d >= 0; d--) {
    at += index % a->size[d] * a->stride[d];
    index /= a->size[d];
  }
  return at;
}

static int64_t last_size(const axes *a) { return a->n ? a->size[a->n - 1] : 1; }
static int64_t last_stride(const axes *a) { return a->n ? a->stride[a->n - 1] : 1; }

/* -- integers --------------------------------------------------------------------------------------------------------- */

static int64_t join_long(tch_reduction f, int64_t a, int64_t b) {
  switch (f) {
    case TCH_REDUCE_PROD: return (int64_t) ((uint64_t) a * (uint64_t) b);
    case TCH_REDUCE_MAX: return b > a ? b : a;
    case TCH_REDUCE_MIN: return b < a ? b : a;
    default: return (int64_t) ((uint64_t) a + (uint64_t) b);
  }
}

static int64_t start_long(tch_reduction f) {
  return f == TCH_REDUCE_PROD ? 1 : f == TCH_REDUCE_MAX ? INT64_MIN : f == TCH_REDUCE_MIN ? INT64_MAX : 0;
}

static int64_t long_row(const plan *p, int64_t n, const char *x, int64_t stride) {
  int64_t buffer[BLOCK], total = start_long(p->fold);
  for (int64_t i = 0; i < n; i += BLOCK) {
    int64_t m = n - i < BLOCK ? n - i : BLOCK;
    tch_load_long(p->type, x + i * stride * p->bytes, stride, buffer, m);
    for (int64_t k = 0; k < m; k++) total = join_long(p->fold, total, buffer[k]);
  }
  return total;
}

static void long_columns(const plan *p, int64_t n, int64_t *acc, const char *x, int64_t stride) {
  int64_t buffer[BLOCK];
  tch_load_long(p->type, x, stride, buffer, n);
  for (int64_t k = 0; k < n; k++) acc[k] = join_long(p->fold, acc[k], buffer[k]);
}

/* -- pieces: a unit is one result (or one block of columns) over one chunk ------------------------------------------------- */

static double start_double(tch_reduction f) {
  return f == TCH_REDUCE_PROD ? 1 : f == TCH_REDUCE_MAX ? -INFINITY : f == TCH_REDUCE_MIN ? INFINITY : 0;
}

/* n columns, few, of rows that are `next` apart, as few: several rows at a time as one. What lies between is folded too, and left
 * out at the end; from the second row on, so that vectors can begin on boundaries of memory. */
static void narrow_columns(const plan *p, int64_t n, int64_t rows, double *acc, const char *x, int64_t next,
                           const double *parameter) {
  double wide[WIDE], parameters[WIDE] = {0};
  int64_t many = WIDE / next, turns = rows / many - (next > n), lead = (x - p->storage) % 64 / p->bytes;
  bool first = next > n && lead <= next - n;
  if (!first) lead = 0;
  for (int64_t i = 0; i < many * next; i++) wide[i] = start_double(p->fold);
  for (int64_t i = 0; i < many; i++) memcpy(parameters + i * next + lead, parameter, (size_t) n * sizeof *parameter);
  p->table->columns[p->fold](n, first, acc, x, next, parameter);
  p->table->columns[p->fold](many * next, turns, wide, x + (first * next - lead) * p->bytes, many * next, parameters);
  for (int64_t i = 0; i < many; i++)
    for (int64_t j = 0; j < n; j++) acc[j] = tch_reduction_join(p->fold, acc[j], wide[i * next + lead + j]);
  int64_t done = first + turns * many;
  p->table->columns[p->fold](n, rows - done, acc, x + done * next * p->bytes, next, parameter);
}

/* Are rows without gaps several times as fast as others? */
static bool extreme(const plan *p) { return p->fold == TCH_REDUCE_MAX || p->fold == TCH_REDUCE_MIN; }

/* Are rows of n numbers, `next` apart, worth that? */
static bool narrow(const plan *p, int64_t n, int64_t rows, int64_t next) {
  bool light = p->fold != TCH_REDUCE_POWER && p->fold != TCH_REDUCE_EXP && !extreme(p);
  return rows >= WIDE && next >= n && next <= WIDE / 2 && (next == n || light);
}

/* n columns of rows that are `next` apart. */
static void columns(const plan *p, int64_t n, int64_t rows, double *acc, const char *x, int64_t next, const double *parameter) {
  if (narrow(p, n, rows, next)) narrow_columns(p, n, rows, acc, x, next, parameter);
  else p->table->columns[p->fold](n, rows, acc, x, next, parameter);
}

/* A move of `rows` runs of `length` entries into a block, ready for more of as many. rows 0: of none yet. */
typedef struct runs {
  int64_t rows, length;
  tch_box_mover mover;
} runs;

/* Folds entries from the r-th on: a run; or several short ones, or one of one number, by way of a block. *n: how many are left,
 * then how many were taken. */
static double row_part(const plan *p, int64_t base, int64_t r, int64_t *n, double parameter, runs *last) {
  _Alignas(64) char block[BLOCK * WORD];
  int64_t length = last_size(&p->folded), stride = last_stride(&p->folded), left = length - r % length, rows = 1;
  int64_t next = p->folded.n > 1 ? p->folded.stride[p->folded.n - 2] : 0;
  const char *x = p->x + (base + offset_of(&p->folded, r)) * p->bytes;
  if (left > *n) left = *n;
  if (p->folded.n > 1 && length < LONG && left == length) { /* several short runs */
    int64_t size = p->folded.size[p->folded.n - 2], there = size - r / length % size;
    rows = *n / length < there ? *n / length : there;
    if (stride == 1 && narrow(p, length, rows, next)) {
      double acc[WIDE], parameters[WIDE], total = start_double(p->fold);
      for (int64_t j = 0; j < length; j++) acc[j] = total, parameters[j] = parameter;
      narrow_columns(p, length, rows, acc, x, next, parameters);
      for (int64_t j = 0; j < length; j++) total = tch_reduction_join(p->fold, total, acc[j]);
      *n = length * rows;
      return total;
    }
    if (rows > BLOCK / length) rows = BLOCK / length;
  }
  bool apart = (stride == 0 || (stride != 1 && extreme(p))) && left >= SHORT;
  if (apart && left > BLOCK) left = BLOCK;
  *n = left * rows;
  double result;
  if (rows == 1 && !apart) {
    p->table->rows[p->fold](left, 1, &result, x, stride, 0, &parameter);
    return result;
  }
  if (rows != last->rows || left != last->length) {
    tch_box_ready(&last->mover, p->bytes, 2, (int64_t[]) {left, rows}, (int64_t[]) {1, left}, (int64_t[]) {stride, next});
    last->rows = rows, last->length = left;
  }
  tch_box_run(&last->mover, block, x);
  p->table->rows[p->fold](*n, 1, &result, block, 1, 0, &parameter);
  return result;
}

static void row_unit(const plan *p, int64_t unit) {
  int64_t chunk = unit / p->kept.count, k = unit % p->kept.count;
  int64_t begin = chunk * p->chunk, end = begin + p->chunk < p->folded.count ? begin + p->chunk : p->folded.count;
  int64_t length = last_size(&p->folded), stride = last_stride(&p->folded), base = offset_of(&p->kept, k);
  double total = start_double(p->fold), parameter = p->p ? p->p[k] : 0;
  int64_t total_long = start_long(p->fold);
  runs last;
  last.rows = 0;
  for (int64_t r = begin, n; r < end; r += n) {
    n = end - r;
    if (p->table) {
      total = tch_reduction_join(p->fold, total, row_part(p, base, r, &n, parameter, &last));
      continue;
    }
    int64_t left = length - r % length;
    if (n > left) n = left;
    total_long = join_long(p->fold, total_long, long_row(p, n, p->x + (base + offset_of(&p->folded, r)) * p->bytes, stride));
  }
  if (p->table) ((double *) p->acc)[unit] = total;
  else ((int64_t *) p->acc)[unit] = total_long;
}

/* n columns of folded entries [begin, end), by way of blocks in which they lie together: where the entries lie nearer than the
 * columns, so many at a time that a block holds all entries that follow each other, if it can. */
static void packed_columns(const plan *p, int64_t n, double *acc, int64_t base, int64_t begin, int64_t end,
                           const double *parameter) {
  _Alignas(64) char block[BLOCK * WORD];
  int64_t stride = last_stride(&p->kept), length = last_size(&p->folded), next = last_stride(&p->folded);
  int64_t high = length < end - begin ? length : end - begin;
  int64_t wide = llabs(stride) < llabs(next) ? n : BLOCK / (high < SHORT ? high : SHORT);
  for (int64_t c = 0, m; c < n; c += m) {
    m = n - c < wide ? n - c : wide;
    for (int64_t r = begin, rows; r < end; r += rows) {
      rows = length - r % length;
      if (rows > end - r) rows = end - r;
      if (rows > BLOCK / m) rows = BLOCK / m;
      const char *x = p->x + (base + c * stride + offset_of(&p->folded, r)) * p->bytes;
      tch_box_move(p->bytes, 2, (int64_t[]) {m, rows}, block, (int64_t[]) {1, m}, x, (int64_t[]) {stride, next});
      columns(p, m, rows, acc + c, block, m, parameter + c);
    }
  }
}

static void column_unit(const plan *p, int64_t unit) {
  int64_t length = last_size(&p->kept), stride = last_stride(&p->kept), rows = p->kept.count / length;
  int64_t block = unit % p->blocks, row = unit / p->blocks % rows, chunk = unit / p->blocks / rows;
  int64_t first = block * BLOCK, n = length - first < BLOCK ? length - first : BLOCK, k = row * length + first;
  int64_t begin = chunk * p->chunk, end = begin + p->chunk < p->folded.count ? begin + p->chunk : p->folded.count;
  int64_t base = offset_of(&p->kept, k), at = chunk * p->kept.count + k;
  double *acc = (double *) p->acc + at;
  int64_t *acc_long = (int64_t *) p->acc + at;
  for (int64_t j = 0; j < n; j++) {
    if (p->table) acc[j] = start_double(p->fold);
    else acc_long[j] = start_long(p->fold);
  }
  if (begin == end) return; /* nothing to fold */
  static const double zeros[BLOCK];
  const double *parameter = p->p ? p->p + k : zeros;
  if (p->table && (stride != 1 || (n < FEW && !narrow(p, n, WIDE, last_stride(&p->folded))))) {
    packed_columns(p, n, acc, base, begin, end, parameter);
    return;
  }
  int64_t run = last_size(&p->folded), next = last_stride(&p->folded);
  for (int64_t r = begin, rows; r < end; r += rows) {
    const char *x = p->x + (base + offset_of(&p->folded, r)) * p->bytes;
    rows = run - r % run;
    if (rows > end - r) rows = end - r;
    if (p->table) columns(p, n, rows, acc, x, next, parameter);
    for (int64_t i = 0; i < rows && !p->table; i++) long_columns(p, n, acc_long, x + i * next * p->bytes, stride);
  }
}

static void units(void *context, int64_t begin, int64_t end) {
  const plan *p = context;
  bool whole = !p->columns && p->table && p->chunks == 1 && p->folded.n == 1 && last_stride(&p->folded) != 0 &&
               !(extreme(p) && last_stride(&p->folded) != 1);
  for (int64_t u = begin, n; u < end; u += n) {
    n = 1;
    if (p->columns) column_unit(p, u);
    else if (!whole) row_unit(p, u);
    else { /* rows that are one run each */
      n = last_size(&p->kept) - u % last_size(&p->kept);
      if (n > end - u) n = end - u;
      p->table->rows[p->fold](p->folded.count, n, (double *) p->acc + u, p->x + offset_of(&p->kept, u) * p->bytes,
                              last_stride(&p->folded), last_stride(&p->kept), p->p ? p->p + u : NULL);
    }
  }
}

/* -- plan --------------------------------------------------------------------------------------------------------------- */

static int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* Cuts the folded entries where there are too few results to keep the pool busy. */
static void cut(plan *p) {
  int64_t results = p->kept.count, folded = p->folded.count;
  int64_t kept = llabs(last_stride(&p->kept)), along = llabs(last_stride(&p->folded));
  bool across = kept < along || (kept == 1 && along == 0); /* rows of one number */
  bool brief = last_size(&p->folded) < SHORT && last_size(&p->kept) >= SHORT && p->table;
  p->columns = results > 1 && (folded == 1 || across || brief);
  p->blocks = divide_up(last_size(&p->kept), BLOCK);
  p->chunk = folded > 0 ? folded : 1;
  int64_t least = p->columns ? divide_up(GRAIN, results) : GRAIN, few = p->columns ? 8 * BLOCK : 16;
  if (results < few && folded > 2 * least) {
    p->chunk = divide_up(folded, MAX_CHUNKS);
    if (p->chunk < least) p->chunk = least;
    int64_t run = last_size(&p->folded); /* short runs stay whole */
    p->chunk = divide_up(p->chunk, 64) * 64;
    if (run < LONG) p->chunk = divide_up(p->chunk, run) * run;
  }
  p->chunks = folded > 0 ? divide_up(folded, p->chunk) : 1;
}

/* Moves `results` words between the order of x's kept dimensions and that in which they are folded. */
static void reorder(const tch_tensor *x, const int *order, int n, bool back, const void *from, void *to) {
  int64_t size[TCH_MAX_DIMS], plain[TCH_MAX_DIMS], sorted[TCH_MAX_DIMS], rank[TCH_MAX_DIMS], next = 1;
  for (int k = n - 1; k >= 0; k--) rank[order[k]] = next, next *= x->size[order[k]];
  next = 1;
  int m = 0;
  for (int d = x->ndim - 1; d >= 0; d--) {
    bool kept = false;
    for (int k = 0; k < n; k++) kept = kept || order[k] == d;
    if (!kept) continue;
    size[m] = x->size[d], plain[m] = next, sorted[m++] = rank[d];
    next *= x->size[d];
  }
  if (m == 0) size[m] = 1, plain[m] = 1, sorted[m++] = 1;
  tch_box_move(8, m, size, to, back ? plain : sorted, from, back ? sorted : plain);
}

static tch_status temp_words(tch_call *c, int64_t n, void **out) {
  tch_tensor *t;
  TCH_TRY(tch_op_temp(c, &(tch_shape) {.type = TCH_DOUBLE, .ndim = 1, .size = {n}}, &t));
  *out = tch_tensor_data(t);
  return TCH_OK;
}

/* The plan's folds into acc, in the order of the plan. */
static tch_status fold_in_order(tch_call *c, plan *p, void *acc) {
  p->acc = acc;
  if (p->chunks > 1) TCH_TRY(temp_words(c, p->chunks * p->kept.count, &p->acc));
  int64_t n = p->chunks * (p->columns ? p->kept.count / last_size(&p->kept) * p->blocks : p->kept.count);
  int64_t work = p->chunk * (p->columns ? divide_up(last_size(&p->kept), p->blocks) : 1);
  tch_parallel(n, work >= GRAIN ? 1 : GRAIN / work, units, p);
  if (p->chunks == 1) return TCH_OK;
  for (int64_t k = 0; k < p->kept.count; k++) {
    double d = ((double *) p->acc)[k];
    int64_t l = ((int64_t *) p->acc)[k];
    for (int64_t i = 1; i < p->chunks; i++) {
      if (p->table) d = tch_reduction_join(p->fold, d, ((double *) p->acc)[i * p->kept.count + k]);
      else l = join_long(p->fold, l, ((int64_t *) p->acc)[i * p->kept.count + k]);
    }
    if (p->table) ((double *) acc)[k] = d;
    else ((int64_t *) acc)[k] = l;
  }
  return TCH_OK;
}

/* Are there only short runs, which no block brings together, so that a copy in order costs less than the runs? */
static bool choppy(const plan *p, const tch_tensor *x) {
  int64_t run = p->columns ? last_size(&p->kept) : last_size(&p->folded);
  bool few = run < SHORT && (p->columns || p->table == NULL);
  bool tall = p->table && last_stride(&p->kept) == 1 && last_size(&p->folded) >= SHORT; /* many entries for each run */
  return few && !tall && x->count >= MANY && !tch_tensor_contiguous(x);
}

static tch_status fold(tch_call *c, const tch_tensor *x, uint32_t mask, plan *p, void *acc) {
  int order[TCH_MAX_DIMS], folded_order[TCH_MAX_DIMS], n, folded;
  p->kept = axes_of(x, ~mask, order, &n);
  p->folded = axes_of(x, mask, folded_order, &folded);
  if (x->ndim == 0) p->folded.count = x->count; /* a tensor without shape has nothing to fold */
  p->x = tch_tensor_data(x);
  p->storage = p->x - x->offset * tch_dtype_bytes(x->type);
  p->type = x->type;
  p->bytes = tch_dtype_bytes(x->type);
  if (p->kept.count == 0) return TCH_OK;
  cut(p);
  if (choppy(p, x)) {
    tch_shape shape = {.type = x->type, .ndim = x->ndim};
    memcpy(shape.size, x->size, sizeof *x->size * (size_t) x->ndim);
    tch_tensor *straight;
    TCH_TRY(tch_op_temp(c, &shape, &straight));
    TCH_TRY(tch_tensor_copy(straight, x));
    return fold(c, straight, mask, p, acc);
  }
  bool sorted = true;
  for (int k = 1; k < n; k++) sorted = sorted && order[k - 1] < order[k];
  if (sorted) return fold_in_order(c, p, acc);
  void *own, *parameter;
  TCH_TRY(temp_words(c, p->kept.count, &own));
  if (p->p) {
    TCH_TRY(temp_words(c, p->kept.count, &parameter));
    reorder(x, order, n, false, p->p, parameter);
    p->p = parameter;
  }
  TCH_TRY(fold_in_order(c, p, own));
  reorder(x, order, n, true, own, acc);
  return TCH_OK;
}

tch_status tch_reduce_doubles(tch_call *c, const tch_tensor *x, uint32_t mask, tch_reduction f, const double *p, double *acc) {
  plan plan = {.fold = f, .table = tch_reduce_table(x->type), .p = p};
  return fold(c, x, mask, &plan, acc);
}

tch_status tch_reduce_longs(tch_call *c, const tch_tensor *x, uint32_t mask, tch_reduction f, int64_t *acc) {
  plan plan = {.fold = f};
  return fold(c, x, mask, &plan, acc);
}
