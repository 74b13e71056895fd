/* What rank 0's thread and workers do in a stream: worker 0 puts numbers behind those on a few piles, the others draw and steal
 * them, and each number comes back as soon as it has run. There are few numbers, so that piles and shares take the same
 * values again and again while others still look at what they were. Each time a number is given it must run once. */
#include <sched.h>
#include <stdio.h>

#include "base/clock.h"
#include "furrow/rng.h"
#include "node/range.h"
#include "unit/points.h"
#include "unit/stress.h"

enum { MOST_WORKERS = 16, NUMBERS = 48, PILES = 2 };

typedef struct shared {
  stress *s;
  furrow__range_word words[MOST_WORKERS], piles[PILES];
  furrow__steals steals;
  _Atomic uint64_t ran[NUMBERS]; /* which time it was that it ran */
  uint64_t given
      [NUMBERS]; /* how often worker 0 has given it; plain words, so that the thread sanitizer sees what is not ordered */
  _Atomic bool over, wrong;
  _Atomic uint64_t operations;
} shared;

static void complain(shared *all, uint32_t number, uint64_t given, uint64_t ran) {
  if (atomic_exchange(&all->wrong, true)) return;
  snprintf(all->s->wrong, sizeof all->s->wrong,
           "number %u was given %llu times, and ran before its time, or twice: %llu", number, (unsigned long long)given,
           (unsigned long long)ran);
}

/* ---- worker 0 ---- */

static bool is_free(const shared *all, uint32_t number) {
  return atomic_load(&all->ran[number]) == all->given[number];
}

static bool publish(shared *all, furrow__range *pending) {
  if (furrow__range_is_empty(*pending)) return true;
  for (int i = 0; i < PILES; i++) {
    if (!furrow__range_extend(&all->piles[i], *pending)) continue;
    pending->begin = pending->end;
    return true;
  }
  return false;
}

/* The next free number; what is pending goes first if it is not next to that. */
static bool next_number(shared *all, furrow__range *pending) {
  uint32_t number = pending->end;
  for (int i = 0; i < NUMBERS; i++, number++) {
    number %= NUMBERS;
    if (!is_free(all, number)) continue;
    if (number == pending->end) return true;
    if (!publish(all, pending)) return false;
    *pending = (furrow__range){number, number};
    return true;
  }
  return false;
}

static void give(shared *all) {
  furrow__range pending = {0, 0};
  furrow_rng rng = furrow_rng_make(all->s->seed, 2, 0);
  uint64_t deadline = furrow__now() + (uint64_t)(all->s->seconds * 1e9);
  while (furrow__now() < deadline && !atomic_load(&all->wrong)) {
    for (uint64_t most = furrow_rng_below(&rng, NUMBERS); most > 0 && next_number(all, &pending); most--)
      all->given[pending.end++]++;
    publish(all, &pending);
    if (furrow_rng_below(&rng, 8) == 0) sched_yield();
  }
  while (!publish(all, &pending)) sched_yield();
  for (uint64_t waited = 0, start = furrow__now(); waited < 20000000000u; waited = furrow__now() - start) {
    uint32_t free = 0;
    while (free < NUMBERS && is_free(all, free)) free++;
    if (free == NUMBERS || atomic_load(&all->wrong)) break;
    sched_yield();
  }
  for (uint32_t n = 0; n < NUMBERS; n++)
    if (!is_free(all, n) && !atomic_exchange(&all->wrong, true))
      snprintf(all->s->wrong, sizeof all->s->wrong, "number %u never ran", n);
  atomic_store(&all->over, true);
}

/* ---- the others ---- */

static bool claim(shared *all, int me, uint32_t want, furrow__range *units) {
  *units = furrow__range_take(&all->words[me], want);
  for (int i = 0; i < PILES && furrow__range_is_empty(*units); i++)
    *units = furrow__range_draw(&all->piles[i], 3 * want, &all->words[me], want, &all->steals);
  if (furrow__range_is_empty(*units))
    *units = furrow__range_steal(all->words, all->s->workers, me, want, 1, &all->steals);
  return !furrow__range_is_empty(*units);
}

static void run(shared *all, uint32_t number) {
  uint64_t given = all->given[number], ran = atomic_load(&all->ran[number]);
  if (ran + 1 != given) complain(all, number, given, ran);
  if (!atomic_compare_exchange_strong(&all->ran[number], &ran, given)) complain(all, number, given, ran);
}

static void work(shared *all, int me) {
  furrow_rng rng = furrow_rng_make(all->s->seed, 1, (uint64_t)me);
  uint64_t operations = 0;
  while (!atomic_load(&all->over)) {
    furrow__range units;
    if (!claim(all, me, 1 + (uint32_t)furrow_rng_below(&rng, 8), &units)) {
      sched_yield();
      continue;
    }
    furrow__range rest = {units.end, units.end};
    if (furrow_rng_below(&rng, 4) == 0) rest.begin -= (uint32_t)furrow_rng_below(&rng, furrow__range_length(units));
    for (uint32_t n = units.begin; n < rest.begin; n++) run(all, n);
    if (!furrow__range_is_empty(rest)) furrow__range_give_back(&all->words[me], rest, &all->steals);
    operations++;
  }
  atomic_fetch_add(&all->operations, operations);
}

static void body(void *argument, int me) {
  if (me == 0)
    give(argument);
  else
    work(argument, me);
}

void stress_pile(stress *s) {
  shared *all = crew_map(sizeof *all);
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
  crew_unmap(visible, sizeof *visible);
  crew_unmap(all, sizeof *all);
}
