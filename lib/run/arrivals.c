/* What there is room for is in memory; else it goes to a file, and is mapped when it is complete, so whoever reads need not know.
   What was counted under the lock when it came, the one who delivers gives back with its next look: no lock for each. */
#include "run/arrivals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct furrow__packet {
  uint64_t refs;         /* of arrivals that stand in it; the deliverer's, once it is in the slots */
  size_t size;           /* of its bytes */
  furrow__region region; /* they are in a file; else: */
  _Alignas(16) char bytes[];
};

bool furrow__arrivals_start(furrow__arrivals *arrivals, uint64_t window, bool unordered, size_t most) {
  *arrivals = (furrow__arrivals){.unordered = unordered, .slot_count = window, .most = most};
  pthread_mutex_init(&arrivals->lock, NULL);
  furrow__spill_start(&arrivals->spill);
  arrivals->slots = calloc(window, sizeof *arrivals->slots);
  arrivals->finished = calloc(window, sizeof *arrivals->finished);
  return arrivals->slots && arrivals->finished;
}

/* ---- packets ---- */

/* Bytes that it takes of what may be in memory. */
static size_t weight(const furrow__packet *packet) {
  return packet->region.volume ? 0 : packet->size;
}

static void free_packet(furrow__arrivals *arrivals, furrow__packet *packet) {
  furrow__spill_let_go(&arrivals->spill, &packet->region);
  free(packet);
}

void furrow__arrival_let_go(furrow__arrivals *arrivals, const furrow__arrival *one) {
  furrow__packet *packet = one->packet;
  arrivals->bytes_let_go += one->size;
  if (--packet->refs > 0) return;
  arrivals->memory_let_go += weight(packet);
  free_packet(arrivals, packet);
}

void furrow__arrivals_free(furrow__arrivals *arrivals) {
  for (uint64_t i = 0; i < arrivals->slot_count && arrivals->slots; i++)
    if (arrivals->slots[i].packet) furrow__arrival_let_go(arrivals, &arrivals->slots[i]);
  free(arrivals->slots);
  free(arrivals->finished);
  furrow__spill_end(&arrivals->spill);
  pthread_mutex_destroy(&arrivals->lock);
}

/* Count so many bytes, if there is room for them. */
static bool reserve(furrow__arrivals *arrivals, size_t size) {
  pthread_mutex_lock(&arrivals->lock);
  bool room = size <= arrivals->most && arrivals->memory <= arrivals->most - size;
  if (room) arrivals->memory += size;
  pthread_mutex_unlock(&arrivals->lock);
  return room;
}

static void give_back(furrow__arrivals *arrivals, size_t size) {
  pthread_mutex_lock(&arrivals->lock);
  arrivals->memory -= size;
  pthread_mutex_unlock(&arrivals->lock);
}

static furrow_status no_memory(char *why) {
  snprintf(why, FURROW__SCRATCH_WHY, "no memory for results");
  return FURROW_E_NOMEM;
}

static furrow__packet *make_unweighed(size_t size) {
  furrow__packet *packet = malloc(sizeof *packet + size);
  if (!packet) return NULL;
  packet->refs = 0;
  packet->size = 0;
  packet->region.volume = NULL;
  return packet;
}

furrow_status furrow__arrivals_expect_packet(furrow__arrivals *arrivals, size_t size, furrow__packet **made,
                                             char *why) {
  bool room = reserve(arrivals, size);
  furrow__packet *packet = make_unweighed(room ? size : 0);
  if (!packet && room) give_back(arrivals, size);
  if (!packet) return no_memory(why);
  packet->size = size;
  if (!room && !furrow__spill_take(&arrivals->spill, size, &packet->region, why)) {
    free(packet);
    return FURROW_E_IO;
  }
  *made = packet;
  return FURROW_OK;
}

void furrow__arrivals_drop_packet(furrow__arrivals *arrivals, furrow__packet *packet) {
  if (!packet) return;
  give_back(arrivals, weight(packet));
  free_packet(arrivals, packet);
}

furrow_status furrow__packet_fill(furrow__packet *packet, size_t at, const char *bytes, size_t length, char *why) {
  if (!packet->region.volume)
    memcpy(packet->bytes + at, bytes, length);
  else if (!furrow__region_write(&packet->region, at, bytes, length, why))
    return FURROW_E_IO;
  return FURROW_OK;
}

const char *furrow__packet_bytes(furrow__packet *packet, char *why) {
  return packet->region.volume ? furrow__region_map(&packet->region, why) : packet->bytes;
}

/* One that is whole; its bytes can be read from now on. */
static furrow_status make_packet(furrow__arrivals *arrivals, const char *bytes, size_t length, furrow__packet **made,
                                 char *why) {
  furrow__packet *packet = NULL;
  furrow_status status = furrow__arrivals_expect_packet(arrivals, length, &packet, why);
  if (status != FURROW_OK) return status;
  status = furrow__packet_fill(packet, 0, bytes, length, why);
  if (status == FURROW_OK && !furrow__packet_bytes(packet, why)) status = FURROW_E_IO;
  if (status == FURROW_OK)
    *made = packet;
  else
    furrow__arrivals_drop_packet(arrivals, packet);
  return status;
}

/* ---- bringing ---- */

/* Under the lock. No two have the same place: no more than the window is under way. */
static void put(furrow__arrivals *arrivals, furrow__arrival one) {
  uint64_t place = arrivals->unordered ? arrivals->came : one.index;
  arrivals->slots[place % arrivals->slot_count] = one;
  arrivals->came++;
  arrivals->bytes += one.size;
  arrivals->mean += ((double)one.size - arrivals->mean) / 16;
  one.packet->refs++;
}

static void finish(furrow__arrivals *arrivals, uint32_t number) {
  arrivals->finished[arrivals->finished_count++] = number;
}

void furrow__arrivals_take_packet(furrow__arrivals *arrivals, furrow__packet *packet) {
  const char *bytes = packet->region.volume ? packet->region.mapped : packet->bytes;
  const furrow__packed *one = (const furrow__packed *)(const void *)bytes;
  pthread_mutex_lock(&arrivals->lock);
  for (; (const char *)one < bytes + packet->size; one = furrow__packed_next(one)) {
    furrow__arrival arrival = {one->index, furrow__packed_bytes(one), one->size, packet, false};
    put(arrivals, arrival);
    finish(arrivals, one->number);
  }
  pthread_mutex_unlock(&arrivals->lock);
}

furrow_status furrow__arrivals_take(furrow__arrivals *arrivals, const char *packed, size_t length, char *why) {
  furrow__packet *packet = NULL;
  furrow_status status = make_packet(arrivals, packed, length, &packet, why);
  if (status == FURROW_OK) furrow__arrivals_take_packet(arrivals, packet);
  return status;
}

/* Failures are small, and no more than the window: they are in memory beside the rest. */
bool furrow__arrivals_fail(furrow__arrivals *arrivals, const furrow__failed *failed, uint32_t number) {
  furrow__packet *packet = make_unweighed(sizeof *failed);
  if (!packet) return false;
  memcpy(packet->bytes, failed, sizeof *failed);
  pthread_mutex_lock(&arrivals->lock);
  put(arrivals, (furrow__arrival){failed->task, packet->bytes, 0, packet, true});
  finish(arrivals, number);
  pthread_mutex_unlock(&arrivals->lock);
  return true;
}

furrow_status furrow__arrivals_restore(furrow__arrivals *arrivals, uint64_t index, const char *bytes, size_t size,
                                       char *why) {
  furrow__packet *packet = NULL;
  furrow_status status = make_packet(arrivals, size ? bytes : "", size, &packet, why);
  if (status != FURROW_OK) return status;
  pthread_mutex_lock(&arrivals->lock);
  put(arrivals, (furrow__arrival){index, furrow__packet_bytes(packet, why), size, packet, false});
  pthread_mutex_unlock(&arrivals->lock);
  return FURROW_OK;
}

/* ---- delivering ---- */

/* Under the lock. */
static void settle(furrow__arrivals *arrivals) {
  arrivals->bytes -= arrivals->bytes_let_go;
  arrivals->memory -= arrivals->memory_let_go;
  arrivals->bytes_let_go = arrivals->memory_let_go = 0;
}

uint64_t furrow__arrivals_next(furrow__arrivals *arrivals, furrow__arrival *list, uint64_t most) {
  uint64_t count = 0;
  pthread_mutex_lock(&arrivals->lock);
  settle(arrivals);
  for (; count < most; count++) {
    furrow__arrival *slot = &arrivals->slots[arrivals->next % arrivals->slot_count];
    if (!slot->packet) break;
    list[count] = *slot;
    slot->packet = NULL;
    arrivals->next++;
  }
  pthread_mutex_unlock(&arrivals->lock);
  return count;
}

uint64_t furrow__arrivals_finished(furrow__arrivals *arrivals, uint32_t *numbers) {
  pthread_mutex_lock(&arrivals->lock);
  uint64_t count = arrivals->finished_count;
  if (count) memcpy(numbers, arrivals->finished, count * sizeof *numbers);
  arrivals->finished_count = 0;
  pthread_mutex_unlock(&arrivals->lock);
  return count;
}

size_t furrow__arrivals_expect(furrow__arrivals *arrivals, uint64_t more, double *mean) {
  pthread_mutex_lock(&arrivals->lock);
  settle(arrivals);
  *mean = arrivals->mean;
  size_t bytes = arrivals->bytes + (size_t)((double)more * arrivals->mean);
  pthread_mutex_unlock(&arrivals->lock);
  return bytes;
}
