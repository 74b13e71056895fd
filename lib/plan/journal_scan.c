/* From record to record through any bytes. Every length is compared with what is left before it is used. */
#include <string.h>

#include "plan/journal.h"

/* ---- one record ---- */

typedef enum sight {
  SIGHT_RECORD,
  SIGHT_HEAD,    /* its head does not check */
  SIGHT_SHORT,   /* its head does, but the file ends before its payload does */
  SIGHT_PAYLOAD, /* its head does, its payload does not */
  SIGHT_FAILED,  /* the bytes can't be read */
} sight;

static const unsigned char *view(const furrow__journal_source *source, uint64_t offset, size_t size) {
  return source->view(source->context, offset, size);
}

static size_t piece(uint64_t left) {
  return left < FURROW__JOURNAL_VIEW ? (size_t)left : FURROW__JOURNAL_VIEW;
}

/* The payload and the zeros behind it are inside of the source. */
static sight payload_check(const furrow__journal_source *source, uint64_t offset, const furrow__record *record) {
  furrow__hasher hasher;
  furrow__hasher_start64(&hasher);
  for (uint64_t done = 0; done < record->length;) {
    size_t size = piece(record->length - done);
    const unsigned char *bytes = view(source, offset + done, size);
    if (!bytes) return SIGHT_FAILED;
    furrow__hasher_add64(&hasher, bytes, size);
    done += size;
  }
  if (furrow__hasher_end64(&hasher) != record->payload_sum) return SIGHT_PAYLOAD;
  size_t padding = (size_t)(-record->length & 7);
  if (padding == 0) return SIGHT_RECORD;
  const unsigned char *zeros = view(source, offset + record->length, padding);
  if (!zeros) return SIGHT_FAILED;
  return memcmp(zeros, "\0\0\0\0\0\0\0", padding) == 0 ? SIGHT_RECORD : SIGHT_PAYLOAD;
}

/* `offset` is inside of the source or at its end. */
static sight look(const furrow__journal_source *source, uint64_t offset, furrow__record *record) {
  uint64_t left = source->size - offset;
  if (left < FURROW__RECORD_HEAD) return SIGHT_HEAD;
  const unsigned char *head = view(source, offset, FURROW__RECORD_HEAD);
  if (!head) return SIGHT_FAILED;
  if (!furrow__record_decode(head, record)) return SIGHT_HEAD;
  left -= FURROW__RECORD_HEAD;
  if (record->length > left || (-record->length & 7) > left - record->length) return SIGHT_SHORT;
  return payload_check(source, offset + FURROW__RECORD_HEAD, record);
}

/* ---- what stands behind one that does not check ---- */

/* The next place at or after `offset` where a record may begin, or `size`; UINT64_MAX if the source fails. */
static uint64_t next_magic(const furrow__journal_source *source, uint64_t offset) {
  const uint32_t magic = FURROW__RECORD_MAGIC;
  while (source->size - offset >= FURROW__RECORD_HEAD) {
    size_t size = piece(source->size - offset);
    const unsigned char *bytes = view(source, offset, size);
    if (!bytes) return UINT64_MAX;
    const unsigned char *found = memmem(bytes, size, &magic, sizeof magic);
    if (found) return offset + (uint64_t)(found - bytes);
    offset += size - (sizeof magic - 1); /* it may lie across the end of this piece */
  }
  return source->size;
}

/* Whether a whole record begins at or after `offset`: anywhere, since bytes before it may have been lost or added, but
   only one that stood at `least` or behind, which a result that holds bytes of some journal is unlikely to. A head that
   does not check is cheap, so many magic words cost no more than a reading of the file. */
static sight search(const furrow__journal_source *source, uint64_t offset, uint64_t least) {
  furrow__record record;
  while ((offset = next_magic(source, offset)) < source->size) {
    sight seen = look(source, offset, &record);
    if (seen == SIGHT_FAILED || (seen == SIGHT_RECORD && record.offset >= least)) return seen;
    offset++;
  }
  return offset == source->size ? SIGHT_HEAD : SIGHT_FAILED;
}

/* ---- the scan ---- */

furrow__scan furrow__scan_start(furrow__journal_source source) {
  return (furrow__scan){.source = source, .offset = FURROW__JOURNAL_HEAD};
}

static furrow__scan_state damaged(furrow__scan *scan, const char *reason) {
  scan->reason = reason;
  return FURROW__SCAN_DAMAGED;
}

/* It did not check: torn, unless a valid one stands behind it. */
static furrow__scan_state torn_or_damaged(furrow__scan *scan, sight first) {
  uint64_t from = scan->offset + 1, least = scan->offset;
  scan->reason = "no record begins there";
  if (first == SIGHT_SHORT || first == SIGHT_PAYLOAD) {
    from = scan->offset + FURROW__RECORD_HEAD;
    if (__builtin_add_overflow(scan->offset, furrow__record_size(scan->record.length), &least)) least = UINT64_MAX;
    scan->reason = first == SIGHT_SHORT ? "it ends behind the end of the file" : "its bytes don't match their checksum";
  }
  sight found = search(&scan->source, from, least);
  if (found == SIGHT_FAILED) return FURROW__SCAN_FAILED;
  return found == SIGHT_RECORD ? FURROW__SCAN_DAMAGED : FURROW__SCAN_TORN;
}

furrow__scan_state furrow__scan_next(furrow__scan *scan) {
  if (scan->offset >= scan->source.size) return FURROW__SCAN_END;
  sight seen = look(&scan->source, scan->offset, &scan->record);
  if (seen == SIGHT_FAILED) return FURROW__SCAN_FAILED;
  /* Its head checks: it can't be a part of what another record was to be. */
  if (seen != SIGHT_HEAD && scan->record.offset != scan->offset)
    return damaged(scan, "it stood elsewhere once: bytes before it were lost or added");
  if (seen != SIGHT_RECORD) return torn_or_damaged(scan, seen);
  if (scan->record.kind < FURROW__RECORD_RUN || scan->record.kind > FURROW__RECORD_ITEMS)
    return damaged(scan, "it is of unknown kind");
  scan->offset += furrow__record_size(scan->record.length);
  return FURROW__SCAN_RECORD;
}
