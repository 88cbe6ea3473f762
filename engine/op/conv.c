/* Two-dimensional convolution, its transposed form, and the two gradients of convolution as ops of their own: the four are
 * each other's gradients, so derivatives of any order exist.
 *
 * x (N,C,H,W) or (C,H,W), weight (O, C/groups, kH, kW), y (N,O,oH,oW) or (O,oH,oW). stride, pad and dilation hold the vertical
 * and the horizontal value, or one for both; left out they are 1, 0, 1. */
#include "op/op.h"
#include "op/convolve.h"
#include <string.h>

typedef long long ll;

/* The attributes that the four ops share. */
typedef struct options {
  const tch_ints *stride, *pad, *dilation;
  int64_t groups;
} options;

#define OPTIONS(a) ((options){&(a)->stride, &(a)->pad, &(a)->dilation, (a)->groups})
#define PASS(a)    (a)->stride.v, (a)->stride.n, (a)->pad.v, (a)->pad.n, (a)->dilation.v, (a)->dilation.n, (a)->groups

enum { X, WEIGHT, BIAS };
#define LIMIT   ((int64_t) 1 << 31) /* of one attribute */
#define LARGEST ((int64_t) 1 << 46) /* elements of one operand, border included */

/* -- checks ------------------------------------------------------------------------------------------------------ */

static tch_status pair(const tch_call *c, const char *name, const tch_ints *given, int64_t missing, int64_t least,
                       int64_t out[2]) {
  if (given->n > 2)
    return tch_op_fail(c, TCH_ERROR_VALUE, "%s has %d entries, but one or two are possible", name, given->n);
  for (int d = 0; d < 2; d++) {
    out[d] = given->n == 0 ? missing : given->v[given->n == 1 ? 0 : d];
    if (out[d] < least || out[d] >= LIMIT)
      return tch_op_fail(c, TCH_ERROR_VALUE, "%s is %lld, but must be %lld or more", name, (ll) out[d], (ll) least);
  }
  return TCH_OK;
}

static tch_status read_options(const tch_call *c, const options *o, tch_conv_geometry *g) {
  TCH_TRY(pair(c, "stride", o->stride, 1, 1, g->stride));
  TCH_TRY(pair(c, "pad", o->pad, 0, 0, g->pad));
  TCH_TRY(pair(c, "dilation", o->dilation, 1, 1, g->dilation));
  g->groups = o->groups;
  if (g->groups < 1) return tch_op_fail(c, TCH_ERROR_VALUE, "groups is %lld, but must be 1 or more", (ll) g->groups);
  return TCH_OK;
}

/* Size of the dimension d of (n,c,h,w); an image without batch has n 1. */
static int64_t size4(const tch_tensor *t, int d) {
  int at = d - 4 + t->ndim;
  return at < 0 ? 1 : t->size[at];
}

static tch_status check_images(const tch_call *c, int i) {
  const tch_tensor *t = c->in[i];
  char name[32], text[TCH_SHAPE_TEXT];
  if (t->ndim != 3 && t->ndim != 4)
    return tch_op_fail(c, TCH_ERROR_SHAPE, "%s is %s, but images (N,C,H,W) or one image (C,H,W) are needed",
                       tch_op_input_name(c, i, name), tch_shape_text(t, text));
  for (int d = 1; d < 4; d++)
    if (size4(t, d) < 1)
      return tch_op_fail(c, TCH_ERROR_SHAPE, "%s is empty (%s)", tch_op_input_name(c, i, name),
                         tch_shape_text(t, text));
  return TCH_OK;
}

static tch_status check_weight(const tch_call *c, int64_t groups) {
  const tch_tensor *w = c->in[WEIGHT];
  char text[TCH_SHAPE_TEXT];
  if (w->ndim != 4 || w->count == 0)
    return tch_op_fail(c, TCH_ERROR_SHAPE,
                       "weight is %s, but 4 dimensions are needed: output planes, input planes, kH, kW",
                       tch_shape_text(w, text));
  if (w->size[0] % groups != 0)
    return tch_op_fail(c, TCH_ERROR_SHAPE, "%lld planes of weight (%s) cannot be cut into %lld groups", (ll) w->size[0],
                       tch_shape_text(w, text), (ll) groups);
  return TCH_OK;
}

static tch_status check_bias(const tch_call *c, int64_t planes) {
  const tch_tensor *b = c->in[BIAS];
  char text[TCH_SHAPE_TEXT];
  if (b && (b->ndim != 1 || b->size[0] != planes))
    return tch_op_fail(c, TCH_ERROR_SHAPE, "bias is %s, but one number for each of the %lld output planes is needed",
                       tch_shape_text(b, text), (ll) planes);
  return TCH_OK;
}

/* Fills out from the rest, and refuses what cannot be. */
static tch_status check_window(const tch_call *c, tch_conv_geometry *g) {
  int64_t span[2], full[2], total;
  char a[TCH_SHAPE_TEXT], b[TCH_SHAPE_TEXT];
  for (int d = 0; d < 2; d++) {
    full[d] = g->in[d] + 2 * g->pad[d];
    if (__builtin_mul_overflow(g->dilation[d], g->kernel[d] - 1, &span[d]) || span[d] >= full[d])
      return tch_op_fail(
          c, TCH_ERROR_SHAPE, "kernel %lldx%lld%s is larger than the input with padding, %lldx%lld (%s, %s)",
          (ll) g->kernel[0], (ll) g->kernel[1], g->dilation[0] * g->dilation[1] > 1 ? " with its dilation" : "",
          (ll) (g->in[0] + 2 * g->pad[0]), (ll) (g->in[1] + 2 * g->pad[1]), tch_shape_text(c->in[0], a),
          tch_shape_text(c->in[1], b));
    g->out[d] = (full[d] - span[d] - 1) / g->stride[d] + 1;
  }
  if (__builtin_mul_overflow(full[0], full[1], &total) || __builtin_mul_overflow(total, g->c, &total)
      || __builtin_mul_overflow(total, g->n > 0 ? g->n : 1, &total) || total > LARGEST)
    return tch_op_fail(c, TCH_ERROR_VALUE, "the input with padding would have more than 2^46 elements");
  return TCH_OK;
}

static void images_like(tch_call *c, const tch_tensor *x, int64_t planes, const int64_t size[2]) {
  tch_shape *s = &c->shape[0];
  s->type = x->type;
  s->ndim = x->ndim;
  int at = 0;
  if (x->ndim == 4) s->size[at++] = x->size[0];
  s->size[at++] = planes;
  s->size[at++] = size[0];
  s->size[at] = size[1];
}

/* Geometry of a convolution of images x with weight, both checked but for their agreement. */
static tch_status geometry(const tch_call *c, const options *o, const tch_tensor *x, const tch_tensor *w,
                           tch_conv_geometry *g) {
  char a[TCH_SHAPE_TEXT], b[TCH_SHAPE_TEXT];
  TCH_TRY(read_options(c, o, g));
  *g = (tch_conv_geometry){.type = x->type,
                           .n = size4(x, 0),
                           .c = size4(x, 1),
                           .o = w->size[0],
                           .groups = g->groups,
                           .in = {size4(x, 2), size4(x, 3)},
                           .kernel = {w->size[2], w->size[3]},
                           .stride = {g->stride[0], g->stride[1]},
                           .pad = {g->pad[0], g->pad[1]},
                           .dilation = {g->dilation[0], g->dilation[1]}};
  if (g->c % g->groups != 0 || w->size[1] != g->c / g->groups)
    return tch_op_fail(c, TCH_ERROR_SHAPE, "weight has %lld input planes%s, input has %lld (input %s, weight %s)",
                       (ll) w->size[1], g->groups > 1 ? " per group" : "", (ll) g->c, tch_shape_text(x, a),
                       tch_shape_text(w, b));
  return check_window(c, g);
}

/* -- conv2d ------------------------------------------------------------------------------------------------------ */

static tch_status forward_geometry(const tch_call *c, const options *o, tch_conv_geometry *g) {
  TCH_TRY(check_images(c, X));
  TCH_TRY(check_weight(c, o->groups > 0 ? o->groups : 1));
  return geometry(c, o, c->in[X], c->in[WEIGHT], g);
}

static tch_status conv2d_geometry(const tch_call *c, tch_conv_geometry *g) {
  options o = OPTIONS((const tch_conv2d_attr *) c->attr);
  return forward_geometry(c, &o, g);
}

static tch_status conv2d_shape(tch_call *c) {
  tch_conv_geometry g;
  TCH_TRY(tch_op_same_float(c, ~0u));
  TCH_TRY(conv2d_geometry(c, &g));
  TCH_TRY(check_bias(c, g.o));
  images_like(c, c->in[X], g.o, g.out);
  return TCH_OK;
}

static tch_status bias_of(tch_call *c, const void **out) {
  tch_tensor *bias = NULL;
  if (c->in[BIAS]) TCH_TRY(tch_op_contiguous(c, c->in[BIAS], &bias));
  *out = bias ? tch_tensor_data(bias) : NULL;
  return TCH_OK;
}

static tch_status conv2d_forward(tch_call *c) {
  tch_conv_geometry g;
  tch_tensor *w;
  const void *bias;
  TCH_TRY(conv2d_geometry(c, &g));
  TCH_TRY(tch_op_contiguous(c, c->in[WEIGHT], &w));
  TCH_TRY(bias_of(c, &bias));
  g.store = w->storage;
  tch_finish finish = tch_finish_of(bias, 1, 0);
  return tch_convolve(&g, tch_planes_of(c->in[X]), tch_tensor_data(w), &finish, tch_planes_of(c->out[0]));
}

static tch_status bias_backward(tch_call *c, tch_tensor *gy) {
  tch_tensor *gb;
  double alpha, beta;
  if (c->nin <= BIAS || !tch_wants(c, BIAS)) return TCH_OK;
  TCH_TRY(tch_grad_open(c, BIAS, &gb, &alpha, &beta));
  tch_channel_sums(gy->type, tch_tensor_data(gy), size4(gy, 0), size4(gy, 1), size4(gy, 2) * size4(gy, 3), alpha, beta,
                   tch_tensor_data(gb));
  return TCH_OK;
}

static tch_status conv2d_backward(tch_call *c) {
  tch_conv_geometry g;
  tch_tensor *gy, *into, *w;
  double alpha, beta;
  TCH_TRY(conv2d_geometry(c, &g));
  TCH_TRY(tch_op_contiguous(c, c->gout[0], &gy));
  TCH_TRY(tch_op_contiguous(c, c->in[WEIGHT], &w));
  g.store = w->storage;
  if (tch_wants(c, X)) {
    TCH_TRY(tch_grad_open(c, X, &into, &alpha, &beta));
    tch_finish finish = tch_finish_of(NULL, alpha, beta);
    TCH_TRY(tch_convolve_input(&g, tch_planes_of(gy), tch_tensor_data(w), &finish, tch_planes_of(into)));
  }
  if (tch_wants(c, WEIGHT)) {
    TCH_TRY(tch_grad_open(c, WEIGHT, &into, &alpha, &beta));
    TCH_TRY(tch_convolve_weight(&g, tch_planes_of(c->in[X]), tch_planes_of(gy), tch_planes_of(into), alpha, beta));
  }
  return bias_backward(c, gy);
}

/* Hands over a gradient that an op made. */
static tch_status give(tch_call *c, int i, tch_status status, tch_tensor **g) {
  return status == TCH_OK ? tch_grad_give(c, i, *g) : status;
}

static tch_status give_bias(tch_call *c) {
  static const int64_t batch[] = {0, 2, 3}, single[] = {1, 2};
  bool one = c->gout[0]->ndim == 3;
  tch_tensor *g = NULL;
  if (c->nin <= BIAS || !tch_wants(c, BIAS)) return TCH_OK;
  return give(c, BIAS, tch_sum(c->gout[0], one ? single : batch, one ? 2 : 3, false, &g), &g);
}

static const int64_t *last2(const tch_shape *s) { return s->size + s->ndim - 2; }

static tch_status conv2d_backward_ops(tch_call *c) {
  const tch_conv2d_attr *a = c->attr;
  tch_tensor *gy = c->gout[0], *g = NULL;
  if (tch_wants(c, X))
    TCH_TRY(give(c, X, tch_conv2d_input_grad(gy, c->in[WEIGHT], last2(&c->in_shape[X]), 2, PASS(a), &g), &g));
  g = NULL;
  if (tch_wants(c, WEIGHT))
    TCH_TRY(give(c, WEIGHT, tch_conv2d_weight_grad(c->in[X], gy, last2(&c->in_shape[WEIGHT]), 2, PASS(a), &g), &g));
  return give_bias(c);
}

const tch_op_body tch_op_conv2d = {.shape = conv2d_shape,
                                   .forward = conv2d_forward,
                                   .backward = conv2d_backward,
                                   .backward_ops = conv2d_backward_ops,
                                   .save_in = 1 << X | 1 << WEIGHT};

/* -- conv2d_fused -------------------------------------------------------------------------------------------------- */

enum { MEAN = BIAS + 1, VARIANCE, GAMMA, BETA };

static tch_status fused_geometry(const tch_call *c, tch_conv_geometry *g) {
  options o = OPTIONS((const tch_conv2d_fused_attr *) c->attr);
  return forward_geometry(c, &o, g);
}

static tch_status conv2d_fused_shape(tch_call *c) {
  tch_conv_geometry g;
  char name[32], text[TCH_SHAPE_TEXT];
  TCH_TRY(tch_op_same_float(c, ~0u));
  TCH_TRY(fused_geometry(c, &g));
  for (int i = BIAS; i <= BETA; i++)
    if (c->in[i] && (c->in[i]->ndim != 1 || c->in[i]->size[0] != g.o))
      return tch_op_fail(c, TCH_ERROR_SHAPE, "%s is %s, but one number for each of the %lld output planes is needed",
                         tch_op_input_name(c, i, name), tch_shape_text(c->in[i], text), (ll) g.o);
  if (!c->in[MEAN] != !c->in[VARIANCE])
    return tch_op_fail(c, TCH_ERROR_VALUE, "mean and variance are needed both or neither");
  images_like(c, c->in[X], g.o, g.out);
  return TCH_OK;
}

static double entry(const tch_tensor *t, int64_t i, double missing) {
  return t == NULL              ? missing
         : t->type == TCH_FLOAT ? TCH_DATA(float, t)[i * t->stride[0]]
                                : TCH_DATA(double, t)[i * t->stride[0]];
}

/* scale and bias of (conv + bias - mean) / sqrt(variance + eps) * gamma + beta */
static tch_status fold(tch_call *c, const tch_conv_geometry *g, double eps, tch_finish *finish) {
  tch_shape shape = {.type = g->type, .ndim = 1, .size = {2 * g->o}};
  tch_tensor *both;
  TCH_TRY(tch_op_temp(c, &shape, &both));
  for (int64_t i = 0; i < g->o; i++) {
    double scale = entry(c->in[GAMMA], i, 1) / (c->in[VARIANCE] ? sqrt(entry(c->in[VARIANCE], i, 1) + eps) : 1);
    double bias = (entry(c->in[BIAS], i, 0) - entry(c->in[MEAN], i, 0)) * scale + entry(c->in[BETA], i, 0);
    if (g->type == TCH_FLOAT) TCH_DATA(float, both)[i] = (float) scale, TCH_DATA(float, both)[g->o + i] = (float) bias;
    else TCH_DATA(double, both)[i] = scale, TCH_DATA(double, both)[g->o + i] = bias;
  }
  finish->scale = tch_tensor_data(both);
  finish->bias = (const char *) finish->scale + g->o * tch_dtype_bytes(g->type);
  return TCH_OK;
}

static tch_status conv2d_fused_forward(tch_call *c) {
  const tch_conv2d_fused_attr *a = c->attr;
  tch_conv_geometry g;
  tch_tensor *w;
  tch_finish finish = {.alpha = 1, .low = a->low, .high = a->high};
  TCH_TRY(fused_geometry(c, &g));
  TCH_TRY(tch_op_contiguous(c, c->in[WEIGHT], &w));
  g.store = w->storage;
  if (c->in[MEAN] || c->in[GAMMA] || c->in[BETA]) TCH_TRY(fold(c, &g, a->eps, &finish));
  else TCH_TRY(bias_of(c, &finish.bias));
  return tch_convolve(&g, tch_planes_of(c->in[X]), tch_tensor_data(w), &finish, tch_planes_of(c->out[0]));
}

const tch_op_body tch_op_conv2d_fused = {.shape = conv2d_fused_shape, .forward = conv2d_fused_forward};

/* -- the transposed sum: gy (N,O,oH,oW) and weight give planes of a given size ------------------------------------- */

/* Geometry of the convolution whose output is in[0] and whose input has planes of `size`. */
static tch_status transposed_geometry(const tch_call *c, const options *o, const int64_t size[2],
                                      tch_conv_geometry *g) {
  const tch_tensor *gy = c->in[0], *w = c->in[WEIGHT];
  char a[TCH_SHAPE_TEXT], b[TCH_SHAPE_TEXT];
  TCH_TRY(check_images(c, 0));
  if (o->groups < 1) return tch_op_fail(c, TCH_ERROR_VALUE, "groups is %lld, but must be 1 or more", (ll) o->groups);
  TCH_TRY(check_weight(c, o->groups));
  if (w->size[0] != size4(gy, 1))
    return tch_op_fail(c, TCH_ERROR_SHAPE, "weight takes %lld planes, input has %lld (input %s, weight %s)",
                       (ll) w->size[0], (ll) size4(gy, 1), tch_shape_text(gy, a), tch_shape_text(w, b));
  tch_tensor x = {
      .type = gy->type, .ndim = 4, .count = 1, .size = {size4(gy, 0), w->size[1] * o->groups, size[0], size[1]}};
  TCH_TRY(geometry(c, o, &x, w, g));
  for (int d = 0; d < 2; d++)
    if (g->out[d] != size4(gy, 2 + d))
      return tch_op_fail(c, TCH_ERROR_SHAPE, "planes of %lldx%lld give %lldx%lld, but input is %s", (ll) size[0],
                         (ll) size[1], (ll) g->out[0], (ll) g->out[1], tch_shape_text(gy, a));
  return TCH_OK;
}

static tch_status input_grad_geometry(const tch_call *c, tch_conv_geometry *g) {
  const tch_conv2d_input_grad_attr *a = c->attr;
  options o = OPTIONS(a);
  int64_t size[2];
  TCH_TRY(pair(c, "size", &a->size, 0, 1, size));
  return transposed_geometry(c, &o, size, g);
}

static tch_status input_grad_shape(tch_call *c) {
  tch_conv_geometry g;
  TCH_TRY(tch_op_same_float(c, ~0u));
  TCH_TRY(input_grad_geometry(c, &g));
  images_like(c, c->in[0], g.c, g.in);
  return TCH_OK;
}

static tch_status input_grad_forward(tch_call *c) {
  tch_conv_geometry g;
  tch_tensor *w;
  TCH_TRY(input_grad_geometry(c, &g));
  TCH_TRY(tch_op_contiguous(c, c->in[WEIGHT], &w));
  tch_finish finish = tch_finish_of(NULL, 1, 0);
  return tch_convolve_input(&g, tch_planes_of(c->in[0]), tch_tensor_data(w), &finish, tch_planes_of(c->out[0]));
}

static tch_status input_grad_backward_ops(tch_call *c) {
  const tch_conv2d_input_grad_attr *a = c->attr;
  tch_tensor *ggx = c->gout[0], *g = NULL;
  if (tch_wants(c, 0)) TCH_TRY(give(c, 0, tch_conv2d(ggx, c->in[WEIGHT], NULL, PASS(a), &g), &g));
  g = NULL;
  if (tch_wants(c, WEIGHT))
    TCH_TRY(give(c, WEIGHT, tch_conv2d_weight_grad(ggx, c->in[0], last2(&c->in_shape[WEIGHT]), 2, PASS(a), &g), &g));
  return TCH_OK;
}

const tch_op_body tch_op_conv2d_input_grad = {
    .shape = input_grad_shape, .forward = input_grad_forward, .backward_ops = input_grad_backward_ops, .save_in = 3};

/* -- gradient of the weight: x and gy give (O, C/groups, kH, kW) ---------------------------------------------------- */

static tch_status weight_grad_geometry(const tch_call *c, tch_conv_geometry *g) {
  const tch_conv2d_weight_grad_attr *a = c->attr;
  const tch_tensor *x = c->in[0], *gy = c->in[1];
  options o = OPTIONS(a);
  int64_t kernel[2] = {1, 1};
  char p[TCH_SHAPE_TEXT], q[TCH_SHAPE_TEXT];
  TCH_TRY(pair(c, "kernel", &a->kernel, 1, 1, kernel));
  TCH_TRY(check_images(c, 0));
  TCH_TRY(check_images(c, 1));
  if (o.groups < 1 || size4(x, 1) % o.groups != 0 || size4(gy, 1) % o.groups != 0)
    return tch_op_fail(c, TCH_ERROR_SHAPE, "planes cannot be cut into %lld groups (%s, %s)", (ll) o.groups,
                       tch_shape_text(x, p), tch_shape_text(gy, q));
  tch_tensor w = {
      .type = x->type, .ndim = 4, .count = 1, .size = {size4(gy, 1), size4(x, 1) / o.groups, kernel[0], kernel[1]}};
  TCH_TRY(geometry(c, &o, x, &w, g));
  if (size4(gy, 0) != g->n || size4(gy, 2) != g->out[0] || size4(gy, 3) != g->out[1])
    return tch_op_fail(c, TCH_ERROR_SHAPE, "gy is %s, but %lld images of %lldx%lld are needed (x %s)",
                       tch_shape_text(gy, q), (ll) g->n, (ll) g->out[0], (ll) g->out[1], tch_shape_text(x, p));
  return TCH_OK;
}

static tch_status weight_grad_shape(tch_call *c) {
  tch_conv_geometry g;
  TCH_TRY(tch_op_same_float(c, ~0u));
  TCH_TRY(weight_grad_geometry(c, &g));
  c->shape[0] = (tch_shape){g.type, 4, {g.o, g.c / g.groups, g.kernel[0], g.kernel[1]}};
  return TCH_OK;
}

static tch_status weight_grad_forward(tch_call *c) {
  tch_conv_geometry g;
  tch_tensor *gy;
  TCH_TRY(weight_grad_geometry(c, &g));
  TCH_TRY(tch_op_contiguous(c, c->in[1], &gy));
  return tch_convolve_weight(&g, tch_planes_of(c->in[0]), tch_planes_of(gy), tch_planes_of(c->out[0]), 1, 0);
}

static tch_status weight_grad_backward_ops(tch_call *c) {
  const tch_conv2d_weight_grad_attr *a = c->attr;
  tch_tensor *ggw = c->gout[0], *g = NULL;
  if (tch_wants(c, 0))
    TCH_TRY(give(c, 0, tch_conv2d_input_grad(c->in[1], ggw, last2(&c->in_shape[0]), 2, PASS(a), &g), &g));
  g = NULL;
  if (tch_wants(c, 1)) TCH_TRY(give(c, 1, tch_conv2d(c->in[0], ggw, NULL, PASS(a), &g), &g));
  return TCH_OK;
}

const tch_op_body tch_op_conv2d_weight_grad = {
    .shape = weight_grad_shape, .forward = weight_grad_forward, .backward_ops = weight_grad_backward_ops, .save_in = 3};

/* -- conv_transpose2d: x (N,C,H,W), weight (C, O/groups, kH, kW); y's planes are
 *    (H - 1) * stride - 2 * pad + dilation * (kH - 1) + output_pad + 1 high ------------------------------------------ */

static tch_status transpose_geometry(const tch_call *c, tch_conv_geometry *g) {
  const tch_conv_transpose2d_attr *a = c->attr;
  const tch_tensor *x = c->in[X], *w = c->in[WEIGHT];
  options o = OPTIONS(a);
  int64_t extra[2], size[2];
  char p[TCH_SHAPE_TEXT], q[TCH_SHAPE_TEXT];
  TCH_TRY(check_images(c, X));
  TCH_TRY(check_weight(c, 1));
  TCH_TRY(read_options(c, &o, g));
  TCH_TRY(pair(c, "output_pad", &a->output_pad, 0, 0, extra));
  for (int d = 0; d < 2; d++) {
    if (extra[d] > 0 && extra[d] >= g->stride[d] && extra[d] >= g->dilation[d])
      return tch_op_fail(c, TCH_ERROR_VALUE,
                         "output_pad is %lld, but must be less than stride (%lld) or dilation (%lld)", (ll) extra[d],
                         (ll) g->stride[d], (ll) g->dilation[d]);
    int64_t span;
    if (size4(x, 2 + d) >= LIMIT || __builtin_mul_overflow(g->dilation[d], w->size[2 + d] - 1, &span) || span > LARGEST)
      return tch_op_fail(c, TCH_ERROR_VALUE, "the result would be too large (input %s)", tch_shape_text(x, p));
    size[d] = (size4(x, 2 + d) - 1) * g->stride[d] - 2 * g->pad[d] + span + extra[d] + 1;
    if (size[d] < 1)
      return tch_op_fail(c, TCH_ERROR_SHAPE, "padding %lld leaves nothing of the result (input %s, weight %s)",
                         (ll) g->pad[d], tch_shape_text(x, p), tch_shape_text(w, q));
  }
  return transposed_geometry(c, &o, size, g);
}

static tch_status conv_transpose2d_shape(tch_call *c) {
  tch_conv_geometry g;
  TCH_TRY(tch_op_same_float(c, ~0u));
  TCH_TRY(transpose_geometry(c, &g));
  TCH_TRY(check_bias(c, g.c));
  images_like(c, c->in[X], g.c, g.in);
  return TCH_OK;
}

static tch_status conv_transpose2d_forward(tch_call *c) {
  tch_conv_geometry g;
  tch_tensor *w;
  const void *bias;
  TCH_TRY(transpose_geometry(c, &g));
  TCH_TRY(tch_op_contiguous(c, c->in[WEIGHT], &w));
  TCH_TRY(bias_of(c, &bias));
  g.store = w->storage;
  tch_finish finish = tch_finish_of(bias, 1, 0);
  return tch_convolve_input(&g, tch_planes_of(c->in[X]), tch_tensor_data(w), &finish, tch_planes_of(c->out[0]));
}

static tch_status conv_transpose2d_backward(tch_call *c) {
  tch_conv_geometry g;
  tch_tensor *gy, *into, *w, *x;
  double alpha, beta;
  TCH_TRY(transpose_geometry(c, &g));
  TCH_TRY(tch_op_contiguous(c, c->gout[0], &gy));
  TCH_TRY(tch_op_contiguous(c, c->in[WEIGHT], &w));
  TCH_TRY(tch_op_contiguous(c, c->in[X], &x));
  if (tch_wants(c, X)) {
    TCH_TRY(tch_grad_open(c, X, &into, &alpha, &beta));
    tch_finish finish = tch_finish_of(NULL, alpha, beta);
    TCH_TRY(tch_convolve(&g, tch_planes_of(gy), tch_tensor_data(w), &finish, tch_planes_of(into)));
  }
  if (tch_wants(c, WEIGHT)) {
    TCH_TRY(tch_grad_open(c, WEIGHT, &into, &alpha, &beta));
    TCH_TRY(tch_convolve_weight(&g, tch_planes_of(gy), tch_planes_of(x), tch_planes_of(into), alpha, beta));
  }
  return bias_backward(c, gy);
}

static tch_status conv_transpose2d_backward_ops(tch_call *c) {
  const tch_conv_transpose2d_attr *a = c->attr;
  tch_tensor *gy = c->gout[0], *g = NULL;
  if (tch_wants(c, X)) TCH_TRY(give(c, X, tch_conv2d(gy, c->in[WEIGHT], NULL, PASS(a), &g), &g));
  g = NULL;
  if (tch_wants(c, WEIGHT))
    TCH_TRY(give(c, WEIGHT, tch_conv2d_weight_grad(gy, c->in[X], last2(&c->in_shape[WEIGHT]), 2, PASS(a), &g), &g));
  return give_bias(c);
}

const tch_op_body tch_op_conv_transpose2d = {.shape = conv_transpose2d_shape,
                                             .forward = conv_transpose2d_forward,
                                             .backward = conv_transpose2d_backward,
                                             .backward_ops = conv_transpose2d_backward_ops,
                                             .save_in = 1 << X | 1 << WEIGHT};
