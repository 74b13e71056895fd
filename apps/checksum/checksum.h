/* checksum: what its files tell each other. */
#ifndef CHECKSUM_CHECKSUM_H
#define CHECKSUM_CHECKSUM_H

#include <furrow.h>

enum { MOST_DIGEST = 32 /* bytes, of SHA-256 */ };

/* A file: a stream's item before it is hashed, and its result afterwards. So a file that can't be read is no failed task
 * but an answer, which has room for any name. */
typedef struct record {
  int32_t error;   /* errno: why it could not be read; 0: it was */
  uint32_t hashed; /* `digest` is set. Standard input comes so to the task: rank 0 alone has it */
  unsigned char digest[MOST_DIGEST];
  unsigned char wanted[MOST_DIGEST]; /* with --check: what it should be */
  char name[];                       /* up to the item's end, where its NUL is */
} record;

/* A record that grows with its name. All bytes zero: none yet. */
typedef struct record_buffer {
  record *record;
  size_t room;
} record_buffer;

/* Fill it with a file of this name and its size: false if there is no memory. */
bool record_set(record_buffer *buffer, const char *name, size_t *size);

typedef struct settings {
  bool xxh, recursive, check, quiet;
  uint64_t threads;
} settings;

static inline size_t digest_size(const settings *wanted) {
  return wanted->xxh ? 16 : MOST_DIGEST;
}

/* ---- digest.c: hashing ------------------------------------------------------------------------------------------ */

/* What a worker needs to hash files one after the other: a buffer and the state of a hash. */
typedef struct hasher hasher;
hasher *hasher_create(const settings *wanted); /* NULL: there is no memory */
void hasher_destroy(hasher **address);

/* Hash what is left to read of an open file. Returns 0, or errno. */
int hash_descriptor(hasher *h, int file, unsigned char *digest);

/* The task, and its worker's beginning and end; `user` is the settings. */
int hash_file(furrow_task *task, const void *item, size_t size);
int hash_begin(void *user, int worker, void **local);
void hash_end(void *user, int worker, void *local);

/* ---- walk.c: trees ---------------------------------------------------------------------------------------------- */

/* A walk through a tree of folders, which holds the names of one folder on each level. All bytes zero: none. */
typedef struct tree {
  struct folder *folders; /* from the root to the present one */
  size_t depth, room;
  char *path;
  size_t path_room;
} tree;

/* Begin at a folder. False, with errno, if it can't be read. */
bool walk_begin(tree *walk, const char *root);

/* The next file's path, until the next call; NULL at the end. A folder that can't be read is NULL, too, with errno: its
 * path is walk->path, and the walk goes on behind it. */
const char *walk_next(tree *walk);

void walk_clear(tree *walk);

/* ---- sources and sinks, on rank 0 -------------------------------------------------------------------------------- */

/* What there is to hash, and what came of it: the stream's data. */
typedef struct work {
  const settings *wanted;
  char **words; /* what the command line names: files and folders, or with --check, lists */
  int count, next;
  record_buffer item;
  tree walk;
  hasher *own; /* for standard input */
  FILE *list;
  char *line;
  size_t line_room;
  uint64_t lines;                           /* of the present list that make sense */
  uint64_t refused, unreadable, mismatches; /* with --check: lines, files, files */
  bool failed;                              /* not all of it went well: exit status 1 */
} work;

/* files.c: from the command line. */
furrow_stream_answer next_file(furrow_stream_state *state, const void **item, size_t *size);

/* Standard input's record, hashed here and now. */
furrow_stream_answer hash_standard_input(furrow_stream_state *state, size_t size, const void **item, size_t *item_size);

/* lists.c: with --check. */
furrow_stream_answer next_line(furrow_stream_state *state, const void **item, size_t *size);

/* print.c */
furrow_stream_answer print_digest(furrow_stream_state *state, const void *result, size_t size);
furrow_stream_answer print_verdict(furrow_stream_state *state, const void *result, size_t size);
void print_warnings(const work *job);

/* "checksum: NAME: No such file or directory", and the job has failed. */
void complain(work *job, const char *name, const char *why);

void job_clear(work *job);

#endif
