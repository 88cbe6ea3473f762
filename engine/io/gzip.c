/* Reads a file from front to back; one that starts as gzip (RFC 1952) is decompressed, member after member. */
#include "core/memory.h"
#include "io/io.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

enum {
  BUFFER = 1 << 16,
  RATIO = 1032 /* deflate makes at most this many bytes of one */
};

struct tch_reader {
  FILE *stream;
  z_stream z;
  bool gzip, member; /* member: inside a gzip member, whose end must come */
  int64_t size;      /* of the file */
  int64_t at;        /* bytes of contents read so far */
  size_t bytes;      /* of this record */
  char *path;        /* behind the buffer */
  unsigned char buffer[BUFFER];
};

/* Reads the next piece of the file if the buffer is used up; avail_in 0 then means its end. */
static tch_status fill(tch_reader *r) {
  if (r->z.avail_in) return TCH_OK;
  r->z.next_in = r->buffer;
  r->z.avail_in = (uInt) fread(r->buffer, 1, BUFFER, r->stream);
  if (!r->z.avail_in && ferror(r->stream))
    return tch_fail(TCH_ERROR_IO, "cannot read %s: %s", r->path, strerror(errno));
  return TCH_OK;
}

tch_status tch_reader_open(const char *path, tch_reader **out) {
  size_t length = strlen(path) + 1, bytes = sizeof(tch_reader) + length;
  tch_reader *r = tch_record_new(bytes);
  if (!r) return TCH_ERROR_MEMORY;
  memset(r, 0, offsetof(tch_reader, buffer));
  r->bytes = bytes;
  r->path = (char *) r + sizeof *r;
  memcpy(r->path, path, length);
  struct stat info;
  r->stream = fopen(path, "rb");
  if (!r->stream || fstat(fileno(r->stream), &info) != 0 || (S_ISDIR(info.st_mode) && (errno = EISDIR))) {
    tch_status status = tch_fail(TCH_ERROR_IO, "cannot read %s: %s", path, strerror(errno));
    tch_reader_close(r);
    return status;
  }
  r->size = S_ISREG(info.st_mode) ? (int64_t) info.st_size : INT64_MAX / RATIO;
  tch_status status = fill(r);
  bool gzip = status == TCH_OK && r->z.avail_in >= 2 && r->buffer[0] == 0x1f && r->buffer[1] == 0x8b;
  if (gzip && inflateInit2(&r->z, 16 + MAX_WBITS) != Z_OK)
    status = tch_fail(TCH_ERROR_MEMORY, "no memory to read %s", path);
  else r->gzip = r->member = gzip;
  if (status != TCH_OK) {
    tch_reader_close(r);
    return status;
  }
  *out = r;
  return TCH_OK;
}

void tch_reader_close(tch_reader *r) {
  if (!r) return;
  if (r->gzip) inflateEnd(&r->z);
  if (r->stream) fclose(r->stream);
  tch_record_free(r, r->bytes);
}

/* Reads up to n bytes, fewer only at the end of the contents. */
static tch_status read_plain(tch_reader *r, unsigned char *to, int64_t n, int64_t *got) {
  for (*got = 0; *got < n;) {
    TCH_TRY(fill(r));
    if (!r->z.avail_in) break;
    int64_t piece = n - *got < (int64_t) r->z.avail_in ? n - *got : (int64_t) r->z.avail_in;
    memcpy(to + *got, r->z.next_in, (size_t) piece);
    r->z.next_in += piece;
    r->z.avail_in -= (uInt) piece;
    *got += piece;
  }
  return TCH_OK;
}

static tch_status read_gzip(tch_reader *r, unsigned char *to, int64_t n, int64_t *got) {
  for (*got = 0; *got < n;) {
    TCH_TRY(fill(r));
    if (!r->z.avail_in) {
      if (r->member) return tch_fail(TCH_ERROR_IO, "%s: the compressed file is truncated", r->path);
      break;
    }
    if (!r->member) { /* another member, or bytes that do not belong */
      if (inflateReset(&r->z) != Z_OK) return tch_fail(TCH_ERROR_IO, "%s: the compressed file is damaged", r->path);
      r->member = true;
    }
    int64_t room = n - *got < BUFFER ? n - *got : BUFFER;
    r->z.next_out = to + *got;
    r->z.avail_out = (uInt) room;
    int code = inflate(&r->z, Z_NO_FLUSH);
    *got += room - r->z.avail_out;
    if (code == Z_STREAM_END) r->member = false;
    else if (code == Z_MEM_ERROR) return tch_fail(TCH_ERROR_MEMORY, "no memory to read %s", r->path);
    else if (code != Z_OK && code != Z_BUF_ERROR)
      return tch_fail(TCH_ERROR_IO, "%s: the compressed file is damaged (%s)", r->path, r->z.msg ? r->z.msg : "zlib");
  }
  return TCH_OK;
}

static tch_status read_some(tch_reader *r, void *to, int64_t n, int64_t *got) {
  tch_status status = r->gzip ? read_gzip(r, to, n, got) : read_plain(r, to, n, got);
  r->at += *got;
  return status;
}

tch_status tch_reader_read(tch_reader *r, void *to, int64_t n) {
  int64_t got = 0, from = r->at;
  TCH_TRY(read_some(r, to, n, &got));
  if (got == n) return TCH_OK;
  return tch_fail(TCH_ERROR_IO, "%s: truncated: its contents end after %lld bytes, %lld are needed", r->path,
                  (long long) r->at, (long long) (from + n));
}

tch_status tch_reader_end(tch_reader *r) {
  unsigned char next;
  int64_t got = 0, at = r->at;
  TCH_TRY(read_some(r, &next, 1, &got));
  if (!got) return TCH_OK;
  return tch_fail(TCH_ERROR_IO, "%s: more bytes follow the %lld that its header announces", r->path, (long long) at);
}

int64_t tch_reader_most(const tch_reader *r) {
  if (!r->gzip) return r->size;
  return r->size < INT64_MAX / RATIO ? r->size * RATIO : INT64_MAX;
}

bool tch_reader_gzip(const tch_reader *r) { return r->gzip; }
