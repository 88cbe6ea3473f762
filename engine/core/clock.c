/* Clocks of the process. */
#include "tocha.h"
#include <sys/resource.h>
#include <time.h>

static double seconds(struct timeval t) { return (double) t.tv_sec + 1e-6 * (double) t.tv_usec; }

void tch_clock(double *real, double *user, double *system) {
  struct timespec now;
  struct rusage usage;
  clock_gettime(CLOCK_MONOTONIC, &now);
  getrusage(RUSAGE_SELF, &usage);
  *real = (double) now.tv_sec + 1e-9 * (double) now.tv_nsec;
  *user = seconds(usage.ru_utime);
  *system = seconds(usage.ru_stime);
}
