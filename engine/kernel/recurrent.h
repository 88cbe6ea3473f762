/* The cells of recurrent layers, one row of n units at a time. Knows no tensors, no threads. */
#ifndef TCH_KERNEL_RECURRENT_H
#define TCH_KERNEL_RECURRENT_H
#include <stdint.h>

enum { TCH_CELL_TANH, TCH_CELL_RELU, TCH_CELL_GRU, TCH_CELL_LSTM, TCH_CELLS };

/* A cell of G gates sees, for each gate, x W' + h W_h' + b + b_h. It keeps of a step what its gradient needs, R numbers a unit
 * in `kept`, whose first G * n hold x W' at first.
 *
 *   tanh, relu  G 1, R 1: h
 *   gru         G 3, R 4: r z n and the recurrent part of n
 *   lstm        G 4, R 5: i f g o and c */
typedef struct tch_cell {
  int gates, kept;
  /* bias (2, G, n), recurrent (G, n) = h W_h'; h, and c of an lstm, become the next ones. */
  void (*forward)(int64_t n, const void *bias, const void *recurrent, void *kept, void *h, void *c);
  /* before_h, before_c: states before the step. gy: the gradient of the output, or NULL. dh, dc: gradients of the states after
   * the step in; out, of those before, dh without the part through the recurrent product. Writes the gradients d (G, n) of
   * x W' and dr (G, n) of h W_h' (the same memory where they are equal: every cell but the gru). */
  void (*backward)(int64_t n, const void *kept, const void *before_h, const void *before_c, const void *gy, void *dh, void *dc,
                   void *d, void *dr);
} tch_cell;

typedef struct tch_recurrent_kernels {
  tch_cell cell[TCH_CELLS];
} tch_recurrent_kernels;
#endif
