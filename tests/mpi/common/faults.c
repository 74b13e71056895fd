/* What the tests of failing tasks, isolation, journals and the stop signal share. Knows files and MPI's PMPI_ names; does not
 * know what is tested. */
#include "mpi/common/faults.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

void meet_asleep(void) {
  MPI_Request request;
  int done = 0;
  PMPI_Ibarrier(test_comm(), &request);
  for (PMPI_Test(&request, &done, MPI_STATUS_IGNORE); !done; PMPI_Test(&request, &done, MPI_STATUS_IGNORE)) nap(0.0002);
}

/* ---- what ranks and children share ---- */

static void die(const char *what) {
  perror(what);
  PMPI_Abort(MPI_COMM_WORLD, 1);
}

static const char *temporary(void) {
  const char *path = getenv("TMPDIR");
  return path && strlen(path) < 30 ? path : "/tmp";
}

/* A file, because ranks on several hosts share no other memory; it has no name any more when this returns. */
counter *counters_make(size_t n) {
  folder path = "";
  size_t size = n * sizeof(counter);
  int file = -1;
  if (is_root()) {
    snprintf(path, sizeof path, "%s/furrow-counters-XXXXXX", temporary());
    file = mkstemp(path);
    if (file < 0 || ftruncate(file, (off_t)size) != 0) die(path);
  }
  PMPI_Bcast(path, sizeof path, MPI_BYTE, 0, test_comm());
  if (file < 0) file = open(path, O_RDWR);
  counter *counters = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (file < 0 || counters == MAP_FAILED) die(path);
  close(file);
  meet_asleep();
  if (is_root()) unlink(path);
  return counters;
}

void counters_clear(counter *counters, size_t n) {
  meet_asleep();
  if (is_root()) memset((void *)counters, 0, n * sizeof *counters);
  meet_asleep();
}

void counters_free(counter *counters, size_t n) {
  meet_asleep();
  munmap((void *)counters, n * sizeof *counters);
}

void folder_make(folder path) {
  memset(path, 0, sizeof(folder));
  if (is_root()) {
    snprintf(path, sizeof(folder), "%s/furrow-test-XXXXXX", temporary());
    if (!mkdtemp(path)) die(path);
  }
  PMPI_Bcast(path, sizeof(folder), MPI_BYTE, 0, test_comm());
}

void folder_remove(const folder path) {
  meet_asleep();
  if (!is_root()) return;
  DIR *open_folder = opendir(path);
  for (struct dirent *entry; open_folder && (entry = readdir(open_folder));)
    unlinkat(dirfd(open_folder), entry->d_name, 0);
  if (open_folder) closedir(open_folder);
  EXPECT_EQ(rmdir(path), 0);
}

/* ---- tasks that fail ---- */

bool fails(failing which, uint64_t task) {
  if (which.step == 0 || task < which.first) return false;
  uint64_t distance = task - which.first;
  return distance % which.step == 0 && distance / which.step < which.most;
}

uint64_t failing_count(failing which, uint64_t tasks) {
  uint64_t count = 0;
  for (uint64_t i = 0; i < tasks; i++) count += fails(which, i);
  return count;
}

void expect_failing_tasks(furrow_pool *pool, failing which, uint64_t tasks) {
  uint64_t wanted = failing_count(which, tasks), i = 0, wrong = 0;
  if (!is_root()) {
    EXPECT_EQ(furrow_pool_failure_count(pool), 0);
    EXPECT_TRUE(furrow_pool_failure(pool, 0) == NULL);
    return;
  }
  ASSERT_EQ(furrow_pool_failure_count(pool), wanted);
  EXPECT_TRUE(furrow_pool_failure(pool, wanted) == NULL);
  for (uint64_t task = 0; task < tasks; task++) {
    if (!fails(which, task)) continue;
    const furrow_failure *failure = furrow_pool_failure(pool, i++);
    ASSERT_TRUE(failure != NULL);
    wrong += failure->task != task;
    ASSERT_TRUE(failure->host && *failure->host && failure->message && *failure->message);
    ASSERT_TRUE(failure->rank >= 0 && failure->rank < test_size());
  }
  EXPECT_EQ(wrong, 0);
}

void expect_done(const uint8_t *done, failing which, uint64_t tasks) {
  for (uint64_t i = 0; is_root() && i < tasks; i++) {
    if (done[i] == !fails(which, i)) continue;
    TEST_FAIL("done[%d] is %d", (int)i, done[i]);
    return;
  }
}

/* ---- bytes ---- */

unsigned char byte_of(uint64_t task, size_t i, unsigned salt) {
  return (unsigned char)(task * 31 + i * 7 + (i >> 8) + (task >> 8) + salt);
}

void fill_bytes(void *bytes, size_t size, uint64_t task, unsigned salt) {
  for (size_t i = 0; i < size; i++) ((unsigned char *)bytes)[i] = byte_of(task, i, salt);
}

bool bytes_are(const void *bytes, size_t size, uint64_t task, unsigned salt) {
  for (size_t i = 0; i < size; i++)
    if (((const unsigned char *)bytes)[i] != byte_of(task, i, salt)) return false;
  return true;
}

bool bytes_are_all(const void *bytes, size_t size, unsigned char value) {
  for (size_t i = 0; i < size; i++)
    if (((const unsigned char *)bytes)[i] != value) return false;
  return true;
}

void *root_array(uint64_t count, size_t size) {
  size_t bytes = is_root() ? count * size : 0;
  void *array = bytes ? aligned_alloc(64, (bytes + 63) / 64 * 64) : NULL;
  if (array) memset(array, 0xee, bytes);
  return array;
}

/* ---- reductions ---- */

static double term(uint64_t task) {
  return 1.0 / (double)(task + 1) * (task % 3 == 0 ? 1e9 : 1);
}

void answer_init(void *accumulator, void *user) {
  (void)user;
  *(answer *)accumulator = (answer){.a = 1};
}

void answer_add(answer *to, uint64_t task) {
  answer one = {2 * (task * 0x9e3779b97f4a7c15u) + 1, task * 0xd1b54a32d192ed03u + 7, 1, term(task)};
  answer_merge(to, &one, NULL);
}

void answer_merge(void *accumulator, const void *later, void *user) {
  answer *f = accumulator;
  const answer *g = later;
  (void)user;
  *f = (answer){g->a * f->a, g->a * f->b + g->b, f->tasks + g->tasks, f->sum + g->sum};
}

static uint64_t min(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

static uint64_t max(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

/* Leaves of consecutive tasks; then neighbours merge, level by level, and one that is left over rises. */
answer answer_by_tree(uint64_t count, uint64_t leaf, failing without) {
  uint64_t most = min(count, min(UINT64_C(1) << 22, max(UINT64_C(1) << 14, (UINT64_C(1) << 36) / sizeof(answer))));
  if (leaf == 0) leaf = max(1, (count + most - 1) / max(1, most));
  uint64_t leaves = count / leaf + (count % leaf > 0);
  answer *level = calloc(leaves + 1, sizeof *level);
  for (uint64_t i = 0; i <= leaves; i++) answer_init(&level[i], NULL);
  for (uint64_t i = 0; i < count; i++)
    if (!fails(without, i)) answer_add(&level[i / leaf], i);
  for (; leaves > 1; leaves = (leaves + 1) / 2)
    for (uint64_t i = 0; i < leaves; i += 2) {
      if (i + 1 < leaves) answer_merge(&level[i], &level[i + 1], NULL);
      level[i / 2] = level[i];
    }
  answer all = level[0];
  free(level);
  return all;
}

void expect_answer(const answer *got, uint64_t count, uint64_t leaf, failing without) {
  if (!is_root()) return;
  answer wanted = answer_by_tree(count, leaf, without);
  EXPECT_EQ(got->tasks, wanted.tasks);
  EXPECT_BYTES_EQ(got, &wanted, sizeof wanted);
}
