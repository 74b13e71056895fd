/* What furrow doctor is made of: sets of cores, names of variables, launchers, names of MPIs, lines of 80 columns. */
#include <stdlib.h>

#include "common/launch.h"
#include "furrow/doctor/cores.h"
#include "furrow/doctor/show.h"
#include "furrow/doctor/transports.h"
#include "furrow/doctor/variables.h"
#include "shim/test.h"

/* ---- cores ---------------------------------------------------------------------------------------------------------- */

static const char *text_of(const int *list, char *text, size_t room) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  for (; *list >= 0; list++) CPU_SET((size_t)*list, &cores);
  return cores_text(&cores, text, room);
}

TEST(apps_doctor_parts, cores_are_told_as_ranges) {
  char text[64];
  EXPECT_EQ_STR(text_of((int[]){-1}, text, sizeof text), "none");
  EXPECT_EQ_STR(text_of((int[]){0, -1}, text, sizeof text), "0");
  EXPECT_EQ_STR(text_of((int[]){0, 1, 2, 3, 8, 1022, 1023, -1}, text, sizeof text), "0-3,8,1022-1023");
}

TEST(apps_doctor_parts, a_long_list_of_cores_is_cut) {
  char text[16];
  EXPECT_EQ_STR(text_of((int[]){1, 3, 5, 7, 9, 11, 13, 15, -1}, text, sizeof text), "1,3,5,7,9,11...");
}

TEST(apps_doctor_parts, crowds_are_machines_in_the_order_of_their_ranks) {
  rank_facts *ranks = calloc(5, sizeof *ranks);
  static const uint64_t MACHINES[] = {9, 4, 9, 4, 9};
  for (int i = 0; i < 5; i++) {
    ranks[i].machine = MACHINES[i];
    CPU_SET((size_t)i, &ranks[i].bound);
    ranks[i].allowed = ranks[i].bound;
  }
  int count = 0;
  crowd *crowds = crowds_make(ranks, 5, &count);
  ASSERT_EQ(count, 2);
  EXPECT_EQ(crowds[0].count, 3);
  EXPECT_EQ(crowds[0].ranks[2], 4);
  EXPECT_EQ(crowds[1].count, 2);
  EXPECT_EQ(crowds[1].ranks[0], 1);
  EXPECT_EQ(crowds[0].own, 3);
  EXPECT_EQ(CPU_COUNT(&crowds[0].allowed), 3);
  crowds_free(crowds);
  free(ranks);
}

/* ---- variables ------------------------------------------------------------------------------------------------------ */

TEST(apps_doctor_parts, near_misses_of_variables_are_recognised) {
  EXPECT_TRUE(variable_known("FURROW_NODE_TIMEOUT"));
  EXPECT_FALSE(variable_known("FURROW_CHUNKS"));
  EXPECT_EQ_STR(variable_meant("FURROW_CHUNKS"), "FURROW_CHUNK");
  EXPECT_EQ_STR(variable_meant("FURROW_CHUKN"), "FURROW_CHUNK");
  EXPECT_EQ_STR(variable_meant("FURROW_SHAREDMEMORY"), "FURROW_SHARED_MEMORY");
  EXPECT_EQ_STR(variable_meant("FURROW_SCHEDUL"), "FURROW_SCHEDULE");
  EXPECT_EQ_STR(variable_meant("FURROW_METRIC"), "FURROW_METRICS");
  EXPECT_TRUE(variable_meant("FURROW_FROBNICATE") == NULL);
  EXPECT_TRUE(variable_meant("FURROW_") == NULL);
  EXPECT_TRUE(variable_meant("FURROW_ABSURDLY_LONG_NAME_THAT_NOBODY_WOULD_EVER_TYPE") == NULL);
}

TEST(apps_doctor_parts, variables_are_collected_and_cut_into_lines) {
  char *environment[] = {"PATH=/bin", "FURROW_CHUNK=8", "FURROW_X=a\nb\xc3\xa4", "FURROW_EMPTY=", "FURROW", NULL};
  char lines[128], name[16];
  variables_collect(environment, lines, sizeof lines);
  EXPECT_EQ_STR(lines, "FURROW_CHUNK=8\nFURROW_X=a?b??\nFURROW_EMPTY=\n");
  const char *rest = lines, *value;
  size_t length;
  ASSERT_TRUE(variables_next(&rest, name, sizeof name, &value, &length));
  EXPECT_EQ_STR(name, "FURROW_CHUNK");
  EXPECT_EQ(length, 1);
  EXPECT_EQ(*value, '8');
  ASSERT_TRUE(variables_next(&rest, name, sizeof name, &value, &length));
  ASSERT_TRUE(variables_next(&rest, name, sizeof name, &value, &length));
  EXPECT_EQ_STR(name, "FURROW_EMPTY");
  EXPECT_EQ(length, 0);
  EXPECT_FALSE(variables_next(&rest, name, sizeof name, &value, &length));
}

TEST(apps_doctor_parts, variables_beyond_the_room_are_left_out) {
  char *environment[] = {"FURROW_A=1", "FURROW_LONG=0123456789", "FURROW_B=2", NULL}, lines[24];
  variables_collect(environment, lines, sizeof lines);
  EXPECT_EQ_STR(lines, "FURROW_A=1\nFURROW_B=2\n");
}

/* ---- launchers ------------------------------------------------------------------------------------------------------ */

static const char *const *fake; /* NAME, value, NAME, value, ..., NULL; the environment of one test */

static const char *get_fake(const char *name) {
  for (const char *const *entry = fake; *entry; entry += 2)
    if (strcmp(entry[0], name) == 0) return entry[1];
  return NULL;
}

static launch launch_of(const char *const *environment) {
  fake = environment;
  return launch_read(get_fake);
}

#define LAUNCH_OF(...) launch_of((const char *const[]){__VA_ARGS__, NULL})

TEST(apps_doctor_parts, launchers_tell_how_many_ranks_are_on_this_host) {
  EXPECT_EQ(LAUNCH_OF("PMI_SIZE", "8", "PMI_RANK", "0").local, 1);
  EXPECT_EQ(LAUNCH_OF("PMI_SIZE", "8", "PMI_RANK", "0", "MPI_LOCALNRANKS", "4").local, 4);
  EXPECT_EQ(LAUNCH_OF("OMPI_COMM_WORLD_SIZE", "8", "OMPI_COMM_WORLD_LOCAL_SIZE", "2").local, 2);
  EXPECT_EQ(LAUNCH_OF("SLURM_STEP_NUM_TASKS", "6", "SLURM_STEP_ID", "0", "SLURM_STEP_TASKS_PER_NODE", "2(x3)").local,
            2);
}

static void expect_launch(launch found, launcher by, int rank, int size, int slurm_size) {
  EXPECT_EQ_STR(launcher_name(found.by), launcher_name(by));
  EXPECT_EQ(found.rank, rank);
  EXPECT_EQ(found.size, size);
  EXPECT_EQ(found.slurm_size, slurm_size);
}

TEST(apps_doctor_parts, launchers_are_known_by_their_variables) {
  expect_launch(LAUNCH_OF("HOME", "/"), LAUNCHER_NONE, 0, 1, 0);
  expect_launch(LAUNCH_OF("OMPI_COMM_WORLD_SIZE", "4", "OMPI_COMM_WORLD_RANK", "3"), LAUNCHER_OPENMPI, 3, 4, 0);
  expect_launch(LAUNCH_OF("PMI_SIZE", "2", "PMI_RANK", "1"), LAUNCHER_HYDRA, 1, 2, 0);
  expect_launch(LAUNCH_OF("SLURM_JOB_ID", "7", "SLURM_STEP_ID", "0", "SLURM_NTASKS", "2", "SLURM_STEP_NUM_TASKS", "2",
                          "SLURM_PROCID", "1"),
                LAUNCHER_SRUN, 1, 2, 2);
}

TEST(apps_doctor_parts, the_innermost_launcher_counts) {
  expect_launch(LAUNCH_OF("SLURM_JOB_ID", "7", "SLURM_NTASKS", "8", "SLURM_STEP_ID", "0", "SLURM_STEP_NUM_TASKS", "2",
                          "SLURM_PROCID", "1", "OMPI_COMM_WORLD_SIZE", "8", "OMPI_COMM_WORLD_RANK", "5"),
                LAUNCHER_OPENMPI, 5, 8, 8);
  expect_launch(LAUNCH_OF("SLURM_JOB_ID", "7", "SLURM_NTASKS", "4"), LAUNCHER_NONE, 0, 1, 4);
  expect_launch(LAUNCH_OF("SLURM_NTASKS", "4"), LAUNCHER_NONE, 0, 1, 0); /* a leftover, not a job */
}

/* ---- MPIs ----------------------------------------------------------------------------------------------------------- */

TEST(apps_doctor_parts, mpis_have_short_names) {
  char name[NAME_ROOM];
  mpi_name("Open MPI v4.1.4, package: Debian OpenMPI, ident: 4.1.4, repo rev: v4.1.4, May 26, 2022", name, sizeof name);
  EXPECT_EQ_STR(name, "Open MPI 4.1.4");
  mpi_name("MPICH Version:\t4.0.2\nMPICH Release date:\tThu Apr  7 12:34:45 CDT 2022\n", name, sizeof name);
  EXPECT_EQ_STR(name, "MPICH 4.0.2");
  mpi_name("Some MPI 1.0, of somebody", name, sizeof name);
  EXPECT_EQ_STR(name, "Some MPI 1.0");
}

static void expect_openmpi(const char *const *variables, const char *inside, const char *between) {
  components alive = {.ob1 = false};
  char found[2][NAME_ROOM];
  for (; *variables; variables++) component_note(&alive, *variables);
  transports_openmpi(&alive, found[0], found[1], NAME_ROOM);
  EXPECT_EQ_STR(found[0], inside);
  EXPECT_EQ_STR(found[1], between);
}

#define VARIABLES(...) ((const char *const[]){__VA_ARGS__, NULL})

TEST(apps_doctor_parts, transports_of_open_mpi_are_known_by_its_components) {
  unsetenv("UCX_TLS");
  expect_openmpi(VARIABLES("pml_ob1_eager_limit", "btl_vader_x", "btl_tcp_y"), "shared memory (vader)", "TCP");
  expect_openmpi(VARIABLES("pml_ob1_x", "btl_tcp_y"), "TCP", "TCP");
  expect_openmpi(VARIABLES("pml_ob1_x", "btl_sm_x", "btl_openib_y", "btl_tcp_y"), "shared memory (sm)",
                 "InfiniBand (openib)");
  expect_openmpi(VARIABLES("pml_ucx_x"), "UCX", "UCX");
  expect_openmpi(VARIABLES("pml_cm_x"), "the network's own matching (cm)", "the network's own matching (cm)");
  expect_openmpi(VARIABLES("coll_x"), "unknown", "unknown");
}

TEST(apps_doctor_parts, transports_of_mpich_are_known_by_its_device) {
  char inside[NAME_ROOM], between[NAME_ROOM];
  unsetenv("FI_PROVIDER");
  transports_mpich("MPICH Version: 4.0.2\nMPICH Device:\tch4:ofi\n", inside, between, NAME_ROOM);
  EXPECT_EQ_STR(inside, "shared memory (ch4:ofi)");
  EXPECT_EQ_STR(between, "libfabric (ch4:ofi)");
  transports_mpich("something else", inside, between, NAME_ROOM);
  EXPECT_EQ_STR(inside, "unknown");
  EXPECT_EQ_STR(between, "unknown");
}

/* ---- lines ---------------------------------------------------------------------------------------------------------- */

static char *words(const char *text, int column, int indent) {
  char *shown = NULL;
  size_t size = 0;
  FILE *stream = open_memstream(&shown, &size);
  if (!stream) return NULL;
  show_words(stream, text, column, indent);
  fclose(stream);
  return shown;
}

TEST(apps_doctor_parts, lines_end_before_column_80) {
  char text[81], *shown;
  memset(text, 'x', 80);
  text[80] = '\0';
  text[39] = ' ';
  shown = words(text, 0, 4);
  EXPECT_EQ_STR(shown, text); /* exactly 80 */
  free(shown);
  shown = words(text, 1, 4);
  ASSERT_TRUE(shown != NULL);
  EXPECT_EQ_STR(shown + 39, "\n    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
  free(shown);
}

TEST(apps_doctor_parts, letters_of_several_bytes_take_one_column) {
  char *shown = words("12 µs", 75, 4);
  EXPECT_EQ_STR(shown, "12 µs");
  free(shown);
  shown = words("123 µs", 75, 4);
  EXPECT_EQ_STR(shown, "123\n    µs");
  free(shown);
}
