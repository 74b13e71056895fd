/* Functions in words that another process understands: the module they stand in (the program, or a library that it has
   loaded), and where in it. Knows the loader of this process; does not know who is told. */
#ifndef FURROW_BASE_MODULE_H
#define FURROW_BASE_MODULE_H

#include "base/hash.h"

/* Any function. C allows to cast one to this and back. */
typedef void (*furrow__function)(void);

enum { FURROW__MODULE_NAME = 64 };

/* Plain bytes, to be sent. The module's address is not in it, so it may differ. */
typedef struct furrow__place {
  uint64_t exists;    /* 0: the function is NULL */
  uint64_t offset;    /* from where the module's addresses begin */
  uint64_t by_bytes;  /* 1: the module has no build-id, so `identity` is of its code and constants */
  uint64_t code_size; /* bytes of these */
  furrow__hash128 identity;
  char module[FURROW__MODULE_NAME]; /* its file's name without folders, for messages; "" is the program */
} furrow__place;

/* Where a function stands. False: in the code of no module; it was made at run time, as a compiler's trampolines for
   nested functions are. Costs a hash of the module's code where it has no build-id. */
bool furrow__place_of(furrow__function function, furrow__place *place);

typedef enum furrow__finding {
  FURROW__FOUND,
  FURROW__NOT_LOADED,
  FURROW__OTHER_BUILD, /* a module of that name is loaded, but it is another one */
} furrow__finding;

/* The function at a place that another process has told. */
furrow__finding furrow__place_find(const furrow__place *place, furrow__function *function);

#endif
