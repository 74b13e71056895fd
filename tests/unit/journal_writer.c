/* What writes a journal: many threads at once, in time, asleep otherwise, and on a disk that has no more room. */
#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "shim/test.h"
#include "unit/journal_scene.h"

/* ---- many threads ---- */

enum { THREADS = 4, EACH = 2000 };

typedef struct giver {
  furrow__journal *journal;
  uint64_t first;
  pthread_t thread;
} giver;

static void *give(void *argument) {
  const giver *it = argument;
  for (uint64_t i = 0; i < EACH; i++)
    if (give_tasks(it->journal, it->first + 10 * i, 1 + i % 10) != FURROW_OK) TEST_FAIL("an append failed");
  return NULL;
}

TEST(journal_writer, takes_from_many_threads) {
  scene s = scene_make();
  ASSERT_TRUE(scene_opens(&s));
  ASSERT_TRUE(scene_begins(&s, &SCENE_MAP));
  giver givers[THREADS];
  for (uint64_t i = 0; i < THREADS; i++) {
    givers[i] = (giver){.journal = s.journal, .first = i * EACH * 10};
    ASSERT_EQ(pthread_create(&givers[i].thread, NULL, give, &givers[i]), 0);
  }
  for (int i = 0; i < 20; i++) EXPECT_EQ(furrow__journal_flush(s.journal), FURROW_OK);
  for (uint64_t i = 0; i < THREADS; i++) pthread_join(givers[i].thread, NULL);
  scene_close(&s);
  ASSERT_TRUE(scene_opens(&s));
  ASSERT_TRUE(scene_begins(&s, &SCENE_MAP));
  EXPECT_EQ(finished_tasks(s.journal), UINT64_C(11) * THREADS * EACH / 2);
  scene_expect_results(&s);
  scene_close(&s);
  scene_end(&s);
}

static void *give_large(void *argument) {
  const giver *it = argument;
  static const unsigned char zeros[3 << 20];
  for (uint64_t i = 0; i < 12; i++)
    if (furrow__journal_append_results(it->journal, it->first + i, 1, zeros) != FURROW_OK)
      TEST_FAIL("an append failed");
  return NULL;
}

/* Large and small ones, more than the buffers hold. */
TEST(journal_writer, takes_large_ones_from_many_threads) {
  const size_t sizes[] = {400 << 10, 3 << 20};
  for (int i = 0; i < 2; i++) {
    scene s = scene_make();
    furrow__journal_key key = SCENE_MAP;
    key.count = 1000;
    key.result_size = sizes[i];
    ASSERT_TRUE(scene_opens(&s));
    ASSERT_TRUE(scene_begins(&s, &key));
    giver givers[THREADS];
    for (uint64_t k = 0; k < THREADS; k++) {
      givers[k] = (giver){.journal = s.journal, .first = k * 100};
      ASSERT_EQ(pthread_create(&givers[k].thread, NULL, give_large, &givers[k]), 0);
    }
    for (uint64_t k = 0; k < THREADS; k++) pthread_join(givers[k].thread, NULL);
    scene_close(&s);
    ASSERT_TRUE(scene_opens(&s));
    ASSERT_TRUE(scene_begins(&s, &key));
    EXPECT_EQ(finished_tasks(s.journal), UINT64_C(12) * THREADS);
    scene_close(&s);
    scene_end(&s);
  }
}

/* ---- when it is written ---- */

TEST(journal_writer, is_written_without_being_asked) {
  scene s = scene_make();
  ASSERT_TRUE(scene_opens(&s));
  ASSERT_TRUE(scene_begins(&s, &SCENE_MAP));
  uint64_t start = furrow__now();
  ASSERT_EQ(give_tasks(s.journal, 0, 5), FURROW_OK);
  while (scene_size(&s) == 0 && furrow__seconds(furrow__now() - start) < 20) furrow__nap(1000000);
  EXPECT_GT(scene_size(&s), 0u);
  EXPECT_GT(furrow__seconds(furrow__now() - start), 0.05); /* together with what comes within 100 ms */
  scene_close(&s);
  scene_end(&s);
}

/* The threads of this process. */
typedef struct crowd {
  int ids[64], count;
} crowd;

static crowd all_threads(void) {
  crowd all = {.count = 0};
  DIR *tasks = opendir("/proc/self/task");
  for (struct dirent *task; tasks && all.count < 64 && (task = readdir(tasks));)
    if (task->d_name[0] != '.') all.ids[all.count++] = (int)strtol(task->d_name, NULL, 10);
  if (tasks) closedir(tasks);
  return all;
}

static bool has(const crowd *threads, int id) {
  for (int i = 0; i < threads->count; i++)
    if (threads->ids[i] == id) return true;
  return false;
}

/* How often threads went to sleep so far that are not among the `others`. */
static long naps_but_of(const crowd *others) {
  crowd all = all_threads();
  long sum = 0;
  for (int i = 0; i < all.count; i++) {
    char path[64], line[200];
    snprintf(path, sizeof path, "/proc/self/task/%d/status", all.ids[i]);
    FILE *status = has(others, all.ids[i]) ? NULL : fopen(path, "r");
    while (status && fgets(line, sizeof line, status))
      if (strncmp(line, "voluntary_ctxt_switches:", 24) == 0) sum += strtol(line + 24, NULL, 10);
    if (status) fclose(status);
  }
  return sum;
}

TEST(journal_writer, sleeps_when_there_is_nothing_to_write) {
  scene s = scene_make();
  crowd others = all_threads();
  ASSERT_TRUE(scene_opens(&s));
  ASSERT_TRUE(scene_begins(&s, &SCENE_MAP));
  ASSERT_EQ(give_tasks(s.journal, 0, 5), FURROW_OK);
  ASSERT_EQ(furrow__journal_flush(s.journal), FURROW_OK);
  long before = 0, after = 0;
  for (int i = 0; i < 10 && (i < 1 || after != before); i++) { /* it may still be about to sleep */
    furrow__nap(200000000);
    before = naps_but_of(&others);
    furrow__nap(500000000);
    after = naps_but_of(&others);
  }
  EXPECT_GT(before, 0);
  EXPECT_EQ(after, before);
  scene_close(&s);
  scene_end(&s);
}

/* ---- no more room ---- */

/* RLIMIT_FSIZE stands in for a full disk: a write is cut short, the next one fails. SIGXFSZ would end this process. */
TEST(journal_writer, keeps_whole_records_when_there_is_no_more_room) {
  for (uint64_t room = 1; room < 600; room += 37) {
    scene s = scene_make();
    ASSERT_TRUE(scene_opens(&s));
    ASSERT_TRUE(scene_begins(&s, &SCENE_MAP));
    ASSERT_EQ(give_tasks(s.journal, 0, 5), FURROW_OK);
    ASSERT_EQ(furrow__journal_flush(s.journal), FURROW_OK);
    uint64_t before = scene_size(&s);
    struct rlimit old, limit;
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = old;
    limit.rlim_cur = before + room;
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    for (uint64_t i = 1; i < 10; i++) (void)give_tasks(s.journal, 5 * i, 5);
    furrow_status status = furrow__journal_flush(s.journal), later = give_tasks(s.journal, 90, 5);
    setrlimit(RLIMIT_FSIZE, &old);
    EXPECT_EQ(status, FURROW_E_IO);
    EXPECT_EQ(later, FURROW_E_IO);
    EXPECT_EQ(furrow__journal_status(s.journal), FURROW_E_IO);
    EXPECT_CONTAINS(furrow__journal_message(s.journal), "run.fj: writing failed: File too large");
    uint64_t kept = room / 104; /* 64 and 5 * 8 bytes a record */
    EXPECT_EQ(scene_size(&s), before + kept * 104);
    EXPECT_EQ(give_tasks(s.journal, 200, 5), FURROW_E_IO); /* also once there is room again */
    EXPECT_EQ(furrow__journal_close(&s.journal, s.message), FURROW_E_IO);
    EXPECT_CONTAINS(s.message, "File too large");
    ASSERT_TRUE(scene_opens(&s));
    ASSERT_TRUE(scene_begins(&s, &SCENE_MAP));
    EXPECT_EQ(finished_tasks(s.journal), 5 * (1 + kept));
    scene_expect_results(&s);
    scene_close(&s);
    scene_end(&s);
  }
}

TEST(journal_writer, has_no_room_for_its_head_or_a_large_record) {
  const uint64_t rooms[] = {0, 10, 40, 500000};
  for (int i = 0; i < 4; i++) {
    scene s = scene_make();
    furrow__journal_key key = SCENE_MAP;
    static const char result[2 << 20];
    key.result_size = sizeof result;
    struct rlimit old, limit;
    ASSERT_TRUE(scene_opens(&s));
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = old;
    limit.rlim_cur = rooms[i];
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    furrow_status begun = furrow__journal_begin(s.journal, &key, s.message);
    furrow_status status = furrow__journal_append_results(s.journal, 0, 1, result);
    setrlimit(RLIMIT_FSIZE, &old);
    EXPECT_EQ(begun, FURROW_OK); /* it is in memory */
    EXPECT_EQ(status, FURROW_E_IO);
    EXPECT_EQ(furrow__journal_close(&s.journal, s.message), FURROW_E_IO);
    EXPECT_EQ(scene_size(&s) > 32, rooms[i] == 500000); /* the head alone is a whole journal */
    if (scene_size(&s) <= 32) EXPECT_EQ(scene_size(&s), rooms[i] < 32 ? 0 : 32);
    ASSERT_TRUE(scene_opens(&s));
    ASSERT_TRUE(scene_begins(&s, &key));
    EXPECT_EQ(finished_tasks(s.journal), 0u);
    scene_close(&s);
    scene_end(&s);
  }
}
