/* Facts about data types, one row each. */
#ifndef TCH_CORE_DTYPE_H
#define TCH_CORE_DTYPE_H
#include "tocha.h"

/*        id      C type    name      is floating */
#define TCH_DTYPES(X)                 \
  X(BYTE,   uint8_t,  "Byte",   false) \
  X(CHAR,   int8_t,   "Char",   false) \
  X(SHORT,  int16_t,  "Short",  false) \
  X(INT,    int32_t,  "Int",    false) \
  X(LONG,   int64_t,  "Long",   false) \
  X(FLOAT,  float,    "Float",  true)  \
  X(DOUBLE, double,   "Double", true)

int64_t tch_dtype_bytes(tch_dtype type);
const char *tch_dtype_name(tch_dtype type); /* "Float" */
bool tch_dtype_floating(tch_dtype type);
#endif
