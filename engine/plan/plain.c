/* Steps that move numbers or change them one by one; zeros around planes; the way in and out. */
#include "plan/plan.h"
#include "core/cpu.h"
#include "kernel/elementwise.h"
#include "kernel/softmax.h"
#include <string.h>

TCH_KERNEL_FAMILY(elementwise)
TCH_KERNEL_FAMILY(softmax)

float *tch_value_at(const tch_frame *f, int value) {
  const tch_value *v = &f->plan->values[value];
  if (v->layout == TCH_GIVEN) return (float *) f->input + f->image * v->size;
  if (v->joint) return f->joint + v->place * f->images + f->image * v->size;
  return f->arena + v->place;
}

static void clear(float *at, int64_t n) { memset(at, 0, (size_t) n * sizeof *at); }

void tch_value_edge(const tch_value *v, float *at, int64_t block0, int64_t block1, int64_t row0, int64_t row1) {
  int64_t left = v->before[1] * v->lane, right = v->after[1] * v->lane, top = v->before[0] * v->row,
          below = v->after[0] * v->row;
  if (left + right + top + below == 0) return;
  for (int64_t b = block0; b < block1; b++) {
    float *plane = at + b * v->plane, *first = plane + top;
    if (row0 == 0) clear(plane, top);
    for (int64_t r = row0; r < row1; r++) {
      clear(first + r * v->row, left);
      clear(first + (r + 1) * v->row - right, right);
    }
    if (row1 == v->h) clear(first + v->h * v->row, below);
  }
}

/* -- rows of blocks ------------------------------------------------------------------------------------------------ */

/* What a unit of these steps works on: rows [r0, r1) of blocks [b0, b1) of y. */
typedef struct part {
  int64_t r0, r1, b0, b1;
} part;

static part part_of(const tch_step *s, int64_t unit) {
  part w;
  tch_step_part(s, unit, &w.r0, &w.r1, &w.b0, &w.b1);
  return w;
}

static float *row_at(const tch_value *v, float *at, int64_t block, int64_t row) {
  return at + block * v->plane + tch_value_position(v, row, 0);
}

static void add_unit(const tch_frame *f, const tch_step *s, int64_t unit) {
  const tch_value *x = &f->plan->values[s->x], *o = &f->plan->values[s->other], *y = &f->plan->values[s->y];
  float *from = tch_value_at(f, s->x), *other = tch_value_at(f, s->other), *to = tch_value_at(f, s->y);
  part w = part_of(s, unit);
  for (int64_t b = w.b0; b < w.b1; b++)
    for (int64_t r = w.r0; r < w.r1; r++)
      f->plan->k->add(y->w * y->lane, row_at(x, from, b, r), row_at(o, other, b, r), s->low, s->high,
                      row_at(y, to, b, r));
  tch_value_edge(y, to, w.b0, w.b1, w.r0, w.r1);
}

static void unary_unit(const tch_frame *f, const tch_step *s, int64_t unit) {
  static const int64_t one[2] = {1, 1};
  const tch_value *x = &f->plan->values[s->x], *y = &f->plan->values[s->y];
  float *from = tch_value_at(f, s->x), *to = tch_value_at(f, s->y);
  tch_element_row *row = tch_elementwise_table(TCH_FLOAT)->unary[s->unary];
  part w = part_of(s, unit);
  const int64_t next[2] = {y->row, x->row};
  for (int64_t b = w.b0; b < w.b1; b++)
    row(y->w * y->lane, w.r1 - w.r0, (void *const[]){row_at(y, to, b, w.r0), row_at(x, from, b, w.r0)}, one, next, s->ab);
  tch_value_edge(y, to, w.b0, w.b1, w.r0, w.r1);
}

/* Into the channels of y from `place` on. */
static void copy_unit(const tch_frame *f, const tch_step *s, int64_t unit) {
  const tch_value *x = &f->plan->values[s->x], *y = &f->plan->values[s->y];
  float *from = tch_value_at(f, s->x), *to = tch_value_at(f, s->y);
  int64_t L = f->plan->k->lanes, first = s->place / L, shift = s->place % L, r0, r1, b0, b1;
  tch_step_part(s, unit, &r0, &r1, &b0, &b1);
  for (int64_t b = b0; b < b1; b++)
    for (int64_t r = r0; r < r1; r++) {
      const float *in = row_at(x, from, b, r);
      if (shift == 0) memcpy(row_at(y, to, first + b, r), in, (size_t) (x->w * L) * sizeof *in);
      else
        for (int64_t c = 0; c < tch_least(L, x->c - b * L); c++) {
          int64_t at = s->place + b * L + c;
          float *out = row_at(y, to, at / L, r) + at % L;
          for (int64_t j = 0; j < x->w; j++) out[j * L] = in[j * L + c];
        }
    }
  int64_t last = tch_ceil_div(s->place + tch_least(x->c, b1 * L), L);
  tch_value_edge(y, to, first + b0, last, r0, r1);
}

/* Planes as one row of features, in the order of plain planes. */
static void order_unit(const tch_frame *f, const tch_step *s, int64_t unit) {
  const tch_value *x = &f->plan->values[s->x];
  float *from = tch_value_at(f, s->x), *to = tch_value_at(f, s->y);
  int64_t L = f->plan->k->lanes, plane = x->h * x->w;
  for (int64_t b = 0; b * L < x->c; b++)
    for (int64_t r = 0; r < x->h; r++)
      f->plan->k->leave(x->w, tch_least(L, x->c - b * L), row_at(x, from, b, r), to + b * L * plane + r * x->w, plane);
}

static void softmax_unit(const tch_frame *f, const tch_step *s, int64_t unit) {
  const tch_softmax_kernels *k = tch_softmax_table(TCH_FLOAT);
  (s->log ? k->log_softmax : k->softmax)(f->plan->values[s->x].c, tch_value_at(f, s->x), tch_value_at(f, s->y));
}

static void enter_unit(const tch_frame *f, const tch_step *s, int64_t unit) {
  const tch_value *x = &f->plan->values[s->x], *y = &f->plan->values[s->y];
  float *from = tch_value_at(f, s->x), *to = tch_value_at(f, s->y);
  int64_t L = y->lane, plane = x->h * x->w;
  part w = part_of(s, unit);
  for (int64_t b = w.b0; b < w.b1; b++)
    for (int64_t r = w.r0; r < w.r1; r++)
      f->plan->k->enter(x->w, tch_least(L, x->c - b * L), from + b * L * plane + r * x->w, plane, row_at(y, to, b, r));
  tch_value_edge(y, to, w.b0, w.b1, w.r0, w.r1);
}

static void pad_unit(const tch_frame *f, const tch_step *s, int64_t unit) {
  const tch_value *x = &f->plan->values[s->x], *y = &f->plan->values[s->y];
  float *from = tch_value_at(f, s->x), *to = tch_value_at(f, s->y);
  part w = part_of(s, unit);
  for (int64_t b = w.b0; b < w.b1; b++)
    for (int64_t r = w.r0; r < w.r1; r++)
      memcpy(row_at(y, to, b, r), from + (b * x->h + r) * x->w, (size_t) x->w * sizeof *to);
  tch_value_edge(y, to, w.b0, w.b1, w.r0, w.r1);
}

void tch_plain_prepare(tch_plan *p, tch_step *s) {
  const tch_value *x = &p->values[s->x], *y = &p->values[s->y];
  const tch_value *walked = s->kind == TCH_STEP_COPY ? x : y; /* the one whose blocks are cut */
  int64_t blocks = y->lane == 1 ? y->c : tch_ceil_div(walked->c, p->k->lanes);
  tch_step_cut(s, y->h, blocks, y->w, (double) (blocks * y->h * y->w * (s->kind == TCH_STEP_UNARY ? 16 : 4)), y->h, 1);
  switch (s->kind) {
    case TCH_STEP_ADD: s->run = add_unit; break;
    case TCH_STEP_UNARY: s->run = unary_unit; break;
    case TCH_STEP_COPY: s->run = copy_unit; break;
    case TCH_STEP_ENTER: s->run = enter_unit; break;
    case TCH_STEP_PAD: s->run = pad_unit; break;
    case TCH_STEP_ORDER: s->run = order_unit, s->units = 1; break;
    default: s->run = softmax_unit, s->units = 1; break;
  }
}

/* -- out ----------------------------------------------------------------------------------------------------------- */

void tch_plan_leave(const tch_frame *f, float *y) {
  const tch_value *v = &f->plan->values[f->plan->output];
  float *from = tch_value_at(f, f->plan->output);
  int64_t L = f->plan->k->lanes, plane = v->h * v->w;
  if (plane == 1) memcpy(y, from, (size_t) v->c * sizeof *y);
  else
    for (int64_t b = 0; b * L < v->c; b++)
      for (int64_t r = 0; r < v->h; r++)
        f->plan->k->leave(v->w, tch_least(L, v->c - b * L), row_at(v, from, b, r), y + b * L * plane + r * v->w, plane);
}
