/* Noting a network: values and steps in the order of the calls. */
#include "plan/plan.h"
#include "core/cpu.h"
#include "core/memory.h"
#include "kernel/elementwise.h"
#include <math.h>
#include <string.h>

TCH_KERNEL_FAMILY_FLOAT(block)

/* -- memory -------------------------------------------------------------------------------------------------------- */

/* Room for one more entry of `size` bytes in an array of n. */
static tch_status grow(void *array, int n, int *room, size_t size) {
  void *old, *new;
  if (n < *room) return TCH_OK;
  memcpy(&old, array, sizeof old);
  int more = *room ? 2 * *room : 16;
  TCH_TRY(tch_alloc((int64_t) size * more, &new));
  if (n) memcpy(new, old, size * (size_t) n);
  tch_free(old, (int64_t) size * *room);
  memcpy(array, &new, sizeof new);
  *room = more;
  return TCH_OK;
}

tch_status tch_plan_take(tch_plan *p, int64_t bytes, void *out) {
  void *data;
  TCH_TRY(grow(&p->blocks, p->nblocks, &p->blocks_room, sizeof *p->blocks));
  TCH_TRY(tch_alloc(tch_most(bytes, 1), &data));
  p->blocks[p->nblocks++] = (tch_block_of){data, tch_most(bytes, 1)};
  memcpy(out, &data, sizeof data);
  return TCH_OK;
}

tch_status tch_plan_value(tch_plan *p, int64_t c, int64_t h, int64_t w, int *out) {
  TCH_TRY(grow(&p->values, p->nvalues, &p->values_room, sizeof *p->values));
  p->values[p->nvalues] = (tch_value){.c = c, .h = h, .w = w, .same = -1};
  *out = p->nvalues++;
  return TCH_OK;
}

tch_status tch_plan_step(tch_plan *p, const tch_step *s) {
  TCH_TRY(grow(&p->steps, p->nsteps, &p->steps_room, sizeof *p->steps));
  p->steps[p->nsteps++] = *s;
  return TCH_OK;
}

tch_status tch_plan_new(int64_t c, int64_t h, int64_t w, bool flat, tch_plan **out) {
  if (c < 1 || h < 1 || w < 1 || c > INT32_MAX / h / w)
    return tch_fail(TCH_ERROR_SHAPE, "plan: an input of %lldx%lldx%lld is not possible", (long long) c, (long long) h,
                    (long long) w);
  tch_plan *p = tch_record_new(sizeof *p);
  if (!p) return TCH_ERROR_MEMORY;
  *p = (tch_plan){.k = tch_block_table(), .output = -1};
  int input;
  tch_status status = tch_plan_value(p, c, h, w, &input);
  if (status != TCH_OK) {
    tch_plan_free(p);
    return status;
  }
  p->values[0].layout = TCH_GIVEN;
  p->values[0].flat = flat;
  *out = p;
  return TCH_OK;
}

void tch_plan_free(tch_plan *p) {
  if (!p) return;
  for (int i = 0; i < p->nsteps; i++) {
    tch_tensor_release(p->steps[i].weight);
    tch_tensor_release(p->steps[i].bias);
  }
  for (int i = 0; i < p->nblocks; i++) tch_free(p->blocks[i].data, p->blocks[i].bytes);
  tch_free(p->blocks, p->blocks_room * (int64_t) sizeof *p->blocks);
  tch_free(p->values, p->values_room * (int64_t) sizeof *p->values);
  tch_free(p->steps, p->steps_room * (int64_t) sizeof *p->steps);
  tch_free(p->arena, p->arena_bytes);
  tch_free(p->joint_memory, p->joint_bytes);
  tch_record_free(p, sizeof *p);
}

/* -- checks -------------------------------------------------------------------------------------------------------- */

static tch_status known(const tch_plan *p, const char *op, int x) {
  if (p->output >= 0) return tch_fail(TCH_ERROR_STATE, "plan: %s after the plan was prepared", op);
  if (x < 0 || x >= p->nvalues)
    return tch_fail(TCH_ERROR_VALUE, "plan: %s of value %d, but there are %d", op, x, p->nvalues);
  return TCH_OK;
}

static tch_status whole(const char *op, const char *name, const tch_tensor *t, int64_t count) {
  char text[TCH_SHAPE_TEXT];
  if (t->type != TCH_FLOAT) return tch_fail(TCH_ERROR_TYPE, "plan: %s has a %s of another type than float", op, name);
  if (t->count != count)
    return tch_fail(TCH_ERROR_SHAPE, "plan: %s has a %s of %s, but %lld numbers are needed", op, name,
                    tch_shape_text(t, text), (long long) count);
  return TCH_OK;
}

/* A step that reads x and makes a value of c planes of h x w. */
static tch_status note(tch_plan *p, tch_step *s, int64_t c, int64_t h, int64_t w, bool flat, int *y) {
  if (c > INT32_MAX / 4 / h / w)
    return tch_fail(TCH_ERROR_SHAPE, "plan: planes of %lldx%lldx%lld are too large", (long long) c, (long long) h,
                    (long long) w);
  TCH_TRY(tch_plan_value(p, c, h, w, &s->y));
  p->values[s->y].flat = flat;
  TCH_TRY(tch_plan_step(p, s));
  *y = s->y;
  return TCH_OK;
}

/* The step that made x, or NULL. */
static tch_step *maker(const tch_plan *p, int x) {
  for (int i = p->nsteps - 1; i >= 0; i--)
    if (p->steps[i].y == x) return &p->steps[i];
  return NULL;
}

/* -- the steps ----------------------------------------------------------------------------------------------------- */

static const tch_step plain_step = {.other = -1,
                                    .low = -INFINITY,
                                    .high = INFINITY,
                                    .kernel = {1, 1},
                                    .stride = {1, 1},
                                    .dilation = {1, 1},
                                    .groups = 1};

/* Outputs of a window along one dimension; 0: none. */
static int64_t places(int64_t size, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation, bool up) {
  int64_t room = size + 2 * pad - (dilation * (kernel - 1) + 1);
  if (room < 0) return 0;
  int64_t n = (room + (up ? stride - 1 : 0)) / stride + 1;
  return up && (n - 1) * stride >= size + pad ? n - 1 : n;
}

static tch_status window(const char *op, tch_step *s, const int64_t g[8]) {
  for (int d = 0; d < 2; d++) {
    s->kernel[d] = g[d], s->stride[d] = g[2 + d], s->pad[d] = g[4 + d], s->dilation[d] = g[6 + d];
    if (g[d] < 1 || g[2 + d] < 1 || g[4 + d] < 0 || g[6 + d] < 1)
      return tch_fail(TCH_ERROR_VALUE, "plan: %s with an impossible window", op);
  }
  return TCH_OK;
}

tch_status tch_plan_conv(tch_plan *p, int x, tch_tensor *weight, tch_tensor *bias, const int64_t geometry[8],
                         int64_t groups, int *y) {
  TCH_TRY(known(p, "a convolution", x));
  tch_step s = plain_step;
  s.kind = TCH_STEP_CONV, s.x = x, s.groups = groups;
  TCH_TRY(window("a convolution", &s, geometry));
  tch_step *flattened = maker(p, x);
  int64_t c = p->values[x].c;
  if (flattened && flattened->kind == TCH_STEP_ORDER && s.kernel[0] == 1 && s.kernel[1] == 1) {
    const tch_value *planes = &p->values[flattened->x]; /* a sum over all of the planes: a window that covers them */
    s.x = flattened->x, c = planes->c, s.kernel[0] = planes->h, s.kernel[1] = planes->w;
  }
  const tch_value *v = &p->values[s.x];
  if (weight->ndim < 1 || groups < 1 || c % groups || weight->size[0] % groups)
    return tch_fail(TCH_ERROR_SHAPE, "plan: a convolution of %lld planes in %lld groups", (long long) c,
                    (long long) groups);
  int64_t k = weight->size[0], size[2];
  char text[TCH_SHAPE_TEXT];
  if (weight->ndim == 4 && weight->size[1] != c / groups)
    return tch_fail(TCH_ERROR_SHAPE, "plan: a convolution of %lld planes in %lld groups has a weight of %s", (long long) c,
                    (long long) groups, tch_shape_text(weight, text));
  TCH_TRY(whole("a convolution", "weight", weight, k * (c / groups) * s.kernel[0] * s.kernel[1]));
  if (bias) TCH_TRY(whole("a convolution", "bias", bias, k));
  for (int d = 0; d < 2; d++)
    size[d] = places(d ? v->w : v->h, s.kernel[d], s.stride[d], s.pad[d], s.dilation[d], false);
  if (size[0] < 1 || size[1] < 1)
    return tch_fail(TCH_ERROR_SHAPE, "plan: planes of %lldx%lld are too small for a window of %lldx%lld",
                    (long long) v->h, (long long) v->w, (long long) s.kernel[0], (long long) s.kernel[1]);
  if (groups > 1 && groups == c && k == c) s.kind = TCH_STEP_DEPTHWISE;
  TCH_TRY(tch_tensor_contiguous_of(weight, &s.weight));
  tch_status status = bias ? tch_tensor_contiguous_of(bias, &s.bias) : TCH_OK;
  if (status == TCH_OK) status = note(p, &s, k, size[0], size[1], p->values[x].flat, y);
  if (status != TCH_OK) tch_tensor_release(s.weight), tch_tensor_release(s.bias);
  return status;
}

tch_status tch_plan_scale(tch_plan *p, int x, const tch_tensor *scale, const tch_tensor *shift, int *y) {
  TCH_TRY(known(p, "a normalization", x));
  tch_value v = p->values[x];
  TCH_TRY(whole("a normalization", "scale", scale, v.c));
  TCH_TRY(whole("a normalization", "shift", shift, v.c));
  if (!tch_tensor_contiguous(scale) || !tch_tensor_contiguous(shift))
    return tch_fail(TCH_ERROR_SHAPE, "plan: a normalization's numbers are not contiguous");
  tch_step s = plain_step;
  s.kind = TCH_STEP_SCALE, s.x = x;
  TCH_TRY(tch_plan_take(p, v.c * (int64_t) sizeof(float), &s.scale));
  TCH_TRY(tch_plan_take(p, v.c * (int64_t) sizeof(float), &s.shift));
  memcpy(s.scale, TCH_DATA(float, scale), (size_t) v.c * sizeof(float));
  memcpy(s.shift, TCH_DATA(float, shift), (size_t) v.c * sizeof(float));
  return note(p, &s, v.c, v.h, v.w, v.flat, y);
}

tch_status tch_plan_bound(tch_plan *p, int x, double low, double high, int *y) {
  TCH_TRY(known(p, "bounds", x));
  tch_value v = p->values[x];
  tch_step s = plain_step;
  s.kind = TCH_STEP_BOUND, s.x = x, s.low = (float) low, s.high = (float) high;
  return note(p, &s, v.c, v.h, v.w, v.flat, y);
}

tch_status tch_plan_unary(tch_plan *p, int x, const char *name, double a, double b, int *y) {
#define UNARY(name, ...) #name,
#define BINARY(...)
#define TERNARY(...)
#define COMPARE(...)
  static const char *const names[] = {
#include "kernel/elementwise.def"
  };
  TCH_TRY(known(p, name, x));
  tch_step s = plain_step;
  s.kind = TCH_STEP_UNARY, s.x = x, s.ab[0] = a, s.ab[1] = b;
  while (s.unary < TCH_UNARY_COUNT && strcmp(names[s.unary], name) != 0) s.unary++;
  if (s.unary == TCH_UNARY_COUNT) return tch_fail(TCH_ERROR_VALUE, "plan: there is no function %.40s", name);
  tch_value v = p->values[x];
  return note(p, &s, v.c, v.h, v.w, v.flat, y);
}

tch_status tch_plan_add(tch_plan *p, int a, int b, int *y) {
  TCH_TRY(known(p, "a sum", a));
  TCH_TRY(known(p, "a sum", b));
  tch_value v = p->values[a], u = p->values[b];
  if (v.c != u.c || v.h != u.h || v.w != u.w || v.flat != u.flat)
    return tch_fail(TCH_ERROR_SHAPE, "plan: a sum of %lldx%lldx%lld and %lldx%lldx%lld", (long long) v.c,
                    (long long) v.h, (long long) v.w, (long long) u.c, (long long) u.h, (long long) u.w);
  tch_step s = plain_step;
  s.kind = TCH_STEP_ADD, s.x = a, s.other = b;
  return note(p, &s, v.c, v.h, v.w, v.flat, y);
}

tch_status tch_plan_pool(tch_plan *p, int x, bool average, const int64_t geometry[8], bool up, bool include_pad,
                         int *y) {
  TCH_TRY(known(p, "pooling", x));
  tch_step s = plain_step;
  s.kind = TCH_STEP_POOL, s.x = x, s.average = average, s.divided = include_pad;
  TCH_TRY(window("pooling", &s, geometry));
  tch_value v = p->values[x];
  int64_t h = places(v.h, s.kernel[0], s.stride[0], s.pad[0], s.dilation[0], up),
          w = places(v.w, s.kernel[1], s.stride[1], s.pad[1], s.dilation[1], up);
  if (h < 1 || w < 1 || 2 * s.pad[0] > s.kernel[0] || 2 * s.pad[1] > s.kernel[1] || (average && s.dilation[0] > 1)
      || s.dilation[0] != s.dilation[1])
    return tch_fail(TCH_ERROR_SHAPE, "plan: pooling of planes of %lldx%lld with a window of %lldx%lld", (long long) v.h,
                    (long long) v.w, (long long) s.kernel[0], (long long) s.kernel[1]);
  return note(p, &s, v.c, h, w, v.flat, y);
}

tch_status tch_plan_adaptive(tch_plan *p, int x, bool average, int64_t h, int64_t w, int *y) {
  TCH_TRY(known(p, "pooling", x));
  tch_value v = p->values[x];
  if (h < 1 || w < 1) return tch_fail(TCH_ERROR_SHAPE, "plan: pooling to %lldx%lld", (long long) h, (long long) w);
  tch_step s = plain_step;
  s.kind = TCH_STEP_POOL, s.x = x, s.average = average, s.adaptive = true;
  return note(p, &s, v.c, h, w, v.flat, y);
}

tch_status tch_plan_join(tch_plan *p, const int32_t *xs, int n, int *y) {
  int64_t c = 0;
  if (n < 1) return tch_fail(TCH_ERROR_VALUE, "plan: nothing to join");
  for (int i = 0; i < n; i++) {
    TCH_TRY(known(p, "joining", xs[i]));
    const tch_value *v = &p->values[xs[i]], *u = &p->values[xs[0]];
    if (v->h != u->h || v->w != u->w || v->flat != u->flat)
      return tch_fail(TCH_ERROR_SHAPE, "plan: joining of planes of %lldx%lld and %lldx%lld", (long long) u->h,
                      (long long) u->w, (long long) v->h, (long long) v->w);
    c += v->c;
  }
  tch_value v = p->values[xs[0]];
  tch_step s = plain_step;
  s.kind = TCH_STEP_COPY, s.x = xs[0];
  TCH_TRY(note(p, &s, c, v.h, v.w, v.flat, y));
  for (int i = 1; i < n; i++) {
    s.place += p->values[s.x].c;
    s.x = xs[i];
    TCH_TRY(tch_plan_step(p, &s));
  }
  return TCH_OK;
}

tch_status tch_plan_flatten(tch_plan *p, int x, int *y) {
  TCH_TRY(known(p, "flattening", x));
  tch_value v = p->values[x];
  tch_step s = plain_step;
  s.kind = TCH_STEP_ORDER, s.x = x;
  return note(p, &s, v.c * v.h * v.w, 1, 1, true, y);
}

tch_status tch_plan_softmax(tch_plan *p, int x, bool log, int *y) {
  TCH_TRY(known(p, "softmax", x));
  tch_value v = p->values[x];
  if (v.h != 1 || v.w != 1)
    return tch_fail(TCH_ERROR_SHAPE, "plan: softmax of planes of %lldx%lld", (long long) v.h, (long long) v.w);
  tch_step s = plain_step;
  s.kind = TCH_STEP_SOFTMAX, s.x = x, s.log = log;
  return note(p, &s, v.c, 1, 1, v.flat, y);
}

bool tch_plan_shape(const tch_plan *p, int x, int64_t size[3]) {
  bool there = x >= 0 && x < p->nvalues;
  size[0] = there ? p->values[x].c : 0, size[1] = there ? p->values[x].h : 0, size[2] = there ? p->values[x].w : 0;
  return there && p->values[x].flat;
}
