#include "base/module.h"

#include <link.h>
#include <string.h>

#include "base/identity.h"

typedef struct dl_phdr_info module;

static const void *at(uintptr_t address) {
  return (const void *)address;  // NOLINT(performance-no-int-to-ptr)
}

static bool is_code(const ElfW(Phdr) * segment) {
  return segment->p_type == PT_LOAD && (segment->p_flags & PF_X);
}

/* What no process changes, and every process may read. */
static bool is_constant(const ElfW(Phdr) * segment) {
  return segment->p_type == PT_LOAD && (segment->p_flags & (PF_R | PF_W)) == PF_R;
}

static bool has_code_at(const module *m, uintptr_t offset) {
  for (int i = 0; i < m->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &m->dlpi_phdr[i];
    if (is_code(segment) && offset - segment->p_vaddr < segment->p_memsz) return true;
  }
  return false;
}

static uint64_t code_size(const module *m) {
  uint64_t size = 0;
  for (int i = 0; i < m->dlpi_phnum; i++)
    if (is_constant(&m->dlpi_phdr[i])) size += m->dlpi_phdr[i].p_filesz;
  return size;
}

static furrow__hash128 hash_of_bytes(const module *m) {
  furrow__hasher hasher;
  furrow__hasher_start128(&hasher);
  for (int i = 0; i < m->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &m->dlpi_phdr[i];
    if (is_constant(segment)) furrow__hasher_add128(&hasher, at(m->dlpi_addr + segment->p_vaddr), segment->p_filesz);
  }
  return furrow__hasher_end128(&hasher);
}

static const char *name_of(const module *m) {
  const char *path = m->dlpi_name ? m->dlpi_name : "", *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* The end of a name tells more than its beginning. */
static void copy_name(char *to, const char *name) {
  size_t length = strlen(name), most = FURROW__MODULE_NAME - 1;
  if (length > most) name += length - most;
  memcpy(to, name, strlen(name) + 1);
}

/* ---- from a function to its place ---- */

typedef struct question {
  uintptr_t address;
  furrow__place *place;
} question;

static int describe_if_there(module *m, size_t size, void *asked) {
  (void)size;
  const question *q = asked;
  uintptr_t offset = q->address - m->dlpi_addr;
  if (!has_code_at(m, offset)) return 0;
  size_t length = 0;
  const unsigned char *id = furrow__build_id_of(m, &length);
  *q->place = (furrow__place){.exists = 1,
                              .offset = offset,
                              .by_bytes = id == NULL,
                              .code_size = code_size(m),
                              .identity = id ? furrow__hash128_of(id, length) : hash_of_bytes(m)};
  copy_name(q->place->module, name_of(m));
  return 1;
}

bool furrow__place_of(furrow__function function, furrow__place *place) {
  question q = {(uintptr_t)function, place};
  memset(place, 0, sizeof *place);
  return !function || dl_iterate_phdr(describe_if_there, &q) == 1;
}

/* ---- and back ---- */

typedef struct search {
  const furrow__place *place;
  uintptr_t address;
  bool same_name;
} search;

/* Hashes of bytes are taken where the sizes agree, so of the right module as a rule. */
static bool is_meant(const module *m, const furrow__place *place) {
  size_t length = 0;
  if (code_size(m) != place->code_size || !has_code_at(m, place->offset)) return false;
  const unsigned char *id = furrow__build_id_of(m, &length);
  if ((id == NULL) != (place->by_bytes != 0)) return false;
  return furrow__hash128_equal(place->identity, id ? furrow__hash128_of(id, length) : hash_of_bytes(m));
}

static int look_at(module *m, size_t size, void *searched) {
  (void)size;
  search *s = searched;
  char name[FURROW__MODULE_NAME];
  copy_name(name, name_of(m));
  if (strcmp(name, s->place->module) == 0) s->same_name = true;
  if (!is_meant(m, s->place)) return 0;
  s->address = m->dlpi_addr + s->place->offset;
  return 1;
}

furrow__finding furrow__place_find(const furrow__place *place, furrow__function *function) {
  search s = {place, 0, false};
  *function = NULL;
  if (!place->exists) return FURROW__FOUND;
  if (dl_iterate_phdr(look_at, &s) != 1) return s.same_name ? FURROW__OTHER_BUILD : FURROW__NOT_LOADED;
  *function = (furrow__function)s.address;  // NOLINT(performance-no-int-to-ptr)
  return FURROW__FOUND;
}
