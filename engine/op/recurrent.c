/* Recurrent layers: one layer in one direction over a whole sequence x (T, N, I), with weights (G H, I) and (G H, H) for the G
 * gates of a cell (kernel/recurrent.h) in PyTorch's order and layout.
 *
 * The input's share of all steps is one product. The recurrent share goes step by step against a matrix packed once; pieces of
 * the batch run whole sequences on their own, so no thread waits for another between steps. Where the batch has lengths, a step
 * beyond the end of a sequence leaves its state and puts out 0; in reverse a sequence starts at its own last step. */
#include "core/cpu.h"
#include "core/thread.h"
#include "kernel/recurrent.h"
#include "kernel/tiled.h"
#include "op/gemm.h"
#include "op/index.h"
#include <string.h>

TCH_KERNEL_FAMILY(recurrent)
TCH_KERNEL_FAMILY(tiled)

typedef long long ll;
enum { X, W_IH, W_HH, B_IH, B_HH, H0, LENGTHS, C0 }; /* inputs */
enum { Y, H, KEPT, C };                              /* outputs */
enum { ROWS = 16, PACK = 1 << 14 };                  /* sequences of a piece; numbers that one piece packs, about */

/* -- shape ------------------------------------------------------------------------------------------------------- */

static tch_status check_size(tch_call *c, int input, int ndim, int64_t size0, int64_t size1) {
  const tch_tensor *t = c->in[input];
  char name[32], got[TCH_SHAPE_TEXT], want[TCH_SHAPE_TEXT];
  if (t == NULL || (t->ndim == ndim && t->size[0] == size0 && (ndim == 1 || t->size[1] == size1))) return TCH_OK;
  tch_tensor need = {.ndim = ndim, .count = 1, .size = {size0, size1}};
  return tch_op_fail(c, TCH_ERROR_SHAPE, "%s is %s, but %s is needed", tch_op_input_name(c, input, name),
                     tch_shape_text(t, got), tch_shape_text(&need, want));
}

static tch_status recurrent_shape(tch_call *c, int kind) {
  const tch_cell *cell = &tch_recurrent_table(TCH_FLOAT)->cell[kind];
  const tch_tensor *x = c->in[X], *w = c->in[W_HH];
  char text[TCH_SHAPE_TEXT];
  TCH_TRY(tch_op_same_float(c, ~(1u << LENGTHS)));
  if (x->ndim != 3 || x->size[0] == 0)
    return tch_op_fail(c, TCH_ERROR_SHAPE, "x is %s, but (steps, batch, features) is needed, of one step or more",
                       tch_shape_text(x, text));
  int64_t T = x->size[0], N = x->size[1], units = w->size[w->ndim - 1], G = cell->gates;
  if (w->ndim != 2 || w->size[0] != G * units)
    return tch_op_fail(c, TCH_ERROR_SHAPE, "w_hh is %s, but (%lld * units, units) is needed", tch_shape_text(w, text), (ll) G);
  TCH_TRY(check_size(c, W_IH, 2, G * units, x->size[2]));
  TCH_TRY(check_size(c, B_IH, 1, G * units, 0));
  TCH_TRY(check_size(c, B_HH, 1, G * units, 0));
  TCH_TRY(check_size(c, H0, 2, N, units));
  if (kind == TCH_CELL_LSTM) TCH_TRY(check_size(c, C0, 2, N, units));
  if (c->in[LENGTHS]) {
    TCH_TRY(check_size(c, LENGTHS, 1, N, 0));
    TCH_TRY(tch_index_check(c, LENGTHS, 1, T, 0));
  }
  c->shape[Y] = (tch_shape){x->type, 3, {T, N, units}};
  c->shape[H] = (tch_shape){x->type, 2, {N, units}};
  c->shape[KEPT] = (tch_shape){x->type, 3, {T, N, cell->kept * units}};
  if (kind == TCH_CELL_LSTM) c->shape[C] = c->shape[H];
  return TCH_OK;
}

/* -- what both passes know ---------------------------------------------------------------------------------------- */

typedef struct run {
  const tch_cell *cell;
  const tch_tiled_kernels *products;
  tch_dtype type;
  bool reverse, start; /* start: the first state is given, or needs a gradient; else its product is none */
  int64_t T, N, I, H, G, R, bytes; /* G H numbers of gates, R H of what is kept, per sequence and step */
  const tch_tensor *lengths;
  tch_panels weight;               /* w_hh' (H, G H) forward, w_hh (G H, H) backward */
  char *y, *kept, *bias, *product; /* product: (N, G H) */
  char *h, *c;                     /* (N, H): the running state, or its gradient */
  char *gy, *d, *dr, *h0, *c0;     /* d, dr (T, N, G H); h0, c0 point at zeros where there are none */
  int64_t h0_step, c0_step;        /* bytes between their rows: 0 for zeros */
} run;

static bool alive(const run *r, int64_t t, int64_t n) { return r->lengths == NULL || t < tch_index_at(r->lengths, n); }

/* The step that is taken k-th, and the one that a sequence takes first. */
static int64_t step_of(const run *r, int64_t k) { return r->reverse ? r->T - 1 - k : k; }
static int64_t first_of(const run *r, int64_t n) {
  return !r->reverse ? 0 : r->lengths ? tch_index_at(r->lengths, n) - 1 : r->T - 1;
}

static tch_status measure(tch_call *c, int kind, bool reverse, run *r) {
  const tch_tensor *x = c->in[X], *w = c->in[W_HH];
  *r = (run){.cell = &tch_recurrent_table(x->type)->cell[kind],
             .products = tch_tiled_table(x->type),
             .type = x->type,
             .reverse = reverse,
             .T = x->size[0],
             .N = x->size[1],
             .I = x->size[2],
             .H = w->size[1],
             .bytes = tch_dtype_bytes(x->type)};
  r->G = r->cell->gates * r->H;
  r->R = r->cell->kept * r->H;
  tch_tensor *lengths = NULL;
  if (c->in[LENGTHS]) TCH_TRY(tch_op_contiguous(c, c->in[LENGTHS], &lengths));
  r->lengths = lengths;
  return TCH_OK;
}

static tch_status numbers(tch_call *c, const run *r, int64_t count, bool zero, char **out) {
  tch_shape shape = {.type = r->type, .ndim = 1, .size = {count}};
  tch_tensor *t;
  TCH_TRY(tch_op_temp(c, &shape, &t));
  *out = tch_tensor_data(t);
  if (zero && count) memset(*out, 0, (size_t) (count * r->bytes));
  return TCH_OK;
}

static tch_status data_of(tch_call *c, tch_tensor *t, char **out) {
  TCH_TRY(tch_op_contiguous(c, t, &t));
  *out = tch_tensor_data(t);
  return TCH_OK;
}

typedef struct packing {
  const run *r;
  int64_t k, n;
  tch_any_matrix from;
  char *to;
} packing;

static void pack_piece(void *context, int64_t begin, int64_t end) {
  const packing *p = context;
  int64_t bytes = p->r->bytes, column = begin * p->r->products->columns, last = end * p->r->products->columns;
  tch_any_matrix from = p->from;
  from.data = (const char *) from.data + column * from.column * bytes;
  p->r->products->pack_panels(p->k, (last < p->n ? last : p->n) - column, from, p->to + column * p->k * bytes);
}

/* Packs w_hh or its transpose as a (k, n) matrix. */
static tch_status pack(tch_call *c, run *r, int64_t k, int64_t n, int64_t row, int64_t column) {
  packing p = {.r = r, .k = k, .n = n, .from = {tch_tensor_data(c->in[W_HH]), row, column}};
  int64_t columns = r->products->columns;
  TCH_TRY(numbers(c, r, tch_tiled_count(r->products, k, n), false, &p.to));
  tch_parallel((n + columns - 1) / columns, 1 + PACK / (k * columns + 1), pack_piece, &p);
  r->weight = (tch_panels){p.to, k, 0};
  return TCH_OK;
}

/* -- forward ------------------------------------------------------------------------------------------------------ */

static tch_status start_state(const run *r, tch_tensor *from, tch_tensor *to, char **data) {
  *data = tch_tensor_data(to);
  if (from) return tch_tensor_copy(to, from);
  if (to->count) memset(*data, 0, (size_t) (to->count * r->bytes));
  return TCH_OK;
}

static tch_status gather_bias(tch_call *c, run *r) {
  TCH_TRY(numbers(c, r, 2 * r->G, true, &r->bias));
  for (int k = 0; k < 2; k++) {
    char *b;
    if (c->in[B_IH + k] == NULL) continue;
    TCH_TRY(data_of(c, c->in[B_IH + k], &b));
    memcpy(r->bias + k * r->G * r->bytes, b, (size_t) (r->G * r->bytes));
  }
  return TCH_OK;
}

static void forward_rows(void *context, int64_t begin, int64_t end) {
  const run *r = context;
  int64_t row = r->H * r->bytes, gates = r->G * r->bytes;
  for (int64_t k = 0; k < r->T; k++) {
    int64_t t = step_of(r, k);
    if (k == 0 && !r->start) memset(r->product + begin * gates, 0, (size_t) ((end - begin) * gates));
    else
      r->products->product_direct(end - begin, r->G, r->H, 1, (tch_any_matrix){r->h + begin * row, r->H, 1}, r->weight, 0,
                                  (tch_tiled_from){0}, r->product + begin * gates, r->G);
    for (int64_t n = begin; n < end; n++) {
      int64_t at = t * r->N + n;
      if (!alive(r, t, n)) {
        memset(r->y + at * row, 0, (size_t) row);
        continue;
      }
      r->cell->forward(r->H, r->bias, r->product + n * gates, r->kept + at * r->R * r->bytes, r->h + n * row, r->c + n * row);
      memcpy(r->y + at * row, r->h + n * row, (size_t) row);
    }
  }
}

static tch_status recurrent_forward(tch_call *c, int kind, bool reverse) {
  run r;
  char *x;
  TCH_TRY(measure(c, kind, reverse, &r));
  const tch_tensor *wi = c->in[W_IH], *wh = c->in[W_HH];
  TCH_TRY(data_of(c, c->in[X], &x));
  TCH_TRY(gather_bias(c, &r));
  TCH_TRY(pack(c, &r, r.H, r.G, wh->stride[1], wh->stride[0]));
  TCH_TRY(numbers(c, &r, r.N * r.G, false, &r.product));
  r.start = c->in[H0] != NULL;
  TCH_TRY(start_state(&r, c->in[H0], c->out[H], &r.h));
  if (kind == TCH_CELL_LSTM) TCH_TRY(start_state(&r, c->in[C0], c->out[C], &r.c));
  else r.c = r.h; /* not used */
  r.y = tch_tensor_data(c->out[Y]);
  r.kept = tch_tensor_data(c->out[KEPT]);
  TCH_TRY(tch_gemm(r.type, r.T * r.N, r.G, r.I, 1, (tch_grid){x, r.I, 1},
                   (tch_grid){tch_tensor_data(wi), wi->stride[1], wi->stride[0]}, 0, (tch_grid){r.kept, r.R, 1}));
  tch_parallel(r.N, ROWS, forward_rows, &r);
  return TCH_OK;
}

/* -- backward ----------------------------------------------------------------------------------------------------- */

/* Rows of the states before step t of sequence n. */
static const char *h_before(const run *r, int64_t t, int64_t n) {
  int64_t before = t + (r->reverse ? 1 : -1);
  return t == first_of(r, n) ? r->h0 + n * r->h0_step : r->y + (before * r->N + n) * r->H * r->bytes;
}
static const char *c_before(const run *r, int64_t t, int64_t n) {
  int64_t before = t + (r->reverse ? 1 : -1);
  if (t == first_of(r, n)) return r->c0 + n * r->c0_step;
  return r->kept + ((before * r->N + n) * r->R + r->R - r->H) * r->bytes;
}

static void backward_rows(void *context, int64_t begin, int64_t end) {
  const run *r = context;
  int64_t row = r->H * r->bytes, gates = r->G * r->bytes;
  for (int64_t k = r->T - 1; k >= 0; k--) {
    int64_t t = step_of(r, k);
    for (int64_t n = begin; n < end; n++) {
      int64_t at = t * r->N + n;
      if (!alive(r, t, n)) {
        memset(r->d + at * gates, 0, (size_t) gates);
        if (r->dr != r->d) memset(r->dr + at * gates, 0, (size_t) gates);
        continue;
      }
      r->cell->backward(r->H, r->kept + at * r->R * r->bytes, h_before(r, t, n), c_before(r, t, n),
                        r->gy ? r->gy + at * row : NULL, r->h + n * row, r->c + n * row, r->d + at * gates, r->dr + at * gates);
    }
    if (k == 0 && !r->start) return;
    char *h = r->h + begin * row;
    r->products->product_direct(end - begin, r->H, r->G, 1, (tch_any_matrix){r->dr + (t * r->N + begin) * gates, r->G, 1},
                                r->weight, 1, (tch_tiled_from){.data = h, .step = r->H}, h, r->H);
  }
}

/* dw_hh = sum over the steps of dr' h_before: a shifted product, and the first steps with h0. */
static tch_status recurrent_weight_gradient(tch_call *c, const run *r) {
  tch_tensor *into;
  double alpha, beta;
  int64_t rows = (r->T - 1) * r->N, shift = r->N;
  char *d = r->dr + (r->reverse ? 0 : shift) * r->G * r->bytes, *y = r->y + (r->reverse ? shift : 0) * r->H * r->bytes, *first;
  TCH_TRY(tch_grad_open(c, W_HH, &into, &alpha, &beta));
  tch_grid dw = {tch_tensor_data(into), r->H, 1};
  TCH_TRY(tch_gemm(r->type, r->G, r->H, rows, alpha, (tch_grid){d, 1, r->G}, (tch_grid){y, r->H, 1}, beta, dw));
  if (c->in[H0] == NULL) return TCH_OK;
  TCH_TRY(numbers(c, r, r->N * r->G, false, &first));
  for (int64_t n = 0; n < r->N; n++)
    memcpy(first + n * r->G * r->bytes, r->dr + (first_of(r, n) * r->N + n) * r->G * r->bytes, (size_t) (r->G * r->bytes));
  return tch_gemm(r->type, r->G, r->H, r->N, alpha, (tch_grid){first, 1, r->G}, (tch_grid){r->h0, r->H, 1}, 1, dw);
}

static tch_status input_gradients(tch_call *c, const run *r) {
  const tch_tensor *w = c->in[W_IH];
  int64_t rows = r->T * r->N;
  tch_tensor *into;
  double alpha, beta;
  char *x;
  if (tch_wants(c, X)) {
    TCH_TRY(tch_grad_open(c, X, &into, &alpha, &beta));
    TCH_TRY(tch_gemm(r->type, rows, r->I, r->G, alpha, (tch_grid){r->d, r->G, 1},
                     (tch_grid){tch_tensor_data(w), w->stride[0], w->stride[1]}, beta,
                     (tch_grid){tch_tensor_data(into), r->I, 1}));
  }
  if (tch_wants(c, W_IH)) {
    TCH_TRY(data_of(c, c->in[X], &x));
    TCH_TRY(tch_grad_open(c, W_IH, &into, &alpha, &beta));
    TCH_TRY(tch_gemm(r->type, r->G, r->I, rows, alpha, (tch_grid){r->d, 1, r->G}, (tch_grid){x, r->I, 1}, beta,
                     (tch_grid){tch_tensor_data(into), r->I, 1}));
  }
  char *sums = NULL;
  for (int b = B_IH; b <= B_HH; b++) {
    if (!tch_wants(c, b)) continue;
    if (sums == NULL || r->dr != r->d) { /* else both biases have the same gradient */
      TCH_TRY(numbers(c, r, r->G, false, &sums));
      tch_sum_rows(r->type, rows, r->G, b == B_IH ? r->d : r->dr, 1, 0, sums);
    }
    TCH_TRY(tch_grad_open(c, b, &into, &alpha, &beta));
    tch_sum_rows(r->type, 1, r->G, sums, alpha, beta, tch_tensor_data(into));
  }
  return TCH_OK;
}

/* The states that sequences start from: those given, or one row of zeros for all. */
static tch_status start_rows(tch_call *c, run *r, int input, char **data, int64_t *step) {
  *step = c->in[input] ? r->H * r->bytes : 0;
  return c->in[input] ? data_of(c, c->in[input], data) : numbers(c, r, r->H, true, data);
}

/* The gradient of a state: it starts as the last one's and becomes the first one's. */
static tch_status state_gradient(tch_call *c, const run *r, int output, tch_tensor **t) {
  tch_shape shape = {.type = r->type, .ndim = 2, .size = {r->N, r->H}};
  TCH_TRY(tch_op_temp(c, &shape, t));
  return c->gout[output] ? tch_tensor_copy(*t, c->gout[output]) : tch_tensor_fill(*t, 0);
}

static tch_status give_state(tch_call *c, int input, tch_tensor *g) {
  if (!tch_wants(c, input)) return TCH_OK;
  tch_tensor_retain(g);
  return tch_grad_give(c, input, g);
}

static tch_status recurrent_backward(tch_call *c, int kind, bool reverse) {
  run r;
  const tch_tensor *w = c->in[W_HH];
  bool memory = kind == TCH_CELL_LSTM;
  tch_tensor *dh, *dc = NULL;
  TCH_TRY(measure(c, kind, reverse, &r));
  r.start = tch_wants(c, H0);
  r.y = tch_tensor_data(c->out[Y]);
  r.kept = tch_tensor_data(c->out[KEPT]);
  TCH_TRY(start_rows(c, &r, H0, &r.h0, &r.h0_step));
  if (memory) TCH_TRY(start_rows(c, &r, C0, &r.c0, &r.c0_step));
  if (c->gout[Y]) TCH_TRY(data_of(c, c->gout[Y], &r.gy));
  TCH_TRY(pack(c, &r, r.G, r.H, w->stride[0], w->stride[1]));
  TCH_TRY(numbers(c, &r, r.T * r.N * r.G, false, &r.d));
  r.dr = r.d;
  if (kind == TCH_CELL_GRU) TCH_TRY(numbers(c, &r, r.T * r.N * r.G, false, &r.dr));
  TCH_TRY(state_gradient(c, &r, H, &dh));
  if (memory) TCH_TRY(state_gradient(c, &r, C, &dc));
  r.h = tch_tensor_data(dh);
  r.c = memory ? tch_tensor_data(dc) : r.h; /* else not used */
  tch_parallel(r.N, ROWS, backward_rows, &r);
  TCH_TRY(input_gradients(c, &r));
  if (tch_wants(c, W_HH)) TCH_TRY(recurrent_weight_gradient(c, &r));
  TCH_TRY(give_state(c, H0, dh));
  return memory ? give_state(c, C0, dc) : TCH_OK;
}

/* -- the ops ------------------------------------------------------------------------------------------------------- */

#define RECURRENT(name, kind, more_in)                                                                                 \
  static tch_status name##_shape(tch_call *c) {                                                                        \
    const tch_##name##_attr *a = c->attr;                                                                              \
    return (void) a, recurrent_shape(c, kind);                                                                         \
  }                                                                                                                    \
  static tch_status name##_forward(tch_call *c) {                                                                      \
    const tch_##name##_attr *a = c->attr;                                                                              \
    return recurrent_forward(c, kind, a->reverse);                                                                     \
  }                                                                                                                    \
  static tch_status name##_backward(tch_call *c) {                                                                     \
    const tch_##name##_attr *a = c->attr;                                                                              \
    return recurrent_backward(c, kind, a->reverse);                                                                    \
  }                                                                                                                    \
  const tch_op_body tch_op_##name = {                                                                                  \
      .shape = name##_shape,                                                                                           \
      .forward = name##_forward,                                                                                       \
      .backward = name##_backward,                                                                                     \
      .save_in = 1 << X | 1 << W_IH | 1 << W_HH | 1 << H0 | 1 << LENGTHS | (more_in),                                  \
      .save_out = 1 << Y | 1 << KEPT,                                                                                  \
      .dense = true};

RECURRENT(rnn, a->relu ? TCH_CELL_RELU : TCH_CELL_TANH, 0)
RECURRENT(gru, TCH_CELL_GRU, 0)
RECURRENT(lstm, TCH_CELL_LSTM, 1 << C0)
