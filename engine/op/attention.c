/* Scaled dot-product attention with heads (Vaswani et al. 2017): y = softmax(scale q k' + mask) v, head by head.
 *
 * Weights exist for TCH_QUERIES queries of one head at a time, so memory grows with L + S and not with L * S; forward keeps the
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
enum { PIECES = 16 }; /* of work at most, each with its own scratch memory */

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

static int64_t least(int64_t x, int64_t y) { return x < y ? x : y; }

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

static void clear(const job *j, char *row, int64_t count) { memset(row, 0, (size_t) (count * j->bytes)); }

/* Memory of a piece, cut up. */
static char *take(const job *j, char **scratch, int64_t count) {
  char *p = *scratch;
  *scratch += count * j->bytes;
  return p;
}

static tch_panels packed(const job *j, char **scratch, int64_t k, int64_t n, tch_any_matrix m) {
  char *to = take(j, scratch, tch_tiled_count(j->products, k, n));
  j->products->pack_panels(k, n, m, to);
  return (tch_panels){to, k, 0};
}

/* c (m, n) = a (m, k) * b, or c += a * b */
static void multiply(const job *j, int64_t m, int64_t n, int64_t k, tch_any_matrix a, tch_panels b, bool add, char *c,
                     int64_t c_step) {
  j->products->product_direct(m, n, k, 1, a, b, add, (tch_tiled_from){.data = c, .step = c_step}, c, c_step);
}

/* Queries from `begin` on, and the keys that one of them sees. */
static tch_block block_at(const job *j, int64_t begin) {
  int64_t count = least(j->L - begin, TCH_QUERIES), keys = j->causal ? least(begin + count, j->S) : j->S;
  return (tch_block){count, keys, j->causal ? begin : j->S, j->scale};
}

/* Scores of a block of queries: k (keys, n) times q' (n, queries). */
static void scores(const job *j, tch_block b, int64_t n, tch_any_matrix k, tch_any_matrix q, char *scratch, char *s) {
  int64_t columns = j->products->columns, width = (b.queries + columns - 1) / columns * columns;
  multiply(j, b.keys, width, n, k, packed(j, &scratch, n, b.queries, turned(q)), false, s, TCH_QUERIES);
}

/* Applies the mask to scores; the scale is in them then. */
static void mask_scores(const job *j, int64_t b, int64_t h, int64_t begin, tch_block *block, char *s) {
  if (j->mask == NULL) return;
  for (int64_t i = 0; i < block->queries; i++) j->rows->rule(block->keys, rule_of(j, b, h, begin + i), s + i * j->bytes);
  block->scale = 1;
}

static char *lse_at(const job *j, int64_t b, int64_t h, int64_t i) {
  return (char *) j->lse + ((b * j->heads + h) * j->L + i) * j->bytes;
}

static void forward_head(const job *j, int64_t b, int64_t h, char *scratch) {
  int64_t D = j->q.width, E = j->v.width;
  _Alignas(64) char share[TCH_QUERIES * sizeof(double)], lse[TCH_QUERIES * sizeof(double)];
  tch_panels values = packed(j, &scratch, j->S, E, rows_of(j, &j->v, b, h, 0));
  char *p = take(j, &scratch, TCH_QUERIES * j->S);
  for (int64_t begin = 0; begin < j->L; begin += TCH_QUERIES) {
    tch_block block = block_at(j, begin);
    char *y = at(j, &j->y, b, h, begin);
    scores(j, block, D, rows_of(j, &j->k, b, h, 0), rows_of(j, &j->q, b, h, begin), scratch, p);
    mask_scores(j, b, h, begin, &block, p);
    j->rows->softmax(block, p, share, lse);
    memcpy(lse_at(j, b, h, begin), lse, (size_t) (block.queries * j->bytes));
    multiply(j, block.queries, E, block.keys, (tch_any_matrix){p, 1, TCH_QUERIES}, values, false, y, j->y.row);
    j->rows->divide(block.queries, E, share, y, j->y.row);
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
  TCH_TRY(scratch_of(c, &j, units,
                     tch_tiled_count(j.products, j.S, E) + TCH_QUERIES * j.S + tch_tiled_count(j.products, D, TCH_QUERIES)));
  tch_parallel(units, j.grain, forward_piece, &j);
  return TCH_OK;
}

/* -- backward ------------------------------------------------------------------------------------------------------ */

/* The last queries first: what they do not see gets no gradient. */
static void backward_head(const job *j, int64_t b, int64_t h, char *scratch) {
  int64_t D = j->q.width, E = j->v.width, last = (j->L - 1) / TCH_QUERIES * TCH_QUERIES;
  _Alignas(64) char lse[TCH_QUERIES * sizeof(double)] = {0};
  tch_panels key_rows = packed(j, &scratch, j->S, D, rows_of(j, &j->k, b, h, 0));
  char *p = take(j, &scratch, TCH_QUERIES * j->S), *ds = take(j, &scratch, TCH_QUERIES * j->S);
  for (int64_t i = block_at(j, last).keys; i < j->S; i++) {
    clear(j, at(j, &j->gk, b, h, i), D);
    clear(j, at(j, &j->gv, b, h, i), E);
  }
  for (int64_t begin = last; begin >= 0; begin -= TCH_QUERIES) {
    tch_block block = block_at(j, begin), plain = block;
    int64_t count = block.queries;
    tch_any_matrix q = rows_of(j, &j->q, b, h, begin), g = rows_of(j, &j->y, b, h, begin);
    char *rest = scratch;
    scores(j, block, D, rows_of(j, &j->k, b, h, 0), q, scratch, p);
    scores(j, block, E, rows_of(j, &j->v, b, h, 0), g, scratch, ds);
    mask_scores(j, b, h, begin, &plain, p);
    memcpy(lse, lse_at(j, b, h, begin), (size_t) (count * j->bytes));
    j->rows->softmax_again(plain, lse, p);
    j->rows->gradient(block, p, ds);
    multiply(j, count, D, block.keys, (tch_any_matrix){ds, 1, TCH_QUERIES}, key_rows, false, at(j, &j->gq, b, h, begin),
             j->gq.row);
    tch_panels q_rows = packed(j, &rest, count, D, q), g_rows = packed(j, &rest, count, E, g);
    bool add = begin != last;
    multiply(j, block.keys, D, count, (tch_any_matrix){ds, TCH_QUERIES, 1}, q_rows, add, at(j, &j->gk, b, h, 0), j->gk.row);
    multiply(j, block.keys, E, count, (tch_any_matrix){p, TCH_QUERIES, 1}, g_rows, add, at(j, &j->gv, b, h, 0), j->gv.row);
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
  int64_t larger = D > E ? D : E, turned_block = tch_tiled_count(products, larger, TCH_QUERIES);
  int64_t rows_block = 2 * tch_tiled_count(products, TCH_QUERIES, larger);
  TCH_TRY(scratch_of(c, &j, units, tch_tiled_count(products, j.S, D) + 2 * TCH_QUERIES * j.S
                                     + (turned_block > rows_block ? turned_block : rows_block)));
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
