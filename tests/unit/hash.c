/* Hashes against the values that xxHash's own tests have, and against themselves in pieces. */
#include "base/hash.h"

#include <stdlib.h>

#include "base/identity.h"
#include "furrow/rng.h"
#include "shim/test.h"

/* Of no bytes: published with xxHash. */
TEST(hash, has_the_known_values) {
  EXPECT_EQ(furrow__hash64("", 0), UINT64_C(0x2D06800538D394C2));
  furrow__hash128 nothing = furrow__hash128_of("", 0);
  EXPECT_EQ(nothing.low, UINT64_C(0x6001C324468D497F));
  EXPECT_EQ(nothing.high, UINT64_C(0x99AA06D3014798D8));
}

TEST(hash, is_the_same_in_pieces) {
  enum { SIZE = 5000 };
  furrow_rng rng = furrow_rng_make(1, 0, 0);
  unsigned char bytes[SIZE];
  for (int i = 0; i < SIZE; i++) bytes[i] = (unsigned char)furrow_rng_u64(&rng);
  for (int round = 0; round < 300; round++) {
    size_t size = furrow_rng_below(&rng, SIZE + 1);
    furrow__hasher short_one, long_one;
    furrow__hasher_start64(&short_one);
    furrow__hasher_start128(&long_one);
    for (size_t at = 0, piece; at < size; at += piece) {
      piece = 1 + furrow_rng_below(&rng, size - at);
      furrow__hasher_add64(&short_one, bytes + at, piece);
      furrow__hasher_add128(&long_one, bytes + at, piece);
    }
    ASSERT_EQ(furrow__hasher_end64(&short_one), furrow__hash64(bytes, size));
    ASSERT_TRUE(furrow__hash128_equal(furrow__hasher_end128(&long_one), furrow__hash128_of(bytes, size)));
  }
}

TEST(hash, sees_every_bit) {
  unsigned char bytes[300] = {0};
  uint64_t before = furrow__hash64(bytes, sizeof bytes);
  for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
    bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    ASSERT_NE(furrow__hash64(bytes, sizeof bytes), before);
    bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
  }
}

/* ---- the program ---- */

TEST(identity, is_the_same_each_time) {
  furrow__hash128 once, twice;
  ASSERT_TRUE(furrow__program_identity(&once));
  ASSERT_TRUE(furrow__program_identity(&twice));
  EXPECT_TRUE(furrow__hash128_equal(once, twice));
  EXPECT_TRUE(once.low != 0 || once.high != 0);
}

TEST(identity, finds_the_build_id_among_notes) {
  uint32_t notes[] = {4, 5, 1, 0x554e47, 0xaaaaaaaa, 0xbb, 4, 8, 3, 0x554e47, 0x11223344, 0x55667788};
  size_t length = 0;
  const unsigned char *id = furrow__build_id_in((unsigned char *)notes, sizeof notes, &length);
  ASSERT_TRUE(id == (unsigned char *)(notes + 10));
  EXPECT_EQ(length, 8u);
  notes[8] = 2; /* another type */
  EXPECT_TRUE(furrow__build_id_in((unsigned char *)notes, sizeof notes, &length) == NULL);
  notes[8] = 3;
  for (size_t size = 0; size < sizeof notes; size++) /* cut anywhere */
    ASSERT_TRUE(furrow__build_id_in((unsigned char *)notes, size, &length) == NULL);
  const uint32_t huge[] = {0, UINT32_MAX, UINT32_MAX - 1, UINT32_MAX - 3, 100};
  for (int i = 0; i < 5; i++)
    for (int word = 0; word < 2; word++) {
      uint32_t bad[12];
      memcpy(bad, notes, sizeof bad);
      bad[word] = huge[i];
      (void)furrow__build_id_in((unsigned char *)bad, sizeof bad, &length);
    }
}
