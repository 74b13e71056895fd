// Tests written in C, run and reported by GoogleTest.
// Knows GoogleTest and the recorded notes. Does not know MPI: rank 0 prints and writes, every rank passes or fails alike.
#include "shim/shim.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

extern "C" void wrap_reset() __attribute__((weak));  // wrap.c, in fault tests only

namespace {

std::string located(const char *who, const char *text) {
  return *who ? std::string(who) + ": " + text : text;
}

// Rank 0 sees every rank's notes: failures become GoogleTest's, skips are kept for the end.
void see(void *user, const char *who, const char *notes, size_t size) {
  auto *skips = static_cast<std::string *>(user);
  for (size_t at = 0; at < size;) {
    const auto *note = reinterpret_cast<const shim_note *>(notes + at);
    std::string text = located(who, shim_note_text(note));
    if (note->skip) {
      *skips += text + "\n";
    } else {
      ADD_FAILURE_AT(shim_note_file(note), note->line) << text;
    }
    at += note->size;
  }
}

class CTest : public testing::Test {
 public:
  explicit CTest(const test_case *test) : test_(test) {}

  void TestBody() override {
    shim_record_clear();
    shim_watch(test_->suite, test_->name, test_->deadline);
    if (wrap_reset) wrap_reset();
    test_->run();
    if (wrap_reset) wrap_reset();
    shim_world_check();

    std::string skips;
    bool failed = false, skipped = false;
    shim_world_gather(see, &skips, &failed, &skipped);
    shim_watch((std::string("what follows ") + test_->suite).c_str(), test_->name, 0);
    if (failed) {
      if (!HasFailure()) ADD_FAILURE_AT(test_->file, test_->line) << "failed on some rank";
    } else if (skipped) {
      GTEST_SKIP() << skips;
    }
  }

 private:
  const test_case *test_;
};

// One line a test in the file that TEST_RESULTS names, and "end": tests/run adds them up, and sees a crash by the
// missing end.
class Results : public testing::EmptyTestEventListener {
 public:
  explicit Results(const char *path) : file_(std::fopen(path, "w")) {
    if (!file_) {
      std::perror(path);
      std::exit(1);
    }
  }

  void OnTestEnd(const testing::TestInfo &info) override {
    const testing::TestResult &result = *info.result();
    const char *verdict = result.Failed() ? "failed" : result.Skipped() ? "skipped" : "passed";
    std::string why;
    if (result.Skipped()) {
      const std::string text = result.GetTestPartResult(result.total_part_count() - 1).message();
      why = ": " + text.substr(0, text.find('\n'));
    }
    std::fprintf(file_, "%s %s.%s%s\n", verdict, info.test_suite_name(), info.name(), why.c_str());
    std::fflush(file_);
  }

  void OnTestProgramEnd(const testing::UnitTest &) override {
    std::fputs("end\n", file_);
    std::fclose(file_);
  }

 private:
  std::FILE *file_;
};

// Which tests run, how often and in which order must be the same on every rank; a shuffle's seed is else taken from the
// clock.
void agree_on_flags() {
  struct {
    char filter[4096];
    int repeat, seed;
    bool shuffle, disabled, fail_fast;
  } flags = {};
  std::snprintf(flags.filter, sizeof flags.filter, "%s", testing::GTEST_FLAG(filter).c_str());
  flags.repeat = testing::GTEST_FLAG(repeat);
  flags.shuffle = testing::GTEST_FLAG(shuffle);
  flags.seed = testing::GTEST_FLAG(random_seed);
  flags.disabled = testing::GTEST_FLAG(also_run_disabled_tests);
  flags.fail_fast = testing::GTEST_FLAG(fail_fast);
  if (flags.shuffle && flags.seed == 0) flags.seed = static_cast<int>(std::time(nullptr) % 99999) + 1;
  shim_world_agree(&flags, sizeof flags);
  testing::GTEST_FLAG(filter) = flags.filter;
  testing::GTEST_FLAG(repeat) = flags.repeat;
  testing::GTEST_FLAG(shuffle) = flags.shuffle;
  testing::GTEST_FLAG(random_seed) = flags.seed;
  testing::GTEST_FLAG(also_run_disabled_tests) = flags.disabled;
  testing::GTEST_FLAG(fail_fast) = flags.fail_fast;
}

void choose_listeners() {
  testing::TestEventListeners &listeners = testing::UnitTest::GetInstance()->listeners();
  if (shim_world_rank() != 0) {
    delete listeners.Release(listeners.default_result_printer());
    delete listeners.Release(listeners.default_xml_generator());
  } else if (const char *path = std::getenv("TEST_RESULTS")) {
    listeners.Append(new Results(path));
  }
}

}  // namespace

int main(int argc, char **argv) {
  shim_watch_start();
  shim_world_begin(&argc, argv);
  testing::InitGoogleTest(&argc, argv);
  if (argc > 1) {
    if (shim_world_rank() == 0) std::fprintf(stderr, "%s: what is %s?\n", argv[0], argv[1]);
    shim_world_end(2);
    return 2;
  }
  agree_on_flags();
  choose_listeners();
  for (const test_case *test = shim_tests(); test; test = test->next) {
    testing::RegisterTest(test->suite, test->name, nullptr, nullptr, test->file, test->line,
                          [test]() -> CTest * { return new CTest(test); });
  }
  int status = RUN_ALL_TESTS();
  shim_watch("the end", "", 0);
  return shim_world_end(status);
}
