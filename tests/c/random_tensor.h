/* Random tensors for the C tests: any type, contiguous or a view that skips and turns. */
#ifndef TESTS_RANDOM_TENSOR_H
#define TESTS_RANDOM_TENSOR_H
#include "check.h"

static uint64_t random_state = 88172645463325252u;

static inline int64_t random_below(int64_t n) {
  random_state ^= random_state << 13, random_state ^= random_state >> 7, random_state ^= random_state << 17;
  return (int64_t) (random_state % (uint64_t) n);
}

static inline int64_t random_from(int64_t a, int64_t b) { return a + random_below(b - a + 1); }

/* Numbers are multiples of 1/8 from -2 to 2. A view has its dimensions in reverse order in memory, with gaps. */
static inline tch_tensor *random_tensor(tch_dtype type, int ndim, const int64_t *size, bool view) {
  tch_tensor *t = NULL, *back = NULL;
  int64_t turned[TCH_MAX_DIMS], dims[TCH_MAX_DIMS], stride[TCH_MAX_DIMS], step = 2;
  for (int d = 0; d < ndim; d++) turned[d] = size[ndim - 1 - d], dims[d] = ndim - 1 - d;
  if (view) {
    for (int d = ndim - 1; d >= 0; d--) stride[d] = step, step *= turned[d] + 1;
    tch_storage *s = NULL;
    ok(tch_storage_new(type, step + 3, &s));
    ok(tch_tensor_view_of(s, 3, ndim, turned, stride, &back));
    ok(tch_permute(back, dims, ndim, &t));
    tch_tensor_release(back);
    tch_storage_release(s);
  } else ok(tch_tensor_new(type, ndim, size, &t));
  int64_t at[TCH_MAX_DIMS] = {0};
  for (int64_t i = 0; i < tch_tensor_count(t); i++) {
    ok(tch_tensor_put(t, ndim, at, (double) random_from(-16, 16) / 8));
    for (int d = ndim - 1; d >= 0 && ++at[d] == size[d]; d--) at[d] = 0;
  }
  return t;
}

static inline double get4(const tch_tensor *t, int64_t a, int64_t b, int64_t c, int64_t d) {
  double v;
  ok(tch_tensor_get(t, 4, (int64_t[]){a, b, c, d}, &v));
  return v;
}

/* Runs fn for every instruction set of this machine. */
#define EVERY_ISA(call)                                                                                                \
  do {                                                                                                                 \
    tch_isa best_ = tch_cpu_isa();                                                                                     \
    for (int isa_ = 0; isa_ < TCH_ISA_COUNT; isa_++)                                                                   \
      if (tch_cpu_supports((tch_isa) isa_)) {                                                                          \
        tch_cpu_use((tch_isa) isa_);                                                                                   \
        call;                                                                                                          \
      }                                                                                                                \
    tch_cpu_use(best_);                                                                                                \
  } while (0)
#endif
