/* What becomes of the sum of output channel n:
 *
 *     min(max(alpha * scale[n] * sum + bias[n] + beta * old, low), high)     (a NaN stays one) */
#ifndef TCH_KERNEL_FINISH_H
#define TCH_KERNEL_FINISH_H
#include <math.h>

typedef struct tch_finish {
  const void *scale, *bias; /* one per channel; NULL: 1, 0 */
  double alpha, beta;       /* with beta 0 the old number is not read */
  double low, high;
} tch_finish;

/* alpha * sum + bias + beta * old */
static inline tch_finish tch_finish_of(const void *bias, double alpha, double beta) {
  return (tch_finish){.bias = bias, .alpha = alpha, .beta = beta, .low = -INFINITY, .high = INFINITY};
}
#endif
