/* What a courier does with its own node's board: units put on piles, or taken back; who rests, and who is to look up; and the bytes
   of items that belong to units. */
#include "run/courier_inside.h"
#include "run/meet.h"

bool courier_work_is_left(const furrow__courier *courier) {
  return atomic_load_explicit(&courier->record->left, memory_order_acquire) == (uint64_t)courier->board->ranks;
}

bool courier_fill_pile(furrow__courier *courier, furrow__range units, uint32_t share) {
  if (furrow__range_is_empty(units)) return true;
  int first = courier->root && courier->work.stream ? FURROW__STREAM_PILES : 0; /* the others have another owner */
  for (int i = first; i < FURROW__PILES; i++) {
    furrow__pile *pile = &courier->board->piles[i];
    if (furrow__range_length(furrow__range_read(&pile->units)) > 0) continue;
    atomic_store_explicit(&pile->share, share, memory_order_relaxed);
    furrow__range_deal(&pile->units, units);
    furrow__gate_bump(&courier->record->news);
    return true;
  }
  return false;
}

furrow__range courier_first_lot(const furrow__courier *courier, uint32_t before, uint32_t workers) {
  furrow__span lot = furrow__deck_first_lot(courier->work.todo.count, before, workers, courier->pool->all.workers);
  return (furrow__range){(uint32_t)lot.begin, (uint32_t)lot.end};
}

/* The bit in `resting` makes workers look up from their claims. */
void courier_signal_hunger(furrow__courier *courier, bool others_are_hungry) {
  _Atomic uint32_t *resting = &courier->record->resting;
  if (others_are_hungry)
    atomic_fetch_or_explicit(resting, FURROW__OTHERS_HUNGRY, memory_order_relaxed);
  else if (atomic_load_explicit(resting, memory_order_relaxed) & FURROW__OTHERS_HUNGRY)
    atomic_fetch_and_explicit(resting, ~(uint32_t)FURROW__OTHERS_HUNGRY, memory_order_relaxed);
}

furrow__range courier_seize(furrow__courier *courier) {
  furrow__range units = {0, 0};
  for (int i = 0; i < FURROW__PILES && furrow__range_is_empty(units); i++) {
    furrow__pile *pile = &courier->board->piles[i];
    if (atomic_load_explicit(&pile->share, memory_order_relaxed) != 0) units = furrow__range_seize(&pile->units, 1);
  }
  if (furrow__range_is_empty(units)) units = furrow__range_seize(courier->board->ranges, courier->board->workers);
  courier_signal_hunger(courier, furrow__range_is_empty(units));
  return units;
}

uint32_t courier_resting(const furrow__courier *courier) {
  return furrow__resting(courier->record);
}

bool courier_is_idle(const furrow__courier *courier) {
  return courier_resting(courier) == (uint32_t)courier->board->present;
}

furrow__span courier_items(const furrow__courier *courier, uint64_t begin, uint64_t end) {
  const carried *work = &courier->work;
  if (begin == end) return (furrow__span){0, 0};
  furrow__span units = furrow__todo_run(&work->todo, begin, end);
  if (units.end - units.begin < end - begin) return (furrow__span){0, 0};
  furrow__span tasks = furrow__units_span(&work->units, units.begin, units.end);
  return (furrow__span){tasks.begin * work->item_size, tasks.end * work->item_size};
}

bool courier_bundles(furrow__span items) {
  return items.begin < items.end && items.end - items.begin <= BUNDLE_BYTES;
}

void letter_put_span(furrow__letter *letter, int i, furrow__range units) {
  letter->words[i] = (uint64_t)units.end << 32 | units.begin;
}

furrow__range letter_span(const furrow__letter *letter, int i) {
  return (furrow__range){(uint32_t)letter->words[i], (uint32_t)(letter->words[i] >> 32)};
}
