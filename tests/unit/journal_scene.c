#include "unit/journal_scene.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/test.h"

const furrow__journal_key SCENE_MAP = {
    .kind = FURROW__JOURNAL_MAP, .count = 100000, .item_size = 4, .result_size = 8, .label = "m", .label_length = 1};
const furrow__journal_key SCENE_REDUCTION = {
    .kind = FURROW__JOURNAL_MAP_REDUCE, .number = 1, .count = 1000, .result_size = 24, .leaf = 7};

scene scene_make(void) {
  scene s = {.journal = NULL};
  const char *parent = getenv("TMPDIR");
  snprintf(s.folder, sizeof s.folder, "%s/furrow-journal-XXXXXX", parent ? parent : P_tmpdir);
  if (!mkdtemp(s.folder)) TEST_FAIL("no folder %s: %s", s.folder, strerror(errno));
  snprintf(s.path, sizeof s.path, "%s/run.fj", s.folder);
  return s;
}

void scene_end(scene *s) {
  unlink(s->path);
  rmdir(s->folder);
}

furrow_status scene_open(scene *s) {
  snprintf(s->message, sizeof s->message, "(none)");
  return furrow__journal_open(s->path, &s->journal, s->message);
}

bool scene_opens(scene *s) {
  furrow_status status = scene_open(s);
  if (status != FURROW_OK) TEST_FAIL("%s", s->message);
  return status == FURROW_OK;
}

bool scene_begins(scene *s, const furrow__journal_key *key) {
  furrow_status status = furrow__journal_begin(s->journal, key, s->message);
  if (status != FURROW_OK) TEST_FAIL("%s", s->message);
  return status == FURROW_OK;
}

void scene_close(scene *s) {
  if (furrow__journal_close(&s->journal, s->message) != FURROW_OK) TEST_FAIL("%s", s->message);
  EXPECT_TRUE(s->journal == NULL);
}

uint64_t scene_size(const scene *s) {
  struct stat about = {.st_size = 0};
  stat(s->path, &about);
  return (uint64_t)about.st_size;
}

void scene_put(const scene *s, const void *bytes, size_t size) {
  FILE *file = fopen(s->path, "w");
  if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) TEST_FAIL("%s can't be written", s->path);
}

furrow_status give_tasks(furrow__journal *journal, uint64_t first, uint64_t count) {
  uint64_t results[64];
  for (uint64_t i = 0; i < count; i++) results[i] = 1000 + first + i;
  return furrow__journal_append_results(journal, first, count, results);
}

uint64_t finished_tasks(const furrow__journal *journal) {
  const furrow__span *spans;
  uint64_t count = furrow__journal_finished(journal, &spans), sum = 0;
  for (uint64_t i = 0; i < count; i++) sum += spans[i].end - spans[i].begin;
  return sum;
}

/* All results of SCENE_MAP that are finished, in memory of its size; each is what give_tasks() gave. */
void scene_expect_results(scene *s) {
  uint64_t *results = calloc(SCENE_MAP.count, sizeof *results);
  if (furrow__journal_load_results(s->journal, results, s->message) != FURROW_OK) TEST_FAIL("%s", s->message);
  const furrow__span *spans;
  uint64_t count = furrow__journal_finished(s->journal, &spans), task = 0;
  for (uint64_t i = 0; i < count && !test_failed(); i++) {
    for (; task < spans[i].begin; task++) EXPECT_EQ(results[task], 0u);
    for (; task < spans[i].end && !test_failed(); task++) EXPECT_EQ(results[task], 1000 + task);
  }
  free(results);
}

void expect_golden_journal(const journal_bytes *journal, const char *name) {
  char path[1024];
  unsigned char kept[4096];
  const char *root = getenv("ROOT");
  snprintf(path, sizeof path, "%s/tests/golden/%s", root ? root : ".", name);
  FILE *file = fopen(path, "rb");
  if (!file || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__) TEST_SKIP("no file %s for this machine", path);
  size_t size = fread(kept, 1, sizeof kept, file);
  fclose(file);
  EXPECT_EQ(size, journal->size);
  EXPECT_BYTES_EQ(kept, journal->bytes, size < journal->size ? size : journal->size);
}
