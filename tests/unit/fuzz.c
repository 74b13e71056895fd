#include "unit/fuzz.h"

#include <dirent.h>

#include "shim/test.h"

/* Returns whether it could be read. */
static bool feed(const char *path, fuzzer *entry) {
  static uint8_t bytes[1 << 16];
  FILE *file = fopen(path, "rb");
  if (!file) return false;
  size_t size = fread(bytes, 1, sizeof bytes, file);
  bool whole = feof(file) != 0;
  fclose(file);
  uint8_t *copy = malloc(size ? size : 1);
  memcpy(copy, bytes, size);
  TEST_PHASE("%s", path);
  entry(copy, size);
  for (int i = 0; i < 2 && size > 0; i++) { /* repaired, and not */
    copy[0] ^= 1;
    entry(copy, size);
  }
  free(copy);
  return whole;
}

int fuzz_corpus(const char *name, fuzzer *entry) {
  char folder[1024], path[2048];
  const char *root = getenv("ROOT");
  snprintf(folder, sizeof folder, "%s/tests/fuzz/corpus/%s", root ? root : ".", name);
  DIR *corpus = opendir(folder);
  int count = 0;
  for (struct dirent *found; corpus && (found = readdir(corpus));) {
    if (found->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/%s", folder, found->d_name);
    EXPECT_TRUE(feed(path, entry));
    count++;
  }
  if (corpus) closedir(corpus);
  return count;
}

TEST(fuzz, corpus_of_journals) {
  EXPECT_GT(fuzz_corpus("journal", fuzz_journal), 10);
}
