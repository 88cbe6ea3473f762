/* PPM and PGM, plain and raw (netpbm's ppm(5) and pgm(5)): a magic number, width, height, the sample that means white, samples.
 * Samples of two bytes are big-endian. */
#include "core/memory.h"
#include "io/picture.h"
#include <stdio.h>
#include <string.h>

typedef struct text {
  const uint8_t *bytes;
  int64_t count, at;
} text;

static bool space(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* The next decimal number, after white space and comments; -1 if there is none below 2^24. */
static int64_t next_number(text *t) {
  while (t->at < t->count && (space(t->bytes[t->at]) || t->bytes[t->at] == '#')) {
    if (t->bytes[t->at] == '#')
      while (t->at < t->count && t->bytes[t->at] != '\n' && t->bytes[t->at] != '\r') t->at++;
    else t->at++;
  }
  int64_t value = 0, first = t->at;
  while (t->at < t->count && t->bytes[t->at] >= '0' && t->bytes[t->at] <= '9' && value < 1 << 24)
    value = value * 10 + t->bytes[t->at++] - '0';
  return t->at > first && value < 1 << 24 ? value : -1;
}

static tch_status too_bright(int64_t value, unsigned most) {
  return tch_fail(TCH_ERROR_IO, "damaged PNM: a sample is %lld, but white is %u", (long long) value, most);
}

static tch_status read_plain(text *t, void *row, int64_t n, unsigned most) {
  for (int64_t i = 0; i < n; i++) {
    int64_t value = next_number(t);
    if (value < 0)
      return tch_fail(TCH_ERROR_IO, t->at >= t->count ? "truncated PNM: samples are missing"
                                                      : "damaged PNM: a sample is no number");
    if (value > most) return too_bright(value, most);
    if (most > 255) ((uint16_t *) row)[i] = (uint16_t) value;
    else ((uint8_t *) row)[i] = (uint8_t) value;
  }
  return TCH_OK;
}

static tch_status read_raw(text *t, void *row, int64_t n, unsigned most) {
  int64_t bytes = n * (most > 255 ? 2 : 1);
  if (t->count - t->at < bytes) return tch_fail(TCH_ERROR_IO, "truncated PNM: samples are missing");
  const uint8_t *from = t->bytes + t->at;
  t->at += bytes;
  if (most == 255) {
    memcpy(row, from, (size_t) n);
    return TCH_OK;
  }
  for (int64_t i = 0; i < n; i++) {
    unsigned value = most > 255 ? (unsigned) from[2 * i] << 8 | from[2 * i + 1] : from[i];
    if (value > most) return too_bright(value, most);
    if (most > 255) ((uint16_t *) row)[i] = (uint16_t) value;
    else ((uint8_t *) row)[i] = (uint8_t) value;
  }
  return TCH_OK;
}

static tch_status read_rows(tch_picture *p, text *t, bool raw) {
  int64_t n = p->width * p->channels, room = n * (p->most > 255 ? 2 : 1);
  void *row;
  TCH_TRY(tch_alloc(room, &row));
  tch_status status = TCH_OK;
  for (int64_t y = 0; y < p->height && status == TCH_OK; y++) {
    status = raw ? read_raw(t, row, n, p->most) : read_plain(t, row, n, p->most);
    if (status == TCH_OK) tch_picture_row(p, y, row);
  }
  tch_free(row, room);
  return status;
}

tch_status tch_pnm_decode(tch_picture *p) {
  int kind = p->bytes[1] - '0';
  if (kind != 2 && kind != 3 && kind != 5 && kind != 6)
    return tch_fail(TCH_ERROR_IO, "unsupported magic number: P%d (P2, P3, P5 and P6 can be read)", kind);
  text t = {p->bytes, p->count, 2};
  int64_t width = next_number(&t), height = next_number(&t), most = next_number(&t);
  if (width < 0 || height < 0 || most < 1 || most > 65535 || t.at >= t.count || !space(t.bytes[t.at]))
    return tch_fail(TCH_ERROR_IO, "damaged PNM: its header is not a width, a height and a maximum from 1 to 65535");
  t.at++;
  bool raw = kind > 3;
  int channels = kind % 3 == 0 ? 3 : 1;
  TCH_TRY(tch_picture_open(p, channels, (unsigned) most, height, width, (raw && most > 255 ? 16 : 8) * channels));
  return p->header ? TCH_OK : read_rows(p, &t, raw);
}

tch_status tch_pnm_encode(const uint8_t *pixels, int channels, int64_t height, int64_t width, tch_tensor **out) {
  char head[64];
  int length = snprintf(head, sizeof head, "P%d\n%lld %lld\n255\n", channels == 3 ? 6 : 5, (long long) width,
                        (long long) height);
  int64_t count = length + channels * height * width;
  TCH_TRY(tch_tensor_new(TCH_BYTE, 1, &count, out));
  uint8_t *to = tch_tensor_data(*out);
  memcpy(to, head, (size_t) length);
  memcpy(to + length, pixels, (size_t) (count - length));
  return TCH_OK;
}
