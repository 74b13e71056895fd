/* How many slots each rank of a node has. Knows cores and limits of the system; does not know what runs in a slot. */
#include "slots.h"

#include <dirent.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <sys/resource.h>

#include "cores.h"

/* /dev/null, two files or pipes with two ends each, the process's own; and what MPI and the files of rank 0 may still open. */
enum { DESCRIPTORS_OF_SLOT = 6, DESCRIPTORS_KEPT = 64 };

/* The slot's thread, a shell, a program, and one of its own. */
enum { PROCESSES_OF_SLOT = 4 };

static int whole(double number, int least) {
  if (!(number >= least)) return least;
  return number > INT_MAX / 2 ? INT_MAX / 2 : (int)number;
}

int slots_wanted(const settings *wanted, int cores) {
  double places = wanted->cores > 0 ? floor((double)cores / (double)wanted->cores) : cores;
  if (wanted->jobs_beyond) return whole(places + wanted->jobs, 1);
  if (!wanted->jobs_percent) return wanted->jobs == 0 ? 0 : whole(wanted->jobs, 1);
  return whole(places * wanted->jobs / 100 + 1e-9, 1);
}

slots slots_split(int all, int most, int node_rank, int node_size) {
  if (all > (long long)most * node_size) all = most * node_size;
  int each = all / node_size, rest = all % node_size;
  int before = node_rank * each + (node_rank < rest ? node_rank : rest);
  return (slots){.count = each + (node_rank < rest), .first = before + 1};
}

int slots_by_descriptors(uint64_t limit, int open) {
  int64_t left = limit > INT_MAX ? INT_MAX : (int64_t)limit;
  left = (left - open - DESCRIPTORS_KEPT) / DESCRIPTORS_OF_SLOT;
  return left < 1 ? 1 : left > FURROW_THREADS_MOST ? FURROW_THREADS_MOST : (int)left;
}

/* ---- the system --------------------------------------------------------------------------------------------------- */

static int count_open(void) {
  DIR *folder = opendir("/proc/self/fd");
  if (!folder) return DESCRIPTORS_KEPT;
  int count = 0;
  while (readdir(folder)) count++;
  closedir(folder);
  return count;
}

static int most_by_descriptors(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return FURROW_THREADS_MOST;
  return slots_by_descriptors(limit.rlim_cur, count_open());
}

static double number_in(const char *path) {
  FILE *file = fopen(path, "re");
  double number = INFINITY;
  if (file && fscanf(file, "%lf", &number) != 1) number = INFINITY;
  if (file) fclose(file);
  return number;
}

/* As many as there can be: with half of the processes that there may be. */
static int most_by_processes(int node_size) {
  struct rlimit limit;
  double most = fmin(number_in("/proc/sys/kernel/threads-max"), number_in("/proc/sys/kernel/pid_max"));
  if (getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    most = fmin(most, (double)limit.rlim_cur);
  return whole(most / 2 / PROCESSES_OF_SLOT / node_size, 1);
}

slots find_slots(const settings *wanted, int node_rank, int node_size) {
  core_set cores = cores_allowed();
  int of_node = cores_count(&cores), most = most_by_descriptors();
  cores_free(&cores);
  int all = slots_wanted(wanted, of_node);
  if (all == 0) {
    int processes = most_by_processes(node_size);
    if (processes < most) most = processes;
    all = most * node_size;
  }
  slots found = slots_split(all, most, node_rank, node_size);
  found.cores = of_node;
  found.wished = all;
  return found;
}
