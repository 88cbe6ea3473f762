/* The sentence of this thread's last failure. */
#include "core/error.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SENTENCE = 1024 };

static _Thread_local char sentence[SENTENCE];

const char *tch_error(void) { return sentence; }

/* Arguments may point into the sentence itself, as when a caller puts its name in front of an inner failure. */
tch_status tch_fail(tch_status status, const char *format, ...) {
  char text[SENTENCE];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  strcpy(sentence, text);
  return status;
}
