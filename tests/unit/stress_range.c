/* Rounds of many workers on one set of shares. In half of them, workers run a part of a claim and give the rest back. In
   a third, many units are on a pile that all draw from, and worker 0 seizes shares and fills the pile again. In the rest,
   who has left keeps watching: a share that is not empty then proves that it left too early, since empty shares stay empty
   once nothing is on its way. */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "furrow/rng.h"
#include "node/range.h"
#include "unit/points.h"
#include "unit/stress.h"

enum { MOST_WORKERS = 16, FEW_UNITS = 64, MANY_UNITS = 1 << 15 };

typedef struct shared {
  stress *s;
  furrow__range_word words[MOST_WORKERS];
  furrow__steals steals;
  pthread_barrier_t barrier;
  furrow__range_word pile;
  uint32_t units, most_wanted;
  bool over, give_back, has_pile;
  _Atomic int left;
  _Atomic uint64_t operations;
  _Atomic bool early; /* somebody has left while units were there */
  uint8_t
      times[MANY_UNITS]; /* each unit was taken; plain bytes, so that the thread sanitizer sees a unit taken twice */
} shared;

/* ---- worker 0 deals and checks ---- */

static void deal_at_random(shared *all, furrow_rng *rng) {
  uint32_t begin = all->has_pile ? (uint32_t)furrow_rng_below(rng, all->units + 1) : 0;
  furrow__range_deal(&all->pile, (furrow__range){0, begin});
  int n = all->s->workers, rich = (int)furrow_rng_below(rng, (uint64_t)n), manner = (int)furrow_rng_below(rng, 3);
  for (int i = 0; i < n; i++) {
    uint32_t rest = all->units - begin, share = rest / (uint32_t)(n - i); /* equal */
    if (manner == 1) share = i == rich ? rest : 0;                        /* all to one */
    if (manner == 2 && i + 1 < n) share = (uint32_t)furrow_rng_below(rng, rest + 1);
    if (manner == 2 && i + 1 == n) share = rest;
    furrow__range_deal(&all->words[i], (furrow__range){begin, begin + share});
    begin += share;
  }
}

static void prepare(shared *all, furrow_rng *rng, uint64_t deadline) {
  all->over = furrow__now() >= deadline || all->s->wrong[0];
  all->units = (uint32_t)furrow_rng_below(rng, furrow_rng_below(rng, 64) ? FEW_UNITS : MANY_UNITS) + 1;
  all->most_wanted = 1u << furrow_rng_below(rng, 5);
  all->give_back = furrow_rng_below(rng, 2);
  all->has_pile = furrow_rng_below(rng, 3) == 0;
  memset(all->times, 0, all->units);
  atomic_store(&all->left, 0);
  deal_at_random(all, rng);
}

static void check(shared *all) {
  stress *s = all->s;
  for (uint32_t u = 0; u < all->units && !s->wrong[0]; u++)
    if (all->times[u] != 1)
      snprintf(s->wrong, sizeof s->wrong, "unit %u of %u was taken %u times", u, all->units, all->times[u]);
  if (atomic_load(&all->early) && !s->wrong[0])
    snprintf(s->wrong, sizeof s->wrong, "a worker left while units were there to steal");
  if (atomic_load(&all->steals.moving) != 0 && !s->wrong[0])
    snprintf(s->wrong, sizeof s->wrong, "%u steals have not ended", atomic_load(&all->steals.moving));
}

/* ---- every worker ---- */

static bool claim(shared *all, int me, uint32_t want, furrow__range *units) {
  *units = furrow__range_take(&all->words[me], want);
  if (furrow__range_length(*units) == 0)
    *units = furrow__range_draw(&all->pile, 3 * want, &all->words[me], want, &all->steals);
  if (furrow__range_length(*units) == 0)
    *units = furrow__range_steal(all->words, all->s->workers, me, want, 1, &all->steals);
  return furrow__range_length(*units) > 0;
}

static void watch(shared *all) {
  atomic_fetch_add(&all->left, 1);
  do {
    for (int i = 0; i < all->s->workers; i++)
      if (furrow__range_length(furrow__range_read(&all->words[i])) > 0 && !all->give_back && !all->has_pile)
        atomic_store(&all->early, true);
    sched_yield();
  } while (atomic_load(&all->left) < all->s->workers);
}

/* What the courier does: units leave the shares, and come back by the pile, which only it fills. */
static void seize(shared *all) {
  furrow__range units = furrow__range_seize(all->words, all->s->workers);
  if (furrow__range_length(units) == 0) return;
  if (furrow__range_length(furrow__range_read(&all->pile)) == 0)
    furrow__range_deal(&all->pile, units);
  else
    for (uint32_t u = units.begin; u < units.end; u++) all->times[u]++;
}

static void work(shared *all, int me, furrow_rng *rng) {
  furrow__range units;
  uint64_t operations = 0;
  while (claim(all, me, 1 + (uint32_t)furrow_rng_below(rng, all->most_wanted), &units)) {
    furrow__range rest = {units.end, units.end};
    if (all->give_back) rest.begin -= (uint32_t)furrow_rng_below(rng, furrow__range_length(units));
    for (uint32_t u = units.begin; u < rest.begin; u++) all->times[u]++;
    if (furrow__range_length(rest) > 0) furrow__range_give_back(&all->words[me], rest, &all->steals);
    if (me == 0 && all->has_pile && furrow_rng_below(rng, 4) == 0) seize(all);
    operations++;
    if (furrow_rng_below(rng, 64) == 0) sched_yield(); /* a task that is longer than others */
  }
  watch(all);
  atomic_fetch_add(&all->operations, operations);
}

static void body(void *argument, int me) {
  shared *all = argument;
  furrow_rng rng = furrow_rng_make(all->s->seed, 1, (uint64_t)me);
  uint64_t deadline = furrow__now() + (uint64_t)(all->s->seconds * 1e9);
  for (;;) {
    if (me == 0) prepare(all, &rng, deadline);
    pthread_barrier_wait(&all->barrier);
    if (all->over) break;
    work(all, me, &rng);
    pthread_barrier_wait(&all->barrier);
    if (me == 0) check(all);
  }
}

void stress_range(stress *s) {
  shared *all = crew_map(sizeof *all);
  pthread_barrierattr_t attributes;
  pthread_barrierattr_init(&attributes);
  pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_barrier_init(&all->barrier, &attributes, (unsigned)s->workers);
  pthread_barrierattr_destroy(&attributes);
  stress *visible = crew_map(sizeof *visible); /* where processes can write to it */
  *visible = *s;
  visible->wrong[0] = '\0';
  all->s = visible;
  points_delay(s->delays);
  bool good = crew_run(s->kind, s->workers, body, all);
  points_delay(0);
  visible->operations = atomic_load(&all->operations);
  *s = *visible;
  if (!good) snprintf(s->wrong, sizeof s->wrong, "a worker has died");
  pthread_barrier_destroy(&all->barrier);
  crew_unmap(visible, sizeof *visible);
  crew_unmap(all, sizeof *all);
}
