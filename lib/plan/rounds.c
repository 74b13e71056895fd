#include "plan/rounds.h"

uint64_t furrow__round_units(uint64_t units, uint64_t unit_bytes, uint64_t ranks, uint64_t most) {
  uint64_t fit = unit_bytes ? most / unit_bytes / ranks * ranks : units;
  if (fit < ranks) fit = ranks;
  return fit < units ? fit : units;
}
