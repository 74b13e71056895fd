#include "base/identity.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

/* ---- the build-id ---- */

static size_t up_to_4(size_t size) {
  return (size + 3) & ~(size_t)3;
}

const unsigned char *furrow__build_id_in(const unsigned char *notes, size_t size, size_t *length) {
  for (size_t at = 0; size - at >= 12;) {
    uint32_t head[3]; /* sizes of name and description, type */
    memcpy(head, notes + at, sizeof head);
    at += sizeof head;
    if (head[0] > size - at || up_to_4(head[0]) > size - at) return NULL;
    size_t name = at, description = at + up_to_4(head[0]);
    if (head[1] > size - description) return NULL;
    if (head[2] == NT_GNU_BUILD_ID && head[0] == 4 && memcmp(notes + name, "GNU", 4) == 0) {
      *length = head[1];
      return notes + description;
    }
    if (up_to_4(head[1]) > size - description) return NULL;
    at = description + up_to_4(head[1]);
  }
  return NULL;
}

/* Notes that were not loaded can't be looked at. */
static bool is_loaded(const struct dl_phdr_info *module, const ElfW(Phdr) * notes) {
  for (int i = 0; i < module->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &module->dlpi_phdr[i];
    bool holds = notes->p_vaddr >= segment->p_vaddr && notes->p_vaddr - segment->p_vaddr < segment->p_memsz &&
                 notes->p_memsz <= segment->p_memsz - (notes->p_vaddr - segment->p_vaddr);
    if (segment->p_type == PT_LOAD && (segment->p_flags & PF_R) && holds) return true;
  }
  return false;
}

const unsigned char *furrow__build_id_of(const struct dl_phdr_info *module, size_t *length) {
  for (int i = 0; i < module->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &module->dlpi_phdr[i];
    if (segment->p_type != PT_NOTE || !is_loaded(module, segment)) continue;
    uintptr_t at = module->dlpi_addr + segment->p_vaddr;
    const unsigned char *notes = (const unsigned char *)at;  // NOLINT(performance-no-int-to-ptr)
    const unsigned char *id = furrow__build_id_in(notes, segment->p_memsz, length);
    if (id) return id;
  }
  return NULL;
}

typedef struct build_id {
  const unsigned char *bytes;
  size_t length;
} build_id;

/* The program comes first, and ends the search. */
static int look_at_program(struct dl_phdr_info *program, size_t size, void *found) {
  (void)size;
  build_id *id = found;
  id->bytes = furrow__build_id_of(program, &id->length);
  return 1;
}

/* ---- files of /proc ---- */

/* Add all bytes of a file, but not those up to the first '\0' if `skip_word`. */
static bool add_file(furrow__hasher *hasher, const char *path, bool skip_word) {
  char bytes[16 * 1024];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  ssize_t got;
  while ((got = read(fd, bytes, sizeof bytes)) > 0) {
    const char *end = skip_word ? memchr(bytes, '\0', (size_t)got) : NULL;
    size_t skipped = end ? (size_t)(end - bytes) + 1 : skip_word ? (size_t)got : 0;
    if (end) skip_word = false;
    furrow__hasher_add128(hasher, bytes + skipped, (size_t)got - skipped);
  }
  close(fd);
  return got == 0;
}

bool furrow__program_identity(furrow__hash128 *identity) {
  furrow__hasher hasher;
  furrow__hasher_start128(&hasher);
  build_id id = {NULL, 0};
  dl_iterate_phdr(look_at_program, &id);
  if (id.bytes)
    furrow__hasher_add128(&hasher, id.bytes, id.length);
  else if (!add_file(&hasher, "/proc/self/exe", false))
    return false;
  if (!add_file(&hasher, "/proc/self/cmdline", true)) return false;
  *identity = furrow__hasher_end128(&hasher);
  return true;
}
