/* Scaled dot-product attention with heads (Vaswani et al. 2017): y = softmax(scale q k' + mask) v, head by head.
 *
 * Weights exist for BLOCK queries of one head at a time, so memory grows with L + S and not with L * S; forward keeps the
 * logarithm of each row's sum, from which backward makes the weights again (Dao et al. 2022). With p the weights and g the
 * gradient of y:  dv = p' g,  dp = g v',  ds = scale p (dp - sum p dp),  dq = ds k,  dk = ds' q. */
#include "core/cpu.h"
#include "core/thread.h"
#include "kernel/attention.h"
#include "kernel/tiled.h"
#include "op/op.h"
#include <math.h>
#include <string.h>

TCH_KERNEL_FAMILY(attention)
TCH_KERNEL_FAMILY(tiled)

typedef long long ll;
enum { BLOCK = 32, PIECES = 16 }; /* queries at a time; pieces of work at most, each with its own scratch memory */

/* Rows of all heads of one operand: row i of head h of example b at (b * batch + i * row + h * width). */
typedef struct part {
  char *data;
  int64_t batch, row, width;
} part;

typedef struct job {
  const tch_attention_kernels *rows;
  const tch_tiled_kernels *products;
  tch_dtype type;
  int64_t heads, L, S, bytes;
  double scale;
  bool causal;
  part q, k, v, y, gq, gk, gv; /* y: the output, or its gradient */
  void *lse;                   /* (batch, heads, L) */
  char *mask;                  /* (batch, heads, L, S), the first three by these strides, in elements */
  bool seen;                   /* it holds bytes */
  int64_t mask_step[3];
  char *scratch;
  int64_t scratch_size, grain; /* in elements; heads of a piece */
} job;

static char *at(const job *j, const part *p, int64_t b, int64_t h, int64_t i) {
  return p->data + (b * p->batch + i * p->row + h * p->width) * j->bytes;
}

static tch_any_matrix rows_of(const job *j, const part *p, int64_t b, int64_t h, int64_t i) {
  return (tch_any_matrix){at(j, p, b, h, i), p->row, 1};
}

static tch_any_matrix turned(tch_any_matrix m) { return (tch_any_matrix){m.data, m.column, m.row}; }

/* -- shape -------------------------------------------------------------------------------------------------------- */

static tch_status check_mask(tch_call *c, int input, const int64_t want[4]) {
  const tch_tensor *m = c->in[input], need = {.ndim = 4, .count = 1, .size = {want[0], want[1], want[2], want[3]}};
  char got[TCH_SHAPE_TEXT], text[TCH_SHAPE_TEXT];
  if (m == NULL) return TCH_OK;
  bool fit = m->ndim >= 1 && m->ndim <= 4 && m->size[m->ndim - 1] == want[3];
  for (int d = 2; d <= m->ndim && fit; d++) fit = m->size[m->ndim - d] == want[4 - d] || m->size[m->ndim - d] == 1;
  if (!fit)
    return tch_op_fail(c, TCH_ERROR_SHAPE, "mask is %s, which does not broadcast to (batch, heads, queries, keys) = %s",
                       tch_shape_text(m, got), tch_shape_text(&need, text));
  if (m->type != TCH_BYTE && m->type != c->in[0]->type)
    return tch_op_fail(c, TCH_ERROR_TYPE, "mask is a %sTensor, but a ByteTensor (0: not to be seen) or a %sTensor is needed",
                       tch_dtype_name(m->type), tch_dtype_name(c->in[0]->type));
  return TCH_OK;
}

/* Fills the output shapes: y (B, L, outputs), lse (B, heads, L). */
static tch_status fill_shapes(tch_call *c, int mask, int64_t heads, int64_t S, int64_t outputs) {
  const tch_tensor *q = c->in[0];
  int64_t want[4] = {q->size[0], heads, q->size[1], S};
  c->shape[0] = (tch_shape){q->type, 3, {q->size[0], q->size[1], outputs}};
  c->shape[1] = (tch_shape){q->type, 3, {q->size[0], heads, q->size[1]}};
  return check_mask(c, mask, want);
}

static tch_status attention_shape(tch_call *c) {
  const tch_attention_attr *a = c->attr;
  const tch_tensor *q = c->in[0], *k = c->in[1], *v = c->in[2];
  char s[TCH_SHAPE_TEXT], t[TCH_SHAPE_TEXT], u[TCH_SHAPE_TEXT];
  TCH_TRY(tch_op_same_float(c, 7));
  if (q->ndim != 3 || k->ndim != 3 || v->ndim != 3 || q->size[0] != k->size[0] || q->size[0] != v->size[0]
      || k->size[1] != v->size[1] || q->size[2] != k->size[2])
    return tch_op_fail(c, TCH_ERROR_SHAPE, "q (batch, L, features), k (batch, S, features) and v (batch, S, any) do not fit: "
                       "%s, %s and %s", tch_shape_text(q, s), tch_shape_text(k, t), tch_shape_text(v, u));
  if (a->heads < 1 || q->size[2] % a->heads || v->size[2] % a->heads)
    return tch_op_fail(c, TCH_ERROR_VALUE, "%lld features of q and %lld of v cannot be cut into %lld heads", (ll) q->size[2],
                       (ll) v->size[2], (ll) a->heads);
  return fill_shapes(c, 3, a->heads, k->size[1], v->size[2]);
}

static tch_status self_attention_shape(tch_call *c) {
  const tch_self_attention_attr *a = c->attr;
  const tch_tensor *qkv = c->in[0];
  char s[TCH_SHAPE_TEXT];
  TCH_TRY(tch_op_same_float(c, 1));
  if (qkv->ndim != 3 || a->heads < 1 || qkv->size[2] % (3 * a->heads))
    return tch_op_fail(c, TCH_ERROR_SHAPE, "qkv is %s, but (batch, L, 3 * heads * D) is needed, with %lld heads",
                       tch_shape_text(qkv, s), (ll) a->heads);
  return fill_shapes(c, 1, a->heads, qkv->size[1], qkv->size[2] / 3);
}

/* -- operands ------------------------------------------------------------------------------------------------------ */

/* Columns [column, column + width * heads) of t (batch, rows, any). */
static part part_of(const job *j, const tch_tensor *t, int64_t column, int64_t width) {
  return (part){(char *) tch_tensor_data(t) + column * j->bytes, t->stride[0], t->stride[1], width};
}

static tch_status rows_contiguous(tch_call *c, tch_tensor *t, tch_tensor **out) {
  *out = t;
  return t->stride[2] == 1 || t->size[2] == 1 ? TCH_OK : tch_op_contiguous(c, t, out);
}

static tch_status mask_of(tch_call *c, job *j, tch_tensor *m) {
  if (m == NULL) return TCH_OK;
  TCH_TRY(tch_op_contiguous(c, m, &m));
  j->mask = tch_tensor_data(m);
  j->seen = m->type == TCH_BYTE;
  for (int d = 0; d < 3; d++) {
    int from = d + m->ndim - 4;
    j->mask_step[d] = from < 0 || m->size[from] == 1 ? 0 : m->stride[from];
  }
  return TCH_OK;
}

static tch_status scratch_of(tch_call *c, job *j, int64_t units, int64_t per_piece) {
  tch_tensor *t;
  j->grain = (units + PIECES - 1) / PIECES;
  j->scratch_size = per_piece;
  tch_shape shape = {.type = j->type, .ndim = 1, .size = {(j->grain ? (units + j->grain - 1) / j->grain : 0) * per_piece}};
  TCH_TRY(tch_op_temp(c, &shape, &t));
  j->scratch = tch_tensor_data(t);
  return TCH_OK;
}

/* What attention and self_attention know differently: q, k, v as parts, and the rest of the job. */
static tch_status measure(tch_call *c, bool self, job *j) {
  const tch_attention_attr *a = c->attr;
  tch_tensor *q, *k, *v;
  *j = (job){.rows = tch_attention_table(c->in[0]->type), .products = tch_tiled_table(c->in[0]->type), .type = c->in[0]->type,
             .heads = a->heads, .causal = a->causal, .bytes = tch_dtype_bytes(c->in[0]->type)};
  TCH_TRY(rows_contiguous(c, c->in[0], &q));
  int64_t D = q->size[2] / a->heads / (self ? 3 : 1), E = D, width = D * a->heads;
  k = v = q;
  if (!self) {
    TCH_TRY(rows_contiguous(c, c->in[1], &k));
    TCH_TRY(rows_contiguous(c, c->in[2], &v));
    E = v->size[2] / a->heads;
  }
  j->q = part_of(j, q, 0, D);
  j->k = part_of(j, k, self ? width : 0, D);
  j->v = part_of(j, v, self ? 2 * width : 0, E);
  j->L = q->size[1];
  j->S = k->size[1];
  j->scale = a->factor != 0 ? a->factor : 1 / sqrt((double) D);
  return mask_of(c, j, c->in[self ? 1 : 3]);
}

/* -- forward ------------------------------------------------------------------------------------------------------- */

static tch_score_rule rule_of(const job *j, int64_t b, int64_t h, int64_t i) {
  tch_score_rule rule = {.scale = j->scale};
  if (j->mask == NULL) return rule;
  int64_t place = b * j->mask_step[0] + h * j->mask_step[1] + i * j->mask_step[2];
  if (j->seen) rule.seen = (const uint8_t *) j->mask + place;
  else rule.bias = j->mask + place * j->bytes;
  return rule;
}

static int64_t visible(const job *j, int64_t i) { return j->causal && i + 1 < j->S ? i + 1 : j->S; }

static double load(const job *j, int64_t i) {
  return j->type == TCH_DOUBLE ? ((double *) j->lse)[i] : ((float *) j->lse)[i];
}
static void store(const job *j, int64_t i, double v) {
  if (j->type == TCH_DOUBLE) ((double *) j->lse)[i] = v;
  else ((float *) j->lse)[i] = (float) v;
}

static void clear(const job *j, char *row, int64_t from, int64_t to) {
  memset(row + from * j->bytes, 0, (size_t) ((to - from) * j->bytes));
}

/* Memory of a piece, cut up. */
static char *take(const job *j, char **scratch, int64_t count) {
  char *p = *scratch;
  *scratch += count * j->bytes;
  return p;
}

static tch_panels packed(const job *j, char **scratch, int64_t k, int64_t n, tch_any_matrix m) {
  char *to = take(j, scratch, tch_tiled_count(j->products, k, n));
  j->products->pack_panels(k, n, m, to);
  return (tch_panels){to, k};
}

/* c (m, n) = a (m, k) * b, or c += a * b */
static void multiply(const job *j, int64_t m, int64_t n, int64_t k, tch_any_matrix a, tch_panels b, bool add, char *c,
                     int64_t c_step) {
  j->products->product_direct(m, n, k, 1, a, b, add, (tch_tiled_from){c, c_step}, c, c_step);
}

static void forward_head(const job *j, int64_t b, int64_t h, char *scratch) {
  int64_t D = j->q.width, E = j->v.width;
  tch_panels keys = packed(j, &scratch, D, j->S, turned(rows_of(j, &j->k, b, h, 0)));
  tch_panels values = packed(j, &scratch, j->S, E, rows_of(j, &j->v, b, h, 0));
  char *p = scratch;
  for (int64_t begin = 0; begin < j->L; begin += BLOCK) {
    int64_t end = begin + BLOCK < j->L ? begin + BLOCK : j->L, seen = visible(j, end - 1);
    multiply(j, end - begin, seen, D, rows_of(j, &j->q, b, h, begin), keys, false, p, j->S);
    for (int64_t i = begin; i < end; i++) {
      char *row = p + (i - begin) * j->S * j->bytes;
      store(j, (b * j->heads + h) * j->L + i, j->rows->softmax(visible(j, i), rule_of(j, b, h, i), row));
      clear(j, row, visible(j, i), seen);
    }
    multiply(j, end - begin, E, seen, (tch_any_matrix){p, j->S, 1}, values, false, at(j, &j->y, b, h, begin), j->y.row);
  }
}

static void forward_piece(void *context, int64_t begin, int64_t end) {
  const job *j = context;
  char *scratch = j->scratch + begin / j->grain * j->scratch_size * j->bytes;
  for (int64_t u = begin; u < end; u++) forward_head(j, u / j->heads, u % j->heads, scratch);
}

static tch_status run_forward(tch_call *c, bool self) {
  job j;
  TCH_TRY(measure(c, self, &j));
  int64_t units = c->in[0]->size[0] * j.heads, D = j.q.width, E = j.v.width;
  if (units == 0 || j.L == 0) return TCH_OK;
  if (j.S == 0) return tch_tensor_fill(c->out[0], 0);
  j.y = part_of(&j, c->out[0], 0, E);
  j.lse = tch_tensor_data(c->out[1]);
  TCH_TRY(scratch_of(c, &j, units, tch_tiled_count(j.products, D, j.S) + tch_tiled_count(j.products, j.S, E) + BLOCK * j.S));
  tch_parallel(units, j.grain, forward_piece, &j);
  return TCH_OK;
}

/* -- backward ------------------------------------------------------------------------------------------------------ */

static void backward_head(const job *j, int64_t b, int64_t h, char *scratch) {
  int64_t D = j->q.width, E = j->v.width;
  tch_panels keys = packed(j, &scratch, D, j->S, turned(rows_of(j, &j->k, b, h, 0)));
  tch_panels key_rows = packed(j, &scratch, j->S, D, rows_of(j, &j->k, b, h, 0));
  tch_panels values = packed(j, &scratch, E, j->S, turned(rows_of(j, &j->v, b, h, 0)));
  char *p = take(j, &scratch, BLOCK * j->S), *ds = take(j, &scratch, BLOCK * j->S);
  tch_any_matrix weights = {p, j->S, 1}, scores = {ds, j->S, 1};
  for (int64_t i = 0; i < j->S; i++) {
    clear(j, at(j, &j->gk, b, h, i), 0, D);
    clear(j, at(j, &j->gv, b, h, i), 0, E);
  }
  for (int64_t begin = 0; begin < j->L; begin += BLOCK) {
    int64_t end = begin + BLOCK < j->L ? begin + BLOCK : j->L, count = end - begin, seen = visible(j, end - 1);
    tch_any_matrix q = rows_of(j, &j->q, b, h, begin), g = rows_of(j, &j->y, b, h, begin);
    char *block = scratch;
    multiply(j, count, seen, D, q, keys, false, p, j->S);
    multiply(j, count, seen, E, g, values, false, ds, j->S);
    for (int64_t i = begin; i < end; i++) {
      int64_t n = visible(j, i), row = (i - begin) * j->S * j->bytes;
      j->rows->softmax_again(n, rule_of(j, b, h, i), load(j, (b * j->heads + h) * j->L + i), p + row);
      j->rows->gradient(n, p + row, j->scale, ds + row);
      clear(j, p + row, n, seen);
      clear(j, ds + row, n, seen);
    }
    multiply(j, count, D, seen, scores, key_rows, false, at(j, &j->gq, b, h, begin), j->gq.row);
    tch_panels q_rows = packed(j, &block, count, D, q), g_rows = packed(j, &block, count, E, g);
    multiply(j, seen, D, count, turned(scores), q_rows, true, at(j, &j->gk, b, h, 0), j->gk.row);
    multiply(j, seen, E, count, turned(weights), g_rows, true, at(j, &j->gv, b, h, 0), j->gv.row);
  }
}

static void backward_piece(void *context, int64_t begin, int64_t end) {
  const job *j = context;
  char *scratch = j->scratch + begin / j->grain * j->scratch_size * j->bytes;
  for (int64_t u = begin; u < end; u++) backward_head(j, u / j->heads, u % j->heads, scratch);
}

static tch_status run_backward(tch_call *c, bool self) {
  job j;
  tch_tensor *g[3], *gy;
  TCH_TRY(measure(c, self, &j));
  int inputs = self ? 1 : 3;
  for (int i = 0; i < inputs; i++) TCH_TRY(tch_op_temp(c, &c->in_shape[i], &g[i]));
  TCH_TRY(rows_contiguous(c, c->gout[0], &gy));
  int64_t units = c->in[0]->size[0] * j.heads, D = j.q.width, E = j.v.width, width = D * j.heads;
  j.y = part_of(&j, gy, 0, E);
  j.gq = part_of(&j, g[0], 0, D);
  j.gk = part_of(&j, g[self ? 0 : 1], self ? width : 0, D);
  j.gv = part_of(&j, g[self ? 0 : 2], self ? 2 * width : 0, E);
  j.lse = tch_tensor_data(c->out[1]);
  const tch_tiled_kernels *products = j.products;
  int64_t whole = 2 * tch_tiled_count(products, D > E ? D : E, j.S) + tch_tiled_count(products, j.S, D) + 2 * BLOCK * j.S;
  TCH_TRY(scratch_of(c, &j, units, whole + 2 * tch_tiled_count(products, BLOCK, D > E ? D : E)));
  if (units && j.S && j.L) tch_parallel(units, j.grain, backward_piece, &j);
  else for (int i = 0; i < inputs; i++) TCH_TRY(tch_tensor_fill(g[i], 0));
  for (int i = 0; i < inputs; i++) {
    if (!tch_wants(c, i)) continue;
    tch_tensor_retain(g[i]);
    TCH_TRY(tch_grad_give(c, i, g[i]));
  }
  return TCH_OK;
}

/* -- the ops ------------------------------------------------------------------------------------------------------- */

static tch_status attention_forward(tch_call *c) { return run_forward(c, false); }
static tch_status attention_backward(tch_call *c) { return run_backward(c, false); }
static tch_status self_attention_forward(tch_call *c) { return run_forward(c, true); }
static tch_status self_attention_backward(tch_call *c) { return run_backward(c, true); }
_Static_assert(sizeof(tch_attention_attr) == sizeof(tch_self_attention_attr), "both share their bodies");

const tch_op_body tch_op_attention = {.shape = attention_shape, .forward = attention_forward, .backward = attention_backward,
                                      .save_in = 15, .save_out = 2, .dense = true};
const tch_op_body tch_op_self_attention = {.shape = self_attention_shape, .forward = self_attention_forward,
                                           .backward = self_attention_backward, .save_in = 3, .save_out = 2, .dense = true};
