/* Pieces by their error, the largest on top. Equal errors are in the order of places, so what is taken next depends
 * on the pieces alone. */
#ifndef QUADRATURE_HEAP_H
#define QUADRATURE_HEAP_H

#include <stddef.h>

#include "rule.h"

typedef struct heap {
  piece *pieces;
  size_t count, room;
} heap; /* all bytes zero: empty */

bool heap_put(heap *h, const piece *p); /* false: no memory, and nothing has changed */
piece heap_take(heap *h);               /* the top; there must be one */
void heap_free(heap *h);

#endif
