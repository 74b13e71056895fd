/* --keep-order: what came of a command waits until all before it have been printed. Records are bytes to it. */
#ifndef FARM_ORDER_H
#define FARM_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct order order;

enum { ORDER_MOST = 10000 /* commands that may wait behind one */ };

order *order_open(void); /* NULL: no memory */
void order_close(order *in);

/* This command comes next. Sequences only grow. False: no memory. */
bool order_expect(order *in, uint64_t sequence);

/* Too much waits: expect nothing more for now. */
bool order_is_full(const order *in);

/* Whether it is this command's turn: its records need not wait. */
bool order_is_next(const order *in, uint64_t sequence);

/* Keep a record of a command, behind those it has. False, with errno. */
bool order_hold(order *in, uint64_t sequence, const void *record, size_t size);

/* This command has no more records. */
void order_finish(order *in, uint64_t sequence);

typedef enum order_answer { ORDER_RECORD, ORDER_NONE, ORDER_FAILED } order_answer;

/* The next record whose turn it is, until the next call. `last`: no command is waited for any more. Failed, with errno. */
order_answer order_next(order *in, bool last, const void **record, size_t *size);

#endif
