/* Functions and their places: in the program, in a library, and nowhere. */
#include "base/module.h"

#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "base/identity.h"
#include "shim/test.h"

static void some_function(void) {
  abort();
}

#define OF_LIBC ((furrow__function)strtol)

static furrow__function back(const furrow__place *place) {
  furrow__function function = some_function;
  EXPECT_EQ((int)furrow__place_find(place, &function), FURROW__FOUND);
  return function;
}

TEST(module, finds_functions_of_the_program_and_of_libraries) {
  const furrow__function functions[] = {some_function, (furrow__function)furrow__place_of, (furrow__function)qsort,
                                        OF_LIBC, NULL};
  for (int i = 0; i < 5; i++) {
    furrow__place place;
    ASSERT_TRUE(furrow__place_of(functions[i], &place));
    EXPECT_TRUE(back(&place) == functions[i]);
    EXPECT_EQ(place.exists, functions[i] != NULL);
  }
}

TEST(module, knows_the_name) {
  furrow__place place;
  ASSERT_TRUE(furrow__place_of(some_function, &place));
  EXPECT_EQ_STR(place.module, "");
  ASSERT_TRUE(furrow__place_of(OF_LIBC, &place));
  EXPECT_CONTAINS(place.module, ".so");
  EXPECT_TRUE(strchr(place.module, '/') == NULL);
}

TEST(module, has_no_data_stack_or_heap) {
  static char data[64];
  char stack[64], *heap = malloc(64);
  const uintptr_t nowhere = (uintptr_t)some_function - ((uintptr_t)1 << 45);
  const uintptr_t places[] = {(uintptr_t)data + 32, (uintptr_t)stack, (uintptr_t)heap, nowhere};
  furrow__place place;
  for (int i = 0; i < 4; i++)
    EXPECT_FALSE(furrow__place_of((furrow__function)places[i], &place));  // NOLINT(performance-no-int-to-ptr)
  free(heap);
}

/* What another process may tell, which has loaded something else. */
TEST(module, tells_another_build_from_what_is_not_loaded) {
  furrow__place place, other;
  furrow__function function;
  ASSERT_TRUE(furrow__place_of(OF_LIBC, &place));
  other = place;
  other.identity.high ^= 1;
  EXPECT_EQ((int)furrow__place_find(&other, &function), FURROW__OTHER_BUILD);
  EXPECT_TRUE(function == NULL);
  memcpy(other.module, "libnone.so", sizeof "libnone.so");
  EXPECT_EQ((int)furrow__place_find(&other, &function), FURROW__NOT_LOADED);
  other = place;
  other.code_size++;
  EXPECT_EQ((int)furrow__place_find(&other, &function), FURROW__OTHER_BUILD);
  other = place;
  other.by_bytes ^= 1;
  EXPECT_EQ((int)furrow__place_find(&other, &function), FURROW__OTHER_BUILD);
  other = place;
  other.offset = (uint64_t)1 << 40; /* beyond its code */
  EXPECT_EQ((int)furrow__place_find(&other, &function), FURROW__OTHER_BUILD);
  memcpy(other.module, "renamed.so", sizeof "renamed.so"); /* the name is for messages only */
  other.offset = place.offset;
  EXPECT_TRUE(back(&other) == OF_LIBC);
}

/* A build-id is looked for in notes that are in memory. */
TEST(module, has_a_build_id_only_in_loaded_notes) {
  enum { NOTES = 64 };
  ElfW(Phdr)
      segments[2] = {{.p_type = PT_NOTE, .p_memsz = NOTES}, {.p_type = PT_LOAD, .p_flags = PF_R, .p_memsz = NOTES}};
  uint32_t notes[NOTES / 4] = {4, 8, 3, 0x554e47, 0x11223344, 0x55667788};
  struct dl_phdr_info module = {
      .dlpi_addr = (uintptr_t)notes, .dlpi_name = "x", .dlpi_phdr = segments, .dlpi_phnum = 2};
  size_t length = 0;
  EXPECT_TRUE(furrow__build_id_of(&module, &length) == (unsigned char *)(notes + 4));
  EXPECT_EQ(length, 8u);
  segments[1].p_memsz = NOTES - 1; /* the notes are not all in memory */
  EXPECT_TRUE(furrow__build_id_of(&module, &length) == NULL);
  segments[1].p_memsz = NOTES;
  notes[2] = 4;
  EXPECT_TRUE(furrow__build_id_of(&module, &length) == NULL);
}
