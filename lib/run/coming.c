/* Retries on their way to a node that is not rank 0's, and from there to its board. */
#include <stdlib.h>

#include "run/courier_inside.h"

typedef struct one_retry {
  struct one_retry *next;
  furrow__receipt receipt;
  furrow__retry retry;
} one_retry;

struct coming {
  one_retry *first;
};

coming *retries_create(void) {
  return calloc(1, sizeof(coming));
}

void retries_free(coming *retries) {
  while (retries && retries->first) {
    one_retry *next = retries->first->next;
    free(retries->first);
    retries->first = next;
  }
  free(retries);
}

bool retries_are_idle(const coming *retries) {
  return retries->first == NULL;
}

void retries_receive(coming *retries, furrow__courier *courier, const furrow__letter *letter) {
  one_retry *one = calloc(1, sizeof *one);
  if (!one) {
    courier_check(courier, FURROW_E_NOMEM);
    return;
  }
  one->next = retries->first;
  retries->first = one;
  courier_check(courier, furrow__mail_receive(courier->mail, 0, &one->retry, letter->bytes, &one->receipt));
}

/* Once its item is here, if it is a stream's. */
static bool offer(furrow__courier *courier, const furrow__retry *retry) {
  if (courier->work.stream && !furrow__store_has(&courier->store, (uint32_t)retry->place)) return false;
  return furrow__board_offer(courier->board, retry);
}

void retries_offer(coming *retries, furrow__courier *courier, bool closed) {
  for (one_retry **link = &retries->first; *link;) {
    one_retry *one = *link;
    bool gone = furrow__receipt_is_done(&one->receipt) && (closed || offer(courier, &one->retry));
    if (!gone) {
      link = &one->next;
      continue;
    }
    if (!closed) furrow__gate_bump(&courier->record->news);
    *link = one->next;
    free(one);
  }
}
