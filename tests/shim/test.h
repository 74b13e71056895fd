/* GoogleTest for tests written in C: TEST(suite, name) { EXPECT_EQ(1 + 1, 2); }
 * Two flavours share it. Unit tests run in one process. MPI tests run every test on all ranks, and fail on all ranks
 * where one assertion fails on one; what stands under "MPI flavour" exists only there.
 * Knows nothing of the tests. GoogleTest is behind shim.cc, MPI behind mpi.c. */
#ifndef TESTS_SHIM_TEST_H
#define TESTS_SHIM_TEST_H

#include <mpi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "furrow/pool.h"
#include "shim/shim.h"

/* ---- tests ------------------------------------------------------------------------------------------------------ */

/** Define a test. It runs with a deadline: TEST_DEADLINE seconds of the environment, or else three minutes. */
#define TEST(suite, name) TEST_TIMEOUT(suite, name, 0)

/** Define a test with a deadline of its own. */
#define TEST_TIMEOUT(suite, name, seconds)                                                               \
  static void suite##_##name##_test(void);                                                               \
  __attribute__((constructor)) static void suite##_##name##_register(void) {                             \
    static test_case test = {#suite, #name, __FILE__, __LINE__, (seconds), suite##_##name##_test, NULL}; \
    test_register(&test);                                                                                \
  }                                                                                                      \
  static void suite##_##name##_test(void)

/** Say where the test is (as printf does), for whoever reads why it missed its deadline. */
void test_phase(const char *format, ...) FURROW_PRINTF(1, 2);
#define TEST_PHASE(...) test_phase(__VA_ARGS__)

/** Leave the test: something it needs is missing here. One rank's skip skips the test, unless another rank fails. */
#define TEST_SKIP(...)                          \
  do {                                          \
    test_skip(__FILE__, __LINE__, __VA_ARGS__); \
    return;                                     \
  } while (0)

/** Fail the test and go on. Any thread may call it, as any EXPECT. */
#define TEST_FAIL(...) test_fail(__FILE__, __LINE__, __VA_ARGS__)

void test_fail(const char *file, int line, const char *format, ...) FURROW_PRINTF(3, 4);
void test_skip(const char *file, int line, const char *format, ...) FURROW_PRINTF(3, 4);

/** Whether this rank has failed the running test. */
bool test_failed(void);

/* ---- assertions: EXPECT goes on after a failure, ASSERT returns from the (void) function ------------------------- */

#define EXPECT_TRUE(condition)  ((void)test_true(TEST_HERE, #condition, (condition), true))
#define EXPECT_FALSE(condition) ((void)test_true(TEST_HERE, #condition, (condition), false))

/* Integers of any width and sign (compared by value), floating point, or addresses. */
#define EXPECT_EQ(a, b) ((void)TEST_COMPARE(a, #a, "==", b, #b))
#define EXPECT_NE(a, b) ((void)TEST_COMPARE(a, #a, "!=", b, #b))
#define EXPECT_LT(a, b) ((void)TEST_COMPARE(a, #a, "<", b, #b))
#define EXPECT_LE(a, b) ((void)TEST_COMPARE(a, #a, "<=", b, #b))
#define EXPECT_GT(a, b) ((void)TEST_COMPARE(a, #a, ">", b, #b))
#define EXPECT_GE(a, b) ((void)TEST_COMPARE(a, #a, ">=", b, #b))

#define EXPECT_NEAR(a, b, tolerance) ((void)test_near(TEST_HERE, #a, #b, (a), (b), (tolerance)))

#define EXPECT_EQ_STR(a, b)               ((void)test_equal_strings(TEST_HERE, #a, #b, (a), (b)))
#define EXPECT_CONTAINS(haystack, needle) ((void)test_contains(TEST_HERE, #haystack, (haystack), (needle)))
#define EXPECT_BYTES_EQ(a, b, size)       ((void)test_equal_bytes(TEST_HERE, #a, #b, (a), (b), (size)))

/* The status of a call; a failure prints the error of the pool: test_pool(), or the one given to the _ON form. */
#define EXPECT_OK(call)                        EXPECT_STATUS(FURROW_OK, call)
#define EXPECT_STATUS(expected, call)          ((void)test_status(TEST_HERE, #call, (expected), (call), NULL))
#define EXPECT_OK_ON(pool, call)               EXPECT_STATUS_ON(pool, FURROW_OK, call)
#define EXPECT_STATUS_ON(pool, expected, call) ((void)test_status(TEST_HERE, #call, (expected), (call), (pool)))

#define ASSERT_TRUE(condition)                 TEST_ASSERT(test_true(TEST_HERE, #condition, (condition), true))
#define ASSERT_FALSE(condition)                TEST_ASSERT(test_true(TEST_HERE, #condition, (condition), false))
#define ASSERT_EQ(a, b)                        TEST_ASSERT(TEST_COMPARE(a, #a, "==", b, #b))
#define ASSERT_NE(a, b)                        TEST_ASSERT(TEST_COMPARE(a, #a, "!=", b, #b))
#define ASSERT_LT(a, b)                        TEST_ASSERT(TEST_COMPARE(a, #a, "<", b, #b))
#define ASSERT_LE(a, b)                        TEST_ASSERT(TEST_COMPARE(a, #a, "<=", b, #b))
#define ASSERT_GT(a, b)                        TEST_ASSERT(TEST_COMPARE(a, #a, ">", b, #b))
#define ASSERT_GE(a, b)                        TEST_ASSERT(TEST_COMPARE(a, #a, ">=", b, #b))
#define ASSERT_NEAR(a, b, tolerance)           TEST_ASSERT(test_near(TEST_HERE, #a, #b, (a), (b), (tolerance)))
#define ASSERT_EQ_STR(a, b)                    TEST_ASSERT(test_equal_strings(TEST_HERE, #a, #b, (a), (b)))
#define ASSERT_CONTAINS(haystack, needle)      TEST_ASSERT(test_contains(TEST_HERE, #haystack, (haystack), (needle)))
#define ASSERT_BYTES_EQ(a, b, size)            TEST_ASSERT(test_equal_bytes(TEST_HERE, #a, #b, (a), (b), (size)))
#define ASSERT_OK(call)                        ASSERT_STATUS(FURROW_OK, call)
#define ASSERT_STATUS(expected, call)          TEST_ASSERT(test_status(TEST_HERE, #call, (expected), (call), NULL))
#define ASSERT_OK_ON(pool, call)               ASSERT_STATUS_ON(pool, FURROW_OK, call)
#define ASSERT_STATUS_ON(pool, expected, call) TEST_ASSERT(test_status(TEST_HERE, #call, (expected), (call), (pool)))

/* ---- MPI flavour ------------------------------------------------------------------------------------------------ */

/** The communicator under test, which --comm chooses: world, reversed, half (two halves, each its own communicator),
 *  dup or self; and this rank in it. The tests run on every communicator of a split at the same time. */
MPI_Comm test_comm(void);
int test_rank(void);
int test_size(void);

/** A pool on it, made once for all tests; after each test it is checked that it still works. NULL in unit tests. */
furrow_pool *test_pool(void);

/* ---- what the macros are made of -------------------------------------------------------------------------------- */

typedef struct test_value {
  enum { TEST_SIGNED, TEST_UNSIGNED, TEST_DOUBLE, TEST_ADDRESS } kind;
  union {
    int64_t i;
    uint64_t u;
    double d;
    const volatile void *p;
  } as;
} test_value;

#define TEST_HERE __FILE__, __LINE__

#define TEST_ASSERT(passed) \
  do {                      \
    if (!(passed)) return;  \
  } while (0)

/* clang-format off */
#define TEST_VALUE(x)                                                                                            \
  _Generic((x), bool: test_unsigned, char: test_signed, signed char: test_signed, unsigned char: test_unsigned,   \
    short: test_signed, unsigned short: test_unsigned, int: test_signed, unsigned: test_unsigned,                 \
    long: test_signed, unsigned long: test_unsigned, long long: test_signed, unsigned long long: test_unsigned,   \
    float: test_double, double: test_double, default: test_address)(x)
/* clang-format on */

#define TEST_COMPARE(a, a_text, relation, b, b_text) \
  test_compare(TEST_HERE, a_text, relation, b_text, TEST_VALUE(a), TEST_VALUE(b))

test_value test_signed(int64_t value);
test_value test_unsigned(uint64_t value);
test_value test_double(double value);
test_value test_address(const volatile void *value);

bool test_compare(const char *file, int line, const char *a, const char *relation, const char *b, test_value left,
                  test_value right);
bool test_true(const char *file, int line, const char *text, bool value, bool wanted);
bool test_near(const char *file, int line, const char *a, const char *b, double left, double right, double tolerance);
bool test_equal_strings(const char *file, int line, const char *a, const char *b, const char *left, const char *right);
bool test_contains(const char *file, int line, const char *text, const char *haystack, const char *needle);
bool test_equal_bytes(const char *file, int line, const char *a, const char *b, const void *left, const void *right,
                      size_t size);
bool test_status(const char *file, int line, const char *call, furrow_status expected, furrow_status got,
                 furrow_pool *pool);

#endif
