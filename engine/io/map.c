/* Storages on mapped files and shared memory. */
#include "core/dtype.h"
#include "core/memory.h"
#include "core/storage.h"
#include "io/io.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct mapping {
  size_t record, bytes; /* of this struct; of the file */
  void *at;
  char name[]; /* of shared memory to unlink; empty: none */
} mapping;

static void unmap(void *owner) {
  mapping *m = owner;
  munmap(m->at, m->bytes);
  if (m->name[0]) shm_unlink(m->name);
  tch_record_free(m, m->record);
}

static tch_status failed(const char *path) { return tch_fail(TCH_ERROR_IO, "cannot map %s: %s", path, strerror(errno)); }

/* Without waiting for the other end of a pipe. */
static int open_file(const char *path, bool shared, bool memory) {
  if (memory) return shm_open(path, O_RDWR | O_CREAT, 0600);
  return shared ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666) : open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

/* The number of bytes to map; grows a shared file. */
static tch_status size_of(int fd, const char *path, int64_t unit, int64_t count, bool shared, int64_t *bytes) {
  struct stat st;
  if (fstat(fd, &st) != 0) return failed(path);
  if (!S_ISREG(st.st_mode)) return tch_fail(TCH_ERROR_IO, "cannot map %s: it is no regular file", path);
  *bytes = count < 0 ? st.st_size / unit * unit : count * unit;
  if (*bytes == 0) return tch_fail(TCH_ERROR_IO, "cannot map %s: there is nothing in it to map", path);
  if (*bytes <= st.st_size) return TCH_OK;
  if (!shared)
    return tch_fail(TCH_ERROR_IO, "cannot map %lld bytes of %s, which has %lld", (long long) *bytes, path,
                    (long long) st.st_size);
  errno = posix_fallocate(fd, 0, *bytes); /* so that no page lacks room on the disk when it is written */
  return errno == 0 ? TCH_OK : failed(path);
}

static tch_status map(int fd, tch_dtype type, const char *path, int64_t count, bool shared, bool memory, tch_storage **out) {
  int64_t bytes = 0, unit = tch_dtype_bytes(type);
  TCH_TRY(size_of(fd, path, unit, count, shared, &bytes));
  size_t length = memory ? strlen(path) + 1 : 1;
  mapping *m = tch_record_new(sizeof *m + length);
  if (m == NULL) return TCH_ERROR_MEMORY;
  *m = (mapping){.record = sizeof *m + length, .bytes = (size_t) bytes};
  memcpy(m->name, memory ? path : "", length);
  m->at = mmap(NULL, m->bytes, PROT_READ | PROT_WRITE, shared ? MAP_SHARED : MAP_PRIVATE, fd, 0);
  tch_status status = m->at == MAP_FAILED ? failed(path) : tch_storage_over(type, bytes / unit, m->at, unmap, m, out);
  if (status == TCH_OK) return TCH_OK;
  if (m->at != MAP_FAILED) munmap(m->at, m->bytes);
  tch_record_free(m, m->record);
  return status;
}

tch_status tch_storage_map(tch_dtype type, const char *path, int64_t count, bool shared, bool memory, tch_storage **out) {
  if ((unsigned) type >= TCH_DTYPE_COUNT) return tch_fail(TCH_ERROR_TYPE, "storage: there is no data type %d", (int) type);
  if (count > INT64_MAX / tch_dtype_bytes(type))
    return tch_fail(TCH_ERROR_VALUE, "storage: %lld elements are not possible", (long long) count);
  int fd = open_file(path, shared, memory);
  if (fd < 0) return failed(path);
  tch_status status = map(fd, type, path, count, shared, shared && memory, out);
  close(fd);
  return status;
}
