/* Cutting of depthwise convolution: a unit is one plane of one image (of the weight's gradient, one channel). */
#include "op/depthwise.h"
#include "core/cpu.h"
#include "core/thread.h"
#include "kernel/depthwise.h"
#include "op/scratch.h"

TCH_KERNEL_FAMILY(depthwise)

enum {
  PIECE = 1 << 16,  /* products that a piece for another thread is worth */
  PIECES = 64,      /* at most: each has a buffer */
  LARGEST = 1 << 24 /* numbers of a buffer */
};

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }

/* Numbers of the buffer of one plane: lines, columns of one remainder. */
static int64_t lines_of(const tch_conv_geometry *g) {
  return max(g->in[0] + g->pad[0], (g->out[0] - 1) * g->stride[0] + (g->kernel[0] - 1) * g->dilation[0] + 1);
}
static int64_t columns_of(const tch_conv_geometry *g, int lanes) {
  int64_t last = (g->out[1] - 1) * g->stride[1] + (g->kernel[1] - 1) * g->dilation[1] + 1;
  return ceil_div(max(g->in[1] + g->pad[1], last), g->stride[1]) + lanes;
}

bool tch_depthwise_fits(const tch_conv_geometry *g) {
  enum { MOST = 64 }; /* lanes of any instruction set */
  return g->groups > 1 && g->groups == g->c && g->c == g->o
         && (double) lines_of(g) * (double) (columns_of(g, MOST) * g->stride[1]) < LARGEST;
}

typedef struct job {
  const tch_depthwise_kernels *k;
  tch_window w;
  tch_planes from, to; /* input and output planes */
  int64_t channels, images, taps, bytes, buffer, grain;
  char *buffers, *weight;
  double *sums; /* of the weight's gradient */
  tch_finish finish;
  bool direct; /* windows of 3x3 where planes lie */
  tch_window3 w3;
} job;

static char *at(const job *j, const void *base, int64_t offset) { return (char *) base + offset * j->bytes; }

static char *plane(const job *j, const tch_planes *p, int64_t image, int64_t channel) {
  return at(j, p->data, image * p->stride[0] + channel * p->stride[1]);
}

static double number(const job *j, const void *data, int64_t i, double missing) {
  return data == NULL ? missing : j->bytes == 8 ? ((const double *) data)[i] : ((const float *) data)[i];
}

static tch_plane_finish finish_of(const job *j, int64_t channel) {
  const tch_finish *f = &j->finish;
  return (tch_plane_finish){f->alpha * number(j, f->scale, channel, 1), number(j, f->bias, channel, 0), f->beta, f->low,
                            f->high};
}

static char *buffer_of(const job *j, int64_t begin) {
  return j->direct ? NULL : at(j, j->buffers, begin / j->grain * j->buffer);
}

static void forward_piece(void *context, int64_t begin, int64_t end) {
  const job *j = context;
  char *buffer = buffer_of(j, begin);
  for (int64_t u = begin; u < end; u++) {
    int64_t image = u / j->channels, channel = u % j->channels;
    tch_plane_finish f = finish_of(j, channel);
    const char *x = plane(j, &j->from, image, channel), *weight = at(j, j->weight, channel * j->taps);
    char *y = plane(j, &j->to, image, channel);
    if (j->direct) {
      j->k->forward3(&j->w3, x, j->from.stride[2], weight, &f, y, j->to.stride[2]);
      continue;
    }
    j->k->enter(&j->w, x, j->from.stride[2], buffer);
    j->k->forward(&j->w, buffer, weight, &f, y, j->to.stride[2]);
  }
}

static void input_piece(void *context, int64_t begin, int64_t end) {
  const job *j = context;
  char *buffer = buffer_of(j, begin);
  for (int64_t u = begin; u < end; u++) {
    int64_t image = u / j->channels, channel = u % j->channels;
    tch_plane_finish f = finish_of(j, channel);
    const char *gy = plane(j, &j->to, image, channel), *weight = at(j, j->weight, channel * j->taps);
    char *gx = plane(j, &j->from, image, channel);
    if (j->direct) {
      j->k->input3(&j->w3, gy, j->to.stride[2], weight, &f, gx, j->from.stride[2]);
      continue;
    }
    memset(buffer, 0, (size_t) (j->w.lines * j->w.stride * j->w.columns * j->bytes));
    j->k->scatter(&j->w, gy, j->to.stride[2], weight, buffer);
    j->k->leave(&j->w, buffer, &f, gx, j->from.stride[2]);
  }
}

static void weight_piece(void *context, int64_t begin, int64_t end) {
  const job *j = context;
  char *buffer = buffer_of(j, begin);
  for (int64_t channel = begin; channel < end; channel++) {
    double *sums = j->sums + channel * j->taps;
    memset(sums, 0, (size_t) j->taps * sizeof *sums);
    for (int64_t image = 0; image < j->images; image++) {
      const char *x = plane(j, &j->from, image, channel), *gy = plane(j, &j->to, image, channel);
      if (j->direct) {
        j->k->weight3(&j->w3, x, j->from.stride[2], gy, j->to.stride[2], sums);
        continue;
      }
      j->k->enter(&j->w, x, j->from.stride[2], buffer);
      j->k->weight(&j->w, buffer, gy, j->to.stride[2], sums);
    }
  }
}

static bool direct(const tch_conv_geometry *g) {
  for (int d = 0; d < 2; d++)
    if (g->kernel[d] != 3 || g->dilation[d] != 1 || g->pad[d] > 2 || g->stride[d] > 2) return false;
  return g->stride[0] == g->stride[1];
}

/* The window of a geometry, and a buffer for each piece of `units`. */
static tch_status prepare(tch_scratch *s, const tch_conv_geometry *g, int64_t units, int64_t unit_work, job *j) {
  int64_t *tap, stride = g->stride[1], taps = g->kernel[0] * g->kernel[1];
  j->k = tch_depthwise_table(g->type);
  j->bytes = tch_dtype_bytes(g->type);
  j->channels = g->c, j->images = g->n, j->taps = taps;
  j->grain = max(max(1, PIECE / max(1, unit_work)), ceil_div(units, PIECES));
  if (direct(g)) {
    j->direct = true;
    j->w3 = (tch_window3){g->in[0],  g->in[1],  g->out[0], g->out[1],
                          g->pad[0], g->pad[1], g->stride[0]};
    return TCH_OK;
  }
  int64_t columns = columns_of(g, j->k->lanes), line = columns * stride;
  TCH_TRY(tch_scratch_take(s, taps * (int64_t) sizeof *tap, &tap));
  for (int64_t t = 0; t < taps; t++) {
    int64_t y = t / g->kernel[1] * g->dilation[0], x = t % g->kernel[1] * g->dilation[1];
    tap[t] = y * line + x % stride * columns + x / stride;
  }
  j->w = (tch_window){.height = g->in[0],
                      .width = g->in[1],
                      .top = g->pad[0],
                      .left = g->pad[1],
                      .stride = stride,
                      .lines = lines_of(g),
                      .columns = columns,
                      .rows = g->out[0],
                      .cols = g->out[1],
                      .row = g->stride[0] * line,
                      .tap = tap,
                      .taps = taps};
  j->buffer = j->w.lines * line + j->k->lanes;
  return tch_scratch_take(s, ceil_div(units, j->grain) * j->buffer * j->bytes, &j->buffers);
}

static int64_t work_of(const tch_conv_geometry *g) { return g->out[0] * g->out[1] * g->kernel[0] * g->kernel[1]; }

static tch_status run(const tch_conv_geometry *g, job *j, void (*piece)(void *, int64_t, int64_t)) {
  tch_scratch s = {0};
  int64_t units = g->n * g->c;
  tch_status status = prepare(&s, g, units, work_of(g), j);
  if (status == TCH_OK) tch_parallel(units, j->grain, piece, j);
  tch_scratch_free(&s);
  return status;
}

tch_status tch_depthwise_forward(const tch_conv_geometry *g, tch_planes x, const void *weight,
                                 const tch_finish *finish, tch_planes y) {
  job j = {.from = x, .to = y, .weight = (char *) weight, .finish = *finish};
  return run(g, &j, forward_piece);
}

tch_status tch_depthwise_input(const tch_conv_geometry *g, tch_planes gy, const void *weight,
                               const tch_finish *finish, tch_planes gx) {
  job j = {.from = gx, .to = gy, .weight = (char *) weight, .finish = *finish};
  return run(g, &j, input_piece);
}

tch_status tch_depthwise_weight(const tch_conv_geometry *g, tch_planes x, tch_planes gy, tch_planes gw, double alpha,
                                double beta) {
  job j = {.from = x, .to = gy};
  tch_scratch s = {0};
  int64_t taps = g->kernel[0] * g->kernel[1];
  tch_status status = prepare(&s, g, g->c, g->n * work_of(g), &j);
  if (status == TCH_OK) status = tch_scratch_take(&s, g->c * taps * (int64_t) sizeof(double), &j.sums);
  if (status == TCH_OK) {
    tch_parallel(g->c, j.grain, weight_piece, &j);
    for (int64_t i = 0; i < g->c * taps; i++) {
      int64_t to = i / taps * gw.stride[0] + i % taps;
      double v = alpha * j.sums[i] + (beta != 0 ? beta * number(&j, gw.data, to, 0) : 0);
      if (g->type == TCH_DOUBLE) ((double *) gw.data)[to] = v;
      else ((float *) gw.data)[to] = (float) v;
    }
  }
  tch_scratch_free(&s);
  return status;
}
