/* Statuses and errors in words. Knows libc only. */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)

const char *furrow_version(void) {
  return TEXT(FURROW_VERSION_MAJOR) "." TEXT(FURROW_VERSION_MINOR) "." TEXT(FURROW_VERSION_PATCH);
}

const char *furrow_strerror(furrow_status status) {
  switch (status) {
#define CASE(name, text) \
  case FURROW_##name:    \
    return text;
    FURROW_STATUS_LIST(CASE)
#undef CASE
  }
  return "unknown status";
}

void furrow__text_copy(char *to, size_t size, const char *from) {
  size_t length = strnlen(from, size - 1);
  memcpy(to, from, length);
  to[length] = '\0';
}

void furrow__error_clear(furrow_error *error) {
  error->status = FURROW_OK;
  error->rank = -1;
  error->task = FURROW_NO_TASK;
  error->host[0] = error->message[0] = '\0';
}

furrow_status furrow__error_set(furrow_error *error, furrow_status status, furrow__where where, uint64_t task,
                                const char *format, ...) {
  error->status = status;
  error->rank = where.rank;
  error->task = task;
  furrow__text_copy(error->host, sizeof error->host, where.host ? where.host : "");
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error->message, sizeof error->message, format, arguments);
  va_end(arguments);
  return status;
}

void furrow_error_print(FILE *stream, const furrow_error *error) {
  if (!error) return;
  char task[48] = "", where[32 + FURROW_HOST_SIZE] = "";
  if (error->task != FURROW_NO_TASK) snprintf(task, sizeof task, "task %" PRIu64 " failed", error->task);
  if (error->rank >= 0 && error->host[0])
    snprintf(where, sizeof where, " on rank %d (%s)", error->rank, error->host);
  else if (error->rank >= 0)
    snprintf(where, sizeof where, " on rank %d", error->rank);
  const char *what = task[0] ? task : furrow_strerror(error->status);
  fprintf(stream, "furrow: %s%s%s%s\n", what, where, error->message[0] ? ": " : "", error->message);
}
