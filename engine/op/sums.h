/* Sums over gathered elements (kernel/conv.h), cut for the pool. How they are cut depends on the shape and the instruction set
 * alone. */
#ifndef TCH_OP_SUMS_H
#define TCH_OP_SUMS_H
#include "core/dtype.h"
#include "kernel/conv.h"
#include "op/scratch.h"

/* The ways to a sum, by the kernels' names. */
typedef enum tch_path { TCH_GATHER, TCH_LONG_GATHER, TCH_SLIDE, TCH_ROWS } tch_path;

/* Which way the sums of forward and input gradient take, for `columns` columns of C, an inner sum of r = channels * taps, and
 * whether C's positions stand in memory in their order. Vectors run along positions where a block of columns would be mostly
 * empty (SLIDE); in ROWS where that would still be half of it, where a sum is short beside storing it, and where B is large
 * beside A, so that it is better read where it lies (measured). */
tch_path tch_path_of(int64_t columns, int64_t taps, int64_t r, int64_t positions, bool in_order);

/* One sum per group; the groups lie `*_group` elements apart. Tables hold `each` of the images; those that follow lie `each`
 * times `*_image` elements further. */
typedef struct tch_sum_job {
  tch_dtype type;
  tch_contraction g; /* of `each` images; packed is not looked at */
  int64_t groups, a_group, b_group, c_group, bias_group;
  int64_t images, each, a_image;
  int64_t b_image, c_image; /* images are the r of LONG_GATHER, the m of the others */
} tch_sum_job;

/* Runs sums of one type, which all take the same way, side by side; more than one only for GATHER and SLIDE. Memory comes from s.
 * For ROWS, C's positions must stand in memory in their order. */
tch_status tch_sum_run(tch_scratch *s, const tch_sum_job *sums, int64_t count, tch_path path);
#endif
