/* Mersenne Twister (Matsumoto and Nishimura 1998, MT19937) with Torch7's streams. */
#ifndef TCH_CORE_RANDOM_H
#define TCH_CORE_RANDOM_H
#include "tocha.h"

tch_random *tch_random_or_default(tch_random *r);

/* n numbers in [0, 1), as n calls of tch_random_uniform(r, 0, 1) give them. */
void tch_random_units(tch_random *r, double *out, int64_t n);
/* Turns n / 2 pairs of them into pairs of standard normal numbers. */
void tch_box_muller(double *v, int64_t n);
/* The second half of a pair waits to be the next normal number. */
bool tch_random_has_spare(const tch_random *r);

/* Laws as functions of u in [0, 1). */
double tch_exponential(double u, double rate);
double tch_cauchy(double u, double median, double width);
double tch_geometric(double u, double p);

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
