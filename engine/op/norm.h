/* What the normalisation ops share. */
#ifndef TCH_OP_NORM_H
#define TCH_OP_NORM_H
#include "core/cpu.h"
#include "kernel/norm.h"
#include "op/op.h"
#include <string.h>

TCH_KERNEL_FAMILY(norm)

enum { WORK = 1 << 14 }; /* elements a piece of work should have at least */

static inline void shape_like(tch_shape *s, const tch_tensor *x) {
  s->type = x->type;
  s->ndim = x->ndim;
  memcpy(s->size, x->size, sizeof *x->size * (size_t) x->ndim);
}

/* Entry i of a contiguous tensor. */
static inline double flat_load(const tch_tensor *t, int64_t i) {
  return t->type == TCH_DOUBLE ? TCH_DATA(double, t)[i] : TCH_DATA(float, t)[i];
}

static inline void flat_store(const tch_tensor *t, int64_t i, double v) {
  if (t->type == TCH_DOUBLE) TCH_DATA(double, t)[i] = v;
  else TCH_DATA(float, t)[i] = (float) v;
}

/* n numbers that live until the call ends. */
static inline tch_status numbers(tch_call *c, int64_t n, double **out) {
  tch_shape shape = {.type = TCH_DOUBLE, .ndim = 1, .size = {n}};
  tch_tensor *t;
  TCH_TRY(tch_op_temp(c, &shape, &t));
  *out = tch_tensor_data(t);
  return TCH_OK;
}

/* How the groups of a call lie: `dims` is what a group spans. mean and invstd are given where they are constants. */
typedef struct tch_norm_groups {
  int ndims;
  int64_t dims[TCH_MAX_DIMS];
  bool channels; /* weight and bias count along dimension 1, not along the last ones */
  double eps;
  tch_tensor *weight, *mean, *invstd; /* broadcast to x; may be NULL */
} tch_norm_groups;

/* The gradients of a normalisation in ops, for graphs of the gradient. */
tch_status tch_norm_gradients(tch_call *c, const tch_norm_groups *of);
#endif
