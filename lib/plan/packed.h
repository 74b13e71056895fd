/* Items or results of a stream side by side, on their way: each a head, then its bytes, then the next at a multiple of 16.
   Knows the bytes; does not know who sends them. */
#ifndef FURROW_PLAN_PACKED_H
#define FURROW_PLAN_PACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct furrow__packed {
  _Alignas(16) uint64_t index; /* in the stream */
  uint64_t size;               /* of the bytes that follow */
  uint64_t far;                /* bytes of an item that do not follow, since they are too many; 0: they do */
  uint32_t number;             /* under which rank 0 keeps the item */
} furrow__packed;

enum { FURROW__PACKED_HEAD = sizeof(furrow__packed) };

/* Bytes that one takes, its head included. */
static inline size_t furrow__packed_size(size_t size) {
  return FURROW__PACKED_HEAD + (size + 15) / 16 * 16;
}

static inline const char *furrow__packed_bytes(const furrow__packed *one) {
  return (const char *)one + FURROW__PACKED_HEAD;
}

/* The one behind it. */
static inline const furrow__packed *furrow__packed_next(const furrow__packed *one) {
  return (const furrow__packed *)(const void *)((const char *)one + furrow__packed_size(one->size));
}

#endif
