/* Combs: rows of n elements, `pitch` places apart, seen as vectors on boundaries of memory. Included by kernel units. */
#ifndef TCH_KERNEL_COMB_H
#define TCH_KERNEL_COMB_H
#include "kernel/pitch.h"
#include "kernel/simd.h"

/* The vectors repeat after `phases` of them and `step` elements. The first begins `lead` places before the comb, which has `span`
 * places and `count` elements; the f-th has elements in the lanes given, from element base[f] on. index brings them to the first
 * lanes (together), or from there to their lanes. */
typedef struct comb {
  int64_t phases, lead, span, count, step, base[TCH_PITCH];
  VI index[TCH_PITCH];
  vlanes lanes[TCH_PITCH];
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
static __attribute__((noinline)) void comb_of(bool together, int64_t n, int64_t rows, int64_t pitch, const void *at, comb *c) {
  c->phases = comb_phases(pitch);
  c->lead = comb_lead(at);
  c->span = (rows - 1) * pitch + n;
  c->count = n * rows;
  c->step = c->phases * (int64_t) VLEN / pitch * n;
  for (int64_t f = 0; f < c->phases; f++) {
    bits first = (bits) (f * (int64_t) VLEN - c->lead + pitch * (int64_t) VLEN); /* VLEN rows on: not below 0 */
    VI place = viota() + first, row = place * (bits) ((0xffff + pitch) / pitch) >> 16, column = place - row * (bits) pitch;
    VI element = row * (bits) n + column;
    bits base = column[0] > n ? element[0] - column[0] + (bits) n : element[0];
    c->base[f] = base - n * (int64_t) VLEN;
    c->lanes[f] = VLANES_OF(column < (bits) n);
    c->index[f] = element - base;
    if (!together) continue;
    element = viota() + base;
    c->index[f] = element + (element * (bits) ((0xffff + n) / n) >> 16) * (bits) (pitch - n) - first;
  }
}

/* Those of the VLEN places from `at` on that lie in [0, count). */
static inline vlanes lanes_in(int64_t at, int64_t count) {
  vlanes lanes = at >= count ? 0 : vfirst(count - at < (int64_t) VLEN ? count - at : (int64_t) VLEN);
  if (at < 0) lanes &= at <= -(int64_t) VLEN ? 0 : (vlanes) ~(unsigned) vfirst(-at);
  return lanes;
}

/* Where the elements of a vector end that begin at e. */
static inline int64_t comb_end(const comb *c, int64_t f, int64_t e) {
  int64_t end = e + __builtin_popcount(c->lanes[f]);
  return end < c->count ? end : c->count;
}
#endif
#endif
