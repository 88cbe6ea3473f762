/* The tensor: a view on a storage. Only core/ and autograd/ change these fields. */
#ifndef TCH_CORE_TENSOR_H
#define TCH_CORE_TENSOR_H
#include "core/dtype.h"
#include "core/storage.h"
#include "tocha.h"
#include <stdatomic.h>

typedef struct tch_history tch_history; /* autograd/tape.h */

/* A shape without memory: what a shape rule computes. count is 0 for the tensor without shape, 1 for a scalar. */
typedef struct tch_shape {
  tch_dtype type;
  int ndim;
  int64_t size[TCH_MAX_DIMS];
} tch_shape;

struct tch_tensor {
  atomic_int refs;
  tch_dtype type;
  bool owner;           /* made together with its storage: not a view of another tensor's */
  int ndim;
  int64_t count;        /* product of sizes; 0 for a tensor without shape */
  int64_t offset;       /* first element, in elements of the storage */
  tch_storage *storage; /* NULL only while count is 0 */
  tch_history *history; /* NULL: not on the tape */
  int64_t size[TCH_MAX_DIMS], stride[TCH_MAX_DIMS]; /* only the first ndim are set */
};

#define TCH_DATA(T, t) ((T *) (t)->storage->data + (t)->offset)

/* A new tensor of a shape (contents undefined; a shape rule's ndim 0 means a scalar). */
tch_status tch_tensor_of(const tch_shape *shape, tch_tensor **out);
/* A new header on the same elements, without history. */
tch_status tch_tensor_alias(const tch_tensor *t, tch_tensor **out);
/* t itself, retained, if it is contiguous; else a contiguous copy. */
tch_status tch_tensor_contiguous_of(tch_tensor *t, tch_tensor **out);
/* Makes t hold `shape`: keeps its memory if sizes agree, else becomes a contiguous tensor on its own storage, grown at need. */
tch_status tch_tensor_become(tch_tensor *t, const tch_shape *shape);
/* Moves contents: t takes over from's storage and view; from is released. Equal types. */
void tch_tensor_take(tch_tensor *t, tch_tensor *from);
/* Elements [*begin, *end) of the storage between the lowest and the highest that t touches. */
void tch_tensor_range(const tch_tensor *t, int64_t *begin, int64_t *end);
/* Must be called before (or after) every write to t's elements. */
void tch_tensor_wrote(tch_tensor *t);
bool tch_tensor_overlap(const tch_tensor *a, const tch_tensor *b); /* ranges of one storage meet */
bool tch_tensor_repeats(const tch_tensor *t); /* maybe two of its elements are the same place */

/* -- what the tape wants to know; implemented by autograd/tape.c -- */
/* Must be asked before a write that the tape does not record (fill, copy, random numbers): fails while gradients are on and
 * t needs one. */
tch_status tch_tensor_writable(const tch_tensor *t, const char *op);
/* Fails if t is on the tape: its view cannot change then. */
tch_status tch_history_view_change(const tch_tensor *t);
void tch_history_drop(tch_tensor *t);

/* Text for messages, "64x1x28x28" or "scalar" or "empty"; returns buffer. */
enum { TCH_SHAPE_TEXT = 192 };
const char *tch_shape_text(const tch_tensor *t, char buffer[TCH_SHAPE_TEXT]);
int64_t tch_shape_count(const tch_shape *s);
#endif
