/* Ops whose result takes entry map_d[i] of x for entry i of dimension d: padding from the edges, roll, flip, tile. */
#include "core/thread.h"
#include "op/line.h"
#include <string.h>

/* The maps of all dimensions: entry i of dimension d of `out` is entry at[d][i] of dimension d of `in`. */
typedef struct maps {
  int ndim;
  int64_t out_size[TCH_MAX_DIMS], in_stride[TCH_MAX_DIMS]; /* of contiguous tensors */
  int64_t *at[TCH_MAX_DIMS];
} maps;

/* Room for the maps from a tensor of sizes `in` to one of sizes `out`; the caller fills at[d]. */
static tch_status maps_of(tch_call *c, int ndim, const int64_t *out, const int64_t *in, maps *m) {
  tch_shape s = {.type = TCH_LONG, .ndim = 1};
  tch_tensor *room;
  int64_t stride = 1;
  m->ndim = ndim;
  for (int d = 0; d < ndim; d++) s.size[0] += out[d];
  TCH_TRY(tch_op_temp(c, &s, &room));
  int64_t *next = tch_tensor_data(room);
  for (int d = 0; d < ndim; d++) {
    m->out_size[d] = out[d];
    m->at[d] = next;
    next += out[d];
  }
  for (int d = ndim - 1; d >= 0; d--) m->in_stride[d] = stride, stride *= in[d];
  return TCH_OK;
}

/* Where row r of `out` (its last dimension) begins in `in`, but for the last dimension. */
static int64_t row_origin(const maps *m, int64_t r) {
  int64_t from = 0;
  for (int d = m->ndim - 2; d >= 0; d--) {
    from += m->at[d][r % m->out_size[d]] * m->in_stride[d];
    r /= m->out_size[d];
  }
  return from;
}

typedef struct job {
  const maps *m;
  const char *from;
  char *to;
  int64_t bytes;
} job;

static void copy_rows(void *context, int64_t begin, int64_t end) {
  const job *k = context;
  const maps *m = k->m;
  int64_t n = m->out_size[m->ndim - 1];
  const int64_t *at = m->at[m->ndim - 1];
  for (int64_t r = begin; r < end; r++) {
    int64_t from = row_origin(m, r), to = r * n;
    switch (k->bytes) {
#define COPY(bytes, T)                                                                                        \
  case bytes:                                                                                                 \
    for (int64_t i = 0; i < n; i++) ((T *) k->to)[to + i] = ((const T *) k->from)[from + at[i]];               \
    break;
      COPY(1, uint8_t)
      COPY(2, uint16_t)
      COPY(4, uint32_t)
      COPY(8, uint64_t)
#undef COPY
    }
  }
}

/* out[0] from input 0 by the maps. */
static tch_status rearrange(tch_call *c, const maps *m) {
  tch_tensor *x, *y = c->out[0];
  if (y->count == 0) return TCH_OK;
  if (m->ndim == 0) return tch_tensor_copy(y, c->in[0]);
  TCH_TRY(tch_op_contiguous(c, c->in[0], &x));
  job k = {m, tch_tensor_data(x), tch_tensor_data(y), tch_dtype_bytes(y->type)};
  int64_t n = m->out_size[m->ndim - 1];
  tch_parallel(y->count / n, 1 + 16384 / n, copy_rows, &k);
  return TCH_OK;
}

/* -- pad_edge: before[d] and after[d] entries more in dimension d, taken from x ---------------------------------- */

enum { REFLECT, REPLICATE, CIRCULAR };

static int64_t edge_entry(int64_t i, int64_t n, int64_t edge) {
  if (edge == REPLICATE) return i < 0 ? 0 : i >= n ? n - 1 : i;
  if (edge == CIRCULAR) return i < 0 ? i + n : i >= n ? i - n : i;
  return i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i;
}

static tch_status edge_maps(tch_call *c, const int64_t *wide, const int64_t *narrow, const tch_ints *before, int64_t edge,
                            maps *m) {
  TCH_TRY(maps_of(c, before->n, wide, narrow, m));
  for (int d = 0; d < m->ndim; d++)
    for (int64_t i = 0; i < wide[d]; i++) m->at[d][i] = edge_entry(i - before->v[d], narrow[d], edge);
  return TCH_OK;
}

/* Widths must be possible for a dimension of n entries. */
static tch_status check_widths(const tch_call *c, const tch_tensor *x, int d, int64_t n, int64_t b, int64_t e, int64_t edge) {
  char text[TCH_SHAPE_TEXT];
  int64_t most = edge == REFLECT ? n - 1 : edge == CIRCULAR ? n : n > 0 ? INT64_MAX / 4 : 0;
  if (b < 0 || e < 0 || b > most || e > most)
    return tch_op_fail(c, TCH_ERROR_VALUE, "widths %lld and %lld are not possible in dimension %d of %s", (long long) b,
                       (long long) e, d + 1, tch_shape_text(x, text));
  return TCH_OK;
}

static tch_status check_edge(const tch_call *c, const tch_ints *before, const tch_ints *after, int64_t edge) {
  const tch_tensor *x = c->in[0];
  char text[TCH_SHAPE_TEXT];
  if (edge < REFLECT || edge > CIRCULAR)
    return tch_op_fail(c, TCH_ERROR_VALUE, "there is no kind of edge %lld (0 reflect, 1 replicate, 2 circular)", (long long) edge);
  if (before->n != x->ndim || after->n != x->ndim)
    return tch_op_fail(c, TCH_ERROR_VALUE, "%d and %d widths given for a tensor of %d dimensions (%s)", before->n, after->n,
                       x->ndim, tch_shape_text(x, text));
  return TCH_OK;
}

static tch_status pad_edge_shape(tch_call *c) {
  const tch_pad_edge_attr *a = c->attr;
  const tch_tensor *x = c->in[0];
  TCH_TRY(tch_op_shape_like(c, 0, x));
  TCH_TRY(check_edge(c, &a->before, &a->after, a->edge));
  for (int d = 0; d < x->ndim; d++) {
    TCH_TRY(check_widths(c, x, d, x->size[d], a->before.v[d], a->after.v[d], a->edge));
    c->shape[0].size[d] += a->before.v[d] + a->after.v[d];
  }
  return TCH_OK;
}

static tch_status pad_edge_forward(tch_call *c) {
  const tch_pad_edge_attr *a = c->attr;
  maps m;
  TCH_TRY(edge_maps(c, c->out[0]->size, c->in[0]->size, &a->before, a->edge, &m));
  return rearrange(c, &m);
}

static tch_status pad_edge_backward(tch_call *c) {
  const tch_pad_edge_attr *a = c->attr;
  tch_tensor *g = NULL;
  tch_status status = tch_pad_edge_grad(c->gout[0], a->before.v, a->before.n, a->after.v, a->after.n, a->edge, &g);
  return tch_grad_pass(c, 0, status, &g);
}

const tch_op_body tch_op_pad_edge = {.shape = pad_edge_shape, .forward = pad_edge_forward, .backward_ops = pad_edge_backward,
                                     .dense = true};

/* -- pad_edge_grad: adds every entry of g to the entry that pad_edge took it from --------------------------------- */

static tch_status pad_edge_grad_shape(tch_call *c) {
  const tch_pad_edge_grad_attr *a = c->attr;
  const tch_tensor *g = c->in[0];
  TCH_TRY(tch_op_shape_like(c, 0, g));
  TCH_TRY(tch_op_same_float(c, 1));
  TCH_TRY(check_edge(c, &a->before, &a->after, a->edge));
  for (int d = 0; d < g->ndim; d++) {
    int64_t n = g->size[d] - a->before.v[d] - a->after.v[d];
    TCH_TRY(check_widths(c, g, d, n, a->before.v[d], a->after.v[d], a->edge));
    c->shape[0].size[d] = n;
  }
  return TCH_OK;
}

static tch_status pad_edge_grad_forward(tch_call *c) {
  const tch_pad_edge_grad_attr *a = c->attr;
  tch_tensor *g, *dx = c->out[0];
  maps m;
  TCH_TRY(tch_op_contiguous(c, c->in[0], &g));
  if (g->ndim == 0) return tch_tensor_copy(dx, g);
  TCH_TRY(edge_maps(c, g->size, dx->size, &a->before, a->edge, &m));
  TCH_TRY(tch_tensor_fill(dx, 0));
  int64_t n = g->size[g->ndim - 1];
  const int64_t *at = m.at[m.ndim - 1];
  for (int64_t r = 0; n > 0 && r < g->count / n; r++) {
    int64_t to = row_origin(&m, r), from = r * n;
    if (g->type == TCH_FLOAT)
      for (int64_t i = 0; i < n; i++) TCH_DATA(float, dx)[to + at[i]] += TCH_DATA(float, g)[from + i];
    else
      for (int64_t i = 0; i < n; i++) TCH_DATA(double, dx)[to + at[i]] += TCH_DATA(double, g)[from + i];
  }
  return TCH_OK;
}

static tch_status pad_edge_grad_backward(tch_call *c) {
  const tch_pad_edge_grad_attr *a = c->attr;
  tch_tensor *g = NULL;
  tch_status status = tch_pad_edge(c->gout[0], a->before.v, a->before.n, a->after.v, a->after.n, a->edge, &g);
  return tch_grad_pass(c, 0, status, &g);
}

const tch_op_body tch_op_pad_edge_grad = {.shape = pad_edge_grad_shape, .forward = pad_edge_grad_forward,
                                          .backward_ops = pad_edge_grad_backward, .dense = true};

/* -- roll: entries move on by shifts[k] in dims[k]; what leaves at the end comes in at the start ------------------ */

static tch_status roll_shape(tch_call *c) {
  const tch_roll_attr *a = c->attr;
  int d;
  TCH_TRY(tch_op_shape_like(c, 0, c->in[0]));
  if (a->shifts.n != a->dims.n)
    return tch_op_fail(c, TCH_ERROR_VALUE, "%d shifts given for %d dimensions", a->shifts.n, a->dims.n);
  for (int k = 0; k < a->dims.n; k++) TCH_TRY(tch_op_dim(c, c->in[0], a->dims.v[k], &d));
  return TCH_OK;
}

static tch_status same_maps(tch_call *c, maps *m) {
  const tch_tensor *x = c->in[0];
  TCH_TRY(maps_of(c, x->ndim, x->size, x->size, m));
  for (int d = 0; d < x->ndim; d++)
    for (int64_t i = 0; i < x->size[d]; i++) m->at[d][i] = i;
  return TCH_OK;
}

static tch_status roll_forward(tch_call *c) {
  const tch_roll_attr *a = c->attr;
  const tch_tensor *x = c->in[0];
  maps m;
  int d;
  TCH_TRY(same_maps(c, &m));
  for (int k = 0; k < a->dims.n && x->count; k++) {
    TCH_TRY(tch_op_dim(c, x, a->dims.v[k], &d));
    int64_t n = x->size[d], back = n - (a->shifts.v[k] % n + n) % n;
    for (int64_t i = 0; i < n; i++) m.at[d][i] = (m.at[d][i] + back) % n;
  }
  return rearrange(c, &m);
}

static tch_status roll_backward(tch_call *c) {
  const tch_roll_attr *a = c->attr;
  int64_t back[TCH_MAX_DIMS];
  tch_tensor *g = NULL;
  for (int k = 0; k < a->shifts.n; k++) back[k] = a->shifts.v[k] == INT64_MIN ? 0 : -a->shifts.v[k];
  return tch_grad_pass(c, 0, tch_roll(c->gout[0], back, a->shifts.n, a->dims.v, a->dims.n, &g), &g);
}

const tch_op_body tch_op_roll = {.shape = roll_shape, .forward = roll_forward, .backward_ops = roll_backward, .dense = true};

/* -- flip: dims in reverse order ---------------------------------------------------------------------------------- */

static tch_status flip_shape(tch_call *c) {
  const tch_flip_attr *a = c->attr;
  uint32_t seen = 0;
  int d;
  TCH_TRY(tch_op_shape_like(c, 0, c->in[0]));
  for (int k = 0; k < a->dims.n; k++) {
    TCH_TRY(tch_op_dim(c, c->in[0], a->dims.v[k], &d));
    if (seen >> d & 1) return tch_op_fail(c, TCH_ERROR_VALUE, "dimension %d is given twice", d + 1);
    seen |= 1u << d;
  }
  return TCH_OK;
}

static tch_status flip_forward(tch_call *c) {
  const tch_flip_attr *a = c->attr;
  maps m;
  int d;
  TCH_TRY(same_maps(c, &m));
  for (int k = 0; k < a->dims.n; k++) {
    TCH_TRY(tch_op_dim(c, c->in[0], a->dims.v[k], &d));
    for (int64_t i = 0, n = m.out_size[d]; i < n; i++) m.at[d][i] = n - 1 - i;
  }
  return rearrange(c, &m);
}

static tch_status flip_backward(tch_call *c) {
  const tch_flip_attr *a = c->attr;
  tch_tensor *g = NULL;
  return tch_grad_pass(c, 0, tch_flip(c->gout[0], a->dims.v, a->dims.n, &g), &g);
}

const tch_op_body tch_op_flip = {.shape = flip_shape, .forward = flip_forward, .backward_ops = flip_backward, .dense = true};

/* -- tile: x times[d] times along dimension d; more times than dimensions add dimensions in front ----------------- */

/* Sizes of x with ones in front up to n dimensions. */
static void lead_ones(int ndim, const int64_t *size, int n, int64_t *out) {
  for (int d = 0; d < n; d++) out[d] = d < n - ndim ? 1 : size[d - (n - ndim)];
}

static tch_status tile_shape(tch_call *c) {
  const tch_tile_attr *a = c->attr;
  const tch_tensor *x = c->in[0];
  char text[TCH_SHAPE_TEXT];
  int64_t size[TCH_MAX_DIMS];
  TCH_TRY(tch_op_shape_like(c, 0, x));
  if (a->times.n < x->ndim)
    return tch_op_fail(c, TCH_ERROR_VALUE, "%d times given for a tensor of %d dimensions (%s)", a->times.n, x->ndim,
                       tch_shape_text(x, text));
  lead_ones(x->ndim, x->size, a->times.n, size);
  c->shape[0].ndim = a->times.n;
  for (int d = 0; d < a->times.n; d++)
    if (a->times.v[d] < 0 || __builtin_mul_overflow(size[d], a->times.v[d], &c->shape[0].size[d]))
      return tch_op_fail(c, TCH_ERROR_VALUE, "%lld times are not possible in dimension %d", (long long) a->times.v[d], d + 1);
  return TCH_OK;
}

static tch_status tile_forward(tch_call *c) {
  const tch_tile_attr *a = c->attr;
  int64_t size[TCH_MAX_DIMS];
  maps m;
  lead_ones(c->in[0]->ndim, c->in[0]->size, a->times.n, size);
  TCH_TRY(maps_of(c, a->times.n, c->out[0]->size, size, &m));
  for (int d = 0; d < m.ndim; d++)
    for (int64_t i = 0; i < m.out_size[d]; i++) m.at[d][i] = i % size[d];
  return rearrange(c, &m);
}

/* Splits each repeated dimension of g into (times, size) and sums over times. */
static tch_status tile_backward(tch_call *c) {
  const tch_tile_attr *a = c->attr;
  const tch_shape *x = &c->in_shape[0];
  int64_t size[TCH_MAX_DIMS], split[2 * TCH_MAX_DIMS] = {0}, times[TCH_MAX_DIMS];
  int n = 0, ntimes = 0;
  lead_ones(x->ndim, x->size, a->times.n, size);
  for (int d = 0; d < a->times.n; d++) {
    if (a->times.v[d] != 1) times[ntimes++] = n, split[n++] = a->times.v[d];
    split[n++] = size[d];
  }
  if (n > TCH_MAX_DIMS) return tch_op_fail(c, TCH_ERROR_SHAPE, "too many dimensions are repeated for a gradient");
  tch_tensor *parts = NULL, *sum = NULL, *g = NULL;
  tch_status status = tch_reshape(c->gout[0], split, n, &parts);
  if (status == TCH_OK && ntimes > 0) status = tch_sum(parts, times, ntimes, false, &sum);
  if (status == TCH_OK) status = tch_reshape(sum ? sum : parts, x->size, x->ndim, &g);
  tch_tensor_release(parts);
  tch_tensor_release(sum);
  return tch_grad_pass(c, 0, status, &g);
}

const tch_op_body tch_op_tile = {.shape = tile_shape, .forward = tile_forward, .backward_ops = tile_backward, .dense = true};
