/* Letters between the first ranks of the nodes, some followed by data, on a communicator of their own. Knows ranks and
   bytes; does not know what a letter means.

   Nothing here waits: what was sent or asked for goes on at each furrow__mail_progress(). One thread at a time. */
#ifndef FURROW_COMM_MAIL_H
#define FURROW_COMM_MAIL_H

#include <mpi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "furrow/status.h"

enum { FURROW__LETTER_WORDS = 8 };

typedef struct furrow__letter {
  uint32_t kind, operation;
  uint64_t words[FURROW__LETTER_WORDS];
  uint64_t bytes; /* of the data that follow it */
} furrow__letter;

/* A transfer under way: done when no part is left. */
typedef struct furrow__receipt {
  uint32_t parts;
} furrow__receipt;

static inline bool furrow__receipt_is_done(const furrow__receipt *receipt) {
  return receipt->parts == 0;
}

typedef struct furrow__mail furrow__mail;

/* Local; `over` is borrowed; letters go to and from so many `peers`. NULL: no memory, or MPI refused. */
furrow__mail *furrow__mail_create(MPI_Comm over, int peers);

/* Receive nothing any more, as far as MPI can undo it: memory of the caller's will go. */
void furrow__mail_give_up(furrow__mail *mail);

/* The same, and free it. */
void furrow__mail_free(furrow__mail *mail);

/* Send a letter and letter->bytes of `data`, which must stay until the receipt is done (NULL: no data). All that can fail
   returns FURROW_OK, FURROW_E_MPI or FURROW_E_NOMEM, and after a failure the mail is good for nothing. */
furrow_status furrow__mail_send(furrow__mail *mail, int to, const furrow__letter *letter, const void *data,
                                furrow__receipt *receipt);

/* Send a letter without data. The receipt is done once the other side takes it: so who sends no other before keeps no more
   than one waiting there, however long that side does not look. */
furrow_status furrow__mail_send_registered(furrow__mail *mail, int to, const furrow__letter *letter,
                                           furrow__receipt *receipt);

/* Receive the data that follow a letter. For each sender, in the order of its letters. */
furrow_status furrow__mail_receive(furrow__mail *mail, int from, void *data, size_t bytes, furrow__receipt *receipt);

/* The same without a letter, for an answer to a question: answers come in the order in which they were asked for. */
furrow_status furrow__mail_answer(furrow__mail *mail, int to, const void *data, size_t bytes, furrow__receipt *receipt);
furrow_status furrow__mail_expect(furrow__mail *mail, int from, void *data, size_t bytes, furrow__receipt *receipt);

/* Let transfers go on. Then, in order: the next letter that has come. */
furrow_status furrow__mail_progress(furrow__mail *mail);
bool furrow__mail_next(furrow__mail *mail, int *from, furrow__letter *letter, furrow_status *status);

/* Whether all that was sent has left. */
bool furrow__mail_is_sent(const furrow__mail *mail);

/* MPI communication calls started. */
uint64_t furrow__mail_messages(const furrow__mail *mail);

#endif
