/* Tensor: life, shape, and what views share. */
#include "core/tensor.h"
#include "core/error.h"
#include "core/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- sizes ------------------------------------------------------------------------------------------------------ */

/* Product of sizes, checked; a scalar has one element. */
static tch_status checked_count(int ndim, const int64_t *size, int64_t *count) {
  if (ndim < 0 || ndim > TCH_MAX_DIMS)
    return tch_fail(TCH_ERROR_SHAPE, "a tensor of %d dimensions is not possible (at most %d)", ndim, TCH_MAX_DIMS);
  int64_t n = 1;
  bool zero = false, overflow = false;
  for (int d = 0; d < ndim; d++) {
    if (size[d] < 0)
      return tch_fail(TCH_ERROR_SHAPE, "size %lld of dimension %d is negative", (long long) size[d], d + 1);
    if (size[d] == 0) zero = true;
    else if (__builtin_mul_overflow(n, size[d], &n)) overflow = true;
  }
  /* Of the others beside a zero, too: strides are their products. */
  if (overflow || n > INT64_MAX / 16) return tch_fail(TCH_ERROR_SHAPE, "the product of the sizes is too large");
  *count = zero ? 0 : n;
  return TCH_OK;
}

static void set_contiguous(tch_tensor *t, int ndim, const int64_t *size, int64_t count) {
  int64_t step = 1;
  t->ndim = ndim;
  t->count = count;
  for (int d = ndim - 1; d >= 0; d--) {
    t->size[d] = size[d];
    t->stride[d] = step;
    step *= size[d] > 0 ? size[d] : 1;
  }
}

/* Elements of the storage that a view reaches, or a failure if it reaches below 0 or its numbers overflow. */
static tch_status checked_extent(int64_t offset, int ndim, const int64_t *size, const int64_t *stride, int64_t *extent) {
  int64_t low = offset, high = offset;
  if (offset < 0) return tch_fail(TCH_ERROR_VALUE, "storage offset %lld is negative", (long long) offset + 1);
  for (int d = 0; d < ndim; d++) {
    int64_t reach;
    if (size[d] == 0) {
      *extent = 0;
      return TCH_OK;
    }
    int64_t *end = stride[d] < 0 ? &low : &high;
    if (__builtin_mul_overflow(size[d] - 1, stride[d], &reach) || __builtin_add_overflow(*end, reach, end))
      return tch_fail(TCH_ERROR_VALUE, "stride %lld of dimension %d is too large", (long long) stride[d], d + 1);
  }
  if (low < 0)
    return tch_fail(TCH_ERROR_VALUE, "the view begins %llu elements before its storage", -(unsigned long long) low);
  if (high == INT64_MAX) return tch_fail(TCH_ERROR_VALUE, "the view is too large");
  *extent = high + 1;
  return TCH_OK;
}

int64_t tch_shape_count(const tch_shape *s) {
  int64_t n = 1;
  for (int d = 0; d < s->ndim; d++) n *= s->size[d];
  return n;
}

const char *tch_shape_text(const tch_tensor *t, char buffer[TCH_SHAPE_TEXT]) {
  if (t == NULL) return "nothing";
  if (t->ndim == 0) return t->count ? "scalar" : "empty";
  int at = 0;
  for (int d = 0; d < t->ndim && at < TCH_SHAPE_TEXT - 24; d++)
    at += snprintf(buffer + at, (size_t) (TCH_SHAPE_TEXT - at), "%s%lld", d ? "x" : "", (long long) t->size[d]);
  return buffer;
}

/* -- life ------------------------------------------------------------------------------------------------------- */

static tch_tensor *new_header(tch_dtype type) {
  tch_tensor *t = tch_record_new(sizeof *t);
  if (t == NULL) return NULL;
  atomic_init(&t->refs, 1);
  t->type = type;
  t->owner = false;
  t->ndim = 0;
  t->count = t->offset = 0;
  t->storage = NULL;
  t->history = NULL;
  return t;
}

tch_status tch_tensor_empty(tch_dtype type, tch_tensor **out) {
  if ((unsigned) type >= TCH_DTYPE_COUNT) return tch_fail(TCH_ERROR_TYPE, "there is no data type %d", (int) type);
  tch_tensor *t = new_header(type);
  if (t == NULL) return TCH_ERROR_MEMORY;
  *out = t;
  return TCH_OK;
}

tch_status tch_tensor_new(tch_dtype type, int ndim, const int64_t *size, tch_tensor **out) {
  int64_t count;
  tch_tensor *t;
  TCH_TRY(checked_count(ndim, size, &count));
  TCH_TRY(tch_tensor_empty(type, &t));
  tch_status status = tch_storage_new(type, count, &t->storage);
  if (status != TCH_OK) {
    tch_tensor_release(t);
    return status;
  }
  t->owner = true;
  set_contiguous(t, ndim, size, count);
  *out = t;
  return TCH_OK;
}

tch_status tch_tensor_of(const tch_shape *shape, tch_tensor **out) {
  return tch_tensor_new(shape->type, shape->ndim, shape->size, out);
}

static void copy_view(tch_tensor *t, const tch_tensor *from) {
  t->type = from->type;
  t->ndim = from->ndim;
  t->count = from->count;
  t->offset = from->offset;
  memcpy(t->size, from->size, sizeof *t->size * (size_t) from->ndim);
  memcpy(t->stride, from->stride, sizeof *t->stride * (size_t) from->ndim);
}

tch_status tch_tensor_alias(const tch_tensor *t, tch_tensor **out) {
  tch_tensor *a = new_header(t->type);
  if (a == NULL) return TCH_ERROR_MEMORY;
  copy_view(a, t);
  if (t->storage) tch_storage_retain(a->storage = t->storage);
  *out = a;
  return TCH_OK;
}

void tch_tensor_retain(tch_tensor *t) { atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed); }

void tch_tensor_free(tch_tensor *t) {
  if (t->history) tch_history_drop(t);
  tch_storage *s = t->storage;
  t->storage = NULL;
  t->owner = false;
  t->ndim = 0;
  t->count = t->offset = 0;
  tch_storage_release(s);
}

void tch_tensor_release(tch_tensor *t) {
  if (t == NULL || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1) return;
  if (t->history) tch_history_drop(t);
  tch_storage_release(t->storage);
  tch_record_free(t, sizeof *t);
}

/* -- becoming something else ------------------------------------------------------------------------------------ */

tch_status tch_tensor_set_storage(tch_tensor *t, tch_storage *s, int64_t offset, int ndim, const int64_t *size,
                                  const int64_t *stride) {
  int64_t count, extent;
  tch_tensor plan;
  TCH_TRY(checked_count(ndim, size, &count));
  if (s && s->type != t->type)
    return tch_fail(TCH_ERROR_TYPE, "a %sTensor cannot view a %sStorage", tch_dtype_name(t->type), tch_dtype_name(s->type));
  set_contiguous(&plan, ndim, size, count);
  if (stride) memcpy(plan.stride, stride, sizeof *stride * (size_t) ndim);
  TCH_TRY(checked_extent(offset, ndim, plan.size, plan.stride, &extent));
  if (count > 0 && (s == NULL || extent > s->count))
    return tch_fail(TCH_ERROR_VALUE, "the view needs %lld elements, the storage has %lld", (long long) extent,
                    (long long) (s ? s->count : 0));
  TCH_TRY(tch_history_view_change(t));
  tch_storage *old = t->storage;
  if (s) tch_storage_retain(s);
  t->storage = s;
  t->owner = false;
  t->ndim = ndim;
  t->count = s == NULL && ndim == 0 ? 0 : count;
  t->offset = offset;
  memcpy(t->size, plan.size, sizeof *t->size * (size_t) ndim);
  memcpy(t->stride, plan.stride, sizeof *t->stride * (size_t) ndim);
  tch_storage_release(old);
  return TCH_OK;
}

tch_status tch_tensor_view_of(tch_storage *s, int64_t offset, int ndim, const int64_t *size, const int64_t *stride,
                              tch_tensor **out) {
  tch_tensor *t = new_header(s->type);
  if (t == NULL) return TCH_ERROR_MEMORY;
  tch_status status = tch_tensor_set_storage(t, s, offset, ndim, size, stride);
  if (status != TCH_OK) tch_tensor_release(t);
  else *out = t;
  return status;
}

tch_status tch_tensor_row(const tch_tensor *t, int64_t index, tch_tensor **out) {
  char text[TCH_SHAPE_TEXT];
  if (t->ndim == 0 || index < 0 || index >= t->size[0])
    return tch_fail(TCH_ERROR_VALUE, "row: index %lld is not in the first dimension of tensor %s", (long long) index + 1,
                    tch_shape_text(t, text));
  tch_tensor *r = new_header(t->type);
  if (r == NULL) return TCH_ERROR_MEMORY;
  r->ndim = t->ndim - 1;
  r->count = t->count / t->size[0];
  r->offset = t->offset + index * t->stride[0];
  for (int d = 0; d < r->ndim; d++) {
    r->size[d] = t->size[d + 1];
    r->stride[d] = t->stride[d + 1];
  }
  if (t->storage) tch_storage_retain(r->storage = t->storage);
  *out = r;
  return TCH_OK;
}

tch_status tch_tensor_set(tch_tensor *t, const tch_tensor *from) {
  if (t == from) return TCH_OK;
  if (t->type != from->type)
    return tch_fail(TCH_ERROR_TYPE, "set: a %sTensor cannot view a %sTensor", tch_dtype_name(t->type),
                    tch_dtype_name(from->type));
  TCH_TRY(tch_history_view_change(t));
  tch_storage *old = t->storage;
  if (from->storage) tch_storage_retain(from->storage);
  t->storage = from->storage;
  t->owner = false;
  copy_view(t, from);
  tch_storage_release(old);
  return TCH_OK;
}

tch_status tch_tensor_resize(tch_tensor *t, int ndim, const int64_t *size, const int64_t *stride) {
  int64_t count, extent;
  tch_tensor plan;
  TCH_TRY(checked_count(ndim, size, &count));
  set_contiguous(&plan, ndim, size, count);
  if (stride) memcpy(plan.stride, stride, sizeof *stride * (size_t) ndim);
  bool same = t->ndim == ndim && t->count == count && memcmp(t->size, size, sizeof *size * (size_t) ndim) == 0;
  if (same && (stride == NULL || memcmp(t->stride, stride, sizeof *stride * (size_t) ndim) == 0)) return TCH_OK;
  TCH_TRY(checked_extent(t->offset, ndim, plan.size, plan.stride, &extent));
  TCH_TRY(tch_history_view_change(t));
  if (t->storage == NULL) {
    TCH_TRY(tch_storage_new(t->type, extent, &t->storage));
    t->owner = true;
  } else if (extent > t->storage->count) {
    TCH_TRY(tch_storage_resize(t->storage, extent));
  }
  t->ndim = ndim;
  t->count = count;
  memcpy(t->size, plan.size, sizeof *t->size * (size_t) ndim);
  memcpy(t->stride, plan.stride, sizeof *t->stride * (size_t) ndim);
  return TCH_OK;
}

tch_status tch_tensor_become(tch_tensor *t, const tch_shape *shape) {
  if (t->type != shape->type)
    return tch_fail(TCH_ERROR_TYPE, "the result is a %sTensor, but a %sTensor was given for it", tch_dtype_name(shape->type),
                    tch_dtype_name(t->type));
  if (shape->ndim == 0) {
    if (t->ndim == 0 && t->count == 1) return TCH_OK;
    if (t->storage && t->storage->count > t->offset) {
      TCH_TRY(tch_history_view_change(t));
      t->ndim = 0;
      t->count = 1;
      return TCH_OK;
    }
  }
  return tch_tensor_resize(t, shape->ndim, shape->size, NULL);
}

void tch_tensor_take(tch_tensor *t, tch_tensor *from) {
  tch_storage *old = t->storage;
  t->storage = from->storage;
  from->storage = NULL;
  t->owner = from->owner;
  copy_view(t, from);
  tch_storage_release(old);
  tch_tensor_release(from);
}

/* -- questions -------------------------------------------------------------------------------------------------- */

tch_dtype tch_tensor_dtype(const tch_tensor *t) { return t->type; }
int tch_tensor_dim(const tch_tensor *t) { return t->ndim; }
int64_t tch_tensor_size(const tch_tensor *t, int dim) { return dim >= 0 && dim < t->ndim ? t->size[dim] : -1; }
int64_t tch_tensor_stride(const tch_tensor *t, int dim) { return dim >= 0 && dim < t->ndim ? t->stride[dim] : 0; }
int64_t tch_tensor_offset(const tch_tensor *t) { return t->offset; }
int64_t tch_tensor_count(const tch_tensor *t) { return t->count; }
tch_storage *tch_tensor_storage(const tch_tensor *t) { return t->storage; }

void *tch_tensor_data(const tch_tensor *t) {
  return t->count == 0 ? NULL : (char *) t->storage->data + t->offset * tch_dtype_bytes(t->type);
}

bool tch_tensor_contiguous(const tch_tensor *t) {
  int64_t step = 1;
  for (int d = t->ndim - 1; d >= 0; d--) {
    if (t->size[d] == 1) continue;
    if (t->stride[d] != step) return t->count == 0;
    step *= t->size[d];
  }
  return true;
}

bool tch_tensor_same_size(const tch_tensor *a, const tch_tensor *b) {
  return a->ndim == b->ndim && a->count == b->count && memcmp(a->size, b->size, sizeof *a->size * (size_t) a->ndim) == 0;
}

bool tch_tensor_same_view(const tch_tensor *a, const tch_tensor *b) {
  if (a == b) return true;
  if (a->storage != b->storage || a->offset != b->offset || !tch_tensor_same_size(a, b)) return false;
  for (int d = 0; d < a->ndim; d++)
    if (a->size[d] > 1 && a->stride[d] != b->stride[d]) return false;
  return true;
}

void tch_tensor_range(const tch_tensor *t, int64_t *begin, int64_t *end) {
  int64_t low = t->offset, high = t->offset;
  for (int d = 0; d < t->ndim; d++) *(t->stride[d] < 0 ? &low : &high) += (t->size[d] - 1) * t->stride[d];
  *begin = low;
  *end = t->count ? high + 1 : low;
}

void tch_tensor_wrote(tch_tensor *t) {
  if (t->storage == NULL || !t->storage->tracked) return;
  int64_t begin, end;
  tch_tensor_range(t, &begin, &end);
  tch_storage_wrote(t->storage, begin, end);
}

bool tch_tensor_overlap(const tch_tensor *a, const tch_tensor *b) {
  if (!a->count || !b->count) return false;
  if (a->storage != b->storage && !a->storage->foreign && !b->storage->foreign) return false;
  int64_t begin_a, end_a, begin_b, end_b;
  tch_tensor_range(a, &begin_a, &end_a);
  tch_tensor_range(b, &begin_b, &end_b);
  return tch_storage_meet(a->storage, begin_a, end_a, b->storage, begin_b, end_b);
}

bool tch_tensor_repeats(const tch_tensor *t) {
  int order[TCH_MAX_DIMS], n = 0; /* shortest strides first */
  for (int d = 0; d < t->ndim; d++) {
    if (t->size[d] <= 1) continue;
    int k = n++;
    for (; k > 0 && llabs(t->stride[order[k - 1]]) > llabs(t->stride[d]); k--) order[k] = order[k - 1];
    order[k] = d;
  }
  int64_t reach = 0; /* of the dimensions so far */
  for (int k = 0; k < n; k++) {
    int64_t stride = llabs(t->stride[order[k]]);
    if (stride <= reach) return true;
    reach += (t->size[order[k]] - 1) * stride;
  }
  return false;
}

tch_status tch_tensor_contiguous_of(tch_tensor *t, tch_tensor **out) {
  if (tch_tensor_contiguous(t)) {
    tch_tensor_retain(t);
    *out = t;
    return TCH_OK;
  }
  tch_tensor *c = NULL;
  TCH_TRY(tch_tensor_new(t->type, t->ndim, t->size, &c));
  tch_status status = tch_tensor_copy(c, t);
  if (status != TCH_OK) tch_tensor_release(c);
  else *out = c;
  return status;
}
