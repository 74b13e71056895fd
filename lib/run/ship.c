/* Items of a stream on their way to other nodes: rank 0 packs those of a lot together and sends them, the node puts them into its
   store and only then hands their numbers to its workers. On rank 0 they stay in the store until their results are here,
   so that they can go elsewhere; a node forgets an item as soon as its result, its failure or its number has left. */
#include <stdlib.h>
#include <string.h>

#include "node/store.h"
#include "plan/packed.h"
#include "run/courier_inside.h"

/* ---- rank 0's side ---- */

typedef struct packet {
  char *data; /* NULL: this one is free */
  furrow__receipt receipt;
} packet;

enum { PACKETS = 64 }; /* under way at a time */

struct outbox {
  packet packets[PACKETS];
};

outbox *outbox_create(void) {
  return calloc(1, sizeof(outbox));
}

void outbox_free(outbox *out) {
  for (int i = 0; i < PACKETS && out; i++) free(out->packets[i].data);
  free(out);
}

static packet *free_packet(outbox *out) {
  packet *found = NULL;
  for (int i = 0; i < PACKETS; i++) {
    packet *one = &out->packets[i];
    if (!furrow__receipt_is_done(&one->receipt)) continue;
    free(one->data);
    one->data = NULL;
    found = one;
  }
  return found;
}

bool outbox_has_room(outbox *out) {
  return free_packet(out) != NULL;
}

bool outbox_is_idle(const outbox *out) {
  bool idle = true;
  for (int i = 0; i < PACKETS; i++) idle = idle && furrow__receipt_is_done(&out->packets[i].receipt);
  return idle;
}

/* One that is too large for a store goes without its bytes. */
static size_t bytes_of(const furrow__stored *entry) {
  return entry->at == FURROW__FAR ? 0 : entry->size;
}

static size_t packed_size(const furrow__store *store, const furrow__range *spans, int count) {
  size_t size = 0;
  for (int i = 0; i < count; i++)
    for (uint32_t n = spans[i].begin; n < spans[i].end; n++) size += furrow__packed_size(bytes_of(&store->entries[n]));
  return size;
}

static void pack(const furrow__store *store, furrow__range span, char **to) {
  for (uint32_t n = span.begin; n < span.end; n++) {
    const furrow__stored *entry = &store->entries[n];
    size_t bytes = bytes_of(entry);
    furrow__packed head = {.index = entry->index, .size = bytes, .number = n};
    if (entry->at == FURROW__FAR) head.far = entry->size;
    memcpy(*to, &head, sizeof head);
    if (bytes) memcpy(*to + sizeof head, store->bytes + entry->at, bytes);
    *to += furrow__packed_size(bytes);
  }
}

void outbox_send(outbox *out, furrow__courier *courier, int node, const furrow__range *spans, int count, bool retry) {
  packet *one = free_packet(out);
  size_t size = packed_size(&courier->store, spans, count);
  one->data = malloc(size ? size : 1);
  if (!one->data) {
    courier_check(courier, FURROW_E_NOMEM);
    return;
  }
  char *to = one->data;
  for (int i = 0; i < count; i++) pack(&courier->store, spans[i], &to);
  courier_tell(courier, node, (furrow__letter){.kind = ITEMS, .words = {retry}, .bytes = size}, one->data,
               &one->receipt);
}

/* ---- the other nodes' side ---- */

typedef struct delivery {
  struct delivery *next;
  furrow__receipt receipt;
  bool retry; /* the number is not for the pile */
  size_t size, placed;
  _Alignas(16) char data[];
} delivery;

struct inbox {
  delivery *first, *last;
};

inbox *inbox_create(void) {
  return calloc(1, sizeof(inbox));
}

void inbox_free(inbox *in) {
  while (in && in->first) {
    delivery *next = in->first->next;
    free(in->first);
    in->first = next;
  }
  free(in);
}

void inbox_receive(inbox *in, furrow__courier *courier, const furrow__letter *letter) {
  delivery *one = aligned_alloc(16, (sizeof *one + letter->bytes + 15) / 16 * 16);
  if (!one) {
    courier_check(courier, FURROW_E_NOMEM);
    return;
  }
  *one = (delivery){.retry = letter->words[0] != 0, .size = letter->bytes};
  if (in->last)
    in->last->next = one;
  else
    in->first = one;
  in->last = one;
  courier_check(courier, furrow__mail_receive(courier->mail, 0, one->data, letter->bytes, &one->receipt));
}

/* False: there is no room now. */
static bool place(furrow__courier *courier, const furrow__packed *item) {
  furrow__store *store = &courier->store;
  if (item->far) {
    furrow__store_put_far(store, item->number, item->index, item->far);
    return true;
  }
  if (!furrow__store_could_hold(store, item->size)) courier_check(courier, FURROW_E_NOMEM);
  char *to = furrow__store_put(store, item->number, item->index, item->size);
  if (to && item->size) memcpy(to, furrow__packed_bytes(item), item->size);
  return to != NULL;
}

/* Put what has come into the store, one item after the other; numbers that are next to each other are handed on together. */
static bool unpack(delivery *one, furrow__courier *courier, void (*have)(node_side *far, furrow__range units)) {
  while (one->placed < one->size) {
    const furrow__packed *item = (const furrow__packed *)(const void *)(one->data + one->placed);
    furrow__range units = {item->number, item->number};
    size_t from = one->placed;
    for (; from < one->size && item->number == units.end && place(courier, item); units.end++) {
      from += furrow__packed_size(item->size);
      item = (const furrow__packed *)(const void *)(one->data + from);
    }
    if (furrow__range_is_empty(units)) return false;
    one->placed = from;
    if (!one->retry) have(courier->far, units);
  }
  return true;
}

void inbox_act(inbox *in, furrow__courier *courier, void (*have)(node_side *far, furrow__range units)) {
  while (in->first && furrow__receipt_is_done(&in->first->receipt)) {
    delivery *one = in->first;
    if (!unpack(one, courier, have)) return;
    in->first = one->next;
    if (!in->first) in->last = NULL;
    free(one);
    courier_stir(courier);
  }
}

/* What the workers have not got yet is dropped when the operation is over. */
bool inbox_drop(inbox *in) {
  for (delivery *one; (one = in->first) != NULL && furrow__receipt_is_done(&one->receipt); free(one)) {
    in->first = one->next;
    if (!in->first) in->last = NULL;
  }
  return in->first == NULL;
}

/* Items that have come and are in no store yet. */
bool inbox_is_idle(const inbox *in) {
  return in->first == NULL;
}

void inbox_forget(furrow__courier *courier, furrow__range numbers) {
  for (uint32_t n = numbers.begin; n < numbers.end; n++) furrow__store_free(&courier->store, n);
}

/* A large result comes in several pieces: with the first one its item is of no use any more. */
void inbox_note(furrow__courier *courier, const furrow__post *post, const char *bytes) {
  const furrow__packed *one = (const furrow__packed *)(const void *)bytes;
  bool news = post->kind == FURROW__POST_RETRY || post->kind == FURROW__POST_FAILURE;
  if (news && post->last) furrow__store_free(&courier->store, (uint32_t)post->first);
  if (post->kind != FURROW__POST_PACKED || post->offset > 0) return;
  if (!post->last) furrow__store_free(&courier->store, one->number);
  for (; post->last && (const char *)one < bytes + post->length; one = furrow__packed_next(one))
    furrow__store_free(&courier->store, one->number);
}
