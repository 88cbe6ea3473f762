/* Combs: rows of n elements, `pitch` places apart, seen as vectors on boundaries of memory. Included by kernel units. */
#ifndef TCH_KERNEL_COMB_H
#define TCH_KERNEL_COMB_H
#include "kernel/pitch.h"
#include "kernel/simd.h"

/* The vectors repeat after `phases` of them and `step` elements. The first begins `lead` places before the comb, which has `span`
 * places and `count` elements; the f-th has elements in the lanes given, from element base[f] on, which index brings to their
 * lanes from the first ones. */
typedef struct comb {
  int64_t phases, lead, span, count, step, base[TCH_PITCH];
  VI index[TCH_PITCH];
  vlanes lanes[TCH_PITCH];
  bool half; /* no vector has elements in more than half of its lanes */
} comb;

#if defined(__AVX512F__)
static inline int64_t comb_phases(int64_t pitch) {
  for (int64_t half = VLEN; half > 1 && pitch % 2 == 0; half /= 2) pitch /= 2;
  return pitch;
}

static inline int64_t comb_lead(const void *p) {
  return (uintptr_t) p % sizeof(bits) ? 0 : (int64_t) ((uintptr_t) p % VBYTES / sizeof(bits));
}

/* at: where the comb lies. */
static __attribute__((noinline)) void comb_of(int64_t n, int64_t rows, int64_t pitch, const void *at, comb *c) {
  c->phases = comb_phases(pitch);
  c->lead = comb_lead(at);
  c->span = (rows - 1) * pitch + n;
  c->count = n * rows;
  c->step = c->phases * (int64_t) VLEN / pitch * n;
  c->half = true;
  for (int64_t f = 0; f < c->phases; f++) {
    bits first = (bits) (f * (int64_t) VLEN - c->lead + pitch * (int64_t) VLEN); /* VLEN rows on: not below 0 */
    VI place = viota() + first, row = place * (bits) ((0xffff + pitch) / pitch) >> 16, column = place - row * (bits) pitch;
    VI element = row * (bits) n + column;
    bits base = column[0] > n ? element[0] - column[0] + (bits) n : element[0];
    c->base[f] = base - n * (int64_t) VLEN;
    c->lanes[f] = VLANES_OF(column < (bits) n);
    c->index[f] = element - base;
    c->half = c->half && __builtin_popcount(c->lanes[f]) <= (int) VLEN / 2;
  }
}

/* Elements for the lanes of a vector. (A load of half a vector crosses lines less often.) */
static inline __m512i comb_elements(VI index, const void *from, bool half) {
  __m512i v = half ? _mm512_castsi256_si512(_mm256_loadu_si256(from)) : _mm512_loadu_si512(from);
  return VINTEGER(permutexvar)((__m512i) index, v);
}

/* Those of the VLEN places from `at` on that lie in [0, count). */
static inline vlanes lanes_in(int64_t at, int64_t count) {
  vlanes lanes = at >= count ? 0 : vfirst(count - at < (int64_t) VLEN ? count - at : (int64_t) VLEN);
  if (at < 0) lanes &= at <= -(int64_t) VLEN ? 0 : (vlanes) ~(unsigned) vfirst(-at);
  return lanes;
}
#endif
#endif
