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

/* Types that are stored, moved and cast, but not computed with.
 *        id        C type    name        bits of the fraction and bias of the exponent */
#define TCH_STORED_DTYPES(X)              \
  X(HALF,     uint16_t, "Half",     10, 15) \
  X(BFLOAT16, uint16_t, "BFloat16", 7,  127)

int64_t tch_dtype_bytes(tch_dtype type);
const char *tch_dtype_name(tch_dtype type); /* "Float" */
bool tch_dtype_floating(tch_dtype type); /* computes with fractions: false for what is only stored */
bool tch_dtype_stored(tch_dtype type);   /* one of TCH_STORED_DTYPES */
#endif
