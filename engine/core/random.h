/* Mersenne Twister (Matsumoto and Nishimura 1998, MT19937) with Torch7's streams. */
#ifndef TCH_CORE_RANDOM_H
#define TCH_CORE_RANDOM_H
#include "tocha.h"

tch_random *tch_random_or_default(tch_random *r);

/* n numbers in a row, as n calls of the scalar function give them. */
void tch_random_uniforms(tch_random *r, double a, double b, double *out, int64_t n);
void tch_random_normals(tch_random *r, double mean, double deviation, double *out, int64_t n);

/* A new contiguous Double tensor with the sizes of p and its values, each checked to lie in [0, most]. */
tch_status tch_probabilities(const tch_tensor *p, const char *name, double most, tch_tensor **out);

/* The bijection of SplitMix64 (Steele, Lea and Flood 2014; constants of Stafford's variant 13). */
static inline uint64_t tch_mix(uint64_t x) {
  x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
  return x ^ (x >> 31);
}

/* Counter-based stream (for loader workers and dropout): 64 mixed bits of (key, counter). */
static inline uint64_t tch_random_at(uint64_t key, uint64_t counter) {
  return tch_mix(tch_mix(key + UINT64_C(0x9e3779b97f4a7c15)) + (counter + 1) * UINT64_C(0x9e3779b97f4a7c15));
}
#endif
