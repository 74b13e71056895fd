/* The little that is done to facts beside filling them in. */
#include "facts.h"

#include <string.h>

void facts_fail(facts *known, furrow_status status, const char *call, const char *why) {
  known->status = status;
  known->failed = call;
  snprintf(known->error, sizeof known->error, "%s", why);
}

/* The square of many ranks is borne by a run that has failed already. */
void facts_number_nodes(facts *known) {
  known->nodes = 0;
  for (int i = 0; i < known->count; i++) {
    int same = 0;
    while (strcmp(known->ranks[same].host, known->ranks[i].host) != 0) same++;
    known->ranks[i].node = same < i ? known->ranks[same].node : known->nodes++;
  }
}
