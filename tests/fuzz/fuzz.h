/* The entry of a fuzzer: as libFuzzer calls it, or by its own name in the unit tests, where all of them are in one program. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#ifdef FURROW_FUZZER
#define FUZZER(name) LLVMFuzzerTestOneInput
#else
#define FUZZER(name) fuzz_##name
#endif

typedef int fuzzer(const uint8_t *data, size_t size);

fuzzer FUZZER(journal), FUZZER(farm);

/* What must hold. */
#define MUST(condition)        \
  do {                         \
    if (!(condition)) abort(); \
  } while (0)

#endif
