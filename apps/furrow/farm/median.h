/* The median of ever so many durations, to within half a percent, in constant memory. Pure. */
#ifndef FARM_MEDIAN_H
#define FARM_MEDIAN_H

#include <stdint.h>

/* Bins a hundredth apart, from 0.1 ms to three years; what lies outside counts in the outermost. */
enum { MEDIAN_BINS = 2800 };

/* All zero: of none. */
typedef struct median {
  uint64_t count;
  uint64_t bins[MEDIAN_BINS];
} median;

void median_add(median *of, double seconds);

/* 0 if there is none. Of an even number, the lower of the two in the middle. */
double median_value(const median *of);

#endif
