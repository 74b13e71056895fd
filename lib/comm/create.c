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

/* The only call on the user's communicator. Nonblocking, so that early ranks sleep until the last has come. */
furrow_status furrow__comm_create(furrow__comm *comm, MPI_Comm user) {
  *comm = (furrow__comm){.all = MPI_COMM_NULL, .node = MPI_COMM_NULL, .leaders = MPI_COMM_NULL};
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

furrow_status furrow__comm_find_nodes(furrow__comm *comm) {
  if (comm->size == 1) return FURROW_OK;
  furrow_status status = split(comm);
  if (status != FURROW_OK) return status;
  uint64_t where[2] = {0, 0}; /* the node's number, and how many there are */
  if (comm->leaders != MPI_COMM_NULL) {
    int index = 0, nodes = 0;
    MPI_Comm_rank(comm->leaders, &index);
    MPI_Comm_size(comm->leaders, &nodes);
    where[0] = (uint64_t)index;
    where[1] = (uint64_t)nodes;
  }
  status = furrow__comm_bcast(comm, comm->node, 0, where, sizeof where);
  comm->node_index = (int)where[0];
  comm->nodes = (int)where[1];
  return status;
}

static void free_one(MPI_Comm *comm) {
  if (*comm != MPI_COMM_NULL) MPI_Comm_free(comm);
  *comm = MPI_COMM_NULL;
}

void furrow__comm_free(furrow__comm *comm) {
  free(comm->counts);
  comm->counts = NULL;
  if (!furrow__mpi_is_up()) return;
  free_one(&comm->leaders);
  free_one(&comm->node);
  free_one(&comm->all);
}
