/* Folders and tar archives as lists of files. */
#include "core/memory.h"
#include "core/tensor.h"
#include "io/io.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <stdio.h>

enum { BLOCK = 512, NAME_MOST = 1 << 16, FILES_MOST = 1 << 26 };

/* -- lists that grow ---------------------------------------------------------------------------------------------------- */

typedef struct list {
  tch_storage *storage;
  int64_t count;
} list;

static tch_status room(list *l, tch_dtype type, int64_t more) {
  if (!l->storage) return tch_storage_new(type, more > 4096 ? more : 4096, &l->storage);
  int64_t have = tch_storage_count(l->storage), need = l->count + more;
  return need <= have ? TCH_OK : tch_storage_resize(l->storage, need > 2 * have ? need : 2 * have);
}

static tch_status push_bytes(list *l, const void *bytes, int64_t n) {
  TCH_TRY(room(l, TCH_BYTE, n));
  memcpy((char *) tch_storage_data(l->storage) + l->count, bytes, (size_t) n);
  l->count += n;
  return TCH_OK;
}

static tch_status push_numbers(list *l, int64_t a, int64_t b) {
  TCH_TRY(room(l, TCH_LONG, 2));
  int64_t *to = (int64_t *) tch_storage_data(l->storage) + l->count;
  to[0] = a;
  to[1] = b;
  l->count += 2;
  return TCH_OK;
}

/* The list as a tensor (count), or (count / columns, columns); without elements if it is empty. */
static tch_status tensor_of(list *l, tch_dtype type, int64_t columns, tch_tensor **out) {
  if (!l->count) return tch_tensor_empty(type, out);
  int64_t size[] = {columns ? l->count / columns : l->count, columns};
  return tch_tensor_view_of(l->storage, 0, columns ? 2 : 1, size, NULL, out);
}

static void drop(list *l) {
  if (l->storage) tch_storage_release(l->storage);
}

/* -- folders -------------------------------------------------------------------------------------------------------------- */

/* What an entry is: '/' a folder, 0 a file, -1 neither. */
static int kind_of(const char *folder, const char *name) {
  char path[4096];
  struct stat info;
  if ((size_t) snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path || stat(path, &info) != 0) return -1;
  return S_ISDIR(info.st_mode) ? '/' : S_ISREG(info.st_mode) ? 0 : -1;
}

/* By bytes, whatever the locale. */
static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

tch_status tch_folder_list(const char *path, tch_tensor **names) {
  struct dirent **entries = NULL;
  int n = scandir(path, &entries, NULL, by_name);
  if (n < 0) return tch_fail(TCH_ERROR_IO, "cannot read %s: %s", path, strerror(errno));
  list all = {0};
  tch_status status = TCH_OK;
  for (int i = 0; i < n; i++) {
    const char *name = entries[i]->d_name;
    int kind = strcmp(name, ".") && strcmp(name, "..") && status == TCH_OK ? kind_of(path, name) : -1;
    if (kind >= 0) status = push_bytes(&all, name, (int64_t) strlen(name));
    if (kind >= 0 && status == TCH_OK) status = kind ? push_bytes(&all, "/", 2) : push_bytes(&all, "", 1);
    free(entries[i]);
  }
  free(entries);
  if (status == TCH_OK) status = tensor_of(&all, TCH_BYTE, 0, names);
  drop(&all);
  return status;
}

/* -- tar (POSIX.1-2017, pax, "ustar interchange format"; long names of GNU tar) ------------------------------------ */

typedef struct tar {
  tch_reader *r;
  const char *path;
  bool whole;            /* contents go into blob */
  int64_t at;            /* bytes read */
  list names, places, blob;
  char name[NAME_MOST];  /* of the next file, from a long name before it, or empty */
} tar;

/* A number in octal digits, or in base 256 if its first bit is set; -1 if it is none. */
static int64_t number(const uint8_t *field, int n) {
  int64_t value = 0;
  if (field[0] & 0x80) {
    value = field[0] & 0x7f;
    for (int i = 1; i < n; i++) {
      if (value >> 54) return -1;
      value = value << 8 | field[i];
    }
    return value;
  }
  int i = 0;
  while (i < n && field[i] == ' ') i++;
  for (; i < n && field[i] && field[i] != ' '; i++) {
    if (field[i] < '0' || field[i] > '7') return -1;
    value = value * 8 + field[i] - '0';
  }
  return value;
}

static bool checksum_fits(const uint8_t *head) {
  int64_t sum = 0;
  for (int i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? ' ' : head[i];
  return sum == number(head + 148, 8);
}

static tch_status damaged(const tar *t, const char *what) {
  return tch_fail(TCH_ERROR_IO, "%s: damaged tar archive: %s at byte %lld", t->path, what, (long long) t->at);
}

static tch_status get(tar *t, void *to, int64_t n) {
  TCH_TRY(tch_reader_read(t->r, to, n));
  t->at += n;
  return TCH_OK;
}

/* Passes over n bytes and what fills their last block. */
static tch_status pass(tar *t, int64_t n) {
  uint8_t buffer[4096];
  while (n > 0) {
    int64_t piece = n < (int64_t) sizeof buffer ? n : (int64_t) sizeof buffer;
    TCH_TRY(get(t, buffer, piece));
    n -= piece;
  }
  return TCH_OK;
}

static int64_t padding(int64_t n) { return (BLOCK - n % BLOCK) % BLOCK; }

/* Takes the long name of the next file: the contents, or the value of "path" in pax records "<length> path=<name>\n". */
static tch_status long_name(tar *t, int64_t count, bool pax) {
  if (count >= NAME_MOST) return pax ? pass(t, count + padding(count)) : damaged(t, "a name is too long");
  static _Thread_local char text[NAME_MOST];
  TCH_TRY(get(t, text, count));
  TCH_TRY(pass(t, padding(count)));
  text[count] = 0;
  if (!pax) {
    memcpy(t->name, text, (size_t) count + 1);
    return TCH_OK;
  }
  for (char *record = text; record < text + count;) {
    char *end;
    long length = strtol(record, &end, 10);
    if (length < 3 || length > text + count - record || end >= record + length) return damaged(t, "a pax record does not fit");
    if (!strncmp(end, " path=", 6)) snprintf(t->name, sizeof t->name, "%.*s", (int) (record + length - 1 - (end + 6)), end + 6);
    record += length;
  }
  return TCH_OK;
}

static tch_status file(tar *t, const uint8_t *head, int64_t count) {
  char name[NAME_MOST];
  bool prefix = !memcmp(head + 257, "ustar", 5) && head[345];
  if (t->name[0]) snprintf(name, sizeof name, "%s", t->name);
  else if (prefix) snprintf(name, sizeof name, "%.155s/%.100s", (const char *) head + 345, (const char *) head);
  else snprintf(name, sizeof name, "%.100s", (const char *) head);
  t->name[0] = 0;
  TCH_TRY(push_bytes(&t->names, name, (int64_t) strlen(name) + 1));
  TCH_TRY(push_numbers(&t->places, t->whole ? t->blob.count : t->at, count));
  if (!t->whole) return pass(t, count + padding(count));
  if (count > tch_reader_most(t->r)) return damaged(t, "a file is longer than the archive");
  TCH_TRY(room(&t->blob, TCH_BYTE, count));
  TCH_TRY(get(t, (char *) tch_storage_data(t->blob.storage) + t->blob.count, count));
  t->blob.count += count;
  return pass(t, padding(count));
}

static tch_status entry(tar *t, const uint8_t *head) {
  int64_t count = number(head + 124, 12);
  if (!checksum_fits(head) || count < 0) return damaged(t, "no header");
  switch (head[156]) {
    case 'L': return long_name(t, count, false);
    case 'x': return long_name(t, count, true);
    case 0:
    case '0':
    case '7': return file(t, head, count);
    default: t->name[0] = 0; return pass(t, head[156] == '5' || head[156] == '1' || head[156] == '2' ? 0 : count + padding(count));
  }
}

static tch_status entries(tar *t) {
  uint8_t head[BLOCK];
  static const uint8_t zeros[BLOCK];
  for (int64_t n = 0; n < FILES_MOST; n++) {
    TCH_TRY(get(t, head, BLOCK));
    if (!memcmp(head, zeros, BLOCK)) return TCH_OK;
    TCH_TRY(entry(t, head));
  }
  return damaged(t, "too many files");
}

tch_status tch_tar_list(const char *path, tch_tensor **names, tch_tensor **places, tch_tensor **blob) {
  tar *t = tch_record_new(sizeof *t);
  if (!t) return TCH_ERROR_MEMORY;
  memset(t, 0, offsetof(tar, name) + 1);
  t->path = path;
  tch_tensor *made[3] = {NULL, NULL, NULL};
  tch_status status = tch_reader_open(path, &t->r);
  if (status == TCH_OK) {
    t->whole = tch_reader_gzip(t->r);
    status = entries(t);
  }
  tch_reader_close(t->r);
  if (status == TCH_OK) status = tensor_of(&t->names, TCH_BYTE, 0, &made[0]);
  if (status == TCH_OK) status = tensor_of(&t->places, TCH_LONG, 2, &made[1]);
  if (status == TCH_OK && t->whole) status = tensor_of(&t->blob, TCH_BYTE, 0, &made[2]);
  drop(&t->names);
  drop(&t->places);
  drop(&t->blob);
  tch_record_free(t, sizeof *t);
  for (int k = 0; status != TCH_OK && k < 3; k++) tch_tensor_release(made[k]);
  if (status != TCH_OK) return status;
  *names = made[0];
  *places = made[1];
  *blob = made[2];
  return TCH_OK;
}
