/* Shared memory between processes: opened by those who were told its name, grown under their eyes, refused in words and
   never by a signal. */
#include "node/arena.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/test.h"
#include "unit/crew.h"

static const size_t KIB = 1024, MIB = 1048576;
enum { SKIPPED = 77 };

/* In a child process EXPECTs are not heard: its exit status is the line of what failed. */
#define DEMAND(condition)            \
  do {                               \
    if (!(condition)) return IS_AT_; \
  } while (0)
#define IS_AT_ (__LINE__ % 200 + 20)

typedef struct made {
  furrow__arena arena;
  furrow__arena_name name;
  char reason[160]; /* "": made */
} made;

static made make_as(bool named, size_t size, size_t limit) {
  made m;
  memset(&m, 0, sizeof m);
  if (!furrow__arena_create(&m.arena, size, limit, named, &m.name, m.reason, sizeof m.reason)) m.reason[0] = '\0';
  return m;
}

static made make(size_t size, size_t limit) {
  return make_as(false, size, limit);
}

static int open_descriptors(void) {
  int count = 0;
  DIR *directory = opendir("/proc/self/fd");
  while (directory && readdir(directory)) count++;
  if (directory) closedir(directory);
  return count;
}

/* ---- the usual ways ---- */

TEST(arena, starts_as_zero_bytes_behind_its_nonce) {
  made m = make(MIB, 4 * MIB);
  ASSERT_EQ_STR(m.reason, "");
  EXPECT_EQ(m.arena.size, MIB);
  EXPECT_EQ(m.arena.limit, 4 * MIB);
  EXPECT_NE(m.name.nonce, 0u);
  EXPECT_EQ(m.name.size, MIB);
  EXPECT_BYTES_EQ(m.arena.base, &m.name.nonce, sizeof m.name.nonce);
  size_t others = 0;
  for (size_t i = sizeof m.name.nonce; i < MIB; i++) others += m.arena.base[i] != 0;
  EXPECT_EQ(others, 0u);
  furrow__arena_close(&m.arena);
  EXPECT_EQ(m.arena.base, NULL);
  EXPECT_EQ(m.arena.fd, -1);
  furrow__arena_close(&m.arena); /* harmless */
}

/* A process that was there before the arena: nothing is inherited. It opens, writes, and sees the arena grow. */
typedef struct guest {
  int names, told; /* pipe ends */
  bool writable;
} guest;

static int visit(void *argument) {
  const guest *g = argument;
  furrow__arena arena;
  furrow__arena_name name;
  char reason[160], sign;
  DEMAND(read(g->names, &name, sizeof name) == (ssize_t)sizeof name);
  DEMAND(!furrow__arena_open(&arena, &name, g->writable, reason, sizeof reason));
  DEMAND(arena.size == name.size && arena.limit == name.limit && arena.fd == -1);
  DEMAND(arena.base[MIB - 1] == 'a');
  if (g->writable) arena.base[MIB - 2] = 'b';
  DEMAND(!furrow__arena_grow(&arena, 2 * MIB)); /* the creator's right */
  DEMAND(write(g->told, "w", 1) == 1);
  DEMAND(read(g->names, &sign, 1) == 1);
  DEMAND(arena.base[3 * MIB - 1] == 'c'); /* behind what was there when it was opened */
  furrow__arena_close(&arena);
  return 0;
}

static void host(bool named, bool writable) {
  int down[2], up[2];
  char sign;
  ASSERT_EQ(pipe(down) | pipe(up), 0);
  guest g = {down[0], up[1], writable};
  int pid = crew_fork();
  if (pid == 0) _exit(visit(&g));
  made m = make_as(named, MIB, 4 * MIB);
  EXPECT_EQ_STR(m.reason, "");
  EXPECT_EQ(m.name.shm[0] != '\0', named);
  m.arena.base[MIB - 1] = 'a';
  EXPECT_EQ(write(down[1], &m.name, sizeof m.name), (ssize_t)sizeof m.name);
  EXPECT_EQ(read(up[0], &sign, 1), 1);
  furrow__arena_hide(&m.name);
  if (writable) EXPECT_EQ(m.arena.base[MIB - 2], 'b');
  EXPECT_TRUE(furrow__arena_grow(&m.arena, 3 * MIB));
  EXPECT_EQ(m.arena.size, 3 * MIB);
  m.arena.base[3 * MIB - 1] = 'c';
  EXPECT_EQ(write(down[1], "g", 1), 1);
  EXPECT_EQ(crew_wait(pid), 0);
  furrow__arena_close(&m.arena);
  for (int i = 0; i < 2; i++) close(down[i]), close(up[i]);
}

TEST(arena, another_process_opens_it_and_sees_it_grow) {
  host(false, true);
  host(true, true);
}

TEST(arena, another_process_opens_it_for_reading) {
  host(false, false);
  host(true, false);
}

TEST(arena, grows_up_to_its_limit) {
  made m = make(MIB, 2 * MIB + 4096);
  ASSERT_EQ_STR(m.reason, "");
  EXPECT_TRUE(furrow__arena_grow(&m.arena, 1));
  EXPECT_TRUE(furrow__arena_grow(&m.arena, MIB));
  EXPECT_EQ(m.arena.size, MIB); /* it never shrinks */
  EXPECT_FALSE(furrow__arena_grow(&m.arena, 2 * MIB + 4097));
  EXPECT_FALSE(furrow__arena_grow(&m.arena, SIZE_MAX));
  EXPECT_EQ(m.arena.size, MIB);
  EXPECT_TRUE(furrow__arena_grow(&m.arena, MIB + 1));
  EXPECT_TRUE(furrow__arena_grow(&m.arena, 2 * MIB + 4096));
  memset(m.arena.base, 1, m.arena.size);
  struct stat status;
  EXPECT_EQ(fstat(m.arena.fd, &status), 0);
  EXPECT_EQ((size_t)status.st_size, m.arena.limit);
  EXPECT_GE((size_t)status.st_blocks * 512, m.arena.limit); /* reserved, so that touching it can't fail */
  furrow__arena_close(&m.arena);
}

TEST(arena, alone_is_for_this_process_and_grows_in_place) {
  furrow__arena arena;
  char reason[160];
  ASSERT_EQ_STR(furrow__arena_create_alone(&arena, MIB, 4 * MIB, reason, sizeof reason), NULL);
  EXPECT_EQ(arena.fd, -1);
  EXPECT_EQ(arena.size, MIB);
  EXPECT_EQ(arena.limit, 4 * MIB);
  memset(arena.base, 1, arena.size);
  char *base = arena.base;
  EXPECT_TRUE(furrow__arena_grow(&arena, 4 * MIB));
  EXPECT_EQ(arena.base, base);
  memset(arena.base + MIB, 0, 3 * MIB);
  EXPECT_EQ(arena.base[0], 1);
  EXPECT_FALSE(furrow__arena_grow(&arena, 4 * MIB + 1));
  EXPECT_EQ(arena.size, 4 * MIB);
  furrow__arena_close(&arena);
  EXPECT_CONTAINS(furrow__arena_create_alone(&arena, MIB, SIZE_MAX / 2, reason, sizeof reason), "mmap: ");
  EXPECT_EQ(arena.base, NULL);
}

TEST(arena, nonces_differ_and_no_descriptor_leaks) {
  int before = open_descriptors();
  uint64_t last = 0;
  for (int i = 0; i < 50; i++) {
    made m = make(64 * KIB, MIB);
    furrow__arena again;
    ASSERT_EQ_STR(m.reason, "");
    EXPECT_NE(m.name.nonce, last);
    last = m.name.nonce;
    EXPECT_EQ_STR(furrow__arena_open(&again, &m.name, true, m.reason, sizeof m.reason), NULL);
    furrow__arena_close(&again);
    EXPECT_EQ(fcntl(m.arena.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    furrow__arena_close(&m.arena);
    made none = make(SIZE_MAX / 2, SIZE_MAX / 2);
    EXPECT_NE(none.reason[0], '\0');
  }
  EXPECT_EQ(open_descriptors(), before);
}

/* ---- refusals ---- */

TEST(arena, anothers_memory_is_refused) {
  made m = make(MIB, MIB);
  furrow__arena arena;
  char reason[160];
  int before = open_descriptors();
  furrow__arena_name name = m.name;
  name.nonce ^= 2;
  EXPECT_CONTAINS(furrow__arena_open(&arena, &name, true, reason, sizeof reason), " is another process's");
  EXPECT_EQ(arena.base, NULL);
  name = m.name;
  name.fd = 1000000;
  EXPECT_CONTAINS(furrow__arena_open(&arena, &name, true, reason, sizeof reason), "/fd/1000000: No such file");
  name.pid = INT64_MAX;
  EXPECT_CONTAINS(furrow__arena_open(&arena, &name, true, reason, sizeof reason), "No such file");
  EXPECT_EQ(arena.base, NULL);
  EXPECT_EQ(open_descriptors(), before);
  furrow__arena_close(&m.arena);
}

TEST(arena, a_reason_is_cut_to_its_room) {
  char reason[8];
  furrow__arena arena;
  furrow__arena_name name = {.nonce = 1, .pid = 1, .fd = 1000000, .size = MIB, .limit = MIB};
  memset(reason, 'x', sizeof reason);
  EXPECT_EQ_STR(furrow__arena_open(&arena, &name, true, reason, 7), "/proc/");
  EXPECT_EQ(reason[7], 'x');
}

/* What has the number of the right descriptor in another PID namespace may be anything. */
static int open_this(int fd) {
  furrow__arena arena;
  furrow__arena_name name = {.nonce = 1, .pid = getpid(), .fd = fd, .size = MIB, .limit = MIB};
  char reason[160];
  DEMAND(fd >= 0);
  DEMAND(furrow__arena_open(&arena, &name, true, reason, sizeof reason));
  DEMAND(!arena.base);
  return 0;
}

static int open_an_empty_file(void *unused) {
  (void)unused;
  return open_this(memfd_create("empty", 0));
}

static int open_a_pipe(void *unused) {
  int ends[2];
  (void)unused;
  DEMAND(pipe(ends) == 0);
  return open_this(ends[0]);
}

static int open_dev_null(void *unused) {
  (void)unused;
  return open_this(open("/dev/null", O_RDWR));
}

static int open_dev_zero(void *unused) {
  (void)unused;
  return open_this(open("/dev/zero", O_RDWR));
}

TEST(arena, an_empty_file_is_refused) {
  EXPECT_EQ(crew_child(open_an_empty_file, NULL), 0);
}

TEST(arena, what_is_no_file_is_refused) {
  EXPECT_EQ(crew_child(open_a_pipe, NULL), 0);
  EXPECT_EQ(crew_child(open_dev_null, NULL), 0);
  EXPECT_EQ(crew_child(open_dev_zero, NULL), 0);
}

static int with_a_file_size_limit(void *unused) {
  (void)unused;
  struct rlimit limit = {2 * MIB, 2 * MIB};
  DEMAND(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  int before = open_descriptors();
  made m = make(4 * MIB, 8 * MIB);
  DEMAND(strstr(m.reason, "File too large"));
  DEMAND(!m.arena.base);
  DEMAND(open_descriptors() == before);
  m = make(MIB, 8 * MIB);
  DEMAND(!m.reason[0]);
  DEMAND(!furrow__arena_grow(&m.arena, 4 * MIB));
  DEMAND(m.arena.size == MIB);
  DEMAND(furrow__arena_grow(&m.arena, 2 * MIB));
  return 0;
}

static int with_sigxfsz_ignored(void *unused) {
  signal(SIGXFSZ, SIG_IGN);
  return with_a_file_size_limit(unused);
}

TEST(arena, a_file_size_limit_is_refused_by_a_code) {
  EXPECT_EQ(crew_child(with_sigxfsz_ignored, NULL), 0);
}

TEST(arena, a_file_size_limit_is_refused_without_a_signal) {
  EXPECT_EQ(crew_child(with_a_file_size_limit, NULL), 0);
}

static int without_descriptors(void *unused) {
  (void)unused;
  struct rlimit limit = {0, 0};
  DEMAND(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  made m = make(MIB, MIB);
  DEMAND(strstr(m.reason, "Too many open files"));
  DEMAND(!m.arena.base);
  return 0;
}

TEST(arena, no_descriptor_left) {
  EXPECT_EQ(crew_child(without_descriptors, NULL), 0);
}

/* ---- names in /dev/shm, which has 2 MiB here, in a mount namespace of the child's own ---- */

static int mount_small_shm(void) {
  if (unshare(CLONE_NEWNS) != 0) return SKIPPED;
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return SKIPPED;
  if (mount("none", "/dev/shm", "tmpfs", 0, "size=2m") != 0) return SKIPPED;
  return 0;
}

static int shm_names(void) {
  int count = 0;
  DIR *directory = opendir("/dev/shm");
  for (const struct dirent *entry; directory && (entry = readdir(directory));) count += entry->d_name[0] != '.';
  if (directory) closedir(directory);
  return count;
}

static int open_by_name(void *argument) {
  const furrow__arena_name *name = argument;
  furrow__arena arena;
  char reason[160];
  DEMAND(!furrow__arena_open(&arena, name, true, reason, sizeof reason));
  return 0;
}

static int in_small_shm(void *unused) {
  (void)unused;
  int skip = mount_small_shm();
  if (skip) return skip;
  int before = open_descriptors();
  made m = make_as(true, MIB, 8 * MIB);
  DEMAND(!m.reason[0]);
  DEMAND(shm_names() == 1);
  DEMAND(crew_child(open_by_name, &m.name) == 0);
  furrow__arena_hide(&m.name);
  DEMAND(shm_names() == 0);
  DEMAND(crew_child(open_by_name, &m.name) != 0);
  DEMAND(!furrow__arena_grow(&m.arena, 4 * MIB)); /* full */
  DEMAND(m.arena.size == MIB);
  DEMAND(furrow__arena_grow(&m.arena, 2 * MIB));
  memset(m.arena.base, 1, m.arena.size);
  furrow__arena_close(&m.arena);
  m = make_as(true, 4 * MIB, 8 * MIB);
  DEMAND(strstr(m.reason, "posix_fallocate: No space left"));
  DEMAND(!m.arena.base);
  DEMAND(shm_names() == 0);
  DEMAND(open_descriptors() == before);
  return 0;
}

TEST(arena, names_are_hidden_and_a_full_disk_is_refused) {
  int status = crew_child(in_small_shm, NULL);
  if (status == SKIPPED) TEST_SKIP("no mount namespace of our own: not root?");
  EXPECT_EQ(status, 0);
}
