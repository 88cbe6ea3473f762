/* Copies between tensors of any strides and types, and fills, which are copies of one element with stride 0. */
#include "core/box.h"
#include "core/cast.h"
#include "core/error.h"
#include "core/tensor.h"
#include "core/thread.h"
#include "core/work.h"
#include <string.h>

enum {
  DIMS = TCH_BOX_DIMS,
  PIECE = 1 << 15, /* elements that are worth a thread */
  CHUNK = 512,     /* elements of a cast held in the nearest cache */
  BOX = 4096,      /* elements of a box, and bytes of either side's densest dimensions that it holds: several lines, which */
  NEAR = 256       /* memory gives together */
};

/* The elements as a grid that both sides can step through, innermost dimension first, in order of the target's strides. */
typedef struct plan {
  int ndim;
  int64_t size[DIMS], to_stride[DIMS], from_stride[DIMS];
  char *to;
  const char *from;
  tch_dtype to_type, from_type;
  int64_t extent[DIMS]; /* sizes of a box: what a copy takes at a time; a cast takes pieces of rows */
} plan;

/* -- plans --------------------------------------------------------------------------------------------------------- */

/* A tensor's dimensions taken off from the innermost; a contiguous tensor has one. */
typedef struct dims {
  const tch_tensor *t;
  bool flat;
  int next;
  int64_t size, stride; /* what is left of the current dimension */
} dims;

static void next_dim(dims *d) {
  while (d->size == 1 && d->next >= 0) {
    d->size = d->flat ? d->t->count : d->t->size[d->next];
    d->stride = d->flat ? 1 : d->t->stride[d->next];
    d->next = d->flat ? -1 : d->next - 1;
  }
}

static dims dims_of(const tch_tensor *t) {
  dims d = {.t = t, .flat = tch_tensor_contiguous(t), .next = t->ndim - 1, .size = 1};
  if (d.flat) d.next = 0;
  return d;
}

/* Common dimensions of both shapes; false if none divide both, as for (2,3) and (3,2). from NULL stands for one
 * element. */
static bool common_dims(plan *p, const tch_tensor *to, const tch_tensor *from) {
  dims a = dims_of(to), b;
  if (from) b = dims_of(from);
  p->ndim = 0;
  for (next_dim(&a); a.size > 1; next_dim(&a)) {
    if (from) next_dim(&b);
    int64_t step = !from || a.size < b.size ? a.size : b.size;
    if (a.size % step != 0 || (from && b.size % step != 0)) return false;
    p->size[p->ndim] = step;
    p->to_stride[p->ndim] = a.stride;
    p->from_stride[p->ndim++] = from ? b.stride : 0;
    a.size /= step;
    a.stride *= step;
    if (from) b.size /= step, b.stride *= step;
  }
  return true;
}

/* Orders dimensions by the target's strides and merges those that follow each other on both sides. */
static void simplify(plan *p) {
  for (int i = 1; i < p->ndim; i++)
    for (int j = i; j > 0 && p->to_stride[j] < p->to_stride[j - 1]; j--) {
      int64_t size = p->size[j], to = p->to_stride[j], from = p->from_stride[j];
      p->size[j] = p->size[j - 1], p->to_stride[j] = p->to_stride[j - 1], p->from_stride[j] = p->from_stride[j - 1];
      p->size[j - 1] = size, p->to_stride[j - 1] = to, p->from_stride[j - 1] = from;
    }
  int last = 0;
  for (int i = 1; i < p->ndim; i++) {
    if (p->to_stride[i] == p->to_stride[last] * p->size[last]
        && p->from_stride[i] == p->from_stride[last] * p->size[last]) {
      p->size[last] *= p->size[i];
      continue;
    }
    last++;
    p->size[last] = p->size[i], p->to_stride[last] = p->to_stride[i], p->from_stride[last] = p->from_stride[i];
  }
  if (p->ndim == 0) p->size[0] = 1, p->to_stride[0] = p->from_stride[0] = 1;
  p->ndim = last + 1;
}

/* -- rows of two types --------------------------------------------------------------------------------------------- */

/* Through int64_t where double would lose digits, else through double. */
static void cast_row(const plan *p, char *to, const char *from, int64_t n) {
  int64_t to_bytes = tch_dtype_bytes(p->to_type), from_bytes = tch_dtype_bytes(p->from_type);
  bool whole = p->from_type == TCH_LONG || (p->to_type == TCH_LONG && !tch_dtype_floating(p->from_type));
  union {
    double real[CHUNK];
    int64_t whole[CHUNK];
  } wide;
  for (int64_t i = 0; i < n; i += CHUNK) {
    int64_t m = n - i < CHUNK ? n - i : CHUNK;
    const char *source = from + i * p->from_stride[0] * from_bytes;
    char *target = to + i * p->to_stride[0] * to_bytes;
    if (whole) {
      tch_load_long(p->from_type, source, p->from_stride[0], wide.whole, m);
      tch_store_long(p->to_type, target, p->to_stride[0], wide.whole, m);
    } else {
      tch_load_double(p->from_type, source, p->from_stride[0], wide.real, m);
      tch_store_double(p->to_type, target, p->to_stride[0], wide.real, m);
    }
  }
}

/* -- walking the grid ---------------------------------------------------------------------------------------------- */

static void boxes_piece(void *context, int64_t begin, int64_t end) {
  const plan *p = context;
  int64_t to_bytes = tch_dtype_bytes(p->to_type), from_bytes = tch_dtype_bytes(p->from_type);
  tch_box_walk walk;
  tch_box_mover whole;
  bool ready = false;
  tch_box_start(&walk, p->ndim, p->size, p->extent, begin);
  for (int64_t b = begin; b < end; b++, tch_box_next(&walk)) {
    int64_t size[DIMS], first[DIMS];
    char *to = p->to;
    const char *from = p->from;
    bool is_whole = tch_box_here(&walk, first, size);
    for (int d = 0; d < p->ndim; d++) {
      to += first[d] * p->to_stride[d] * to_bytes;
      from += first[d] * p->from_stride[d] * from_bytes;
    }
    if (p->to_type != p->from_type) {
      cast_row(p, to, from, size[0]);
      continue;
    }
    if (is_whole && !ready) tch_box_ready(&whole, to_bytes, p->ndim, size, p->to_stride, p->from_stride), ready = true;
    if (is_whole) tch_box_run(&whole, to, from);
    else tch_box_move(to_bytes, p->ndim, size, to, p->to_stride, from, p->from_stride);
  }
}

/* once: no element of the target is written twice. */
static void run(plan *p, bool once) {
  simplify(p);
  int64_t each = 1, bytes = tch_dtype_bytes(p->to_type);
  for (int d = 0; d < p->ndim; d++) p->extent[d] = d > 0 ? 1 : p->size[0] < PIECE ? p->size[0] : PIECE;
  if (p->to_type == p->from_type && p->ndim > 1)
    tch_box_extents(2, (tch_grid_view[]) {{p->to_stride, bytes}, {p->from_stride, bytes}}, p->ndim, p->size, NEAR, BOX,
                    p->extent);
  for (int d = 0; d < p->ndim; d++) each *= p->extent[d];
  int64_t boxes = tch_box_count(p->ndim, p->size, p->extent);
  tch_parallel(boxes, once ? (PIECE + each - 1) / each : boxes, boxes_piece, p);
}

/* -- the calls ----------------------------------------------------------------------------------------------------- */

static char *first_element(const tch_tensor *t) {
  return (char *) t->storage->data + t->offset * tch_dtype_bytes(t->type);
}

/* Copies through a contiguous tensor of the source's type. */
static tch_status copy_aside(tch_tensor *to, const tch_tensor *from) {
  tch_tensor *aside = NULL;
  TCH_TRY(tch_tensor_new(from->type, from->ndim, from->size, &aside));
  tch_status status = tch_tensor_copy(aside, from);
  if (status == TCH_OK) status = tch_tensor_copy(to, aside);
  tch_tensor_release(aside);
  return status;
}

tch_status tch_tensor_copy(tch_tensor *to, const tch_tensor *from) {
  if (to->count != from->count) {
    char a[TCH_SHAPE_TEXT], b[TCH_SHAPE_TEXT];
    return tch_fail(TCH_ERROR_SHAPE, "copy: the target (%s) has %lld elements, the source (%s) has %lld",
                    tch_shape_text(to, a), (long long) to->count, tch_shape_text(from, b), (long long) from->count);
  }
  TCH_TRY(tch_tensor_writable(to, "copy"));
  if (to->count == 0 || tch_tensor_same_view(to, from)) return TCH_OK;
  plan p = {.to_type = to->type, .from_type = from->type};
  if (tch_tensor_overlap(to, from) || !common_dims(&p, to, from)) return copy_aside(to, from);
  p.to = first_element(to);
  p.from = first_element(from);
  run(&p, !tch_tensor_repeats(to));
  tch_work_moved((double) (to->count * (tch_dtype_bytes(to->type) + tch_dtype_bytes(from->type))));
  tch_tensor_wrote(to);
  return TCH_OK;
}

tch_status tch_tensor_fill(tch_tensor *t, double value) {
  TCH_TRY(tch_tensor_writable(t, "fill"));
  if (t->count == 0) return TCH_OK;
  uint64_t element;
  tch_store_double(t->type, &element, 1, &value, 1);
  plan p = {.to = first_element(t), .from = (const char *) &element, .to_type = t->type, .from_type = t->type};
  common_dims(&p, t, NULL);
  run(&p, !tch_tensor_repeats(t));
  tch_work_moved((double) (t->count * tch_dtype_bytes(t->type)));
  tch_tensor_wrote(t);
  return TCH_OK;
}
