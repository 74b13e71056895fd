/* Walking through trees, in the order that LC_ALL=C sort gives to whole paths. Only names: what is in files is the tasks'
 * affair. Symbolic links are not followed and count as nothing, and so do pipes, sockets and devices. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "checksum.h"

/* Names of what is worth visiting, sorted. Those of folders end with a slash: as in paths, so that they sort like them. */
typedef struct folder {
  char **names;
  size_t count, room, next;
  size_t stem; /* length of the folder's own path, with its slash */
} folder;

static void forget(folder *old) {
  for (size_t i = 0; i < old->count; i++) free(old->names[i]);
  free(old->names);
}

static bool grow(void **memory, size_t *room, size_t needed, size_t size) {
  if (needed <= *room) return true;
  size_t more = needed + needed / 2 + 16;
  void *grown = realloc(*memory, more * size);
  if (!grown) return false;
  *memory = grown;
  *room = more;
  return true;
}

static bool set_path(tree *walk, size_t stem, const char *name) {
  size_t length = strlen(name);
  void *path = walk->path;
  bool fits = grow(&path, &walk->path_room, stem + length + 2, 1); /* and a slash */
  walk->path = path;
  if (fits) memcpy(walk->path + stem, name, length + 1);
  return fits;
}

/* 'd' or 'f', or 0 for what is to be left out. Some file systems tell only when asked for each name. */
static char kind_of(DIR *stream, const struct dirent *entry) {
  struct stat found;
  if (entry->d_type == DT_DIR) return 'd';
  if (entry->d_type == DT_REG) return 'f';
  if (entry->d_type != DT_UNKNOWN) return 0;
  if (fstatat(dirfd(stream), entry->d_name, &found, AT_SYMLINK_NOFOLLOW) != 0) return 'f'; /* the task will say why */
  return S_ISDIR(found.st_mode) ? 'd' : S_ISREG(found.st_mode) ? 'f' : 0;
}

static bool append(folder *to, const char *name, bool is_folder) {
  size_t length = strlen(name);
  void *names = to->names;
  bool fits = grow(&names, &to->room, to->count + 1, sizeof *to->names);
  to->names = names;
  char *copy = fits ? malloc(length + 2) : NULL;
  if (!copy) return false;
  snprintf(copy, length + 2, "%s%s", name, is_folder ? "/" : "");
  to->names[to->count++] = copy;
  return true;
}

static int compare(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* False, with errno, if anything went wrong: then nothing of it is left. */
static bool read_folder(const char *path, folder *to) {
  DIR *stream = opendir(path);
  if (!stream) return false;
  errno = 0; /* readdir() returns NULL at the end, too */
  for (struct dirent *entry; (entry = readdir(stream)); errno = 0) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    char kind = kind_of(stream, entry);
    if (kind && !append(to, entry->d_name, kind == 'd')) {
      errno = ENOMEM;
      break;
    }
  }
  int error = errno;
  closedir(stream);
  if (error) forget(to);
  errno = error;
  if (!error && to->count > 0) qsort(to->names, to->count, sizeof *to->names, compare);
  return error == 0;
}

/* The folder at walk->path, which ends with a slash, becomes the present one. */
static bool enter(tree *walk) {
  void *folders = walk->folders;
  bool fits = grow(&folders, &walk->room, walk->depth + 1, sizeof(folder));
  walk->folders = folders;
  if (!fits) return false;
  folder found = {.stem = strlen(walk->path)};
  if (!read_folder(walk->path, &found)) return false;
  walk->folders[walk->depth++] = found;
  return true;
}

bool walk_begin(tree *walk, const char *root) {
  if (!set_path(walk, 0, root)) return false;
  size_t length = strlen(root);
  if (length > 0 && root[length - 1] != '/') memcpy(walk->path + length, "/", 2);
  return enter(walk);
}

const char *walk_next(tree *walk) {
  while (walk->depth > 0) {
    folder *present = &walk->folders[walk->depth - 1];
    if (present->next == present->count) {
      forget(present);
      walk->depth--;
      continue;
    }
    const char *name = present->names[present->next++];
    if (!set_path(walk, present->stem, name)) return NULL;
    if (name[strlen(name) - 1] != '/') return walk->path;
    if (!enter(walk)) return NULL;
  }
  errno = 0;
  return NULL;
}

void walk_clear(tree *walk) {
  while (walk->depth > 0) forget(&walk->folders[--walk->depth]);
  free(walk->folders);
  free(walk->path);
  *walk = (tree){.depth = 0};
}
