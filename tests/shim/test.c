/* What a test does in C: register, assert, record failures.
 * Knows the running test's record, a fixed buffer, so that tests which count or break malloc see none of it.
 * Does not know who reports the record, nor other ranks. */
#include "shim/test.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>

static test_case *first, **last = &first;

void test_register(test_case *test) {
  *last = test;
  last = &test->next;
}

const test_case *shim_tests(void) {
  return first;
}

/* ---- the record ---- */

enum { RECORD_SIZE = 64 * 1024, TEXT_SIZE = 2048, MOST_TOLD = 25 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Alignas(8) char notes[RECORD_SIZE];
static size_t used;
static int told;
static bool failed, skipped;

void shim_record_clear(void) {
  pthread_mutex_lock(&lock);
  used = 0;
  told = 0;
  failed = skipped = false;
  pthread_mutex_unlock(&lock);
}

shim_record shim_record_get(void) {
  pthread_mutex_lock(&lock);
  shim_record record = {notes, used, failed, skipped};
  pthread_mutex_unlock(&lock);
  return record;
}

bool test_failed(void) {
  return shim_record_get().failed;
}

const char *shim_note_file(const shim_note *note) {
  return (const char *)(note + 1);
}

const char *shim_note_text(const shim_note *note) {
  const char *file = shim_note_file(note);
  return file + strlen(file) + 1;
}

/* What fails in a loop is told some times: further failures still fail the test. */
static void note(bool skip, const char *file, int line, const char *text) {
  pthread_mutex_lock(&lock);
  if (told == MOST_TOLD) text = "what fails after this here is not told";
  size_t file_size = strlen(file) + 1, text_size = strlen(text) + 1;
  size_t size = (sizeof(shim_note) + file_size + text_size + 7) & ~(size_t)7;
  *(skip ? &skipped : &failed) = true;
  if (told <= MOST_TOLD && used + size <= sizeof notes) {
    told++;
    shim_note head = {(unsigned)size, line, skip};
    memcpy(notes + used, &head, sizeof head);
    memcpy(notes + used + sizeof head, file, file_size);
    memcpy(notes + used + sizeof head + file_size, text, text_size);
    used += size;
  }
  pthread_mutex_unlock(&lock);
}

void test_fail(const char *file, int line, const char *format, ...) {
  char text[TEXT_SIZE];
  va_list list;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  note(false, file, line, text);
}

void test_skip(const char *file, int line, const char *format, ...) {
  char text[TEXT_SIZE];
  va_list list;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  note(true, file, line, text);
}

void test_phase(const char *format, ...) {
  char text[256];
  va_list list;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  shim_watch_phase(text);
}

int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

bool shim_leaks(void) {
  return __lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check() != 0;
}

/* ---- values ---- */

test_value test_signed(int64_t value) {
  return (test_value){TEST_SIGNED, {.i = value}};
}

test_value test_unsigned(uint64_t value) {
  return (test_value){TEST_UNSIGNED, {.u = value}};
}

test_value test_double(double value) {
  return (test_value){TEST_DOUBLE, {.d = value}};
}

test_value test_address(const volatile void *value) {
  return (test_value){TEST_ADDRESS, {.p = value}};
}

static double as_double(test_value value) {
  if (value.kind == TEST_SIGNED) return (double)value.as.i;
  return value.kind == TEST_UNSIGNED ? (double)value.as.u : value.as.d;
}

/* -1, 0, 1, or 2 if unordered (NaN). Signed and unsigned compare by value: -1 < 1u. */
static int order(test_value a, test_value b) {
  if (a.kind == TEST_DOUBLE || b.kind == TEST_DOUBLE) {
    double x = as_double(a), y = as_double(b);
    return isnan(x) || isnan(y) ? 2 : (x > y) - (x < y);
  }
  bool a_negative = a.kind == TEST_SIGNED && a.as.i < 0, b_negative = b.kind == TEST_SIGNED && b.as.i < 0;
  if (a_negative != b_negative) return a_negative ? -1 : 1;
  if (a_negative) return (a.as.i > b.as.i) - (a.as.i < b.as.i);
  uint64_t x = a.kind == TEST_ADDRESS ? (uint64_t)(uintptr_t)a.as.p : a.as.u;
  uint64_t y = b.kind == TEST_ADDRESS ? (uint64_t)(uintptr_t)b.as.p : b.as.u;
  return (x > y) - (x < y);
}

static void print_value(char *text, size_t size, test_value value) {
  switch (value.kind) {
    case TEST_SIGNED:
      snprintf(text, size, "%" PRId64, value.as.i);
      break;
    case TEST_UNSIGNED:
      snprintf(text, size, "%" PRIu64, value.as.u);
      break;
    case TEST_DOUBLE:
      snprintf(text, size, "%.17g", value.as.d);
      break;
    case TEST_ADDRESS:
      snprintf(text, size, "0x%" PRIxPTR, (uintptr_t)value.as.p);
      break;
  }
}

/* ---- assertions ---- */

static bool holds(int order, const char *relation) {
  if (order == 2) return strcmp(relation, "!=") == 0;
  bool equal = relation[1] == '=' && order == 0; /* of ==, <= and >=; != is none of these */
  switch (relation[0]) {
    case '<':
      return order < 0 || equal;
    case '>':
      return order > 0 || equal;
    case '!':
      return order != 0;
    default:
      return equal;
  }
}

bool test_compare(const char *file, int line, const char *a, const char *relation, const char *b, test_value left,
                  test_value right) {
  if (holds(order(left, right), relation)) return true;
  char left_text[48], right_text[48];
  print_value(left_text, sizeof left_text, left);
  print_value(right_text, sizeof right_text, right);
  test_fail(file, line, "expected %s %s %s\n  %s is %s\n  %s is %s", a, relation, b, a, left_text, b, right_text);
  return false;
}

bool test_true(const char *file, int line, const char *text, bool value, bool wanted) {
  if (value == wanted) return true;
  test_fail(file, line, "expected to be %s: %s", wanted ? "true" : "false", text);
  return false;
}

bool test_near(const char *file, int line, const char *a, const char *b, double left, double right, double tolerance) {
  if (fabs(left - right) <= tolerance) return true; /* false for NaN */
  test_fail(file, line, "expected %s within %g of %s\n  %s is %.17g\n  %s is %.17g, %g away", a, tolerance, b, a, left,
            b, right, fabs(left - right));
  return false;
}

bool test_equal_strings(const char *file, int line, const char *a, const char *b, const char *left, const char *right) {
  if (left == right || (left && right && strcmp(left, right) == 0)) return true;
  test_fail(file, line, "expected the same text\n  %s is \"%s\"\n  %s is \"%s\"", a, left ? left : "(NULL)", b,
            right ? right : "(NULL)");
  return false;
}

bool test_contains(const char *file, int line, const char *text, const char *haystack, const char *needle) {
  if (haystack && needle && strstr(haystack, needle)) return true;
  test_fail(file, line, "expected \"%s\" in %s, which is\n  \"%s\"", needle ? needle : "(NULL)", text,
            haystack ? haystack : "(NULL)");
  return false;
}

bool test_equal_bytes(const char *file, int line, const char *a, const char *b, const void *left, const void *right,
                      size_t size) {
  const unsigned char *x = left, *y = right;
  if (size == 0) return true;
  if (!x || !y) {
    test_fail(file, line, "expected the same %zu bytes, but %s is NULL", size, x ? b : a);
    return false;
  }
  if (memcmp(x, y, size) == 0) return true;
  size_t at = 0, different = 0;
  while (x[at] == y[at]) at++;
  for (size_t i = at; i < size; i++) different += x[i] != y[i];
  test_fail(file, line,
            "expected the same %zu bytes; %zu differ, first at offset %zu\n  %s has 0x%02x there\n  %s has 0x%02x",
            size, different, at, a, x[at], b, y[at]);
  return false;
}

static const char *status_name(furrow_status status) {
  switch (status) {
#define STATUS_NAME(name, text) \
  case FURROW_##name:           \
    return "FURROW_" #name;
    FURROW_STATUS_LIST(STATUS_NAME)
#undef STATUS_NAME
  }
  return "no status at all";
}

bool test_status(const char *file, int line, const char *call, furrow_status expected, furrow_status got,
                 furrow_pool *pool) {
  if (got == expected) return true;
  char error[FURROW_MESSAGE_SIZE + 256];
  shim_world_error(pool, error, sizeof error);
  test_fail(file, line, "expected %s, got %s (%d) from\n  %s%s%s", status_name(expected), status_name(got), (int)got,
            call, error[0] ? "\n  the pool says: " : "", error);
  return false;
}
