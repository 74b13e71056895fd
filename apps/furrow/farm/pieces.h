/* A command's output as lines that are sent as they come. */
#ifndef FARM_PIECES_H
#define FARM_PIECES_H

#include "farm.h"

typedef struct pieces pieces;

/* NULL: no memory. */
pieces *pieces_make(bool error);
void pieces_free(pieces *of);

/* For the next command. `tag`: NULL for none; cut where it leaves no room for lines. */
void pieces_begin(pieces *of, uint64_t sequence, const char *tag);

/* Where bytes may be put, and how many; there is always room for one. */
char *pieces_room(pieces *of, size_t *room);

/* So many have been put there: send whole lines, or, where there is no more room, what there is. False: the task has failed. */
bool pieces_add(pieces *of, furrow_task *task, size_t size);

/* There is no more: send what is left. */
bool pieces_end(pieces *of, furrow_task *task);

#endif
