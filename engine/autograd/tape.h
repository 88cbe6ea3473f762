/* What the tape remembers. A tensor of the tape owns a history; a history owns the node that made it; a node owns the nodes
 * its inputs came from and headers (without history) of what backward will read. Nothing points from a node to its outputs,
 * so there are no cycles, and there is no global list. */
#ifndef TCH_AUTOGRAD_TAPE_H
#define TCH_AUTOGRAD_TAPE_H
#include "core/tensor.h"
#include "op/op.h"

/* Where a tensor came from: output `index` of `node`. */
typedef struct tch_edge {
  tch_node *node; /* owned; NULL: a constant */
  int index;
} tch_edge;

struct tch_history {
  tch_edge from;
  bool requires;    /* ops on this tensor are recorded; false for a parameter, which only its alias puts on the tape */
  uint64_t version; /* of the tensor's elements when this history became true */
};

typedef struct tch_saved {
  tch_tensor *tensor; /* owned, NULL: not saved */
  uint64_t version;
} tch_saved;

struct tch_node {
  atomic_int refs;
  size_t bytes;        /* of this record */
  tch_node *next;      /* while being released */
  /* a leaf: where its gradient is collected */
  bool leaf;
  tch_tensor *grad;    /* owned */
  /* an op, or a function of the host language (op NULL, host_id not 0) */
  const tch_op *op;
  int64_t host_id;
  char name[32];
  int nin, nout;
  bool freed;          /* backward dropped what was saved */
  tch_edge *edge;      /* [nin] */
  tch_shape *in_shape; /* [nin] */
  tch_shape *out_shape; /* [nout] */
  tch_saved *saved_in, *saved_out; /* [nin], [nout] */
  void *attr;
};

/* -- recording, called by op.c in this order ---------------------------------------------------------------------- */

bool tch_tape_records(const tch_call *c);
/* An input whose elements another alias overwrote is refused: its history no longer tells how its numbers came about. */
tch_status tch_tape_check_inputs(const tch_call *c);
/* May `target` be written, as a result or in place? */
tch_status tch_tape_check_target(const tch_call *c, const tch_tensor *target, bool record);
tch_status tch_tape_begin(tch_call *c, tch_node **node);
/* Gives the outputs their history; takes node. Passes a failure of the op through. */
tch_status tch_tape_end(tch_call *c, tch_node *node, tch_status status);

/* -- for passes ----------------------------------------------------------------------------------------------------- */

void tch_node_retain(tch_node *n);
void tch_node_release(tch_node *n); /* without recursion, however long the chain */
void tch_node_drop_saved(tch_node *n);
/* The leaf or op output that t is; NULL if t is not on the tape. A parameter counts. */
const tch_edge *tch_edge_of(const tch_tensor *t);
/* Gives t (without history) the history `from`. */
tch_status tch_history_put(tch_tensor *t, tch_node *node, int index);
#endif
