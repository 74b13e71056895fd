/* The inside of a courier, for the files that make it up: courier.c (the common part), courier_root.c (rank 0's side, with
   dealer.c for units, herald.c for what tasks are told), courier_node.c (the other nodes' side, with fetch.c for
   their items, parcels.c for results, coming.c for retries), courier_board.c (what they do with their own boards), ship.c (items
   of a stream).

   Letters, each with the operation's number. From a node to rank 0:
     REPORT  tasks settled; tasks run; flags
     ASK     offset, length: send these bytes of the items, as an answer
     PARCEL  offset, or NOWHERE: results follow, which belong there, or a table of pieces at their end tells where
     GIVE    units given back, in up to SPANS spans (none: nothing is left); then whether that is all
     FAIL    an error follows
     BYE     nothing more of this operation will come
   From rank 0 to a node:
     LOT     units, in up to SPANS spans
     ITEMS   of a stream: units and their items follow, which only then may be run; or whether they are for a retry
     BUNDLE  offset: items follow, which nobody had to ask for
     RECALL  give some units back
     RETRY   a furrow__retry follows: any of the node's ranks may run it
     WORD    of a stream: what tasks are told now
     STOP    the operation is over, and whether all tasks have been run; an error may follow
   Either way:
     BEAT    this side lives
     ABORT   communication broke: the number of the node that fell silent, or gave up
     PART    the last letter */
#ifndef FURROW_RUN_COURIER_INSIDE_H
#define FURROW_RUN_COURIER_INSIDE_H

#include <pthread.h>

#include "comm/mail.h"
#include "node/store.h"
#include "plan/deck.h"
#include "run/courier.h"

typedef enum letter_kind {
  REPORT = 1,
  ASK,
  PARCEL,
  GIVE,
  FAIL,
  BYE,
  LOT,
  BUNDLE,
  RECALL,
  RETRY,
  ITEMS,
  WORD,
  STOP,
  BEAT,
  ABORT,
  PART
} letter_kind;

enum { ASKS = 1, HUNGRY = 2, RESTED = 4 };  /* flags of a report */
static const uint64_t NOWHERE = UINT64_MAX; /* offset of a parcel with a table */

enum {
  PARCEL_BYTES = 256 << 10,    /* of results that go together: long enough for full speed */
  PARCELS = 4,                 /* of a node, under way at a time */
  BUNDLE_BYTES = PARCEL_BYTES, /* of a lot's items: if they are no more, they come unasked */
  BUNDLES = 8,                 /* that a node keeps */
  BOUNCES = 16,                /* item pieces on their way to a board */
  INCOMING = 16,               /* data on their way to rank 0 */
};

/* Units in a letter: spans fill its first words, a word of 0 is none. */
enum { SPANS = FURROW__LETTER_WORDS - 1 };
void letter_put_span(furrow__letter *letter, int i, furrow__range units);
furrow__range letter_span(const furrow__letter *letter, int i);

/* What one block held, in a parcel's table. */
typedef furrow__post parcel_piece;

/* What couriers need to know of an operation. */
typedef struct carried {
  uint64_t tasks; /* to be settled */
  furrow__units units;
  furrow__todo todo;
  size_t item_size, result_size; /* result_size is 0 where results are not carried: a reduction's */
  bool reduction;
  const char *items; /* rank 0's */
  char *results;     /* rank 0's */
  bool guarded, stream;
  furrow__ledger *ledger; /* rank 0's, if it is guarded; else NULL */
} carried;

/* What a courier has before it: nothing special, an answer that somebody waits for, or data on their way. */
typedef enum courier_urgency { CALM, WAITS, FLOWS } courier_urgency;

typedef struct root_side root_side;
typedef struct node_side node_side;

struct furrow__courier {
  furrow_pool *pool;
  furrow__board *board;
  furrow__mail *mail;
  pthread_mutex_t lock; /* on all of this; the thread and the caller's thread */
  int nodes, node;
  uint64_t timeout;       /* nanoseconds of silence after which a node is lost; 0: never */
  uint64_t *heard, *told; /* when a node was last heard of, and told something; only rank 0's counts on other nodes */
  bool *parted;           /* a node's last letter has come */
  char (*hosts)[FURROW_HOST_SIZE]; /* rank 0: of the nodes' first ranks */
  uint64_t stepped;                /* when it last stepped */
  uint64_t stirred, nap;           /* when something last happened; how long to nap next */
  courier_urgency urgency;
  uint64_t dry_in;      /* nanoseconds until it should have asked for more, at the earliest */
  uint64_t began;       /* the operation */
  furrow_status status; /* of the mail; after a failure everything is over */
  bool active;          /* an operation is under way */
  uint32_t operation;   /* its number */
  carried work;
  furrow__store store;   /* of a stream: this node's; where this is not rank 0's, the courier owns it */
  _Atomic bool is_asked; /* on rank 0: other nodes want items */
  furrow__meeting *record;
  bool has_letter; /* one of an operation that has not begun here yet waits */
  int letter_from;
  furrow__letter letter;
  furrow__gate ended; /* the number of the last operation that is done with */
  root_side *root;    /* on rank 0 */
  node_side *far;     /* on the others */
};

/* ---- the common part, for the two sides ---- */

/* Send a letter of this operation, with data that stay until the receipt is done. */
void courier_tell(furrow__courier *courier, int to, furrow__letter letter, const void *data, furrow__receipt *receipt);

/* The same without data; the receipt is done once the other side takes it. */
void courier_tell_registered(furrow__courier *courier, int to, furrow__letter letter, furrow__receipt *receipt);

/* Keep a status that is not FURROW_OK: the courier gives up at the end of this step. */
void courier_check(furrow__courier *courier, furrow_status status);

/* Something happened: do not nap yet. */
void courier_stir(furrow__courier *courier);

/* How soon to look again; and in how many nanoseconds at the earliest this node should ask for more (UINT64_MAX: never). */
void courier_expect(furrow__courier *courier, courier_urgency urgency, uint64_t dry_in);

/* Whether all workers of the node have left the work of this operation. */
bool courier_work_is_left(const furrow__courier *courier);

/* The operation is done with. */
void courier_finish(furrow__courier *courier);

/* The first units of a node with so many workers, and so many on the nodes before it. */
furrow__range courier_first_lot(const furrow__courier *courier, uint32_t before, uint32_t workers);

/* Put units, if any, on an empty pile, in shares of so many (0: rank 0's deck). False: no pile is empty. */
bool courier_fill_pile(furrow__courier *courier, furrow__range units, uint32_t share);

/* Take units that nobody of this node has claimed; half of the largest share. Empty if there are none just now; then its
   workers are told to look up. */
furrow__range courier_seize(furrow__courier *courier);

/* Whether workers of this node are told to look up, since others are hungry. */
void courier_signal_hunger(furrow__courier *courier, bool others_are_hungry);

/* Workers of this node that rest; whether all do. */
uint32_t courier_resting(const furrow__courier *courier);
bool courier_is_idle(const furrow__courier *courier);

/* The bytes of items of some units, by number; none if they are not next to each other. */
furrow__span courier_items(const furrow__courier *courier, uint64_t begin, uint64_t end);

/* Whether these items go unasked. */
bool courier_bundles(furrow__span items);

/* Items of a stream that go to other nodes: on rank 0. */
typedef struct outbox outbox;
outbox *outbox_create(void);
void outbox_free(outbox *out);
bool outbox_has_room(outbox *out);
void outbox_send(outbox *out, furrow__courier *courier, int node, const furrow__range *spans, int count, bool retry);
bool outbox_is_idle(const outbox *out);

/* And those that have come: on the others. `have` is told the numbers that may be run now. */
typedef struct inbox inbox;
inbox *inbox_create(void);
void inbox_free(inbox *in);
void inbox_receive(inbox *in, furrow__courier *courier, const furrow__letter *letter);
void inbox_act(inbox *in, furrow__courier *courier, void (*have)(node_side *far, furrow__range units));
bool inbox_is_idle(const inbox *in);
/* The operation is over. False: more is on its way. */
bool inbox_drop(inbox *in);
/* These items are given back; what this post says is finished here. */
void inbox_forget(furrow__courier *courier, furrow__range numbers);
void inbox_note(furrow__courier *courier, const furrow__post *post, const char *bytes);

/* ---- rank 0's side ---- */

typedef struct dealer dealer;
dealer *dealer_create(const furrow__courier *courier);
void dealer_free(dealer *deals);
void dealer_begin(dealer *deals, furrow__courier *courier);
/* A node has finished so many units; what its report said besides. */
void dealer_note(dealer *deals, int node, uint64_t finished, uint64_t flags);
/* A unit that failed on a node is tried again on another. */
void dealer_moved(dealer *deals, int from, int to);
void dealer_take_back(dealer *deals, furrow__courier *courier, int from, const furrow__letter *letter);
/* Deal to who wants, and find some for who is hungry. */
void dealer_act(dealer *deals, furrow__courier *courier);
bool dealer_is_idle(const dealer *deals);
/* Send an item of a stream for a retry. False: there is no room for it just now. */
bool dealer_send_item(dealer *deals, furrow__courier *courier, int node, uint32_t number);
/* Whether somebody has nothing to do. */
bool dealer_is_urgent(const dealer *deals);
furrow__courier_counts dealer_counted(const dealer *deals);

/* What rank 0 tells the tasks of a stream. */
typedef struct herald herald;
herald *herald_create(int nodes);
void herald_free(herald *words);
void herald_begin(herald *words);
/* Send the word to those who have not had it. */
void herald_act(herald *words, furrow__courier *courier);

bool root_create(furrow__courier *courier);
void root_free(furrow__courier *courier);
void root_begin(furrow__courier *courier);
void root_read(furrow__courier *courier, int from, const furrow__letter *letter);
bool root_can_read(const furrow__courier *courier);
void root_act(furrow__courier *courier);
bool root_is_sending(const furrow__courier *courier); /* answers */
furrow__courier_counts root_counted(const furrow__courier *courier);

/* ---- the other nodes' side ---- */

bool far_create(furrow__courier *courier);
void far_free(furrow__courier *courier);
void far_begin(furrow__courier *courier, const furrow__layout *layout);
void far_read(furrow__courier *courier, const furrow__letter *letter);
void far_act(furrow__courier *courier);

/* Retries that rank 0 has sent: to the board; or, once the work is `closed`, nowhere. */
typedef struct coming coming;
coming *retries_create(void);
void retries_free(coming *retries);
void retries_receive(coming *retries, furrow__courier *courier, const furrow__letter *letter);
void retries_offer(coming *retries, furrow__courier *courier, bool closed);
bool retries_are_idle(const coming *retries);

/* Items: what workers ask for is copied from a bundle, or asked of rank 0. */
typedef struct fetch fetch;
fetch *fetch_create(void);
/* Have memory for so many workers. Between operations. */
bool fetch_have_workers(fetch *items, int workers);
void fetch_free(fetch *items);
void fetch_begin(fetch *items, furrow__span first);
void fetch_bundle(fetch *items, furrow__courier *courier, const furrow__letter *letter);
/* Serve worker w. False: not all that it has asked for has come. */
bool fetch_serve(fetch *items, furrow__courier *courier, int w);
bool fetch_is_idle(const fetch *items);

/* Results: small pieces go together. */
typedef struct parcels parcels;
parcels *parcels_create(void);
void parcels_free(parcels *results);
void parcels_begin(parcels *results);
/* Take what worker w has posted. False: not all, for now. */
bool parcels_take(parcels *results, furrow__courier *courier, int w);
/* Free the blocks of this process's own ring that have left. */
void parcels_free_blocks(parcels *results, furrow__courier *courier);
/* Send what is old or full; or (`all`) whatever there is. Returns whether nothing is left here. */
bool parcels_send(parcels *results, furrow__courier *courier, bool all);
bool parcels_are_idle(const parcels *results);

/* The rings of this process, or NULL for those on the board. */
const furrow__own_rings *far_own_rings(const furrow__courier *courier, int w);
const furrow__layout *far_layout(const furrow__courier *courier);

#endif
