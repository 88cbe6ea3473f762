/* Cores and memory that this process may use: the machine's, narrowed by affinity and control groups. */
#define _GNU_SOURCE
#include "core/host.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sched.h>
#include <sys/sysinfo.h>
#endif

#ifdef __linux__
enum { PATH = 4096 };

/* First line of a file; false if there is none. */
static bool read_line(const char *path, char *line, int room) {
  FILE *file = fopen(path, "re");
  if (!file) return false;
  bool ok = fgets(line, room, file) != NULL;
  fclose(file);
  return ok;
}

/* A count that a file holds; -1 for "max", negative numbers and missing files. */
static int64_t read_count(const char *folder, const char *name) {
  char path[PATH + 64], line[64];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  if (!read_line(path, line, sizeof line) || line[0] < '0' || line[0] > '9') return -1;
  return strtoll(line, NULL, 10);
}

/* Calls see(folder, least) for the process's control group of a controller and all groups above it. The unified
 * hierarchy (version 2) has an empty controller list in /proc/self/cgroup; version 1 names the controller and mounts it
 * apart. */
static void walk_groups(const char *controller, void (*see)(const char *folder, int64_t *least), int64_t *least) {
  FILE *file = fopen("/proc/self/cgroup", "re");
  if (!file) return;
  char line[PATH];
  while (fgets(line, sizeof line, file)) {
    char *names = strchr(line, ':');
    char *group = names ? strchr(names + 1, ':') : NULL;
    if (!group) continue;
    *group++ = 0;
    names++;
    group[strcspn(group, "\n")] = 0;
    char folder[PATH + 64];
    int root;
    if (*names == 0) root = snprintf(folder, sizeof folder, "/sys/fs/cgroup");
    else if (strstr(names, controller)) root = snprintf(folder, sizeof folder, "/sys/fs/cgroup/%s", controller);
    else continue;
    snprintf(folder + root, sizeof folder - root, "%s", group);
    for (;;) {
      see(folder, least);
      char *slash = strrchr(folder, '/');
      if (!slash || slash < folder + root) break;
      *slash = 0;
    }
  }
  fclose(file);
}

static void lower(int64_t *least, int64_t value) {
  if (value >= 0 && value < *least) *least = value;
}

static void see_cpu_quota(const char *folder, int64_t *least) {
  char path[PATH + 64], line[64];
  snprintf(path, sizeof path, "%s/cpu.max", folder);
  long long quota, period;
  if (read_line(path, line, sizeof line) && sscanf(line, "%lld %lld", &quota, &period) == 2 && period > 0)
    lower(least, quota / period);
  quota = read_count(folder, "cpu.cfs_quota_us");
  period = read_count(folder, "cpu.cfs_period_us");
  if (quota >= 0 && period > 0) lower(least, quota / period);
}

static void see_memory_limit(const char *folder, int64_t *least) {
  lower(least, read_count(folder, "memory.max"));
  lower(least, read_count(folder, "memory.limit_in_bytes"));
}

/* The hardware threads of one core share a list of siblings: only the first allowed one of each list is counted. */
static bool first_of_core(int cpu, const cpu_set_t *allowed) {
  char path[128], line[256];
  snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
  if (!read_line(path, line, sizeof line)) return true;
  for (char *at = line; *at >= '0' && *at <= '9';) {
    long low = strtol(at, &at, 10), high = low;
    if (*at == '-') high = strtol(at + 1, &at, 10);
    for (long i = low; i <= high && i < cpu; i++)
      if (CPU_ISSET(i, allowed)) return false;
    if (*at == ',') at++;
  }
  return true;
}

int tch_host_cores(void) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int) online : 1;
  }
  int64_t cores = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
    if (CPU_ISSET(cpu, &allowed) && first_of_core(cpu, &allowed)) cores++;
  walk_groups("cpu", see_cpu_quota, &cores);
  return cores > 0 ? (int) cores : 1;
}

int64_t tch_host_memory(void) {
  struct sysinfo info;
  if (sysinfo(&info) != 0) return INT64_MAX;
  int64_t bytes = (int64_t) (info.totalram + info.totalswap) * info.mem_unit;
  walk_groups("memory", see_memory_limit, &bytes);
  return bytes;
}

#else

int tch_host_cores(void) {
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? (int) online : 1;
}

int64_t tch_host_memory(void) { return INT64_MAX; }

#endif
