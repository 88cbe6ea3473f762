/* Ops that give another view of the same elements, and plain copies. */
#include "op/op.h"
#include <string.h>

/* Output shape like input 0, whatever its type. */
static tch_status same_shape(tch_call *c) {
  const tch_tensor *x = c->in[0];
  c->shape[0].type = x->type;
  c->shape[0].ndim = x->ndim;
  memcpy(c->shape[0].size, x->size, sizeof *x->size * (size_t) x->ndim);
  if (x->ndim == 0 && x->count == 0) return tch_op_fail(c, TCH_ERROR_SHAPE, "the tensor is empty");
  return TCH_OK;
}

static tch_status view_of(tch_call *c, int64_t offset, int ndim, const int64_t *size, const int64_t *stride) {
  const tch_tensor *x = c->in[0];
  if (x->storage == NULL) return tch_tensor_new(x->type, ndim, size, &c->out[0]);
  return tch_tensor_view_of(x->storage, offset, ndim, size, stride, &c->out[0]);
}

static tch_status give(tch_call *c, tch_status status, tch_tensor **g) {
  return status == TCH_OK ? tch_grad_give(c, 0, *g) : status;
}

/* -- expand: size 1 stretches, new dimensions come first; -1 keeps a size ------------------------------------------- */

static tch_status expand_shape(tch_call *c) {
  const tch_expand_attr *a = c->attr;
  const tch_tensor *x = c->in[0];
  char text[TCH_SHAPE_TEXT];
  int lead = a->size.n - x->ndim;
  if (lead < 0 || (x->count == 0 && x->ndim == 0))
    return tch_op_fail(c, TCH_ERROR_SHAPE, "%s cannot become a tensor of %d dimensions", tch_shape_text(x, text), a->size.n);
  c->shape[0].type = x->type;
  c->shape[0].ndim = a->size.n;
  for (int d = 0; d < a->size.n; d++) {
    int64_t want = a->size.v[d], have = d < lead ? 1 : x->size[d - lead];
    if (want == -1 && d >= lead) want = have;
    if (want < 0 || (have != 1 && have != want))
      return tch_op_fail(c, TCH_ERROR_SHAPE, "dimension %d of size %lld cannot become %lld (tensor %s): only size 1 stretches",
                         d + 1, (long long) have, (long long) a->size.v[d], tch_shape_text(x, text));
    c->shape[0].size[d] = want;
  }
  return TCH_OK;
}

static tch_status expand_forward(tch_call *c) {
  const tch_tensor *x = c->in[0];
  int64_t stride[TCH_MAX_DIMS];
  int n = c->shape[0].ndim, lead = n - x->ndim;
  for (int d = 0; d < n; d++) stride[d] = d < lead || x->size[d - lead] != c->shape[0].size[d] ? 0 : x->stride[d - lead];
  return view_of(c, x->offset, n, c->shape[0].size, stride);
}

static tch_status expand_backward(tch_call *c) {
  tch_tensor_retain(c->gout[0]);
  return tch_grad_give(c, 0, c->gout[0]);
}

const tch_op_body tch_op_expand = {.shape = expand_shape, .forward = expand_forward, .backward_ops = expand_backward,
                                   .view = true};

/* -- permute: dimension d of the result is dimension dims[d] of x --------------------------------------------------- */

static tch_status permute_shape(tch_call *c) {
  const tch_permute_attr *a = c->attr;
  const tch_tensor *x = c->in[0];
  uint32_t seen = 0;
  if (a->dims.n != x->ndim)
    return tch_op_fail(c, TCH_ERROR_VALUE, "%d dimensions given for a tensor of %d", a->dims.n, x->ndim);
  c->shape[0].type = x->type;
  c->shape[0].ndim = x->ndim;
  for (int d = 0; d < x->ndim; d++) {
    int from;
    TCH_TRY(tch_op_dim(c, x, a->dims.v[d], &from));
    if (seen >> from & 1) return tch_op_fail(c, TCH_ERROR_VALUE, "dimension %d is given twice", from + 1);
    seen |= 1u << from;
    c->shape[0].size[d] = x->size[from];
  }
  return TCH_OK;
}

static tch_status permute_forward(tch_call *c) {
  const tch_permute_attr *a = c->attr;
  const tch_tensor *x = c->in[0];
  int64_t stride[TCH_MAX_DIMS];
  for (int d = 0; d < x->ndim; d++) stride[d] = x->stride[a->dims.v[d] < 0 ? a->dims.v[d] + x->ndim : a->dims.v[d]];
  return view_of(c, x->offset, x->ndim, c->shape[0].size, stride);
}

static tch_status permute_backward(tch_call *c) {
  const tch_permute_attr *a = c->attr;
  int n = a->dims.n;
  int64_t back[TCH_MAX_DIMS];
  for (int d = 0; d < n; d++) back[a->dims.v[d] < 0 ? a->dims.v[d] + n : a->dims.v[d]] = d;
  tch_tensor *g = NULL;
  return give(c, tch_permute(c->gout[0], back, n, &g), &g);
}

const tch_op_body tch_op_permute = {.shape = permute_shape, .forward = permute_forward, .backward_ops = permute_backward,
                                    .view = true};

/* -- reshape: the same elements in the same order; one size may be -1. A view where the strides allow it ------------ */

static tch_status reshape_shape(tch_call *c) {
  const tch_reshape_attr *a = c->attr;
  const tch_tensor *x = c->in[0];
  char text[TCH_SHAPE_TEXT];
  int open = -1;
  int64_t known = 1;
  c->shape[0].type = x->type;
  c->shape[0].ndim = a->size.n;
  for (int d = 0; d < a->size.n; d++) {
    c->shape[0].size[d] = a->size.v[d];
    if (a->size.v[d] == -1 && open < 0) open = d;
    else if (a->size.v[d] < 0 || __builtin_mul_overflow(known, a->size.v[d], &known))
      return tch_op_fail(c, TCH_ERROR_VALUE, "size %lld of dimension %d is not possible", (long long) a->size.v[d], d + 1);
  }
  if (open >= 0 && known > 0 && x->count % known == 0) {
    c->shape[0].size[open] = x->count / known;
    known = x->count;
  } else if (open >= 0) known = -1;
  if (known == x->count && (a->size.n > 0 || x->count == 1)) return TCH_OK;
  tch_tensor want = {.ndim = a->size.n, .count = 1};
  char text2[TCH_SHAPE_TEXT];
  memcpy(want.size, a->size.v, sizeof want.size);
  return tch_op_fail(c, TCH_ERROR_SHAPE, "%s (%lld elements) cannot become %s", tch_shape_text(x, text), (long long) x->count,
                     tch_shape_text(&want, text2));
}

/* Strides that give x the new sizes without a copy; false if there are none. */
static bool view_strides(const tch_tensor *x, const tch_shape *to, int64_t *stride) {
  int d = x->ndim - 1, e = to->ndim - 1;
  if (x->count == 0) {
    int64_t step = 1;
    for (; e >= 0; e--) stride[e] = step, step *= to->size[e] > 0 ? to->size[e] : 1;
    return true;
  }
  for (;;) { /* a run: neighbouring dimensions that lie in one line, of `run` elements every `step` */
    while (d >= 0 && x->size[d] == 1) d--;
    if (d < 0) break;
    int64_t run = x->size[d], step = x->stride[d];
    for (d--; d >= 0 && (x->size[d] == 1 || x->stride[d] == run * step); d--) run *= x->size[d];
    while (e >= 0 && (run > 1 || to->size[e] == 1)) {
      if (run % to->size[e] != 0) return false;
      stride[e] = step;
      step *= to->size[e];
      run /= to->size[e];
      e--;
    }
    if (run != 1) return false;
  }
  for (; e >= 0; e--) stride[e] = 1;
  return true;
}

static tch_status reshape_forward(tch_call *c) {
  tch_tensor *x = c->in[0], *copy = NULL;
  int64_t stride[TCH_MAX_DIMS];
  const tch_shape *to = &c->shape[0];
  if (tch_tensor_contiguous(x)) return view_of(c, x->offset, to->ndim, to->size, NULL);
  if (view_strides(x, to, stride)) return view_of(c, x->offset, to->ndim, to->size, stride);
  TCH_TRY(tch_tensor_new(x->type, x->ndim, x->size, &copy));
  tch_status status = tch_tensor_copy(copy, x);
  if (status == TCH_OK) status = tch_tensor_resize(copy, to->ndim, to->size, NULL);
  if (status != TCH_OK) tch_tensor_release(copy);
  else c->out[0] = copy;
  return status;
}

static tch_status reshape_backward(tch_call *c) {
  tch_tensor *g = NULL;
  return give(c, tch_reshape(c->gout[0], c->in_shape[0].size, c->in_shape[0].ndim, &g), &g);
}

const tch_op_body tch_op_reshape = {.shape = reshape_shape, .forward = reshape_forward, .backward_ops = reshape_backward,
                                    .view = true};

/* -- slice: `count` entries of dimension dim from `start`, every `step`-th (narrow, select, indexing) ---------------- */

static tch_status slice_shape(tch_call *c) {
  const tch_slice_attr *a = c->attr;
  const tch_tensor *x = c->in[0];
  int d;
  char text[TCH_SHAPE_TEXT];
  TCH_TRY(same_shape(c));
  TCH_TRY(tch_op_dim(c, x, a->dim, &d));
  if (a->step < 1) return tch_op_fail(c, TCH_ERROR_VALUE, "step %lld is not possible", (long long) a->step);
  if (a->start < 0 || a->count < 0 || a->start > x->size[d] || a->count > x->size[d]
      || (a->count > 0 && a->step > 1 && a->count - 1 > (x->size[d] - 1 - a->start) / a->step)
      || (a->step == 1 && a->count > x->size[d] - a->start))
    return tch_op_fail(c, TCH_ERROR_VALUE, "entries %lld to %lld are not in dimension %d of size %lld (tensor %s)",
                       (long long) a->start + 1, (long long) (a->start + a->count), d + 1, (long long) x->size[d],
                       tch_shape_text(x, text));
  c->shape[0].size[d] = a->count;
  return TCH_OK;
}

static tch_status slice_forward(tch_call *c) {
  const tch_slice_attr *a = c->attr;
  const tch_tensor *x = c->in[0];
  int d = (int) (a->dim < 0 ? a->dim + x->ndim : a->dim);
  int64_t stride[TCH_MAX_DIMS];
  memcpy(stride, x->stride, sizeof *stride * (size_t) x->ndim);
  stride[d] *= a->step;
  int64_t start = a->count ? a->start * x->stride[d] : 0;
  return view_of(c, x->offset + start, x->ndim, c->shape[0].size, stride);
}

static tch_status slice_backward(tch_call *c) {
  const tch_slice_attr *a = c->attr;
  const tch_shape *s = &c->in_shape[0];
  tch_tensor *g = NULL;
  int64_t dim = a->dim < 0 ? a->dim + s->ndim : a->dim;
  return give(c, tch_unslice(c->gout[0], dim, a->start, a->step, s->size[dim], &g), &g);
}

const tch_op_body tch_op_slice = {.shape = slice_shape, .forward = slice_forward, .backward_ops = slice_backward,
                                  .view = true};

/* -- select: entry `index` of dimension dim, which goes away (negative: from the end) ----------------------------------- */

static tch_status select_shape(tch_call *c) {
  const tch_select_attr *a = c->attr;
  const tch_tensor *x = c->in[0];
  int d;
  char text[TCH_SHAPE_TEXT];
  TCH_TRY(same_shape(c));
  TCH_TRY(tch_op_dim(c, x, a->dim, &d));
  if (a->index >= x->size[d] || a->index < -x->size[d])
    return tch_op_fail(c, TCH_ERROR_VALUE, "index %lld is not in 1..%lld (dimension %d of tensor %s)",
                       (long long) (a->index < 0 ? a->index : a->index + 1), (long long) x->size[d], d + 1,
                       tch_shape_text(x, text));
  c->shape[0].ndim = x->ndim - 1;
  memmove(c->shape[0].size + d, c->shape[0].size + d + 1, sizeof *x->size * (size_t) (x->ndim - 1 - d));
  return TCH_OK;
}

static tch_status select_forward(tch_call *c) {
  const tch_select_attr *a = c->attr;
  const tch_tensor *x = c->in[0];
  int d = (int) (a->dim < 0 ? a->dim + x->ndim : a->dim);
  int64_t stride[TCH_MAX_DIMS], index = a->index < 0 ? a->index + x->size[d] : a->index;
  for (int k = 0, n = 0; k < x->ndim; k++)
    if (k != d) stride[n++] = x->stride[k];
  return view_of(c, x->offset + index * x->stride[d], x->ndim - 1, c->shape[0].size, stride);
}

static tch_status select_backward(tch_call *c) {
  const tch_select_attr *a = c->attr;
  const tch_shape *s = &c->in_shape[0];
  tch_tensor *row = NULL, *g = NULL;
  int64_t dim = a->dim < 0 ? a->dim + s->ndim : a->dim, size[TCH_MAX_DIMS];
  memcpy(size, s->size, sizeof size);
  size[dim] = 1;
  tch_status status = tch_reshape(c->gout[0], size, s->ndim, &row);
  if (status == TCH_OK)
    status = tch_unslice(row, dim, a->index < 0 ? a->index + s->size[dim] : a->index, 1, s->size[dim], &g);
  tch_tensor_release(row);
  return give(c, status, &g);
}

const tch_op_body tch_op_select = {.shape = select_shape, .forward = select_forward, .backward_ops = select_backward,
                                   .view = true};

/* -- unslice: zeros with x where slice would read it (the gradient of slice) ----------------------------------------- */

static tch_status unslice_shape(tch_call *c) {
  const tch_unslice_attr *a = c->attr;
  const tch_tensor *x = c->in[0];
  int d;
  TCH_TRY(same_shape(c));
  TCH_TRY(tch_op_dim(c, x, a->dim, &d));
  if (a->start < 0 || a->step < 1 || a->size < 0
      || (x->size[d] > 0 && (a->start >= a->size || x->size[d] - 1 > (a->size - 1 - a->start) / a->step)))
    return tch_op_fail(c, TCH_ERROR_VALUE, "%lld entries do not fit", (long long) x->size[d]);
  c->shape[0].size[d] = a->size;
  return TCH_OK;
}

static tch_status unslice_forward(tch_call *c) {
  const tch_unslice_attr *a = c->attr;
  tch_tensor *x = c->in[0], *part = NULL;
  int64_t dim = a->dim < 0 ? a->dim + x->ndim : a->dim;
  bool on = tch_grad_enabled();
  tch_set_grad_enabled(false);
  tch_status status = tch_tensor_fill(c->out[0], 0);
  if (status == TCH_OK) status = tch_slice(c->out[0], dim, a->start, x->size[dim], a->step, &part);
  if (status == TCH_OK) status = tch_tensor_copy(part, x);
  tch_tensor_release(part);
  tch_set_grad_enabled(on);
  return status;
}

static tch_status unslice_backward(tch_call *c) {
  const tch_unslice_attr *a = c->attr;
  const tch_shape *s = &c->in_shape[0];
  tch_tensor *g = NULL;
  int64_t dim = a->dim < 0 ? a->dim + s->ndim : a->dim;
  return give(c, tch_slice(c->gout[0], dim, a->start, s->size[dim], a->step, &g), &g);
}

const tch_op_body tch_op_unslice = {.shape = unslice_shape, .forward = unslice_forward, .backward_ops = unslice_backward};

/* -- unfold: windows of `size` every `step` along dim; the window is a new last dimension ---------------------------- */

static tch_status unfold_shape(tch_call *c) {
  const tch_unfold_attr *a = c->attr;
  const tch_tensor *x = c->in[0];
  int d;
  TCH_TRY(same_shape(c));
  TCH_TRY(tch_op_dim(c, x, a->dim, &d));
  if (a->size < 1 || a->size > x->size[d] || a->step < 1)
    return tch_op_fail(c, TCH_ERROR_VALUE, "windows of %lld every %lld are not possible in dimension %d of size %lld",
                       (long long) a->size, (long long) a->step, d + 1, (long long) x->size[d]);
  if (x->ndim == TCH_MAX_DIMS) return tch_op_fail(c, TCH_ERROR_SHAPE, "the tensor has %d dimensions already", x->ndim);
  c->shape[0].ndim = x->ndim + 1;
  c->shape[0].size[d] = (x->size[d] - a->size) / a->step + 1;
  c->shape[0].size[x->ndim] = a->size;
  return TCH_OK;
}

static tch_status unfold_forward(tch_call *c) {
  const tch_unfold_attr *a = c->attr;
  const tch_tensor *x = c->in[0];
  int d = (int) (a->dim < 0 ? a->dim + x->ndim : a->dim);
  int64_t stride[TCH_MAX_DIMS];
  memcpy(stride, x->stride, sizeof *stride * (size_t) x->ndim);
  stride[d] *= a->step;
  stride[x->ndim] = x->stride[d];
  return view_of(c, x->offset, x->ndim + 1, c->shape[0].size, stride);
}

static tch_status unfold_backward(tch_call *c) {
  const tch_unfold_attr *a = c->attr;
  const tch_shape *s = &c->in_shape[0];
  tch_tensor *g = NULL;
  int64_t dim = a->dim < 0 ? a->dim + s->ndim : a->dim;
  return give(c, tch_fold(c->gout[0], dim, a->step, s->size[dim], &g), &g);
}

const tch_op_body tch_op_unfold = {.shape = unfold_shape, .forward = unfold_forward, .backward_ops = unfold_backward,
                                   .view = true};

/* -- fold: adds windows back where unfold took them (the gradient of unfold) ----------------------------------------- */

static tch_status fold_shape(tch_call *c) {
  const tch_fold_attr *a = c->attr;
  const tch_tensor *x = c->in[0];
  int d;
  TCH_TRY(same_shape(c));
  TCH_TRY(tch_op_dim(c, x, a->dim, &d));
  if (d == x->ndim - 1 || a->step < 1 || a->size < x->size[x->ndim - 1]
      || (a->size - x->size[x->ndim - 1]) / a->step + 1 != x->size[d])
    return tch_op_fail(c, TCH_ERROR_VALUE, "the windows do not come from a dimension of size %lld", (long long) a->size);
  c->shape[0].ndim = x->ndim - 1;
  c->shape[0].size[d] = a->size;
  return TCH_OK;
}

/* Adds the windows one by one: windows may overlap, the members of one do not. */
static tch_status fold_windows(tch_tensor *x, tch_tensor *y, int dim, int64_t step) {
  tch_status status = TCH_OK;
  int last = x->ndim - 1;
  int64_t width = x->size[last];
  for (int64_t w = 0; w < x->size[dim] && status == TCH_OK; w++) {
    /* x[.., w at dim, .., :] with the window moved to dim, against y narrowed to the window */
    tch_tensor *one = NULL, *part = NULL;
    int64_t size[TCH_MAX_DIMS], stride[TCH_MAX_DIMS];
    for (int d = 0; d < last; d++) {
      size[d] = d == dim ? width : x->size[d];
      stride[d] = d == dim ? x->stride[last] : x->stride[d];
    }
    status = tch_tensor_view_of(x->storage, x->offset + w * x->stride[dim], last, size, stride, &one);
    if (status == TCH_OK) status = tch_slice(y, dim, w * step, width, 1, &part);
    if (status == TCH_OK) status = tch_add(part, one, 1, &part);
    tch_tensor_release(one);
    tch_tensor_release(part);
  }
  return status;
}

static tch_status fold_forward(tch_call *c) {
  const tch_fold_attr *a = c->attr;
  tch_tensor *x = c->in[0];
  bool on = tch_grad_enabled();
  tch_set_grad_enabled(false);
  tch_status status = tch_tensor_fill(c->out[0], 0);
  if (status == TCH_OK && x->count)
    status = fold_windows(x, c->out[0], (int) (a->dim < 0 ? a->dim + x->ndim : a->dim), a->step);
  tch_set_grad_enabled(on);
  return status;
}

static tch_status fold_backward(tch_call *c) {
  const tch_fold_attr *a = c->attr;
  const tch_shape *s = &c->in_shape[0];
  tch_tensor *g = NULL;
  int64_t dim = a->dim < 0 ? a->dim + s->ndim : a->dim;
  return give(c, tch_unfold(c->gout[0], dim, s->size[s->ndim - 1], a->step, &g), &g);
}

const tch_op_body tch_op_fold = {.shape = fold_shape, .forward = fold_forward, .backward_ops = fold_backward};

/* -- clone: a contiguous copy ---------------------------------------------------------------------------------------- */

static tch_status clone_forward(tch_call *c) { return tch_tensor_copy(c->out[0], c->in[0]); }

const tch_op_body tch_op_clone = {.shape = same_shape, .forward = clone_forward, .backward_ops = expand_backward,
                                  .in_place = true,
                                  .moves = true};

/* -- cast: a copy of another type ------------------------------------------------------------------------------------ */

static tch_status cast_shape(tch_call *c) {
  const tch_cast_attr *a = c->attr;
  if (a->type < 0 || a->type >= TCH_DTYPE_COUNT)
    return tch_op_fail(c, TCH_ERROR_TYPE, "there is no data type %lld", (long long) a->type);
  TCH_TRY(same_shape(c));
  c->shape[0].type = (tch_dtype) a->type;
  return TCH_OK;
}

static tch_status cast_backward(tch_call *c) {
  tch_tensor *g = NULL;
  return give(c, tch_cast(c->gout[0], c->in_shape[0].type, &g), &g);
}

const tch_op_body tch_op_cast = {.shape = cast_shape, .forward = clone_forward, .backward_ops = cast_backward,
                                 .moves = true};
