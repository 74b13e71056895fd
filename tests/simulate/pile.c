#include "simulate/pile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void grow(pile *grown) {
  grown->capacity = 2 * grown->capacity + 4;
  grown->spans = realloc(grown->spans, grown->capacity * sizeof *grown->spans);
  if (grown->spans) return;
  fputs("simulate: no memory for a pile of spans\n", stderr);
  abort();
}

void pile_clear(pile *cleared) {
  free(cleared->spans);
  *cleared = (pile){.spans = NULL};
}

void pile_put(pile *to, furrow__span span) {
  if (span_length(span) == 0) return;
  if (to->count == to->capacity) grow(to);
  to->spans[to->count++] = span;
  to->left += span_length(span);
}

furrow__span pile_take(pile *from, uint64_t most) {
  if (from->count == 0) return (furrow__span){0, 0};
  furrow__span *top = &from->spans[from->count - 1], taken = *top;
  if (span_length(taken) > most) taken.end = taken.begin + most;
  top->begin = taken.end;
  if (span_length(*top) == 0) from->count--;
  from->left -= span_length(taken);
  return taken;
}

furrow__span pile_take_back(pile *from, uint64_t most) {
  if (from->count == 0) return (furrow__span){0, 0};
  furrow__span *bottom = &from->spans[0], taken = *bottom;
  if (span_length(taken) > most) taken.begin = taken.end - most;
  bottom->end = taken.begin;
  if (span_length(*bottom) == 0) memmove(bottom, bottom + 1, --from->count * sizeof *bottom);
  from->left -= span_length(taken);
  return taken;
}

void pile_move(pile *to, pile *from) {
  while (from->left > 0) pile_put(to, pile_take(from, from->left));
}
