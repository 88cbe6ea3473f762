/* Colour spaces, pixel by pixel in double. */
#include "core/dtype.h"
#include "core/thread.h"
#include "image/image.h"
#include <math.h>

typedef void (*conversion)(const double *from, double *to);

/* -- hue ---------------------------------------------------------------------------------------------------------------- */

static double largest(const double *c) { return fmax(fmax(c[0], c[1]), c[2]); }
static double smallest(const double *c) { return fmin(fmin(c[0], c[1]), c[2]); }

/* The angle on the hexagon of colours, 0 to 1 (Smith 1978). */
static double hue(const double *rgb) {
  double high = largest(rgb), d = high - smallest(rgb), r = rgb[0], g = rgb[1], b = rgb[2];
  if (d == 0) return 0;
  if (high == r) return ((g - b) / d + (g < b ? 6 : 0)) / 6;
  return high == g ? ((b - r) / d + 2) / 6 : ((r - g) / d + 4) / 6;
}

static void rgb_to_hsl(const double *rgb, double *hsl) {
  double high = largest(rgb), low = smallest(rgb), d = high - low, l = (high + low) / 2;
  hsl[0] = hue(rgb);
  hsl[1] = d == 0 ? 0 : l > .5 ? d / (2 - high - low) : d / (high + low);
  hsl[2] = l;
}

static double channel(double low, double high, double t) {
  t -= floor(t);
  if (t < 1. / 6) return low + (high - low) * 6 * t;
  if (t < 1. / 2) return high;
  return t < 2. / 3 ? low + (high - low) * (2. / 3 - t) * 6 : low;
}

static void hsl_to_rgb(const double *hsl, double *rgb) {
  double h = hsl[0], s = hsl[1], l = hsl[2], high = l < .5 ? l * (1 + s) : l + s - l * s, low = 2 * l - high;
  for (int c = 0; c < 3; c++) rgb[c] = s == 0 ? l : channel(low, high, h + (1 - c) / 3.);
}

static void rgb_to_hsv(const double *rgb, double *hsv) {
  double high = largest(rgb), d = high - smallest(rgb);
  hsv[0] = hue(rgb);
  hsv[1] = d == 0 ? 0 : d / high;
  hsv[2] = high;
}

static void hsv_to_rgb(const double *hsv, double *rgb) {
  double h = (hsv[0] - floor(hsv[0])) * 6, s = hsv[1], v = hsv[2], f = h - floor(h);
  double p = v * (1 - s), q = v * (1 - f * s), t = v * (1 - (1 - f) * s);
  const double sector[6][3] = {{v, t, p}, {q, v, p}, {p, v, t}, {p, q, v}, {t, p, v}, {v, p, q}};
  int k = h >= 0 && h < 6 ? (int) h : 0; /* not a number: 0 */
  for (int c = 0; c < 3; c++) rgb[c] = sector[k][c];
}

/* -- CIE Lab of sRGB, white point D65 (CIE 15:2004; IEC 61966-2-1) ---------------------------------------------------------- */

static const double to_xyz[3][3] = {{.412453, .357580, .180423}, {.212671, .715160, .072169}, {.019334, .119193, .950227}};
static const double from_xyz[3][3] = {{3.240479, -1.537150, -.498535}, {-.969256, 1.875992, .041556},
                                      {.055648, -.204043, 1.057311}};
static const double white[3] = {.950456, 1, 1.088754};
static const double knee = 216. / 24389, slope = 24389. / 27;

static void product(const double m[3][3], const double *from, double *to) {
  for (int i = 0; i < 3; i++) to[i] = m[i][0] * from[0] + m[i][1] * from[1] + m[i][2] * from[2];
}

static void rgb_to_lab(const double *rgb, double *lab) {
  double linear[3], xyz[3], f[3];
  for (int c = 0; c < 3; c++) linear[c] = rgb[c] <= .04045 ? rgb[c] / 12.92 : pow((rgb[c] + .055) / 1.055, 2.4);
  product(to_xyz, linear, xyz);
  for (int c = 0; c < 3; c++) {
    double v = xyz[c] / white[c];
    f[c] = v > knee ? cbrt(v) : (slope * v + 16) / 116;
  }
  lab[0] = 116 * f[1] - 16;
  lab[1] = 500 * (f[0] - f[1]);
  lab[2] = 200 * (f[1] - f[2]);
}

static void lab_to_rgb(const double *lab, double *rgb) {
  double y = (lab[0] + 16) / 116, f[3] = {y + lab[1] / 500, y, y - lab[2] / 200}, xyz[3], linear[3];
  for (int c = 0; c < 3; c++) {
    double cube = f[c] * f[c] * f[c];
    xyz[c] = white[c] * (cube > knee ? cube : (116 * f[c] - 16) / slope);
  }
  product(from_xyz, xyz, linear);
  for (int c = 0; c < 3; c++)
    rgb[c] = linear[c] <= .0031308 ? 12.92 * linear[c] : 1.055 * pow(linear[c], 1 / 2.4) - .055;
}

/* -- YUV (ITU-R BT.601, as Torch7 rounds it) ------------------------------------------------------------------------------- */

static const double to_yuv[3][3] = {{.299, .587, .114}, {-.14713, -.28886, .436}, {.615, -.51499, -.10001}};
static const double from_yuv[3][3] = {{1, 0, 1.13983}, {1, -.39465, -.58060}, {1, 2.03211, 0}};

static void rgb_to_yuv(const double *rgb, double *yuv) { product(to_yuv, rgb, yuv); }
static void yuv_to_rgb(const double *yuv, double *rgb) { product(from_yuv, yuv, rgb); }

/* -- whole pictures --------------------------------------------------------------------------------------------------------- */

typedef struct job {
  conversion convert;
  const tch_tensor *from;
  tch_tensor *to;
  int64_t plane;
  bool bytes; /* they give what their shares of 255 as floats give */
} job;

static void piece(void *context, int64_t begin, int64_t end) {
  const job *j = context;
  double from[3], to[3];
  for (int64_t i = begin; i < end; i++) {
    for (int c = 0; c < 3; c++) {
      int64_t at = c * j->plane + i;
      if (j->from->type == TCH_DOUBLE) from[c] = TCH_DATA(double, j->from)[at];
      else from[c] = (double) (TCH_DATA(float, j->from)[at] / (j->bytes ? 255 : 1));
    }
    j->convert(from, to);
    for (int c = 0; c < 3; c++) {
      int64_t at = c * j->plane + i;
      if (j->to->type == TCH_DOUBLE) TCH_DATA(double, j->to)[at] = to[c];
      else TCH_DATA(float, j->to)[at] = (float) to[c] * (j->bytes ? 255 : 1);
    }
  }
}

tch_status tch_image_colours(tch_tensor *image, tch_colours which, tch_tensor **out) {
  static const conversion table[] = {rgb_to_hsl, hsl_to_rgb, rgb_to_hsv, hsv_to_rgb, rgb_to_lab, lab_to_rgb, rgb_to_yuv,
                                     yuv_to_rgb};
  char text[TCH_SHAPE_TEXT];
  if (image->ndim != 3 || image->size[0] != 3)
    return tch_fail(TCH_ERROR_SHAPE, "colours: a picture of 3xHxW is needed, not of %s", tch_shape_text(image, text));
  if (image->type == TCH_BYTE && which >= TCH_RGB_TO_LAB)
    return tch_fail(TCH_ERROR_TYPE, "colours: this space has negative numbers, so a Float- or DoubleTensor is needed, not bytes");
  tch_tensor *work = NULL, *result = NULL;
  TCH_TRY(tch_image_work(image, "colours", &work));
  tch_status status = tch_tensor_new(work->type, 3, work->size, &result);
  if (status == TCH_OK) {
    job j = {table[which], work, result, work->size[1] * work->size[2], image->type == TCH_BYTE};
    tch_parallel(j.plane, 4096, piece, &j);
  }
  tch_tensor_release(work);
  return status == TCH_OK ? tch_image_result(result, image, out) : status;
}
