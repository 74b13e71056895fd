/* Options and environment: every variable with good and bad values, and which of the two wins. */
#include "plan/settings.h"

#include <math.h>

#include "shim/test.h"

static const furrow__where HERE = {3, "node07"};

/* ---- the environment: one variable at a time ---- */

static const char *variable, *value;

static const char *one_variable(const char *name) {
  return variable && strcmp(name, variable) == 0 ? value : NULL;
}

static furrow_status read_with(const char *name, const char *text, furrow__defaults *defaults, furrow_error *error) {
  variable = name;
  value = text;
  furrow__error_clear(error);
  memset(defaults, 0xee, sizeof *defaults);
  return furrow__defaults_read(defaults, one_variable, error, HERE);
}

static const furrow__defaults NONE_SET = {.schedule = FURROW_SCHEDULE_AUTO,
                                          .shared_memory = UINT64_MAX,
                                          .node_timeout = UINT64_MAX,
                                          .threads = 1,
                                          .progress = FURROW__PROGRESS_ASKED};

TEST(settings, nothing_set) {
  furrow__defaults defaults;
  furrow_error error;
  EXPECT_OK(read_with(NULL, NULL, &defaults, &error));
  EXPECT_BYTES_EQ(&defaults, &NONE_SET, sizeof defaults);
  const char *const empty[] = {"FURROW_SCHEDULE", "FURROW_CHUNK", "FURROW_SHARED_MEMORY", "FURROW_PROGRESS"};
  for (int i = 0; i < 4; i++) {
    EXPECT_OK(read_with(empty[i], "", &defaults, &error)); /* as good as not set */
    EXPECT_BYTES_EQ(&defaults, &NONE_SET, sizeof defaults);
  }
}

/* Setting `name` changes the field at `offset` and nothing else. */
static void expect_good(const char *name, const char *text, size_t offset, uint64_t expected) {
  furrow__defaults defaults, wanted = NONE_SET;
  furrow_error error;
  memcpy((char *)&wanted + offset, &expected, sizeof expected);
  EXPECT_OK(read_with(name, text, &defaults, &error));
  EXPECT_BYTES_EQ(&defaults, &wanted, sizeof defaults);
  EXPECT_EQ(error.status, FURROW_OK);
}

static void expect_bad(const char *name, const char *text, const char *allowed) {
  furrow__defaults defaults;
  furrow_error error;
  char quoted[128];
  snprintf(quoted, sizeof quoted, "%s=\"%.80s\"", name, text);
  EXPECT_STATUS(FURROW_E_ARG, read_with(name, text, &defaults, &error));
  EXPECT_EQ(error.status, FURROW_E_ARG);
  EXPECT_EQ(error.rank, HERE.rank);
  EXPECT_EQ_STR(error.host, HERE.host);
  EXPECT_EQ(error.task, FURROW_NO_TASK);
  EXPECT_CONTAINS(error.message, quoted);
  EXPECT_CONTAINS(error.message, allowed);
}

TEST(settings, choices) {
  const size_t schedule = offsetof(furrow__defaults, schedule), progress = offsetof(furrow__defaults, progress);
  expect_good("FURROW_SCHEDULE", "auto", schedule, FURROW_SCHEDULE_AUTO);
  expect_good("FURROW_SCHEDULE", "static", schedule, FURROW_SCHEDULE_STATIC);
  expect_good("FURROW_SCHEDULE", "dynamic", schedule, FURROW_SCHEDULE_DYNAMIC);
  expect_good("FURROW_PROGRESS", "auto", progress, FURROW__PROGRESS_AUTO);
  expect_good("FURROW_PROGRESS", "bar", progress, FURROW__PROGRESS_BAR);
  expect_good("FURROW_PROGRESS", "line", progress, FURROW__PROGRESS_LINE);
  expect_good("FURROW_PROGRESS", "off", progress, FURROW__PROGRESS_OFF);
  expect_good("FURROW_METRICS", "0", offsetof(furrow__defaults, metrics), 0);
  expect_good("FURROW_METRICS", "1", offsetof(furrow__defaults, metrics), 1);
  const char *const bad[] = {"Auto", "dynamic ", " auto", "2", "-1", "autostatic", "on", "yes"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    expect_bad("FURROW_SCHEDULE", bad[i], "auto, static or dynamic");
    expect_bad("FURROW_PROGRESS", bad[i], "auto, bar, line or off");
    expect_bad("FURROW_METRICS", bad[i], "0 or 1");
  }
}

TEST(settings, numbers) {
  static const struct {
    const char *name;
    size_t offset;
    const char *allowed;
  } numbers[] = {
      {"FURROW_CHUNK", offsetof(furrow__defaults, chunk), "a whole number, 0 for adaptive"},
      {"FURROW_SEED", offsetof(furrow__defaults, seed), "a whole number"},
      {"FURROW_LEAF", offsetof(furrow__defaults, leaf), "a whole number, 0 for the rule"},
      {"FURROW_SHARED_MEMORY", offsetof(furrow__defaults, shared_memory), "bytes, such as 67108864, 64M or 0"},
      {"FURROW_NODE_TIMEOUT", offsetof(furrow__defaults, node_timeout), "whole seconds, 0 for never"},
  };
  static const struct {
    const char *text;
    uint64_t value;
  } good[] = {{"0", 0},
              {"1", 1},
              {"007", 7},
              {"18446744073709551615", UINT64_MAX},
              {"1K", 1024},
              {"64M", 64 << 20},
              {"3G", UINT64_C(3) << 30},
              {"17179869183G", UINT64_C(17179869183) << 30}};
  static const char *const bad[] = {" 1",
                                    "1 ",
                                    "-1",
                                    "+1",
                                    "0x10",
                                    "1e3",
                                    "1.5",
                                    "64MB",
                                    "64m",
                                    "1KiB",
                                    "K",
                                    "G64",
                                    "all",
                                    "1_000",
                                    "18446744073709551616",
                                    "17179869184G",
                                    "99999999999999999999999999"};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    for (size_t j = 0; j < sizeof good / sizeof *good; j++)
      expect_good(numbers[i].name, good[j].text, numbers[i].offset, good[j].value);
    for (size_t j = 0; j < sizeof bad / sizeof *bad; j++) expect_bad(numbers[i].name, bad[j], numbers[i].allowed);
  }
}

TEST(settings, a_very_long_value_is_cut_in_the_message) {
  char text[1000];
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  expect_bad("FURROW_SCHEDULE", text, "auto, static or dynamic");
}

/* ---- options ---- */

static furrow_status check(const furrow_options *options, furrow_options *full, furrow_error *error) {
  furrow__error_clear(error);
  memset(full, 0xee, sizeof *full);
  return furrow__options_check(options, full, "furrow_map", error, HERE);
}

static void expect_refused(const furrow_options *options, const char *about) {
  furrow_options full;
  furrow_error error;
  EXPECT_STATUS(FURROW_E_ARG, check(options, &full, &error));
  EXPECT_EQ(error.status, FURROW_E_ARG);
  EXPECT_EQ(error.rank, HERE.rank);
  EXPECT_CONTAINS(error.message, "furrow_map: ");
  EXPECT_CONTAINS(error.message, about);
}

static int begin(void *user, int worker, void **local) {
  (void)user, (void)worker, (void)local;
  return 0;
}

static void end(void *user, int worker, void *local) {
  (void)user, (void)worker, (void)local;
}

static void report(const furrow_progress_report *is, void *user) {
  (void)is, (void)user;
}

static const furrow_progress EVERY_SECOND = {report, NULL, 1};

static const furrow_options ALL_SET = {.size = sizeof(furrow_options),
                                       .schedule = FURROW_SCHEDULE_STATIC,
                                       .chunk = 10,
                                       .seed = 11,
                                       .series = 12,
                                       .leaf = 13,
                                       .worker_begin = begin,
                                       .worker_end = end,
                                       .label = "a label",
                                       .progress = &EVERY_SECOND,
                                       .threads = 14,
                                       .unordered = true,
                                       .window = 15,
                                       .window_bytes = 16};

static void expect_fields(const furrow_options *full, const furrow_options *expected) {
  EXPECT_EQ(full->schedule, expected->schedule);
  EXPECT_EQ(full->chunk, expected->chunk);
  EXPECT_EQ(full->seed, expected->seed);
  EXPECT_EQ(full->series, expected->series);
  EXPECT_EQ(full->leaf, expected->leaf);
  EXPECT_TRUE(full->worker_begin == expected->worker_begin);
  EXPECT_TRUE(full->worker_end == expected->worker_end);
  EXPECT_EQ(full->label, expected->label);
  EXPECT_EQ(full->progress, expected->progress);
  EXPECT_EQ(full->threads, expected->threads);
}

TEST(settings, options_that_are_good) {
  const furrow_options none = FURROW_OPTIONS_INIT;
  furrow_options full;
  furrow_error error;
  EXPECT_OK(check(NULL, &full, &error));
  expect_fields(&full, &none);
  EXPECT_EQ(none.series, FURROW_SERIES_NEXT);
  EXPECT_OK(check(&none, &full, &error));
  expect_fields(&full, &none);
  EXPECT_OK(check(&ALL_SET, &full, &error));
  expect_fields(&full, &ALL_SET);
}

TEST(settings, options_of_another_size) {
  furrow_options other = ALL_SET;
  const size_t sizes[] = {0, 1, offsetof(furrow_options, label), sizeof other - 1, sizeof other + 8, SIZE_MAX};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    char expected[96];
    snprintf(expected, sizeof expected, "options.size is %zu; start from FURROW_OPTIONS_INIT", sizes[i]);
    other.size = sizes[i];
    expect_refused(&other, expected);
  }
}

TEST(settings, options_that_are_bad) {
  furrow_options bad = FURROW_OPTIONS_INIT;
  bad.schedule = (furrow_schedule)3;
  expect_refused(&bad, "options.schedule is 3");
  bad.schedule = (furrow_schedule)-1;
  expect_refused(&bad, "options.schedule is -1");
  bad.schedule = FURROW_SCHEDULE_AUTO;
  furrow_progress progress = {NULL, NULL, 1};
  bad.progress = &progress;
  expect_refused(&bad, "options.progress has no report function");
  progress = (furrow_progress){report, NULL, -0.5};
  expect_refused(&bad, "options.progress.interval is -0.5");
  progress.interval = (double)NAN;
  expect_refused(&bad, "options.progress.interval is");
  bad.progress = NULL;
  bad.threads = 0;
  expect_refused(&bad, "options.threads is 0; it must be 1 to 1024");
  bad.threads = -3;
  expect_refused(&bad, "options.threads is -3; it must be 1 to 1024");
  bad.threads = 1025;
  expect_refused(&bad, "options.threads is 1025; it must be 1 to 1024");
  bad.threads = 4;
  bad.own_threads = -2;
  expect_refused(&bad, "options.own_threads is -2; it must be 0 to options.threads, or FURROW_THREADS_ALL");
}

TEST(settings, threads_have_bounds) {
  const size_t threads = offsetof(furrow__defaults, threads);
  expect_good("FURROW_THREADS", "1", threads, 1);
  expect_good("FURROW_THREADS", "16", threads, 16);
  expect_good("FURROW_THREADS", "1K", threads, 1024);
  const char *const bad[] = {"0", "1025", "-1", "many", "2 "};
  for (int i = 0; i < 5; i++) expect_bad("FURROW_THREADS", bad[i], "a whole number from 1 to 1024");
}

TEST(settings, windows_have_bounds) {
  const size_t window = offsetof(furrow__defaults, window);
  expect_good("FURROW_WINDOW", "0", window, 0);
  expect_good("FURROW_WINDOW", "1", window, 1);
  expect_good("FURROW_WINDOW", "16K", window, FURROW_WINDOW_MOST);
  const char *const bad[] = {"16385", "99999", "-1"};
  for (int i = 0; i < 3; i++) expect_bad("FURROW_WINDOW", bad[i], "a whole number up to 16384");
}

TEST(settings, the_environment_fills_what_has_its_default) {
  const furrow__defaults defaults = {.schedule = FURROW_SCHEDULE_DYNAMIC,
                                     .chunk = 20,
                                     .seed = 21,
                                     .leaf = 22,
                                     .threads = 23,
                                     .window = 24,
                                     .window_bytes = 25};
  furrow_options options = FURROW_OPTIONS_INIT;
  furrow__settings got = furrow__settings_of(&options, &defaults, 99);
  furrow__settings from_pool = {.schedule = FURROW_SCHEDULE_DYNAMIC,
                                .chunk = 20,
                                .seed = 21,
                                .series = 99,
                                .leaf = 22,
                                .threads = 23,
                                .window = 24,
                                .window_bytes = 25,
                                .stop_grace = 10000000000};
  EXPECT_BYTES_EQ(&got, &from_pool, sizeof got);
  got = furrow__settings_of(&ALL_SET, &defaults, 99);
  furrow__settings from_options = {.schedule = FURROW_SCHEDULE_STATIC,
                                   .chunk = 10,
                                   .seed = 11,
                                   .series = 12,
                                   .leaf = 13,
                                   .threads = 14,
                                   .window = 15,
                                   .window_bytes = 16,
                                   .unordered = 1};
  EXPECT_BYTES_EQ(&got, &from_options, sizeof got);
  options.leaf = 5; /* each field by itself */
  options.series = 0;
  got = furrow__settings_of(&options, &defaults, 99);
  furrow__settings mixed = {.schedule = FURROW_SCHEDULE_DYNAMIC,
                            .chunk = 20,
                            .seed = 21,
                            .series = 0,
                            .leaf = 5,
                            .threads = 23,
                            .window = 24,
                            .window_bytes = 25,
                            .stop_grace = 10000000000};
  EXPECT_BYTES_EQ(&got, &mixed, sizeof got);
}
