/* Copies between tensors of any strides and types, and fills, which are copies of one element with stride 0. */
#include "core/cast.h"
#include "core/error.h"
#include "core/tensor.h"
#include "core/thread.h"
#include "core/turn.h"
#include <string.h>

enum {
  DIMS = 2 * TCH_MAX_DIMS,
  PIECE = 1 << 15, /* elements that are worth a thread */
  CHUNK = 512,     /* elements of a cast held in the nearest cache */
  TILE = 32,       /* a transposition moves tiles of TILE x TILE */
  SHORT = 128      /* bytes of a row that is not worth a call */
};

/* The elements as a grid that both sides can step through, innermost dimension first, in order of the target's strides. */
typedef struct plan {
  int ndim;
  int64_t size[DIMS], to_stride[DIMS], from_stride[DIMS];
  char *to;
  const char *from;
  tch_dtype to_type, from_type;
  int64_t segments; /* pieces of each row, of PIECE elements */
  int across;       /* dimension along which the source is dense, for transpositions */
} plan;

/* -- plans --------------------------------------------------------------------------------------------------------- */

/* A tensor's dimensions taken off from the innermost; a contiguous tensor has one. */
typedef struct dims {
  const tch_tensor *t;
  bool flat;
  int next;
  int64_t size, stride; /* what is left of the current dimension */
} dims;

static void next_dim(dims *d) {
  while (d->size == 1 && d->next >= 0) {
    d->size = d->flat ? d->t->count : d->t->size[d->next];
    d->stride = d->flat ? 1 : d->t->stride[d->next];
    d->next = d->flat ? -1 : d->next - 1;
  }
}

static dims dims_of(const tch_tensor *t) {
  dims d = {.t = t, .flat = tch_tensor_contiguous(t), .next = t->ndim - 1, .size = 1};
  if (d.flat) d.next = 0;
  return d;
}

/* Common dimensions of both shapes; false if none divide both, as for (2,3) and (3,2). from NULL stands for one
 * element. */
static bool common_dims(plan *p, const tch_tensor *to, const tch_tensor *from) {
  dims a = dims_of(to), b;
  if (from) b = dims_of(from);
  p->ndim = 0;
  for (next_dim(&a); a.size > 1; next_dim(&a)) {
    if (from) next_dim(&b);
    int64_t step = !from || a.size < b.size ? a.size : b.size;
    if (a.size % step != 0 || (from && b.size % step != 0)) return false;
    p->size[p->ndim] = step;
    p->to_stride[p->ndim] = a.stride;
    p->from_stride[p->ndim++] = from ? b.stride : 0;
    a.size /= step;
    a.stride *= step;
    if (from) b.size /= step, b.stride *= step;
  }
  return true;
}

/* Orders dimensions by the target's strides and merges those that follow each other on both sides. */
static void simplify(plan *p) {
  for (int i = 1; i < p->ndim; i++)
    for (int j = i; j > 0 && p->to_stride[j] < p->to_stride[j - 1]; j--) {
      int64_t size = p->size[j], to = p->to_stride[j], from = p->from_stride[j];
      p->size[j] = p->size[j - 1], p->to_stride[j] = p->to_stride[j - 1], p->from_stride[j] = p->from_stride[j - 1];
      p->size[j - 1] = size, p->to_stride[j - 1] = to, p->from_stride[j - 1] = from;
    }
  int last = 0;
  for (int i = 1; i < p->ndim; i++) {
    if (p->to_stride[i] == p->to_stride[last] * p->size[last]
        && p->from_stride[i] == p->from_stride[last] * p->size[last]) {
      p->size[last] *= p->size[i];
      continue;
    }
    last++;
    p->size[last] = p->size[i], p->to_stride[last] = p->to_stride[i], p->from_stride[last] = p->from_stride[i];
  }
  if (p->ndim == 0) p->size[0] = 1, p->to_stride[0] = p->from_stride[0] = 1;
  p->ndim = last + 1;
}

/* -- rows of one type ---------------------------------------------------------------------------------------------- */

typedef uint8_t __attribute__((may_alias)) word1;
typedef uint16_t __attribute__((may_alias)) word2;
typedef uint32_t __attribute__((may_alias)) word4;
typedef uint64_t __attribute__((may_alias)) word8;

/* move: a row. turn: n0 elements along dimension 0 of the plan by n1 along `across`, through a tile, so that neither
 * side is walked in long steps, which would fall on few lines of the cache when the sizes are powers of two. */
#define WORD_FUNCTIONS(W)                                                                                              \
  static void move_##W(W *to, int64_t to_stride, const W *from, int64_t from_stride, int64_t n) {                      \
    W first = *from;                                                                                                   \
    if (from_stride == 0 && to_stride == 1)                                                                            \
      for (int64_t i = 0; i < n; i++) to[i] = first;                                                                   \
    else if (from_stride == 2 && to_stride == 1) /* vectors, by the constants */                                       \
      for (int64_t i = 0; i < n; i++) to[i] = from[i * 2];                                                             \
    else if (from_stride == 3 && to_stride == 1)                                                                       \
      for (int64_t i = 0; i < n; i++) to[i] = from[i * 3];                                                             \
    else                                                                                                               \
      for (int64_t i = 0; i < n; i++) to[i * to_stride] = from[i * from_stride];                                       \
  }                                                                                                                    \
  static void turn_##W(const plan *p, W *to, const W *from, int64_t n0, int64_t n1) {                                  \
    _Alignas(64) W tile[TILE][TILE];                                                                                   \
    int64_t t0 = p->to_stride[0], t1 = p->to_stride[p->across], f0 = p->from_stride[0],                                \
            f1 = p->from_stride[p->across];                                                                            \
    if (f1 == 1 && t0 == 1 && n0 <= TILE / 2) {                                                                        \
      tch_turn(sizeof(W), n0, n1, to, t1, from, f0);                                                                   \
      return;                                                                                                          \
    }                                                                                                                  \
    if (f1 == 1) tch_turn(sizeof(W), n0, n1, tile, TILE, from, f0);                                                    \
    else                                                                                                               \
      for (int64_t i = 0; i < n0; i++)                                                                                 \
        for (int64_t j = 0; j < n1; j++) tile[j][i] = from[i * f0 + j * f1];                                           \
    for (int64_t j = 0; j < n1; j++, to += t1)                                                                         \
      if (t0 == 1) memcpy(to, tile[j], (size_t) n0 * sizeof(W));                                                       \
      else                                                                                                             \
        for (int64_t i = 0; i < n0; i++) to[i * t0] = tile[j][i];                                                      \
  }

WORD_FUNCTIONS(word1)
WORD_FUNCTIONS(word2)
WORD_FUNCTIONS(word4)
WORD_FUNCTIONS(word8)

static void move_row(int64_t bytes, void *to, int64_t to_stride, const void *from, int64_t from_stride, int64_t n) {
  if (to_stride == 1 && from_stride == 1) {
    memcpy(to, from, (size_t) (n * bytes));
    return;
  }
  switch (bytes) {
    case 1: move_word1(to, to_stride, from, from_stride, n); break;
    case 2: move_word2(to, to_stride, from, from_stride, n); break;
    case 4: move_word4(to, to_stride, from, from_stride, n); break;
    default: move_word8(to, to_stride, from, from_stride, n); break;
  }
}

static void turn_tile(int64_t bytes, const plan *p, void *to, const void *from, int64_t n0, int64_t n1) {
  switch (bytes) {
    case 1: turn_word1(p, to, from, n0, n1); break;
    case 2: turn_word2(p, to, from, n0, n1); break;
    case 4: turn_word4(p, to, from, n0, n1); break;
    default: turn_word8(p, to, from, n0, n1); break;
  }
}

/* -- rows of two types --------------------------------------------------------------------------------------------- */

/* Through int64_t where double would lose digits, else through double. */
static void cast_row(const plan *p, char *to, const char *from, int64_t n) {
  int64_t to_bytes = tch_dtype_bytes(p->to_type), from_bytes = tch_dtype_bytes(p->from_type);
  bool whole = p->from_type == TCH_LONG || (p->to_type == TCH_LONG && !tch_dtype_floating(p->from_type));
  union {
    double real[CHUNK];
    int64_t whole[CHUNK];
  } wide;
  for (int64_t i = 0; i < n; i += CHUNK) {
    int64_t m = n - i < CHUNK ? n - i : CHUNK;
    const char *source = from + i * p->from_stride[0] * from_bytes;
    char *target = to + i * p->to_stride[0] * to_bytes;
    if (whole) {
      tch_load_long(p->from_type, source, p->from_stride[0], wide.whole, m);
      tch_store_long(p->to_type, target, p->to_stride[0], wide.whole, m);
    } else {
      tch_load_double(p->from_type, source, p->from_stride[0], wide.real, m);
      tch_store_double(p->to_type, target, p->to_stride[0], wide.real, m);
    }
  }
}

/* -- walking the grid ---------------------------------------------------------------------------------------------- */

/* Position in the dimensions from 1 on (except `skip`), and the byte offsets that belong to it. */
typedef struct place {
  int64_t at[DIMS], to, from;
} place;

static place place_of(const plan *p, int64_t index, int skip) {
  place w = {.to = 0, .from = 0};
  for (int d = 1; d < p->ndim; d++) {
    if (d == skip) continue;
    w.at[d] = index % p->size[d];
    index /= p->size[d];
    w.to += w.at[d] * p->to_stride[d] * tch_dtype_bytes(p->to_type);
    w.from += w.at[d] * p->from_stride[d] * tch_dtype_bytes(p->from_type);
  }
  return w;
}

static void step(const plan *p, place *w, int skip) {
  int64_t to_bytes = tch_dtype_bytes(p->to_type), from_bytes = tch_dtype_bytes(p->from_type);
  for (int d = 1; d < p->ndim; d++) {
    if (d == skip) continue;
    w->to += p->to_stride[d] * to_bytes;
    w->from += p->from_stride[d] * from_bytes;
    if (++w->at[d] < p->size[d]) return;
    w->to -= p->size[d] * p->to_stride[d] * to_bytes;
    w->from -= p->size[d] * p->from_stride[d] * from_bytes;
    w->at[d] = 0;
  }
}

/* Items are segments of rows. */
static void copy_rows(void *context, int64_t begin, int64_t end) {
  const plan *p = context;
  int64_t to_bytes = tch_dtype_bytes(p->to_type), from_bytes = tch_dtype_bytes(p->from_type);
  place w = place_of(p, begin / p->segments, 0);
  int64_t segment = begin % p->segments;
  for (int64_t item = begin; item < end; item++) {
    int64_t first = segment * PIECE, left = p->size[0] - first, n = left < PIECE ? left : PIECE;
    char *to = p->to + w.to + first * p->to_stride[0] * to_bytes;
    const char *from = p->from + w.from + first * p->from_stride[0] * from_bytes;
    if (p->to_type == p->from_type) move_row(to_bytes, to, p->to_stride[0], from, p->from_stride[0], n);
    else cast_row(p, to, from, n);
    if (++segment < p->segments) continue;
    segment = 0;
    step(p, &w, 0);
  }
}

/* Items are strips of TILE along the dimension `across`, of one plane after the other. */
static void copy_strips(void *context, int64_t begin, int64_t end) {
  const plan *p = context;
  int64_t bytes = tch_dtype_bytes(p->to_type), strips = (p->size[p->across] + TILE - 1) / TILE;
  place w = place_of(p, begin / strips, p->across);
  int64_t strip = begin % strips;
  for (int64_t item = begin; item < end; item++) {
    int64_t j = strip * TILE, n1 = p->size[p->across] - j < TILE ? p->size[p->across] - j : TILE;
    for (int64_t i = 0; i < p->size[0]; i += TILE) {
      int64_t n0 = p->size[0] - i < TILE ? p->size[0] - i : TILE;
      turn_tile(bytes, p, p->to + w.to + (i * p->to_stride[0] + j * p->to_stride[p->across]) * bytes,
                p->from + w.from + (i * p->from_stride[0] + j * p->from_stride[p->across]) * bytes, n0, n1);
    }
    if (++strip < strips) continue;
    strip = 0;
    step(p, &w, p->across);
  }
}

/* n rows of `bytes` bytes, which lie together on both sides. */
static void move_short(int64_t bytes, int64_t n, char *to, int64_t to_step, const char *from, int64_t from_step) {
#define ROWS(size) \
  for (int64_t i = 0; i < n; i++) memcpy(to + i * to_step, from + i * from_step, (size))
  switch (bytes) {
    case 8: ROWS(8); break;
    case 12: ROWS(12); break;
    case 16: ROWS(16); break;
    case 32: ROWS(32); break;
    case 64: ROWS(64); break;
    default: ROWS((size_t) bytes); break;
  }
#undef ROWS
}

/* Items are short rows: of dimension 0, which is without gaps on both sides. */
static void copy_short(void *context, int64_t begin, int64_t end) {
  const plan *p = context;
  int64_t bytes = tch_dtype_bytes(p->to_type), row = bytes * p->size[0];
  for (int64_t item = begin, n; item < end; item += n) {
    int64_t first = item % p->size[1];
    n = p->size[1] - first < end - item ? p->size[1] - first : end - item;
    place w = place_of(p, item, 0);
    move_short(row, n, p->to + w.to, p->to_stride[1] * bytes, p->from + w.from, p->from_stride[1] * bytes);
  }
}

/* The dimension along which the source is denser than along dimension 0; 0 if there is none that pays. */
static int find_across(const plan *p) {
  if (p->to_type != p->from_type || p->from_stride[0] == 0) return 0;
  int best = 0;
  for (int d = 1; d < p->ndim; d++)
    if (p->from_stride[d] > 0 && p->from_stride[d] < p->from_stride[best] && p->size[d] >= 4) best = d;
  return best;
}

static void run(plan *p, int64_t count) {
  simplify(p);
  p->across = find_across(p);
  bool once = true; /* no element of the target is written twice */
  for (int d = 0; d < p->ndim; d++) once = once && (p->to_stride[d] != 0 || p->size[d] == 1);
  int64_t items, each;
  if (p->across > 0) {
    int64_t plane = p->size[0] * p->size[p->across], strips = (p->size[p->across] + TILE - 1) / TILE;
    items = count / plane * strips;
    each = p->size[0] * (p->size[p->across] < TILE ? p->size[p->across] : TILE);
  } else {
    p->segments = (p->size[0] + PIECE - 1) / PIECE;
    items = count / p->size[0] * p->segments;
    each = p->size[0] < PIECE ? p->size[0] : PIECE;
  }
  bool narrow = p->across == 0 && p->to_type == p->from_type && p->ndim > 1 && p->to_stride[0] == 1 && p->from_stride[0] == 1
                && p->size[0] * tch_dtype_bytes(p->to_type) <= SHORT;
  int64_t grain = once ? (PIECE + each - 1) / each : items;
  tch_parallel(items, grain, p->across > 0 ? copy_strips : narrow ? copy_short : copy_rows, p);
}

/* -- the calls ----------------------------------------------------------------------------------------------------- */

static char *first_element(const tch_tensor *t) {
  return (char *) t->storage->data + t->offset * tch_dtype_bytes(t->type);
}

/* Copies through a contiguous tensor of the source's type. */
static tch_status copy_aside(tch_tensor *to, const tch_tensor *from) {
  tch_tensor *aside = NULL;
  TCH_TRY(tch_tensor_new(from->type, from->ndim, from->size, &aside));
  tch_status status = tch_tensor_copy(aside, from);
  if (status == TCH_OK) status = tch_tensor_copy(to, aside);
  tch_tensor_release(aside);
  return status;
}

tch_status tch_tensor_copy(tch_tensor *to, const tch_tensor *from) {
  if (to->count != from->count) {
    char a[TCH_SHAPE_TEXT], b[TCH_SHAPE_TEXT];
    return tch_fail(TCH_ERROR_SHAPE, "copy: the target (%s) has %lld elements, the source (%s) has %lld",
                    tch_shape_text(to, a), (long long) to->count, tch_shape_text(from, b), (long long) from->count);
  }
  TCH_TRY(tch_tensor_writable(to, "copy"));
  if (to->count == 0 || tch_tensor_same_view(to, from)) return TCH_OK;
  plan p = {.to_type = to->type, .from_type = from->type};
  if (tch_tensor_overlap(to, from) || !common_dims(&p, to, from)) return copy_aside(to, from);
  p.to = first_element(to);
  p.from = first_element(from);
  run(&p, to->count);
  tch_tensor_wrote(to);
  return TCH_OK;
}

tch_status tch_tensor_fill(tch_tensor *t, double value) {
  TCH_TRY(tch_tensor_writable(t, "fill"));
  if (t->count == 0) return TCH_OK;
  uint64_t element;
  tch_store_double(t->type, &element, 1, &value, 1);
  plan p = {.to = first_element(t), .from = (const char *) &element, .to_type = t->type, .from_type = t->type};
  common_dims(&p, t, NULL);
  run(&p, t->count);
  tch_tensor_wrote(t);
  return TCH_OK;
}
