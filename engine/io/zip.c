/* ZIP archives by minizip: entries read whole and checked; archives that appear whole or not at all. */
#include "core/memory.h"
#include "core/tensor.h"
#include "io/io.h"
#include <minizip/unzip.h>
#include <minizip/zip.h>
#include <string.h>
#include <sys/stat.h>

enum {
  NAME = 1024,     /* bytes of an entry's name, at most */
  PIECE = 1 << 30, /* minizip counts in unsigned */
  RATIO = 1032,    /* deflate makes at most this many bytes of one */
  ENCRYPTED = 1    /* bit of an entry's flags */
};

/* -- reading ---------------------------------------------------------------------------------------------------- */

struct tch_unzip {
  unzFile file;
  int64_t size; /* of the archive */
  bool begun;
  char name[NAME];
};

static tch_status damaged(const tch_unzip *z, const char *what) {
  return tch_fail(TCH_ERROR_IO, "the ZIP archive is damaged: %s%s%s", z->name, *z->name ? ": " : "", what);
}

tch_status tch_unzip_open(const char *path, tch_unzip **out) {
  struct stat info;
  if (stat(path, &info) != 0 || !S_ISREG(info.st_mode)) return tch_fail(TCH_ERROR_IO, "cannot read %s", path);
  tch_unzip *z = tch_record_new(sizeof *z);
  if (!z) return TCH_ERROR_MEMORY;
  memset(z, 0, sizeof *z);
  z->size = (int64_t) info.st_size;
  z->file = unzOpen64(path);
  if (!z->file) {
    tch_record_free(z, sizeof *z);
    return tch_fail(TCH_ERROR_IO, "%s is no ZIP archive, or it is truncated", path);
  }
  *out = z;
  return TCH_OK;
}

void tch_unzip_close(tch_unzip *z) {
  if (!z) return;
  unzClose(z->file);
  tch_record_free(z, sizeof *z);
}

/* What the directory says of the current entry, held against what can be. */
static tch_status entry_size(tch_unzip *z, int64_t *size) {
  unz_file_info64 info;
  if (unzGetCurrentFileInfo64(z->file, &info, z->name, NAME - 1, NULL, 0, NULL, 0) != UNZ_OK)
    return damaged(z, "an entry cannot be read");
  if (info.size_filename >= NAME || strlen(z->name) != info.size_filename) return damaged(z, "a name cannot be");
  if (info.flag & ENCRYPTED) return tch_fail(TCH_ERROR_IO, "%s is encrypted", z->name);
  if (info.compression_method != 0 && info.compression_method != Z_DEFLATED)
    return tch_fail(TCH_ERROR_IO, "%s is compressed by method %lu, which cannot be read", z->name,
                    info.compression_method);
  if (info.compressed_size > (uint64_t) z->size || info.uncompressed_size > info.compressed_size * RATIO)
    return damaged(z, "its size cannot be");
  *size = (int64_t) info.uncompressed_size;
  return TCH_OK;
}

static tch_status read_entry(tch_unzip *z, char *to, int64_t size) {
  if (unzOpenCurrentFile(z->file) != UNZ_OK) return damaged(z, "it cannot be opened");
  int64_t at = 0;
  while (at < size) {
    int n = unzReadCurrentFile(z->file, to + at, (unsigned) (size - at < PIECE ? size - at : PIECE));
    if (n <= 0) break;
    at += n;
  }
  char more;
  bool whole = at == size && unzReadCurrentFile(z->file, &more, 1) == 0;
  if (unzCloseCurrentFile(z->file) != UNZ_OK) return damaged(z, "its checksum does not agree"); /* UNZ_CRCERROR */
  return whole ? TCH_OK : damaged(z, "it does not have the size that the archive says");
}

tch_status tch_unzip_next(tch_unzip *z, const char **name, tch_tensor **bytes) {
  int64_t size;
  tch_tensor *t = NULL;
  z->name[0] = 0;
  int code = z->begun ? unzGoToNextFile(z->file) : unzGoToFirstFile(z->file);
  z->begun = true;
  *name = NULL;
  if (code == UNZ_END_OF_LIST_OF_FILE) return TCH_OK;
  if (code != UNZ_OK) return damaged(z, "its directory ends too early");
  TCH_TRY(entry_size(z, &size));
  TCH_TRY(tch_tensor_new(TCH_BYTE, 1, &size, &t));
  tch_status status = read_entry(z, tch_tensor_data(t), size);
  if (status != TCH_OK) {
    tch_tensor_release(t);
    return status;
  }
  *name = z->name;
  *bytes = t;
  return TCH_OK;
}

/* -- writing ---------------------------------------------------------------------------------------------------- */

struct tch_zip {
  zipFile zip;
  tch_file *file; /* whose stream minizip writes to */
};

static voidpf use_stream(voidpf stream, const void *name, int mode) { return stream; }
static int leave_stream(voidpf opaque, voidpf stream) { return 0; }

tch_status tch_zip_create(const char *path, tch_zip **out) {
  tch_zip *z = tch_record_new(sizeof *z);
  if (!z) return TCH_ERROR_MEMORY;
  tch_status status = tch_file_create(path, &z->file);
  if (status == TCH_OK) {
    zlib_filefunc64_def io;
    fill_fopen64_filefunc(&io);
    io.zopen64_file = use_stream;
    io.zclose_file = leave_stream;
    io.opaque = tch_file_stream(z->file);
    z->zip = zipOpen2_64(path, APPEND_STATUS_CREATE, NULL, &io);
    if (z->zip) {
      *out = z;
      return TCH_OK;
    }
    tch_file_discard(z->file);
    status = tch_fail(TCH_ERROR_MEMORY, "no memory to write %s", path);
  }
  tch_record_free(z, sizeof *z);
  return status;
}

static tch_status write_failed(void) {
  return tch_fail(TCH_ERROR_IO, "the ZIP archive cannot be written: the disk may be full");
}

tch_status tch_zip_begin(tch_zip *z, const char *name, bool compress) {
  zip_fileinfo info = {.tmz_date = {.tm_mday = 1, .tm_year = 1980}}; /* equal contents give equal files */
  return zipOpenNewFileInZip64(z->zip, name, &info, NULL, 0, NULL, 0, NULL, compress ? Z_DEFLATED : 0,
                               Z_DEFAULT_COMPRESSION, 1)
                 == ZIP_OK
             ? TCH_OK
             : write_failed();
}

tch_status tch_zip_write(tch_zip *z, const void *bytes, int64_t count) {
  for (int64_t at = 0; at < count; at += PIECE) {
    unsigned n = (unsigned) (count - at < PIECE ? count - at : PIECE);
    if (zipWriteInFileInZip(z->zip, (const char *) bytes + at, n) != ZIP_OK) return write_failed();
  }
  return TCH_OK;
}

tch_status tch_zip_commit(tch_zip *z) {
  bool good = zipClose(z->zip, NULL) == ZIP_OK;
  tch_status status = good ? tch_file_commit(z->file) : write_failed();
  if (!good) tch_file_discard(z->file);
  tch_record_free(z, sizeof *z);
  return status;
}

void tch_zip_discard(tch_zip *z) {
  if (!z) return;
  zipClose(z->zip, NULL);
  tch_file_discard(z->file);
  tch_record_free(z, sizeof *z);
}
