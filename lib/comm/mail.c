/* One posted receive takes letters from anyone, and is posted anew when one has been read. Data follow on a tag of their
   own: MPI keeps the order between two ranks on one tag, so the receives match if they are posted in the order of the
   letters. Answers have a third tag, and match in the order of the questions. */
#include "comm/mail.h"

#include <stdlib.h>
#include <string.h>

#include "comm/comm.h"

enum { TAG_LETTER = 1, TAG_DATA, TAG_ANSWER };

/* What goes with a request of the same index. */
typedef struct transfer {
  furrow__receipt *receipt; /* NULL: nobody waits for it */
  furrow__letter *letter;   /* being sent; NULL: data */
  bool receives;
} transfer;

/* Room for letters that are being sent: made at once, so that what goes on as usual needs no memory. */
typedef struct stock {
  int made, count;
  furrow__letter *all;
  int *free; /* which; the first `count` of these */
} stock;

struct furrow__mail {
  MPI_Comm over;
  MPI_Request incoming; /* of `letter` */
  furrow__letter letter;
  int count, capacity; /* transfers under way */
  MPI_Request *requests;
  transfer *transfers;
  int *finished; /* MPI_Testsome's */
  MPI_Status *statuses;
  int sending;
  stock letters;
  uint64_t messages;
};

static bool make_stock(stock *letters, int count) {
  letters->all = malloc((size_t)count * sizeof *letters->all);
  letters->free = malloc((size_t)count * sizeof *letters->free);
  if (!letters->all || !letters->free) return false;
  for (int i = 0; i < count; i++) letters->free[i] = i;
  letters->made = letters->count = count;
  return true;
}

static furrow_status await_letter(furrow__mail *mail) {
  int code =
      MPI_Irecv(&mail->letter, sizeof mail->letter, MPI_BYTE, MPI_ANY_SOURCE, TAG_LETTER, mail->over, &mail->incoming);
  return code == MPI_SUCCESS ? FURROW_OK : FURROW_E_MPI;
}

static void give_up(MPI_Request *request) {
  if (*request == MPI_REQUEST_NULL) return;
  MPI_Cancel(request);
  MPI_Request_free(request);
}

static bool is_in_stock(const furrow__mail *mail, const furrow__letter *letter) {
  uintptr_t at = (uintptr_t)letter, first = (uintptr_t)mail->letters.all;
  return at >= first && at < first + sizeof *letter * (size_t)mail->letters.made;
}

static furrow__letter *take_letter(furrow__mail *mail) {
  stock *letters = &mail->letters;
  return letters->count > 0 ? &letters->all[letters->free[--letters->count]] : malloc(sizeof(furrow__letter));
}

static void return_letter(furrow__mail *mail, furrow__letter *letter) {
  if (!letter) return;
  if (is_in_stock(mail, letter))
    mail->letters.free[mail->letters.count++] = (int)(letter - mail->letters.all);
  else
    free(letter);
}

void furrow__mail_give_up(furrow__mail *mail) {
  give_up(&mail->incoming);
  for (int i = 0; i < mail->count; i++)
    if (mail->transfers[i].receives) give_up(&mail->requests[i]);
}

/* What is being sent must stay, if MPI is still there to send it. */
void furrow__mail_free(furrow__mail *mail) {
  if (!mail) return;
  bool up = furrow__mpi_is_up();
  if (up) furrow__mail_give_up(mail);
  if (mail->sending == 0 || !up) free(mail->letters.all);
  free(mail->letters.free);
  free(mail->requests);
  free(mail->transfers);
  free(mail->finished);
  free(mail->statuses);
  free(mail);
}

static bool have_room(furrow__mail *mail, int wanted) {
  if (wanted <= mail->capacity) return true;
  int more = 2 * wanted;
  /* NOLINTNEXTLINE(bugprone-sizeof-expression): what a request is, is MPI's secret; here a pointer */
  MPI_Request *requests = realloc(mail->requests, (size_t)more * sizeof *requests);
  if (requests) mail->requests = requests;
  transfer *transfers = realloc(mail->transfers, (size_t)more * sizeof *transfers);
  if (transfers) mail->transfers = transfers;
  int *finished = realloc(mail->finished, (size_t)more * sizeof *finished);
  if (finished) mail->finished = finished;
  MPI_Status *statuses = realloc(mail->statuses, (size_t)more * sizeof *statuses);
  if (statuses) mail->statuses = statuses;
  if (!requests || !transfers || !finished || !statuses) return false;
  mail->capacity = more;
  return true;
}

furrow__mail *furrow__mail_create(MPI_Comm over, int peers) {
  enum { EACH = 8, SPARE = 64 }; /* letters, and transfers, under way at a time; more need memory */
  furrow__mail *mail = calloc(1, sizeof *mail);
  if (!mail) return NULL;
  mail->over = over;
  mail->incoming = MPI_REQUEST_NULL;
  int most = EACH * peers + SPARE;
  if (make_stock(&mail->letters, most) && have_room(mail, most) && await_letter(mail) == FURROW_OK) return mail;
  furrow__mail_free(mail);
  return NULL;
}

/* Where data are, or go. */
typedef struct place {
  const char *from; /* to be sent; NULL: to be received */
  char *to;
} place;

/* One MPI call, whose request is kept. A letter that somebody waits for is registered: MPI's synchronous mode. */
static furrow_status start(furrow__mail *mail, int rank, int tag, place data, size_t bytes, furrow__receipt *receipt,
                           furrow__letter *letter) {
  if (!have_room(mail, mail->count + 1)) return FURROW_E_NOMEM;
  MPI_Request *request = &mail->requests[mail->count];
  int code = !data.from          ? MPI_Irecv(data.to, (int)bytes, MPI_BYTE, rank, tag, mail->over, request)
             : letter && receipt ? MPI_Issend(data.from, (int)bytes, MPI_BYTE, rank, tag, mail->over, request)
                                 : MPI_Isend(data.from, (int)bytes, MPI_BYTE, rank, tag, mail->over, request);
  if (code != MPI_SUCCESS) return FURROW_E_MPI;
  mail->transfers[mail->count++] = (transfer){receipt, letter, !data.from};
  mail->messages += data.from != NULL;
  mail->sending += data.from != NULL;
  if (receipt) receipt->parts++;
  return FURROW_OK;
}

static furrow_status start_data(furrow__mail *mail, int rank, int tag, place data, size_t bytes,
                                furrow__receipt *receipt) {
  furrow_status status = FURROW_OK;
  for (size_t left = bytes; left > 0 && status == FURROW_OK;) {
    size_t part = left < FURROW__TRANSFER ? left : FURROW__TRANSFER;
    status = start(mail, rank, tag, data, part, receipt, NULL);
    data = data.from ? (place){data.from + part, NULL} : (place){NULL, data.to + part};
    left -= part;
  }
  return status;
}

static furrow_status start_letter(furrow__mail *mail, int to, const furrow__letter *letter, furrow__receipt *receipt) {
  furrow__letter *copy = take_letter(mail);
  if (!copy) return FURROW_E_NOMEM;
  *copy = *letter;
  furrow_status status = start(mail, to, TAG_LETTER, (place){(const char *)copy, NULL}, sizeof *copy, receipt, copy);
  if (status != FURROW_OK) return_letter(mail, copy);
  return status;
}

furrow_status furrow__mail_send_registered(furrow__mail *mail, int to, const furrow__letter *letter,
                                           furrow__receipt *receipt) {
  return start_letter(mail, to, letter, receipt);
}

furrow_status furrow__mail_send(furrow__mail *mail, int to, const furrow__letter *letter, const void *data,
                                furrow__receipt *receipt) {
  furrow_status status = start_letter(mail, to, letter, NULL);
  if (status != FURROW_OK || letter->bytes == 0) return status;
  return start_data(mail, to, TAG_DATA, (place){data, NULL}, letter->bytes, receipt);
}

furrow_status furrow__mail_receive(furrow__mail *mail, int from, void *data, size_t bytes, furrow__receipt *receipt) {
  return start_data(mail, from, TAG_DATA, (place){NULL, data}, bytes, receipt);
}

furrow_status furrow__mail_answer(furrow__mail *mail, int to, const void *data, size_t bytes,
                                  furrow__receipt *receipt) {
  return start_data(mail, to, TAG_ANSWER, (place){data, NULL}, bytes, receipt);
}

furrow_status furrow__mail_expect(furrow__mail *mail, int from, void *data, size_t bytes, furrow__receipt *receipt) {
  return start_data(mail, from, TAG_ANSWER, (place){NULL, data}, bytes, receipt);
}

static void finish(furrow__mail *mail, int i) {
  transfer *what = &mail->transfers[i];
  if (what->receipt) what->receipt->parts--;
  return_letter(mail, what->letter);
  mail->sending -= !what->receives;
  mail->requests[i] = MPI_REQUEST_NULL;
}

static void close_gaps(furrow__mail *mail) {
  int kept = 0;
  for (int i = 0; i < mail->count; i++) {
    if (mail->requests[i] == MPI_REQUEST_NULL) continue;
    mail->requests[kept] = mail->requests[i];
    mail->transfers[kept++] = mail->transfers[i];
  }
  mail->count = kept;
}

furrow_status furrow__mail_progress(furrow__mail *mail) {
  int finished = 0;
  if (mail->count == 0) return FURROW_OK; /* furrow__mail_next() tests, too */
  if (MPI_Testsome(mail->count, mail->requests, &finished, mail->finished, mail->statuses) != MPI_SUCCESS)
    return FURROW_E_MPI;
  for (int i = 0; i < finished; i++) finish(mail, mail->finished[i]);
  if (finished > 0) close_gaps(mail);
  return FURROW_OK;
}

bool furrow__mail_next(furrow__mail *mail, int *from, furrow__letter *letter, furrow_status *status) {
  int come = 0;
  MPI_Status where;
  if (mail->incoming == MPI_REQUEST_NULL) return false; /* MPI would say that something has come */
  if (MPI_Test(&mail->incoming, &come, &where) != MPI_SUCCESS) *status = FURROW_E_MPI;
  if (*status != FURROW_OK || !come) return false;
  *from = where.MPI_SOURCE;
  *letter = mail->letter;
  *status = await_letter(mail);
  return true;
}

bool furrow__mail_is_sent(const furrow__mail *mail) {
  return mail->sending == 0;
}

uint64_t furrow__mail_messages(const furrow__mail *mail) {
  return mail->messages;
}
