/* Mersenne Twister (Matsumoto and Nishimura 1998, MT19937) with Torch7's streams. */
#ifndef TCH_CORE_RANDOM_H
#define TCH_CORE_RANDOM_H
#include "tocha.h"

tch_random *tch_random_or_default(tch_random *r);
/* Counter-based stream (for loader workers and dropout): 64 mixed bits of (key, counter). */
uint64_t tch_random_at(uint64_t key, uint64_t counter);
#endif
