/* Steps that keep channels apart: windows of one channel, pooling. */
#include "plan/plan.h"
#include <math.h>

/* -- one window for each channel ----------------------------------------------------------------------------------- */

static void depthwise_unit(const tch_frame *f, const tch_step *s, int64_t unit) {
  const tch_value *x = &f->plan->values[s->x], *y = &f->plan->values[s->y];
  int64_t r0, r1, b0, b1, L = f->plan->k->lanes;
  tch_step_part(s, unit, &r0, &r1, &b0, &b1);
  const float *from = tch_value_at(f, s->x) + tch_value_position(x, r0 * s->stride[0] - s->pad[0], -s->pad[1]);
  float *start = tch_value_at(f, s->y), *to = start + tch_value_position(y, r0, 0);
  tch_block_window w = {.x_row = x->row,
                        .stride = {s->stride[0], s->stride[1]},
                        .size = {s->kernel[0], s->kernel[1]},
                        .dilation = {s->dilation[0], s->dilation[1]},
                        .low = s->low,
                        .high = s->high,
                        .y_row = y->row,
                        .rows = r1 - r0,
                        .columns = y->w};
  for (int64_t b = b0; b < b1; b++) {
    w.x = from + b * x->plane, w.y = to + b * y->plane;
    w.weight = s->packed + b * s->taps * L, w.bias = s->packed_bias + b * L;
    f->plan->k->depthwise(&w);
  }
  tch_value_edge(y, start, b0, b1, r0, r1);
}

tch_status tch_depthwise_prepare(tch_plan *p, tch_step *s) {
  const tch_value *y = &p->values[s->y];
  int64_t L = p->k->lanes, blocks = tch_ceil_div(y->c, L);
  s->taps = s->kernel[0] * s->kernel[1];
  s->pairs = tch_ceil_div(blocks, 2);
  TCH_TRY(tch_plan_take(p, blocks * s->taps * L * (int64_t) sizeof(float), &s->packed));
  TCH_TRY(tch_plan_take(p, s->pairs * 2 * L * (int64_t) sizeof(float), &s->packed_bias));
  for (int64_t k = 0; k < blocks * L; k++)
    for (int64_t t = 0; t < s->taps; t++) {
      float w = s->weight && k < y->c ? TCH_DATA(float, s->weight)[k * s->taps + t] : 1;
      s->packed[(k / L * s->taps + t) * L + k % L] = s->scale && k < y->c ? w * s->scale[k] : w;
    }
  tch_conv_bias(p, s);
  double work = (double) (blocks * y->h * y->w * s->taps);
  p->work += work * (double) L;
  tch_step_cut(s, y->h, blocks, y->w, work, y->h, 1);
  s->run = depthwise_unit;
  return TCH_OK;
}

/* -- pooling ------------------------------------------------------------------------------------------------------- */

static void pool_unit(const tch_frame *f, const tch_step *s, int64_t unit) {
  const tch_value *x = &f->plan->values[s->x], *y = &f->plan->values[s->y];
  int64_t r0, r1, b0, b1;
  tch_step_part(s, unit, &r0, &r1, &b0, &b1);
  const float *from = tch_value_at(f, s->x) + tch_value_position(x, 0, 0);
  float *start = tch_value_at(f, s->y), *to = start + tch_value_position(y, r0, 0);
  tch_block_pool w = {.x_row = x->row,
                      .step = s->dilation[0],
                      .from = {s->from[0] + r0, s->from[1]},
                      .to = {s->to[0] + r0, s->to[1]},
                      .y_row = y->row,
                      .rows = r1 - r0,
                      .columns = y->w};
  if (s->average) w.share[0] = s->share[0] + r0, w.share[1] = s->share[1];
  for (int64_t b = b0; b < b1; b++) {
    w.x = from + b * x->plane, w.y = to + b * y->plane;
    f->plan->k->pool(&w);
  }
  tch_value_edge(y, start, b0, b1, r0, r1);
}

/* What output i of `n` sees of `size` places along dimension d. */
static void span(const tch_step *s, int d, int64_t i, int64_t n, int64_t size, int32_t *from, int32_t *to,
                 float *share) {
  int64_t begin, end;
  if (s->adaptive) {
    begin = i * size / n, end = tch_ceil_div((i + 1) * size, n);
    *share = 1 / (float) (end - begin);
  } else {
    begin = i * s->stride[d] - s->pad[d], end = begin + s->dilation[d] * (s->kernel[d] - 1) + 1;
    int64_t counted = tch_least(end, size + s->pad[d]) - begin;
    while (begin < 0) begin += s->dilation[d];
    end = tch_least(end, size);
    *share = 1 / (float) (s->divided ? counted : end - begin);
  }
  *from = (int32_t) begin, *to = (int32_t) end;
}

tch_status tch_pool_prepare(tch_plan *p, tch_step *s) {
  const tch_value *x = &p->values[s->x], *y = &p->values[s->y];
  int64_t n[2] = {y->h, y->w}, size[2] = {x->h, x->w}, blocks = tch_ceil_div(y->c, p->k->lanes);
  for (int d = 0; d < 2; d++) {
    TCH_TRY(tch_plan_take(p, n[d] * (int64_t) sizeof(int32_t), &s->from[d]));
    TCH_TRY(tch_plan_take(p, n[d] * (int64_t) sizeof(int32_t), &s->to[d]));
    TCH_TRY(tch_plan_take(p, n[d] * (int64_t) sizeof(float), &s->share[d]));
    for (int64_t i = 0; i < n[d]; i++) span(s, d, i, n[d], size[d], &s->from[d][i], &s->to[d][i], &s->share[d][i]);
  }
  int64_t taps = s->adaptive ? x->h * x->w / (y->h * y->w) : s->kernel[0] * s->kernel[1];
  tch_step_cut(s, y->h, blocks, y->w, (double) (blocks * y->h * y->w * taps), y->h, 1);
  s->run = pool_unit;
  return TCH_OK;
}
