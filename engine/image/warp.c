/* Moving the pixels of a picture: each pixel of the result says where in the picture it comes from. */
#include "core/dtype.h"
#include "core/memory.h"
#include "core/thread.h"
#include "image/image.h"
#include <math.h>

enum { RUN = 256 }; /* pixels whose places are computed together */

typedef struct warp warp;

/* Writes the places of pixels [x, x + n) of row y, n <= RUN. */
typedef void (*places)(const warp *w, int64_t y, int64_t x, int64_t n, double *rows, double *columns);

struct warp {
  tch_planes from;
  tch_dtype type;
  int64_t height, width; /* of the result */
  char *to;
  places places;
  const double *matrix;    /* affine */
  const tch_tensor *field; /* (2,H,W), double or float */
  bool offset;
  bool log;                /* polar */
  double most;             /* its largest distance */
};

static void row_piece(void *context, int64_t begin, int64_t end) {
  const warp *w = context;
  const tch_picture_kernels *table = tch_picture_table(w->type);
  double rows[RUN], columns[RUN];
  float small_rows[RUN], small_columns[RUN];
  int64_t size = tch_dtype_bytes(w->type), plane = w->height * w->width;
  for (int64_t y = begin; y < end; y++)
    for (int64_t x = 0; x < w->width; x += RUN) {
      int64_t n = w->width - x < RUN ? w->width - x : RUN;
      w->places(w, y, x, n, rows, columns);
      for (int64_t i = 0; i < n; i++) {
        small_rows[i] = (float) rows[i];
        small_columns[i] = (float) columns[i];
      }
      bool wide = w->type == TCH_DOUBLE;
      table->sample(n, &w->from, wide ? (void *) rows : small_rows, wide ? (void *) columns : small_columns,
                    w->to + (y * w->width + x) * size, plane);
    }
}

/* Fills w->from, w->type and w->to, runs over the rows and turns the result into the picture's type. */
static tch_status run(warp *w, tch_tensor *image, const char *op, tch_tensor **out) {
  tch_tensor *work = NULL, *result = NULL;
  TCH_TRY(tch_image_work(image, op, &work));
  int n = work->ndim;
  int64_t size[] = {tch_image_channels(work), w->height, w->width};
  tch_status status = tch_tensor_new(work->type, n, size + 3 - n, &result);
  if (status == TCH_OK) {
    w->type = work->type;
    w->to = tch_tensor_data(result);
    w->from.data = tch_tensor_data(work);
    w->from.channels = size[0];
    w->from.height = work->size[n - 2];
    w->from.width = work->size[n - 1];
    tch_parallel(w->height, 1 + 4096 / w->width, row_piece, w);
  }
  tch_tensor_release(work);
  return status == TCH_OK ? tch_image_result(result, image, out) : status;
}

static tch_status check(const char *op, int interpolation, int edge, int64_t height, int64_t width) {
  enum { MOST = 1 << 24 };
  if (interpolation < TCH_NEAREST || interpolation > TCH_LANCZOS || edge < TCH_EDGE_VALUE || edge > TCH_EDGE_BORDER)
    return tch_fail(TCH_ERROR_VALUE, "%s: there is no interpolation %d or no edge %d", op, interpolation, edge);
  if (height < 1 || width < 1 || height > MOST || width > MOST)
    return tch_fail(TCH_ERROR_SHAPE, "%s: a picture of %lldx%lld pixels is not possible", op, (long long) width,
                    (long long) height);
  return TCH_OK;
}

/* -- a field of places ------------------------------------------------------------------------------------------------ */

static double field_at(const tch_tensor *field, int64_t i) {
  return field->type == TCH_FLOAT ? (double) TCH_DATA(float, field)[i] : TCH_DATA(double, field)[i];
}

static void field_places(const warp *w, int64_t y, int64_t x, int64_t n, double *rows, double *columns) {
  int64_t plane = w->height * w->width, at = y * w->width + x;
  for (int64_t i = 0; i < n; i++) {
    rows[i] = field_at(w->field, at + i) + (w->offset ? (double) y : 0);
    columns[i] = field_at(w->field, plane + at + i) + (w->offset ? (double) (x + i) : 0);
  }
}

tch_status tch_image_warp(tch_tensor *image, tch_tensor *field, bool offset, int interpolation, int edge, double value,
                          tch_tensor **out) {
  char text[TCH_SHAPE_TEXT];
  if (field->ndim != 3 || field->size[0] != 2 || !field->count || !tch_dtype_floating(field->type))
    return tch_fail(TCH_ERROR_SHAPE, "warp: a field is a Float- or DoubleTensor of 2xHxW, not a %sTensor of %s",
                    tch_dtype_name(field->type), tch_shape_text(field, text));
  TCH_TRY(check("warp", interpolation, edge, field->size[1], field->size[2]));
  tch_tensor *dense = NULL;
  TCH_TRY(tch_tensor_contiguous_of(field, &dense));
  warp w = {.from = {.interpolation = (tch_interpolation) interpolation, .edge = (tch_edge) edge, .value = value},
            .height = field->size[1], .width = field->size[2], .places = field_places, .field = dense, .offset = offset};
  tch_status status = run(&w, image, "warp", out);
  tch_tensor_release(dense);
  return status;
}

/* -- affine ------------------------------------------------------------------------------------------------------------ */

static void affine_places(const warp *w, int64_t y, int64_t x, int64_t n, double *rows, double *columns) {
  const double *m = w->matrix;
  for (int64_t i = 0; i < n; i++) {
    rows[i] = m[0] * (double) y + m[1] * (double) (x + i) + m[2];
    columns[i] = m[3] * (double) y + m[4] * (double) (x + i) + m[5];
  }
}

tch_status tch_image_affine(tch_tensor *image, const double *matrix, int64_t height, int64_t width, int interpolation,
                            int edge, double value, tch_tensor **out) {
  TCH_TRY(check("affine", interpolation, edge, height, width));
  warp w = {.from = {.interpolation = (tch_interpolation) interpolation, .edge = (tch_edge) edge, .value = value},
            .height = height, .width = width, .places = affine_places, .matrix = matrix};
  return run(&w, image, "affine", out);
}

/* -- polar -------------------------------------------------------------------------------------------------------------- */

/* Torch7's: pixel centres at whole coordinates, the pixel towards the upper left where no four neighbours are there. */
static void polar_places(const warp *w, int64_t y, int64_t x, int64_t n, double *rows, double *columns) {
  double height = (double) w->from.height, width = (double) w->from.width;
  double angle = 2 * M_PI * (double) y / (double) w->height, sine = sin(angle), cosine = cos(angle);
  for (int64_t i = 0; i < n; i++) {
    double share = (double) (x + i) / (double) w->width, r = w->log ? exp(share * log(w->most)) : share * w->most;
    double v = r * cosine + height / 2, u = -r * sine + width / 2, row = floor(v), column = floor(u);
    bool whole = w->from.interpolation == TCH_NEAREST || row < 0 || column < 0 || row + 1 > height - 1 || column + 1 > width - 1;
    rows[i] = whole ? row : v;
    columns[i] = whole ? column : u;
  }
}

tch_status tch_image_polar(tch_tensor *image, int64_t height, int64_t width, bool full, bool log, bool linear,
                           tch_tensor **out) {
  TCH_TRY(check("polar", TCH_NEAREST, TCH_EDGE_VALUE, height, width));
  int n = image->ndim;
  double h = n >= 2 ? (double) image->size[n - 2] : 0, v = n >= 2 ? (double) image->size[n - 1] : 0;
  warp w = {.from = {.interpolation = linear ? TCH_LINEAR : TCH_NEAREST, .edge = TCH_EDGE_VALUE}, .height = height,
            .width = width, .places = polar_places, .log = log, .most = (full ? sqrt(h * h + v * v) : h < v ? h : v) / 2};
  return run(&w, image, "polar", out);
}
