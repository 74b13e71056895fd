/* One simulated operation: prints a JSON object. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulate/cluster.h"
#include "simulate/greedy.h"

/* Numbers given as NAME=NUMBER, with their defaults. */
typedef struct arguments {
  double nodes, ranks, tasks, mean, latency, message, spans, reduce, slow, slowness, times;
} arguments;

static double *number_of(arguments *given, const char *name, size_t length) {
  const struct {
    const char *name;
    double *number;
  } all[] = {{"nodes", &given->nodes},       {"ranks", &given->ranks},     {"tasks", &given->tasks},
             {"mean", &given->mean},         {"latency", &given->latency}, {"message", &given->message},
             {"spans", &given->spans},       {"reduce", &given->reduce},   {"slow", &given->slow},
             {"slowness", &given->slowness}, {"times", &given->times}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (strlen(all[i].name) == length && strncmp(all[i].name, name, length) == 0) return all[i].number;
  return NULL;
}

static bool parse(arguments *given, int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    const char *equals = strchr(argv[i], '=');
    double *number = equals ? number_of(given, argv[i], (size_t)(equals - argv[i])) : NULL;
    char *end = NULL;
    if (number) *number = strtod(equals + 1, &end);
    if (!number || end == equals + 1 || *end != '\0') {
      fprintf(stderr, "cluster: %s is not NAME=NUMBER of an argument\n", argv[i]);
      return false;
    }
  }
  return true;
}

static bool is_sane(const arguments *given) {
  bool sane = given->nodes >= 1 && given->ranks >= 1 && given->tasks >= 1 && given->mean >= 1 && given->spans >= 1 &&
              given->slowness >= 1 && given->times >= LOAD_CONSTANT && given->times <= LOAD_PARETO;
  if (!sane)
    fputs("cluster: nodes, ranks, tasks, mean, spans and slowness are 1 or more; times is 0, 1 or 2\n", stderr);
  return sane;
}

static void print(const arguments *given, const cluster_result *result, uint64_t greedy) {
  printf("{\"nodes\": %.0f, \"tasks\": %.0f, \"times\": %.0f, \"mean\": %.0f, \"latency\": %.0f, \"message\": %.0f, ",
         given->nodes, given->tasks, given->times, given->mean, given->latency, given->message);
  printf("\"reduce\": %.0f, \"slow\": %.0f, \"seconds\": %.9f, \"work\": %.9f, \"greedy\": %.9f, ", given->reduce,
         given->slow, (double)result->time * 1e-9, (double)result->work * 1e-9, (double)greedy * 1e-9);
  printf("\"efficiency\": %.5f, \"bound\": %.5f, \"busy\": %.5f, \"accumulators\": %.1f, ", result->efficiency,
         result->bound, result->busy, result->accumulators);
  printf("\"lots\": %llu, \"recalls\": %llu, \"in_vain\": %llu, \"messages\": %llu, \"waiting\": %llu}\n",
         (unsigned long long)result->lots, (unsigned long long)result->recalls, (unsigned long long)result->in_vain,
         (unsigned long long)result->messages, (unsigned long long)result->waiting);
}

static bool simulate(const arguments *given) {
  uint64_t tasks = (uint64_t)given->tasks, greedy = 0;
  bool reduce = given->reduce != 0;
  load of;
  cluster_result result;
  cluster_settings settings = {.load = &of,
                               .nodes = (int)given->nodes,
                               .ranks = (uint32_t)given->ranks,
                               .latency = (uint64_t)given->latency,
                               .message = (uint64_t)given->message,
                               .spans = (uint32_t)given->spans,
                               .reduce = reduce,
                               .slow = (int)given->slow,
                               .slowness = given->slowness};
  furrow__units units = reduce ? furrow__units_of_leaves(tasks, 8, 0) : furrow__units_of_map(tasks);
  bool done = load_make(&of, (load_kind)given->times, (uint64_t)given->mean, units) &&
              cluster_run(&settings, &result) && greedy_run(&of, (uint64_t)settings.nodes * settings.ranks, &greedy);
  if (done)
    print(given, &result, greedy);
  else
    fputs("cluster: no memory\n", stderr);
  load_clear(&of);
  return done;
}

int main(int argc, char **argv) {
  arguments given = {.nodes = 64,
                     .ranks = 128,
                     .tasks = 1e6,
                     .mean = 1e7,
                     .latency = 5e3,
                     .message = 2e3,
                     .spans = 64,
                     .slow = -1,
                     .slowness = 3};
  return parse(&given, argc, argv) && is_sane(&given) && simulate(&given) ? EXIT_SUCCESS : EXIT_FAILURE;
}
