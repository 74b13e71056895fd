/* Between the parts of the shim: C that records (test.c), C++ that reports (shim.cc), what ranks tell each other (mpi.c,
 * or alone.c in unit tests), and the deadline (watchdog.c).
 * Knows neither GoogleTest nor MPI, so that both sides can include it. Tests include test.h. */
#ifndef TESTS_SHIM_SHIM_H
#define TESTS_SHIM_SHIM_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct test_case {
  const char *suite, *name, *file;
  int line;
  double deadline; /* seconds; 0: TEST_DEADLINE, or three minutes */
  void (*run)(void);
  struct test_case *next;
} test_case;

/* ---- test.c: tests, and what the running one has recorded ---- */

void test_register(test_case *test);
const test_case *shim_tests(void); /* in the order of their registration */

/* One failure or skip, as it stands in a rank's record and travels to rank 0: this head, then file and text, each with
   its NUL. */
typedef struct shim_note {
  unsigned size; /* of all of it, rounded up to a multiple of 8 */
  int line;
  bool skip;
} shim_note;

typedef struct shim_record {
  const char *notes; /* `size` bytes of notes */
  size_t size;
  bool failed, skipped;
} shim_record;

void shim_record_clear(void);
shim_record shim_record_get(void);
const char *shim_note_file(const shim_note *note);
const char *shim_note_text(const shim_note *note);

/* Under a sanitizer that looks for leaks: whether there are any now. MPI unloads its plugins at its end, after which their
   leaks can't be told from ours: so this is asked before, and the check at exit is off. */
bool shim_leaks(void);

/* ---- watchdog.c ---- */

void shim_watch_start(void);
void shim_watch(const char *suite, const char *name, double deadline); /* from now on; 0: the default */
void shim_watch_phase(const char *phase);

/* ---- mpi.c or alone.c: the ranks ---- */

void shim_world_begin(int *argc, char **argv);  /* takes what it knows out of argv; exits 2 on misuse */
int shim_world_end(int status);                 /* returns the worst of all ranks */
int shim_world_rank(void);                      /* 0 reports */
const char *shim_world_who(void);               /* such as "rank 1 of 3 (node07)"; "" in unit tests */
void shim_world_agree(void *data, size_t size); /* rank 0's bytes to all */
void shim_world_check(void);                    /* after a test: does the pool still work? */

/* Why the pool's last operation failed, or "". */
void shim_world_error(void *pool, char *text, size_t size);

/* What the ranks recorded. Rank 0 sees each rank's notes. Sets, on every rank, whether any failed, or skipped. */
typedef void shim_see(void *user, const char *who, const char *notes, size_t size);
void shim_world_gather(shim_see *see, void *user, bool *failed, bool *skipped);

#ifdef __cplusplus
}
#endif

#endif
