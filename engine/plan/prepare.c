/* From what was noted to what runs: steps are folded into those before them, ways are chosen, values get their layout and their
 * place. */
#include "plan/plan.h"
#include "core/memory.h"
#include "kernel/elementwise.h"
#include <math.h>

enum { FEW_PLANES = 4 /* up to which a convolution reads the caller's planes where they lie */ };

/* -- folding ------------------------------------------------------------------------------------------------------- */

static void count_uses(tch_plan *p) {
  for (int v = 0; v < p->nvalues; v++) p->values[v].uses = v == p->output;
  for (int i = 0; i < p->nsteps; i++) {
    const tch_step *s = &p->steps[i];
    if (s->kind == TCH_STEP_NONE) continue;
    p->values[s->x].uses++;
    if (s->other >= 0) p->values[s->other].uses++;
  }
}

static int maker(const tch_plan *p, int value, int before) {
  for (int i = before - 1; i >= 0; i--)
    if (p->steps[i].kind != TCH_STEP_NONE && p->steps[i].y == value) return i;
  return -1;
}

static bool sums(const tch_step *s) { return s->kind == TCH_STEP_CONV || s->kind == TCH_STEP_DEPTHWISE; }

/* A maker of x that may still change what it makes: nobody else reads it, and no bounds are set. */
static tch_step *open_maker(tch_plan *p, int x, int before) {
  int i = p->values[x].uses == 1 ? maker(p, x, before) : -1;
  return i >= 0 && p->steps[i].low == -INFINITY && p->steps[i].high == INFINITY ? &p->steps[i] : NULL;
}

static void fold_into(tch_step *m, tch_step *s) {
  m->y = s->y;
  s->kind = TCH_STEP_NONE;
}

static void fold_scale(tch_plan *p, tch_step *s, int at) {
  tch_step *m = open_maker(p, s->x, at);
  if (!m || !sums(m) || m->other >= 0) {
    s->kind = TCH_STEP_DEPTHWISE; /* windows of one number */
    return;
  }
  if (m->scale)
    for (int64_t c = 0; c < p->values[s->x].c; c++) {
      m->scale[c] *= s->scale[c];
      m->shift[c] = m->shift[c] * s->scale[c] + s->shift[c];
    }
  else m->scale = s->scale, m->shift = s->shift;
  fold_into(m, s);
}

static void fold_bound(tch_plan *p, tch_step *s, int at) {
  tch_step *m = open_maker(p, s->x, at);
  if (m && (sums(m) || m->kind == TCH_STEP_ADD)) {
    m->low = s->low, m->high = s->high;
    fold_into(m, s);
  } else {
    s->kind = TCH_STEP_UNARY, s->unary = TCH_UNARY_clamp;
    s->ab[0] = s->low, s->ab[1] = s->high;
  }
}

/* Into the later one of two convolutions. */
static void fold_add(tch_plan *p, tch_step *s, int at) {
  int a = maker(p, s->x, at), b = maker(p, s->other, at), later = a > b ? s->x : s->other;
  tch_step *m = open_maker(p, later, at);
  if (!m || m->kind != TCH_STEP_CONV || m->other >= 0 || s->x == s->other) return;
  m->other = later == s->x ? s->other : s->x;
  fold_into(m, s);
}

static void fold(tch_plan *p) {
  for (int i = 0; i < p->nsteps; i++) {
    tch_step *s = &p->steps[i];
    if (s->kind == TCH_STEP_SCALE) fold_scale(p, s, i);
    else if (s->kind == TCH_STEP_BOUND) fold_bound(p, s, i);
    else if (s->kind == TCH_STEP_ADD) fold_add(p, s, i);
  }
}

/* y is x by another name. */
static void rename_value(tch_plan *p, int y, int x) {
  for (int i = 0; i < p->nsteps; i++) {
    if (p->steps[i].x == y) p->steps[i].x = x;
    if (p->steps[i].other == y) p->steps[i].other = x;
  }
  if (p->output == y) p->output = x;
}

/* Flattening of a row, or of the caller's planes, moves nothing. */
static void drop_orders(tch_plan *p) {
  for (int i = 0; i < p->nsteps; i++) {
    tch_step *s = &p->steps[i];
    const tch_value *x = &p->values[s->x];
    if (s->kind != TCH_STEP_ORDER) continue;
    if (p->values[s->y].uses == 0) s->kind = TCH_STEP_NONE;
    else if (x->layout == TCH_GIVEN) {
      p->values[s->y].layout = TCH_GIVEN;
      s->kind = TCH_STEP_NONE;
    } else if (x->h * x->w == 1) {
      rename_value(p, s->y, s->x);
      s->kind = TCH_STEP_NONE;
    }
  }
}

static double count_of(const tch_value *v) { return (double) v->c * (double) (v->h * v->w); }

/* What the steps compute and move by their definition, whatever way they take. */
static void count_work(tch_plan *p) {
  for (int i = 0; i < p->nsteps; i++) {
    const tch_step *s = &p->steps[i];
    if (s->kind == TCH_STEP_NONE) continue;
    double y = count_of(&p->values[s->y]);
    p->moved += sizeof(float) * (count_of(&p->values[s->x]) + (s->other < 0 ? 0 : count_of(&p->values[s->other])) + y);
    if (!s->weight) continue;
    double weights = (double) s->weight->count;
    p->operations += 2 * y * weights / (double) p->values[s->y].c;
    p->weights += sizeof(float) * weights;
  }
}

/* -- ways ---------------------------------------------------------------------------------------------------------- */

/* The caller's value in blocks; *entered: what was made of which, or -1. */
static tch_status enter(tch_plan *p, int *x, int entered[2]) {
  if (*x < 0 || p->values[*x].layout != TCH_GIVEN) return TCH_OK;
  if (entered[0] != *x) {
    tch_value v = p->values[*x];
    tch_step s = {.kind = TCH_STEP_ENTER, .x = *x, .other = -1};
    TCH_TRY(tch_plan_value(p, v.c, v.h, v.w, &s.y));
    p->values[s.y].flat = v.flat;
    TCH_TRY(tch_plan_step(p, &s));
    entered[0] = *x, entered[1] = s.y;
  }
  *x = entered[1];
  return TCH_OK;
}

/* The caller's planes between zeros. */
static tch_status pad(tch_plan *p, tch_step *s) {
  tch_value v = p->values[s->x];
  if (s->pad[0] + s->pad[1] == 0) return TCH_OK;
  tch_step pad = {.kind = TCH_STEP_PAD, .x = s->x, .other = -1};
  TCH_TRY(tch_plan_value(p, v.c, v.h, v.w, &pad.y));
  tch_value *y = &p->values[pad.y];
  y->layout = TCH_PLAIN;
  for (int d = 0; d < 2; d++) y->before[d] = y->after[d] = s->pad[d];
  s->x = pad.y;
  return tch_plan_step(p, &pad);
}

static tch_status choose(tch_plan *p, tch_step *s, int entered[2]) {
  const tch_value *x = &p->values[s->x];
  bool given = x->layout == TCH_GIVEN, row = x->h * x->w == 1;
  TCH_TRY(enter(p, &s->other, entered));
  x = &p->values[s->x];
  if (given && s->kind == TCH_STEP_CONV && s->groups == 1 && (row || x->c <= FEW_PLANES)) {
    if (!row) TCH_TRY(pad(p, s));
  } else TCH_TRY(enter(p, &s->x, entered));
  if (s->kind == TCH_STEP_CONV && tch_tiles_pay(p, s)) {
    tch_step tiles = *s;
    tiles.kind = TCH_STEP_TILES, tiles.other = -1, tiles.weight = tiles.bias = NULL;
    TCH_TRY(tch_plan_value(p, p->values[s->x].c, 1, 1, &tiles.y));
    p->values[tiles.y].layout = TCH_DOMAIN;
    tch_tiles_shape(p, s, tiles.tiles, &tiles.domain_step);
    p->values[tiles.y].size = 36 * tiles.domain_step;
    TCH_TRY(tch_plan_step(p, &tiles));
    s->kind = TCH_STEP_WINOGRAD, s->x = tiles.y;
    s->tiles[0] = tiles.tiles[0], s->tiles[1] = tiles.tiles[1], s->domain_step = tiles.domain_step;
  }
  return tch_plan_step(p, s);
}

/* Takes the steps out and puts them back with what they need before them. */
static tch_status lower(tch_plan *p) {
  tch_step *old = p->steps;
  int n = p->nsteps, room = p->steps_room, entered[2] = {-1, -1}, i;
  tch_status status = TCH_OK;
  p->steps = NULL, p->nsteps = p->steps_room = 0;
  for (i = 0; i < n && status == TCH_OK; i++)
    if (old[i].kind != TCH_STEP_NONE) status = choose(p, &old[i], entered);
  if (status != TCH_OK) /* what did not get across is still to be released; the one that failed among it */
    for (int k = i - 1; k < n; k++) tch_tensor_release(old[k].weight), tch_tensor_release(old[k].bias);
  tch_free(old, room * (int64_t) sizeof *old);
  if (status == TCH_OK) status = enter(p, &p->output, entered);
  return status;
}

/* -- layout -------------------------------------------------------------------------------------------------------- */

static void widen(tch_value *x, const tch_value *y, const tch_step *s) {
  int64_t size[2] = {x->h, x->w}, out[2] = {y->h, y->w};
  if (x->layout != TCH_BLOCKED) return;
  for (int d = 0; d < 2; d++) {
    int64_t reach = s->kind == TCH_STEP_TILES ? 4 * s->tiles[d] + 2
                                              : (out[d] - 1) * s->stride[d] + s->dilation[d] * (s->kernel[d] - 1) + 1;
    x->before[d] = tch_most(x->before[d], s->pad[d]);
    x->after[d] = tch_most(x->after[d], reach - s->pad[d] - size[d]);
  }
}

static void lay_out(tch_plan *p) {
  for (int i = 0; i < p->nsteps; i++) {
    const tch_step *s = &p->steps[i];
    if (sums(s) || s->kind == TCH_STEP_TILES) widen(&p->values[s->x], &p->values[s->y], s);
  }
  for (int i = 0; i < p->nvalues; i++) {
    tch_value *v = &p->values[i];
    bool plain = v->layout == TCH_PLAIN || (v->layout == TCH_GIVEN && v->h * v->w > 1);
    if (v->layout == TCH_DOMAIN) continue;
    v->lane = plain ? 1 : p->k->lanes;
    v->row = (v->w + v->before[1] + v->after[1]) * v->lane;
    v->plane = (v->h + v->before[0] + v->after[0]) * v->row;
    v->size = v->plane * (plain ? v->c : tch_ceil_div(v->c, p->k->lanes));
    if (v->layout == TCH_GIVEN) v->size = v->c * v->h * v->w;
  }
}

/* The steps at the end that make rows of features: they run for all images together. */
static void find_joint(tch_plan *p) {
  p->joint = p->nsteps;
  while (p->joint > 0) {
    const tch_step *s = &p->steps[p->joint - 1];
    const tch_value *y = &p->values[s->y];
    bool sum = s->kind == TCH_STEP_CONV, row = s->kind == TCH_STEP_UNARY || s->kind == TCH_STEP_ADD
                                               || s->kind == TCH_STEP_COPY || s->kind == TCH_STEP_SOFTMAX
                                               || s->kind == TCH_STEP_ORDER;
    if (y->h * y->w != 1 || !(sum || row)) break;
    p->joint--;
  }
  for (int i = p->joint; i < p->nsteps; i++) {
    tch_step *s = &p->steps[i];
    int touched[] = {s->x, s->y, s->other};
    s->joint = true;
    for (int k = 0; k < 3; k++)
      if (touched[k] >= 0 && p->values[touched[k]].layout != TCH_GIVEN) p->values[touched[k]].joint = true;
  }
}

/* -- places -------------------------------------------------------------------------------------------------------- */

static bool same_shape(const tch_value *a, const tch_value *b) {
  return a->layout == b->layout && a->row == b->row && a->plane == b->plane && a->size == b->size
         && a->joint == b->joint && a->before[0] == b->before[0] && a->before[1] == b->before[1];
}

/* Lives, and which results take over the memory of what they are made of, for the last time. */
static void find_lives(tch_plan *p) {
  for (int v = 0; v < p->nvalues; v++) p->values[v].first = -1, p->values[v].last = v == p->output ? p->nsteps : -1;
  for (int i = 0; i < p->nsteps; i++) {
    const tch_step *s = &p->steps[i];
    int touched[] = {s->x, s->other, s->y};
    if (p->values[s->y].first < 0) p->values[s->y].first = i;
    for (int k = 0; k < 3; k++)
      if (touched[k] >= 0 && p->values[touched[k]].last < i) p->values[touched[k]].last = i;
  }
  for (int i = 0; i < p->nsteps; i++) {
    const tch_step *s = &p->steps[i];
    bool sum = s->kind == TCH_STEP_CONV || s->kind == TCH_STEP_WINOGRAD;
    int from = sum ? s->other : s->kind == TCH_STEP_UNARY ? s->x : -1;
    if (from < 0 || p->values[from].last != i || !same_shape(&p->values[from], &p->values[s->y])) continue;
    int root = p->values[from].same >= 0 ? p->values[from].same : from,
        x = p->values[s->x].same >= 0 ? p->values[s->x].same : s->x;
    if ((sum && x == root) || p->values[from].layout == TCH_GIVEN) continue;
    p->values[s->y].same = root;
    if (p->values[root].last < p->values[s->y].last) p->values[root].last = p->values[s->y].last;
  }
}

static int64_t rounded(int64_t n) { return tch_ceil_div(n, 16) * 16; }

/* The lowest place where nothing lies that lives at the same time. */
static int64_t lowest(const tch_plan *p, const tch_value *v, const bool *placed) {
  int64_t place = 0;
  for (bool moved = true; moved;) {
    moved = false;
    for (int i = 0; i < p->nvalues; i++) {
      const tch_value *u = &p->values[i];
      if (!placed[i] || u->last < v->first || v->last < u->first) continue;
      if (u->place < place + v->size && place < u->place + u->size) place = rounded(u->place + u->size), moved = true;
    }
  }
  return place;
}

static tch_status place(tch_plan *p) {
  bool *placed;
  TCH_TRY(tch_plan_take(p, p->nvalues * (int64_t) sizeof *placed, &placed));
  for (int i = 0; i < p->nvalues; i++) placed[i] = false;
  for (;;) { /* the largest first */
    int best = -1;
    for (int i = 0; i < p->nvalues; i++) {
      const tch_value *v = &p->values[i];
      if (placed[i] || v->same >= 0 || v->joint || v->first < 0 || v->layout == TCH_GIVEN) continue;
      if (best < 0 || v->size > p->values[best].size) best = i;
    }
    if (best < 0) break;
    tch_value *v = &p->values[best];
    v->place = lowest(p, v, placed);
    placed[best] = true;
    p->arena_size = tch_most(p->arena_size, rounded(v->place + v->size));
  }
  for (int i = 0; i < p->nvalues; i++) {
    tch_value *v = &p->values[i];
    if (v->joint && v->same < 0) v->place = p->joint_size, p->joint_size += v->size = rounded(v->size);
  }
  for (int i = 0; i < p->nvalues; i++) {
    const tch_value *from = p->values[i].same >= 0 ? &p->values[p->values[i].same] : &p->values[i];
    p->values[i].place = from->place, p->values[i].size = from->size;
  }
  return TCH_OK;
}

/* -- all ----------------------------------------------------------------------------------------------------------- */

static tch_status prepare_step(tch_plan *p, tch_step *s) {
  switch (s->kind) {
    case TCH_STEP_CONV: return tch_conv_prepare(p, s);
    case TCH_STEP_TILES:
    case TCH_STEP_WINOGRAD: return tch_winograd_prepare(p, s);
    case TCH_STEP_DEPTHWISE: return tch_depthwise_prepare(p, s);
    case TCH_STEP_POOL: return tch_pool_prepare(p, s);
    default: tch_plain_prepare(p, s); return TCH_OK;
  }
}

tch_status tch_plan_prepare(tch_plan *p, int output) {
  if (p->output >= 0) return tch_fail(TCH_ERROR_STATE, "plan: prepared twice");
  if (output < 0 || output >= p->nvalues)
    return tch_fail(TCH_ERROR_VALUE, "plan: value %d, but there are %d", output, p->nvalues);
  p->output = output;
  bool flat = p->values[output].flat;
  count_uses(p);
  fold(p);
  drop_orders(p);
  count_work(p);
  TCH_TRY(lower(p));
  p->values[p->output].flat = flat;
  lay_out(p);
  find_joint(p);
  find_lives(p);
  TCH_TRY(place(p));
  for (int i = 0; i < p->nsteps; i++) {
    tch_step *s = &p->steps[i];
    TCH_TRY(prepare_step(p, s));
    tch_tensor_release(s->weight);
    tch_tensor_release(s->bias);
    s->weight = s->bias = NULL;
  }
  p->ready = true;
  return TCH_OK;
}
