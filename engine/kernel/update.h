/* Optimizer steps over n parameters x with gradient g, one pass each. The formulas stand in update.c. */
#ifndef TCH_KERNEL_UPDATE_H
#define TCH_KERNEL_UPDATE_H
#include <stdbool.h>
#include <stdint.h>

typedef struct tch_update_kernels {
  void (*sgd)(int64_t n, void *x, const void *g, double rate, double decay);
  void (*momentum)(int64_t n, void *x, const void *g, void *velocity, double rate, double decay, double momentum,
                   double dampening, bool nesterov, bool first);
  void (*adam)(int64_t n, void *x, const void *g, void *m, void *v, double step, double epsilon, double beta1, double beta2,
               double decay, double shrink);
  void (*rmsprop)(int64_t n, void *x, const void *g, void *square, double rate, double alpha, double epsilon, double decay);
  void (*adagrad)(int64_t n, void *x, const void *g, void *square, double rate, double epsilon, double decay);
  void (*adadelta)(int64_t n, void *x, const void *g, void *square, void *delta, double rate, double rho, double epsilon,
                   double decay);
  void (*approach)(int64_t n, void *x, const void *target, double share);
} tch_update_kernels;
#endif
