#pragma once
/* One line of JSON on stdout without stdio and without allocating: for programs that count every allocation.
 *   Threads   one thread prints.
 *   Memory    a static buffer; what does not fit ends the program with status 6, never a cut line.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char json_buffer[8192];
static size_t json_length;

static inline void json_text(const char* text) {
  const size_t length = strlen(text);
  if (json_length + length > sizeof json_buffer) _exit(6);
  memcpy(json_buffer + json_length, text, length);
  json_length += length;
}

/* A comma, unless this is the first member of its object; then the name. NULL: no name, the line begins. */
static inline void json_name(const char* name) {
  if (json_length > 0 && json_buffer[json_length - 1] != '{') json_text(", ");
  if (name == NULL) return;
  json_text("\"");
  json_text(name);
  json_text("\": ");
}

static inline void json_open(const char* name) {
  json_name(name);
  json_text("{");
}

static inline void json_close(void) {
  json_text("}");
}

static inline void json_number(const char* name, uint64_t value) {
  char digits[24];
  char* first = digits + sizeof digits;
  *--first = '\0';
  do {
    *--first = (char)('0' + value % 10);
    value /= 10;
  } while (value > 0);
  json_name(name);
  json_text(first);
}

static inline void json_flush(void) {
  json_text("\n");
  for (size_t done = 0; done < json_length;) {
    const ssize_t written = write(STDOUT_FILENO, json_buffer + done, json_length - done);
    if (written < 0) _exit(7);
    done += (size_t)written;
  }
  json_length = 0;
}

static inline void json_usage(const char* text) {
  if (write(STDERR_FILENO, text, strlen(text)) < 0) _exit(7);
  _exit(2);
}
