/* Judges what lies between ranks: shared memory, messages inside a node and between nodes, and rank 0's service. */
#include <stdio.h>
#include <string.h>

#include "cores.h"
#include "judge.h"

/* Beyond these something is wrong: a message inside a node takes below 2 µs, between nodes 1 to 50 µs. */
static const double SLOW_INSIDE = 100e-6, SLOW_BETWEEN = 1e-3;

/* A rank that gets no task for this part of rank 0's long one waited for rank 0. */
static const double STALLED = 0.3;

static const uint64_t SHM_PER_RANK = UINT64_C(8) << 20; /* Open MPI takes 4 MiB a rank, MPICH less; others want some */

typedef struct words {
  char text[32];
} words;

static words seconds_text(double seconds) {
  words w;
  if (seconds < 1e-3)
    snprintf(w.text, sizeof w.text, seconds < 10e-6 ? "%.1f µs" : "%.0f µs", seconds * 1e6);
  else
    snprintf(w.text, sizeof w.text, seconds < 10e-3 ? "%.1f ms" : "%.0f ms", seconds * 1e3);
  return w;
}

static words bandwidth_text(double bytes) {
  words w;
  if (bytes >= 1e9)
    snprintf(w.text, sizeof w.text, "%.1f GB/s", bytes / 1e9);
  else
    snprintf(w.text, sizeof w.text, "%.0f MB/s", bytes / 1e6);
  return w;
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static void judge_memory(const facts *known, verdicts *all) {
  if (known->shared_memory > 0) {
    verdict_add(all, LEVEL_OK, "memory", "the ranks of a node share a queue in memory");
  } else {
    verdict_add(all, LEVEL_WARNING, "memory", "no shared memory, so every operation is static: %s", known->shared_note);
    if (strstr(known->ranks[0].variables, "FURROW_SHARED_MEMORY="))
      verdict_advise(all, "unset FURROW_SHARED_MEMORY, or give it more: 64M is the default");
    else
      verdict_advise(all,
                     "uneven tasks will leave ranks idle; see ulimit -f, the memory limit of the container, and "
                     "whether ranks of a node may see each other's /proc");
  }
}

static int ranks_on(const facts *known, int node) {
  int count = 0;
  for (int i = 0; i < known->count; i++) count += known->ranks[i].node == node;
  return count;
}

bool judge_shm_small(uint64_t shm, int ranks) {
  return shm > 0 && ranks > 1 && shm < (uint64_t)ranks * SHM_PER_RANK;
}

static void judge_shm(const facts *known, verdicts *all) {
  const rank_facts *least = NULL;
  for (int i = 0; i < known->count; i++)
    if (known->ranks[i].shm > 0 && (!least || known->ranks[i].shm < least->shm)) least = &known->ranks[i];
  if (!least) return;
  int ranks = ranks_on(known, least->node);
  if (!judge_shm_small(least->shm, ranks)) return;
  verdict_add(all, LEVEL_WARNING, "memory",
              "/dev/shm of %s has %.1f MiB for %d ranks: Open MPI takes 4 MiB a rank, and where there is less "
              "it does without, or ends with SIGBUS",
              least->host, (double)least->shm / 0x1p20, ranks);
  verdict_advise(all, "docker run --shm-size=1g, or mount -o remount,size=1G /dev/shm");
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static void judge_link(const facts *known, const link_facts *link, bool inside, verdicts *all) {
  const char *topic = inside ? "inside a node" : "between nodes";
  if (link->pairs == 0) {
    verdict_add(all, LEVEL_OK, topic, "%s; not measured%s", link->transport, known->quick ? " (--quick)" : "");
    return;
  }
  bool slow = link->round_trip > (inside ? SLOW_INSIDE : SLOW_BETWEEN);
  bool detour = inside && strcmp(link->transport, "TCP") == 0;
  verdict_add(all, slow || detour ? LEVEL_WARNING : LEVEL_OK, topic, "round trip %s, %s by %s%s%s",
              seconds_text(link->round_trip).text, bandwidth_text(link->bandwidth).text, link->transport,
              link->pairs > 1 || !inside ? ", " : "", link->pairs > 1 || !inside ? link->where : "");
  if (detour)
    verdict_advise(all,
                   "messages inside a node should go by shared memory: see df /dev/shm, and that no setting (such as "
                   "OMPI_MCA_btl) leaves out vader or sm");
  else if (slow && inside)
    verdict_advise(all,
                   "below %s is usual: look for ranks that share a core, for other programs on this node, and "
                   "for a transport that is not shared memory",
                   seconds_text(2e-6).text);
  else if (slow)
    verdict_advise(all,
                   "below %s is usual: look for ranks that share a core and for MPI on a slow network "
                   "(btl_tcp_if_include, UCX_NET_DEVICES); give tasks 10 ms or more",
                   seconds_text(100e-6).text);
}

static bool crowded(const facts *known) {
  int count = 0;
  crowd *crowds = crowds_make(known->ranks, known->count, &count);
  bool any = false;
  for (int i = 0; i < count; i++)
    if (crowds[i].count > crowds[i].own) any = true;
  crowds_free(crowds);
  return any;
}

/* ---- rank 0 ------------------------------------------------------------------------------------------------------ */

static void judge_service(const facts *known, verdicts *all) {
  const service_facts *service = &known->service;
  if (!service->measured) {
    verdict_add(all, LEVEL_OK, "progress", "not measured%s", known->quick ? " (--quick)" : "");
    return;
  }
  if (!service->dynamic) {
    verdict_add(all, LEVEL_OK, "progress", "does not matter: static operations move data before and after the tasks");
    return;
  }
  bool stalled = service->stall > STALLED * service->task;
  words task = seconds_text(service->task), stall = seconds_text(service->stall);
  if (!stalled) {
    verdict_add(all, LEVEL_OK, "progress", "while rank 0 computed for %s, no rank waited longer than %s for tasks",
                task.text, stall.text);
  } else if (crowded(known)) {
    verdict_add(all, LEVEL_OK, "progress", "not judged, since ranks share cores");
  } else {
    verdict_add(all, LEVEL_WARNING, "progress", "while rank 0 computed for %s, rank %d (%s) had no task for %s",
                task.text, service->rank, known->ranks[service->rank].host, stall.text);
    verdict_advise(all, service->threads
                            ? "the progress threads that serve it may find no free core: see the verdicts on "
                              "cores and binding, and what else runs there"
                            : "rank 0 serves the others only between its tasks: keep tasks short, or see "
                              "the verdict on mpi");
  }
}

void judge_links(const facts *known, verdicts *all) {
  if (known->status != FURROW_OK) return;
  judge_memory(known, all);
  judge_shm(known, all);
  if (known->count > known->nodes) judge_link(known, &known->inside, true, all);
  if (known->nodes > 1) judge_link(known, &known->between, false, all);
  if (known->count > 1) judge_service(known, all);
}
