/* The orientation in an EXIF segment: "Exif\0\0", then a TIFF file whose first directory may hold tag 0x0112 (CIPA DC-008,
 * 4.6.4 A). */
#include "io/picture.h"
#include <string.h>

typedef struct tiff {
  const uint8_t *bytes;
  int64_t count;
  bool big; /* endian */
} tiff;

/* `n` bytes at `at` as a number; 0 beyond the end. */
static uint32_t number(const tiff *t, int64_t at, int n) {
  uint32_t value = 0;
  if (at < 0 || at + n > t->count) return 0;
  for (int i = 0; i < n; i++) value |= (uint32_t) t->bytes[at + i] << 8 * (t->big ? n - 1 - i : i);
  return value;
}

int tch_exif_orientation(const uint8_t *bytes, int64_t count) {
  if (count < 14 || memcmp(bytes, "Exif\0\0", 6)) return 1;
  tiff t = {bytes + 6, count - 6, bytes[6] == 'M'};
  if (number(&t, 2, 2) != 42) return 1;
  int64_t directory = number(&t, 4, 4);
  int64_t entries = number(&t, directory, 2);
  for (int64_t i = 0; i < entries; i++) {
    int64_t entry = directory + 2 + 12 * i;
    if (entry + 12 > t.count) break;
    if (number(&t, entry, 2) != 0x0112) continue;
    uint32_t value = number(&t, entry + 8, 2);
    return value >= 1 && value <= 8 ? (int) value : 1;
  }
  return 1;
}
