/* Matrix products: blocks of the result are computed from packed factors (kernel/tiled.h). What several pieces of work need is
 * packed before, by all threads; what one alone needs it packs itself, just before its use. How the work is cut depends on the
 * shape and the instruction set alone, and every element is summed in the same order whatever the cut. */
#include "op/tiled.h"
#include "core/cpu.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/thread.h"
#include "kernel/tiled.h"

TCH_KERNEL_FAMILY(tiled)

enum {
  TASK = 1 << 20,        /* products of a piece of work, at least */
  TASKS = 16,            /* pieces, at most */
  TASK_STRIPS = 8,       /* strips of a piece before the columns are cut too, at least */
  BLOCK = 160 << 10,     /* bytes of strips that stay in the second cache */
  RESIDENT = 512 << 10,  /* ... if they are all that does */
  PACK = 1 << 14,        /* numbers that one piece packs, about */
  PACKED = 1 << 22,      /* numbers of b packed at a time, at most */
  FEW = 2,               /* panels that do not repay packing a */
  FEW_IN_ROWS = 16,      /* where its rows have no gaps */
  FEW_ROWS = 3,          /* of a that do not repay packing columns of b without gaps */
  LONG = 16,             /* terms of sums that repay adding up lanes */
  FEW_STRIPS = 2,        /* that do not repay packing b, where its rows have no gaps */
  NEAR_STRIPS = 16,      /* ... and do not all fall on a few sets of the second cache, */
  FAR = 2048             /* as those do whose distance in bytes this divides */
};

/* One part of the product: all of m, n columns and k of the inner dimension. */
typedef struct job {
  const tch_tiled_kernels *kernels;
  int64_t m, n, k, bytes, c_step;
  double alpha, beta;
  tch_any_matrix a, b;
  tch_tiled_from from; /* what beta scales */
  char *c;
  tch_dtype type;
  const tch_after *after; /* of this part; NULL where others are added to it */
  int64_t height, strips, panels;        /* of a strip; numbers of them */
  int64_t row_blocks, column_blocks;     /* the cut */
  bool in_place;                         /* whole panels of b are read where they lie */
  int64_t pack_strips, row_packs, packs; /* strips packed at a time; pieces of packing: of a, of a and b, for each depth */
  char *packed_a, *packed_b;             /* NULL: each piece packs its own */
} job;

static int64_t least(int64_t x, int64_t y) { return x < y ? x : y; }

static tch_any_matrix part(const job *j, tch_any_matrix x, int64_t row, int64_t column) {
  x.data = (const char *) x.data + (row * x.row + column * x.column) * j->bytes;
  return x;
}

/* Where the packed block of depth [k0, k0 + kk) begins, at strip s or panel p. */
static char *strips_at(const job *j, int64_t k0, int64_t kk, int64_t s) {
  return j->packed_a + (k0 * j->m + s * j->height * kk) * j->bytes;
}
static char *panels_at(const job *j, int64_t k0, int64_t kk, int64_t p) {
  return j->packed_b + (k0 * j->panels + p * kk) * j->kernels->columns * j->bytes;
}
static tch_panels panels_of(const job *j, int64_t k0, int64_t kk, int64_t p) {
  if (j->in_place) return (tch_panels){part(j, j->b, k0, p * j->kernels->columns).data, kk, j->b.row};
  return (tch_panels){panels_at(j, k0, kk, p), kk, 0};
}

static void pack_piece(void *context, int64_t begin, int64_t end) {
  const job *j = context;
  for (int64_t u = begin; u < end; u++) {
    int64_t k0 = u / j->packs * j->kernels->depth, kk = least(j->k - k0, j->kernels->depth), at = u % j->packs;
    if (at < j->row_packs) {
      int64_t s = at * j->pack_strips, row = s * j->height, rows = least(j->m - row, j->pack_strips * j->height);
      j->kernels->pack_strips(rows, j->height, kk, part(j, j->a, row, k0), strips_at(j, k0, kk, s));
    } else {
      int64_t p = at - j->row_packs, column = p * j->kernels->columns;
      j->kernels->pack_panels(kk, least(j->n - column, j->kernels->columns), part(j, j->b, k0, column), panels_at(j, k0, kk, p));
    }
  }
}

/* Whether a is read where it lies for this many panels. */
static bool direct(const job *j, int64_t panels) { return panels <= (j->a.column == 1 ? FEW_IN_ROWS : FEW); }

/* Rows from `row`, columns from `column` of the result: depth [k0, k0 + kk) of strips, or of a itself (NULL), times b. */
static void add_block(const job *j, int64_t row, int64_t rows, int64_t column, int64_t columns, int64_t k0, int64_t kk,
                      const void *strips, tch_panels b) {
  char *c = j->c + (row * j->c_step + column) * j->bytes;
  tch_tiled_from from = {.data = c, .step = j->c_step};
  double beta = 1;
  if (k0 == 0) {
    beta = j->beta;
    from.data = (const char *) j->from.data + (row * j->from.step + column) * j->bytes, from.step = j->from.step;
  }
  if (k0 + kk == j->k && j->after) {
    from.relu = j->after->gate == NULL;
    if (!from.relu) from.gate = (const char *) j->after->gate + (row * j->c_step + column) * j->bytes;
  }
  if (strips) j->kernels->product(rows, j->height, columns, kk, j->alpha, strips, b, beta, from, c, j->c_step);
  else j->kernels->product_direct(rows, columns, kk, j->alpha, part(j, j->a, row, k0), b, beta, from, c, j->c_step);
}

/* add_block for panels [p0, p1) of c, b being packed or in place, where its last panel may not be whole. */
static void add_panels(const job *j, int64_t row, int64_t rows, int64_t p0, int64_t p1, int64_t k0, int64_t kk,
                       const void *strips) {
  int64_t columns = j->kernels->columns, whole = j->in_place ? least(p1, j->n / columns) : p1;
  if (p0 < whole)
    add_block(j, row, rows, p0 * columns, least(j->n, whole * columns) - p0 * columns, k0, kk, strips, panels_of(j, k0, kk, p0));
  if (whole == p1) return;
  _Alignas(64) char panel[TCH_TILED_PANEL];
  int64_t column = whole * columns;
  j->kernels->pack_panels(kk, j->n - column, part(j, j->b, k0, column), panel);
  add_block(j, row, rows, column, j->n - column, k0, kk, strips, (tch_panels){panel, kk, 0});
}

/* Columns [p0, p1) of panels of c, each panel packed just before its use. */
static void columns_piece(const job *j, int64_t p0, int64_t p1) {
  const tch_tiled_kernels *t = j->kernels;
  _Alignas(64) char panel[TCH_TILED_PANEL];
  int64_t own_size = j->packed_a || direct(j, p1 - p0) ? 0 : j->m * least(j->k, t->depth) * j->bytes;
  void *own = NULL;
  if (own_size && tch_alloc(own_size, &own) != TCH_OK) own = NULL; /* then a is read where it lies, with the same result */
  for (int64_t k0 = 0; k0 < j->k; k0 += t->depth) {
    int64_t kk = least(j->k - k0, t->depth);
    if (own) t->pack_strips(j->m, j->height, kk, part(j, j->a, 0, k0), own);
    for (int64_t p = p0; p < p1; p++) {
      int64_t column = p * t->columns, columns = least(j->n - column, t->columns);
      t->pack_panels(kk, columns, part(j, j->b, k0, column), panel);
      add_block(j, 0, j->m, column, columns, k0, kk, own ? own : j->packed_a ? strips_at(j, k0, kk, 0) : NULL,
                (tch_panels){panel, kk, 0});
    }
  }
  tch_free(own, own ? own_size : 0);
}

/* Rows [s0, s1) of strips and columns [p0, p1) of panels of c, b being packed or in place. */
static void block_piece(const job *j, int64_t s0, int64_t s1, int64_t p0, int64_t p1) {
  const tch_tiled_kernels *t = j->kernels;
  int64_t each = BLOCK / (j->height * t->depth * j->bytes), own_size = 0;
  void *own = NULL;
  if (each < 1) each = 1;
  if (j->packed_a == NULL && !direct(j, p1 - p0)) {
    own_size = least(s1 - s0, each) * j->height * least(j->k, t->depth) * j->bytes;
    if (tch_alloc(own_size, &own) != TCH_OK) own = NULL;
  }
  for (int64_t k0 = 0; k0 < j->k; k0 += t->depth) {
    int64_t kk = least(j->k - k0, t->depth);
    for (int64_t s = s0; s < s1; s += each) {
      int64_t row = s * j->height, rows = least(j->m - row, least(s1 - s, each) * j->height);
      if (own) t->pack_strips(rows, j->height, kk, part(j, j->a, row, k0), own);
      add_panels(j, row, rows, p0, p1, k0, kk, own ? own : j->packed_a ? strips_at(j, k0, kk, s) : NULL);
    }
  }
  tch_free(own, own ? own_size : 0);
}

static void product_pieces(void *context, int64_t begin, int64_t end) {
  const job *j = context;
  for (int64_t u = begin; u < end; u++) {
    int64_t r = u / j->column_blocks, c = u % j->column_blocks;
    int64_t p0 = j->panels * c / j->column_blocks, p1 = j->panels * (c + 1) / j->column_blocks;
    if (j->packed_b || j->in_place) block_piece(j, j->strips * r / j->row_blocks, j->strips * (r + 1) / j->row_blocks, p0, p1);
    else columns_piece(j, p0, p1);
  }
}

/* Whether b is read where it lies. That depends on the shape alone, as results do not depend on it. */
static bool stays(const job *j) {
  if (j->b.column != 1 || j->b.row <= 0 || j->n < j->kernels->columns) return false;
  int64_t strips = j->strips / j->row_blocks;
  return strips <= FEW_STRIPS || (strips <= NEAR_STRIPS && j->b.row * j->bytes % FAR != 0);
}

static void cut_into(job *j, int64_t most, bool rows) {
  j->row_blocks = j->column_blocks = 1;
  while (rows && j->row_blocks < most && 2 * j->row_blocks * TASK_STRIPS <= j->strips) j->row_blocks *= 2;
  while (j->row_blocks * j->column_blocks < most && 2 * j->column_blocks <= j->panels) j->column_blocks *= 2;
  while (j->row_blocks * j->column_blocks < most && 2 * j->row_blocks <= j->strips) j->row_blocks *= 2;
  j->in_place = stays(j);
}

/* Rows are cut first, for then no two pieces pack the same of a; columns where there are too few, or where b is the larger one
 * and strips of all rows stay in the second cache, so that its panels, packed just before their use, never go through memory. */
static void cut(job *j) {
  int64_t most = 1, work = j->m * j->n * j->k, depth = least(j->k, j->kernels->depth);
  while (most < TASKS && 2 * most * TASK <= work) most *= 2;
  cut_into(j, most, true);
  if (!j->in_place && j->n >= 2 * j->m && j->panels >= most && j->m * depth * j->bytes <= RESIDENT) cut_into(j, most, false);
}

static tch_status run(job *j) {
  cut(j);
  int64_t depth = least(j->k, j->kernels->depth), blocks = (j->k + j->kernels->depth - 1) / j->kernels->depth;
  bool pack_a = j->column_blocks > 1 && !direct(j, j->panels), pack_b = j->row_blocks > 1 && !j->in_place;
  int64_t a_size = pack_a ? j->m * j->k * j->bytes : 0;
  int64_t b_size = pack_b ? j->panels * j->kernels->columns * j->k * j->bytes : 0;
  void *a = NULL, *b = NULL;
  if (pack_b) TCH_TRY(tch_alloc(b_size, &b));
  if (pack_a) {
    tch_status status = tch_alloc(a_size, &a);
    if (status != TCH_OK) {
      tch_free(b, b_size);
      return status;
    }
  }
  j->packed_a = a;
  j->packed_b = b;
  j->pack_strips = pack_a && PACK > j->height * depth ? PACK / (j->height * depth) : 1;
  j->row_packs = pack_a ? (j->strips + j->pack_strips - 1) / j->pack_strips : 0;
  j->packs = j->row_packs + (pack_b ? j->panels : 0);
  int64_t units = blocks * j->packs, pieces = (a_size + b_size) / j->bytes / PACK;
  if (units) tch_parallel(units, pieces > 1 ? (units + pieces - 1) / pieces : units, pack_piece, j);
  tch_parallel(j->row_blocks * j->column_blocks, 1, product_pieces, j);
  tch_free(a, a_size);
  tch_free(b, b_size);
  return TCH_OK;
}

bool tch_tiled_wins(void) {
#if defined(__x86_64__)
  return tch_cpu_isa() != TCH_ISA_BASELINE;
#else
  return true;
#endif
}

static void dots_piece(void *context, int64_t begin, int64_t end) {
  const job *j = context;
  tch_tiled_from from = {.data = (const char *) j->from.data + begin * j->bytes, .step = j->from.step};
  j->kernels->dots(j->m, end - begin, j->k, j->alpha, j->a, part(j, j->b, 0, begin), j->beta, from, j->c + begin * j->bytes,
                   j->c_step);
  tch_after_part(j->after, j->type, j->c, j->c_step, 0, j->m, begin, end - begin);
}

bool tch_tiled_dots(int64_t m, int64_t k, tch_grid a, tch_grid b) {
  return m <= FEW_ROWS && k >= LONG && a.column == 1 && b.row == 1;
}

/* Sums along k, of which each is whole in one piece. */
static tch_status run_dots(job *j) {
  int64_t columns = j->kernels->columns, grain = TASK / 4 / (j->m * j->k) / columns * columns;
  tch_parallel(j->n, grain > columns ? grain : columns, dots_piece, j);
  return TCH_OK;
}

typedef struct turning {
  int64_t m, n;
  tch_dtype type;
  double beta;
  const void *sums; /* (n, m) */
  tch_grid from, c;
  const tch_after *after;
} turning;

/* c = sums' + beta * from */
static void turn_piece(void *context, int64_t begin, int64_t end) {
  const turning *t = context;
#define TURN(real)                                                                       \
  for (int64_t i = begin; i < end; i++)                                                  \
    for (int64_t j = 0; j < t->n; j++) {                                                 \
      real old = t->beta != 0 ? ((const real *) t->from.data)[i * t->from.row + j] : 0;  \
      ((real *) t->c.data)[i * t->c.row + j] = ((const real *) t->sums)[j * t->m + i] + (real) t->beta * old; \
    }
  if (t->type == TCH_DOUBLE) TURN(double) else TURN(float)
#undef TURN
  tch_after_part(t->after, t->type, t->c.data, t->c.row, begin, end - begin, 0, t->n);
}

/* Few columns would fill a part of a panel only: as rows of the transposed product they fill tiles. */
static tch_status narrow(tch_dtype type, int64_t m, int64_t n, int64_t k, double alpha, tch_grid a, tch_grid b, double beta,
                         tch_grid from, tch_grid c, const tch_after *after) {
  turning t = {m, n, type, beta, NULL, from, c, after};
  void *sums;
  int64_t bytes = m * n * tch_dtype_bytes(type);
  TCH_TRY(tch_alloc(bytes, &sums));
  tch_grid to = {sums, m, 1};
  tch_status status = tch_tiled_gemm(type, n, m, k, alpha, tch_grid_turned(b), tch_grid_turned(a), 0, to, to, NULL);
  t.sums = sums;
  if (status == TCH_OK) tch_parallel(m, PACK / n, turn_piece, &t);
  tch_free(sums, bytes);
  return status;
}

tch_status tch_tiled_gemm(tch_dtype type, int64_t m, int64_t n, int64_t k, double alpha, tch_grid a, tch_grid b, double beta,
                          tch_grid from, tch_grid c, const tch_after *after) {
  const tch_tiled_kernels *kernels = tch_tiled_table(type);
  if (tch_tiled_dots(m, k, a, b)) {
    job j = {.kernels = kernels, .m = m, .n = n, .k = k, .bytes = tch_dtype_bytes(type), .c_step = c.row, .alpha = alpha,
             .beta = beta, .a = {a.data, a.row, a.column}, .b = {b.data, b.row, b.column},
             .from = {.data = from.data, .step = from.row}, .c = c.data, .type = type, .after = after};
    return run_dots(&j);
  }
  if (2 * n <= kernels->columns && m >= 2 * kernels->columns) return narrow(type, m, n, k, alpha, a, b, beta, from, c, after);
  int64_t padded = (n + kernels->columns - 1) / kernels->columns * kernels->columns;
  int64_t width = least(padded, PACKED / kernels->depth / kernels->columns * kernels->columns);
  int64_t length = PACKED / width / kernels->depth * kernels->depth;
  for (int64_t j0 = 0; j0 < n; j0 += width)
    for (int64_t k0 = 0; k0 < k; k0 += length) {
      job j = {.kernels = kernels, .m = m, .n = least(n - j0, width), .k = least(k - k0, length),
               .bytes = tch_dtype_bytes(type), .c_step = c.row, .alpha = alpha, .beta = k0 == 0 ? beta : 1,
               .a = {a.data, a.row, a.column}, .b = {b.data, b.row, b.column}, .height = tch_tiled_height(kernels, m)};
      const tch_grid *old = k0 == 0 ? &from : &c;
      j.a = part(&j, j.a, 0, k0);
      j.b = part(&j, j.b, k0, j0);
      j.c = (char *) c.data + j0 * j.bytes;
      tch_after here = after ? *after : (tch_after){0};
      if (here.gate) here.gate = (const char *) here.gate + j0 * j.bytes;
      j.type = type;
      j.after = after && k0 + j.k == k ? &here : NULL;
      j.from = (tch_tiled_from){.data = (char *) old->data + j0 * j.bytes, .step = old->row};
      j.strips = (m + j.height - 1) / j.height;
      j.panels = (j.n + kernels->columns - 1) / kernels->columns;
      TCH_TRY(run(&j));
    }
  return TCH_OK;
}
