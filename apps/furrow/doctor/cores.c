/* Sets of cores, and ranks matched with cores. Knows no launcher and passes no judgement. */
#include "cores.h"

#include <stdlib.h>
#include <string.h>

char *cores_text(const cpu_set_t *cores, char *text, size_t room) {
  size_t used = 0;
  snprintf(text, room, "none");
  for (size_t first = 0; first < MOST_CORES; first++) {
    if (!CPU_ISSET(first, cores)) continue;
    size_t last = first;
    while (last + 1 < MOST_CORES && CPU_ISSET(last + 1, cores)) last++;
    char piece[32];
    int length = snprintf(piece, sizeof piece, last > first ? "%s%zu-%zu" : "%s%zu", used ? "," : "", first, last);
    if (used + (size_t)length + 4 > room) {
      snprintf(text + used, room - used, "...");
      break;
    }
    memcpy(text + used, piece, (size_t)length + 1);
    used += (size_t)length;
    first = last;
  }
  return text;
}

/* ---- how many ranks can have a core of their own: a largest matching of ranks and cores, by augmenting paths ------ */

typedef struct matching {
  const rank_facts *ranks;
  size_t bound;          /* offset of the set that counts */
  int owner[MOST_CORES]; /* a rank's index, or -1 */
  cpu_set_t seen;
} matching;

/* Find a core for this rank, moving others to another core if need be. Each core is visited once, so it ends. */
static bool settle(matching *m, int rank) {
  const cpu_set_t *bound = (const cpu_set_t *)((const char *)&m->ranks[rank] + m->bound);
  for (size_t core = 0; core < MOST_CORES; core++) {
    if (!CPU_ISSET(core, bound) || CPU_ISSET(core, &m->seen)) continue;
    CPU_SET(core, &m->seen);
    if (m->owner[core] >= 0 && !settle(m, m->owner[core])) continue;
    m->owner[core] = rank;
    return true;
  }
  return false;
}

static int count_own(const crowd *these, const rank_facts *ranks, size_t bound) {
  matching m = {.ranks = ranks, .bound = bound};
  int own = 0, most = CPU_COUNT(&these->bound);
  for (int i = 0; i < MOST_CORES; i++) m.owner[i] = -1;
  for (int i = 0; i < these->count && own < most; i++) {
    CPU_ZERO(&m.seen);
    own += settle(&m, these->ranks[i]);
  }
  return own;
}

/* ---- crowds ------------------------------------------------------------------------------------------------------ */

typedef struct place {
  uint64_t machine;
  int rank;
} place;

static int by_machine(const void *a, const void *b) {
  const place *p = a, *q = b;
  return p->machine != q->machine ? (p->machine < q->machine ? -1 : 1) : p->rank - q->rank;
}

static int by_first_rank(const void *a, const void *b) {
  const crowd *p = a, *q = b;
  return p->ranks[0] - q->ranks[0];
}

static void describe(crowd *these, const rank_facts *ranks) {
  const rank_facts *first = &ranks[these->ranks[0]];
  these->host = first->host;
  these->known = true;
  cpu_set_t whole, whole_bound;
  CPU_ZERO(&whole);
  CPU_ZERO(&whole_bound);
  for (int i = 0; i < these->count; i++) {
    const rank_facts *rank = &ranks[these->ranks[i]];
    CPU_OR(&these->bound, &these->bound, &rank->bound);
    CPU_OR(&these->allowed, &these->allowed, &rank->allowed);
    CPU_OR(&whole, &whole, &rank->whole_allowed);
    CPU_OR(&whole_bound, &whole_bound, &rank->whole_bound);
    if (strcmp(rank->host, first->host) != 0) these->several_hosts = true;
    these->threads += rank->threads > 1 ? rank->threads : 1;
    if (rank->threads > 1 && !these->threads_by) these->threads_by = rank->threads_by;
    if (CPU_COUNT(&rank->bound) == 0) these->known = false;
    if (rank->quota > 0 && (these->quota == 0 || rank->quota < these->quota)) these->quota = rank->quota;
  }
  these->cores = CPU_COUNT(&these->allowed);
  if (these->quota > 0 && these->quota < these->cores) these->cores = (int)(these->quota + 0.999);
  these->whole = CPU_COUNT(&whole);
  these->whole_bound = CPU_COUNT(&whole_bound);
  these->own = count_own(these, ranks, offsetof(rank_facts, bound));
  these->own_whole = count_own(these, ranks, offsetof(rank_facts, whole_bound));
}

/* One block: the crowds, then the indices that they point to. */
crowd *crowds_make(const rank_facts *ranks, int count, int *made) {
  size_t n = (size_t)count;
  place *places = malloc(n * sizeof *places);
  crowd *crowds = calloc(1, n * (sizeof *crowds + sizeof(int)));
  *made = 0;
  if (!places || !crowds) {
    free(places);
    free(crowds);
    return NULL;
  }
  int *indices = (int *)(crowds + n);
  for (int i = 0; i < count; i++) places[i] = (place){ranks[i].machine, i};
  qsort(places, n, sizeof *places, by_machine);
  for (int i = 0; i < count; i++) {
    indices[i] = places[i].rank;
    bool another = i == 0 || places[i].machine != places[i - 1].machine;
    if (another) crowds[(*made)++].ranks = &indices[i];
    crowds[*made - 1].count++;
  }
  free(places);
  for (int i = 0; i < *made; i++) describe(&crowds[i], ranks);
  qsort(crowds, (size_t)*made, sizeof *crowds, by_first_rank);
  return crowds;
}

void crowds_free(crowd *crowds) {
  free(crowds);
}

int crowd_squeezed(const crowd *these, const rank_facts *ranks, int *sharers) {
  for (int i = 0; i < these->count; i++) {
    const cpu_set_t *bound = &ranks[these->ranks[i]].bound;
    *sharers = 0;
    for (int j = 0; j < these->count; j++) *sharers += CPU_EQUAL(bound, &ranks[these->ranks[j]].bound);
    if (*sharers > CPU_COUNT(bound)) return these->ranks[i];
  }
  return -1;
}
