/* Single elements by index. */
#include "core/cast.h"
#include "core/error.h"
#include "core/tensor.h"

/* Address of an element, or NULL with the sentence set. */
static void *locate(const tch_tensor *t, const char *name, int n, const int64_t *index) {
  char text[TCH_SHAPE_TEXT];
  if (n != t->ndim || t->count == 0) {
    tch_fail(TCH_ERROR_SHAPE, "%s: %d indices for a tensor of %d dimensions (%s)", name, n, t->ndim,
             tch_shape_text(t, text));
    return NULL;
  }
  int64_t at = t->offset;
  for (int d = 0; d < n; d++) {
    if (index[d] < 0 || index[d] >= t->size[d]) {
      tch_fail(TCH_ERROR_SHAPE, "%s: index %lld is outside 0..%lld of dimension %d (%s)", name, (long long) index[d],
               (long long) t->size[d] - 1, d, tch_shape_text(t, text));
      return NULL;
    }
    at += index[d] * t->stride[d];
  }
  return (char *) t->storage->data + at * tch_dtype_bytes(t->type);
}

tch_status tch_tensor_get(const tch_tensor *t, int n, const int64_t *index, double *out) {
  const void *at = locate(t, "get", n, index);
  if (!at) return TCH_ERROR_SHAPE;
  tch_load_double(t->type, at, 1, out, 1);
  *out = tch_plain(*out);
  return TCH_OK;
}

tch_status tch_tensor_put(tch_tensor *t, int n, const int64_t *index, double value) {
  void *at = locate(t, "put", n, index);
  if (!at) return TCH_ERROR_SHAPE;
  TCH_TRY(tch_tensor_writable(t, "put"));
  tch_store_double(t->type, at, 1, &value, 1);
  tch_tensor_wrote(t);
  return TCH_OK;
}
