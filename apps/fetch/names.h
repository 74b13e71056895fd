/* Names for files: from URLs, safe wherever they come from, each given once. Knows no URLs beyond their syntax, no files. */
#ifndef FETCH_NAMES_H
#define FETCH_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A suffix may follow; and while it is written a file has six characters more. */
enum { LONGEST_NAME = 200, NAME_ROOM = 232 };

/* The names that were given: a table of hashes, 32 to 64 bytes a name. All bytes zero: none. */
typedef struct names {
  struct name_slot *slots;
  size_t count, room; /* room: a power of two, or 0 */
} names;

/* The last part of a URL's path, decoded: "index.html" if there is none. Made safe: control characters and slashes become
 * underscores, and so does a dot or a dash at its beginning, so it is never hidden, "..", or taken for an option. */
void name_of_url(const char *url, char name[NAME_ROOM]);

/* Whether a name from elsewhere is as safe as that. */
bool name_is_safe(const char *name);

/* Take a name. The first to want it has it; the next ones get NAME.1, NAME.2 and so on. False if there is no memory. */
bool names_take(names *taken, char name[NAME_ROOM]);

void names_clear(names *taken);

#endif
