/* What MPI says of itself, through its version and its control variables. */
#include "transports.h"

#include <stdlib.h>
#include <string.h>

void mpi_name(const char *version, char *name, size_t room) {
  char number[24];
  if (sscanf(version, "Open MPI v%23[^, \n]", number) == 1)
    snprintf(name, room, "Open MPI %s", number);
  else if (sscanf(version, "MPICH Version: %23[^, \n]", number) == 1)
    snprintf(name, room, "MPICH %s", number);
  else
    snprintf(name, room, "%.*s", (int)strcspn(version, "\n,"), version);
}

void mpi_ask_name(char *name, size_t room) {
  char version[MPI_MAX_LIBRARY_VERSION_STRING] = "an unknown MPI";
  int length = 0;
  MPI_Get_library_version(version, &length);
  mpi_name(version, name, room);
}

/* ---- Open MPI ---------------------------------------------------------------------------------------------------- */

static bool begins(const char *text, const char *with) {
  return strncmp(text, with, strlen(with)) == 0;
}

void component_note(components *alive, const char *variable) {
  const struct {
    const char *prefix;
    bool *component;
  } table[] = {
      {"pml_ob1_", &alive->ob1},       {"pml_ucx_", &alive->ucx}, {"pml_cm_", &alive->cm},
      {"btl_vader_", &alive->vader},   {"btl_sm_", &alive->sm},   {"btl_tcp_", &alive->tcp},
      {"btl_openib_", &alive->openib}, {"btl_ofi_", &alive->ofi}, {"btl_uct_", &alive->uct},
      {"btl_usnic_", &alive->usnic},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (begins(variable, table[i].prefix)) *table[i].component = true;
}

static void tell(char *text, size_t room, const char *format, const char *variable) {
  const char *value = getenv(variable);
  int length = snprintf(text, room, "%s", format);
  if (value && length >= 0 && (size_t)length < room)
    snprintf(text + length, room - (size_t)length, " (%s=%.40s)", variable, value);
}

/* Which of several networks ob1 takes is its own secret; those that exist on few machines are taken where they exist. */
void transports_openmpi(const components *alive, char *inside, char *between, size_t room) {
  const char *network = alive->openib  ? "InfiniBand (openib)"
                        : alive->usnic ? "usNIC"
                        : alive->uct   ? "UCX (uct)"
                        : alive->ofi   ? "libfabric (ofi)"
                        : alive->tcp   ? "TCP"
                                       : "unknown";
  if (alive->ucx && !alive->ob1) {
    tell(inside, room, "UCX", "UCX_TLS");
    tell(between, room, "UCX", "UCX_TLS");
  } else if (alive->cm && !alive->ob1) {
    snprintf(inside, room, "the network's own matching (cm)");
    snprintf(between, room, "the network's own matching (cm)");
  } else if (alive->ob1) {
    snprintf(inside, room, "%s", alive->vader ? "shared memory (vader)" : alive->sm ? "shared memory (sm)" : network);
    snprintf(between, room, "%s", network);
  } else {
    snprintf(inside, room, "unknown");
    snprintf(between, room, "unknown");
  }
}

/* Only components in use have variables once MPI is up. */
static components components_alive(void) {
  components alive = {.ob1 = false};
  int provided = 0, count = 0;
  if (MPI_T_init_thread(MPI_THREAD_SINGLE, &provided) != MPI_SUCCESS) return alive;
  MPI_T_cvar_get_num(&count);
  for (int i = 0; i < count; i++) {
    char name[128];
    int length = sizeof name, verbosity, bind, scope;
    MPI_Datatype type;
    if (MPI_T_cvar_get_info(i, name, &length, &verbosity, &type, NULL, NULL, NULL, &bind, &scope) == MPI_SUCCESS)
      component_note(&alive, name);
  }
  MPI_T_finalize();
  return alive;
}

/* ---- MPICH ------------------------------------------------------------------------------------------------------- */

void transports_mpich(const char *version, char *inside, char *between, size_t room) {
  const char *found = strstr(version, "MPICH Device:");
  char device[24] = "";
  if (found) sscanf(found, "MPICH Device: %23[^ \n]", device);
  bool known = begins(device, "ch4") || begins(device, "ch3");
  snprintf(inside, room, known ? "shared memory (%s)" : "unknown", device);
  if (begins(device, "ch4:ofi"))
    tell(between, room, "libfabric (ch4:ofi)", "FI_PROVIDER");
  else if (begins(device, "ch4:ucx"))
    tell(between, room, "UCX (ch4:ucx)", "UCX_TLS");
  else if (strcmp(device, "ch3:nemesis") == 0 || strcmp(device, "ch3:sock") == 0)
    snprintf(between, room, "TCP (%s)", device);
  else
    snprintf(between, room, "unknown");
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

void transports_ask(char *inside, char *between, size_t room) {
  char version[MPI_MAX_LIBRARY_VERSION_STRING] = "";
  int length = 0;
  MPI_Get_library_version(version, &length);
  if (begins(version, "Open MPI")) {
    components alive = components_alive();
    transports_openmpi(&alive, inside, between, room);
  } else {
    transports_mpich(version, inside, between, room);
  }
}
