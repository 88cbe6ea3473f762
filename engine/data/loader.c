/* Batches of samples, made ahead by threads of their own. The caller's batches come in order whatever the threads do: a ring of
 * batches is filled by tickets, one a sample. */
#include "core/memory.h"
#include "core/thread.h"
#include "data/data.h"
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { WORKERS_MOST = 256, RING_MOST = 64, REASONS = 100, REASON_BYTES = 256 };

typedef struct reason {
  char text[REASON_BYTES]; /* empty: the sample was made */
} reason;

/* One batch under way. */
typedef struct slot {
  tch_tensor *x, *samples;
  reason *reasons;   /* of its samples */
  int64_t count;     /* samples */
  int64_t pending;   /* of them not made yet */
  tch_status status; /* why the batch could not be begun */
} slot;

struct tch_loader {
  tch_source source;
  tch_sample_options options;
  tch_tensor *order;
  uint64_t epoch;
  int64_t total, batch; /* samples in order, a batch */
  int64_t ticket;       /* next sample to make */
  int64_t given;        /* batches given to the caller */
  int prefetch, workers;
  bool skip, stop;
  slot ring[RING_MOST];
  pthread_t threads[WORKERS_MOST];
  pthread_mutex_t lock;
  pthread_cond_t work, done; /* there may be a ticket; a sample was made */
  int64_t skipped;
  reason kept[REASONS];
};

/* -- life -------------------------------------------------------------------------------------------------------------- */

static void release(tch_source *s) {
  tch_tensor_release(s->names);
  tch_tensor_release(s->index);
  tch_tensor_release(s->blob);
  tch_tensor_release(s->images);
}

static tch_status dense(tch_tensor *t, tch_dtype type, int ndim, const char *what, tch_tensor **out) {
  if (!t) return TCH_OK;
  if (t->type != type || t->ndim != ndim || !t->count) {
    char text[TCH_SHAPE_TEXT];
    return tch_fail(TCH_ERROR_SHAPE, "loader: %s cannot be a tensor of %s", what, tch_shape_text(t, text));
  }
  return tch_tensor_contiguous_of(t, out);
}

/* Every name ends in its NUL and every place lies in the blob. */
static tch_status check_index(const tch_source *s) {
  const int64_t *at = TCH_DATA(int64_t, s->index);
  int64_t names = s->names ? s->names->count : 0;
  bool good = s->index->size[1] == 4 && names && !TCH_DATA(char, s->names)[names - 1];
  for (int64_t i = 0; good && i < s->index->size[0]; i++, at += 4) {
    good = at[0] >= 0 && at[0] < names;
    if (s->blob) good = good && at[1] >= 0 && at[2] >= 0 && at[1] <= s->blob->count - at[2];
    else good = good && at[1] >= 0 && at[2] >= -1 && at[3] >= 0 && at[3] < names;
  }
  return good ? TCH_OK : tch_fail(TCH_ERROR_VALUE, "loader: the index names places that are not there");
}

static tch_status source_make(tch_source *s, tch_tensor *names, tch_tensor *index, tch_tensor *blob, tch_tensor *images) {
  if (!index == !images) return tch_fail(TCH_ERROR_VALUE, "loader: either an index of files or a tensor of images is needed");
  TCH_TRY(dense(names, TCH_BYTE, 1, "names", &s->names));
  TCH_TRY(dense(index, TCH_LONG, 2, "the index", &s->index));
  TCH_TRY(dense(blob, TCH_BYTE, 1, "the contents of files", &s->blob));
  if (index) return check_index(s);
  return dense(images, images->type == TCH_BYTE ? TCH_BYTE : TCH_FLOAT, 4, "images (bytes or floats)", &s->images);
}

tch_status tch_loader_new(tch_tensor *names, tch_tensor *index, tch_tensor *blob, tch_tensor *images, tch_loader **out) {
  tch_source source = {0};
  tch_status status = source_make(&source, names, index, blob, images);
  tch_loader *l = status == TCH_OK ? tch_record_new(sizeof *l) : NULL;
  if (!l) {
    release(&source);
    return status == TCH_OK ? TCH_ERROR_MEMORY : status;
  }
  *l = (tch_loader){.source = source, .options = {
#define DEFAULT(name, count, ...) .name = {__VA_ARGS__},
    TCH_SAMPLE_OPTIONS(DEFAULT)
#undef DEFAULT
  }};
  pthread_mutex_init(&l->lock, NULL);
  pthread_cond_init(&l->work, NULL);
  pthread_cond_init(&l->done, NULL);
  *out = l;
  return TCH_OK;
}

static void slot_clear(slot *s, int64_t batch) {
  tch_tensor_release(s->x);
  tch_tensor_release(s->samples);
  tch_free(s->reasons, batch * (int64_t) sizeof *s->reasons);
  *s = (slot){0};
}

/* Ends the threads and drops what they made. */
static void halt(tch_loader *l) {
  pthread_mutex_lock(&l->lock);
  l->stop = true;
  pthread_cond_broadcast(&l->work);
  pthread_mutex_unlock(&l->lock);
  for (int i = 0; i < l->workers; i++) pthread_join(l->threads[i], NULL);
  for (int i = 0; i < RING_MOST; i++) slot_clear(&l->ring[i], l->batch);
  tch_tensor_release(l->order);
  l->order = NULL;
  l->workers = 0;
  l->total = l->ticket = l->given = 0;
  l->stop = false;
}

void tch_loader_free(tch_loader *l) {
  if (!l) return;
  halt(l);
  release(&l->source);
  pthread_mutex_destroy(&l->lock);
  pthread_cond_destroy(&l->work);
  pthread_cond_destroy(&l->done);
  tch_record_free(l, sizeof *l);
}

tch_status tch_loader_set(tch_loader *l, const char *name, int count, const double *values) {
  static const struct { const char *name; size_t at; int count; } table[] = {
#define ROW(name, count, ...) {#name, offsetof(tch_sample_options, name), count},
      TCH_SAMPLE_OPTIONS(ROW)
#undef ROW
  };
  for (size_t k = 0; k < sizeof table / sizeof *table; k++) {
    if (strcmp(table[k].name, name)) continue;
    if (count != table[k].count)
      return tch_fail(TCH_ERROR_VALUE, "loader: %s is %d numbers, not %d", name, table[k].count, count);
    for (int i = 0; i < count; i++)
      if (!(values[i] > -1e15 && values[i] < 1e15)) return tch_fail(TCH_ERROR_VALUE, "loader: %s is out of range", name);
    memcpy((char *) &l->options + table[k].at, values, (size_t) count * sizeof *values);
    return TCH_OK;
  }
  return tch_fail(TCH_ERROR_VALUE, "loader: there is no option %s", name);
}

/* -- making ------------------------------------------------------------------------------------------------------------ */

/* Begins the batch of a ticket; with the lock held. */
static void slot_begin(tch_loader *l, slot *s, int64_t first) {
  const tch_sample_options *o = &l->options;
  s->count = s->pending = l->batch < l->total - first ? l->batch : l->total - first;
  int64_t size[] = {s->count, l->source.images ? l->source.images->size[1] : (int64_t) *o->planes, (int64_t) *o->height,
                    (int64_t) *o->width};
  void *reasons = NULL;
  s->status = tch_tensor_new(TCH_FLOAT, 4, size, &s->x);
  if (s->status == TCH_OK) s->status = tch_tensor_new(TCH_LONG, 1, size, &s->samples);
  if (s->status == TCH_OK) s->status = tch_alloc(l->batch * (int64_t) sizeof *s->reasons, &reasons);
  s->reasons = reasons;
}

/* Takes the next ticket if its batch has room in the ring; with the lock held. */
static bool take(tch_loader *l, slot **s, int64_t *position) {
  if (l->stop || l->ticket >= l->total || l->ticket / l->batch >= l->given + l->prefetch) return false;
  *position = l->ticket % l->batch;
  *s = &l->ring[l->ticket / l->batch % l->prefetch];
  if (*position == 0) slot_begin(l, *s, l->ticket);
  l->ticket++;
  return true;
}

/* Makes one sample of a batch, without the lock. */
static void produce(tch_loader *l, slot *s, int64_t batch_first, int64_t position) {
  if (s->status != TCH_OK) return;
  int64_t sample = TCH_DATA(int64_t, l->order)[batch_first + position] - 1, n = s->x->count / s->count;
  TCH_DATA(int64_t, s->samples)[position] = sample + 1;
  reason *r = &s->reasons[position];
  r->text[0] = 0;
  if (tch_sample_make(&l->source, &l->options, l->epoch, sample, TCH_DATA(float, s->x) + position * n) == TCH_OK) return;
  const char *name = tch_source_name(&l->source, sample), *why = tch_error();
  if (name && !strstr(why, name)) snprintf(r->text, sizeof r->text, "%s: %s", name, why);
  else snprintf(r->text, sizeof r->text, "%s", why);
}

static void *worker(void *context) {
  tch_loader *l = context;
  slot *s;
  int64_t position;
  pthread_mutex_lock(&l->lock);
  while (!l->stop) {
    if (!take(l, &s, &position)) {
      pthread_cond_wait(&l->work, &l->lock);
      continue;
    }
    int64_t first = l->ticket - 1 - position;
    pthread_mutex_unlock(&l->lock);
    produce(l, s, first, position);
    pthread_mutex_lock(&l->lock);
    if (--s->pending == 0) pthread_cond_signal(&l->done);
  }
  pthread_mutex_unlock(&l->lock);
  return NULL;
}

/* Starts the threads; signals stay with the threads of the host. */
static tch_status start(tch_loader *l, int workers) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (l->workers < workers && pthread_create(&l->threads[l->workers], NULL, worker, l) == 0) l->workers++;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (l->workers == workers) return TCH_OK;
  halt(l);
  return tch_fail(TCH_ERROR_MEMORY, "loader: the system gives no %d threads", workers);
}

/* -- the caller's side ---------------------------------------------------------------------------------------------------- */

static tch_status check_options(const tch_loader *l) {
  const tch_sample_options *o = &l->options;
  bool planes = *o->planes == 1 || *o->planes == 3;
  if (!(*o->height >= 1 && *o->width >= 1 && *o->height <= 1 << 15 && *o->width <= 1 << 15) || *o->height != (int64_t) *o->height
      || *o->width != (int64_t) *o->width)
    return tch_fail(TCH_ERROR_VALUE, "loader: the height and width of samples are whole numbers from 1 to %d", 1 << 15);
  if (!planes) return tch_fail(TCH_ERROR_VALUE, "loader: planes is 1 or 3, not %g", *o->planes);
  if (*o->fill != 0 && *o->fill != 1 && *o->fill != 2 && *o->fill != 3)
    return tch_fail(TCH_ERROR_VALUE, "loader: there is no fill %g", *o->fill);
  if (!(o->area[0] > 0 && o->area[0] <= o->area[1] && o->area[1] <= 1 && o->ratio[0] > 0 && o->ratio[0] <= o->ratio[1]))
    return tch_fail(TCH_ERROR_VALUE, "loader: area is two shares and ratio two numbers above 0, the smaller first");
  if (!(*o->deviation && o->deviation[1] && o->deviation[2]) || *o->seed < 0 || *o->crop < 0 || *o->cutout < 0)
    return tch_fail(TCH_ERROR_VALUE, "loader: deviation must not be 0; seed, crop and cutout must not be negative");
  return TCH_OK;
}

static tch_status check_order(const tch_loader *l, const tch_tensor *order) {
  int64_t n = tch_source_count(&l->source);
  for (int64_t i = 0; i < order->count; i++) {
    int64_t k = TCH_DATA(int64_t, order)[i];
    if (k < 1 || k > n)
      return tch_fail(TCH_ERROR_VALUE, "loader: the order names sample %lld, but there are %lld", (long long) k, (long long) n);
  }
  return TCH_OK;
}

tch_status tch_loader_begin(tch_loader *l, tch_tensor *order, int64_t epoch, int64_t batch, int workers, int prefetch, bool skip) {
  if (batch < 1 || batch > 1 << 20 || workers < 0 || workers > WORKERS_MOST || prefetch < 1 || prefetch > RING_MOST)
    return tch_fail(TCH_ERROR_VALUE, "loader: a batch has 1 to %d samples, workers are 0 to %d, prefetch is 1 to %d", 1 << 20,
                    WORKERS_MOST, RING_MOST);
  if (order->type != TCH_LONG || order->ndim != 1)
    return tch_fail(TCH_ERROR_TYPE, "loader: the order is a LongTensor of one dimension");
  TCH_TRY(check_options(l));
  tch_tensor *copy = NULL; /* of its own: the caller may shuffle on */
  TCH_TRY(tch_tensor_new(TCH_LONG, 1, order->size, &copy));
  tch_status status = tch_tensor_copy(copy, order);
  if (status == TCH_OK) status = check_order(l, copy);
  if (status != TCH_OK) {
    tch_tensor_release(copy);
    return status;
  }
  halt(l);
  l->order = copy;
  l->total = copy->count;
  l->epoch = (uint64_t) epoch;
  l->batch = batch;
  l->prefetch = prefetch;
  l->skip = skip;
  return start(l, workers);
}

/* Makes the next batch on the caller's thread. */
static slot *make_here(tch_loader *l) {
  slot *s = NULL;
  int64_t position, made = 0;
  do {
    if (!take(l, &s, &position)) break;
    produce(l, s, l->ticket - 1 - position, position);
  } while (++made < s->count);
  return s;
}

/* Waits for the next batch; NULL at the end. */
static slot *await(tch_loader *l) {
  if (l->given * l->batch >= l->total) return NULL;
  if (l->workers == 0) return make_here(l);
  slot *s = &l->ring[l->given % l->prefetch];
  pthread_mutex_lock(&l->lock);
  while (l->ticket <= l->given * l->batch || s->pending > 0) pthread_cond_wait(&l->done, &l->lock);
  pthread_mutex_unlock(&l->lock);
  return s;
}

static void note(tch_loader *l, const reason *r) {
  if (l->skipped < REASONS) l->kept[l->skipped] = *r;
  l->skipped++;
}

/* Closes the gaps that samples without success left, or fails with the first of them. */
static tch_status compact(tch_loader *l, slot *s) {
  int64_t kept = 0, n = s->x->count / s->count;
  for (int64_t i = 0; i < s->count; i++) {
    if (s->reasons[i].text[0]) {
      if (!l->skip) return tch_fail(TCH_ERROR_IO, "%s", s->reasons[i].text);
      note(l, &s->reasons[i]);
      continue;
    }
    if (kept < i) {
      memcpy(TCH_DATA(float, s->x) + kept * n, TCH_DATA(float, s->x) + i * n, (size_t) n * sizeof(float));
      TCH_DATA(int64_t, s->samples)[kept] = TCH_DATA(int64_t, s->samples)[i];
    }
    kept++;
  }
  if (kept == s->count || kept == 0) {
    s->count = kept;
    return TCH_OK;
  }
  int64_t size[4] = {kept, s->x->size[1], s->x->size[2], s->x->size[3]};
  TCH_TRY(tch_tensor_resize(s->x, 4, size, NULL));
  return tch_tensor_resize(s->samples, 1, size, NULL);
}

/* Gives the ring's place back, and the tensors to the caller. */
static void hand_over(tch_loader *l, slot *s, tch_tensor **x, tch_tensor **samples) {
  if (x) {
    *x = s->x;
    *samples = s->samples;
    s->x = s->samples = NULL;
  }
  slot_clear(s, l->batch);
  pthread_mutex_lock(&l->lock);
  l->given++;
  pthread_cond_broadcast(&l->work);
  pthread_mutex_unlock(&l->lock);
}

tch_status tch_loader_next(tch_loader *l, tch_tensor **x, tch_tensor **samples) {
  *x = *samples = NULL;
  for (;;) {
    slot *s = await(l);
    if (!s) return TCH_OK;
    tch_status status = s->status != TCH_OK ? tch_fail(s->status, "loader: no memory for a batch") : compact(l, s);
    bool give = status == TCH_OK && s->count > 0;
    hand_over(l, s, give ? x : NULL, samples);
    if (give || status != TCH_OK) return status;
  }
}

int64_t tch_loader_skipped(const tch_loader *l) { return l->skipped; }

const char *tch_loader_reason(const tch_loader *l, int64_t i) {
  return i >= 0 && i < l->skipped && i < REASONS ? l->kept[i].text : NULL;
}
