/* Winograd's transformations of one line of vectors, `s` apart, into another, `t` apart: F(4, 3) of Lavin and Gray 2015. Included
 * by kernel units, with LINE the type of a vector. */
#ifndef TCH_KERNEL_LINES_H
#define TCH_KERNEL_LINES_H

static inline __attribute__((always_inline)) void line_input(const LINE *d, int s, LINE *o, int t) { /* B' */
  LINE a = d[4 * s] - 4 * d[2 * s], b = d[3 * s] - 4 * d[s], c = d[4 * s] - d[2 * s], e = 2 * (d[3 * s] - d[s]);
  o[0] = 4 * d[0] - 5 * d[2 * s] + d[4 * s];
  o[t] = a + b;
  o[2 * t] = a - b;
  o[3 * t] = c + e;
  o[4 * t] = c - e;
  o[5 * t] = 4 * d[s] - 5 * d[3 * s] + d[5 * s];
}

static inline __attribute__((always_inline)) void line_output(const LINE *m, int s, LINE *o, int t) { /* A' */
  LINE a = m[s] + m[2 * s], b = m[s] - m[2 * s], c = m[3 * s] + m[4 * s], e = m[3 * s] - m[4 * s];
  o[0] = m[0] + a + c;
  o[t] = b + 2 * e;
  o[2 * t] = a + 4 * c;
  o[3 * t] = b + 8 * e + m[5 * s];
}
#endif
