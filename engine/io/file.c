/* Files that appear whole or not at all: written beside their place, flushed to the disk, then renamed. Files read at once. */
#include "core/memory.h"
#include "core/tensor.h"
#include "io/io.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct tch_file {
  FILE *stream;
  size_t bytes;    /* of this record */
  bool aside;      /* written under the temporary name; otherwise in place, for it is no regular file */
  char *temporary; /* both in `names` */
  char *target;
  char names[];
};

static tch_status write_failed(const char *path) {
  return tch_fail(TCH_ERROR_IO, "cannot write %s: %s", path, strerror(errno));
}

static void file_free(tch_file *f) { tch_record_free(f, f->bytes); }

/* Opens a new file beside the target, with the mode of the file that it will replace. */
static int open_aside(tch_file *f, size_t room, const struct stat *old) {
  static atomic_uint counter;
  for (int attempt = 0; attempt < 100; attempt++) {
    unsigned n = atomic_fetch_add(&counter, 1);
    snprintf(f->temporary, room, "%s.%ld-%u.part", f->target, (long) getpid(), n);
    int fd = open(f->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0 && old) (void) !fchmod(fd, old->st_mode & 07777);
    if (fd >= 0 || errno != EEXIST) return fd;
  }
  return -1;
}

tch_status tch_file_create(const char *path, tch_file **out) {
  if (!path || !*path) return tch_fail(TCH_ERROR_IO, "cannot write a file without a name");
  struct stat old;
  bool exists = stat(path, &old) == 0, aside = !exists || S_ISREG(old.st_mode);
  char *real = exists ? realpath(path, NULL) : NULL; /* a link stays a link: its target is replaced */
  const char *target = real ? real : path;
  size_t length = strlen(target) + 1, room = length + 48, bytes = sizeof(tch_file) + length + room;
  tch_file *f = tch_record_new(bytes);
  if (!f) {
    free(real);
    return TCH_ERROR_MEMORY;
  }
  *f = (tch_file){.bytes = bytes, .aside = aside, .target = f->names, .temporary = f->names + length};
  memcpy(f->target, target, length);
  free(real);
  int fd = aside ? open_aside(f, room, exists ? &old : NULL) : open(f->target, O_WRONLY | O_CLOEXEC);
  if (fd >= 0 && !(f->stream = fdopen(fd, "wb"))) close(fd);
  if (!f->stream) {
    tch_status status = write_failed(path);
    file_free(f);
    return status;
  }
  *out = f;
  return TCH_OK;
}

tch_status tch_file_write(tch_file *f, const void *bytes, int64_t count) {
  if (count <= 0 || fwrite(bytes, 1, (size_t) count, f->stream) == (size_t) count) return TCH_OK;
  return write_failed(f->target);
}

FILE *tch_file_stream(tch_file *f) { return f->stream; }

void tch_file_discard(tch_file *f) {
  if (!f) return;
  if (f->stream) fclose(f->stream);
  if (f->aside) unlink(f->temporary);
  file_free(f);
}

/* Makes the new name last through a power cut; a file system that cannot is not asked again. */
static void sync_folder(char *path) {
  char *slash = strrchr(path, '/');
  if (slash) slash[slash == path] = 0;
  int fd = open(slash ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  (void) !fsync(fd);
  close(fd);
}

tch_status tch_file_commit(tch_file *f) {
  bool good = fflush(f->stream) == 0 && (!f->aside || fsync(fileno(f->stream)) == 0);
  tch_status status = good ? TCH_OK : write_failed(f->target);
  if (fclose(f->stream) != 0 && good) status = write_failed(f->target);
  f->stream = NULL;
  if (status == TCH_OK && f->aside && rename(f->temporary, f->target) != 0) status = write_failed(f->target);
  if (status != TCH_OK) {
    tch_file_discard(f);
    return status;
  }
  if (f->aside) sync_folder(f->target);
  file_free(f);
  return TCH_OK;
}

/* Reads `size` bytes and no more: what is written behind them meanwhile is not seen. */
static tch_status read_all(FILE *stream, const char *path, int64_t size, tch_tensor **out) {
  tch_tensor *t = NULL;
  TCH_TRY(tch_tensor_new(TCH_BYTE, 1, &size, &t));
  int64_t got = size ? (int64_t) fread(tch_tensor_data(t), 1, (size_t) size, stream) : 0;
  if (got == size) {
    *out = t;
    return TCH_OK;
  }
  tch_tensor_release(t);
  if (ferror(stream)) return tch_fail(TCH_ERROR_IO, "cannot read %s: %s", path, strerror(errno));
  return tch_fail(TCH_ERROR_IO, "%s became shorter while it was read", path);
}

tch_status tch_file_open_regular(const char *path, FILE **out, int64_t *size) {
  struct stat info;
  int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a pipe without a writer would make us wait */
  FILE *stream = NULL;
  tch_status status = TCH_OK;
  if (fd < 0 || fstat(fd, &info) != 0 || (S_ISDIR(info.st_mode) && (errno = EISDIR)))
    status = tch_fail(TCH_ERROR_IO, "cannot read %s: %s", path, strerror(errno));
  else if (!S_ISREG(info.st_mode)) status = tch_fail(TCH_ERROR_IO, "cannot read %s: it is no regular file", path);
  else if (!(stream = fdopen(fd, "rb"))) status = tch_fail(TCH_ERROR_IO, "cannot read %s: %s", path, strerror(errno));
  if (status != TCH_OK) {
    if (fd >= 0) close(fd);
    return status;
  }
  *out = stream;
  *size = (int64_t) info.st_size;
  return TCH_OK;
}

tch_status tch_file_read(const char *path, tch_tensor **out) {
  FILE *stream;
  int64_t size;
  TCH_TRY(tch_file_open_regular(path, &stream, &size));
  tch_status status = read_all(stream, path, size, out);
  fclose(stream);
  return status;
}
