/* One sample: fetched, decoded, brought to size, changed at random, normalised. */
#include "core/dtype.h"
#include "core/memory.h"
#include "core/random.h"
#include "data/augment.h"
#include "image/image.h"
#include "io/io.h"
#include "io/picture.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

double tch_draw(tch_draws *d) { return (double) (tch_random_at(d->key, d->count++) >> 11) * 0x1p-53; }

int64_t tch_source_count(const tch_source *s) { return (s->images ? s->images : s->index)->size[0]; }

const char *tch_source_name(const tch_source *s, int64_t i) {
  return s->index ? TCH_DATA(char, s->names) + TCH_DATA(int64_t, s->index)[4 * i] : NULL;
}

/* -- fetching -------------------------------------------------------------------------------------------------------- */

/* A picture under way: floats from 0 to 255. */
typedef struct plane_set {
  int64_t channels, height, width;
  float *data;
} plane_set;

static int64_t bytes_of(const plane_set *p) { return p->channels * p->height * p->width * (int64_t) sizeof(float); }
static void drop(plane_set *p) {
  tch_free(p->data, bytes_of(p));
  p->data = NULL;
}
static tch_status make(plane_set *p, int64_t channels, int64_t height, int64_t width) {
  void *data;
  TCH_TRY(tch_alloc(channels * height * width * (int64_t) sizeof(float), &data));
  *p = (plane_set){channels, height, width, data};
  return TCH_OK;
}

static void to_floats(const void *from, tch_dtype type, int64_t n, float *to) {
  if (type == TCH_FLOAT) memcpy(to, from, (size_t) n * sizeof *to);
  else tch_picture_table(TCH_FLOAT)->bytes(n, from, 1, 0, to);
}

/* Reads `count` bytes from `first` on, -1: all. */
static tch_status read_part(const char *path, int64_t first, int64_t count, tch_tensor **out) {
  if (count < 0) return tch_file_read(path, out);
  FILE *f;
  int64_t size;
  TCH_TRY(tch_file_open_regular(path, &f, &size));
  tch_status status = tch_tensor_new(TCH_BYTE, 1, &count, out);
  if (status == TCH_OK
      && (fseeko(f, (off_t) first, SEEK_SET) != 0 || fread(tch_tensor_data(*out), 1, (size_t) count, f) != (size_t) count)) {
    status = tch_fail(TCH_ERROR_IO, "%s became shorter", path);
    tch_tensor_release(*out);
  }
  fclose(f);
  return status;
}

/* The file's bytes as a new tensor. */
static tch_status fetch_bytes(const tch_source *s, int64_t i, tch_tensor **out) {
  const int64_t *at = TCH_DATA(int64_t, s->index) + 4 * i;
  if (!s->blob) return read_part(TCH_DATA(char, s->names) + at[3], at[1], at[2], out);
  int64_t one = 1;
  return tch_tensor_view_of(s->blob->storage, s->blob->offset + at[1], 1, &at[2], &one, out);
}

/* The smallest sides from which the result is made without enlarging, for decoders that can reduce; 0: none is known. */
static int64_t side_needed(const tch_sample_options *o) {
  return o->area[0] < 1 ? 0 : (int64_t) (*o->height > *o->width ? *o->height : *o->width);
}

static tch_status fetch_picture(const tch_source *s, const tch_sample_options *o, int64_t i, plane_set *p) {
  tch_tensor *bytes = NULL, *picture = NULL;
  TCH_TRY(fetch_bytes(s, i, &bytes));
  tch_status status = tch_image_decode(bytes, TCH_BYTE, (int) *o->planes, side_needed(o), *o->upright != 0, &picture);
  tch_tensor_release(bytes);
  if (status != TCH_OK) return status;
  status = make(p, picture->size[0], picture->size[1], picture->size[2]);
  if (status == TCH_OK) to_floats(tch_tensor_data(picture), TCH_BYTE, picture->count, p->data);
  tch_tensor_release(picture);
  return status;
}

static tch_status fetch(const tch_source *s, const tch_sample_options *o, int64_t i, plane_set *p) {
  if (!s->images) return fetch_picture(s, o, i, p);
  const int64_t *size = s->images->size;
  TCH_TRY(make(p, size[1], size[2], size[3]));
  int64_t n = size[1] * size[2] * size[3];
  to_floats((const char *) tch_tensor_data(s->images) + i * n * tch_dtype_bytes(s->images->type), s->images->type, n, p->data);
  return TCH_OK;
}

/* -- size ------------------------------------------------------------------------------------------------------------- */

typedef struct box {
  int64_t top, left, height, width;
} box;

/* A box of a drawn share of the area and a drawn ratio (Szegedy et al. 2015), the best of ten that fits, else all. */
static box draw_box(const tch_sample_options *o, tch_draws *d, const plane_set *p) {
  double pixels = (double) p->height * (double) p->width;
  for (int k = 0; k < 10; k++) {
    double area = pixels * tch_draw_between(d, o->area[0], o->area[1]);
    double ratio = exp(tch_draw_between(d, log(o->ratio[0]), log(o->ratio[1])));
    int64_t w = (int64_t) (sqrt(area * ratio) + .5), h = (int64_t) (sqrt(area / ratio) + .5);
    double y = tch_draw(d), x = tch_draw(d);
    if (w < 1 || h < 1 || w > p->width || h > p->height) continue;
    return (box){(int64_t) (y * (double) (p->height - h + 1)), (int64_t) (x * (double) (p->width - w + 1)), h, w};
  }
  return (box){0, 0, p->height, p->width};
}

/* The largest box in the middle with the proportions of the result. */
static box cover_box(const tch_sample_options *o, const plane_set *p) {
  double scale = fmin((double) p->height / *o->height, (double) p->width / *o->width);
  int64_t h = (int64_t) (scale * *o->height + .5), w = (int64_t) (scale * *o->width + .5);
  h = h < 1 ? 1 : h > p->height ? p->height : h;
  w = w < 1 ? 1 : w > p->width ? p->width : w;
  return (box){(p->height - h) / 2, (p->width - w) / 2, h, w};
}

static tch_status cut_out(plane_set *p, box b) {
  if (b.height == p->height && b.width == p->width) return TCH_OK;
  plane_set part;
  TCH_TRY(make(&part, p->channels, b.height, b.width));
  float *to = part.data;
  for (int64_t c = 0; c < p->channels; c++)
    for (int64_t y = 0; y < b.height; y++, to += b.width)
      memcpy(to, p->data + (c * p->height + b.top + y) * p->width + b.left, (size_t) b.width * sizeof *to);
  drop(p);
  *p = part;
  return TCH_OK;
}

static tch_status resize(plane_set *p, int64_t height, int64_t width) {
  if (p->height == height && p->width == width) return TCH_OK;
  tch_resize_plan rows = {0}, columns = {0};
  plane_set result = {0};
  void *room = NULL;
  int64_t bytes = p->height * width * (int64_t) sizeof(float);
  tch_status status = tch_resize_plan_make(&rows, p->height, height, TCH_RESIZE_LINEAR, TCH_FLOAT);
  if (status == TCH_OK) status = tch_resize_plan_make(&columns, p->width, width, TCH_RESIZE_LINEAR, TCH_FLOAT);
  if (status == TCH_OK) status = tch_alloc(bytes, &room);
  if (status == TCH_OK) status = make(&result, p->channels, height, width);
  if (status == TCH_OK) {
    tch_resize_planes(&rows, &columns, p->channels, p->data, room, false, result.data);
    drop(p);
    *p = result;
  }
  if (room) tch_free(room, bytes);
  tch_resize_plan_free(&rows);
  tch_resize_plan_free(&columns);
  return status;
}

/* -- all together ------------------------------------------------------------------------------------------------------ */

static tch_status warp(const tch_sample_options *o, tch_draws *d, plane_set *p) {
  double matrix[6];
  if (!tch_augment_draw(o, d, matrix)) return TCH_OK;
  plane_set moved;
  TCH_TRY(make(&moved, p->channels, p->height, p->width));
  tch_augment_warp(o, matrix, p->channels, p->height, p->width, p->data, moved.data);
  drop(p);
  *p = moved;
  return TCH_OK;
}

static tch_status change(const tch_sample_options *o, tch_draws *d, plane_set *p) {
  if (o->area[0] < 1) TCH_TRY(cut_out(p, draw_box(o, d, p)));
  else if (*o->cover != 0) TCH_TRY(cut_out(p, cover_box(o, p)));
  TCH_TRY(resize(p, (int64_t) *o->height, (int64_t) *o->width));
  d->count = 64; /* whatever the box drew */
  TCH_TRY(warp(o, d, p));
  tch_augment_colours(o, d, p->channels, p->height * p->width, p->data);
  return TCH_OK;
}

static void normalise(const tch_sample_options *o, const plane_set *p, float *to) {
  int64_t pixels = p->height * p->width;
  for (int64_t c = 0; c < p->channels; c++) {
    int k = (int) (c < 3 ? c : 2);
    float scale = (float) (*o->scale / o->deviation[k]), shift = (float) (-o->mean[k] / o->deviation[k]);
    for (int64_t i = c * pixels; i < (c + 1) * pixels; i++) to[i] = scale * p->data[i] + shift;
  }
}

tch_status tch_sample_make(const tch_source *s, const tch_sample_options *o, uint64_t epoch, int64_t i, float *to) {
  tch_draws d = {.key = tch_random_at(tch_random_at((uint64_t) *o->seed, epoch), (uint64_t) i)};
  plane_set p = {0};
  TCH_TRY(fetch(s, o, i, &p));
  tch_status status = change(o, &d, &p);
  if (status == TCH_OK) {
    normalise(o, &p, to);
    tch_augment_cutout(o, &d, p.channels, p.height, p.width, to);
  }
  drop(&p);
  return status;
}
