/* What belongs to a slot of the farm: how many there are, which cores and which variables. */
#include <stdlib.h>

#include "furrow/farm/cores.h"
#include "furrow/farm/environment.h"
#include "furrow/farm/slots.h"
#include "shim/test.h"

/* ---- how many ------------------------------------------------------------------------------------------------------- */

TEST(apps_farm_slots, jobs_are_a_number_a_percentage_or_a_difference) {
  settings wanted = {.jobs = 100, .jobs_percent = true};
  EXPECT_EQ(slots_wanted(&wanted, 8), 8);
  wanted.jobs = 50;
  EXPECT_EQ(slots_wanted(&wanted, 7), 3);
  wanted.jobs = 1;
  EXPECT_EQ(slots_wanted(&wanted, 8), 1);
  wanted.jobs = 250;
  EXPECT_EQ(slots_wanted(&wanted, 2), 5);
  wanted = (settings){.jobs = 5};
  EXPECT_EQ(slots_wanted(&wanted, 2), 5);
  wanted.jobs = 0;
  EXPECT_EQ(slots_wanted(&wanted, 2), 0);
  wanted = (settings){.jobs = -3, .jobs_beyond = true};
  EXPECT_EQ(slots_wanted(&wanted, 8), 5);
  EXPECT_EQ(slots_wanted(&wanted, 2), 1);
}

TEST(apps_farm_slots, cores_of_each_command_divide_the_nodes) {
  settings wanted = {.jobs = 100, .jobs_percent = true, .cores = 3};
  EXPECT_EQ(slots_wanted(&wanted, 8), 2);
  EXPECT_EQ(slots_wanted(&wanted, 2), 1);
  wanted.jobs_percent = false;
  EXPECT_EQ(slots_wanted(&wanted, 8), 100);
}

TEST(apps_farm_slots, the_split_loses_none) {
  for (int all = 1; all < 50; all++)
    for (int ranks = 1; ranks < 12; ranks++) {
      int next = 1;
      for (int rank = 0; rank < ranks; rank++) {
        slots mine = slots_split(all, FURROW_THREADS_MOST, rank, ranks);
        ASSERT_EQ(mine.first, next);
        ASSERT_TRUE(mine.count == all / ranks || mine.count == all / ranks + 1);
        next += mine.count;
      }
      ASSERT_EQ(next, all + 1);
    }
}

TEST(apps_farm_slots, no_rank_has_more_than_it_can) {
  EXPECT_EQ(slots_split(1000000000, 1024, 0, 3).count, 1024);
  EXPECT_EQ(slots_split(1000000000, 1024, 2, 3).first, 2049);
  EXPECT_EQ(slots_by_descriptors(20, 10), 1);
  EXPECT_EQ(slots_by_descriptors(1024, 24), (1024 - 24 - 64) / 6);
  EXPECT_EQ(slots_by_descriptors(UINT64_MAX, 10), FURROW_THREADS_MOST);
}

/* ---- cores ---------------------------------------------------------------------------------------------------------- */

static core_set cores_of(const int *list) {
  core_set made = {.set = CPU_ALLOC(1024), .size = CPU_ALLOC_SIZE(1024)};
  CPU_ZERO_S(made.size, made.set);
  for (; *list >= 0; list++) CPU_SET_S((size_t)*list, made.size, made.set);
  return made;
}

static void expect_share(const core_set *of, int slot, int count, const int *list) {
  core_set share = cores_share(of, slot, count), wanted = cores_of(list);
  EXPECT_EQ(share.size, wanted.size);
  EXPECT_BYTES_EQ(share.set, wanted.set, wanted.size);
  cores_free(&share);
  cores_free(&wanted);
}

TEST(apps_farm_slots, cores_go_round) {
  core_set of = cores_of((int[]){2, 3, 8, 9, 700, -1});
  expect_share(&of, 1, 2, (int[]){2, 3, -1});
  expect_share(&of, 2, 2, (int[]){8, 9, -1});
  expect_share(&of, 3, 2, (int[]){2, 700, -1});
  expect_share(&of, 1000001, 1, (int[]){2, -1});
  expect_share(&of, 4, 5, (int[]){2, 3, 8, 9, 700, -1});
  expect_share(&of, 4, 1000000, (int[]){2, 3, 8, 9, 700, -1});
  expect_share(&of, 4, 0, (int[]){2, 3, 8, 9, 700, -1});
  cores_free(&of);
}

TEST(apps_farm_slots, a_binding_does_not_hide_cores_and_is_left_alone) {
  core_set allowed = cores_allowed(), one = cores_share(&allowed, 1, 1);
  core_set before = cores_bound();
  ASSERT_TRUE(cores_bind(&one));
  core_set again = cores_allowed(), bound = cores_bound();
  EXPECT_EQ(cores_count(&again), cores_count(&allowed));
  EXPECT_EQ(cores_count(&bound), 1);
  EXPECT_TRUE(cores_bind(&before));
  cores_free(&allowed);
  cores_free(&one);
  cores_free(&before);
  cores_free(&again);
  cores_free(&bound);
}

/* ---- variables ------------------------------------------------------------------------------------------------------ */

static const char *find(const environment *in, const char *name) {
  size_t length = strlen(name);
  const char *found = NULL;
  for (char **at = in->names; *at; at++) {
    if (strncmp(*at, name, length) != 0 || (*at)[length] != '=') continue;
    if (found) return "twice";
    found = *at + length + 1;
  }
  return found ? found : "none";
}

static char *FROM[] = {
    "HOME=/home/me",
    "OMPI_COMM_WORLD_RANK=3",
    "PMIX_RANK=3",
    "PMI_RANK=3",
    "PMI2_JOBID=3",
    "MPI_LOCALRANKID=3",
    "SLURM_STEP_ID=0",
    "SLURM_STEPID=0",
    "SLURM_PROCID=3",
    "SLURM_JOB_ID=17",
    "SLURM_JOBID=17",
    "OPAL_PREFIX=/opt/openmpi",
    "OPAL_X=1",
    "OMPI_ALLOW_RUN_AS_ROOT=1",
    "FURROW_FARM_TASK=old",
    "FURROW_THREADS=2",
    "CUDA_VISIBLE_DEVICES=7",
    "EMPTY=",
    "TWO=a\nb=c",
    NULL,
};

TEST(apps_farm_slots, nothing_of_mpi_reaches_a_command) {
  environment made;
  environment_of_slot slot = {.slot = 2, .host = "node07"};
  ASSERT_TRUE(environment_make(&made, FROM, &slot));
  static const char *const GONE[] = {
      "OMPI_COMM_WORLD_RANK", "OMPI_ALLOW_RUN_AS_ROOT", "PMIX_RANK",    "PMI_RANK",     "PMI2_JOBID", "OPAL_X",
      "MPI_LOCALRANKID",      "SLURM_STEP_ID",          "SLURM_STEPID", "SLURM_PROCID", "SLURM_JOBID"};
  for (size_t i = 0; i < sizeof GONE / sizeof *GONE; i++) EXPECT_EQ_STR(find(&made, GONE[i]), "none");
  EXPECT_EQ_STR(find(&made, "HOME"), "/home/me");
  EXPECT_EQ_STR(find(&made, "SLURM_JOB_ID"), "17");
  EXPECT_EQ_STR(find(&made, "OPAL_PREFIX"), "/opt/openmpi");
  EXPECT_EQ_STR(find(&made, "FURROW_THREADS"), "2");
  EXPECT_EQ_STR(find(&made, "CUDA_VISIBLE_DEVICES"), "7");
  EXPECT_EQ_STR(find(&made, "EMPTY"), "");
  EXPECT_EQ_STR(find(&made, "TWO"), "a\nb=c");
  environment_free(&made);
}

TEST(apps_farm_slots, a_command_is_told_what_it_is) {
  environment made;
  environment_of_slot slot = {.slot = 3, .host = "node07", .gpus = 2};
  ASSERT_TRUE(environment_make(&made, FROM, &slot));
  environment_set(&made, UINT64_MAX, UINT32_MAX, INT32_MAX);
  EXPECT_EQ_STR(find(&made, "FURROW_FARM_TASK"), "18446744073709551615");
  environment_set(&made, 12, 2, 5);
  EXPECT_EQ_STR(find(&made, "FURROW_FARM_TASK"), "12");
  EXPECT_EQ_STR(find(&made, "PARALLEL_SEQ"), "12");
  EXPECT_EQ_STR(find(&made, "FURROW_FARM_ATTEMPT"), "2");
  EXPECT_EQ_STR(find(&made, "FURROW_FARM_RANK"), "5");
  EXPECT_EQ_STR(find(&made, "FURROW_FARM_SLOT"), "3");
  EXPECT_EQ_STR(find(&made, "PARALLEL_JOBSLOT"), "3");
  EXPECT_EQ_STR(find(&made, "FURROW_FARM_HOST"), "node07");
  EXPECT_EQ_STR(find(&made, "CUDA_VISIBLE_DEVICES"), "4,5");
  environment_free(&made);
}
