/* The sentence of a failure. Owned by the thread; kept until the next failure. */
#ifndef TCH_CORE_ERROR_H
#define TCH_CORE_ERROR_H
#include "tocha.h"

/* Stores the formatted sentence (cut at 1023 bytes) and returns status. */
tch_status tch_fail(tch_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define TCH_TRY(call)                                                                                                  \
  do {                                                                                                                 \
    tch_status status_ = (call);                                                                                       \
    if (status_ != TCH_OK) return status_;                                                                             \
  } while (0)
#endif
