/* Results of a stream that have come to rank 0, until the sink has had them: in the order of items, or as they came. In memory up
   to a bound, beyond it in files. Knows bytes and indices; does not know who brings them. Who brings takes the lock; one
   thread delivers. */
#ifndef FURROW_RUN_ARRIVALS_H
#define FURROW_RUN_ARRIVALS_H

#include <pthread.h>

#include "base/spill.h"
#include "furrow/status.h"
#include "plan/packed.h"
#include "plan/retry.h"

/* What came together, until the last of it has been delivered. */
typedef struct furrow__packet furrow__packet;

typedef struct furrow__arrival {
  uint64_t index;
  const char *bytes;
  size_t size;
  furrow__packet *packet; /* NULL: not here */
  bool failed;            /* the bytes are a furrow__failed */
} furrow__arrival;

typedef struct furrow__arrivals {
  pthread_mutex_t lock;
  bool unordered;
  uint64_t came, next;    /* in all; the place of the next one to be delivered */
  furrow__arrival *slots; /* by index, or as they came, both modulo their number */
  uint64_t slot_count;
  uint32_t *finished; /* numbers of items that have come since this was last asked for */
  uint64_t finished_count;
  size_t bytes;                       /* of results that have not been let go */
  double mean;                        /* bytes of a result, of late */
  size_t memory, most;                /* bytes of packets in memory, and how many there may be */
  size_t bytes_let_go, memory_let_go; /* by the one who delivers, since it last looked */
  furrow__spill spill;
} furrow__arrivals;

/* For up to `window` items under way, and so many bytes of results in memory. False: no memory. */
bool furrow__arrivals_start(furrow__arrivals *arrivals, uint64_t window, bool unordered, size_t most);
void furrow__arrivals_free(furrow__arrivals *arrivals);

/* Results that have come, packed, which are copied. What returns a status is FURROW_OK, FURROW_E_NOMEM or FURROW_E_IO, with a
   reason of FURROW__SCRATCH_WHY bytes. */
furrow_status furrow__arrivals_take(furrow__arrivals *arrivals, const char *packed, size_t length, char *why);

/* The same of one that is packed and comes in pieces: room for all of it; the pieces; its bytes, all of which are here; then it is
   taken, or dropped. */
furrow_status furrow__arrivals_expect_packet(furrow__arrivals *arrivals, size_t size, furrow__packet **packet,
                                             char *why);
furrow_status furrow__packet_fill(furrow__packet *packet, size_t at, const char *bytes, size_t length, char *why);
const char *furrow__packet_bytes(furrow__packet *packet, char *why); /* NULL: they can't be read */
void furrow__arrivals_take_packet(furrow__arrivals *arrivals, furrow__packet *packet);
void furrow__arrivals_drop_packet(furrow__arrivals *arrivals, furrow__packet *packet);

/* A failure of the item under `number`. False: no memory. */
bool furrow__arrivals_fail(furrow__arrivals *arrivals, const furrow__failed *failed, uint32_t number);

/* A result of an item that has no number, since it was finished before. It counts in the window until it is delivered. */
furrow_status furrow__arrivals_restore(furrow__arrivals *arrivals, uint64_t index, const char *bytes, size_t size,
                                       char *why);

/* What can be delivered now, up to `most` in order; how many. Each is to be let go afterwards. */
uint64_t furrow__arrivals_next(furrow__arrivals *arrivals, furrow__arrival *list, uint64_t most);
void furrow__arrival_let_go(furrow__arrivals *arrivals, const furrow__arrival *one);

/* The numbers of items that have come since the last call, into a list with room for all that are under way. */
uint64_t furrow__arrivals_finished(furrow__arrivals *arrivals, uint32_t *numbers);

/* Bytes of results that have not been let go, plus those that are to be expected of `more` items, of *mean each. By the one who
   delivers. */
size_t furrow__arrivals_expect(furrow__arrivals *arrivals, uint64_t more, double *mean);

#endif
