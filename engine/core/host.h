/* What the machine, the scheduler and the control groups allow this process. Read anew on every call. */
#ifndef TCH_CORE_HOST_H
#define TCH_CORE_HOST_H
#include <stdint.h>

int tch_host_cores(void);      /* physical cores that the process may run on, at least 1 */
int64_t tch_host_memory(void); /* bytes of memory and swap that the process can ever get; INT64_MAX if unknown */
#endif
