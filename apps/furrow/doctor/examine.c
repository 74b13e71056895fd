/* What one rank sees of itself: the kernel's files, the environment, MPI. Knows no other rank. */
#include "examine.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/timing.h"
#include "transports.h"
#include "variables.h"

/* ---- files of the kernel ----------------------------------------------------------------------------------------- */

/* The first line of a file without its newline; false if there is none. */
static bool read_line(const char *path, char *line, size_t room) {
  FILE *file = fopen(path, "re");
  bool read = file && fgets(line, (int)room, file);
  if (file) fclose(file);
  if (read) line[strcspn(line, "\n")] = '\0';
  return read;
}

/* Ranks whose kernel booted at the same time are on one machine, whatever their hosts are called. */
static uint64_t machine_number(const char *host) {
  char line[NAME_ROOM];
  const char *text = read_line("/proc/sys/kernel/random/boot_id", line, sizeof line) ? line : host;
  uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
  for (; *text; text++) hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
  return hash;
}

static void find_cpu(char *cpu, size_t room) {
  snprintf(cpu, room, "an unknown CPU");
  FILE *file = fopen("/proc/cpuinfo", "re");
  char line[256], name[NAME_ROOM];
  while (file && fgets(line, sizeof line, file))
    if (sscanf(line, "model name : %63[^\n]", name) == 1) {
      snprintf(cpu, room, "%s", name);
      break;
    }
  if (file) fclose(file);
}

/* ---- cores ------------------------------------------------------------------------------------------------------- */

/* What the kernel grants when all cores are asked for: those of the container or job. In a thread of its own, so that
 * nobody else is bound anew. */
static void *try_all(void *argument) {
  cpu_set_t *allowed = argument;
  memset(allowed, 0xff, sizeof *allowed);
  bool tried = sched_setaffinity(0, sizeof *allowed, allowed) == 0;
  if (!tried || sched_getaffinity(0, sizeof *allowed, allowed) != 0) CPU_ZERO(allowed);
  return NULL;
}

/* The hardware threads of a core stand in a file such as "0,64" or "0-1". */
static void find_whole(const cpu_set_t *cores, cpu_set_t *whole) {
  for (size_t core = 0; core < MOST_CORES; core++) {
    if (!CPU_ISSET(core, cores)) continue;
    char path[96], line[64];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%zu/topology/thread_siblings_list", core);
    size_t first = read_line(path, line, sizeof line) ? strtoul(line, NULL, 10) : core;
    CPU_SET(first < MOST_CORES ? first : core, whole);
  }
}

static void find_cores(rank_facts *mine) {
  pthread_t thread;
  if (sched_getaffinity(0, sizeof mine->bound, &mine->bound) != 0) CPU_ZERO(&mine->bound);
  if (pthread_create(&thread, NULL, try_all, &mine->allowed) == 0) pthread_join(thread, NULL);
  CPU_OR(&mine->allowed, &mine->allowed, &mine->bound);
  find_whole(&mine->bound, &mine->whole_bound);
  find_whole(&mine->allowed, &mine->whole_allowed);
}

static double quota_of_v2(const char *folder) {
  char path[600], line[64];
  double quota, period;
  snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", folder);
  if (!read_line(path, line, sizeof line) || sscanf(line, "%lf %lf", &quota, &period) != 2) return 0;
  return period > 0 ? quota / period : 0;
}

/* The first version of control groups shows a container its own as the root. */
static double quota_of_v1(void) {
  char quota[32], period[32];
  if (!read_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota, sizeof quota) ||
      !read_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period, sizeof period))
    return 0;
  double whole = strtod(period, NULL), part = strtod(quota, NULL);
  return part > 0 && whole > 0 ? part / whole : 0;
}

/* The least quota of the control group and of those around it. */
static double find_quota(void) {
  char line[512] = "", *folder;
  double least = quota_of_v1();
  if (!read_line("/proc/self/cgroup", line, sizeof line) || strncmp(line, "0::", 3) != 0) return least;
  folder = line + 3;
  for (char *end = folder + strlen(folder); end; end = strrchr(folder, '/')) {
    *end = '\0';
    double quota = quota_of_v2(folder);
    if (quota > 0 && (least == 0 || quota < least)) least = quota;
  }
  return least;
}

/* ---- the rest ---------------------------------------------------------------------------------------------------- */

static void find_threads(rank_facts *mine) {
  static const char *const NAMES[] = {"OMP_NUM_THREADS", "SLURM_CPUS_PER_TASK"};
  for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
    const char *text = getenv(NAMES[i]);
    int threads = text ? (int)strtol(text, NULL, 10) : 0;
    if (threads <= mine->threads) continue;
    mine->threads = threads;
    snprintf(mine->threads_by, sizeof mine->threads_by, "%s", NAMES[i]);
  }
}

/* The best of some batches: others may be disturbed. */
static double time_clock(void) {
  enum { BATCHES = 5, READINGS = 200 };
  double best = 1;
  for (int i = 0; i < BATCHES; i++) {
    double start = app_seconds(), now = start;
    for (int j = 0; j < READINGS; j++) now = app_seconds();
    if ((now - start) / READINGS < best) best = (now - start) / READINGS;
  }
  return best;
}

uint64_t examine_shm(void) {
  struct statvfs shm;
  return statvfs("/dev/shm", &shm) == 0 ? (uint64_t)shm.f_blocks * shm.f_frsize : 0;
}

void examine(const furrow_pool *pool, rank_facts *mine) {
  memset(mine, 0, sizeof *mine); /* its padding travels, too */
  mine->rank = furrow_pool_rank(pool);
  mine->node = furrow_pool_node(pool);
  if (gethostname(mine->host, sizeof mine->host - 1) != 0) snprintf(mine->host, sizeof mine->host, "unknown");
  mine->machine = machine_number(mine->host);
  find_cores(mine);
  mine->quota = find_quota();
  find_threads(mine);
  MPI_Query_thread(&mine->thread_level);
  mpi_ask_name(mine->mpi, sizeof mine->mpi);
  find_cpu(mine->cpu, sizeof mine->cpu);
  mine->shm = examine_shm();
  mine->clock = time_clock();
  variables_collect(environ, mine->variables, sizeof mine->variables);
}
