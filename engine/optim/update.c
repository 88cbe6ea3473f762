/* Optimizer steps on whole parameter vectors: checks, and the cut into pieces for the pool. */
#include "kernel/update.h"
#include "core/cpu.h"
#include "core/error.h"
#include "core/tensor.h"
#include "core/thread.h"
#include "core/work.h"
#include <math.h>

TCH_KERNEL_FAMILY(update)

enum { GRAIN = 1 << 15 }; /* elements a piece */

/* One step under way: x, g and up to two state vectors, and the numbers of the formula. */
typedef struct step {
  const tch_update_kernels *table;
  char *x, *g, *s, *t;
  int64_t bytes; /* of an element */
  double p[6];
  bool nesterov, first;
} step;

/* Checks x, g and the first `states` of s and t. */
static tch_status prepare(const char *name, step *u, int states, tch_tensor *x, tch_tensor *g, tch_tensor *s, tch_tensor *t) {
  tch_tensor *const all[] = {x, g, s, t};
  static const char *const what[] = {"x", "the gradient", "the first state", "the second state"};
  char a[TCH_SHAPE_TEXT], b[TCH_SHAPE_TEXT];
  for (int i = 0; i < 2 + states; i++)
    if (all[i] == NULL) return tch_fail(TCH_ERROR_VALUE, "%s: %s is missing", name, what[i]);
  if (!tch_dtype_floating(x->type))
    return tch_fail(TCH_ERROR_TYPE, "%s: x is a %sTensor, but parameters are Float or Double", name, tch_dtype_name(x->type));
  TCH_TRY(tch_tensor_writable(x, name));
  for (int i = 0; i < 4; i++) {
    if (all[i] == NULL) continue;
    if (all[i]->type != x->type || all[i]->count != x->count)
      return tch_fail(TCH_ERROR_SHAPE, "%s: %s is a %sTensor of %s, but x is a %sTensor of %s", name, what[i],
                      tch_dtype_name(all[i]->type), tch_shape_text(all[i], a), tch_dtype_name(x->type), tch_shape_text(x, b));
    if (!tch_tensor_contiguous(all[i])) return tch_fail(TCH_ERROR_SHAPE, "%s: %s must be contiguous", name, what[i]);
    for (int k = 0; k < i; k++)
      if (all[k] && tch_tensor_overlap(all[i], all[k]))
        return tch_fail(TCH_ERROR_VALUE, "%s: %s and %s share memory", name, what[k], what[i]);
  }
  u->table = tch_update_table(x->type);
  u->bytes = tch_dtype_bytes(x->type);
  u->x = tch_tensor_data(x);
  u->g = tch_tensor_data(g);
  u->s = s ? tch_tensor_data(s) : NULL;
  u->t = t ? tch_tensor_data(t) : NULL;
  int vectors = 3 + 2 * (s != NULL) + 2 * (t != NULL); /* x, s and t are read and written, g is read */
  tch_work_moved((double) (vectors * x->count * u->bytes));
  tch_tensor_wrote(x);
  if (s) tch_tensor_wrote(s);
  if (t) tch_tensor_wrote(t);
  return TCH_OK;
}

/* The arguments n, x, g of a kernel for elements [begin, end), and its state vectors. */
#define PIECE end - begin, u->x + begin * u->bytes, u->g + begin * u->bytes
#define STATE(v) u->v + begin * u->bytes

static void sgd_piece(void *context, int64_t begin, int64_t end) {
  const step *u = context;
  u->table->sgd(PIECE, u->p[0], u->p[1]);
}

static void momentum_piece(void *context, int64_t begin, int64_t end) {
  const step *u = context;
  u->table->momentum(PIECE, STATE(s), u->p[0], u->p[1], u->p[2], u->p[3], u->nesterov, u->first);
}

tch_status tch_sgd_step(tch_tensor *x, tch_tensor *g, tch_tensor *velocity, double rate, double decay, double momentum,
                        double dampening, bool nesterov, bool first) {
  step u = {.p = {rate, decay, momentum, dampening}, .nesterov = nesterov, .first = first};
  TCH_TRY(prepare("sgd", &u, velocity ? 1 : 0, x, g, velocity, NULL));
  tch_parallel(x->count, GRAIN, velocity ? momentum_piece : sgd_piece, &u);
  return TCH_OK;
}

static void adam_piece(void *context, int64_t begin, int64_t end) {
  const step *u = context;
  u->table->adam(PIECE, STATE(s), STATE(t), u->p[0], u->p[1], u->p[2], u->p[3], u->p[4], u->p[5]);
}

tch_status tch_adam_step(tch_tensor *x, tch_tensor *g, tch_tensor *m, tch_tensor *v, int64_t t, double rate, double beta1,
                         double beta2, double epsilon, double decay, bool decoupled) {
  if (t < 1) return tch_fail(TCH_ERROR_VALUE, "adam: steps count from 1, not %lld", (long long) t);
  double correction1 = 1 - pow(beta1, (double) t), correction2 = sqrt(1 - pow(beta2, (double) t));
  step u = {.p = {rate * correction2 / correction1, decoupled ? epsilon * correction2 : epsilon, beta1, beta2,
                  decoupled ? 0 : decay, decoupled ? 1 - rate * decay : 1}};
  TCH_TRY(prepare(decoupled ? "adamw" : "adam", &u, 2, x, g, m, v));
  tch_parallel(x->count, GRAIN, adam_piece, &u);
  return TCH_OK;
}

static void rmsprop_piece(void *context, int64_t begin, int64_t end) {
  const step *u = context;
  u->table->rmsprop(PIECE, STATE(s), u->p[0], u->p[1], u->p[2], u->p[3]);
}

tch_status tch_rmsprop_step(tch_tensor *x, tch_tensor *g, tch_tensor *square, double rate, double alpha, double epsilon,
                            double decay) {
  step u = {.p = {rate, alpha, epsilon, decay}};
  TCH_TRY(prepare("rmsprop", &u, 1, x, g, square, NULL));
  tch_parallel(x->count, GRAIN, rmsprop_piece, &u);
  return TCH_OK;
}

static void adagrad_piece(void *context, int64_t begin, int64_t end) {
  const step *u = context;
  u->table->adagrad(PIECE, STATE(s), u->p[0], u->p[1], u->p[2]);
}

tch_status tch_adagrad_step(tch_tensor *x, tch_tensor *g, tch_tensor *square, double rate, double epsilon, double decay) {
  step u = {.p = {rate, epsilon, decay}};
  TCH_TRY(prepare("adagrad", &u, 1, x, g, square, NULL));
  tch_parallel(x->count, GRAIN, adagrad_piece, &u);
  return TCH_OK;
}

static void adadelta_piece(void *context, int64_t begin, int64_t end) {
  const step *u = context;
  u->table->adadelta(PIECE, STATE(s), STATE(t), u->p[0], u->p[1], u->p[2], u->p[3]);
}

tch_status tch_adadelta_step(tch_tensor *x, tch_tensor *g, tch_tensor *square, tch_tensor *delta, double rate, double rho,
                             double epsilon, double decay) {
  step u = {.p = {rate, rho, epsilon, decay}};
  TCH_TRY(prepare("adadelta", &u, 2, x, g, square, delta));
  tch_parallel(x->count, GRAIN, adadelta_piece, &u);
  return TCH_OK;
}

static void approach_piece(void *context, int64_t begin, int64_t end) {
  const step *u = context;
  u->table->approach(PIECE, u->p[0]);
}

tch_status tch_approach(tch_tensor *x, tch_tensor *target, double share) {
  step u = {.p = {share}};
  TCH_TRY(prepare("approach", &u, 0, x, target, NULL, NULL));
  tch_parallel(x->count, GRAIN, approach_piece, &u);
  return TCH_OK;
}
