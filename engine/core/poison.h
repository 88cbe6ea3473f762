/* Marks of the address sanitizer for memory that nobody may touch now; nothing without it. */
#ifndef TCH_CORE_POISON_H
#define TCH_CORE_POISON_H
#if defined(__SANITIZE_ADDRESS__)
#define TCH_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TCH_POISON 1
#endif
#endif
#ifdef TCH_POISON
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, bytes)   ((void) (at))
#define ASAN_UNPOISON_MEMORY_REGION(at, bytes) ((void) (at))
#endif
#endif
