/* What the tape remembers. A tensor of the tape owns a history; a history owns the node that made it; a node owns the nodes
 * its inputs came from and headers of what backward will read. Nothing points from a node to its outputs, so there are no
 * cycles, and there is no global list. */
#ifndef TCH_AUTOGRAD_TAPE_H
#define TCH_AUTOGRAD_TAPE_H
#include "core/tensor.h"
#include "op/op.h"

/* Where an input came from: output `index` of `node`. Leaves have a node of their own (op NULL, host_id 0). */
typedef struct tch_edge {
  tch_node *node; /* owned; NULL: constant */
  int index;
} tch_edge;

struct tch_history {
  tch_edge from;
  bool leaf;
  uint64_t version; /* of the tensor's range when this history became true */
  tch_tensor *grad; /* of a leaf, or a parameter */
};
