/* Which program runs, and with which arguments. Knows /proc and the ELF notes of this process. */
#ifndef FURROW_BASE_IDENTITY_H
#define FURROW_BASE_IDENTITY_H

#include "base/hash.h"

/* A hash of the program's build-id, or without one of its executable's bytes, and of its arguments without its own
   name. False: /proc can't be read. */
bool furrow__program_identity(furrow__hash128 *identity);

/* The build-id in an ELF note segment, or NULL. */
const unsigned char *furrow__build_id_in(const unsigned char *notes, size_t size, size_t *length);

/* That of a module that dl_iterate_phdr() shows, or NULL. */
struct dl_phdr_info;
const unsigned char *furrow__build_id_of(const struct dl_phdr_info *module, size_t *length);

#endif
