/* Resizing, one direction after the other. Every mode is a table: which pixels, with which weights. */
#include "core/dtype.h"
#include "core/memory.h"
#include "core/thread.h"
#include "image/image.h"
#include <math.h>
#include <string.h>

/* -- tables --------------------------------------------------------------------------------------------------------- */

/* The entry of output i while a table is made. */
typedef struct entry {
  int64_t first;
  double *weight; /* taps of them, 0 at the start */
} entry;

static int64_t at_most(int64_t value, int64_t most) { return value < most ? value : most; }

static void add(const tch_resize_plan *p, entry *e, int64_t at, double weight) {
  at = at < 0 ? 0 : at_most(at, p->in - 1);
  e->weight[at - e->first] += weight;
}

/* Averages of [begin, end). */
static void average(const tch_resize_plan *p, entry *e, double begin, double end) {
  e->first = at_most((int64_t) begin, p->in - p->taps);
  for (int64_t i = (int64_t) begin; i < p->in && (double) i < end; i++) {
    double from = begin > (double) i ? begin : (double) i, to = end < (double) (i + 1) ? end : (double) (i + 1);
    if (to > from) add(p, e, i, (to - from) / (end - begin));
  }
}

/* x between two pixels. Torch7 holds the factor in single precision; its last pixel is exact. */
static double corner_place(const tch_resize_plan *p, int64_t i) {
  if (i == p->out - 1) return (double) (p->in - 1);
  return (double) ((float) i * ((float) (p->in - 1) / (float) (p->out - 1)));
}

static void linear_corner(const tch_resize_plan *p, entry *e, int64_t i) {
  double x = corner_place(p, i), whole = floor(x);
  e->first = at_most((int64_t) whole, p->in - p->taps);
  add(p, e, (int64_t) whole, 1 - (x - whole));
  add(p, e, (int64_t) whole + 1, x - whole);
}

/* Catmull-Rom; beyond the ends the picture goes on as a straight line. */
static void cubic_corner(const tch_resize_plan *p, entry *e, int64_t i) {
  double x = corner_place(p, i);
  int64_t k = at_most((int64_t) x, p->in > 1 ? p->in - 2 : 0);
  double t = x - (double) k, u = 1 - t;
  double w[4] = {-.5 * t * u * u, 1 + .5 * t * t * (3 * t - 5), 1 + .5 * u * u * (3 * u - 5), -.5 * u * t * t};
  if (k == 0) { /* p0 = 2 p1 - p2 */
    w[1] += 2 * w[0];
    w[2] -= w[0];
    w[0] = 0;
  }
  if (k + 2 >= p->in) { /* p3 = 2 p2 - p1 */
    w[2] += 2 * w[3];
    w[1] -= w[3];
    w[3] = 0;
  }
  e->first = at_most(k > 0 ? k - 1 : 0, p->in - p->taps);
  for (int j = 0; j < 4; j++)
    if (w[j] != 0) add(p, e, k - 1 + j, w[j]);
}

static double filter_radius(tch_resize mode) { return mode == TCH_RESIZE_LINEAR ? 1 : mode == TCH_RESIZE_CUBIC ? 2 : 3; }

static double sinc(double x) { return x == 0 ? 1 : sin(M_PI * x) / (M_PI * x); }

/* The triangle, Keys' cubic with a = -1/2, and Lanczos' window of radius 3. */
static double filter(tch_resize mode, double x) {
  x = fabs(x);
  if (x >= filter_radius(mode)) return 0;
  if (mode == TCH_RESIZE_LINEAR) return 1 - x;
  if (mode == TCH_RESIZE_LANCZOS) return sinc(x) * sinc(x / 3);
  return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : ((-.5 * x + 2.5) * x - 4) * x + 2;
}

/* Weights of the pixels under the filter, widened by the factor by which the picture shrinks. */
static void filtered(const tch_resize_plan *p, entry *e, int64_t i, tch_resize mode) {
  double step = (double) p->in / (double) p->out, scale = step > 1 ? step : 1, reach = filter_radius(mode) * scale;
  double centre = ((double) i + .5) * step, sum = 0;
  int64_t begin = (int64_t) (centre - reach + .5), end = at_most((int64_t) (centre + reach + .5), p->in);
  if (begin < 0) begin = 0;
  for (int64_t k = begin; k < end; k++) sum += filter(mode, ((double) k + .5 - centre) / scale);
  e->first = at_most(begin, p->in - p->taps);
  for (int64_t k = begin; k < end; k++) add(p, e, k, filter(mode, ((double) k + .5 - centre) / scale) / sum);
}

static void fill(const tch_resize_plan *p, entry *e, int64_t i, tch_resize mode) {
  double step = (double) p->in / (double) p->out;
  if (mode == TCH_RESIZE_SIMPLE) {
    e->first = at_most((int64_t) ((float) i * ((float) p->in / (float) p->out)), p->in - 1);
    e->weight[0] = 1;
  } else if (mode == TCH_RESIZE_AREA || (mode == TCH_RESIZE_BILINEAR && p->out < p->in))
    average(p, e, (double) i * step, (double) (i + 1) * step);
  else if (mode == TCH_RESIZE_BILINEAR) linear_corner(p, e, i);
  else if (mode == TCH_RESIZE_BICUBIC) cubic_corner(p, e, i);
  else filtered(p, e, i, mode);
}

/* Taps that are enough for every output. */
static int64_t taps_of(int64_t in, int64_t out, tch_resize mode) {
  double step = (double) in / (double) out, scale = step > 1 ? step : 1;
  double taps = mode == TCH_RESIZE_SIMPLE || in == out ? 1 : mode == TCH_RESIZE_BICUBIC ? 4
              : mode == TCH_RESIZE_AREA || mode == TCH_RESIZE_BILINEAR ? ceil(step) + 1 : 2 * ceil(filter_radius(mode) * scale) + 1;
  return at_most((int64_t) taps, in);
}

tch_status tch_resize_plan_make(tch_resize_plan *p, int64_t in, int64_t out, tch_resize mode, tch_dtype type) {
  int64_t taps = taps_of(in, out, mode), size = tch_dtype_bytes(type);
  int64_t first = (out * (int64_t) sizeof(int32_t) + TCH_ALIGNMENT - 1) / TCH_ALIGNMENT * TCH_ALIGNMENT;
  *p = (tch_resize_plan){.in = in, .out = out, .taps = taps, .type = type};
  int64_t bytes = first + out * taps * size;
  void *block, *row;
  TCH_TRY(tch_alloc(bytes, &block));
  if (tch_alloc(taps * (int64_t) sizeof(double), &row) != TCH_OK) {
    tch_free(block, bytes);
    return TCH_ERROR_MEMORY;
  }
  p->bytes = bytes;
  p->first = block;
  p->weight = (char *) block + first;
  entry e = {.weight = row};
  for (int64_t i = 0; i < out; i++) {
    memset(row, 0, (size_t) taps * sizeof(double));
    if (in == out) {
      e.first = i;
      e.weight[0] = 1;
    } else fill(p, &e, i, mode);
    p->first[i] = (int32_t) e.first;
    for (int64_t k = 0; k < taps; k++)
      if (type == TCH_FLOAT) ((float *) p->weight)[i * taps + k] = (float) e.weight[k];
      else ((double *) p->weight)[i * taps + k] = e.weight[k];
  }
  tch_free(row, taps * (int64_t) sizeof(double));
  return TCH_OK;
}

void tch_resize_plan_free(tch_resize_plan *p) {
  tch_free(p->first, p->bytes);
  *p = (tch_resize_plan){0};
}

/* -- passes --------------------------------------------------------------------------------------------------------- */

static void round_bytes(float *x, int64_t n) {
  for (int64_t i = 0; i < n; i++) x[i] = x[i] > 0 ? x[i] < 255 ? floorf(x[i] + .5f) : 255 : 0;
}

void tch_resize_planes(const tch_resize_plan *rows, const tch_resize_plan *columns, int64_t channels, const void *from,
                       void *room, bool round, void *to) {
  const tch_picture_kernels *table = tch_picture_table(rows->type);
  int64_t size = tch_dtype_bytes(rows->type), in = columns->in * size, out = columns->out * size;
  const char *source = from;
  char *target = to;
  for (int64_t c = 0; c < channels; c++) {
    for (int64_t y = 0; y < rows->in; y++, source += in) {
      if (columns->in == columns->out) memcpy((char *) room + y * out, source, (size_t) in);
      else table->columns(columns->out, columns->taps, columns->first, columns->weight, source, (char *) room + y * out);
    }
    if (round) round_bytes(room, rows->in * columns->out);
    for (int64_t y = 0; y < rows->out; y++, target += out)
      table->rows(columns->out, rows->taps, (const char *) rows->weight + y * rows->taps * size,
                  (const char *) room + rows->first[y] * out, columns->out, target);
  }
}

/* A call under way: channels are the pieces of the pool. */
typedef struct job {
  tch_resize_plan rows, columns;
  const char *from;
  char *to, *room;
  bool round;
} job;

static void channel(void *context, int64_t begin, int64_t end) {
  job *j = context;
  int64_t size = tch_dtype_bytes(j->rows.type), in = j->rows.in * j->columns.in * size;
  int64_t out = j->rows.out * j->columns.out * size, room = j->rows.in * j->columns.out * size;
  for (int64_t c = begin; c < end; c++)
    tch_resize_planes(&j->rows, &j->columns, 1, j->from + c * in, j->room + c * room, j->round, j->to + c * out);
}

static tch_status resize(tch_tensor *work, job *j, tch_tensor **out) {
  int64_t channels = tch_image_channels(work), bytes = tch_dtype_bytes(work->type) * channels * j->rows.in * j->columns.out;
  int64_t size[] = {channels, j->rows.out, j->columns.out};
  TCH_TRY(tch_tensor_new(work->type, work->ndim, size + 3 - work->ndim, out));
  void *room;
  tch_status status = tch_alloc(bytes, &room);
  if (status != TCH_OK) {
    tch_tensor_release(*out);
    return status;
  }
  j->from = tch_tensor_data(work);
  j->to = tch_tensor_data(*out);
  j->room = room;
  tch_parallel(channels, 1, channel, j);
  tch_free(room, bytes);
  return TCH_OK;
}

tch_status tch_image_resize(tch_tensor *image, int64_t height, int64_t width, tch_resize mode, tch_tensor **out) {
  enum { MOST = 1 << 24 };
  if (height < 1 || width < 1 || height > MOST || width > MOST)
    return tch_fail(TCH_ERROR_SHAPE, "scale: a picture of %lldx%lld pixels is not possible", (long long) width,
                    (long long) height);
  tch_tensor *work = NULL, *result = NULL;
  TCH_TRY(tch_image_work(image, "scale", &work));
  job j = {.round = image->type == TCH_BYTE};
  int n = work->ndim;
  tch_status status = tch_resize_plan_make(&j.rows, work->size[n - 2], height, mode, work->type);
  if (status == TCH_OK) status = tch_resize_plan_make(&j.columns, work->size[n - 1], width, mode, work->type);
  if (status == TCH_OK) status = resize(work, &j, &result);
  tch_resize_plan_free(&j.rows);
  tch_resize_plan_free(&j.columns);
  tch_tensor_release(work);
  return status == TCH_OK ? tch_image_result(result, image, out) : status;
}
