/* What an operation of a program is called, with a journal and without. */
#include "common/faults.h"

#include <stdlib.h>

#include "shim/test.h"

TEST(apps_faults, a_label_has_the_parameters_only_with_a_journal) {
  unsetenv("FURROW_JOURNAL");
  app_faults faults = {.retries = 3};
  EXPECT_EQ_STR(app_label_of(&faults, "pi", "samples %d", 5).text, "pi");
  faults.journal = "file";
  EXPECT_EQ_STR(app_label_of(&faults, "pi", "samples %d", 5).text, "pi: samples 5");
  faults.journal = NULL;
  setenv("FURROW_JOURNAL", "", 1);
  EXPECT_EQ_STR(app_label_of(&faults, "pi", "samples %d", 5).text, "pi");
  setenv("FURROW_JOURNAL", "other", 1);
  EXPECT_EQ_STR(app_label_of(&faults, "pi", "samples %d", 5).text, "pi: samples 5");
  unsetenv("FURROW_JOURNAL");
}

TEST(apps_faults, options_get_what_was_asked_for_and_nothing_else) {
  app_faults faults = {.journal = NULL};
  furrow_options options = FURROW_OPTIONS_INIT, untouched = FURROW_OPTIONS_INIT;
  app_faults_apply(&faults, &options);
  EXPECT_BYTES_EQ(&options, &untouched, sizeof options);
  faults = (app_faults){.journal = "file", .retries = 3, .timeout = 1.5, .isolate = true};
  app_faults_apply(&faults, &options);
  EXPECT_EQ_STR(options.journal, "file");
  EXPECT_EQ(3, (int)options.retries);
  EXPECT_TRUE(options.task_timeout == 1.5);
  EXPECT_TRUE(options.isolate == FURROW_ISOLATE_ON);
}
