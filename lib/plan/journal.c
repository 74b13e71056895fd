#include "plan/journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char TITLE[16] = "furrow journal\n";
enum { ORDER = 0x01020304, OTHER_ORDER = 0x04030201 };

static const uint32_t MAGIC = FURROW__RECORD_MAGIC;

/* ---- words ---- */

static void put32(unsigned char *at, uint32_t word) {
  memcpy(at, &word, sizeof word);
}

static void put64(unsigned char *at, uint64_t word) {
  memcpy(at, &word, sizeof word);
}

static uint32_t get32(const unsigned char *at) {
  uint32_t word;
  memcpy(&word, at, sizeof word);
  return word;
}

static uint64_t get64(const unsigned char *at) {
  uint64_t word;
  memcpy(&word, at, sizeof word);
  return word;
}

/* ---- the head ---- */

void furrow__journal_head(unsigned char head[FURROW__JOURNAL_HEAD]) {
  memcpy(head, TITLE, sizeof TITLE);
  put32(head + 16, FURROW__JOURNAL_VERSION);
  put32(head + 20, ORDER);
  put64(head + 24, furrow__hash64(head, 24));
}

const char *furrow__journal_head_check(const unsigned char *bytes, size_t size, bool *torn) {
  unsigned char wanted[FURROW__JOURNAL_HEAD];
  furrow__journal_head(wanted);
  *torn = size < sizeof wanted && memcmp(bytes, wanted, size) == 0;
  if (*torn) return NULL;
  if (size < 24 || memcmp(bytes, TITLE, sizeof TITLE) != 0) return "it is no furrow journal";
  if (get32(bytes + 20) == OTHER_ORDER) return "it is from a machine with the other byte order";
  if (get32(bytes + 20) != ORDER) return "its head is damaged";
  if (get32(bytes + 16) != FURROW__JOURNAL_VERSION) return "it is of another version of the format";
  if (size < sizeof wanted || memcmp(bytes, wanted, sizeof wanted) != 0) return "its head is damaged";
  return NULL;
}

/* ---- a record's head ---- */

void furrow__record_encode(const furrow__record *record, unsigned char head[FURROW__RECORD_HEAD]) {
  put32(head, MAGIC);
  put32(head + 4, record->kind);
  put64(head + 8, record->offset);
  put64(head + 16, record->length);
  put64(head + 24, record->operation);
  put64(head + 32, record->first);
  put64(head + 40, record->count);
  put64(head + 48, record->payload_sum);
  put64(head + 56, furrow__hash64(head, 56));
}

bool furrow__record_decode(const unsigned char head[FURROW__RECORD_HEAD], furrow__record *record) {
  if (get32(head) != MAGIC || get64(head + 56) != furrow__hash64(head, 56)) return false;
  record->kind = get32(head + 4);
  record->offset = get64(head + 8);
  record->length = get64(head + 16);
  record->operation = get64(head + 24);
  record->first = get64(head + 32);
  record->count = get64(head + 40);
  record->payload_sum = get64(head + 48);
  return true;
}

bool furrow__record_matches(const furrow__record *record, const void *payload) {
  return furrow__hash64(payload, record->length) == record->payload_sum;
}

/* ---- payloads ---- */

enum { RUN_FIXED = 32, NAME_MOST = 1024 /* of host and version */ };

static uint32_t at_most(uint32_t length, uint32_t most) {
  return length < most ? length : most;
}

size_t furrow__journal_run_encode(const furrow__journal_run *run, unsigned char payload[FURROW__RUN_MOST]) {
  uint32_t host = at_most(run->host_length, NAME_MOST), version = at_most(run->version_length, NAME_MOST),
           arguments = at_most(run->arguments_length, FURROW__ARGUMENTS_MOST);
  put64(payload, run->time);
  put64(payload + 8, run->process);
  put32(payload + 16, host);
  put32(payload + 20, version);
  put32(payload + 24, arguments);
  put32(payload + 28, 0);
  unsigned char *text = payload + RUN_FIXED;
  if (host) memcpy(text, run->host, host);
  if (version) memcpy(text + host, run->version, version);
  if (arguments) memcpy(text + host + version, run->arguments, arguments);
  return RUN_FIXED + host + version + arguments;
}

const char *furrow__journal_run_decode(const unsigned char *payload, uint64_t length, furrow__journal_run *run) {
  static const char wrong[] = "it is of a run, but its lengths are wrong";
  if (length < RUN_FIXED || length > FURROW__RUN_MOST) return wrong;
  run->time = get64(payload);
  run->process = get64(payload + 8);
  run->host_length = get32(payload + 16);
  run->version_length = get32(payload + 20);
  run->arguments_length = get32(payload + 24);
  uint64_t texts = (uint64_t)run->host_length + run->version_length + run->arguments_length;
  if (texts != length - RUN_FIXED) return wrong;
  run->host = (const char *)payload + RUN_FIXED;
  run->version = run->host + run->host_length;
  run->arguments = run->version + run->version_length;
  return NULL;
}

size_t furrow__journal_key_encode(const furrow__journal_key *key, unsigned char payload[FURROW__KEY_MOST]) {
  const uint64_t words[] = {key->kind + (key->user_size ? FURROW__JOURNAL_HAS_USER : 0),
                            key->count,
                            key->item_size,
                            key->result_size,
                            key->seed,
                            key->series,
                            key->leaf,
                            key->items.low,
                            key->items.high,
                            key->program.low,
                            key->program.high};
  const uint64_t user[] = {key->user_size, key->user.low, key->user.high};
  _Static_assert(sizeof words == FURROW__KEY_FIXED && sizeof user == FURROW__KEY_USER, "as many words as are read");
  memcpy(payload, words, sizeof words);
  size_t length = sizeof words;
  if (key->user_size) {
    memcpy(payload + length, user, sizeof user);
    length += sizeof user;
  }
  if (key->label_length) memcpy(payload + length, key->label, key->label_length);
  return length + (size_t)key->label_length;
}

const char *furrow__journal_key_decode(const unsigned char *payload, uint64_t length, uint64_t number,
                                       furrow__journal_key *key) {
  static const char wrong[] = "it is of an operation, but its length is wrong";
  if (length < FURROW__KEY_FIXED) return wrong;
  *key = (furrow__journal_key){
      .kind = get64(payload),
      .number = number,
      .count = get64(payload + 8),
      .item_size = get64(payload + 16),
      .result_size = get64(payload + 24),
      .seed = get64(payload + 32),
      .series = get64(payload + 40),
      .leaf = get64(payload + 48),
      .items = {get64(payload + 56), get64(payload + 64)},
      .program = {get64(payload + 72), get64(payload + 80)},
  };
  uint64_t at = FURROW__KEY_FIXED;
  if (key->kind & FURROW__JOURNAL_HAS_USER) {
    if (length < FURROW__KEY_FIXED + FURROW__KEY_USER) return wrong;
    key->kind -= FURROW__JOURNAL_HAS_USER;
    key->user_size = get64(payload + at);
    key->user = (furrow__hash128){get64(payload + at + 8), get64(payload + at + 16)};
    at += FURROW__KEY_USER;
  }
  if (length - at > FURROW__LABEL_MOST) return wrong;
  key->label = (const char *)payload + at;
  key->label_length = length - at;
  if (key->kind < FURROW__JOURNAL_MAP || key->kind > FURROW__JOURNAL_STREAM)
    return "it is of an operation of unknown kind";
  bool reduces = key->kind == FURROW__JOURNAL_MAP_REDUCE || key->kind == FURROW__JOURNAL_REDUCE;
  if (reduces != (key->leaf > 0)) return "it is of an operation whose leaf makes no sense";
  bool sized = key->count || key->item_size || key->result_size;
  return sized && key->kind == FURROW__JOURNAL_STREAM ? "it is of a stream that claims to know its items" : NULL;
}
