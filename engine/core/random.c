/* The generator: MT19937 and the laws that Torch7 drew from it, number for number. Every draw of a law takes one 32-bit
 * output, except the normal one, which takes two for two results (Box and Muller 1958) and keeps the second. */
#define _GNU_SOURCE
#include "core/random.h"
#include "core/cast.h"
#include "core/error.h"
#include "core/memory.h"
#include <math.h>
#include <string.h>
#include <time.h>
#ifdef __linux__
#include <sys/random.h>
#endif

enum { N = 624, M = 397 };

struct tch_random {
  uint64_t seed;
  uint32_t state[N];
  uint32_t next;   /* state[next] is tempered for the next output; N: the state is to be renewed first */
  uint32_t spared; /* whether `spare` holds the second result of a Box-Muller pair */
  double spare;    /* standard normal */
};

#define TWO_PI 6.283185307179586476925286766559

/* -- life ---------------------------------------------------------------------------------------------------------- */

static _Thread_local tch_random own;
static _Thread_local bool own_is_seeded;

void tch_random_seed(tch_random *r, uint64_t seed) {
  r = tch_random_or_default(r);
  r->seed = seed;
  r->state[0] = (uint32_t) seed;
  for (uint32_t i = 1; i < N; i++) r->state[i] = UINT32_C(1812433253) * (r->state[i - 1] ^ (r->state[i - 1] >> 30)) + i;
  r->next = N;
  r->spared = 0;
  r->spare = 0;
}

uint64_t tch_random_entropy(void) {
  uint32_t bits;
#ifdef __linux__
  if (getrandom(&bits, sizeof bits, GRND_NONBLOCK) == sizeof bits) return bits;
#endif
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  bits = (uint32_t) tch_random_at((uint64_t) now.tv_sec ^ (uint64_t) (uintptr_t) &own, (uint64_t) now.tv_nsec);
  return bits;
}

tch_status tch_random_new(uint64_t seed, tch_random **out) {
  tch_random *r = tch_record_new(sizeof *r);
  if (!r) return TCH_ERROR_MEMORY;
  tch_random_seed(r, seed);
  *out = r;
  return TCH_OK;
}

void tch_random_release(tch_random *r) {
  if (r != &own) tch_record_free(r, sizeof *r);
}

tch_random *tch_random_default(void) {
  if (!own_is_seeded) {
    own_is_seeded = true;
    tch_random_seed(&own, tch_random_entropy());
  }
  return &own;
}

tch_random *tch_random_or_default(tch_random *r) { return r ? r : tch_random_default(); }

uint64_t tch_random_initial_seed(const tch_random *r) { return r ? r->seed : tch_random_default()->seed; }

/* -- bits ---------------------------------------------------------------------------------------------------------- */

static inline uint32_t twist(uint32_t upper, uint32_t lower, uint32_t far) {
  uint32_t y = (upper & UINT32_C(0x80000000)) | (lower & UINT32_C(0x7fffffff));
  return far ^ (y >> 1) ^ (-(y & 1) & UINT32_C(0x9908b0df));
}

static void renew(tch_random *r) {
  uint32_t *s = r->state;
  for (int i = 0; i < N - M; i++) s[i] = twist(s[i], s[i + 1], s[i + M]);
  for (int i = N - M; i < N - 1; i++) s[i] = twist(s[i], s[i + 1], s[i + M - N]);
  s[N - 1] = twist(s[N - 1], s[0], s[M - 1]);
  r->next = 0;
}

static inline uint32_t temper(uint32_t y) {
  y ^= y >> 11;
  y ^= (y << 7) & UINT32_C(0x9d2c5680);
  y ^= (y << 15) & UINT32_C(0xefc60000);
  return y ^ (y >> 18);
}

static inline uint32_t draw(tch_random *r) {
  if (r->next >= N) renew(r);
  return temper(r->state[r->next++]);
}

uint32_t tch_random_next(tch_random *r) { return draw(tch_random_or_default(r)); }

/* -- laws ---------------------------------------------------------------------------------------------------------- */

static inline double unit(tch_random *r) { /* [0, 1) */
  return draw(r) * 0x1p-32;
}

void tch_box_muller(double *v, int64_t n) {
  for (int64_t i = 0; i + 1 < n; i += 2) {
    double radius = sqrt(-2 * log(1 - v[i + 1])), sine, cosine;
    sincos(TWO_PI * v[i], &sine, &cosine);
    v[i] = radius * cosine;
    v[i + 1] = radius * sine;
  }
}

static double standard_normal(tch_random *r) {
  if (r->spared) {
    r->spared = 0;
    return r->spare;
  }
  double pair[2];
  pair[0] = unit(r);
  pair[1] = unit(r);
  tch_box_muller(pair, 2);
  r->spare = pair[1];
  r->spared = 1;
  return pair[0];
}

bool tch_random_has_spare(const tch_random *r) { return r->spared; }

double tch_random_uniform(tch_random *r, double a, double b) { return unit(tch_random_or_default(r)) * (b - a) + a; }

double tch_random_normal(tch_random *r, double mean, double deviation) {
  return standard_normal(tch_random_or_default(r)) * deviation + mean;
}

double tch_exponential(double u, double rate) { return -1 / rate * log(1 - u); }

double tch_cauchy(double u, double median, double width) { return median + width * tan(TWO_PI / 2 * (u - 0.5)); }

double tch_geometric(double u, double p) { return trunc(log(1 - u) / log(p)) + 1; }

double tch_random_exponential(tch_random *r, double rate) {
  return tch_exponential(unit(tch_random_or_default(r)), rate);
}

double tch_random_cauchy(tch_random *r, double median, double width) {
  return tch_cauchy(unit(tch_random_or_default(r)), median, width);
}

double tch_random_geometric(tch_random *r, double p) { return tch_geometric(unit(tch_random_or_default(r)), p); }

double tch_random_log_normal(tch_random *r, double mean, double deviation) {
  return exp(tch_random_normal(r, mean, deviation));
}

bool tch_random_bernoulli(tch_random *r, double p) { return unit(tch_random_or_default(r)) <= p; }

/* Ranges of more than 2^32 numbers take two outputs. */
int64_t tch_random_range(tch_random *r, int64_t a, int64_t b) {
  r = tch_random_or_default(r);
  if (a >= b) return a;
  uint64_t span = (uint64_t) b - (uint64_t) a;
  uint32_t one = draw(r);
  if (span < UINT32_MAX) return a + one % ((uint32_t) span + 1);
  uint64_t bits = span == UINT32_MAX ? one : (uint64_t) one << 32 | draw(r);
  return (int64_t) ((uint64_t) a + (span == UINT64_MAX ? bits : bits % (span + 1)));
}

void tch_random_units(tch_random *r, double *out, int64_t n) {
  while (n > 0) {
    if (r->next >= N) renew(r);
    int64_t ready = N - (int64_t) r->next < n ? N - (int64_t) r->next : n;
    const uint32_t *s = r->state + r->next;
    for (int64_t i = 0; i < ready; i++) out[i] = temper(s[i]) * 0x1p-32;
    r->next += (uint32_t) ready;
    out += ready;
    n -= ready;
  }
}

/* -- saved states -------------------------------------------------------------------------------------------------- */

typedef struct saved {
  char mark[8];
  uint64_t seed;
  double spare;
  uint32_t spared, next, state[N];
} saved;

static const char mark[8] = "tchMT19";

int64_t tch_random_state_size(void) { return sizeof(saved); }

void tch_random_save(const tch_random *r, void *state) {
  if (!r) r = tch_random_default();
  saved s = {.seed = r->seed, .spare = r->spare, .spared = r->spared, .next = r->next};
  memcpy(s.mark, mark, sizeof mark);
  memcpy(s.state, r->state, sizeof s.state);
  memcpy(state, &s, sizeof s);
}

tch_status tch_random_restore(tch_random *r, const void *state, int64_t bytes) {
  saved s;
  if (bytes != (int64_t) sizeof s)
    return tch_fail(TCH_ERROR_VALUE, "generator state: %lld bytes given, but a state has %d", (long long) bytes,
                    (int) sizeof s);
  memcpy(&s, state, sizeof s);
  uint32_t any = s.state[0] & UINT32_C(0x80000000);
  for (int i = 1; i < N; i++) any |= s.state[i];
  if (memcmp(s.mark, mark, sizeof mark) != 0 || s.spared > 1 || !isfinite(s.spare) || s.next > N || !any)
    return tch_fail(TCH_ERROR_VALUE, "generator state: these bytes are not a state that was saved here");
  r = tch_random_or_default(r);
  r->seed = s.seed;
  r->spare = s.spare;
  r->spared = s.spared;
  r->next = s.next;
  memcpy(r->state, s.state, sizeof s.state);
  return TCH_OK;
}
