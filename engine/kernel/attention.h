/* Attention weights of a block of queries. Knows no tensors, no threads.
 *
 * Scores stand as (keys, TCH_QUERIES): one key and all queries of the block in a row, so that queries are lanes and what is
 * summed over keys is summed lane by lane. The first `queries` of a row count; the others may hold any finite numbers. Query i
 * sees the keys up to free + i. */
#ifndef TCH_KERNEL_ATTENTION_H
#define TCH_KERNEL_ATTENTION_H
#include <stdint.h>

enum { TCH_QUERIES = 32 };

/* What is done to the scores of one query before their softmax: scale * s, plus bias where it is not NULL, minus infinity where
 * `seen` is not NULL and 0. */
typedef struct tch_score_rule {
  double scale;
  const void *bias;
  const uint8_t *seen;
} tch_score_rule;

typedef struct tch_block {
  int64_t queries, keys, free;
  double scale;
} tch_block;

typedef struct tch_attention_kernels {
  /* The scores of one query, the first of which is at s. */
  void (*rule)(int64_t keys, tch_score_rule rule, void *s);
  /* s becomes exp(scale * s - the largest of its query), 0 where a key is not seen; share [TCH_QUERIES] one over the sums of
   * that (0 where it is 0), lse the logarithms of the sums of exp(scale * s) (minus infinity). */
  void (*softmax)(tch_block b, void *s, void *share, void *lse);
  /* s becomes exp(scale * s - lse), 0 where a key is not seen. */
  void (*softmax_again)(tch_block b, const void *lse, void *s);
  /* dp, the gradient of the weights p, becomes that of the scores: scale * p * (dp - sum p dp). */
  void (*gradient)(tch_block b, const void *p, void *dp);
  /* Row i of y (queries, n), rows `step` apart, times share[i] */
  void (*divide)(int64_t queries, int64_t n, const void *share, void *y, int64_t step);
} tch_attention_kernels;
#endif
