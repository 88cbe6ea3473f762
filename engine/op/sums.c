/* Gathered sums, cut for the pool; see sums.h. */
#include "op/sums.h"
#include "core/cpu.h"
#include "core/thread.h"
#include <stdatomic.h>

TCH_KERNEL_FAMILY(conv)

/* Work is counted in products; a piece for another thread is worth it from PIECE on (about ten microseconds). */
enum { PIECE = 1 << 18, UNIT = 1 << 21 };

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
static void *at(tch_dtype type, const void *base, int64_t offset) {
  return (char *) base + offset * tch_dtype_bytes(type);
}

tch_path tch_path_of(int64_t columns, int64_t taps, int64_t r, int64_t positions, bool in_order) {
  if (columns <= 4) return TCH_SLIDE;
  return in_order && (taps == 1 ? columns >= r || 8 * columns >= positions : columns >= positions) ? TCH_ROWS : TCH_GATHER;
}


typedef struct job {
  const tch_sum_job *of;
  const tch_conv_kernels *k;
  tch_contraction g;
  tch_dtype type;
  int64_t groups, blocks, packed_group;
  int64_t chunk, chunks; /* positions per unit, units per block */
  tch_path path;
  char *sums;            /* of long_gather */
  int64_t columns, room; /* of rows: columns per unit, bytes that a piece needs */
  char *rooms;
  int threads;
  atomic_bool *taken; /* which of the rooms, one for each thread */
} job;

static tch_contraction group_of(const job *j, int64_t group) {
  tch_contraction g = j->g;
  g.a = at(j->type, g.a, group * j->of->a_group);
  g.b = at(j->type, g.b, group * j->of->b_group);
  g.c = at(j->type, g.c, group * j->of->c_group);
  if (g.packed) g.packed = at(j->type, g.packed, group * j->packed_group);
  if (g.finish.bias) g.finish.bias = at(j->type, g.finish.bias, group * j->of->bias_group);
  if (g.finish.scale) g.finish.scale = at(j->type, g.finish.scale, group * j->of->bias_group);
  return g;
}

static void pack_piece(void *context, int64_t begin, int64_t end) {
  const job *j = context;
  for (int64_t u = begin; u < end; u++) {
    tch_contraction g = group_of(j, u / j->blocks);
    j->k->pack(&g, u % j->blocks);
  }
}

/* Units are ordered group, chunk, block: a thread meets the blocks of one chunk, whose A is still in its cache. */
static void sum_piece(void *context, int64_t begin, int64_t end) {
  const job *j = context;
  for (int64_t u = begin; u < end; u++) {
    int64_t block = u % j->blocks, chunk = u / j->blocks % j->chunks, group = u / j->blocks / j->chunks;
    tch_contraction g = group_of(j, group);
    int64_t m0 = chunk * j->chunk, m1 = min(g.m, m0 + j->chunk);
    switch (j->path) {
      case TCH_GATHER: j->k->gather(&g, block, m0, m1); break;
      case TCH_SLIDE: j->k->slide(&g, block, m0, m1); break;
      case TCH_ROWS: break; /* rows_piece */
      case TCH_LONG_GATHER:
        j->k->long_gather(&g, block, m0, m1,
                          at(j->type, j->sums, ((group * j->blocks + block) * g.m + m0) * j->k->tile_n));
    }
  }
}

/* Units are ordered group, chunk, block. A piece works in a room of its own. */
static void rows_piece(void *context, int64_t begin, int64_t end) {
  const job *j = context;
  int room = 0, rooms = j->threads;
  while (atomic_exchange(&j->taken[room], true)) room = (room + 1) % rooms;
  for (int64_t u = begin; u < end; u++) {
    int64_t n0 = u % j->blocks * j->columns, m0 = u / j->blocks % j->chunks * j->chunk;
    tch_contraction g = group_of(j, u / j->blocks / j->chunks);
    j->k->rows(&g, n0, min(g.n, n0 + j->columns), m0, min(g.m, m0 + j->chunk), j->rooms + room * j->room);
  }
  atomic_store(&j->taken[room], false);
}

/* Chunks of positions as large as the second cache allows, all of equal size; columns are cut where that leaves few pieces. */
static tch_status run_rows(tch_scratch *s, job *j) {
  enum { ROOM = 256 << 10, FEW = 8 };
  const tch_contraction *g = &j->g;
  int64_t bytes = tch_dtype_bytes(j->type), tile_n = j->k->tile_n, tile_m = j->k->tile_m;
  int64_t panels = ceil_div(g->m, tile_n), most = max(1, ROOM / max(1, j->k->rows_room(g, 0, tile_n) * bytes));
  int64_t work = g->m * g->n * max(1, g->r), pieces = min(FEW, max(1, work * j->groups / UNIT));
  j->chunks = max(ceil_div(panels, most), min(panels, ceil_div(pieces, j->groups) / 2));
  j->chunk = ceil_div(panels, j->chunks) * tile_n;
  j->chunks = ceil_div(g->m, j->chunk);
  int64_t strips = ceil_div(g->n, tile_m), blocks = max(1, min(ceil_div(pieces, j->groups * j->chunks), strips / 4));
  j->columns = ceil_div(ceil_div(g->n, blocks), tile_m) * tile_m;
  j->blocks = ceil_div(g->n, j->columns);
  j->room = ceil_div(j->k->rows_room(g, j->columns, j->chunk) * bytes, 64) * 64;
  j->threads = tch_threads();
  TCH_TRY(tch_scratch_take(s, j->threads * (int64_t) sizeof *j->taken, &j->taken));
  for (int i = 0; i < j->threads; i++) atomic_init(&j->taken[i], false);
  TCH_TRY(tch_scratch_take(s, j->threads * j->room, &j->rooms));
  int64_t unit = min(g->m, j->chunk) * max(1, g->r) * min(g->n, j->columns);
  tch_parallel(j->groups * j->chunks * j->blocks, max(1, PIECE / unit), rows_piece, j);
  return TCH_OK;
}

tch_status tch_sum_run(tch_scratch *s, const tch_sum_job *sum, tch_path path) {
  job one = {.of = sum, .k = tch_conv_table(sum->type), .type = sum->type, .g = sum->g, .groups = sum->groups}, *j = &one;
  int64_t tile_m = j->k->tile_m, tile_n = path == TCH_SLIDE ? j->k->slide_n : j->k->tile_n,
          bytes = tch_dtype_bytes(j->type);
  tch_contraction *g = &j->g;
  j->path = path;
  if (g->m == 0) return TCH_OK;
  if (path == TCH_ROWS) return run_rows(s, j);
  j->blocks = ceil_div(g->n, tile_n);
  int64_t units = j->groups * j->blocks, unit = UNIT / max(1, g->r * min(g->n, tile_n));
  if (path == TCH_LONG_GATHER) {
    TCH_TRY(tch_scratch_take(s, units * g->m * tile_n * bytes, &j->sums));
    unit = max(16 * tile_m, ceil_div(g->m * units, 8));
  } else if (path == TCH_GATHER) {
    j->packed_group = j->blocks * g->r * tile_n;
    TCH_TRY(tch_scratch_take(s, j->groups * j->packed_group * bytes, &g->packed));
    tch_parallel(units, max(1, PIECE / 8 / max(1, g->r * tile_n)), pack_piece, j);
  }
  j->chunk = ceil_div(max(4 * tile_m, min(unit, 4096)), tile_m) * tile_m;
  j->chunks = ceil_div(g->m, j->chunk);
  int64_t work = min(g->m, j->chunk) * max(1, g->r) * min(g->n, tile_n);
  tch_parallel(units * j->chunks, max(1, PIECE / work), sum_piece, j);
  return TCH_OK;
}
