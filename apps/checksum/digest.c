/* Hashing files, on every rank: the task. Knows OpenSSL and xxHash; does not know where names come from. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "checksum.h"

enum { BLOCK = 256 * 1024 };

/* Either `xxh`, or the other two. */
struct hasher {
  XXH3_state_t *xxh;
  EVP_MD *sha;
  EVP_MD_CTX *context;
  unsigned char block[BLOCK];
};

hasher *hasher_create(const settings *wanted) {
  hasher *made = malloc(sizeof *made);
  if (!made) return NULL;
  made->xxh = NULL, made->sha = NULL, made->context = NULL;
  if (wanted->xxh) {
    made->xxh = XXH3_createState();
  } else {
    made->sha = EVP_MD_fetch(NULL, "SHA256", NULL); /* once: looking it up costs more than hashing a small file */
    made->context = EVP_MD_CTX_new();
  }
  if (!made->xxh && (!made->sha || !made->context)) hasher_destroy(&made);
  return made;
}

void hasher_destroy(hasher **address) {
  hasher *old = *address;
  if (!old) return;
  if (old->xxh) XXH3_freeState(old->xxh);
  EVP_MD_CTX_free(old->context);
  EVP_MD_free(old->sha);
  free(old);
  *address = NULL;
}

/* ---- the two hashes ---------------------------------------------------------------------------------------------- */

static bool begin(hasher *h) {
  if (h->xxh) return XXH3_128bits_reset(h->xxh) == XXH_OK;
  return EVP_DigestInit_ex(h->context, h->sha, NULL) == 1;
}

static bool add(hasher *h, size_t size) {
  if (h->xxh) return XXH3_128bits_update(h->xxh, h->block, size) == XXH_OK;
  return EVP_DigestUpdate(h->context, h->block, size) == 1;
}

static bool finish(hasher *h, unsigned char *digest) {
  if (!h->xxh) return EVP_DigestFinal_ex(h->context, digest, NULL) == 1;
  XXH128_canonical_t bytes; /* high half first, as xxhsum prints it */
  XXH128_canonicalFromHash(&bytes, XXH3_128bits_digest(h->xxh));
  memcpy(digest, bytes.digest, sizeof bytes.digest);
  return true;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

int hash_descriptor(hasher *h, int file, unsigned char *digest) {
  if (!begin(h)) return ENOMEM;
  for (uint64_t blocks = 0;; blocks++) {
    ssize_t got = read(file, h->block, BLOCK);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) break;
    if (!add(h, (size_t)got)) return ENOMEM;
    if (blocks == 0 && got == BLOCK) posix_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL); /* a pipe refuses: no matter */
  }
  return finish(h, digest) ? 0 : ENOMEM;
}

static int hash_path(hasher *h, const char *name, unsigned char *digest) {
  int file = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (file < 0) return errno;
  int error = hash_descriptor(h, file, digest);
  close(file);
  return error;
}

/* ---- the task ---------------------------------------------------------------------------------------------------- */

int hash_begin(void *user, int worker, void **local) {
  (void)worker;
  *local = hasher_create(user);
  return *local ? 0 : ENOMEM;
}

void hash_end(void *user, int worker, void *local) {
  (void)user, (void)worker;
  hasher *own = local;
  hasher_destroy(&own);
}

int hash_file(furrow_task *task, const void *item, size_t size) {
  const record *file = item;
  record found = {.hashed = 1};
  memcpy(&found, file, sizeof found);
  if (!found.hashed && found.error == 0) {
    found.error = hash_path(task->local, file->name, found.digest);
    found.hashed = found.error == 0;
  }
  if (furrow_task_write(task, &found, sizeof found) != 0) return 1;
  return furrow_task_write(task, file->name, size - sizeof found);
}
