/* Convolutions as sums over the taps of a window: packing of the weights, tables of offsets, the units of work. */
#include "plan/plan.h"
#include <math.h>
#include <string.h>

/* -- cutting ------------------------------------------------------------------------------------------------------- */

void tch_step_cut(tch_step *s, int64_t rows, int64_t blocks, int64_t columns, double work, int64_t most,
                  int64_t least) {
  enum { UNITS = 32, UNIT = 8000 /* products of vectors that a unit is worth: about a microsecond */ };
  int64_t units = (int64_t) tch_least(UNITS, 1 + (int64_t) (work / UNIT));
  int64_t cuts = tch_least(rows, tch_most(1, rows * columns / least)); /* at most */
  if (rows * columns >= 28 * 28) { /* by rows, so that a thread meets the same part of the planes from step to step */
    s->cuts = tch_least(cuts, tch_most(units, tch_ceil_div(rows, most)));
    s->parts = 1;
  } else { /* by blocks, so that weights are read once; rows too where the units would be few, or an odd number */
    s->parts = tch_least(units, blocks), s->cuts = 1;
    while (s->cuts < cuts && s->parts * (s->cuts + 1) <= units && (s->parts * s->cuts < 8 || s->parts * s->cuts % 2))
      s->cuts++;
  }
  s->height = rows, s->blocks = blocks;
  s->units = s->cuts * s->parts;
}

void tch_step_part(const tch_step *s, int64_t unit, int64_t *row0, int64_t *row1, int64_t *block0, int64_t *block1) {
  int64_t cut = unit % s->cuts, part = unit / s->cuts;
  *row0 = s->height * cut / s->cuts, *row1 = s->height * (cut + 1) / s->cuts;
  *block0 = s->blocks * part / s->parts, *block1 = s->blocks * (part + 1) / s->parts;
}

/* -- the weights --------------------------------------------------------------------------------------------------- */

/* Which blocks of inputs each pair of blocks of outputs sums, and where its weights begin; *total: numbers of all weights. */
static void spread(const tch_plan *p, tch_step *s, bool plain, int64_t *total) {
  const tch_value *x = &p->values[s->x], *y = &p->values[s->y];
  int64_t L = p->k->lanes, unit = plain ? 1 : L, of_group = y->c / s->groups, in_group = x->c / s->groups;
  *total = 0;
  for (int64_t q = 0; q < s->pairs; q++) {
    int64_t k0 = 2 * q * L, k1 = tch_least(y->c, k0 + 2 * L), width = k1 - k0 > L ? 2 * L : L;
    int64_t c0 = k0 / of_group * in_group, c1 = ((k1 - 1) / of_group + 1) * in_group;
    int64_t b0 = c0 / unit, b1 = tch_ceil_div(c1, unit);
    s->taken[2 * q] = (int32_t) b0, s->taken[2 * q + 1] = (int32_t) (b1 - b0);
    s->weight_at[q] = *total;
    *total += (tch_least(b1 * unit, x->c) - b0 * unit) * s->taps * width;
  }
}

static void pack(const tch_plan *p, tch_step *s, bool plain) {
  const tch_value *x = &p->values[s->x], *y = &p->values[s->y];
  const float *weight = TCH_DATA(float, s->weight);
  int64_t L = p->k->lanes, unit = plain ? 1 : L, of_group = y->c / s->groups, in_group = x->c / s->groups;
  for (int64_t q = 0; q < s->pairs; q++) {
    int64_t k0 = 2 * q * L, width = y->c - k0 > L ? 2 * L : L;
    float *to = s->packed + s->weight_at[q];
    for (int64_t b = s->taken[2 * q], end = b + s->taken[2 * q + 1]; b < end; b++)
      for (int64_t t = 0; t < s->taps; t++)
        for (int64_t c = b * unit; c < tch_least(x->c, (b + 1) * unit); c++)
          for (int64_t k = k0; k < k0 + width; k++) {
            bool there = k < y->c && c / in_group == k / of_group;
            float w = there ? weight[(k * in_group + c % in_group) * s->taps + t] : 0;
            *to++ = there && s->scale ? w * s->scale[k] : w;
          }
  }
}

void tch_conv_bias(const tch_plan *p, tch_step *s) {
  int64_t n = p->values[s->y].c;
  for (int64_t k = 0; k < s->pairs * 2 * p->k->lanes; k++) {
    float b = k < n && s->bias ? TCH_DATA(float, s->bias)[k] : 0;
    if (k < n && s->scale) b = b * s->scale[k] + s->shift[k];
    s->packed_bias[k] = b;
  }
}

/* -- one image ----------------------------------------------------------------------------------------------------- */

/* The fields of a sum of pair q that do not depend on the positions. */
static void set_pair(const tch_frame *f, const tch_step *s, int64_t q, tch_block_sum *t) {
  const tch_value *x = &f->plan->values[s->x], *y = &f->plan->values[s->y];
  int64_t L = f->plan->k->lanes, first = s->taken[2 * q], count = s->taken[2 * q + 1];
  bool plain = x->lane == 1;
  t->tap = s->tap;
  t->tail = plain ? s->near : x->c % L;
  t->rest = plain ? count * s->taps / s->near : t->tail && first + count == tch_ceil_div(x->c, L) ? s->taps : 0;
  t->full = plain ? 0 : count * s->taps - t->rest;
  t->weight = s->packed + s->weight_at[q];
  t->bias = s->packed_bias + 2 * q * L;
  t->vectors = y->c - 2 * q * L > L ? 2 : 1;
  t->low = s->low, t->high = s->high;
  t->y_block = y->plane;
}

static void conv_unit(const tch_frame *f, const tch_step *s, int64_t unit) {
  const tch_value *x = &f->plan->values[s->x], *y = &f->plan->values[s->y];
  const tch_value *a = s->other >= 0 ? &f->plan->values[s->other] : NULL;
  const tch_block_kernels *k = f->plan->k;
  int64_t r0, r1, q0, q1;
  tch_step_part(s, unit, &r0, &r1, &q0, &q1);
  const float *from = tch_value_at(f, s->x) + tch_value_position(x, r0 * s->stride[0] - s->pad[0], -s->pad[1]);
  float *start = tch_value_at(f, s->y), *to = start + tch_value_position(y, r0, 0);
  const float *more = a ? tch_value_at(f, s->other) + tch_value_position(a, r0, 0) : NULL;
  int64_t positions = (r1 - r0) * y->w, tiles = tch_ceil_div(positions, s->tile);
  for (int64_t q = q0; q < q1; q++) {
    tch_block_sum t = {0};
    set_pair(f, s, q, &t);
    t.x = from + s->taken[2 * q] * x->plane;
    t.y = to + 2 * q * y->plane;
    if (a) t.add = more + 2 * q * a->plane, t.add_block = a->plane;
    int64_t ahead = s->weight_at[tch_least(q + 1, s->pairs)] - s->weight_at[q];
    t.next = (const char *) (t.weight + ahead);
    t.next_step = tiles ? 2 * k->lanes * (int64_t) sizeof(float) / tiles : 0;
    for (int64_t i = 0, m = 0; i < tiles; i++, m += t.count) {
      t.count = positions * (i + 1) / tiles - m;
      t.x_at = s->x_at + m, t.y_at = s->y_at + m;
      if (a) t.add_at = s->add_at + m;
      k->sum(&t);
      t.next += t.next_step * (t.full * k->lanes + t.rest * t.tail);
    }
  }
  tch_value_edge(y, start, 2 * q0, tch_least(2 * q1, tch_ceil_div(y->c, k->lanes)), r0, r1);
}

/* -- all images of a batch at once: each is a position ------------------------------------------------------------- */

/* Two pairs at a time where the images are few. */
static bool wide(const tch_step *s, int64_t images) { return images <= TCH_BLOCK_FEW && s->groups == 1; }

int64_t tch_conv_joint_units(const tch_step *s, int64_t images) {
  if (wide(s, images)) return tch_ceil_div(s->pairs, 2);
  return s->pairs * tch_ceil_div(images, s->tile);
}

static void joint_sum(const tch_frame *f, const tch_step *s, int64_t q, int64_t vectors, int64_t i0, int64_t i1) {
  const tch_value *x = &f->plan->values[s->x], *y = &f->plan->values[s->y];
  int32_t at[3][TCH_BLOCK_TILE];
  tch_frame first = *f;
  first.image = i0;
  tch_block_sum t = {0};
  set_pair(f, s, q, &t);
  if (vectors) t.vectors = vectors;
  t.pair = s->weight_at[tch_least(q + 1, s->pairs)] - s->weight_at[q];
  t.next = (const char *) t.weight + 4096, t.next_step = 2 * f->plan->k->lanes * (int64_t) sizeof(float);
  t.count = i1 - i0;
  t.x = tch_value_at(&first, s->x) + tch_value_position(x, -s->pad[0], -s->pad[1]) + s->taken[2 * q] * x->plane;
  t.y = tch_value_at(&first, s->y) + 2 * q * y->plane;
  if (s->other >= 0) {
    const tch_value *a = &f->plan->values[s->other];
    t.add = tch_value_at(&first, s->other) + 2 * q * a->plane;
    t.add_block = a->plane, t.add_at = at[2];
    for (int64_t i = 0; i < t.count; i++) at[2][i] = (int32_t) (i * a->size);
  }
  for (int64_t i = 0; i < t.count; i++) at[0][i] = (int32_t) (i * x->size), at[1][i] = (int32_t) (i * y->size);
  t.x_at = at[0], t.y_at = at[1];
  f->plan->k->sum(&t);
}

static void joint_unit(const tch_frame *f, const tch_step *s, int64_t unit) {
  const tch_value *y = &f->plan->values[s->y];
  int64_t n = f->images, L = f->plan->k->lanes;
  if (wide(s, n)) {
    int64_t q = 2 * unit, left = tch_ceil_div(y->c, L) - 2 * q;
    if (left >= 4) joint_sum(f, s, q, 4, 0, n);
    else
      for (; left > 0; q++, left -= 2) joint_sum(f, s, q, 0, 0, n);
    return;
  }
  int64_t tiles = tch_ceil_div(n, s->tile), q = unit / tiles, i = unit % tiles;
  joint_sum(f, s, q, 0, n * i / tiles, n * (i + 1) / tiles);
}

/* -- preparing ----------------------------------------------------------------------------------------------------- */

static void offsets(const tch_value *v, int64_t rows, int64_t columns, int64_t down, int64_t right, int32_t *at) {
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j++) at[i * columns + j] = (int32_t) (i * down * v->row + j * right * v->lane);
}

tch_status tch_conv_prepare(tch_plan *p, tch_step *s) {
  const tch_value *x = &p->values[s->x], *y = &p->values[s->y];
  int64_t L = p->k->lanes, blocks = tch_ceil_div(y->c, L), total, word = sizeof(int32_t);
  bool plain = x->lane == 1;
  int64_t inputs = plain ? x->c : tch_ceil_div(x->c, L);
  s->taps = s->kernel[0] * s->kernel[1];
  s->pairs = tch_ceil_div(blocks, 2);
  s->tile = p->k->most;
  TCH_TRY(tch_plan_take(p, (s->pairs + 1) * (int64_t) sizeof(int64_t), &s->weight_at));
  TCH_TRY(tch_plan_take(p, 2 * s->pairs * word, &s->taken));
  spread(p, s, plain, &total);
  s->weight_at[s->pairs] = total;
  TCH_TRY(tch_plan_take(p, total * (int64_t) sizeof(float), &s->packed));
  TCH_TRY(tch_plan_take(p, s->pairs * 2 * L * (int64_t) sizeof(float), &s->packed_bias));
  pack(p, s, plain);
  tch_conv_bias(p, s);
  TCH_TRY(tch_plan_take(p, inputs * s->taps * word, &s->tap));
  int32_t *tap = s->tap;
  s->near = plain && s->dilation[1] == 1 ? s->kernel[1] : 1;
  for (int64_t b = 0; b < inputs; b++)
    for (int64_t i = 0; i < s->kernel[0]; i++)
      for (int64_t j = 0; j < s->kernel[1]; j += s->near)
        *tap++ = (int32_t) (b * x->plane + i * s->dilation[0] * x->row + j * s->dilation[1] * x->lane);
  double work = (double) (y->h * y->w) * (double) total / (double) L;
  p->work += work * (double) L;
  if (s->joint) {
    s->run = joint_unit;
    return TCH_OK;
  }
  int64_t room = 256 << 10, row_bytes = x->row * (plain ? x->c : inputs) * s->stride[0] * (int64_t) sizeof(float);
  tch_step_cut(s, y->h, s->pairs, y->w, work, tch_most(1, room / row_bytes), s->tile);
  int64_t rows = tch_ceil_div(y->h, s->cuts), positions = rows * y->w;
  TCH_TRY(tch_plan_take(p, positions * word, &s->x_at));
  TCH_TRY(tch_plan_take(p, positions * word, &s->y_at));
  offsets(x, rows, y->w, s->stride[0], s->stride[1], s->x_at);
  offsets(y, rows, y->w, 1, 1, s->y_at);
  if (s->other >= 0) {
    TCH_TRY(tch_plan_take(p, positions * word, &s->add_at));
    offsets(&p->values[s->other], rows, y->w, 1, 1, s->add_at);
  }
  s->run = conv_unit;
  return TCH_OK;
}
