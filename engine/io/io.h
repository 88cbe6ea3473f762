/* Files: reading with every size checked, and writing that appears whole or not at all (tch_file, in tocha.h). */
#ifndef TCH_IO_IO_H
#define TCH_IO_IO_H
#include "core/error.h"
#include <stdio.h>

typedef struct tch_reader tch_reader; /* a file read from front to back, gzip undone */

tch_status tch_reader_open(const char *path, tch_reader **out);
void tch_reader_close(tch_reader *r); /* NULL is fine */
/* Reads exactly n bytes, or fails and says where the file ends. */
tch_status tch_reader_read(tch_reader *r, void *to, int64_t n);
/* Fails if anything follows. */
tch_status tch_reader_end(tch_reader *r);
bool tch_reader_gzip(const tch_reader *r); /* the file is compressed */
/* Bytes that the contents can have at most, by the size of the file: what asks for more is no honest header. */
int64_t tch_reader_most(const tch_reader *r);
/* Opens a file for reading, and only a file: a folder, a pipe and a device fail, and none is waited for. */
tch_status tch_file_open_regular(const char *path, FILE **out, int64_t *size);
/* Where the bytes of a file go. */
FILE *tch_file_stream(tch_file *f);
#endif
