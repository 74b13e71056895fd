/* Takes outcomes and parts apart. Trusts no length: a rank of another build must not make this one read astray. */
#include "outcome.h"

enum { NOT_STARTED = 127 /* as a shell has it */ };

static const char *take(const char **at, size_t *left, uint64_t size) {
  const char *taken = *at;
  if (size > *left) return NULL;
  *at += size;
  *left -= (size_t)size;
  return taken;
}

/* An empty length is an empty text. */
static const char *take_text(const char **at, size_t *left, uint64_t size) {
  const char *text = take(at, left, size);
  if (!text || size == 0) return text ? "" : NULL;
  return text[size - 1] == '\0' ? text : NULL;
}

bool outcome_read(const void *bytes, size_t size, outcome_view *view) {
  if (size < offsetof(outcome, texts)) return false;
  const outcome *head = view->head = bytes;
  const char *at = head->texts;
  size_t left = size - offsetof(outcome, texts);
  view->host = take_text(&at, &left, head->host);
  view->command = take_text(&at, &left, head->command);
  view->why = take_text(&at, &left, head->why);
  view->tag = take_text(&at, &left, head->tag);
  view->set = take_text(&at, &left, head->set);
  view->out = take(&at, &left, head->out);
  view->err = take(&at, &left, head->err);
  return view->host && view->command && view->why && view->tag && view->set && view->out && view->err;
}

int outcome_exit(const outcome *head) {
  if (head->fate == FATE_NEVER) return head->status != 0 ? head->status : NOT_STARTED;
  if (head->fate == FATE_TIMEOUT) return head->status != 0 ? head->status : -1;
  return head->status;
}

int outcome_signal(const outcome *head) {
  return head->signal;
}

bool part_read(const void *bytes, size_t size, part_view *view) {
  if (size < offsetof(outcome_part, texts)) return false;
  view->head = bytes;
  const char *at = view->head->texts;
  size_t left = size - offsetof(outcome_part, texts);
  view->tag = take_text(&at, &left, view->head->tag);
  view->lines = at;
  view->size = left;
  return view->tag != NULL;
}
