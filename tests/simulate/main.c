#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "simulate/cluster.h"
#include "simulate/greedy.h"
int main(int argc, char **argv) {
  (void)argc;
  int nodes = atoi(argv[1]);
  uint64_t tasks = (uint64_t)atof(argv[2]);
  load l;
  furrow__units u = argv[7][0] == 'r' ? furrow__units_of_leaves(tasks, 8, 0) : furrow__units_of_map(tasks);
  load_make(&l, (load_kind)atoi(argv[3]), (uint64_t)atof(argv[4]), u);
  cluster_settings s = {.load = &l, .nodes = nodes, .ranks = 128, .latency = (uint64_t)atof(argv[5]), .message = (uint64_t)atof(argv[6]), .slow = argc > 8 ? atoi(argv[8]) : -1, .slowness = 3, .spans = getenv("SPANS") ? (uint32_t)atoi(getenv("SPANS")) : 128, .reduce = argv[7][0] == 'r'};
  cluster_result r;
  if (!cluster_run(&s, &r)) return 1;
  uint64_t g; greedy_run(&l, 128*(uint64_t)nodes, &g);
  printf("greedy %.4f ", (double)g/(double)r.time);
  printf("nodes %d eff %.4f bound %.4f time %.5f work %.5f busy %.3f lots %lu recalls %lu vain %lu messages %lu waiting %lu\n", nodes, r.efficiency, r.bound, (double)r.time*1e-9,(double)r.work*1e-9, r.busy, r.lots, r.recalls, r.in_vain, r.messages, r.waiting);
}
