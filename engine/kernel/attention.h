/* Rows of attention weights. Knows no tensors, no threads. */
#ifndef TCH_KERNEL_ATTENTION_H
#define TCH_KERNEL_ATTENTION_H
#include <stdint.h>

/* What is done to the scores of one query before their softmax: scale * s, plus bias where it is not NULL, minus infinity where
 * `seen` is not NULL and 0. */
typedef struct tch_score_rule {
  double scale;
  const void *bias;
  const uint8_t *seen;
} tch_score_rule;

typedef struct tch_attention_kernels {
  /* s becomes its softmax under the rule; returns the logarithm of the sum of the exponentials. A row that sees nothing
   * becomes 0, with minus infinity. */
  double (*softmax)(int64_t n, tch_score_rule rule, void *s);
  /* The same softmax again, of the same scores. */
  void (*softmax_again)(int64_t n, tch_score_rule rule, double lse, void *s);
  /* dp, the gradient of the weights p, becomes that of the scores: scale * p * (dp - sum p dp). */
  void (*gradient)(int64_t n, const void *p, double scale, void *dp);
} tch_attention_kernels;
#endif
