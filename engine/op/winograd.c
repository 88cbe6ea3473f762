/* Cutting of Winograd's method: rows of tiles are taken in batches whose transformed numbers stay in a cache, and each batch
 * passes through three phases: transformation in, 36 products of matrices, transformation out. Where there are many tiles and
 * few weights a batch is one thread's, in its own cache from the first phase to the last; else all threads work on a phase
 * together. */
#include "op/winograd.h"
#include "core/cpu.h"
#include "core/kept.h"
#include "core/memory.h"
#include "kernel/winograd.h"
#include "op/rooms.h"

TCH_KERNEL_FAMILY(winograd)

enum {
  TILE = TCH_WINOGRAD_TILE,
  MATRICES = TCH_WINOGRAD_MATRICES,
  TAPS = 9,
  BATCH = 4 << 20, /* bytes of transformed numbers at a time */
  ROOM = 384 << 10, /* the same in one thread's cache, */
  LIGHT = 300 << 10, /* beside weights of up to so many bytes */
  BATCHES = 8,       /* the least to share out */
  SLICE = 96,        /* tiles of the gradient of the weights that are worth sums of their own */
  PIECE = 1 << 18, /* products that a piece for another thread is worth */
  POSITIONS = 96,  /* tiles of one unit of a product */
  KEPT_TILES = 256 /* up to which transformed weights are kept */
};

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }

/* Whether transformed weights are kept from call to call: few tiles, for which they are most of the work, and not many bytes. */
static bool keeps(const tch_conv_geometry *g, int64_t tiles) {
  return tiles <= KEPT_TILES && MATRICES * tch_dtype_bytes(g->type) * g->c * g->o <= BATCH;
}

/* Cost in products: what is saved must pay for the transformations, which cost about as much per number as WAY products
 * on the way in and out, and FILTER for the weights, KEPT where they are kept. Measured. */
bool tch_winograd_pays(const tch_conv_geometry *g, bool forward) {
  enum { WAY = 9, FILTER = 40, KEPT = 3 };
  for (int d = 0; d < 2; d++)
    if (g->kernel[d] != 3 || g->stride[d] != 1 || g->dilation[d] != 1 || g->pad[d] > 2) return false;
  if (g->groups != 1) return false;
  int64_t count = g->n * ceil_div(g->out[0], TILE) * ceil_div(g->out[1], TILE);
  double c = (double) g->c, o = (double) g->o, tiles = (double) count, filter = forward && keeps(g, count) ? KEPT : FILTER;
  double direct = (double) g->n * (double) (g->out[0] * g->out[1]) * TAPS * c * o;
  return MATRICES * (tiles * (c * o + WAY * (c + o)) + filter * c * o) < 0.8 * direct;
}

/* -- transformed numbers ------------------------------------------------------------------------------------------- */

/* 36 matrices in blocks of channels: entry (tile t, channel c) of matrix i at
 * data[i * step + c / width * block + t * width + c % width]. */
typedef struct domain {
  char *data;
  int64_t width, blocks, block, step;
} domain;

static void shape_domain(const tch_winograd_kernels *k, int64_t channels, int64_t tiles, domain *d) {
  d->width = channels <= k->lanes ? k->lanes : k->tile_n;
  d->blocks = ceil_div(channels, d->width);
  d->block = tiles * d->width;
  d->step = d->blocks * d->block;
  if (d->step / k->lanes % 2 == 0) d->step += k->lanes; /* powers of two would meet in one place of a cache */
}

/* Offset of the first of `lanes` channels number `group` of tile t. */
static int64_t entry(const domain *d, const tch_winograd_kernels *k, int64_t group, int64_t t) {
  int64_t channel = group * k->lanes;
  return channel / d->width * d->block + t * d->width + channel % d->width;
}

/* -- phases -------------------------------------------------------------------------------------------------------- */

/* Images in planes, seen as rows of tiles. */
typedef struct side {
  tch_planes planes;
  int64_t channels, size[2];
  int64_t pad[2]; /* of the first patch */
  domain d;
} side;

typedef struct job {
  const tch_winograd_kernels *k;
  int64_t bytes, images, tiles[2]; /* tiles of a plane */
  int64_t first, rows;             /* of tiles in this batch */
  int64_t batch;                   /* rows of tiles in a full batch */
  side in, out;
  tch_finish finish;
  /* weights, or their gradient: a domain whose "tiles" are the input channels */
  char *weight;
  int64_t w_in, w_out; /* steps between its input planes, its output planes */
  bool turned;
  double alpha, beta; /* of the gradient of the weights */
  domain w;           /* of the blocks of output channels [block, block + w.blocks) */
  int64_t block;
  bool whole; /* w has room for all of them, so it stands from batch to batch */
  bool ready; /* w is filled already */
  tch_storage *store; /* where transformed weights are kept; NULL: nowhere */
  tch_kept *kept;
  bool add;
  bool apart; /* each batch is one thread's */
  tch_rooms rooms;
  int64_t slices, slice; /* of the gradient of the weights apart: sums over rows of their own, whose domains lie `slice` apart */
} job;

static char *at(const job *j, const void *base, int64_t offset) { return (char *) base + offset * j->bytes; }

/* Unit u of `side`: a row of tiles of `lanes` channels. */
static tch_tile_row row_of(const job *j, const side *s, int64_t u) {
  int64_t groups = ceil_div(s->channels, j->k->lanes), group = u % groups, row = u / groups, absolute = j->first + row;
  int64_t channel = group * j->k->lanes, image = absolute / j->tiles[0], y = absolute % j->tiles[0];
  return (tch_tile_row){.planes = at(j, s->planes.data, image * s->planes.stride[0] + channel * s->planes.stride[1]),
                        .channel = s->planes.stride[1],
                        .row = s->planes.stride[2],
                        .height = s->size[0],
                        .width = s->size[1],
                        .channels = min(s->channels - channel, j->k->lanes),
                        .tiles = j->tiles[1],
                        .y = y * TILE - s->pad[0],
                        .x = -s->pad[1],
                        .domain = at(j, s->d.data, entry(&s->d, j->k, group, row * j->tiles[1])),
                        .step = s->d.step,
                        .wide = s->d.width};
}

static void input_piece(void *context, int64_t begin, int64_t end) {
  const job *j = context;
  for (int64_t u = begin; u < end; u++) {
    tch_tile_row r = row_of(j, &j->in, u);
    j->k->input(&r);
  }
}

static void output_piece(void *context, int64_t begin, int64_t end) {
  const job *j = context;
  int64_t groups = ceil_div(j->out.channels, j->k->lanes);
  for (int64_t u = begin; u < end; u++) {
    tch_tile_row r = row_of(j, &j->out, u);
    tch_finish f = j->finish;
    if (f.scale) f.scale = at(j, f.scale, u % groups * j->k->lanes);
    if (f.bias) f.bias = at(j, f.bias, u % groups * j->k->lanes);
    j->k->output(&r, &f);
  }
}

static void output_gradient_piece(void *context, int64_t begin, int64_t end) {
  const job *j = context;
  for (int64_t u = begin; u < end; u++) {
    tch_tile_row r = row_of(j, &j->out, u);
    j->k->output_gradient(&r);
  }
}

static void rows_phase(const job *j, const side *s, void (*piece)(void *, int64_t, int64_t)) {
  int64_t units = j->rows * ceil_div(s->channels, j->k->lanes), work = j->tiles[1] * MATRICES * 8 * j->k->lanes;
  tch_parallel(units, max(1, PIECE / work), piece, (void *) j);
}

/* Unit u of the weights: `lanes` output planes of one input plane, the latter fastest. */
static tch_tile_weight weight_of(const job *j, int64_t u) {
  int64_t group = u / j->in.channels, c = u % j->in.channels;
  int64_t channel = group * j->k->lanes + j->block * j->w.width;
  return (tch_tile_weight){.data = at(j, j->weight, channel * j->w_out + c * j->w_in),
                           .channel = j->w_out,
                           .turned = j->turned,
                           .channels = max(0, min(j->out.channels - channel, j->k->lanes)),
                           .domain = at(j, j->w.data, entry(&j->w, j->k, group, c)),
                           .step = j->w.step};
}

static void weight_piece(void *context, int64_t begin, int64_t end) {
  const job *j = context;
  for (int64_t u = begin; u < end; u++) {
    tch_tile_weight w = weight_of(j, u);
    j->k->weight(&w);
  }
}

static void weight_gradient_piece(void *context, int64_t begin, int64_t end) {
  const job *j = context;
  for (int64_t u = begin; u < end; u++) {
    tch_tile_weight w = weight_of(j, u);
    j->k->weight_gradient(&w, j->slice, j->slices, j->alpha, j->beta);
  }
}

static void weights_phase(const job *j, void (*piece)(void *, int64_t, int64_t)) {
  tch_parallel(j->w.blocks * (j->w.width / j->k->lanes) * j->in.channels,
               max(1, PIECE / (MATRICES * 8 * j->k->lanes)), piece, (void *) j);
}

/* Units of the products: matrix, block of output channels, piece of the positions. Forward, positions are tiles and the
 * sum runs over input channels; for the weights, positions are input channels and the sum runs over tiles. */
static void product(const job *j, const tch_tile_product *p) {
  if (j->w.width == j->k->lanes) j->k->narrow(p);
  else j->k->product(p);
}

static void forward_piece(void *context, int64_t begin, int64_t end) {
  const job *j = context;
  int64_t tiles = j->rows * j->tiles[1], chunks = ceil_div(tiles, POSITIONS);
  for (int64_t u = begin; u < end; u++) {
    int64_t first = u % chunks * POSITIONS, block = u / chunks % j->w.blocks, i = u / chunks / j->w.blocks;
    int64_t to = i * j->out.d.step + (j->block + block) * j->out.d.block + first * j->out.d.width;
    product(j, &(tch_tile_product){.a = at(j, j->in.d.data, i * j->in.d.step + first * j->in.d.width),
                                   .b = at(j, j->w.data, i * j->w.step + block * j->w.block),
                                   .c = at(j, j->out.d.data, to),
                                   .m = min(tiles - first, POSITIONS),
                                   .r = j->in.channels,
                                   .row = j->in.d.width,
                                   .step = 1,
                                   .run = j->in.d.width,
                                   .jump = j->in.d.block});
  }
}

static void gradient_piece(void *context, int64_t begin, int64_t end) {
  const job *j = context;
  int64_t tiles = j->rows * j->tiles[1], chunks = j->in.d.blocks;
  for (int64_t u = begin; u < end; u++) {
    int64_t chunk = u % chunks, block = u / chunks % j->w.blocks, i = u / chunks / j->w.blocks;
    int64_t first = chunk * j->in.d.width;
    product(j, &(tch_tile_product){.a = at(j, j->in.d.data, i * j->in.d.step + chunk * j->in.d.block),
                                   .b = at(j, j->out.d.data, i * j->out.d.step + (j->block + block) * j->out.d.block),
                                   .c = at(j, j->w.data, i * j->w.step + block * j->w.block + first * j->w.width),
                                   .m = min(j->in.channels - first, j->in.d.width),
                                   .r = tiles,
                                   .row = 1,
                                   .step = j->in.d.width,
                                   .run = tiles,
                                   .add = j->add});
  }
}

/* positions: of a unit at most. */
static void products_phase(const job *j, int64_t all, int64_t positions, int64_t length, void (*piece)(void *, int64_t, int64_t)) {
  int64_t work = min(all, positions) * length * j->w.width;
  tch_parallel(MATRICES * j->w.blocks * ceil_div(all, positions), max(1, PIECE / work), piece, (void *) j);
}

/* -- the three sums ------------------------------------------------------------------------------------------------ */

/* Looks for the transformed weights in their storage, or for room that the storage will keep. Without memory neither is found. */
static void keep(job *j) {
  int64_t size[2] = {j->out.channels, j->in.channels}, bytes = TAPS * size[0] * size[1] * j->bytes;
  const void *maker = (const char *) j->k + j->turned;
  shape_domain(j->k, size[0], size[1], &j->w);
  j->kept = tch_kept_find(j->store, maker, j->weight, bytes, size);
  j->ready = j->kept != NULL;
  if (!j->ready) j->kept = tch_kept_new(j->store, maker, j->weight, bytes, size, MATRICES * j->w.step * j->bytes);
  if (j->kept) j->w.data = j->kept->made;
}

static int64_t gcd(int64_t a, int64_t b) { return b ? gcd(b, a % b) : a; }

/* Bytes of the transformed numbers of a tile, of all weights. */
static int64_t tile_bytes(const job *j) {
  return MATRICES * j->bytes * (j->in.d.blocks * j->in.d.width + j->out.d.blocks * j->out.d.width);
}
static int64_t weight_bytes(const job *j) { return MATRICES * j->bytes * j->in.channels * j->out.d.blocks * j->out.d.width; }

/* How many rows of tiles a batch has: as many as a cache holds; apart, also such that the tiles of the product are full. */
static void choose_batch(job *j, bool gradient) {
  int64_t all = j->images * j->tiles[0], tile = tile_bytes(j), full = j->k->tile_m / gcd(j->k->tile_m, j->tiles[1]);
  j->batch = max(1, ROOM / tile / j->tiles[1]);
  if (!gradient && j->batch > full) j->batch -= j->batch % full;
  j->apart = weight_bytes(j) <= LIGHT && all >= BATCHES * j->batch;
  j->slices = 1;
  if (gradient) {
    while (2 * j->slices <= min(BATCHES, all * j->tiles[1] / SLICE)) j->slices *= 2;
    j->apart = j->apart && 2 * j->slices >= BATCHES;
    if (!j->apart) j->slices = 1;
  }
  if (!j->apart) j->batch = max(1, min(max(BATCH, weight_bytes(j)) / tile / j->tiles[1], all));
}

/* Domains and tables. */
static tch_status prepare(tch_scratch *s, tch_dtype type, job *j, bool gradient) {
  j->k = tch_winograd_table(type);
  j->bytes = tch_dtype_bytes(type);
  shape_domain(j->k, j->in.channels, 1, &j->in.d);
  shape_domain(j->k, j->out.channels, 1, &j->out.d);
  choose_batch(j, gradient);
  int64_t tiles = j->batch * j->tiles[1], n = j->out.d.width, all = j->out.d.blocks * n;
  j->whole = weight_bytes(j) <= BATCH;
  if (!j->whole) all = min(all, max(1, BATCH / (MATRICES * j->bytes * j->in.channels * n)) * n);
  shape_domain(j->k, j->in.channels, tiles, &j->in.d);
  shape_domain(j->k, j->out.channels, tiles, &j->out.d);
  int64_t behind = j->k->tile_m * j->in.d.width; /* which the product reads */
  int64_t in = (MATRICES * j->in.d.step + behind) * j->bytes, out = MATRICES * j->out.d.step * j->bytes;
  if (j->apart) TCH_TRY(tch_rooms_make(s, in + out, &j->rooms));
  else {
    TCH_TRY(tch_scratch_take(s, in, &j->in.d.data));
    TCH_TRY(tch_scratch_take(s, out, &j->out.d.data));
  }
  if (j->whole && j->store) keep(j);
  if (j->kept == NULL) {
    shape_domain(j->k, all, j->in.channels, &j->w);
    j->slice = MATRICES * j->w.step;
    TCH_TRY(tch_scratch_take(s, j->slices * j->slice * j->bytes, &j->w.data));
  }
  return TCH_OK;
}

/* The job with a room of its own. */
static job in_room(const job *j, int room) {
  job own = *j;
  own.in.d.data = tch_rooms_at(&j->rooms, room);
  own.out.d.data = own.in.d.data + (MATRICES * j->in.d.step + j->k->tile_m * j->in.d.width) * j->bytes;
  return own;
}

/* Calls step for the blocks of output channels, as many at a time as w has room for. */
static void blocks_of(job *j, void (*step)(job *)) {
  int64_t all = ceil_div(j->out.channels, j->w.width), room = j->w.blocks;
  for (j->block = 0; j->block < all; j->block += room) {
    j->w.blocks = min(room, all - j->block);
    step(j);
  }
  j->block = 0, j->w.blocks = room;
}

static void forward_step(job *j) {
  if (!j->ready && !j->apart && (j->first == 0 || !j->whole)) weights_phase(j, weight_piece);
  products_phase(j, j->rows * j->tiles[1], POSITIONS, j->in.channels, forward_piece);
}

static void forward_batch(job *j) {
  rows_phase(j, &j->in, input_piece);
  blocks_of(j, forward_step);
  rows_phase(j, &j->out, output_piece);
}

/* Calls step for the batches of rows [first, end). */
static void batches_of(job *j, int64_t first, int64_t end, void (*step)(job *)) {
  for (j->first = first; j->first < end; j->first += j->rows) {
    j->rows = min(j->batch, end - j->first);
    step(j);
  }
}

/* Batches [begin, end), apart. */
static void batches_piece(void *context, int64_t begin, int64_t end) {
  const job *j = context;
  int room = tch_rooms_enter(&j->rooms);
  job own = in_room(j, room);
  batches_of(&own, begin * j->batch, min(end * j->batch, j->images * j->tiles[0]), forward_batch);
  tch_rooms_leave(&j->rooms, room);
}

static tch_status sum(tch_dtype type, job *j) {
  tch_scratch s = {0};
  tch_status status = prepare(&s, type, j, false);
  int64_t all = j->images * j->tiles[0];
  if (status == TCH_OK && j->apart) {
    if (!j->ready) weights_phase(j, weight_piece);
    tch_parallel(ceil_div(all, j->batch), 1, batches_piece, j);
  } else if (status == TCH_OK) batches_of(j, 0, all, forward_batch);
  if (status == TCH_OK && j->kept && !j->ready && all > 0) tch_kept_attach(j->store, j->kept);
  tch_kept_release(j->kept);
  tch_scratch_free(&s);
  return status;
}

static int64_t tiles_of(int64_t size) { return ceil_div(size, TILE); }

tch_status tch_winograd_forward(const tch_conv_geometry *g, tch_planes x, const void *weight,
                                const tch_finish *finish, tch_planes y) {
  job j = {.images = g->n,
           .tiles = {tiles_of(g->out[0]), tiles_of(g->out[1])},
           .in = {.planes = x, .channels = g->c, .size = {g->in[0], g->in[1]}, .pad = {g->pad[0], g->pad[1]}},
           .out = {.planes = y, .channels = g->o, .size = {g->out[0], g->out[1]}},
           .finish = *finish,
           .weight = (char *) weight,
           .w_in = TAPS,
           .w_out = g->c * TAPS};
  if (keeps(g, g->n * j.tiles[0] * j.tiles[1])) j.store = g->store;
  return sum(g->type, &j);
}

/* The gradient of the input is the convolution of gy, padded by what is missing, with the windows turned round. */
tch_status tch_winograd_input(const tch_conv_geometry *g, tch_planes gy, const void *weight,
                              const tch_finish *finish, tch_planes gx) {
  job j = {
      .images = g->n,
      .tiles = {tiles_of(g->in[0]), tiles_of(g->in[1])},
      .in = {.planes = gy, .channels = g->o, .size = {g->out[0], g->out[1]}, .pad = {2 - g->pad[0], 2 - g->pad[1]}},
      .out = {.planes = gx, .channels = g->c, .size = {g->in[0], g->in[1]}},
      .finish = *finish,
      .weight = (char *) weight,
      .w_in = g->c * TAPS,
      .w_out = TAPS,
      .turned = true};
  if (keeps(g, g->n * j.tiles[0] * j.tiles[1])) j.store = g->store;
  return sum(g->type, &j);
}

static void gradient_step(job *j) {
  products_phase(j, j->in.channels, j->in.d.width, j->rows * j->tiles[1], gradient_piece);
  if (!j->whole) weights_phase(j, weight_gradient_piece);
}

static void gradient_batch(job *j) {
  rows_phase(j, &j->in, input_piece);
  rows_phase(j, &j->out, output_gradient_piece);
  blocks_of(j, gradient_step);
  j->add = j->whole;
  if (!j->whole) j->beta = 1; /* later batches add to what the first ones left */
}

/* Slices [begin, end). */
static void slices_piece(void *context, int64_t begin, int64_t end) {
  const job *j = context;
  int room = tch_rooms_enter(&j->rooms);
  int64_t all = j->images * j->tiles[0];
  for (int64_t i = begin; i < end; i++) {
    job own = in_room(j, room);
    own.w.data = at(j, j->w.data, i * j->slice);
    batches_of(&own, i * all / j->slices, (i + 1) * all / j->slices, gradient_batch);
  }
  tch_rooms_leave(&j->rooms, room);
}

tch_status tch_winograd_weight(const tch_conv_geometry *g, tch_planes x, tch_planes gy, tch_planes gw, double alpha,
                               double beta) {
  job j = {.images = g->n,
           .tiles = {tiles_of(g->out[0]), tiles_of(g->out[1])},
           .in = {.planes = x, .channels = g->c, .size = {g->in[0], g->in[1]}, .pad = {g->pad[0], g->pad[1]}},
           .out = {.planes = gy, .channels = g->o, .size = {g->out[0], g->out[1]}},
           .weight = gw.data,
           .w_in = gw.stride[1],
           .w_out = gw.stride[0],
           .alpha = alpha,
           .beta = beta};
  tch_scratch s = {0};
  tch_status status = prepare(&s, g->type, &j, true);
  if (status == TCH_OK && j.apart) tch_parallel(j.slices, 1, slices_piece, &j);
  else if (status == TCH_OK) batches_of(&j, 0, g->n * j.tiles[0], gradient_batch);
  if (status == TCH_OK && j.whole) weights_phase(&j, weight_gradient_piece);
  tch_scratch_free(&s);
  return status;
}
