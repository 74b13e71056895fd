/* Judges who runs where: too many ranks or threads, ranks on the same core, threads on one core, cores that nobody may use. */
#include <stdio.h>
#include <string.h>

#include "cores.h"
#include "judge.h"

typedef char words[160];

static const char *plural(int n) {
  return n == 1 ? "" : "s";
}

/* "", or ", and so have 3 more nodes" */
static const char *and_more(int more, const char *one, const char *many, char *text, size_t room) {
  snprintf(text, room, more ? ", and so %s %d more node%s" : "", more == 1 ? one : many, more, plural(more));
  return text;
}

/* ---- more ranks or threads than cores ------------------------------------------------------------------------------ */

/* "node7 has", or where several hosts share the cores "h1 and other hosts, which are one machine, have" */
static const char *who_has(const crowd *these, char *text, size_t room) {
  snprintf(text, room, "%s %s", these->host,
           these->several_hosts ? "and other hosts, which are one machine, have" : "has");
  return text;
}

static const char *limited(const crowd *these) {
  return these->cores < CPU_COUNT(&these->allowed) ? ", which its control group's quota allows" : "";
}

/* The crowd with the most of something (a field of it) a core, and how many have more of it than cores. */
static const crowd *fullest(const crowd *crowds, int count, size_t field, int *full) {
  const crowd *worst = &crowds[0];
  double most = 0;
  *full = 0;
  for (int i = 0; i < count; i++) {
    int cores = crowds[i].cores > 0 ? crowds[i].cores : 1;
    double load = *(const int *)((const char *)&crowds[i] + field) / (double)cores;
    *full += load > 1;
    if (load <= most) continue;
    most = load;
    worst = &crowds[i];
  }
  return worst;
}

static bool judge_ranks(const crowd *crowds, int count, verdicts *all) {
  words who, more;
  int full = 0;
  const crowd *worst = fullest(crowds, count, offsetof(crowd, count), &full);
  if (!full) return false;
  verdict_add(all, LEVEL_WARNING, "cores", "%s %d ranks on %d core%s%s%s", who_has(worst, who, sizeof who),
              worst->count, worst->cores, plural(worst->cores), limited(worst),
              and_more(full - 1, "has", "have", more, sizeof more));
  verdict_advise(all,
                 "start at most %d there (mpirun -n, --ntasks-per-node): more ranks than cores work, but gain nothing",
                 worst->cores);
  return true;
}

static bool judge_all_threads(const crowd *crowds, int count, verdicts *all) {
  words who, more;
  int full = 0;
  const crowd *worst = fullest(crowds, count, offsetof(crowd, threads), &full);
  if (!full || !worst->threads_by) return false;
  verdict_add(all, LEVEL_WARNING, "cores", "%s %d rank%s with %d threads (%s) on %d core%s%s%s",
              who_has(worst, who, sizeof who), worst->count, plural(worst->count), worst->threads, worst->threads_by,
              worst->cores, plural(worst->cores), limited(worst), and_more(full - 1, "has", "have", more, sizeof more));
  verdict_advise(all, "start fewer ranks or threads there; if tasks have no threads of their own, unset %s",
                 worst->threads_by);
  return true;
}

static void judge_room(const crowd *crowds, int count, verdicts *all) {
  if (judge_ranks(crowds, count, all) || judge_all_threads(crowds, count, all)) return;
  int ranks = 0, cores = 0, threads = 0;
  words machine = "";
  for (int i = 0; i < count; i++) {
    ranks += crowds[i].count;
    cores += crowds[i].cores;
    threads += crowds[i].threads;
    if (crowds[i].several_hosts)
      snprintf(machine, sizeof machine, "; %s and other hosts are one machine", crowds[i].host);
  }
  words idle = "";
  if (threads < cores) snprintf(idle, sizeof idle, "; %d idle, unless tasks have threads", cores - threads);
  verdict_add(all, LEVEL_OK, "cores", "%d rank%s on %d core%s%s%s", ranks, plural(ranks), cores, plural(cores), idle,
              machine);
}

/* ---- two ranks on one core --------------------------------------------------------------------------------------- */

static const char *how_to_bind(launcher by, bool one_machine) {
  if (one_machine) return "these hosts are one machine, and each binds from its first core on: mpirun --bind-to none";
  switch (by) {
    case LAUNCHER_OPENMPI:
      return "mpirun --bind-to core gives each rank its own, --bind-to none leaves it to the kernel; two mpiruns on "
             "one "
             "node both begin at its first core";
    case LAUNCHER_HYDRA:
      return "mpiexec -bind-to core gives each rank its own, -bind-to none leaves it to the kernel";
    case LAUNCHER_SRUN:
      return "srun --cpu-bind=cores gives each rank its own, --cpu-bind=none leaves it to the kernel";
    case LAUNCHER_NONE:
      break;
  }
  return "give each rank a core of its own";
}

/* Ranks that must share though other cores are free. Returns whether there are any. */
static bool judge_collisions(const facts *known, const crowd *crowds, int count, verdicts *all) {
  const crowd *first = NULL;
  int squeezed = 0;
  for (int i = 0; i < count; i++) {
    int fair = crowds[i].count < crowds[i].cores ? crowds[i].count : crowds[i].cores;
    if (!crowds[i].known || crowds[i].own >= fair) continue;
    squeezed++;
    if (!first) first = &crowds[i];
  }
  if (!first) return false;
  words cores, more;
  int sharers = 0, rank = crowd_squeezed(first, known->ranks, &sharers);
  int free_cores = CPU_COUNT(&first->allowed) - CPU_COUNT(&first->bound);
  and_more(squeezed - 1, "are ranks of", "are ranks of", more, sizeof more);
  if (rank >= 0) {
    const cpu_set_t *bound = &known->ranks[rank].bound;
    verdict_add(
        all, LEVEL_ERROR, "binding", "%s: rank %d and %d other%s are bound to core%s %s, while %d core%s %s free%s",
        first->host, known->ranks[rank].rank, sharers - 1, plural(sharers - 1), plural(CPU_COUNT(bound)),
        cores_text(bound, cores, sizeof cores), free_cores, plural(free_cores), free_cores == 1 ? "is" : "are", more);
  } else {
    verdict_add(all, LEVEL_ERROR, "binding", "%s: its %d ranks are bound so that only %d have a core of their own%s",
                first->host, first->count, first->own, more);
  }
  verdict_advise(all, "%s", how_to_bind(known->launch.by, first->several_hosts));
  return true;
}

/* Ranks on hyper-threads of one core though whole cores are free. Not where a quota gives less than those anyway. */
static bool judge_siblings(const facts *known, const crowd *crowds, int count, verdicts *all) {
  for (int i = 0; i < count; i++) {
    const crowd *these = &crowds[i];
    int fair = these->count < these->whole ? these->count : these->whole;
    if (!these->known || these->own_whole >= fair || these->cores < these->whole) continue;
    verdict_add(all, LEVEL_WARNING, "binding",
                "%s: its %d ranks are on %d core%s, two or more on hyper-threads of one, and %d core%s %s free",
                these->host, these->count, these->own_whole, plural(these->own_whole), these->whole - these->own_whole,
                plural(these->whole - these->own_whole), these->whole - these->own_whole == 1 ? "is" : "are");
    verdict_advise(all, "%s",
                   known->launch.by == LAUNCHER_SRUN    ? "srun --hint=nomultithread gives each rank a whole core"
                   : known->launch.by == LAUNCHER_HYDRA ? "mpiexec -bind-to core gives each rank a whole core"
                                                        : "mpirun --bind-to core gives each rank a whole core");
    return true;
  }
  return false;
}

/* ---- threads on one core ----------------------------------------------------------------------------------------- */

static bool judge_threads(const facts *known, verdicts *all) {
  for (int i = 0; i < known->count; i++) {
    const rank_facts *rank = &known->ranks[i];
    int cores = CPU_COUNT(&rank->bound);
    if (cores == 0 || rank->threads <= cores || cores >= CPU_COUNT(&rank->allowed)) continue;
    verdict_add(all, LEVEL_WARNING, "binding", "%s=%d, but rank %d (%s) is bound to %d core%s: its threads share %s",
                rank->threads_by, rank->threads, rank->rank, rank->host, cores, plural(cores),
                cores == 1 ? "that one" : "them");
    verdict_advise(all,
                   known->launch.by == LAUNCHER_SRUN    ? "srun --cpus-per-task=%d --cpu-bind=cores"
                   : known->launch.by == LAUNCHER_HYDRA ? "mpiexec -bind-to core:%d"
                                                        : "mpirun --map-by slot:PE=%d --bind-to core",
                   rank->threads);
    return true;
  }
  return false;
}

/* ---- cores that nobody may use, and the good cases ---------------------------------------------------------------- */

/* A hyper-thread that nobody uses is no loss. */
static bool judge_idle(const facts *known, const crowd *crowds, int count, verdicts *all) {
  for (int i = 0; i < count; i++) {
    const crowd *these = &crowds[i];
    int cores = these->cores < these->whole ? these->cores : these->whole, idle = cores - these->whole_bound;
    if (!these->known || idle <= 0 || these->count > these->whole_bound) continue;
    verdict_add(all, LEVEL_WARNING, "binding",
                "%s: %d rank%s %s bound to %d of %d cores, so nobody may use the other%s", these->host, these->count,
                plural(these->count), these->count == 1 ? "is" : "are", these->whole_bound, cores, plural(idle));
    verdict_advise(all, "start %d ranks there, or let threads of tasks use them: %s", cores,
                   known->launch.by == LAUNCHER_SRUN ? "srun --cpu-bind=none" : "mpirun --bind-to none");
    return true;
  }
  return false;
}

static bool any_bound(const facts *known) {
  for (int i = 0; i < known->count; i++)
    if (!CPU_EQUAL(&known->ranks[i].bound, &known->ranks[i].allowed)) return true;
  return false;
}

static void judge_binding(const facts *known, const crowd *crowds, int count, verdicts *all) {
  bool known_cores = true, own = true;
  for (int i = 0; i < count; i++) {
    if (!crowds[i].known) known_cores = false;
    if (crowds[i].own < crowds[i].count) own = false;
  }
  bool collided = judge_collisions(known, crowds, count, all), crossed = judge_threads(known, all);
  if (collided || judge_siblings(known, crowds, count, all) || crossed || judge_idle(known, crowds, count, all)) return;
  if (!known_cores)
    verdict_add(all, LEVEL_OK, "binding", "not known: more than %d cores", MOST_CORES);
  else if (!any_bound(known))
    verdict_add(all, LEVEL_OK, "binding", "not bound: the kernel chooses cores");
  else
    verdict_add(all, LEVEL_OK, "binding", own ? "each rank has a core of its own" : "all cores are used");
}

void judge_cores(const facts *known, verdicts *all) {
  int count = 0;
  crowd *crowds = crowds_make(known->ranks, known->count, &count);
  if (!crowds) {
    verdict_add(all, LEVEL_ERROR, "cores", "no memory to judge %d ranks", known->count);
    return;
  }
  judge_room(crowds, count, all);
  judge_binding(known, crowds, count, all);
  crowds_free(crowds);
}
