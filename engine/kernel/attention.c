/* Blocks of attention weights; see attention.h. Two vectors of queries at a time. */
#include "kernel/attention.h"
#include "kernel/simd.h"

#define NAME2(type, isa) tch_attention_kernels_##type##_##isa
#define NAME(type, isa) NAME2(type, isa)

enum { PAIR = 2 * VLEN, PART = 256 /* keys whose terms are added up before they join the sum */ };
_Static_assert(TCH_QUERIES % PAIR == 0, "a row is whole pairs of vectors");

static void rule(int64_t keys, tch_score_rule rule, void *scores) {
  const real *bias = rule.bias;
  real *s = scores, scale = (real) rule.scale;
  for (int64_t j = 0; j < keys; j++, s += TCH_QUERIES) {
    *s = *s * scale + (bias ? bias[j] : 0);
    if (rule.seen && !rule.seen[j]) *s = -(real) INFINITY;
  }
}

/* Where a key is seen: in lanes from `first` on. */
static inline VI seen(int64_t first) {
  VI lane = {0};
  for (int k = 0; k < (int) VLEN; k++) lane[k] = k;
  return lane >= (bits) first;
}

/* visit(j, all, i, mask) for keys [from, to) and both vectors i at query q; all: every query sees the key, and there is no
 * mask. */
#define EACH_KEY(b, q, from, to, visit)                                                \
  do {                                                                                 \
    int64_t j = (from), bound = (b).free + (q) + 1 < (to) ? (b).free + (q) + 1 : (to); \
    for (; j < bound; j++) {                                                           \
      visit(j, true, 0, (VI){0});                                                      \
      visit(j, true, 1, (VI){0});                                                      \
    }                                                                                  \
    for (; j < (to); j++) {                                                            \
      visit(j, false, 0, seen(j - (b).free - (q)));                                    \
      visit(j, false, 1, seen(j - (b).free - (q) - VLEN));                             \
    }                                                                                  \
  } while (0)

static inline V larger(V x, V y) { return vsel(x > y, x, y); } /* y if either is NaN, which comes back through exp */

static inline V shift_of(V top) { return vsel(top == -(real) INFINITY, 0, top); }

/* The largest of scale * s. */
static inline void largest(tch_block b, int64_t q, const real *s, V top[2]) {
  V scale = vset((real) b.scale), low = vset(-(real) INFINITY), high[2] = {low, low};
#define VISIT(j, all, i, mask)                                     \
  {                                                                \
    V x = vload(s + (j) * TCH_QUERIES + q + (i) * VLEN) * scale;   \
    high[i] = larger((all) ? x : vsel(mask, x, low), high[i]);     \
  }
  EACH_KEY(b, q, 0, b.keys, VISIT);
#undef VISIT
  top[0] = high[0], top[1] = high[1];
}

/* s = exp(scale * s - shift) for the pair of vectors at query q; sum: of that. */
static __attribute__((noinline)) void exponentials(tch_block b, int64_t q, const V shift[2], real *s, V sum[2]) {
  V scale = vset((real) b.scale), minus[2] = {-shift[0], -shift[1]}, total[2] = {{0}, {0}};
  for (int64_t start = 0; start < b.keys; start += PART) {
    int64_t end = start + PART < b.keys ? start + PART : b.keys;
    V part[2] = {{0}, {0}};
#define VISIT(j, all, i, mask)                       \
  {                                                  \
    real *at = s + (j) * TCH_QUERIES + q + (i) * VLEN; \
    V e = vexp(vfma(vload(at), scale, minus[i]));    \
    if (!(all)) e = vsel(mask, e, 0);                \
    vstore(at, e);                                   \
    part[i] = part[i] + e;                           \
  }
    EACH_KEY(b, q, start, end, VISIT);
#undef VISIT
    for (int i = 0; i < 2; i++) total[i] = total[i] + part[i];
  }
  sum[0] = total[0], sum[1] = total[1];
}

static void softmax(tch_block b, void *s, void *shares, void *lses) {
  real *share = shares, *lse = lses;
  for (int64_t q = 0; q < b.queries; q += PAIR) {
    V top[2], sum[2];
    largest(b, q, s, top);
    for (int i = 0; i < 2; i++) top[i] = shift_of(top[i]);
    exponentials(b, q, top, s, sum);
    for (int i = 0; i < 2; i++) {
      vstore(share + q + i * VLEN, vsel(sum[i] == 0, 0, 1 / sum[i]));
      vstore(lse + q + i * VLEN, top[i] + vlog(sum[i]));
    }
  }
}

static void softmax_again(tch_block b, const void *lses, void *s) {
  const real *lse = lses;
  for (int64_t q = 0; q < b.queries; q += PAIR) {
    V shift[2] = {shift_of(vload(lse + q)), shift_of(vload(lse + q + VLEN))}, sum[2];
    exponentials(b, q, shift, s, sum);
  }
}

static void gradient(tch_block b, const void *weights, void *gradients) {
  for (int64_t q = 0; q < b.queries; q += VLEN) {
    const real *p = (const real *) weights + q;
    real *dp = (real *) gradients + q;
    V mean = {0}, scale = vset((real) b.scale);
    for (int64_t start = 0; start < b.keys; start += PART) {
      int64_t end = start + PART < b.keys ? start + PART : b.keys;
      V part = {0};
      for (int64_t j = start; j < end; j++) part = vfma(vload(p + j * TCH_QUERIES), vload(dp + j * TCH_QUERIES), part);
      mean = mean + part;
    }
    for (int64_t j = 0; j < b.keys; j++) {
      real *at = dp + j * TCH_QUERIES;
      vstore(at, scale * vload(p + j * TCH_QUERIES) * (vload(at) - mean));
    }
  }
}

static void divide(int64_t queries, int64_t n, const void *shares, void *ys, int64_t step) {
  const real *share = shares;
  for (int64_t i = 0; i < queries; i++) {
    real *y = (real *) ys + i * step;
    for (int64_t k = 0; k < n; k++) y[k] *= share[i];
  }
}

extern const tch_attention_kernels NAME(TCH_REAL, TCH_ISA);
const tch_attention_kernels NAME(TCH_REAL, TCH_ISA) = {
    .rule = rule, .softmax = softmax, .softmax_again = softmax_again, .gradient = gradient, .divide = divide};
