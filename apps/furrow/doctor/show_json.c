/* The report for programs: all facts, and the verdicts. What is not known or was not measured is null. */
#include <jansson.h>

#include "cores.h"
#include "show.h"
#include "variables.h"

static const char *const LEVELS[] = {"ok", "warning", "error"}; /* as verdict_level counts them */

/* Any bytes: what is no UTF-8 loses what is no ASCII. */
static json_t *text_json(const char *text) {
  json_t *string = json_string(text);
  if (string) return string;
  char plain[VERDICT_ROOM] = "";
  snprintf(plain, sizeof plain, "%s", text);
  for (char *c = plain; *c; c++)
    if (*c < ' ' || *c > '~') *c = '?';
  return json_string(plain);
}

static json_t *positive_or_null(double value) {
  return value > 0 ? json_real(value) : json_null();
}

static json_t *whole_or_null(uint64_t value) {
  return value > 0 ? json_integer((json_int_t)value) : json_null();
}

/* "0-3,8"; null where the set is not known. */
static json_t *cores_json(const cpu_set_t *cores) {
  char text[5 * MOST_CORES];
  return CPU_COUNT(cores) > 0 ? json_string(cores_text(cores, text, sizeof text)) : json_null();
}

static json_t *variables_json(const rank_facts *rank) {
  json_t *object = json_object();
  char name[NAME_ROOM];
  const char *lines = rank->variables, *value;
  size_t length;
  while (variables_next(&lines, name, sizeof name, &value, &length))
    json_object_set_new(object, name, json_stringn(value, length));
  return object;
}

static json_t *rank_json(const rank_facts *rank) {
  return json_pack("{s:i, s:i, s:s, s:o, s:o, s:o, s:o, s:s, s:s, s:s, s:o, s:f, s:o}", "rank", rank->rank, "node",
                   rank->node, "host", rank->host, "bound", cores_json(&rank->bound), "allowed",
                   cores_json(&rank->allowed), "quota", positive_or_null(rank->quota), "threads",
                   whole_or_null((uint64_t)rank->threads), "thread_level", thread_level_name(rank->thread_level), "mpi",
                   rank->mpi, "cpu", rank->cpu, "dev_shm_bytes", whole_or_null(rank->shm), "clock_seconds", rank->clock,
                   "variables", variables_json(rank));
}

static json_t *ranks_json(const facts *known) {
  json_t *list = json_array();
  for (int i = 0; i < known->count; i++) json_array_append_new(list, rank_json(&known->ranks[i]));
  return list;
}

static json_t *link_json(const link_facts *link) {
  if (link->pairs == 0) return json_null();
  return json_pack("{s:f, s:f, s:s, s:i, s:s}", "round_trip_seconds", link->round_trip, "bytes_per_second",
                   link->bandwidth, "transport", link->transport, "pairs", link->pairs, "worst", link->where);
}

static json_t *service_json(const service_facts *service) {
  if (!service->measured) return json_null();
  return json_pack("{s:b, s:b, s:f, s:f, s:i}", "dynamic", service->dynamic, "progress_threads", service->threads,
                   "rank_0_task_seconds", service->task, "longest_stall_seconds", service->stall, "stalled_rank",
                   service->rank);
}

static json_t *verdicts_json(const verdicts *all) {
  json_t *list = json_array();
  for (int i = 0; i < all->count; i++) {
    const verdict *one = &all->list[i];
    json_array_append_new(
        list, json_pack("{s:s, s:s, s:o, s:o}", "level", LEVELS[one->level], "topic", one->topic, "finding",
                        text_json(one->finding), "advice", *one->advice ? text_json(one->advice) : json_null()));
  }
  return list;
}

static void add_facts(json_t *report, const facts *known) {
  json_t *more = json_pack("{s:s, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:f}", "launcher", launcher_name(known->launch.by),
                           "launched", known->launch.size, "nodes", known->nodes, "ranks", ranks_json(known),
                           "shared_memory_bytes", whole_or_null(known->shared_memory), "inside_a_node",
                           link_json(&known->inside), "between_nodes", link_json(&known->between), "progress",
                           service_json(&known->service), "seconds", known->seconds);
  json_object_update_missing(report, more);
  json_decref(more);
}

void show_json(const facts *known, const verdicts *all) {
  json_t *report = json_pack("{s:s, s:s, s:o}", "furrow", furrow_version(), "verdict", LEVELS[verdicts_worst(all)],
                             "verdicts", verdicts_json(all));
  if (report && known) add_facts(report, known);
  if (!report || json_dumpf(report, stdout, JSON_INDENT(2)) != 0) fprintf(stderr, "furrow doctor: no report\n");
  printf("\n");
  json_decref(report);
}
