/* Facts about data types, read from the rows of dtype.h. */
#include "core/dtype.h"

static const struct {
  int bytes;
  const char *name;
  bool floating;
} facts[] = {
#define ROW(ID, T, NAME, FLOATING) [TCH_##ID] = {sizeof(T), NAME, FLOATING},
    TCH_DTYPES(ROW)
#undef ROW
#define ROW(ID, T, NAME, FRACTION, BIAS) [TCH_##ID] = {sizeof(T), NAME, false},
        TCH_STORED_DTYPES(ROW)
#undef ROW
};

_Static_assert(sizeof facts / sizeof *facts == TCH_DTYPE_COUNT, "every data type has its row");

int64_t tch_dtype_bytes(tch_dtype type) { return facts[type].bytes; }

const char *tch_dtype_name(tch_dtype type) { return facts[type].name; }

bool tch_dtype_floating(tch_dtype type) { return facts[type].floating; }

bool tch_dtype_stored(tch_dtype type) { return type >= TCH_HALF; }
