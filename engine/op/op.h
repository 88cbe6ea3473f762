/* An op: a row of ops.def (name, inputs, attributes, outputs) and one body (shape rule, forward, backward).
 *
 * The build reads the rows and generates the public prototypes (tocha_ops.h), the attribute structs (op_attr.h), the entry
 * functions, and the Lua wrappers. An op's body file ends a section with
 *
 *     const tch_op_body tch_op_conv2d = { .shape = conv2d_shape, .forward = conv2d_forward, .backward = conv2d_backward };
 *
 * Life of a call (op.c): the shape rule checks everything that can be wrong and fills c->shape[]; outputs are made or
 * resized (an output that overlaps an input is computed aside and copied, unless the op says .in_place and the views are the
 * same); forward writes c->out[]; if an input requires a gradient a node is recorded with what .save_* name.
 */
#ifndef TCH_OP_OP_H
#define TCH_OP_OP_H
#include "core/error.h"
#include "core/iter.h"
#include "core/tensor.h"
#include "op_attr.h" /* generated: tch_<name>_attr */

enum { TCH_MAX_OUTPUTS = 4, TCH_MAX_INPUTS = 16 /* except lists */, TCH_MAX_TEMPS = 64, TCH_MAX_LIST = 1024 };

typedef struct tch_call tch_call;

/* Generated from the row. */
typedef struct tch_op_schema {
  const char *name;
  const char *inputs, *attributes, *outputs; /* the row's text */
  int ninputs, noutputs;                     /* a trailing list counts as one input */
  bool list;                                 /* the last input is a list */
  uint32_t optional, constant, updated;      /* bit per input: may be NULL; never has a gradient; written by forward */
  uint32_t plain_out;                        /* bit per output that carries no gradient (indices, masks, statistics) */
  int attr_size;
} tch_op_schema;

typedef struct tch_op_body {
  tch_status (*shape)(tch_call *c);
  tch_status (*forward)(tch_call *c);
  tch_status (*backward)(tch_call *c);       /* with kernels; NULL: backward_ops, or no gradient at all */
  tch_status (*backward_ops)(tch_call *c);   /* with ops: used when a graph of the gradient is asked for */
  uint32_t save_in, save_out;                /* bit per input and output that backward reads; a list counts as one bit */
  uint32_t save_for[3];                      /* more inputs, read only for the gradient of input 0, 1, 2 */
  bool in_place;                             /* forward may run with out[0] the same view as in[0] (or any same-view input) */
  bool dense;                                /* forward needs its outputs contiguous */
  bool moves;                                /* only moves elements: serves types that are stored, not computed with; so do views */
  bool view;                                 /* forward sets *out to views of the inputs' storage; nothing is made for it */
  bool aside;                                /* forward sets *out to tensors that it made, without holes and in an order of
                                                its own, which a contiguous result takes over; failing late does no harm */
  bool wide;                                 /* forward computes in double: a result given off the tape may be one, of floats */
} tch_op_body;

typedef struct tch_op {
  tch_op_schema schema;
  const tch_op_body *body;
} tch_op;

/* Where the gradient of one input goes; bodies use it through tch_wants, tch_grad_open and tch_grad_give. */
typedef struct tch_grad_slot {
  bool wanted, add;   /* add: target += scale * gradient, else target = gradient */
  tch_tensor *target; /* given by the caller of an off-tape backward */
  tch_tensor *value;  /* owned: what was written so far, unless it went to the target directly */
  bool done;          /* the target holds the gradient */
} tch_grad_slot;

struct tch_call {
  const tch_op *op;
  int nin, nout;                /* nin counts the members of a list */
  tch_tensor **in, **out;       /* in backward: what was saved, the rest NULL */
  const void *attr;             /* tch_<name>_attr */
  tch_shape shape[TCH_MAX_OUTPUTS];
  /* backward */
  tch_tensor **gout;            /* gradient of each output; NULL is zero (never NULL for an op of one output) */
  const tch_shape *in_shape;    /* of every input, saved or not */
  tch_grad_slot *gin;
  double scale;                 /* of gradients that are added to a target */
  bool graph;                   /* backward_ops only: a graph of the gradient is wanted */
  /* owned: released when the call ends */
  int ntemps;
  tch_tensor *temp[TCH_MAX_TEMPS];
};

/* -- for shape rules -------------------------------------------------------------------------------------------- */

/* Fails with "<op>: ..." */
tch_status tch_op_fail(const tch_call *c, tch_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* All present inputs of `mask` have one floating type; the message names the inputs and the cure. */
tch_status tch_op_same_float(const tch_call *c, uint32_t mask);
tch_status tch_op_same_type(const tch_call *c, uint32_t mask);
/* Name of input i from the schema ("weight"). */
const char *tch_op_input_name(const tch_call *c, int i, char buffer[32]);
/* Turns a dimension that may be negative into 0..ndim-1, or fails. */
tch_status tch_op_dim(const tch_call *c, const tch_tensor *t, int64_t dim, int *out);

/* -- for bodies ------------------------------------------------------------------------------------------------- */

/* Input or gradient made contiguous for this call (borrowed; the call releases it). */
tch_status tch_op_contiguous(tch_call *c, tch_tensor *t, tch_tensor **out);
/* A tensor that lives until the call ends (borrowed). */
tch_status tch_op_temp(tch_call *c, const tch_shape *shape, tch_tensor **out);
/* Takes over a reference until the call ends. */
tch_status tch_op_keep(tch_call *c, tch_tensor *t);
/* x = tch_<op>(...), kept until the call ends: a step of a computation by ops. Returns on failure. */
#define TCH_STEP(c, x, op, ...)                         \
  do {                                                  \
    tch_tensor *step_ = NULL;                           \
    TCH_TRY(tch_##op(__VA_ARGS__, &step_));             \
    TCH_TRY(tch_op_keep(c, step_));                     \
    (x) = step_;                                        \
  } while (0)

static inline bool tch_wants(const tch_call *c, int i) { return c->gin[i].wanted; }
/* Gradient of input i by kernels: *dst gets in[i]'s sizes and is contiguous; the kernel must write
 * dst = alpha * gradient + beta * dst (beta is 0 or 1, and with 0 the old contents are garbage). */
tch_status tch_grad_open(tch_call *c, int i, tch_tensor **dst, double *alpha, double *beta);
/* Gradient of input i as a tensor that the call takes over (also on failure); summed to the input's sizes where the input was
 * broadcast, scaled and added as the caller of backward asked. */
tch_status tch_grad_give(tch_call *c, int i, tch_tensor *g);

/* Bit of input i in the masks of a schema or body: the members of a list share the last one. */
static inline int tch_op_bit(const tch_op *op, int i) {
  return i < op->schema.ninputs ? i : op->schema.ninputs - 1;
}

/* -- for generated entries and autograd --------------------------------------------------------------------------- */

tch_status tch_op_run(const tch_op *op, tch_tensor *const *in, int nin, const void *attr, tch_tensor ***out);
/* Backward off the tape: uses in/out/gout as given. into[i] NULL: not wanted; bit i of `accumulate`: into += scale * g, else
 * into = g. */
tch_status tch_op_grad(const tch_op *op, tch_tensor *const *in, int nin, const void *attr, tch_tensor *const *out,
                       tch_tensor *const *gout, double scale, uint32_t accumulate, tch_tensor *const *into);
/* Runs the body's backward (graph: backward_ops) on a prepared call and releases its temporaries. */
tch_status tch_op_backward(tch_call *c);
/* Runs `body` of a prepared call and adds what it computes to the count of core/work.h (work.c). */
tch_status tch_op_counted(tch_call *c, tch_status (*body)(tch_call *c));
#endif
