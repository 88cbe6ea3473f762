/* What a plan is made of. A network is first noted step by step (build.c), then prepared once (prepare.c: folding, ways, layouts,
 * weights in their order, places of the buffers), then run any number of times (run.c).
 *
 * Values are the numbers of one image, in blocked planes (kernel/block.h) with zeros around them as far as windows reach, in plain
 * planes with zeros around them, or where the caller's input lies. What a step computes of one image depends on the shape alone, so
 * results depend neither on the number of threads nor on the size of the batch. */
#ifndef TCH_PLAN_PLAN_H
#define TCH_PLAN_PLAN_H
#include "core/error.h"
#include "core/tensor.h"
#include "kernel/block.h"

typedef enum tch_layout { TCH_BLOCKED, TCH_PLAIN, TCH_GIVEN, TCH_DOMAIN } tch_layout;

typedef struct tch_value {
  int64_t c, h, w;
  bool flat;                      /* a row of features for the caller, not planes */
  tch_layout layout;              /* DOMAIN: transformed tiles; `size` is all that is known */
  int uses;                       /* steps that read it */
  int64_t before[2], after[2];    /* zeros above and left, below and right */
  int64_t lane, row, plane, size; /* steps between columns, rows, blocks (or planes); of an image */
  int first, last;                /* steps that write it first and read it last */
  int same;                       /* the value whose memory it takes over, or -1 */
  bool joint;                     /* lies with all images of the batch, image by image */
  int64_t place;                  /* in the arena (joint: numbers of one image that lie before) */
} tch_value;

typedef enum tch_step_kind {
  TCH_STEP_NONE,
  TCH_STEP_CONV,
  TCH_STEP_DEPTHWISE,
  TCH_STEP_SCALE,
  TCH_STEP_BOUND,
  TCH_STEP_UNARY,
  TCH_STEP_ADD,
  TCH_STEP_POOL,
  TCH_STEP_COPY,
  TCH_STEP_ORDER,
  TCH_STEP_SOFTMAX,
  TCH_STEP_ENTER,
  TCH_STEP_PAD,
  TCH_STEP_TILES,
  TCH_STEP_WINOGRAD
} tch_step_kind;

typedef struct tch_plan tch_plan;
typedef struct tch_step tch_step;

/* One image on its way: where its values lie. */
typedef struct tch_frame {
  const tch_plan *plan;
  const float *input;
  float *arena, *joint, *scratch; /* scratch: the thread's own */
  int64_t image, images;          /* of the joint values */
} tch_frame;

typedef void tch_unit(const tch_frame *f, const tch_step *s, int64_t unit);

struct tch_step {
  tch_step_kind kind;
  int x, other, y; /* values; other: what is added, or -1 */
  /* windows; index 0 is vertical */
  int64_t kernel[2], stride[2], pad[2], dilation[2], groups;
  tch_tensor *weight, *bias; /* until the plan is prepared */
  float *scale, *shift;      /* of the outputs, or NULL: a normalization */
  float low, high;           /* bounds of the result */
  bool average, divided, adaptive;
  int unary; /* the row of elementwise.def */
  double ab[2];
  bool log;
  int64_t place; /* COPY: the first channel */
  /* prepared */
  tch_unit *run;
  int64_t units;        /* of an image; joint steps: see joint_units */
  bool joint;           /* runs once for all images */
  int64_t height, cuts; /* rows of outputs, and into how many parts they are cut */
  int64_t blocks,
      parts; /* the same of blocks (pairs of them for sums); a unit = part of the blocks * cuts + cut of the rows */
  float *packed, *packed_bias;
  int64_t pairs, tile; /* tile: positions of the largest tile */
  int64_t *weight_at;  /* of each pair */
  int32_t *taken;      /* of each pair: its first block of inputs and how many: 2 * pairs */
  int32_t *tap, *x_at, *y_at, *add_at;
  int64_t taps; /* of a window */
  int64_t near; /* of plain planes: neighbours that are one tap */
  int32_t *from[2], *to[2];
  float *share[2];
  int64_t tiles[2], domain_step;
};

typedef struct tch_block_of {
  void *data;
  int64_t bytes;
} tch_block_of;

struct tch_plan {
  const tch_block_kernels *k;
  tch_value *values;
  tch_step *steps;
  tch_block_of *blocks; /* what the plan holds */
  int nvalues, nsteps, nblocks, values_room, steps_room, blocks_room;
  int output;                                   /* -1: not prepared */
  bool ready;                                   /* prepared to the end */
  int joint;                                    /* the first joint step */
  int64_t arena_size, joint_size, scratch_size; /* floats; joint_size of one image */
  double work;                                  /* multiply-adds of an image, as they run */
  double operations, moved,
      weights; /* as defined in op/work.c: of an image; bytes of its operands and results; of weights */
  /* memory of runs */
  float *arena, *joint_memory;
  int64_t arena_bytes, joint_bytes;
};

static inline int64_t tch_ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static inline int64_t tch_least(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t tch_most(int64_t a, int64_t b) { return a > b ? a : b; }

/* Where an image's value begins, its zeros included; its position (row, column) of the first block. */
float *tch_value_at(const tch_frame *f, int value);
static inline int64_t tch_value_position(const tch_value *v, int64_t row, int64_t column) {
  return (row + v->before[0]) * v->row + (column + v->before[1]) * v->lane;
}
/* Writes the zeros around rows [row0, row1) of blocks [block0, block1). */
void tch_value_edge(const tch_value *v, float *at, int64_t block0, int64_t block1, int64_t row0, int64_t row1);

/* The output of an image to (c, h, w) contiguous numbers. */
void tch_plan_leave(const tch_frame *f, float *y);

/* Memory that goes with the plan, contents undefined; *(void **) out. */
tch_status tch_plan_take(tch_plan *p, int64_t bytes, void *out);
tch_status tch_plan_value(tch_plan *p, int64_t c, int64_t h, int64_t w, int *out);
/* A copy of *s at the end of the steps. */
tch_status tch_plan_step(tch_plan *p, const tch_step *s);

/* How a step is cut: `rows` rows of `columns` and `blocks` blocks (or pairs) that cost `work` multiply-adds of vectors in all. A
 * unit has at most `most` rows, and at least `least` positions. */
void tch_step_cut(tch_step *s, int64_t rows, int64_t blocks, int64_t columns, double work, int64_t most, int64_t least);
/* Rows [*row0, *row1) and blocks [*block0, *block1) of a unit. */
void tch_step_part(const tch_step *s, int64_t unit, int64_t *row0, int64_t *row1, int64_t *block0, int64_t *block1);

/* Preparing each kind of step, after the layout of its values is known. */
tch_status tch_conv_prepare(tch_plan *p, tch_step *s);
void tch_conv_bias(const tch_plan *p, tch_step *s); /* fills packed_bias */
tch_status tch_depthwise_prepare(tch_plan *p, tch_step *s);
tch_status tch_pool_prepare(tch_plan *p, tch_step *s);
void tch_plain_prepare(tch_plan *p, tch_step *s); /* the others */
/* Winograd's method: whether it pays; the size of the domain; both of its steps. */
bool tch_tiles_pay(const tch_plan *p, const tch_step *s);
void tch_tiles_shape(const tch_plan *p, const tch_step *s, int64_t tiles[2], int64_t *step);
tch_status tch_winograd_prepare(tch_plan *p, tch_step *s);
int64_t tch_conv_joint_units(const tch_step *s, int64_t images);
#endif
