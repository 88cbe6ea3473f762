/* Rows of attention weights; see attention.h. */
#include "kernel/attention.h"
#include "kernel/simd.h"
#include "kernel/lanes.h"

#define NAME2(type, isa) tch_attention_kernels_##type##_##isa
#define NAME(type, isa) NAME2(type, isa)

/* s under the rule. */
static void apply(int64_t n, tch_score_rule rule, real *s) {
  const real *bias = rule.bias;
  real scale = (real) rule.scale;
  for (int64_t i = 0; i < n; i++) s[i] *= scale;
  if (bias)
    for (int64_t i = 0; i < n; i++) s[i] += bias[i];
  if (rule.seen)
    for (int64_t i = 0; i < n; i++) s[i] = rule.seen[i] ? s[i] : -(real) INFINITY;
}

static real largest(int64_t n, const real *s) {
  V top = vset(-(real) INFINITY);
  real best = -(real) INFINITY;
  int64_t i = 0;
  for (; i + (int64_t) VLEN <= n; i += VLEN) top = vmax(vload(s + i), top);
  for (int k = 0; k < (int) VLEN; k++) best = top[k] > best || top[k] != top[k] ? top[k] : best;
  for (; i < n; i++) best = s[i] > best || s[i] != s[i] ? s[i] : best;
  return best;
}

/* s = exp(s - shift) */
static void exponentials(int64_t n, real shift, real *s) {
  int64_t i = 0;
  for (; i + (int64_t) VLEN <= n; i += VLEN) vstore(s + i, vexp(vload(s + i) - shift));
  if (i < n) vstore_part(s + i, vexp(vload_part(s + i, n - i) - shift), n - i);
}

static double softmax(int64_t n, tch_score_rule rule, void *row) {
  real *s = row;
  apply(n, rule, s);
  real top = largest(n, s), shift = top == -(real) INFINITY ? 0 : top;
  exponentials(n, shift, s);
  double total = 0;
#define TERM(i) s[i]
  SUM(n, total, TERM);
#undef TERM
  if (total == 0) return -INFINITY;
  real share = (real) (1 / total);
  for (int64_t i = 0; i < n; i++) s[i] *= share;
  return shift + log(total);
}

static void softmax_again(int64_t n, tch_score_rule rule, double lse, void *row) {
  real *s = row;
  apply(n, rule, s);
  exponentials(n, lse == -INFINITY ? 0 : (real) lse, s);
}

static void gradient(int64_t n, const void *weights, double scale, void *row) {
  const real *p = weights;
  real *dp = row;
  double total = 0;
#define TERM(i) p[i] * dp[i]
  SUM(n, total, TERM);
#undef TERM
  real mean = (real) total, a = (real) scale;
  for (int64_t i = 0; i < n; i++) dp[i] = a * p[i] * (dp[i] - mean);
}

extern const tch_attention_kernels NAME(TCH_REAL, TCH_ISA);
const tch_attention_kernels NAME(TCH_REAL, TCH_ISA) = {.softmax = softmax, .softmax_again = softmax_again, .gradient = gradient};
