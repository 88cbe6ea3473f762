/* Cells of recurrent layers; see recurrent.h. In vectors, the last one of a row in part. */
#include "kernel/recurrent.h"
#include "kernel/simd.h"

#define NAME2(type, isa) tch_recurrent_kernels_##type##_##isa
#define NAME(type, isa) NAME2(type, isa)

static inline V get(const real *p, int64_t m) { return m >= (int64_t) VLEN ? vload(p) : vload_part(p, m & (VLEN - 1)); }
static inline void put(real *p, V v, int64_t m) {
  if (m >= (int64_t) VLEN) vstore(p, v);
  else vstore_part(p, v, m & (VLEN - 1));
}

/* Lanes at i of a row, of which m = n - i or more count. */
#define EACH_VECTOR(n) for (int64_t i = 0, m = (n); m > 0; i += VLEN, m -= VLEN)

/* Gate k before its function, without the recurrent part and with all of it. */
#define INPUT(k) (get(x + (k) * n + i, m) + get(b + (k) * n + i, m))
#define RECURRENT(k, gates) (get(r + (k) * n + i, m) + get(b + ((gates) + (k)) * n + i, m))

/* -- h' = f(x + r) ------------------------------------------------------------------------------------------------- */

static void tanh_forward(int64_t n, const void *bias, const void *recurrent, void *kept, void *state, void *none) {
  const real *b = bias, *r = recurrent;
  real *x = kept, *h = state;
  EACH_VECTOR(n) {
    V y = vtanh(INPUT(0) + RECURRENT(0, 1));
    put(x + i, y, m);
    put(h + i, y, m);
  }
}

static void relu_forward(int64_t n, const void *bias, const void *recurrent, void *kept, void *state, void *none) {
  const real *b = bias, *r = recurrent;
  real *x = kept, *h = state;
  EACH_VECTOR(n) {
    V y = vmax(INPUT(0) + RECURRENT(0, 1), 0);
    put(x + i, y, m);
    put(h + i, y, m);
  }
}

static inline V output_gradient(const real *gy, const real *dh, int64_t i, int64_t m) {
  return gy ? get(gy + i, m) + get(dh + i, m) : get(dh + i, m);
}

static void tanh_backward(int64_t n, const void *kept, const void *before_h, const void *before_c, const void *gys, void *dhs,
                          void *dcs, void *ds, void *drs) {
  const real *h = kept, *gy = gys;
  real *dh = dhs, *d = ds;
  EACH_VECTOR(n) {
    V y = get(h + i, m);
    put(d + i, output_gradient(gy, dh, i, m) * (1 - y * y), m);
    put(dh + i, (V){0}, m);
  }
}

static void relu_backward(int64_t n, const void *kept, const void *before_h, const void *before_c, const void *gys, void *dhs,
                          void *dcs, void *ds, void *drs) {
  const real *h = kept, *gy = gys;
  real *dh = dhs, *d = ds;
  EACH_VECTOR(n) {
    put(d + i, vsel(get(h + i, m) > 0, output_gradient(gy, dh, i, m), 0), m);
    put(dh + i, (V){0}, m);
  }
}

/* -- gated recurrent unit (Cho et al. 2014; the reset gate after the product, as in cuDNN): r, z = sigmoid(x + q),
 * n = tanh(x + r q), h' = (1 - z) n + z h -------------------------------------------------------------------------- */

static void gru_forward(int64_t n, const void *bias, const void *recurrent, void *kept, void *state, void *none) {
  const real *b = bias, *r = recurrent;
  real *x = kept, *h = state;
  EACH_VECTOR(n) {
    V reset = vsigmoid(INPUT(0) + RECURRENT(0, 3)), z = vsigmoid(INPUT(1) + RECURRENT(1, 3)), q = RECURRENT(2, 3);
    V new = vtanh(INPUT(2) + reset * q);
    put(x + i, reset, m);
    put(x + n + i, z, m);
    put(x + 2 * n + i, new, m);
    put(x + 3 * n + i, q, m);
    put(h + i, new + z * (get(h + i, m) - new), m);
  }
}

static void gru_backward(int64_t n, const void *kept, const void *before_h, const void *before_c, const void *gys, void *dhs,
                         void *dcs, void *ds, void *drs) {
  const real *k = kept, *before = before_h, *gy = gys;
  real *dh = dhs, *d = ds, *dr = drs;
  EACH_VECTOR(n) {
    V reset = get(k + i, m), z = get(k + n + i, m), new = get(k + 2 * n + i, m), q = get(k + 3 * n + i, m);
    V g = output_gradient(gy, dh, i, m);
    V dn = g * (1 - z) * (1 - new * new), dz = g * (get(before + i, m) - new) * z * (1 - z);
    V dreset = dn * q * reset * (1 - reset);
    put(d + i, dreset, m);
    put(d + n + i, dz, m);
    put(d + 2 * n + i, dn, m);
    put(dr + i, dreset, m);
    put(dr + n + i, dz, m);
    put(dr + 2 * n + i, dn * reset, m);
    put(dh + i, g * z, m);
  }
}

/* -- long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000):
 * c' = f c + i g, h' = o tanh(c') ---------------------------------------------------------------------------------- */

static void lstm_forward(int64_t n, const void *bias, const void *recurrent, void *kept, void *state, void *cell) {
  const real *b = bias, *r = recurrent;
  real *x = kept, *h = state, *c = cell;
  EACH_VECTOR(n) {
    V in = vsigmoid(INPUT(0) + RECURRENT(0, 4)), forget = vsigmoid(INPUT(1) + RECURRENT(1, 4));
    V new = vtanh(INPUT(2) + RECURRENT(2, 4)), out = vsigmoid(INPUT(3) + RECURRENT(3, 4));
    V next = forget * get(c + i, m) + in * new;
    put(x + i, in, m);
    put(x + n + i, forget, m);
    put(x + 2 * n + i, new, m);
    put(x + 3 * n + i, out, m);
    put(x + 4 * n + i, next, m);
    put(c + i, next, m);
    put(h + i, out * vtanh(next), m);
  }
}

static void lstm_backward(int64_t n, const void *kept, const void *before_h, const void *before_c, const void *gys, void *dhs,
                          void *dcs, void *ds, void *drs) {
  const real *k = kept, *before = before_c, *gy = gys;
  real *dh = dhs, *dc = dcs, *d = ds;
  EACH_VECTOR(n) {
    V in = get(k + i, m), forget = get(k + n + i, m), new = get(k + 2 * n + i, m), out = get(k + 3 * n + i, m);
    V t = vtanh(get(k + 4 * n + i, m)), g = output_gradient(gy, dh, i, m);
    V gc = get(dc + i, m) + g * out * (1 - t * t);
    put(d + i, gc * new * in * (1 - in), m);
    put(d + n + i, gc * get(before + i, m) * forget * (1 - forget), m);
    put(d + 2 * n + i, gc * in * (1 - new * new), m);
    put(d + 3 * n + i, g * t * out * (1 - out), m);
    put(dc + i, gc * forget, m);
    put(dh + i, (V){0}, m);
  }
}

extern const tch_recurrent_kernels NAME(TCH_REAL, TCH_ISA);
const tch_recurrent_kernels NAME(TCH_REAL, TCH_ISA) = {
    .cell = {[TCH_CELL_TANH] = {1, 1, tanh_forward, tanh_backward},
             [TCH_CELL_RELU] = {1, 1, relu_forward, relu_backward},
             [TCH_CELL_GRU] = {3, 4, gru_forward, gru_backward},
             [TCH_CELL_LSTM] = {4, 5, lstm_forward, lstm_backward}}};
