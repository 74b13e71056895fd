/* Making and freeing the pool's communicators. */
#include <stdlib.h>

#include "comm/comm.h"

static furrow_status status_of(int code) {
  return code == MPI_SUCCESS ? FURROW_OK : FURROW_E_MPI;
}

bool furrow__mpi_is_up(void) {
  int up = 0, down = 0;
  MPI_Initialized(&up);
  MPI_Finalized(&down);
  return up && !down;
}

furrow_status furrow__mpi_start(int *argc, char ***argv, bool *ours) {
  int up = 0, provided = 0;
  *ours = false;
  MPI_Initialized(&up);
  if (up) return furrow__mpi_is_up() ? FURROW_OK : FURROW_E_MPI;
  furrow_status status = status_of(MPI_Init_thread(argc, argv, MPI_THREAD_MULTIPLE, &provided));
  *ours = status == FURROW_OK;
  return status;
}

void furrow__mpi_finish(void) {
  if (furrow__mpi_is_up()) MPI_Finalize();
}

bool furrow__mpi_is_intracomm(MPI_Comm comm) {
  int inter = 0;
  return comm != MPI_COMM_NULL && MPI_Comm_test_inter(comm, &inter) == MPI_SUCCESS && !inter;
}

furrow__comm furrow__comm_none(void) {
  return (furrow__comm){
      .all = MPI_COMM_NULL, .node = MPI_COMM_NULL, .leaders = MPI_COMM_NULL, .mail = MPI_COMM_NULL, .size = 1};
}

/* The only call on the user's communicator. Nonblocking, so that early ranks sleep until the last has come. */
furrow_status furrow__comm_create(furrow__comm *comm, MPI_Comm user) {
  *comm = furrow__comm_none();
  MPI_Request request;
  if (MPI_Comm_idup(user, &comm->all, &request) != MPI_SUCCESS) return FURROW_E_MPI;
  if (furrow__comm_wait(comm, &request) != FURROW_OK) return FURROW_E_MPI;
  MPI_Comm_set_errhandler(comm->all, MPI_ERRORS_RETURN);
  MPI_Comm_rank(comm->all, &comm->rank);
  MPI_Comm_size(comm->all, &comm->size);
  comm->node_size = comm->nodes = 1;
  if (comm->rank == 0) comm->counts = malloc(2 * (size_t)comm->size * sizeof *comm->counts);
  return comm->rank == 0 && !comm->counts ? FURROW_E_NOMEM : FURROW_OK;
}

/* Everyone has come: the blocking calls end soon. */
static furrow_status split(furrow__comm *comm) {
  if (MPI_Comm_split_type(comm->all, MPI_COMM_TYPE_SHARED, comm->rank, MPI_INFO_NULL, &comm->node) != MPI_SUCCESS)
    return FURROW_E_MPI;
  MPI_Comm_rank(comm->node, &comm->node_rank);
  MPI_Comm_size(comm->node, &comm->node_size);
  int color = comm->node_rank == 0 ? 0 : MPI_UNDEFINED;
  return status_of(MPI_Comm_split(comm->all, color, comm->rank, &comm->leaders));
}

/* What the first ranks of the nodes know: the node's number, how many there are, the ranks before them. Where there are
   several, also a communicator for letters, and on rank 0 the nodes' sizes. */
static furrow_status survey(furrow__comm *comm) {
  MPI_Comm_rank(comm->leaders, &comm->node_index);
  MPI_Comm_size(comm->leaders, &comm->nodes);
  if (comm->nodes == 1) return FURROW_OK;
  if (MPI_Comm_dup(comm->leaders, &comm->mail) != MPI_SUCCESS) return FURROW_E_MPI;
  int until = 0, *sizes = NULL;
  if (comm->node_index == 0) sizes = comm->node_sizes = calloc((size_t)comm->nodes, sizeof *sizes);
  uint64_t failed = comm->node_index == 0 && !sizes;
  if (furrow__comm_max(comm, comm->leaders, &failed, 1) != FURROW_OK || failed) return FURROW_E_NOMEM;
  if (MPI_Scan(&comm->node_size, &until, 1, MPI_INT, MPI_SUM, comm->leaders) != MPI_SUCCESS) return FURROW_E_MPI;
  comm->ranks_before = until - comm->node_size;
  return status_of(MPI_Gather(&comm->node_size, 1, MPI_INT, sizes, 1, MPI_INT, 0, comm->leaders));
}

furrow_status furrow__comm_find_nodes(furrow__comm *comm) {
  int level = MPI_THREAD_SINGLE;
  MPI_Query_thread(&level);
  comm->threads = level == MPI_THREAD_MULTIPLE;
  if (comm->size == 1) return FURROW_OK;
  furrow_status status = split(comm);
  if (status != FURROW_OK) return status;
  if (comm->leaders != MPI_COMM_NULL) status = survey(comm);
  uint64_t facts[] = {(uint64_t)comm->node_index, (uint64_t)comm->nodes, (uint64_t)comm->ranks_before, status};
  if (furrow__comm_bcast(comm, comm->node, 0, facts, sizeof facts) != FURROW_OK) return FURROW_E_MPI;
  comm->node_index = (int)facts[0];
  comm->nodes = (int)facts[1];
  comm->ranks_before = (int)facts[2];
  uint64_t fewest = comm->threads ? 0 : 1;
  if (facts[3] == FURROW_OK && furrow__comm_max(comm, comm->all, &fewest, 1) != FURROW_OK) return FURROW_E_MPI;
  comm->threads = fewest == 0;
  return (furrow_status)facts[3];
}

static void free_one(MPI_Comm *comm) {
  if (*comm != MPI_COMM_NULL) MPI_Comm_free(comm);
  *comm = MPI_COMM_NULL;
}

void furrow__comm_free(furrow__comm *comm) {
  free(comm->counts);
  free(comm->node_sizes);
  comm->counts = comm->node_sizes = NULL;
  if (!furrow__mpi_is_up()) return;
  free_one(&comm->mail);
  free_one(&comm->leaders);
  free_one(&comm->node);
  free_one(&comm->all);
}
