/* What the machine, the scheduler and the control groups allow this process. Read anew on every call. */
#ifndef TCH_CORE_HOST_H
#define TCH_CORE_HOST_H
#include "tocha.h"

int64_t tch_host_memory(void); /* bytes of memory and swap that the process can ever get; INT64_MAX if unknown */
#endif
