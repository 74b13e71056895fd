/* Bytes in files without a name: they come back as they were, from many regions at a time; files are few, leave nothing in
 * the folder, and give their room back. */
#include "base/spill.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "furrow/rng.h"
#include "shim/test.h"
#include "unit/temporary.h"

static void fill(unsigned char *bytes, size_t size, unsigned salt) {
  for (size_t i = 0; i < size; i++) bytes[i] = (unsigned char)(i * 31 + (size_t)salt * 7 + i / 256);
}

static int open_files(void) {
  int count = 0;
  DIR *folder = opendir("/proc/self/fd");
  while (folder && readdir(folder)) count++;
  if (folder) closedir(folder);
  return count;
}

static int entries_of(const char *path) {
  int count = -2;
  DIR *folder = opendir(path);
  while (folder && readdir(folder)) count++;
  if (folder) closedir(folder);
  return count;
}

/* ---- files ---- */

TEST(scratch, gives_back_what_was_written_anywhere) {
  char why[FURROW__SCRATCH_WHY], back[10];
  int file = furrow__scratch_open(why);
  ASSERT_GE(file, 0);
  EXPECT_TRUE(furrow__scratch_write(file, (uint64_t)5 << 30, "far", 4, why));
  EXPECT_TRUE(furrow__scratch_write(file, 0, "near", 5, why));
  EXPECT_TRUE(furrow__scratch_read(file, (uint64_t)5 << 30, back, 4, why));
  EXPECT_EQ_STR(back, "far");
  EXPECT_TRUE(furrow__scratch_read(file, 0, back, 5, why));
  EXPECT_EQ_STR(back, "near");
  EXPECT_FALSE(furrow__scratch_read(file, (uint64_t)5 << 30, back, 5, why)); /* beyond the end */
  close(file);
}

TEST(scratch, is_in_the_folder_that_is_named_and_has_no_name) {
  char why[FURROW__SCRATCH_WHY], folder[] = "/tmp/scratch-XXXXXX", link[64], path[256] = "";
  ASSERT_TRUE(mkdtemp(folder) != NULL);
  char *before = move_temporary(folder);
  int file = furrow__scratch_open(why);
  restore_temporary(before);
  ASSERT_GE(file, 0);
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  EXPECT_GT(readlink(link, path, sizeof path - 1), 0);
  EXPECT_EQ(strncmp(path, folder, strlen(folder)), 0);
  EXPECT_EQ(entries_of(folder), 0);
  EXPECT_EQ(fcntl(file, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  close(file);
  rmdir(folder);
}

TEST(scratch, says_which_folder_it_is_that_fails) {
  char why[FURROW__SCRATCH_WHY] = "";
  char *before = move_temporary("/nowhere/at all");
  EXPECT_EQ(furrow__scratch_open(why), -1);
  restore_temporary(before);
  EXPECT_CONTAINS(why, "/nowhere/at all: No such file or directory");
}

TEST(scratch, survives_a_limit_on_files) {
  char why[FURROW__SCRATCH_WHY] = "", byte = 1;
  struct rlimit usual, limit;
  int file = furrow__scratch_open(why);
  ASSERT_GE(file, 0);
  char *before = move_temporary("/tmp"); /* for its name in the reason */
  getrlimit(RLIMIT_FSIZE, &usual);
  limit = usual;
  limit.rlim_cur = 1000;
  setrlimit(RLIMIT_FSIZE, &limit);
  EXPECT_EQ(furrow__scratch_most(), 1000u);
  EXPECT_TRUE(furrow__scratch_write(file, 999, &byte, 1, why));
  EXPECT_FALSE(furrow__scratch_write(file, 1000, &byte, 1, why));
  EXPECT_FALSE(furrow__scratch_write(file, UINT64_MAX, &byte, 1, why));
  setrlimit(RLIMIT_FSIZE, &usual);
  restore_temporary(before);
  EXPECT_CONTAINS(why, "/tmp: File too large");
  close(file);
}

/* ---- regions ---- */

enum { REGIONS = 2000, MOST = 20000 };

static size_t size_of(int i) {
  return 1 + (size_t)i * 7919 % MOST;
}

static void expect_bytes(furrow__region *region, int i) {
  static unsigned char wanted[MOST];
  char why[FURROW__SCRATCH_WHY];
  fill(wanted, size_of(i), (unsigned)i);
  const char *bytes = furrow__region_map(region, why);
  ASSERT_TRUE(bytes != NULL);
  EXPECT_BYTES_EQ(bytes, wanted, size_of(i));
}

TEST(spill, keeps_many_regions_in_few_files) {
  static furrow__region regions[REGIONS];
  static unsigned char bytes[MOST];
  char why[FURROW__SCRATCH_WHY];
  furrow__spill spill;
  furrow__spill_start(&spill);
  int before = open_files();
  for (int i = 0; i < REGIONS; i++) {
    fill(bytes, size_of(i), (unsigned)i);
    size_t half = size_of(i) / 2;
    ASSERT_TRUE(furrow__spill_take(&spill, size_of(i), &regions[i], why));
    ASSERT_TRUE(furrow__region_write(&regions[i], 0, bytes, half, why));
    ASSERT_TRUE(furrow__region_write(&regions[i], half, bytes + half, size_of(i) - half, why));
  }
  EXPECT_EQ(open_files(), before + 1);
  for (int i = 0; i < REGIONS; i++) expect_bytes(&regions[i], i);
  for (int i = 0; i < REGIONS; i += 2) furrow__spill_let_go(&spill, &regions[i]);
  for (int i = 1; i < REGIONS; i += 2) expect_bytes(&regions[i], i);
  for (int i = 1; i < REGIONS; i += 2) furrow__spill_let_go(&spill, &regions[i]);
  furrow__spill_end(&spill);
  EXPECT_EQ(open_files(), before);
}

static int spill_file(void) {
  const char *named = getenv("TMPDIR"), *folder = named ? named : "/tmp";
  for (int fd = 3; fd < 100; fd++) {
    char link[64], path[256] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (readlink(link, path, sizeof path - 1) > 0 && strncmp(path, folder, strlen(folder)) == 0 &&
        strstr(path, "(deleted)"))
      return fd;
  }
  return -1;
}

static uint64_t room_on_disk(void) {
  struct stat status;
  int file = spill_file();
  return file >= 0 && fstat(file, &status) == 0 ? (uint64_t)status.st_blocks * 512 : UINT64_MAX;
}

TEST(spill, gives_room_back_as_regions_go) {
  enum { COUNT = 10, SIZE = 1000001 };
  static char bytes[SIZE];
  furrow__region regions[COUNT];
  furrow__spill spill;
  char why[FURROW__SCRATCH_WHY];
  memset(bytes, 5, SIZE);
  furrow__spill_start(&spill);
  for (int i = 0; i < COUNT; i++) {
    ASSERT_TRUE(furrow__spill_take(&spill, SIZE, &regions[i], why));
    ASSERT_TRUE(furrow__region_write(&regions[i], 0, bytes, SIZE, why));
  }
  uint64_t full = room_on_disk();
  EXPECT_GE(full, (uint64_t)COUNT * SIZE);
  for (int i = 0; i < COUNT - 1; i++) furrow__spill_let_go(&spill, &regions[i]);
  EXPECT_LT(room_on_disk(), full / 4);
  furrow__spill_let_go(&spill, &regions[COUNT - 1]);
  EXPECT_EQ(room_on_disk(), 0u);
  furrow__spill_end(&spill);
}

/* One file ends with its last region, though it is no longer the one that others are taken from. */
TEST(spill, begins_another_file_when_one_is_long) {
  furrow__region long_ones[3];
  furrow__spill spill;
  char why[FURROW__SCRATCH_WHY];
  int before = open_files();
  furrow__spill_start(&spill);
  for (int i = 0; i < 3; i++) {
    ASSERT_TRUE(furrow__spill_take(&spill, (size_t)3 << 30, &long_ones[i], why));
    ASSERT_TRUE(furrow__region_write(&long_ones[i], ((size_t)3 << 30) - 4, "end", 4, why));
  }
  EXPECT_EQ(open_files(), before + 3);
  furrow__spill_let_go(&spill, &long_ones[1]);
  EXPECT_EQ(open_files(), before + 2);
  const char *bytes = furrow__region_map(&long_ones[0], why);
  ASSERT_TRUE(bytes != NULL);
  EXPECT_EQ_STR(bytes + ((size_t)3 << 30) - 4, "end");
  furrow__spill_let_go(&spill, &long_ones[0]);
  furrow__spill_let_go(&spill, &long_ones[2]);
  EXPECT_EQ(open_files(), before + 1);
  furrow__spill_end(&spill);
  EXPECT_EQ(open_files(), before);
}

TEST(spill, says_why_there_is_none) {
  furrow__region region;
  furrow__spill spill;
  char why[FURROW__SCRATCH_WHY] = "";
  furrow__spill_start(&spill);
  char *before = move_temporary("/nowhere");
  EXPECT_FALSE(furrow__spill_take(&spill, 10, &region, why));
  restore_temporary(before);
  EXPECT_CONTAINS(why, "/nowhere: No such file");
  EXPECT_TRUE(furrow__spill_take(&spill, 10, &region, why)); /* later there may be one */
  furrow__spill_let_go(&spill, &region);
  furrow__spill_end(&spill);
}

/* ---- several threads ---- */

enum { THREADS = 4, ROUNDS = 3000 };

static void *take_and_let_go(void *argument) {
  furrow__spill *spill = argument;
  static _Atomic unsigned salts;
  unsigned salt = salts++;
  unsigned char bytes[3000], wanted[3000];
  furrow__region kept[8] = {{.volume = NULL}};
  char why[FURROW__SCRATCH_WHY];
  fill(wanted, sizeof wanted, salt);
  memcpy(bytes, wanted, sizeof bytes);
  for (int i = 0; i < ROUNDS && !test_failed(); i++) {
    furrow__region *one = &kept[i * 5 % 8];
    if (one->volume) EXPECT_EQ(memcmp(furrow__region_map(one, why), wanted, sizeof wanted), 0);
    furrow__spill_let_go(spill, one);
    EXPECT_TRUE(furrow__spill_take(spill, sizeof bytes, one, why));
    EXPECT_TRUE(furrow__region_write(one, 0, bytes, sizeof bytes, why));
  }
  for (int i = 0; i < 8; i++) furrow__spill_let_go(spill, &kept[i]);
  return NULL;
}

TEST(spill, serves_several_threads) {
  pthread_t threads[THREADS];
  furrow__spill spill;
  furrow__spill_start(&spill);
  for (int i = 0; i < THREADS; i++) ASSERT_EQ(pthread_create(&threads[i], NULL, take_and_let_go, &spill), 0);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  furrow__spill_end(&spill);
}
