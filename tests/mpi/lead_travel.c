/* What of a led program's operations travels to the other ranks: functions, user, shares, options; and what can't. */
#include "mpi/common/lead.h"

/* ---- what travels ---- */

static int copy_user(furrow_task *task, const void *item, void *result) {
  size_t size = *(const size_t *)item;
  memcpy(result, task->user, size);
  if ((uintptr_t)task->user % 64 != 0 && task->rank != 0) return furrow_fail(task, "user is not aligned");
  return 0;
}

enum { USER_MOST = 100000 };

static furrow_status send_user(furrow_pool *pool, void *argument) {
  size_t size = *(size_t *)argument, items[20];
  unsigned char *user = malloc(size), *results = malloc((size_t)20 * USER_MOST);
  furrow_options options = FURROW_OPTIONS_INIT;
  options.user_size = size;
  options.chunk = 1;
  for (size_t i = 0; i < size; i++) user[i] = (unsigned char)(i * 7 + size);
  for (int i = 0; i < 20; i++) items[i] = size;
  furrow_status status = furrow_map(pool, copy_user, user, items, sizeof *items, 20, results, USER_MOST, &options);
  for (int i = 0; i < 20 && status == FURROW_OK; i++)
    if (memcmp(results + (size_t)i * USER_MOST, user, size) != 0) status = FURROW_E_IO;
  free(user);
  free(results);
  return status;
}

TEST(lead_travel, copies_user_of_any_size) {
  static const size_t sizes[] = {1, 8, 63, 64, 1023, 1024, 1025, 4096, 99999};
  for (int i = 0; i < 9; i++) {
    size_t size = sizes[i];
    TEST_PHASE("user of %d bytes", (int)size);
    EXPECT_OK(lead(test_pool(), send_user, &size));
  }
}

static int read_cell(furrow_task *task, const void *item, void *result) {
  (void)item;
  *(double *)result = ((const double *)task->user)[task->index];
  return 0;
}

typedef struct readings {
  bool right;
  furrow_share *left;
} readings;

static furrow_status read_from_shares(furrow_pool *pool, void *argument) {
  furrow_share *shares[4] = {NULL};
  double table[1000], results[100];
  furrow_options options = FURROW_OPTIONS_INIT;
  readings *r = argument;
  for (int i = 0; i < 1000; i++) table[i] = i;
  for (int s = 0; s < 4; s++) {
    table[500] = 1000 * s;
    TRY(furrow_share_create(pool, table, sizeof table, &shares[s]));
  }
  furrow_share_destroy(&shares[1]);
  r->right = true;
  for (int s = 0; s < 4; s++) {
    if (!shares[s]) continue;
    double *inside = (double *)furrow_share_data(shares[s]) + 500;
    options.user_size = s == 3 ? 500 * sizeof(double) : 0; /* up to the end: it need not be copied */
    TRY(furrow_map(pool, read_cell, inside, NULL, 0, 100, results, sizeof *results, &options));
    r->right = r->right && results[0] == 1000 * s && results[99] == 599;
  }
  furrow_share_destroy(&shares[0]);
  furrow_share_destroy(&shares[2]);
  r->left = shares[3]; /* the other ranks' end with the program */
  return FURROW_OK;
}

/* Mappings of this rank that only a share can be: shared, read only, and the library's. */
static int count_mappings(void) {
  char line[512];
  int count = 0;
  FILE *maps = fopen("/proc/self/maps", "r");
  while (maps && fgets(line, sizeof line, maps)) count += strstr(line, "furrow") && strstr(line, "r--s");
  if (maps) fclose(maps);
  return count;
}

TEST(lead_travel, lets_user_point_into_a_share) {
  readings r = {!is_root(), NULL};
  int before = count_mappings();
  EXPECT_OK(lead(test_pool(), read_from_shares, &r));
  EXPECT_TRUE(r.right);
  if (is_root()) EXPECT_EQ(((const double *)furrow_share_data(r.left))[500], 3000);
  furrow_share_destroy(&r.left);
  EXPECT_EQ(count_mappings(), before);
}

static int tell_mappings(furrow_task *task, const void *item, void *result) {
  (void)item;
  if (task->rank != 0) *(int *)result = count_mappings();
  return 0;
}

static furrow_status destroy_in_time(furrow_pool *pool, void *argument) {
  int *most = argument;
  for (int i = 0; i < 5; i++) {
    int counts[64];
    furrow_share *share = NULL;
    furrow_options options = options_of(FURROW_SCHEDULE_STATIC, 0);
    TRY(furrow_share_create(pool, counts, sizeof counts, &share));
    furrow_share_destroy(&share);
    TRY(furrow_map(pool, tell_mappings, NULL, NULL, 0, 64, counts, sizeof *counts, &options));
    for (int k = 0; k < 64; k++)
      if (counts[k] > *most) *most = counts[k];
  }
  return FURROW_OK;
}

TEST(lead_travel, destroys_shares_on_all_ranks_when_the_program_does) {
  int most = 0;
  EXPECT_OK(lead(test_pool(), destroy_in_time, &most));
  EXPECT_EQ(most, 0);
}

/* A share that all ranks have made may be used, and stays theirs. */
typedef struct pair {
  furrow_share *share;
  double results[10];
} pair;

static furrow_status use_own_share(furrow_pool *pool, void *argument) {
  pair *p = argument;
  TRY(furrow_map(pool, read_table, p->share, NULL, 0, 10, p->results, sizeof *p->results, NULL));
  furrow_share_destroy(&p->share);
  return FURROW_OK;
}

TEST(lead_travel, takes_shares_that_were_made_before) {
  double table[10] = {10, 11, 12, 13, 14, 15, 16, 17, 18, 19};
  pair p = {NULL, {0}};
  EXPECT_OK(furrow_share_create(test_pool(), table, sizeof table, &p.share));
  EXPECT_OK(lead(test_pool(), use_own_share, &p));
  for (int i = 0; i < 10 && is_root(); i++) EXPECT_TRUE(p.results[i] >= 10 + i && p.results[i] < 11 + i);
  EXPECT_TRUE((p.share == NULL) == is_root());
  if (p.share) EXPECT_BYTES_EQ(furrow_share_data(p.share), table, sizeof table);
  furrow_share_destroy(&p.share);
}

TEST(lead_travel, tells_of_a_share_that_another_rank_has_destroyed) {
  if (test_size() == 1) return; /* there is no other */
  double table[10] = {0};
  pair p = {NULL, {0}};
  EXPECT_OK(furrow_share_create(test_pool(), table, sizeof table, &p.share));
  if (test_rank() == last_rank()) furrow_share_destroy(&p.share);
  EXPECT_STATUS(FURROW_E_ARG, lead(test_pool(), use_own_share, &p));
  EXPECT_EQ(furrow_pool_error(test_pool())->rank, last_rank());
  expect_told(test_pool(), FURROW_E_ARG, "furrow_share that this rank has no more");
  furrow_share_destroy(&p.share);
}

static int begun, ended;

static int begin(void *user, int worker, void **local) {
  (void)worker;
  begun++;
  *local = user;
  return 0;
}

static void end(void *user, int worker, void *local) {
  (void)worker;
  ended += user == local;
}

static furrow_status map_with_workers(furrow_pool *pool, void *argument) {
  uint64_t results[50];
  furrow_options options = FURROW_OPTIONS_INIT;
  options.worker_begin = begin;
  options.worker_end = end;
  options.user_size = sizeof(int);
  return furrow_map(pool, store_index, argument, NULL, 0, 50, results, sizeof *results, &options);
}

TEST(lead_travel, begins_and_ends_every_worker) {
  int word = 0;
  begun = ended = 0;
  EXPECT_OK(lead(test_pool(), map_with_workers, &word));
  EXPECT_EQ(begun, 1);
  EXPECT_EQ(ended, 1);
}

/* ---- options of every kind ---- */

static int fail_first_time(furrow_task *task, const void *item, void *result) {
  (void)item;
  if (task->attempt == 0 && task->index % 10 == 3) abort();
  *(uint64_t *)result = task->index;
  return 0;
}

typedef struct careful {
  char path[256];
  uint64_t results[100];
  uint8_t done[100];
  uint64_t reports;
} careful;

static void report(const furrow_progress_report *state, void *user) {
  (void)state;
  ++*(uint64_t *)user;
}

static furrow_status map_with_care(furrow_pool *pool, void *argument) {
  careful *c = argument;
  furrow_progress progress = {report, &c->reports, 0};
  furrow_options options = FURROW_OPTIONS_INIT;
  options.isolate = FURROW_ISOLATE_ON;
  options.retries = 1;
  options.done = c->done;
  options.journal = c->path;
  options.label = "with care";
  options.progress = &progress;
  return furrow_map(pool, fail_first_time, NULL, NULL, 0, 100, c->results, sizeof *c->results, &options);
}

TEST(lead_travel, has_retries_isolation_a_journal_and_progress) {
  folder path;
  folder_make(path);
  static careful c;
  memset(&c, 0, sizeof c);
  snprintf(c.path, sizeof c.path, "%s/journal", path);
  EXPECT_OK(lead(test_pool(), map_with_care, &c));
  for (uint64_t i = 0; is_root() && i < 100; i++) EXPECT_TRUE(c.results[i] == i && c.done[i] == 1);
  if (is_root()) EXPECT_GT(c.reports, 0);
  if (is_root()) EXPECT_EQ(access(c.path, R_OK), 0);
  folder_remove(path);
}

/* ---- what does not travel ---- */

typedef struct wrong {
  furrow_map_fn *fn;
  void *user;
  furrow_options options;
  furrow_status status;
  char message[FURROW_MESSAGE_SIZE];
} wrong;

static furrow_status do_wrong(furrow_pool *pool, void *argument) {
  wrong *w = argument;
  uint64_t results[20], again[20];
  w->status = furrow_map(pool, w->fn, w->user, NULL, 0, 20, results, sizeof *results, &w->options);
  snprintf(w->message, sizeof w->message, "%s", furrow_pool_error(pool)->message);
  TRY(furrow_map(pool, store_index, NULL, NULL, 0, 20, again, sizeof *again, NULL)); /* the pool works */
  return again[19] == 19 ? w->status : FURROW_E_IO;
}

static void expect_wrong(furrow_pool *pool, wrong w, const char *words) {
  EXPECT_STATUS_ON(pool, FURROW_E_ARG, lead(pool, do_wrong, &w));
  if (is_root()) EXPECT_EQ(w.status, FURROW_E_ARG);
  if (is_root()) EXPECT_CONTAINS(w.message, words);
  expect_works(pool);
}

TEST(lead_travel, refuses_what_can_not_travel) {
  furrow_pool *bare = make_pool_without_board(), *pools[] = {test_pool(), bare};
  void *heap = malloc(64);
  int local = 0;
  for (int i = 0; i < 2; i++) {
    wrong w = {store_index, NULL, FURROW_OPTIONS_INIT, FURROW_OK, ""};
    w.user = &local;
    expect_wrong(pools[i], w, "furrow_map: user is not NULL, but options.user_size is 0");
    w.user = NULL;
    w.options.user_size = 4;
    expect_wrong(pools[i], w, "furrow_map: user is NULL, but options.user_size is 4");
    w.options.user_size = 0;
    w.fn = (furrow_map_fn *)(uintptr_t)heap;  // NOLINT(performance-no-int-to-ptr)
    expect_wrong(pools[i], w, "furrow_map: fn is in no program or library");
    w.fn = (furrow_map_fn *)(uintptr_t)&local;  // NOLINT(performance-no-int-to-ptr)
    expect_wrong(pools[i], w, "made at run time");
    w.fn = store_index;
    w.options.worker_end = (void (*)(void *, int, void *))(uintptr_t)heap;  // NOLINT(performance-no-int-to-ptr)
    expect_wrong(pools[i], w, "furrow_map: options.worker_end is in no program or library");
    w.options.worker_end = NULL;
    w.fn = NULL;
    expect_wrong(pools[i], w, "furrow_map: fn is NULL");
    w.fn = store_index;
    w.options.schedule = (furrow_schedule)77;
    expect_wrong(pools[i], w, "schedule is 77");
  }
  free(heap);
  furrow_pool_destroy(&bare);
}
