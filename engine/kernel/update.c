/* Optimizer steps. Plain loops: the compiler makes them vectors of whatever width this unit is compiled for, and every
 * element is computed alike, so where a loop is cut does not matter. */
#include "kernel/update.h"
#include <math.h>

#define NAME2(type, isa) tch_update_kernels_##type##_##isa
#define NAME(type, isa) NAME2(type, isa)
#if defined(TCH_REAL_IS_float)
#define ROOT sqrtf
#else
#define ROOT sqrt
#endif

typedef TCH_REAL real;

/* x -= rate * (g + decay * x) */
static void sgd(int64_t n, void *xs, const void *gs, double rate, double decay) {
  real *restrict x = xs;
  const real *restrict g = gs;
  real r = (real) rate, d = (real) decay;
  for (int64_t i = 0; i < n; i++) x[i] -= r * (g[i] + d * x[i]);
}

/* v = momentum * v + (1 - dampening) * g, at first v = g; x -= rate * v, with Nesterov's form rate * (g + momentum * v)
 * (Sutskever et al. 2013, in Torch7's arrangement) */
static void momentum(int64_t n, void *xs, const void *gs, void *vs, double rate, double decay, double momentum,
                     double dampening, bool nesterov, bool first) {
  real *restrict x = xs, *restrict v = vs;
  const real *restrict g = gs;
  real r = (real) rate, d = (real) decay, m = (real) momentum, a = (real) (1 - dampening);
  real keep = first ? 0 : m, take = first ? 1 : a;
  real look = nesterov ? m : 1, now = nesterov ? 1 : 0;
  for (int64_t i = 0; i < n; i++) {
    real gi = g[i] + d * x[i];
    v[i] = (first ? 0 : keep * v[i]) + take * gi;
    x[i] -= r * (now * gi + look * v[i]);
  }
}

/* Kingma and Ba 2015, algorithm 1; `step` and `epsilon` hold the bias corrections. shrink: decoupled decay (Loshchilov and
 * Hutter 2019), x *= shrink first. */
static void adam(int64_t n, void *xs, const void *gs, void *ms, void *vs, double step, double epsilon, double beta1,
                 double beta2, double decay, double shrink) {
  real *restrict x = xs, *restrict m = ms, *restrict v = vs;
  const real *restrict g = gs;
  real s = (real) step, e = (real) epsilon, d = (real) decay, k = (real) shrink;
  real b1 = (real) beta1, a1 = (real) (1 - beta1), b2 = (real) beta2, a2 = (real) (1 - beta2);
  for (int64_t i = 0; i < n; i++) {
    real gi = g[i] + d * x[i];
    real mi = b1 * m[i] + a1 * gi, vi = b2 * v[i] + a2 * gi * gi;
    m[i] = mi;
    v[i] = vi;
    x[i] = k * x[i] - s * mi / (ROOT(vi) + e);
  }
}

/* Tieleman and Hinton 2012 */
static void rmsprop(int64_t n, void *xs, const void *gs, void *ss, double rate, double alpha, double epsilon, double decay) {
  real *restrict x = xs, *restrict s = ss;
  const real *restrict g = gs;
  real r = (real) rate, a = (real) alpha, b = (real) (1 - alpha), e = (real) epsilon, d = (real) decay;
  for (int64_t i = 0; i < n; i++) {
    real gi = g[i] + d * x[i];
    s[i] = a * s[i] + b * gi * gi;
    x[i] -= r * gi / (ROOT(s[i]) + e);
  }
}

/* Duchi et al. 2011 */
static void adagrad(int64_t n, void *xs, const void *gs, void *ss, double rate, double epsilon, double decay) {
  real *restrict x = xs, *restrict s = ss;
  const real *restrict g = gs;
  real r = (real) rate, e = (real) epsilon, d = (real) decay;
  for (int64_t i = 0; i < n; i++) {
    real gi = g[i] + d * x[i];
    s[i] += gi * gi;
    x[i] -= r * gi / (ROOT(s[i]) + e);
  }
}

/* Zeiler 2012, algorithm 1 */
static void adadelta(int64_t n, void *xs, const void *gs, void *ss, void *ds, double rate, double rho, double epsilon,
                     double decay) {
  real *restrict x = xs, *restrict s = ss, *restrict delta = ds;
  const real *restrict g = gs;
  real r = (real) rate, a = (real) rho, b = (real) (1 - rho), e = (real) epsilon, d = (real) decay;
  for (int64_t i = 0; i < n; i++) {
    real gi = g[i] + d * x[i];
    s[i] = a * s[i] + b * gi * gi;
    real step = ROOT(delta[i] + e) / ROOT(s[i] + e) * gi;
    delta[i] = a * delta[i] + b * step * step;
    x[i] -= r * step;
  }
}

/* x += share * (target - x) */
static void approach(int64_t n, void *xs, const void *ts, double share) {
  real *restrict x = xs;
  const real *restrict t = ts;
  real a = (real) share;
  for (int64_t i = 0; i < n; i++) x[i] += a * (t[i] - x[i]);
}

extern const tch_update_kernels NAME(TCH_REAL, TCH_ISA);
const tch_update_kernels NAME(TCH_REAL, TCH_ISA) = {sgd, momentum, adam, rmsprop, adagrad, adadelta, approach};
