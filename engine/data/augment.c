/* Random changes of pictures. The affine ones are composed to one map, in the order, units and directions of Keras's
 * ImageDataGenerator. */
#include "data/augment.h"
#include "image/image.h"
#include <math.h>
#include <string.h>

/* -- one affine map ------------------------------------------------------------------------------------------------- */

/* c = a * b for maps of (row, column, 1); the last row of each is 0 0 1 and not stored. */
static void multiply(const double *a, const double *b, double *c) {
  double r[6];
  for (int i = 0; i < 2; i++)
    for (int j = 0; j < 3; j++) r[3 * i + j] = a[3 * i] * b[j] + a[3 * i + 1] * b[3 + j] + (j == 2 ? a[3 * i + 2] : 0);
  memcpy(c, r, sizeof r);
}

void tch_augment_matrix(double rotation, double shear, double down, double right, double zoom_y, double zoom_x, bool hflip,
                        bool vflip, int64_t height, int64_t width, double *matrix) {
  double a = rotation * M_PI / 180, s = shear * M_PI / 180, y = (double) height / 2 - .5, x = (double) width / 2 - .5;
  const double steps[][6] = {
      {cos(a), sin(a), 0, -sin(a), cos(a), 0}, {1, 0, down, 0, 1, right}, {cos(s), 0, 0, -sin(s), 1, 0},
      {zoom_y, 0, 0, 0, zoom_x, 0},            {1, 0, -y, 0, 1, -x},
      {vflip ? -1 : 1, 0, vflip ? 2 * y : 0, 0, hflip ? -1 : 1, hflip ? 2 * x : 0},
  };
  const double centre[] = {1, 0, y, 0, 1, x};
  memcpy(matrix, centre, sizeof centre);
  for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) multiply(matrix, steps[k], matrix);
}

bool tch_augment_draw(const tch_sample_options *o, tch_draws *d, double matrix[6]) {
  double h = *o->height, w = *o->width;
  double rotation = tch_draw_between(d, -*o->rotation, *o->rotation);
  double down = tch_draw_between(d, -*o->height_shift, *o->height_shift) * h;
  double right = tch_draw_between(d, -*o->width_shift, *o->width_shift) * w;
  double shear = tch_draw_between(d, -*o->shear, *o->shear);
  double zoom_y = tch_draw_between(d, o->zoom[0], o->zoom[1]), zoom_x = tch_draw_between(d, o->zoom[0], o->zoom[1]);
  bool hflip = tch_draw(d) < .5 && *o->hflip != 0, vflip = tch_draw(d) < .5 && *o->vflip != 0;
  double move_y = floor(tch_draw(d) * (2 * *o->crop + 1)) - *o->crop, move_x = floor(tch_draw(d) * (2 * *o->crop + 1)) - *o->crop;
  tch_augment_matrix(rotation, shear, down, right, zoom_y, zoom_x, hflip, vflip, (int64_t) h, (int64_t) w, matrix);
  const double move[] = {1, 0, move_y, 0, 1, move_x}, identity[] = {1, 0, 0, 0, 1, 0};
  if (*o->crop > 0) multiply(matrix, move, matrix);
  for (int k = 0; k < 6; k++)
    if (matrix[k] != identity[k]) return true;
  return false;
}

void tch_augment_warp(const tch_sample_options *o, const double m[6], int64_t channels, int64_t height, int64_t width,
                      const float *from, float *to) {
  enum { RUN = 256 };
  float rows[RUN], columns[RUN];
  const tch_planes planes = {.channels = channels, .height = height, .width = width, .data = from,
                             .interpolation = TCH_LINEAR, .edge = (tch_edge) *o->fill, .value = *o->fill_value};
  const tch_picture_kernels *table = tch_picture_table(TCH_FLOAT);
  for (int64_t y = 0; y < height; y++)
    for (int64_t x = 0; x < width; x += RUN) {
      int64_t n = width - x < RUN ? width - x : RUN;
      for (int64_t i = 0; i < n; i++) {
        rows[i] = (float) (m[0] * (double) y + m[1] * (double) (x + i) + m[2]);
        columns[i] = (float) (m[3] * (double) y + m[4] * (double) (x + i) + m[5]);
      }
      table->sample(n, &planes, rows, columns, to + y * width + x, height * width);
    }
}

/* -- colours -------------------------------------------------------------------------------------------------------- */

static float cut(float v) { return v > 0 ? v < 255 ? v : 255 : 0; }

/* x = cut(anchor + factor * (x - anchor)) */
static void stretch(float *x, int64_t n, float factor, float anchor) {
  for (int64_t i = 0; i < n; i++) x[i] = cut(anchor + factor * (x[i] - anchor));
}

static float grey_of(const float *x, int64_t channels, int64_t pixels, int64_t i) {
  return channels < 3 ? x[i] : .299f * x[i] + .587f * x[pixels + i] + .114f * x[2 * pixels + i];
}

static void saturate(float *x, int64_t pixels, float factor) {
  for (int64_t i = 0; i < pixels; i++) {
    float grey = grey_of(x, 3, pixels, i);
    for (int c = 0; c < 3; c++) x[c * pixels + i] = cut(grey + factor * (x[c * pixels + i] - grey));
  }
}

/* Turns the colours about the grey axis, in YIQ, where a turn is a matrix. */
static void turn_hue(float *x, int64_t pixels, double share) {
  static const double to[3][3] = {{.299, .587, .114}, {.596, -.274, -.321}, {.211, -.523, .311}};
  static const double back[3][3] = {{1, .956, .621}, {1, -.272, -.647}, {1, -1.107, 1.705}};
  double c = cos(2 * M_PI * share), s = sin(2 * M_PI * share);
  for (int64_t i = 0; i < pixels; i++) {
    double v[3], t[3];
    for (int k = 0; k < 3; k++) v[k] = to[k][0] * x[i] + to[k][1] * x[pixels + i] + to[k][2] * x[2 * pixels + i];
    t[0] = v[0];
    t[1] = c * v[1] - s * v[2];
    t[2] = s * v[1] + c * v[2];
    for (int k = 0; k < 3; k++) x[k * pixels + i] = cut((float) (back[k][0] * t[0] + back[k][1] * t[1] + back[k][2] * t[2]));
  }
}

void tch_augment_colours(const tch_sample_options *o, tch_draws *d, int64_t channels, int64_t pixels, float *x) {
  double brightness = tch_draw_between(d, 1 - *o->brightness, 1 + *o->brightness);
  double contrast = tch_draw_between(d, 1 - *o->contrast, 1 + *o->contrast);
  double saturation = tch_draw_between(d, 1 - *o->saturation, 1 + *o->saturation);
  double hue = tch_draw_between(d, -*o->hue, *o->hue);
  if (*o->brightness > 0) stretch(x, channels * pixels, (float) brightness, 0);
  if (*o->contrast > 0) {
    double sum = 0;
    for (int64_t i = 0; i < pixels; i++) sum += grey_of(x, channels, pixels, i);
    stretch(x, channels * pixels, (float) contrast, (float) (sum / (double) pixels));
  }
  if (channels == 3 && *o->saturation > 0) saturate(x, pixels, (float) saturation);
  if (channels == 3 && *o->hue > 0) turn_hue(x, pixels, hue);
}

/* A square about a drawn pixel, cut at the sides (DeVries and Taylor 2017). */
void tch_augment_cutout(const tch_sample_options *o, tch_draws *d, int64_t channels, int64_t height, int64_t width, float *x) {
  int64_t side = (int64_t) *o->cutout, top = (int64_t) (tch_draw(d) * (double) height) - side / 2;
  int64_t left = (int64_t) (tch_draw(d) * (double) width) - side / 2;
  if (side < 1) return;
  for (int64_t c = 0; c < channels; c++)
    for (int64_t y = top < 0 ? 0 : top; y < top + side && y < height; y++)
      for (int64_t u = left < 0 ? 0 : left; u < left + side && u < width; u++) x[(c * height + y) * width + u] = 0;
}
