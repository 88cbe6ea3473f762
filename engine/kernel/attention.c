/* Rows of attention weights; see attention.h. */
#include "kernel/attention.h"
#include "kernel/simd.h"
#include "kernel/lanes.h"

#define NAME2(type, isa) tch_attention_kernels_##type##_##isa
#define NAME(type, isa) NAME2(type, isa)

/* s under the rule; returns the largest of them. A NaN wins. */
static real apply(int64_t n, tch_score_rule rule, real *s) {
  const real *bias = rule.bias;
  real scale = (real) rule.scale, best = -(real) INFINITY;
  V top = vset(best);
  int64_t i = 0;
  for (; i + (int64_t) VLEN <= n; i += VLEN) {
    V v = vload(s + i) * scale;
    if (bias) v = v + vload(bias + i);
    if (rule.seen)
      for (int k = 0; k < (int) VLEN; k++) v[k] = rule.seen[i + k] ? v[k] : -(real) INFINITY;
    vstore(s + i, v);
    top = vmax(v, top);
  }
  for (; i < n; i++) {
    s[i] = s[i] * scale + (bias ? bias[i] : 0);
    if (rule.seen && !rule.seen[i]) s[i] = -(real) INFINITY;
    best = s[i] > best || s[i] != s[i] ? s[i] : best;
  }
  for (int k = 0; k < (int) VLEN; k++) best = top[k] > best || top[k] != top[k] ? top[k] : best;
  return best;
}

/* s = exp(s - shift); returns the sum. */
static double exponentials(int64_t n, real shift, real *s) {
  double total = 0;
  for (int64_t start = 0; start < n; start += BLOCK) {
    int64_t end = start + BLOCK < n ? start + BLOCK : n, i = start;
    lanes_of sum = {{0}};
    V part = {0};
    for (; i + (int64_t) VLEN <= end; i += VLEN) {
      V e = vexp(vload(s + i) - shift);
      vstore(s + i, e);
      part = part + e;
    }
    vstore(sum.lane, part);
    if (i < end) {
      V e = vexp(vload_part(s + i, end - i) - shift);
      vstore_part(s + i, e, end - i);
      vstore_part(sum.lane + VLEN, e, end - i);
    }
    total += lanes_total(&sum);
  }
  return total;
}

static double softmax(int64_t n, tch_score_rule rule, void *row) {
  real *s = row, top = apply(n, rule, s), shift = top == -(real) INFINITY ? 0 : top;
  double total = exponentials(n, shift, s);
  if (total == 0) return -INFINITY;
  real share = (real) (1 / total);
  for (int64_t i = 0; i < n; i++) s[i] *= share;
  return shift + log(total);
}

static void softmax_again(int64_t n, tch_score_rule rule, double lse, void *row) {
  apply(n, rule, row);
  exponentials(n, lse == -INFINITY ? 0 : (real) lse, row);
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
