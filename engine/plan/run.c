/* Running a plan: one parallel call for all steps. Threads claim units of a step from counters, each from a part of its own
 * first, so that it meets the same weights from call to call, and help others when that is done; a step begins when the one
 * before it is complete. Many images are shared out whole instead, each thread with buffers of its own. Nobody waits for a
 * thread that has not claimed anything, so one thread alone, or one that comes late, is no trouble. */
#include "plan/plan.h"
#include "core/memory.h"
#include "core/thread.h"
#include "core/work.h"
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum { SLOTS = 16, SPIN = 2000, ALONE = 1 << 20 /* multiply-adds below which one thread does all */ };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t finished = PTHREAD_COND_INITIALIZER; /* a step that somebody sleeps for */

/* The counters of a step: a cell for each slot, what was claimed of its part, and one for what is done. */
typedef struct cell {
  _Alignas(64) _Atomic int64_t n;
} cell;

typedef struct run {
  const tch_plan *plan;
  const float *x;
  float *y;
  int64_t images, whole, y_size; /* images; how many are shared out whole */
  int threads, slots;
  atomic_int *sleepers;
  cell *
      cells; /* slots + 1 of them for the images, for each step of the images that are not shared out, for each joint step */
} run;

/* Waits until all units of a step are done; a while without sleeping, for most steps take microseconds. */
static void await(const run *r, const cell *done, int64_t units) {
  for (int turn = 0; turn < SPIN; turn++, tch_pause())
    if (atomic_load_explicit(&done->n, memory_order_acquire) >= units) return;
  pthread_mutex_lock(&lock);
  atomic_fetch_add(r->sleepers, 1);
  while (atomic_load(&done->n) < units) pthread_cond_wait(&finished, &lock);
  atomic_fetch_sub(r->sleepers, 1);
  pthread_mutex_unlock(&lock);
}

/* `count` more units of a step of `units` are done. */
static void finish(const run *r, cell *done, int64_t count, int64_t units) {
  if (count == 0 || atomic_fetch_add(&done->n, count) + count < units || atomic_load(r->sleepers) == 0) return;
  pthread_mutex_lock(&lock);
  pthread_cond_broadcast(&finished);
  pthread_mutex_unlock(&lock);
}

/* The next unit for a thread whose own part is `slot`, or -1. */
static int64_t claim(cell *cells, int64_t units, int slots, int slot) {
  for (int i = 0; i < slots; i++, slot = slot + 1 < slots ? slot + 1 : 0) {
    int64_t begin = tch_ceil_div(units * slot, slots), size = tch_ceil_div(units * (slot + 1), slots) - begin;
    if (atomic_load_explicit(&cells[slot].n, memory_order_relaxed) >= size) continue;
    int64_t unit = atomic_fetch_add_explicit(&cells[slot].n, 1, memory_order_relaxed);
    if (unit < size) return begin + unit;
  }
  return -1;
}

static int64_t units_of(const tch_step *s, const tch_frame *f) {
  if (!s->joint) return s->units;
  return s->kind == TCH_STEP_CONV ? tch_conv_joint_units(s, f->images) : f->images;
}

static void run_unit(const tch_step *s, tch_frame *f, int64_t unit) {
  if (!s->joint || s->kind == TCH_STEP_CONV) {
    s->run(f, s, unit);
    return;
  }
  f->image = unit;
  for (int64_t u = 0; u < s->units; u++) s->run(f, s, u);
}

/* Steps [from, to), together with the other threads; returns the cells behind theirs. */
static cell *run_steps(const run *r, tch_frame *f, cell *cells, int from, int to, int slot) {
  for (int i = from; i < to; i++, cells += r->slots + 1) {
    const tch_step *s = &f->plan->steps[i];
    int64_t units = units_of(s, f), unit, mine = 0, image = f->image;
    while ((unit = claim(cells, units, r->slots, slot)) >= 0) run_unit(s, f, unit), mine++;
    f->image = image;
    finish(r, &cells[r->slots], mine, units);
    await(r, &cells[r->slots], units);
  }
  return cells;
}

static void run_alone(tch_frame *f, int from, int to) {
  for (int i = from; i < to; i++) {
    const tch_step *s = &f->plan->steps[i];
    int64_t units = units_of(s, f), image = f->image;
    for (int64_t u = 0; u < units; u++) run_unit(s, f, u);
    f->image = image;
  }
}

/* Images that are shared out whole; returns the cells behind theirs. */
static cell *run_images(const run *r, tch_frame *f, int slot) {
  const tch_plan *p = r->plan;
  int64_t mine = 0;
  while ((f->image = claim(r->cells, r->whole, r->slots, slot)) >= 0) {
    run_alone(f, 0, p->joint);
    if (!p->values[p->output].joint) tch_plan_leave(f, r->y + f->image * r->y_size);
    mine++;
  }
  finish(r, &r->cells[r->slots], mine, r->whole);
  await(r, &r->cells[r->slots], r->whole);
  return r->cells + r->slots + 1;
}

static void piece(void *context, int64_t begin, int64_t end) {
  const run *r = context;
  const tch_plan *p = r->plan;
  int64_t each = p->arena_size + p->scratch_size;
  int slot = tch_thread_number() % r->slots;
  tch_frame f = {.plan = p,
                 .input = r->x,
                 .joint = p->joint_memory,
                 .images = r->images,
                 .arena = p->arena + begin * each,
                 .scratch = p->arena + begin * each + p->arena_size};
  cell *cells = run_images(r, &f, slot);
  f.arena = p->arena;
  for (f.image = r->whole; f.image < r->images; f.image++) {
    cells = run_steps(r, &f, cells, 0, p->joint, slot);
    if (p->values[p->output].joint) continue;
    if (claim(cells, 1, r->slots, slot) == 0) {
      tch_plan_leave(&f, r->y + f.image * r->y_size);
      finish(r, &cells[r->slots], 1, 1);
    }
    await(r, &cells[r->slots], 1);
    cells += r->slots + 1;
  }
  f.image = 0;
  run_steps(r, &f, cells, p->joint, p->nsteps, slot);
}

/* -- the call ------------------------------------------------------------------------------------------------------ */

static tch_status room(float **memory, int64_t *bytes, int64_t floats) {
  int64_t need = floats * (int64_t) sizeof(float);
  if (need <= *bytes) return TCH_OK;
  void *new;
  TCH_TRY(tch_alloc(need, &new));
  tch_free(*memory, *bytes);
  *memory = new, *bytes = need;
  return TCH_OK;
}

static tch_status run_on(tch_plan *p, const tch_tensor *x, tch_tensor *y, int64_t images) {
  const tch_value *out = &p->values[p->output];
  atomic_int sleepers = 0;
  run r = {.plan = p, .sleepers = &sleepers, .x = TCH_DATA(float, x), .y = TCH_DATA(float, y), .images = images};
  r.y_size = out->c * out->h * out->w;
  r.threads = p->work * (double) images < ALONE ? 1 : tch_threads();
  r.slots = r.threads < SLOTS ? r.threads : SLOTS;
  r.whole = images / r.threads * r.threads;
  TCH_TRY(room(&p->arena, &p->arena_bytes, r.threads * (p->arena_size + p->scratch_size)));
  TCH_TRY(room(&p->joint_memory, &p->joint_bytes, p->joint_size * images));
  int64_t sets = 1 + (images - r.whole) * (p->joint + 1) + p->nsteps - p->joint;
  int64_t bytes = sets * (r.slots + 1) * (int64_t) sizeof(cell);
  void *cells;
  TCH_TRY(tch_alloc(bytes, &cells));
  r.cells = cells;
  memset(r.cells, 0, (size_t) bytes);
  bool counts = tch_work_counts();
  if (counts) tch_work_enter();
  tch_parallel(r.threads, 1, piece, &r);
  if (counts) tch_work_leave(p->operations * (double) images, p->moved * (double) images + p->weights);
  if (out->joint) {
    tch_frame f = {.plan = p, .input = r.x, .joint = p->joint_memory, .images = images};
    for (; f.image < images; f.image++) tch_plan_leave(&f, r.y + f.image * r.y_size);
  }
  tch_free(r.cells, bytes);
  return TCH_OK;
}

tch_status tch_plan_run(tch_plan *p, tch_tensor *x, tch_tensor **y) {
  char text[TCH_SHAPE_TEXT];
  if (!p->ready) return tch_fail(TCH_ERROR_STATE, "plan: run before it was prepared");
  const tch_value *in = &p->values[0], *out = &p->values[p->output];
  if (x->type != TCH_FLOAT) return tch_fail(TCH_ERROR_TYPE, "plan: the input is not float");
  bool fits = in->flat ? x->ndim == 2 && x->size[1] == in->c
                       : x->ndim == 4 && x->size[1] == in->c && x->size[2] == in->h && x->size[3] == in->w;
  if (!fits)
    return tch_fail(TCH_ERROR_SHAPE, "plan: made for images of %lldx%lldx%lld, but the input is %s", (long long) in->c,
                    (long long) in->h, (long long) in->w, tch_shape_text(x, text));
  if (*y && ((*y)->type != TCH_FLOAT || tch_tensor_overlap(x, *y)))
    return tch_fail(TCH_ERROR_VALUE, "plan: the output is the input's memory, or not float");
  tch_shape shape = {.type = TCH_FLOAT, .ndim = out->flat ? 2 : 4, .size = {x->size[0], out->c, out->h, out->w}};
  tch_tensor *whole, *made = *y;
  TCH_TRY(tch_tensor_contiguous_of(x, &whole));
  tch_status status = made ? tch_tensor_become(made, &shape) : tch_tensor_of(&shape, &made);
  if (status == TCH_OK) {
    status = run_on(p, whole, made, x->size[0]);
    if (status == TCH_OK) {
      tch_tensor_wrote(made);
      *y = made;
    } else if (!*y) tch_tensor_release(made);
  }
  tch_tensor_release(whole);
  return status;
}

int64_t tch_plan_bytes(const tch_plan *p) {
  int64_t bytes = p->arena_bytes + p->joint_bytes;
  for (int i = 0; i < p->nblocks; i++) bytes += p->blocks[i].bytes;
  return bytes;
}
