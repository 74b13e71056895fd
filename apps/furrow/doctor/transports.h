/* Which MPI this is, and what it sends messages by, as far as one can find out without knowing its inside. */
#ifndef FURROW_DOCTOR_TRANSPORTS_H
#define FURROW_DOCTOR_TRANSPORTS_H

#include "facts.h"

/* Ask the library: its name, also before MPI is up; and what it sends by, which is for rank 0. */
void mpi_ask_name(char *name, size_t room);
void transports_ask(char *inside, char *between, size_t room);

/* ---- pure --------------------------------------------------------------------------------------------------------- */

/* "Open MPI 4.1.4" from what MPI_Get_library_version says. */
void mpi_name(const char *version, char *name, size_t room);

/* Open MPI's components that are alive, from its control variables: "pml_ob1_eager_limit" tells of one. */
typedef struct components {
  bool ob1, ucx, cm;                            /* how messages are matched: only one is in use */
  bool vader, sm, tcp, openib, ofi, uct, usnic; /* what ob1 sends them by */
} components;

void component_note(components *alive, const char *variable);
void transports_openmpi(const components *alive, char *inside, char *between, size_t room);

/* MPICH names its device in its version: ch4:ofi, ch4:ucx, ch3:nemesis. */
void transports_mpich(const char *version, char *inside, char *between, size_t room);

#endif
