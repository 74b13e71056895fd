/* Gates: words, timeouts, counts of sleepers; then wake-ups under stress, with delays where one could be lost. */
#include "node/gate.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "base/clock.h"
#include "shim/test.h"
#include "unit/stress.h"

static const uint64_t MS = 1000000;
static const furrow__manner MANNERS[] = {FURROW__SPIN, FURROW__YIELD, FURROW__SLEEP};
enum { MANNER_COUNT = 3 };

static void sleep_ms(uint64_t ms) {
  struct timespec time = {(time_t)(ms / 1000), (long)(ms % 1000 * MS)};
  nanosleep(&time, NULL);
}

TEST(gate, set_and_bump) {
  furrow__gate gate = {0, 0};
  EXPECT_EQ(furrow__gate_read(&gate), 0u);
  furrow__gate_set(&gate, 41);
  furrow__gate_bump(&gate);
  EXPECT_EQ(furrow__gate_read(&gate), 42u);
  furrow__gate_set(&gate, UINT32_MAX);
  furrow__gate_bump(&gate);
  EXPECT_EQ(furrow__gate_read(&gate), 0u);
}

TEST(gate, who_comes_late_does_not_wait) {
  for (int i = 0; i < MANNER_COUNT; i++) {
    furrow__gate gate = {7, 0};
    furrow__patience patience = {MANNERS[i], 0};
    EXPECT_EQ(furrow__gate_wait(&gate, 6, 0, &patience), 7u);
    EXPECT_EQ(patience.sleeps, 0u);
    EXPECT_EQ(gate.sleepers, 0u);
  }
}

TEST(gate, a_timeout_ends_the_wait) {
  for (int i = 0; i < MANNER_COUNT; i++) {
    furrow__gate gate = {7, 0};
    furrow__patience patience = {MANNERS[i], 0};
    uint64_t start = furrow__now();
    EXPECT_EQ(furrow__gate_wait(&gate, 7, 30 * MS, &patience), 7u);
    uint64_t took = furrow__now() - start;
    EXPECT_GE(took, 30 * MS);
    EXPECT_LT(took, 2000 * MS);
    EXPECT_GE(patience.sleeps, 1u);
    EXPECT_EQ(gate.sleepers, 0u);
  }
}

/* ---- somebody else at the gate ---- */

typedef struct other {
  furrow__gate gate;
  pthread_t waiter;
  uint64_t after; /* milliseconds */
  uint32_t value;
} other;

/* Once the waiter sleeps, which on a busy machine may take a while. */
static void *set_later(void *argument) {
  other *it = argument;
  for (int i = 0; i < 20000 && it->gate.sleepers == 0; i++) sleep_ms(1);
  sleep_ms(it->after);
  furrow__gate_set(&it->gate, it->value);
  return NULL;
}

static void *same_later(void *argument) { /* wakes, but nothing has changed */
  other *it = argument;
  sleep_ms(it->after);
  furrow__gate_set(&it->gate, 0);
  return NULL;
}

static void *signal_later(void *argument) {
  other *it = argument;
  sleep_ms(it->after);
  pthread_kill(it->waiter, SIGUSR1);
  return NULL;
}

static void ignore(int number) {
  (void)number;
}

/* Wait while another thread does `deed` after some time; returns how long. */
static uint64_t wait_beside(other *it, void *(*deed)(void *), furrow__patience *patience, uint64_t timeout,
                            uint32_t expected) {
  pthread_t thread;
  it->waiter = pthread_self();
  struct sigaction action = {.sa_handler = ignore}, before;
  sigaction(SIGUSR1, &action, &before);
  uint64_t start = furrow__now();
  EXPECT_EQ(pthread_create(&thread, NULL, deed, it), 0);
  EXPECT_EQ(furrow__gate_wait(&it->gate, 0, timeout, patience), expected);
  uint64_t took = furrow__now() - start;
  pthread_join(thread, NULL);
  sigaction(SIGUSR1, &before, NULL);
  EXPECT_EQ(it->gate.sleepers, 0u);
  return took;
}

TEST(gate, a_sleeper_is_woken) {
  for (int i = 0; i < MANNER_COUNT; i++) {
    other it = {.after = 30, .value = 5};
    furrow__patience patience = {MANNERS[i], 0};
    EXPECT_GE(wait_beside(&it, set_later, &patience, 0, 5), 20 * MS);
    EXPECT_GE(patience.sleeps, 1u); /* spinning and yielding end long before */
    EXPECT_LE(patience.sleeps, 3u); /* and nobody looks again and again */
  }
}

TEST(gate, a_signal_does_not_end_the_wait) {
  other it = {.after = 20};
  furrow__patience patience = {FURROW__SLEEP, 0};
  EXPECT_GE(wait_beside(&it, signal_later, &patience, 100 * MS, 0), 100 * MS);
}

TEST(gate, a_signal_does_not_prolong_the_timeout) {
  other it = {.after = 450};
  furrow__patience patience = {FURROW__SLEEP, 0};
  EXPECT_LT(wait_beside(&it, signal_later, &patience, 500 * MS, 0), 900 * MS);
}

TEST(gate, a_wake_up_for_nothing_does_not_prolong_the_timeout) {
  other it = {.after = 450};
  furrow__patience patience = {FURROW__SLEEP, 0};
  EXPECT_LT(wait_beside(&it, same_later, &patience, 500 * MS, 0), 900 * MS);
}

/* ---- stress ---- */

static void expect_stress(crew_kind kind, unsigned delays) {
  for (int workers = 2; workers <= 8 && !test_failed(); workers += 3) { /* 2 5 8 */
    TEST_PHASE("%d %s", workers, kind == CREW_THREADS ? "threads" : "processes");
    stress s = {.kind = kind, .workers = workers, .seconds = 0.15, .delays = delays, .seed = (uint64_t)workers};
    stress_gate(&s);
    EXPECT_EQ_STR(s.wrong, "");
    EXPECT_GT(s.operations, 0u);
  }
}

TEST(gate, stress_threads) {
  expect_stress(CREW_THREADS, 0);
}

TEST(gate, stress_processes) {
  expect_stress(CREW_PROCESSES, 0);
}

TEST(gate, stress_threads_with_delays) {
  expect_stress(CREW_THREADS, 2);
}

TEST(gate, stress_processes_with_delays) {
  expect_stress(CREW_PROCESSES, 2);
}
