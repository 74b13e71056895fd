/* Names for files. A hash stands for a name that was given: two with the same hash, one in 10^19, cost a needless suffix. */
#include "names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

typedef struct name_slot {
  uint64_t hash; /* 0: free */
  uint64_t next; /* the suffix for the next one who wants it */
} name_slot;

/* ---- from a URL -------------------------------------------------------------------------------------------------- */

static int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* One byte, which may be written as %41; moves on behind it. */
static char decode(const char **text) {
  const char *at = *text;
  int high = at[0] == '%' ? hex_value(at[1]) : -1, low = high < 0 ? -1 : hex_value(at[2]);
  *text += low < 0 ? 1 : 3;
  return (char)(low < 0 ? at[0] : 16 * high + low);
}

static bool is_bad(char c) {
  return (unsigned char)c < ' ' || c == 0x7f || c == '/';
}

static bool is_bad_first(char c) {
  return c == '.' || c == '-';
}

void name_of_url(const char *url, char name[NAME_ROOM]) {
  const char *host = strstr(url, "://");
  const char *path = host ? host + 3 : url;
  path += strcspn(path, "/?#");
  const char *end = path + strcspn(path, "?#"), *last = end;
  while (last > path && last[-1] != '/') last--;

  size_t length = 0;
  while (last < end && length < LONGEST_NAME) {
    char c = decode(&last);
    name[length++] = (char)(is_bad(c) ? '_' : c);
  }
  name[length] = '\0';
  if (is_bad_first(name[0])) name[0] = '_';
  if (length == 0) snprintf(name, NAME_ROOM, "index.html");
}

bool name_is_safe(const char *name) {
  size_t length = strlen(name);
  for (size_t i = 0; i < length; i++)
    if (is_bad(name[i])) return false;
  return length > 0 && length <= LONGEST_NAME && !is_bad_first(name[0]);
}

/* ---- each once --------------------------------------------------------------------------------------------------- */

static uint64_t hash_of(const char *name) {
  uint64_t hash = XXH3_64bits(name, strlen(name));
  return hash != 0 ? hash : 1;
}

/* The slot of this hash, or the free one where it belongs. At least half of all slots are free. */
static name_slot *find(const names *taken, uint64_t hash) {
  for (size_t i = hash;; i++) {
    name_slot *slot = &taken->slots[i & (taken->room - 1)];
    if (slot->hash == hash || slot->hash == 0) return slot;
  }
}

static bool grow(names *taken) {
  names larger = {.count = taken->count, .room = taken->room ? 2 * taken->room : 1024};
  larger.slots = calloc(larger.room, sizeof *larger.slots);
  if (!larger.slots) return false;
  for (size_t i = 0; i < taken->room; i++)
    if (taken->slots[i].hash != 0) *find(&larger, taken->slots[i].hash) = taken->slots[i];
  free(taken->slots);
  *taken = larger;
  return true;
}

bool names_take(names *taken, char name[NAME_ROOM]) {
  if (2 * (taken->count + 2) > taken->room && !grow(taken)) return false;
  name_slot *wanted = find(taken, hash_of(name)), *slot = wanted;
  size_t length = strlen(name);
  while (slot->hash != 0) {
    snprintf(name + length, NAME_ROOM - length, ".%llu", (unsigned long long)wanted->next++);
    slot = find(taken, hash_of(name));
  }
  *slot = (name_slot){.hash = hash_of(name), .next = 1};
  taken->count++;
  return true;
}

void names_clear(names *taken) {
  free(taken->slots);
  *taken = (names){.count = 0};
}
