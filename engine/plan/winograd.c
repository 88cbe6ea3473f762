/* Winograd's F(4x4, 3x3) on blocked planes (kernel/winograd.h has the formulas): one step transforms tiles to a domain of 36
 * matrices [block][tile][lane], the next one multiplies and transforms back, a pair of blocks of outputs at a time. */
#include "plan/plan.h"
#include <math.h>

enum { OUT = 4, SIDE = 6, MATRICES = 36, BATCH = 4 /* register tiles whose products lie in the scratch together */ };

/* Between the matrices of n tiles there; powers of two would meet in one place of a cache. */
static int64_t product_step(int64_t n, int64_t lanes) { return (2 * n + 1) * lanes; }

/* Measured: direct sums run near the processor's limit, so the products saved must pay for the transformations (about WAY products
 * of vectors for each vector that comes or goes); with few tiles the transformed weights, four times the plain ones, are read for
 * too little work. */
bool tch_tiles_pay(const tch_plan *p, const tch_step *s) {
  enum { WAY = 5, FEWEST = 9 };
  const tch_value *x = &p->values[s->x], *y = &p->values[s->y];
  if (s->groups != 1 || x->layout != TCH_BLOCKED || x->c % p->k->lanes) return false;
  for (int d = 0; d < 2; d++)
    if (s->kernel[d] != 3 || s->stride[d] != 1 || s->dilation[d] != 1) return false;
  double tiles = (double) (tch_ceil_div(y->h, OUT) * tch_ceil_div(y->w, OUT)), c = (double) x->c, k = (double) y->c;
  double bytes = MATRICES * c * k * 4, direct = (double) (y->h * y->w) * 9 * c * k;
  return tiles >= FEWEST && (bytes < 1 << 20 || tiles >= 16)
         && MATRICES * tiles * (c * k + WAY * (c + k)) < 0.7 * direct;
}

void tch_tiles_shape(const tch_plan *p, const tch_step *s, int64_t tiles[2], int64_t *step) {
  const tch_value *x = &p->values[s->x], *y = &p->values[s->y];
  int64_t L = p->k->lanes;
  tiles[0] = tch_ceil_div(y->h, OUT), tiles[1] = tch_ceil_div(y->w, OUT);
  *step = tch_ceil_div(x->c, L) * tiles[0] * tiles[1] * L;
  if (*step / L % 2 == 0) *step += L; /* powers of two would meet in one place of a cache */
}

/* -- in ------------------------------------------------------------------------------------------------------------ */

static void tiles_unit(const tch_frame *f, const tch_step *s, int64_t unit) {
  const tch_value *x = &f->plan->values[s->x];
  int64_t r0, r1, b0, b1, L = f->plan->k->lanes;
  tch_step_part(s, unit, &r0, &r1, &b0, &b1);
  float *from = tch_value_at(f, s->x), *to = tch_value_at(f, s->y);
  for (int64_t b = b0; b < b1; b++)
    for (int64_t r = r0; r < r1; r++)
      f->plan->k->tiles_in(
          &(tch_block_tiles){.plane = from + b * x->plane + tch_value_position(x, OUT * r - s->pad[0], -s->pad[1]),
                             .row = x->row,
                             .tiles = s->tiles[1],
                             .domain = to + (b * s->tiles[0] + r) * s->tiles[1] * L,
                             .step = s->domain_step});
}

/* -- products and out ---------------------------------------------------------------------------------------------- */

/* Tiles [t0, t1) of pair q, whose products lie in the scratch. */
static void tiles_back(const tch_frame *f, const tch_step *s, int64_t q, int64_t t0, int64_t t1) {
  const tch_value *y = &f->plan->values[s->y], *a = s->other >= 0 ? &f->plan->values[s->other] : NULL;
  int64_t L = f->plan->k->lanes, columns = s->tiles[1], vectors = y->c - 2 * q * L > L ? 2 : 1;
  float *to = tch_value_at(f, s->y);
  const float *more = a ? tch_value_at(f, s->other) : NULL;
  for (int64_t t = t0, n; t < t1; t += n) {
    int64_t i = OUT * (t / columns), j = OUT * (t % columns);
    n = tch_least(t1 - t, columns - t % columns);
    for (int64_t v = 0; v < vectors; v++) {
      int64_t b = 2 * q + v;
      f->plan->k->tiles_out(&(tch_block_tiles){.plane = to + b * y->plane + tch_value_position(y, i, j),
                                               .row = y->row,
                                               .tiles = n,
                                               .height = y->h - i,
                                               .width = y->w - j,
                                               .domain = f->scratch + (v * (t1 - t0) + t - t0) * L,
                                               .step = product_step(t1 - t0, L),
                                               .bias = s->packed_bias + b * L,
                                               .add = a ? more + b * a->plane + tch_value_position(a, i, j) : NULL,
                                               .add_row = a ? a->row : 0,
                                               .low = s->low,
                                               .high = s->high});
    }
  }
}

/* Products of tiles [t0, t1) of pair q, matrix by matrix, so that weights that come from far are read once. */
static void products(const tch_frame *f, const tch_step *s, int64_t q, int64_t t0, int64_t t1) {
  const tch_block_kernels *k = f->plan->k;
  const float *from = tch_value_at(f, s->x);
  int64_t L = k->lanes, n = t1 - t0, parts = tch_ceil_div(n, s->tile);
  int64_t vectors = f->plan->values[s->y].c - 2 * q * L > L ? 2 : 1,
          matrix = (s->weight_at[q + 1] - s->weight_at[q]) / MATRICES;
  tch_block_sum t = {.vectors = vectors, .tap = s->tap, .full = s->taps, .plain = true, .y_block = n * L};
  t.x_at = t.y_at = s->x_at;
  t.weight = s->packed + s->weight_at[q];
  t.next = (const char *) (t.weight + matrix);
  t.next_step = vectors * L * (int64_t) sizeof(float) / parts;
  for (int64_t m = 0; m < MATRICES; m++, t.weight += matrix)
    for (int64_t i = 0; i < parts; i++, t.next += t.next_step * s->taps * L) {
      int64_t first = n * i / parts;
      t.count = n * (i + 1) / parts - first;
      t.x = from + m * s->domain_step + (t0 + first) * L;
      t.y = f->scratch + m * product_step(n, L) + first * L;
      k->sum(&t);
    }
}

static void products_unit(const tch_frame *f, const tch_step *s, int64_t unit) {
  const tch_value *y = &f->plan->values[s->y];
  int64_t r0, r1, q0, q1;
  tch_step_part(s, unit, &r0, &r1, &q0, &q1);
  int64_t begin = r0 * s->tiles[1], count = (r1 - r0) * s->tiles[1], batches = tch_ceil_div(count, BATCH * s->tile);
  for (int64_t q = q0; q < q1; q++)
    for (int64_t i = 0; i < batches; i++) {
      int64_t t0 = begin + count * i / batches, t1 = begin + count * (i + 1) / batches;
      products(f, s, q, t0, t1);
      tiles_back(f, s, q, t0, t1);
    }
  tch_value_edge(y, tch_value_at(f, s->y), 2 * q0, tch_least(2 * q1, tch_ceil_div(y->c, f->plan->k->lanes)), OUT * r0,
                 tch_least(y->h, OUT * r1));
}

/* -- preparing ----------------------------------------------------------------------------------------------------- */

/* u = G g G', row by row */
static void transform(const float g[9], float scale, float u[MATRICES]) {
  static const double G[SIDE][3] = {{1. / 4, 0, 0},
                                    {-1. / 6, -1. / 6, -1. / 6},
                                    {-1. / 6, 1. / 6, -1. / 6},
                                    {1. / 24, 1. / 12, 1. / 6},
                                    {1. / 24, -1. / 12, 1. / 6},
                                    {0, 0, 1}};
  for (int i = 0; i < SIDE; i++) {
    double half[3] = {0};
    for (int b = 0; b < 3; b++)
      for (int a = 0; a < 3; a++) half[b] += G[i][a] * (double) g[3 * a + b];
    for (int j = 0; j < SIDE; j++) {
      double total = 0;
      for (int b = 0; b < 3; b++) total += half[b] * G[j][b];
      u[SIDE * i + j] = (float) (total * (double) scale);
    }
  }
}

/* [pair][matrix][channel][2 lanes] */
static void pack(const tch_plan *p, tch_step *s, int64_t c) {
  const tch_value *y = &p->values[s->y];
  const float *weight = TCH_DATA(float, s->weight);
  int64_t L = p->k->lanes;
  for (int64_t q = 0; q < s->pairs; q++) {
    int64_t k0 = 2 * q * L, width = y->c - k0 > L ? 2 * L : L;
    float *to = s->packed + s->weight_at[q], u[MATRICES] = {0};
    for (int64_t j = 0; j < c; j++)
      for (int64_t k = k0; k < k0 + width; k++) {
        bool there = k < y->c;
        if (there) transform(weight + (k * c + j) * 9, s->scale ? s->scale[k] : 1, u);
        for (int64_t m = 0; m < MATRICES; m++) to[(m * c + j) * width + k - k0] = there ? u[m] : 0;
      }
  }
}

tch_status tch_winograd_prepare(tch_plan *p, tch_step *s) {
  const tch_value *y = &p->values[s->y];
  int64_t L = p->k->lanes, tiles = s->tiles[0] * s->tiles[1], float_bytes = sizeof(float);
  if (s->kind == TCH_STEP_TILES) {
    int64_t blocks = tch_ceil_div(p->values[s->x].c, L);
    tch_step_cut(s, s->tiles[0], blocks, s->tiles[1], (double) (blocks * tiles * 120), s->tiles[0], 1);
    s->run = tiles_unit;
    return TCH_OK;
  }
  int64_t c = p->values[s->x].c, blocks = tch_ceil_div(y->c, L), total = 0;
  s->pairs = tch_ceil_div(blocks, 2);
  s->tile = p->k->most;
  s->taps = c / L;
  TCH_TRY(tch_plan_take(p, (s->pairs + 1) * (int64_t) sizeof(int64_t), &s->weight_at));
  for (int64_t q = 0; q <= s->pairs; q++) {
    s->weight_at[q] = total;
    total += MATRICES * c * (y->c - 2 * q * L > L ? 2 * L : L);
  }
  TCH_TRY(tch_plan_take(p, s->weight_at[s->pairs] * float_bytes, &s->packed));
  TCH_TRY(tch_plan_take(p, s->pairs * 2 * L * float_bytes, &s->packed_bias));
  pack(p, s, c);
  tch_conv_bias(p, s);
  TCH_TRY(tch_plan_take(p, s->taps * (int64_t) sizeof(int32_t), &s->tap));
  TCH_TRY(tch_plan_take(p, TCH_BLOCK_TILE * (int64_t) sizeof(int32_t), &s->x_at));
  for (int64_t b = 0; b < s->taps; b++) s->tap[b] = (int32_t) (b * tiles * L);
  for (int64_t i = 0; i < TCH_BLOCK_TILE; i++) s->x_at[i] = (int32_t) (i * L);
  p->scratch_size = tch_most(p->scratch_size, tch_ceil_div(MATRICES * product_step(BATCH * s->tile, L), 16) * 16);
  double work = (double) (MATRICES * c * tiles * blocks);
  p->work += work * (double) L;
  tch_step_cut(s, s->tiles[0], s->pairs, s->tiles[1], work, s->tiles[0], 4 * s->tile); /* the weights are many */
  s->run = products_unit;
  return TCH_OK;
}
