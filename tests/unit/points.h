/* The protocols of lib/node with delays at their critical points. */
#ifndef TESTS_UNIT_POINTS_H
#define TESTS_UNIT_POINTS_H

/* From now on, in this process and those it forks, a critical point delays its thread once in so many times;
   0 (at the start): never. */
void points_delay(unsigned once_in);

#endif
