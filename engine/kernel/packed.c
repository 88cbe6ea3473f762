/* Products with a packed matrix; see packed.h. A tile of TILE rows by two vectors is summed over k in registers. */
#include "kernel/packed.h"
#include "kernel/simd.h"

#define NAME2(type, isa) tch_packed_kernels_##type##_##isa
#define NAME(type, isa) NAME2(type, isa)

#if defined(__AVX512F__) || defined(__aarch64__)
enum { TILE = 8 }; /* of 32 registers */
#else
enum { TILE = 4 }; /* of 16 */
#endif
enum { PANEL = 2 * VLEN };

static void pack(int64_t k, int64_t n, tch_any_matrix b, void *to) {
  real *p = to;
  for (int64_t begin = 0; begin < n; begin += PANEL, p += k * PANEL) {
    const real *from = (const real *) b.data + begin * b.column;
    int64_t width = n - begin < (int64_t) PANEL ? n - begin : (int64_t) PANEL;
    if (width < (int64_t) PANEL) memset(p, 0, (size_t) (k * PANEL) * sizeof(real));
    if (b.column == 1)
      for (int64_t i = 0; i < k; i++) memcpy(p + i * PANEL, from + i * b.row, (size_t) width * sizeof(real));
    else
      for (int64_t j = 0; j < width; j++)
        for (int64_t i = 0; i < k; i++) p[i * PANEL + j] = from[i * b.row + j * b.column];
  }
}

/* c (rows, width <= PANEL) = a (rows, k) times one panel; rows is a constant at every call. */
static inline __attribute__((always_inline)) void tile(int rows, int64_t k, const real *a, int64_t row,
                                                       int64_t column, const real *b, bool add, real *c, int64_t c_step,
                                                       int64_t width) {
  V sum[TILE][2];
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++) sum[i][0] = sum[i][1] = (V){0};
  for (int64_t r = 0; r < k; r++, a += column, b += PANEL) {
    V b0 = vload(b), b1 = vload(b + VLEN);
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++) {
      V x = vset(a[i * row]);
      sum[i][0] = vfma(x, b0, sum[i][0]);
      sum[i][1] = vfma(x, b1, sum[i][1]);
    }
  }
  for (int i = 0; i < rows; i++)
    for (int h = 0; h < 2; h++) {
      real *to = c + i * c_step + h * VLEN;
      int64_t left = width - h * VLEN, part = left & (VLEN - 1);
      if (left >= (int64_t) VLEN) vstore(to, add ? vload(to) + sum[i][h] : sum[i][h]);
      else if (left > 0) vstore_part(to, add ? vload_part(to, part) + sum[i][h] : sum[i][h], part);
    }
}

static void product(int64_t m, int64_t n, int64_t k, tch_any_matrix a, tch_panels panels, bool add, void *cs,
                    int64_t c_step) {
  const real *b = panels.data;
  real *c = cs;
#define ROWS(count) \
  tile(count, k, (const real *) a.data + i * a.row, a.row, a.column, b, add, c + i * c_step + j, c_step, width)
  for (int64_t j = 0; j < n; j += PANEL, b += panels.depth * PANEL) {
    int64_t i = 0, width = n - j < (int64_t) PANEL ? n - j : (int64_t) PANEL;
    for (; i + TILE <= m; i += TILE) ROWS(TILE);
    for (; i + 2 <= m; i += 2) ROWS(2);
    if (i < m) ROWS(1);
  }
#undef ROWS
}

extern const tch_packed_kernels NAME(TCH_REAL, TCH_ISA);
const tch_packed_kernels NAME(TCH_REAL, TCH_ISA) = {.panel = PANEL, .pack = pack, .product = product};
