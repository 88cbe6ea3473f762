/* IDX, the format of the MNIST files: two zero bytes, a type, the number of dimensions, the sizes, then the elements, all
 * big-endian (Y. LeCun, C. Cortes, C. Burges, "The MNIST database", file formats). */
#include "core/tensor.h"
#include "io/io.h"
#include <string.h>

static bool idx_type(int code, tch_dtype *type) {
  switch (code) {
    case 0x08: *type = TCH_BYTE; return true;
    case 0x09: *type = TCH_CHAR; return true;
    case 0x0b: *type = TCH_SHORT; return true;
    case 0x0c: *type = TCH_INT; return true;
    case 0x0d: *type = TCH_FLOAT; return true;
    case 0x0e: *type = TCH_DOUBLE; return true;
    default: return false;
  }
}

/* Turns n big-endian elements of `bytes` bytes into the machine's order. */
static void to_native(unsigned char *data, int64_t n, int64_t bytes) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  for (int64_t i = 0; bytes > 1 && i < n; i++, data += bytes) {
    for (int64_t k = 0; k < bytes / 2; k++) {
      unsigned char low = data[k];
      data[k] = data[bytes - 1 - k];
      data[bytes - 1 - k] = low;
    }
  }
#else
  (void) data, (void) n, (void) bytes;
#endif
}

static tch_status read_header(tch_reader *r, const char *path, tch_shape *shape) {
  unsigned char head[4], size[4];
  TCH_TRY(tch_reader_read(r, head, 4));
  if (head[0] || head[1] || !idx_type(head[2], &shape->type))
    return tch_fail(TCH_ERROR_IO, "%s is no IDX file: it starts with the bytes %02x %02x %02x %02x", path, head[0],
                    head[1], head[2], head[3]);
  if (!head[3] || head[3] > TCH_MAX_DIMS)
    return tch_fail(TCH_ERROR_IO, "%s: an IDX file of %d dimensions cannot be read (1 to %d)", path, head[3],
                    TCH_MAX_DIMS);
  int64_t most = tch_reader_most(r) / tch_dtype_bytes(shape->type), count = 1;
  shape->ndim = head[3];
  for (int d = 0; d < shape->ndim; d++) {
    TCH_TRY(tch_reader_read(r, size, 4));
    shape->size[d] = (int64_t) size[0] << 24 | size[1] << 16 | size[2] << 8 | size[3];
    if (shape->size[d] && count > most / shape->size[d])
      return tch_fail(TCH_ERROR_IO, "%s: truncated: the file is too short for the sizes in its header", path);
    count *= shape->size[d];
  }
  return TCH_OK;
}

static tch_status read_elements(tch_reader *r, tch_tensor *t) {
  int64_t bytes = tch_dtype_bytes(t->type);
  if (t->count) TCH_TRY(tch_reader_read(r, tch_tensor_data(t), t->count * bytes));
  TCH_TRY(tch_reader_end(r));
  if (t->count) to_native(tch_tensor_data(t), t->count, bytes);
  return TCH_OK;
}

tch_status tch_idx_read(const char *path, tch_tensor **out) {
  tch_reader *r = NULL;
  tch_tensor *t = NULL;
  tch_shape shape;
  TCH_TRY(tch_reader_open(path, &r));
  tch_status status = read_header(r, path, &shape);
  if (status == TCH_OK) status = tch_tensor_new(shape.type, shape.ndim, shape.size, &t);
  if (status == TCH_OK) status = read_elements(r, t);
  tch_reader_close(r);
  if (status != TCH_OK) tch_tensor_release(t);
  else *out = t;
  return status;
}
