/* Dropout (Srivastava et al. 2014): each element is kept with probability 1 - p, and scaled by 1 / (1 - p) if `scaled`. The
 * mask holds the factors, drawn in element order from the generator, one bernoulli(1 - p) each, as Torch7 did. */
#include "op/op.h"
#include <string.h>

static tch_status dropout_shape(tch_call *c) {
  const tch_dropout_attr *a = c->attr;
  const tch_tensor *x = c->in[0];
  TCH_TRY(tch_op_same_float(c, 1));
  if (!(a->p >= 0 && a->p < 1))
    return tch_op_fail(c, TCH_ERROR_VALUE, "p = %g is not a probability from 0 up to, but not, 1", a->p);
  for (int o = 0; o < 2; o++) {
    c->shape[o].type = x->type;
    c->shape[o].ndim = x->ndim;
    memcpy(c->shape[o].size, x->size, sizeof *x->size * (size_t) x->ndim);
  }
  return TCH_OK;
}

static tch_status dropout_forward(tch_call *c) {
  const tch_dropout_attr *a = c->attr;
  tch_tensor *mask = c->out[1], *y = c->out[0];
  bool on = tch_grad_enabled();
  tch_set_grad_enabled(false);
  tch_status status = tch_tensor_bernoulli(mask, 1 - a->p, a->generator);
  if (status == TCH_OK && a->scaled && a->p > 0) status = tch_mul_scalar(mask, 1 / (1 - a->p), &mask);
  if (status == TCH_OK) status = tch_mul(c->in[0], mask, &y);
  tch_set_grad_enabled(on);
  return status;
}

static tch_status dropout_backward(tch_call *c) {
  tch_tensor *g = NULL;
  TCH_TRY(tch_mul(c->gout[0], c->out[1], &g));
  return tch_grad_give(c, 0, g);
}

const tch_op_body tch_op_dropout = {.shape = dropout_shape, .forward = dropout_forward, .backward_ops = dropout_backward,
                                    .save_out = 1 << 1, .in_place = true};
