/* Gathered sums, cut for the pool; see sums.h. */
#include "op/sums.h"
#include "core/cpu.h"
#include "core/thread.h"
#include "op/rooms.h"

TCH_KERNEL_FAMILY(conv)

/* Work is counted in products; a piece for another thread is worth it from PIECE on (a few microseconds). UNITS: pieces that share
 * out evenly. */
enum { PIECE = 1 << 18, UNIT = 1 << 20, UNITS = 16 };

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
static void *at(tch_dtype type, const void *base, int64_t offset) {
  return (char *) base + offset * tch_dtype_bytes(type);
}

tch_path tch_path_of(int64_t columns, int64_t taps, int64_t r, int64_t positions, bool in_order) {
  if (columns <= 4) return TCH_SLIDE;
  if (!in_order) return TCH_GATHER;
  if (columns <= 16 || (taps > 1 && r <= 80)) return TCH_ROWS;
  return (taps == 1 ? columns >= r || 8 * columns >= positions : columns >= positions) ? TCH_ROWS : TCH_GATHER;
}

/* A sum as units, which are ordered group, part (the images of one table), chunk, block. */
typedef struct job {
  const tch_sum_job *of;
  const tch_conv_kernels *k;
  tch_dtype type;
  int64_t parts, chunks, chunk, blocks; /* chunk: of positions */
  int64_t first, units;                 /* of this sum among those of a run */
  int64_t first_pack;                   /* of its blocks of B among all that are packed */
  void *packed;
  int64_t packed_group;
  int64_t columns; /* of rows: per unit */
  tch_rooms rooms;
  int64_t slices, slice, all; /* of long_gather: each sums `slice` of all r */
  char *sums;
} job;

static tch_contraction group_of(const job *j, int64_t group) {
  tch_contraction g = j->of->g;
  g.a = at(j->type, g.a, group * j->of->a_group);
  g.b = at(j->type, g.b, group * j->of->b_group);
  g.c = at(j->type, g.c, group * j->of->c_group);
  g.packed = j->packed ? at(j->type, j->packed, group * j->packed_group) : NULL;
  if (g.finish.bias) g.finish.bias = at(j->type, g.finish.bias, group * j->of->bias_group);
  if (g.finish.scale) g.finish.scale = at(j->type, g.finish.scale, group * j->of->bias_group);
  return g;
}

/* Group and part of unit u, and its positions [*m0, *m1), which may be none. */
static tch_contraction part_of(const job *j, int64_t u, int64_t *m0, int64_t *m1) {
  const tch_sum_job *of = j->of;
  int64_t chunk = u / j->blocks % j->chunks, part = u / j->blocks / j->chunks % j->parts;
  int64_t before = part * of->each;
  tch_contraction g = group_of(j, u / j->blocks / j->chunks / j->parts);
  g.a = at(j->type, g.a, before * of->a_image);
  g.c = at(j->type, g.c, before * of->c_image);
  g.m = g.m / of->each * min(of->each, of->images - before);
  *m0 = chunk * j->chunk, *m1 = min(g.m, *m0 + j->chunk);
  return g;
}

/* Cuts the m of a table into at least `wanted` equal chunks of `step` or more where that leaves `least` of it to each. */
static void cut_chunks(job *j, int64_t wanted, int64_t least, int64_t step) {
  int64_t m = j->of->g.m;
  wanted = max(1, min(wanted, m / least));
  j->chunk = ceil_div(ceil_div(m, wanted), step) * step;
  j->chunks = ceil_div(m, j->chunk);
}

/* -- gather, slide -------------------------------------------------------------------------------------------------- */

/* Sums one after the other: units of a run. */
typedef struct list {
  job *jobs;
  int64_t count;
  tch_path path;
} list;

static const job *job_at(const list *l, const job *from, int64_t unit) {
  const job *j = from ? from : l->jobs;
  while (unit >= j->first + j->units) j++;
  return j;
}

static void sum_piece(void *context, int64_t begin, int64_t end) {
  const list *l = context;
  const job *j = NULL;
  for (int64_t u = begin; u < end; u++) {
    j = job_at(l, j, u);
    int64_t m0, m1, unit = u - j->first;
    tch_contraction g = part_of(j, unit, &m0, &m1);
    if (m0 >= m1) continue;
    if (l->path == TCH_GATHER) j->k->gather(&g, unit % j->blocks, m0, m1);
    else j->k->slide(&g, unit % j->blocks, m0, m1);
  }
}

/* Packs B: units are ordered sum, group, block. */
static void pack_piece(void *context, int64_t begin, int64_t end) {
  const list *l = context;
  const job *j = l->jobs;
  for (int64_t u = begin; u < end; u++) {
    while (u >= j->first_pack + j->of->groups * j->blocks) j++;
    int64_t unit = u - j->first_pack;
    tch_contraction g = group_of(j, unit / j->blocks);
    j->k->pack(&g, unit % j->blocks);
  }
}

static tch_status prepare(tch_scratch *s, list *l) {
  int64_t room = 0, packs = 0;
  for (int64_t i = 0; i < l->count; i++) {
    job *j = &l->jobs[i];
    const tch_contraction *g = &j->of->g;
    int64_t columns = l->path == TCH_SLIDE ? j->k->slide_n : j->k->tile_n, r = max(1, g->r);
    j->blocks = ceil_div(g->n, columns);
    j->parts = ceil_div(j->of->images, j->of->each);
    int64_t units = j->of->groups * j->parts * j->blocks;
    cut_chunks(j, max(g->m * r * min(g->n, columns) / UNIT, ceil_div(UNITS, units * l->count)), 4 * j->k->tile_m, j->k->tile_m);
    j->units = units * j->chunks;
    j->first = i ? j[-1].first + j[-1].units : 0;
    j->packed_group = j->blocks * g->r * columns;
    j->first_pack = packs;
    packs += j->of->groups * j->blocks;
    if (l->path == TCH_GATHER) room += j->of->groups * j->packed_group;
  }
  if (l->path == TCH_SLIDE) return TCH_OK;
  tch_dtype type = l->jobs->type;
  char *packed;
  TCH_TRY(tch_scratch_take(s, room * tch_dtype_bytes(type), &packed));
  for (int64_t i = 0; i < l->count; i++) {
    job *j = &l->jobs[i];
    j->packed = packed;
    packed = at(type, packed, j->of->groups * j->packed_group);
  }
  tch_parallel(packs, max(1, PIECE / 8 * packs / max(1, room)), pack_piece, l);
  return TCH_OK;
}

static tch_status run_list(tch_scratch *s, list *l) {
  TCH_TRY(prepare(s, l));
  const job *last = &l->jobs[l->count - 1];
  int64_t units = last->first + last->units, work = 0;
  for (int64_t i = 0; i < l->count; i++) {
    const tch_sum_job *of = l->jobs[i].of;
    work += of->groups * of->images * (of->g.m / of->each) * of->g.n * max(1, of->g.r);
  }
  tch_parallel(units, max(1, PIECE / max(1, work / units)), sum_piece, l);
  return TCH_OK;
}

/* -- rows ----------------------------------------------------------------------------------------------------------- */

static void rows_piece(void *context, int64_t begin, int64_t end) {
  const job *j = context;
  int room = tch_rooms_enter(&j->rooms);
  for (int64_t u = begin; u < end; u++) {
    int64_t m0, m1, n0 = u % j->blocks * j->columns;
    tch_contraction g = part_of(j, u, &m0, &m1);
    if (m0 < m1) j->k->rows(&g, n0, min(g.n, n0 + j->columns), m0, m1, tch_rooms_at(&j->rooms, room));
  }
  tch_rooms_leave(&j->rooms, room);
}

/* Chunks of positions as large as the second cache allows, all of equal size; columns are cut where that leaves few pieces. */
static tch_status run_rows(tch_scratch *s, job *j) {
  enum { ROOM = 256 << 10 };
  const tch_contraction *g = &j->of->g;
  int64_t bytes = tch_dtype_bytes(j->type), tile_n = j->k->tile_n, tile_m = j->k->tile_m, groups = j->of->groups;
  j->parts = ceil_div(j->of->images, j->of->each);
  int64_t panels = ceil_div(g->m, tile_n), most = max(1, ROOM / max(1, j->k->rows_room(g, 0, tile_n) * bytes));
  int64_t sums = groups * j->parts, work = g->m * g->n * max(1, g->r) * sums;
  int64_t pieces = ceil_div(min(UNITS, max(1, work / UNIT)), sums);
  cut_chunks(j, max(ceil_div(panels, most), min(panels, pieces / 2)), 1, tile_n);
  int64_t strips = ceil_div(g->n, tile_m), blocks = max(1, min(ceil_div(pieces, j->chunks), strips / 4));
  j->columns = ceil_div(ceil_div(g->n, blocks), tile_m) * tile_m;
  j->blocks = ceil_div(g->n, j->columns);
  TCH_TRY(tch_rooms_make(s, j->k->rows_room(g, j->columns, j->chunk) * bytes, &j->rooms));
  int64_t unit = min(g->m, j->chunk) * max(1, g->r) * min(g->n, j->columns);
  tch_parallel(sums * j->chunks * j->blocks, max(1, PIECE / unit), rows_piece, j);
  return TCH_OK;
}

/* -- long_gather ---------------------------------------------------------------------------------------------------- */

/* Where the sums of a block and slice lie. */
static char *sums_of(const job *j, int64_t group, int64_t block, int64_t slice) {
  return at(j->type, j->sums, ((group * j->blocks + block) * j->slices + slice) * j->of->g.m * j->k->tile_n);
}

/* Units are ordered group, slice, chunk, block. */
static void long_piece(void *context, int64_t begin, int64_t end) {
  const job *j = context;
  for (int64_t u = begin; u < end; u++) {
    int64_t block = u % j->blocks, chunk = u / j->blocks % j->chunks, slice = u / j->blocks / j->chunks % j->slices;
    int64_t group = u / j->blocks / j->chunks / j->slices, end_r = min(j->all, (slice + 1) * j->slice);
    tch_contraction whole = group_of(j, group), g = whole;
    int64_t m0 = chunk * j->chunk, m1 = min(g.m, m0 + j->chunk), first = slice * j->slice;
    void *sums = at(j->type, sums_of(j, group, block, slice), m0 * j->k->tile_n);
    for (int64_t r = first, count = -1; r < end_r || count < 0; r += count) {
      int64_t part = r / whole.r, r0 = r - part * whole.r;
      count = min(end_r - r, whole.r - r0);
      g.a = at(j->type, whole.a, part * j->of->each * j->of->a_image);
      g.b = at(j->type, whole.b, part * j->of->each * j->of->b_image);
      j->k->long_gather(&g, block, m0, m1, r0, r0 + count, sums, r > first);
    }
    if (j->slices == 1) j->k->long_finish(&g, block, m0, m1, sums, 0, 1);
  }
}

/* Adds up the slices: units are ordered group, block, chunk. */
static void long_finish_piece(void *context, int64_t begin, int64_t end) {
  const job *j = context;
  for (int64_t u = begin; u < end; u++) {
    int64_t group = u / j->chunks / j->blocks, block = u / j->chunks % j->blocks, m0 = u % j->chunks * j->chunk;
    tch_contraction g = group_of(j, group);
    j->k->long_finish(&g, block, m0, min(g.m, m0 + j->chunk), at(j->type, sums_of(j, group, block, 0), m0 * j->k->tile_n),
                      g.m * j->k->tile_n, j->slices);
  }
}

/* r is cut into slices where blocks alone are few, and m where r is short. */
static tch_status run_long(tch_scratch *s, job *j) {
  enum { SLICE = 512 }; /* the least: adding up a slice costs about as much as 30 products */
  const tch_contraction *g = &j->of->g;
  int64_t tile_m = j->k->tile_m, tile_n = j->k->tile_n;
  j->all = g->r / j->of->each * j->of->images;
  j->blocks = ceil_div(g->n, tile_n);
  int64_t units = j->of->groups * j->blocks;
  j->slices = max(1, min(ceil_div(UNITS, units), j->all / SLICE));
  j->slice = ceil_div(j->all, j->slices);
  cut_chunks(j, ceil_div(UNITS, units * j->slices), 16 * tile_m, tile_m);
  TCH_TRY(tch_scratch_take(s, units * j->slices * g->m * tile_n * tch_dtype_bytes(j->type), &j->sums));
  int64_t work = min(g->m, j->chunk) * max(1, j->slice) * min(g->n, tile_n);
  tch_parallel(units * j->slices * j->chunks, max(1, PIECE / work), long_piece, j);
  if (j->slices == 1) return TCH_OK;
  cut_chunks(j, ceil_div(UNITS, units), 4 * tile_n, tile_n);
  tch_parallel(units * j->chunks, max(1, PIECE / 8 / (j->chunk * tile_n * j->slices)), long_finish_piece, j);
  return TCH_OK;
}

tch_status tch_sum_run(tch_scratch *s, const tch_sum_job *sums, int64_t count, tch_path path) {
  job *jobs;
  TCH_TRY(tch_scratch_take(s, count * (int64_t) sizeof *jobs, &jobs));
  list l = {.jobs = jobs, .path = path};
  for (int64_t i = 0; i < count; i++)
    if (sums[i].g.m > 0 && (sums[i].images > 0 || path == TCH_LONG_GATHER))
      jobs[l.count++] = (job){.of = &sums[i], .k = tch_conv_table(sums[i].type), .type = sums[i].type};
  if (l.count == 0) return TCH_OK;
  return path == TCH_ROWS ? run_rows(s, jobs) : path == TCH_LONG_GATHER ? run_long(s, jobs) : run_list(s, &l);
}
