/* Texts that the farm reads: see fuzz/farm.c. */
#include "shim/test.h"
#include "unit/fuzz.h"

TEST(apps_farm_fuzz, corpus_of_texts) {
  EXPECT_GT(fuzz_corpus("farm", fuzz_farm), 10);
}
