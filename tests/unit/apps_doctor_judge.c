/* What furrow doctor says of a run: a healthy one, and each misconfiguration by itself. Nothing is measured here. */
#include <stdlib.h>

#include "furrow/doctor/judge.h"
#include "shim/test.h"

enum { MOST_RANKS = 16 };

typedef struct patient {
  facts known;
  rank_facts ranks[MOST_RANKS];
  verdicts all;
} patient;

static void set_cores(cpu_set_t *cores, int first, int count) {
  CPU_ZERO(cores);
  for (int i = first; i < first + count; i++) CPU_SET((size_t)i, cores);
}

/* `each` ranks on each node, with a core of its own for each rank. */
static patient *healthy(int nodes, int each) {
  patient *p = calloc(1, sizeof *p);
  facts *known = &p->known;
  *known = (facts){.launch = {.by = LAUNCHER_OPENMPI, .size = nodes * each, .local = each},
                   .ranks = p->ranks,
                   .count = nodes * each};
  known->nodes = nodes;
  known->shared_memory = 1 << 20;
  known->inside = (link_facts){1, 1e-6, 5e9, "on n0", "shared memory (vader)"};
  known->between = (link_facts){1, 20e-6, 1e9, "n0 to n1", "TCP"};
  known->service = (service_facts){.measured = true, .dynamic = true, .task = 0.3, .stall = 2e-3, .rank = 1};
  for (int i = 0; i < known->count; i++) {
    rank_facts *rank = &p->ranks[i];
    *rank = (rank_facts){.rank = i, .node = i / each, .machine = 100 + (uint64_t)(i / each), .clock = 25e-9};
    snprintf(rank->host, sizeof rank->host, "n%d", i / each);
    set_cores(&rank->bound, i % each, 1);
    set_cores(&rank->allowed, 0, each);
    rank->thread_level = MPI_THREAD_MULTIPLE;
    snprintf(rank->mpi, sizeof rank->mpi, "Open MPI 4.1.4");
    snprintf(rank->cpu, sizeof rank->cpu, "AMD EPYC");
    rank->shm = UINT64_C(1) << 30;
  }
  return p;
}

/* Judge; without hyper-threads where the test says nothing of them. */
static void diagnose(patient *p) {
  for (int i = 0; i < p->known.count; i++) {
    rank_facts *rank = &p->ranks[i];
    if (CPU_COUNT(&rank->whole_allowed) > 0) continue;
    rank->whole_bound = rank->bound;
    rank->whole_allowed = rank->allowed;
  }
  judge(&p->known, &p->all);
}

/* The worst verdict on a topic; a failure of the test and NULL if there is none. */
static const verdict *find(patient *p, const char *topic) {
  const verdict *found = NULL;
  for (int i = 0; i < p->all.count; i++) {
    const verdict *one = &p->all.list[i];
    if (strcmp(one->topic, topic) == 0 && (!found || one->level > found->level)) found = one;
  }
  if (!found) TEST_FAIL("there is no verdict on %s", topic);
  return found;
}

/* Judge, find this, and find nothing else that is as bad. Frees the patient. */
static void expect_only(patient *p, verdict_level level, const char *topic, const char *finding, const char *advice) {
  diagnose(p);
  const verdict *found = find(p, topic);
  if (found) {
    EXPECT_EQ((int)found->level, (int)level);
    EXPECT_CONTAINS(found->finding, finding);
    EXPECT_CONTAINS(found->advice, advice);
  }
  EXPECT_EQ((int)verdicts_worst(&p->all), (int)level);
  if (level != LEVEL_OK) EXPECT_EQ(verdicts_count(&p->all, level), 1);
  free(p);
}

/* ---- nothing is wrong ----------------------------------------------------------------------------------------------- */

TEST(apps_doctor, finds_nothing_wrong_with_a_healthy_run) {
  for (int nodes = 1; nodes <= 3; nodes++)
    for (int each = 1; each <= 4; each++) {
      patient *p = healthy(nodes, each);
      diagnose(p);
      for (int i = 0; i < p->all.count; i++)
        if (p->all.list[i].level != LEVEL_OK)
          TEST_FAIL("%d x %d ranks, %s: %s", nodes, each, p->all.list[i].topic, p->all.list[i].finding);
      EXPECT_GE(p->all.count, 7);
      free(p);
    }
}

TEST(apps_doctor, unbound_ranks_are_fine) {
  patient *p = healthy(2, 4);
  for (int i = 0; i < 8; i++) p->ranks[i].bound = p->ranks[i].allowed;
  expect_only(p, LEVEL_OK, "binding", "the kernel chooses", "");
}

TEST(apps_doctor, ways_are_judged_only_where_there_are_any) {
  patient *p = healthy(1, 1);
  diagnose(p);
  for (int i = 0; i < p->all.count; i++)
    EXPECT_FALSE(strstr(p->all.list[i].topic, "node") || strcmp(p->all.list[i].topic, "progress") == 0);
  free(p);
}

/* ---- launch --------------------------------------------------------------------------------------------------------- */

TEST(apps_doctor, singletons_of_srun_are_an_error_and_nothing_else_is_said) {
  patient *p = healthy(1, 1);
  p->known.launch = (launch){.by = LAUNCHER_SRUN, .size = 4, .local = 1, .slurm_size = 4};
  diagnose(p);
  EXPECT_EQ(p->all.count, 1);
  expect_only(p, LEVEL_ERROR, "launch", "srun started 4 processes, but each believes to be alone", "--mpi=pmix");
  p = healthy(1, 1);
  p->known.launch = (launch){.by = LAUNCHER_SRUN, .size = 4, .local = 1, .slurm_size = 4};
  snprintf(p->ranks[0].mpi, sizeof p->ranks[0].mpi, "MPICH 4.0.2");
  expect_only(p, LEVEL_ERROR, "launch", "rank 0 of 1 in MPICH 4.0.2", "--mpi=pmi2");
}

TEST(apps_doctor, srun_without_pmix_is_an_error_before_open_mpi_can_end_the_program) {
  launch start = {.by = LAUNCHER_SRUN, .size = 2};
  verdicts all = {.count = 0};
  EXPECT_TRUE(judge_start(&start, "Open MPI 4.1.4", &all));
  ASSERT_EQ(all.count, 1);
  EXPECT_EQ((int)all.list[0].level, (int)LEVEL_ERROR);
  EXPECT_CONTAINS(all.list[0].finding, "srun started 2 processes without PMIx");
  EXPECT_CONTAINS(all.list[0].advice, "srun --mpi=pmix");
  EXPECT_FALSE(judge_start(&start, "MPICH 4.0.2", &all)); /* it will come up, and be found alone */
  start.pmi = true;
  EXPECT_FALSE(judge_start(&start, "Open MPI 4.1.4", &all)); /* it may have been built with PMI */
  start = (launch){.by = LAUNCHER_SRUN, .size = 2, .pmix = true};
  EXPECT_FALSE(judge_start(&start, "Open MPI 4.1.4", &all));
  start = (launch){.by = LAUNCHER_OPENMPI, .size = 2};
  EXPECT_FALSE(judge_start(&start, "Open MPI 4.1.4", &all));
  EXPECT_EQ(all.count, 1);
}

TEST(apps_doctor, what_may_keep_mpi_from_starting_is_foreseen) {
  char text[VERDICT_ROOM];
  launch start = {.by = LAUNCHER_SRUN, .size = 8, .local = 4, .pmi = true};
  EXPECT_TRUE(judge_doubt(&start, "Open MPI 4.1.4", 0, text, sizeof text));
  EXPECT_CONTAINS(text, "no PMIx");
  EXPECT_FALSE(judge_doubt(&start, "MPICH 4.0.2", 0, text, sizeof text));
  EXPECT_TRUE(judge_doubt(&start, "MPICH 4.0.2", 16 << 20, text, sizeof text));
  EXPECT_EQ_STR(text, "/dev/shm has 16.0 MiB for 4 ranks");
  EXPECT_FALSE(judge_doubt(&start, "MPICH 4.0.2", 64 << 20, text, sizeof text));
}

TEST(apps_doctor, singletons_of_another_mpirun_are_an_error) {
  patient *p = healthy(1, 1);
  p->known.launch = (launch){.by = LAUNCHER_HYDRA, .size = 2, .local = 1};
  expect_only(p, LEVEL_ERROR, "launch", "MPICH's mpiexec started 2 processes", "don't know each other");
  p = healthy(1, 1);
  p->known.launch = (launch){.by = LAUNCHER_OPENMPI, .size = 2, .local = 1};
  expect_only(p, LEVEL_ERROR, "launch", "Open MPI's mpirun started 2 processes", "two installations");
}

TEST(apps_doctor, no_launcher_in_a_slurm_job_of_several_is_a_warning) {
  patient *p = healthy(1, 1);
  p->known.launch = (launch){.by = LAUNCHER_NONE, .size = 1, .local = 1, .slurm_size = 8};
  expect_only(p, LEVEL_WARNING, "launch", "in a Slurm job that is for 8", "put mpirun or srun");
}

TEST(apps_doctor, a_failed_pool_is_an_error) {
  patient *p = healthy(1, 2);
  facts_fail(&p->known, FURROW_E_ARG, "furrow_init", "environment: FURROW_CHUNK=\"x\" is not a whole number");
  expect_only(p, LEVEL_ERROR, "pool", "furrow_init failed (invalid argument): environment: FURROW_CHUNK", "unset it");
}

TEST(apps_doctor, a_hang_is_an_error) {
  verdicts all = {.count = 0};
  judge_hang("rank 0 had no word from rank 3", 60, &all);
  EXPECT_EQ(all.count, 1);
  EXPECT_EQ((int)all.list[0].level, (int)LEVEL_ERROR);
  EXPECT_EQ_STR(all.list[0].finding, "gave up after 60 s: rank 0 had no word from rank 3");
}

/* ---- cores ---------------------------------------------------------------------------------------------------------- */

TEST(apps_doctor, two_ranks_on_one_core_are_an_error_where_another_is_free) {
  patient *p = healthy(2, 3);
  set_cores(&p->ranks[5].bound, 1, 1);
  expect_only(p, LEVEL_ERROR, "binding", "n1: rank 4 and 1 other are bound to core 1, while 1 core is free",
              "--bind-to core");
}

TEST(apps_doctor, how_to_bind_depends_on_the_launcher) {
  static const launcher BY[] = {LAUNCHER_SRUN, LAUNCHER_HYDRA};
  static const char *const ADVICE[] = {"srun --cpu-bind=cores", "mpiexec -bind-to core"};
  for (size_t i = 0; i < sizeof BY / sizeof *BY; i++) {
    patient *p = healthy(1, 2);
    p->known.launch.by = BY[i];
    p->ranks[1].bound = p->ranks[0].bound;
    expect_only(p, LEVEL_ERROR, "binding", "bound to core 0", ADVICE[i]);
  }
}

/* Ranks 0 and 1 both want cores 0 and 1, and so does rank 2: no two sets are the same, but three ranks have two cores. */
TEST(apps_doctor, sets_that_overlap_are_found) {
  patient *p = healthy(1, 3);
  set_cores(&p->ranks[0].bound, 0, 2);
  set_cores(&p->ranks[1].bound, 1, 1);
  set_cores(&p->ranks[2].bound, 0, 1);
  expect_only(p, LEVEL_ERROR, "binding", "its 3 ranks are bound so that only 2 have a core of their own",
              "--bind-to core");
}

/* Cores 0 and 2 are hyper-threads of one core, and so are 1 and 3: a rank on each core is fine, two on one are not. */
static patient *on_hyper_threads(int first, int second) {
  patient *p = healthy(1, 2);
  int cores[] = {first, second};
  for (int i = 0; i < 2; i++) {
    set_cores(&p->ranks[i].allowed, 0, 4);
    set_cores(&p->ranks[i].whole_allowed, 0, 2);
    set_cores(&p->ranks[i].bound, cores[i], 1);
    set_cores(&p->ranks[i].whole_bound, cores[i] % 2, 1);
  }
  return p;
}

TEST(apps_doctor, ranks_on_hyper_threads_of_one_core_are_a_warning_where_another_is_free) {
  expect_only(on_hyper_threads(0, 2), LEVEL_WARNING, "binding",
              "n0: its 2 ranks are on 1 core, two or more on hyper-threads of one, and 1 core is free", "a whole core");
  expect_only(on_hyper_threads(0, 1), LEVEL_OK, "binding", "each rank has a core of its own", "");
  expect_only(on_hyper_threads(0, 3), LEVEL_OK, "binding", "each rank has a core of its own", "");
}

/* Each node alone is in order. */
TEST(apps_doctor, hosts_of_one_machine_share_its_cores) {
  patient *p = healthy(2, 1);
  for (int i = 0; i < 2; i++) {
    p->ranks[i].machine = 7;
    set_cores(&p->ranks[i].allowed, 0, 2);
  }
  expect_only(p, LEVEL_ERROR, "binding", "n0: rank 0 and 1 other are bound to core 0", "these hosts are one machine");
}

TEST(apps_doctor, hosts_of_one_machine_are_told) {
  patient *p = healthy(2, 2);
  for (int i = 0; i < 4; i++) {
    p->ranks[i].machine = 7;
    set_cores(&p->ranks[i].allowed, 0, 4);
    p->ranks[i].bound = p->ranks[i].allowed;
  }
  expect_only(p, LEVEL_OK, "cores", "4 ranks on 4 cores; n0 and other hosts are one machine", "");
}

TEST(apps_doctor, more_ranks_than_cores_are_a_warning) {
  patient *p = healthy(3, 4);
  for (int i = 4; i < 12; i++) {
    set_cores(&p->ranks[i].allowed, 0, i < 8 ? 3 : 2);
    p->ranks[i].bound = p->ranks[i].allowed;
  }
  expect_only(p, LEVEL_WARNING, "cores", "n2 has 4 ranks on 2 cores, and so has 1 more node", "start at most 2 there");
}

TEST(apps_doctor, a_quota_counts_as_fewer_cores) {
  patient *p = healthy(1, 4);
  for (int i = 0; i < 4; i++) p->ranks[i].quota = 1.5;
  expect_only(p, LEVEL_WARNING, "cores", "4 ranks on 2 cores, which its control group's quota allows", "at most 2");
}

TEST(apps_doctor, more_threads_than_cores_are_a_warning) {
  patient *p = healthy(1, 4);
  for (int i = 0; i < 4; i++) {
    p->ranks[i].bound = p->ranks[i].allowed;
    p->ranks[i].threads = 2;
    snprintf(p->ranks[i].threads_by, sizeof p->ranks[i].threads_by, "OMP_NUM_THREADS");
  }
  expect_only(p, LEVEL_WARNING, "cores", "4 ranks with 8 threads (OMP_NUM_THREADS) on 4 cores", "fewer ranks or thr");
}

TEST(apps_doctor, threads_on_one_core_are_a_warning) {
  patient *p = healthy(1, 1);
  set_cores(&p->ranks[0].allowed, 0, 8);
  p->ranks[0].threads = 8;
  snprintf(p->ranks[0].threads_by, sizeof p->ranks[0].threads_by, "OMP_NUM_THREADS");
  expect_only(p, LEVEL_WARNING, "binding", "OMP_NUM_THREADS=8, but rank 0 (n0) is bound to 1 core", "slot:PE=8");
}

TEST(apps_doctor, cores_that_nobody_may_use_are_a_warning) {
  patient *p = healthy(2, 2);
  for (int i = 0; i < 4; i++) set_cores(&p->ranks[i].allowed, 0, 6);
  expect_only(p, LEVEL_WARNING, "binding", "n0: 2 ranks are bound to 2 of 6 cores, so nobody may use the others",
              "--bind-to none");
}

TEST(apps_doctor, cores_that_are_not_known_are_not_judged) {
  patient *p = healthy(1, 2);
  for (int i = 0; i < 2; i++) CPU_ZERO(&p->ranks[i].bound);
  expect_only(p, LEVEL_OK, "binding", "not known", "");
}

/* ---- MPI and memory ------------------------------------------------------------------------------------------------- */

TEST(apps_doctor, a_low_thread_level_is_a_warning_between_nodes_only) {
  patient *p = healthy(2, 2);
  p->ranks[3].thread_level = MPI_THREAD_SERIALIZED;
  expect_only(p, LEVEL_WARNING, "mpi", "gives MPI_THREAD_SERIALIZED on rank 3 (n1)", "MPI_THREAD_MULTIPLE");
  p = healthy(1, 2);
  p->ranks[0].thread_level = MPI_THREAD_FUNNELED;
  expect_only(p, LEVEL_OK, "mpi", "MPI_THREAD_FUNNELED: enough on one node", "");
}

TEST(apps_doctor, no_shared_memory_is_a_warning) {
  patient *p = healthy(1, 2);
  p->known.shared_memory = 0;
  snprintf(p->known.shared_note, sizeof p->known.shared_note, "shared memory: Permission denied");
  expect_only(p, LEVEL_WARNING, "memory", "no shared memory, so every operation is static: shared memory: Perm",
              "/proc");
  p = healthy(1, 2);
  p->known.shared_memory = 0;
  for (int i = 0; i < 2; i++) snprintf(p->ranks[i].variables, sizeof p->ranks[i].variables, "FURROW_SHARED_MEMORY=0\n");
  expect_only(p, LEVEL_WARNING, "memory", "no shared memory", "unset FURROW_SHARED_MEMORY");
}

TEST(apps_doctor, a_small_dev_shm_is_a_warning) {
  patient *p = healthy(1, 4);
  for (int i = 0; i < 4; i++) p->ranks[i].shm = UINT64_C(16) << 20;
  expect_only(p, LEVEL_WARNING, "memory", "/dev/shm of n0 has 16.0 MiB for 4 ranks", "--shm-size");
}

TEST(apps_doctor, different_mpis_are_an_error_and_different_cpus_a_warning) {
  patient *p = healthy(2, 1);
  snprintf(p->ranks[1].mpi, sizeof p->ranks[1].mpi, "Open MPI 5.0.1");
  expect_only(p, LEVEL_ERROR, "alike", "Open MPI 4.1.4 on n0, but Open MPI 5.0.1 on rank 1 (n1)", "the same version");
  p = healthy(2, 1);
  snprintf(p->ranks[1].cpu, sizeof p->ranks[1].cpu, "Intel Xeon");
  expect_only(p, LEVEL_WARNING, "alike", "AMD EPYC on n0, but Intel Xeon on rank 1 (n1)", "last bits");
}

TEST(apps_doctor, a_slow_clock_is_a_warning) {
  patient *p = healthy(2, 1);
  p->ranks[1].clock = 2e-6;
  expect_only(p, LEVEL_WARNING, "clock", "2000 ns", "n1 reads its clock by a system call");
}

/* ---- ways between ranks, and rank 0's service ----------------------------------------------------------------------- */

TEST(apps_doctor, a_slow_way_is_a_warning) {
  patient *p = healthy(1, 2);
  p->known.inside.round_trip = 2e-3;
  expect_only(p, LEVEL_WARNING, "inside a node", "round trip 2.0 ms", "share a core");
  p = healthy(2, 1);
  p->known.between.round_trip = 8e-3;
  expect_only(p, LEVEL_WARNING, "between nodes", "round trip 8.0 ms, 1.0 GB/s by TCP, n0 to n1", "btl_tcp_if_include");
}

TEST(apps_doctor, tcp_inside_a_node_is_a_warning) {
  patient *p = healthy(1, 2);
  snprintf(p->known.inside.transport, sizeof p->known.inside.transport, "TCP");
  expect_only(p, LEVEL_WARNING, "inside a node", "by TCP", "should go by shared memory");
}

TEST(apps_doctor, a_rank_that_waits_for_rank_0_is_a_warning_where_cores_suffice) {
  patient *p = healthy(2, 1);
  p->known.service.stall = 0.28;
  expect_only(p, LEVEL_WARNING, "progress", "while rank 0 computed for 300 ms, rank 1 (n1) had no task for 280 ms",
              "between its tasks");
  p = healthy(2, 1);
  p->known.service.stall = 0.28;
  p->known.service.threads = true;
  expect_only(p, LEVEL_WARNING, "progress", "had no task for 280 ms", "no free core");
  p = healthy(1, 2);
  p->known.service.stall = 0.28;
  for (int i = 0; i < 2; i++) set_cores(&p->ranks[i].allowed, 0, 1);
  p->ranks[1].bound = p->ranks[0].bound;
  diagnose(p);
  EXPECT_EQ((int)find(p, "progress")->level, (int)LEVEL_OK);
  free(p);
}

TEST(apps_doctor, what_was_not_measured_is_told) {
  patient *p = healthy(2, 2);
  p->known.quick = true;
  p->known.inside.pairs = p->known.between.pairs = 0;
  p->known.service.measured = false;
  diagnose(p);
  EXPECT_EQ_STR(find(p, "inside a node")->finding, "shared memory (vader); not measured (--quick)");
  EXPECT_EQ_STR(find(p, "between nodes")->finding, "TCP; not measured (--quick)");
  EXPECT_EQ_STR(find(p, "progress")->finding, "not measured (--quick)");
  free(p);
}

/* ---- variables ------------------------------------------------------------------------------------------------------ */

static patient *with_variables(int rank, const char *lines) {
  patient *p = healthy(2, 2);
  for (int i = 0; i < 4; i++)
    if (rank < 0 || i == rank) snprintf(p->ranks[i].variables, sizeof p->ranks[i].variables, "%s", lines);
  return p;
}

TEST(apps_doctor, an_unknown_variable_is_a_warning_told_once) {
  expect_only(with_variables(-1, "FURROW_CHUNKS=8\n"), LEVEL_WARNING, "variables",
              "FURROW_CHUNKS is set (rank 0 on n0), but furrow knows no such variable", "did you mean FURROW_CHUNK?");
  expect_only(with_variables(2, "FURROW_FROBNICATE=8\n"), LEVEL_WARNING, "variables", "(rank 2 on n1)", "unset it");
}

TEST(apps_doctor, a_variable_that_does_not_reach_rank_0_is_a_warning) {
  expect_only(with_variables(3, "FURROW_CHUNK=8\n"), LEVEL_WARNING, "variables",
              "FURROW_CHUNK is set on rank 3 (n1), but not on rank 0", "mpirun -x FURROW_CHUNK");
}

TEST(apps_doctor, known_variables_are_told) {
  expect_only(with_variables(-1, "FURROW_CHUNK=8\nFURROW_SEED=1\n"), LEVEL_OK, "variables",
              "FURROW_CHUNK=8 FURROW_SEED=1", "");
}

/* However much is wrong, there is room for all of it. */
TEST(apps_doctor, many_unknown_variables_leave_room_for_the_other_verdicts) {
  char lines[VARIABLES_ROOM] = "";
  for (int i = 0; i < 40; i++) snprintf(lines + strlen(lines), sizeof lines - strlen(lines), "FURROW_X%d=1\n", i);
  patient *p = with_variables(-1, lines);
  diagnose(p);
  EXPECT_LT(p->all.count, MOST_VERDICTS);
  EXPECT_TRUE(find(p, "clock") != NULL);
  free(p);
}
