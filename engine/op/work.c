/* What one call of an op computes and moves, for the count of core/work.h.
 *
 * Operations are two for each multiply-add of a product, a convolution (by its definition, whatever method runs), a recurrent
 * layer or attention; what else an op does is not counted. Bytes: every operand is read once and every result written once, an
 * operand that is broadcast by its own size; views move nothing. */
#include "core/work.h"
#include "op/op.h"

extern const tch_op_body tch_op_linear, tch_op_linear_relu, tch_op_relu_linear_grad, tch_op_mm, tch_op_mv, tch_op_dot, tch_op_bmm,
    tch_op_matmul, tch_op_outer, tch_op_addmm, tch_op_addmv, tch_op_addr, tch_op_addbmm, tch_op_baddbmm, tch_op_conv2d,
    tch_op_conv2d_fused, tch_op_conv2d_input_grad, tch_op_conv2d_weight_grad, tch_op_conv_transpose2d, tch_op_rnn, tch_op_gru,
    tch_op_lstm, tch_op_attention, tch_op_self_attention;

/* -- sizes, forward and backward ------------------------------------------------------------------------------------ */

static const int64_t *size_of(const tch_call *c, int i) { return c->in_shape ? c->in_shape[i].size : c->in[i]->size; }
static int dims_of(const tch_call *c, int i) { return c->in_shape ? c->in_shape[i].ndim : c->in[i]->ndim; }

static double count_of(const tch_call *c, int i) {
  double n = 1;
  for (int d = 0; d < dims_of(c, i); d++) n *= (double) size_of(c, i)[d];
  return n;
}

/* Numbers of the first output. */
static double result_of(const tch_call *c) {
  return c->gout ? c->gout[0] ? (double) c->gout[0]->count : 0 : (double) tch_shape_count(&c->shape[0]);
}

/* Numbers of in[i] for each entry of its first dimension, and the size of its last one. */
static double row_of(const tch_call *c, int i) { return size_of(c, i)[0] ? count_of(c, i) / (double) size_of(c, i)[0] : 0; }
static double last_of(const tch_call *c, int i) { return (double) size_of(c, i)[dims_of(c, i) - 1]; }

/* -- multiply-adds --------------------------------------------------------------------------------------------------- */

static double recurrent(const tch_call *c) {
  enum { X, W_IH, W_HH };
  double steps = count_of(c, X) / last_of(c, X), across = steps * count_of(c, W_IH), along = steps * count_of(c, W_HH);
  if (c->gin == NULL) return across + along;
  return across * (tch_wants(c, X) + tch_wants(c, W_IH)) + along * (1 + tch_wants(c, W_HH)); /* 1: back through time */
}

static double attention(const tch_call *c) {
  enum { Q, K, V };
  bool joined = c->op->body == &tch_op_self_attention;
  const tch_attention_attr *a = c->attr;
  double keys = (double) size_of(c, joined ? Q : K)[1], numbers; /* of the queries and of the results */
  if (joined) numbers = 2 * count_of(c, Q) / 3;
  else numbers = count_of(c, Q) + count_of(c, Q) / last_of(c, Q) * last_of(c, V);
  return numbers * keys * (a->causal ? 0.5 : 1) * (c->gin ? 2 : 1);
}

static double multiply_adds(const tch_call *c) {
  const tch_op_body *b = c->op->body;
  double n;
  if (b == &tch_op_rnn || b == &tch_op_gru || b == &tch_op_lstm) return recurrent(c);
  if (b == &tch_op_attention || b == &tch_op_self_attention) return attention(c);
  if (b == &tch_op_linear || b == &tch_op_linear_relu || b == &tch_op_conv2d || b == &tch_op_conv2d_fused)
    n = result_of(c) * row_of(c, 1);
  else if (b == &tch_op_conv2d_input_grad || b == &tch_op_conv_transpose2d) n = count_of(c, 0) * row_of(c, 1);
  else if (b == &tch_op_relu_linear_grad) n = count_of(c, 0) * row_of(c, 2);
  else if (b == &tch_op_conv2d_weight_grad) n = result_of(c) * count_of(c, 1) / (double) size_of(c, 1)[dims_of(c, 1) - 3];
  else if (b == &tch_op_outer || b == &tch_op_addr) n = result_of(c);
  else if (b == &tch_op_mm || b == &tch_op_mv || b == &tch_op_dot || b == &tch_op_bmm || b == &tch_op_matmul)
    n = result_of(c) * last_of(c, 0);
  else if (b == &tch_op_addmm || b == &tch_op_addmv || b == &tch_op_baddbmm) n = result_of(c) * last_of(c, 1);
  else if (b == &tch_op_addbmm) n = count_of(c, 1) * last_of(c, 2);
  else return 0;
  return c->gin ? n * (tch_wants(c, 0) + tch_wants(c, 1)) : n;
}

/* -- bytes ----------------------------------------------------------------------------------------------------------- */

static double bytes_of(const tch_tensor *t) {
  double n = (double) tch_dtype_bytes(t->type);
  for (int d = 0; d < t->ndim; d++)
    if (t->stride[d] != 0) n *= (double) t->size[d];
  return t->count ? n : 0;
}

static double bytes(const tch_call *c) {
  double n = 0;
  if (c->op->body->view) return 0;
  for (int i = 0; i < c->nin; i++) {
    if (c->in[i]) n += bytes_of(c->in[i]);
    if (c->gin && tch_wants(c, i)) n += count_of(c, i) * (double) tch_dtype_bytes(c->in_shape[i].type);
  }
  for (int o = 0; o < c->nout; o++) {
    if (c->gin == NULL) n += (double) (tch_shape_count(&c->shape[o]) * tch_dtype_bytes(c->shape[o].type));
    else if (c->out[o]) n += bytes_of(c->out[o]);
    if (c->gout && c->gout[o]) n += bytes_of(c->gout[o]);
  }
  return n;
}

tch_status tch_op_counted(tch_call *c, tch_status (*body)(tch_call *)) {
  if (c->gin && body == c->op->body->backward_ops) return body(c); /* its ops count themselves */
  double operations = 2 * multiply_adds(c), moved = bytes(c);
  tch_work_enter();
  tch_status status = body(c);
  tch_work_leave(operations, moved);
  return status;
}
