/* A binary heap in an array: the children of i are 2 i + 1 and 2 i + 2. */
#include "heap.h"

#include <stdlib.h>

static bool is_worse(const piece *a, const piece *b) {
  return a->error > b->error || (a->error == b->error && a->lower < b->lower);
}

bool heap_put(heap *h, const piece *p) {
  if (h->count == h->room) {
    size_t room = h->room ? 2 * h->room : 1024;
    piece *more = realloc(h->pieces, room * sizeof *more);
    if (!more) return false;
    h->pieces = more;
    h->room = room;
  }
  size_t at = h->count++;
  for (; at > 0 && is_worse(p, &h->pieces[(at - 1) / 2]); at = (at - 1) / 2) h->pieces[at] = h->pieces[(at - 1) / 2];
  h->pieces[at] = *p;
  return true;
}

piece heap_take(heap *h) {
  piece top = h->pieces[0], last = h->pieces[--h->count];
  size_t at = 0;
  for (size_t child = 1; child < h->count; child = 2 * at + 1) {
    if (child + 1 < h->count && is_worse(&h->pieces[child + 1], &h->pieces[child])) child++;
    if (!is_worse(&h->pieces[child], &last)) break;
    h->pieces[at] = h->pieces[child];
    at = child;
  }
  if (h->count > 0) h->pieces[at] = last;
  return top;
}

void heap_free(heap *h) {
  free(h->pieces);
  *h = (heap){0};
}
