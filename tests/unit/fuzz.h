/* What a fuzzer has found so far goes through what it fuzzes, with any compiler. */
#ifndef TESTS_UNIT_FUZZ_H
#define TESTS_UNIT_FUZZ_H

#include "fuzz/fuzz.h"

/* Each file of tests/fuzz/corpus/NAME, and with other first bytes. How many there were. */
int fuzz_corpus(const char *name, fuzzer *entry);

#endif
