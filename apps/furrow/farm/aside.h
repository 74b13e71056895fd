/* What people set in the environment for operations of their own programs (FURROW_JOURNAL, FURROW_TASK_TIMEOUT and so on), which the
 * commands shall see, but the farm's own stream not: its options say how commands are tried again, timed and resumed. */
#ifndef FARM_ASIDE_H
#define FARM_ASIDE_H

enum { ASIDE_COUNT = 8 };

typedef struct aside {
  char *values[ASIDE_COUNT]; /* NULL: not set */
} aside;

/* Around the making of the pool, which reads them. While no other thread looks at the environment. */
aside aside_put(void);
void aside_back(aside *away);

#endif
