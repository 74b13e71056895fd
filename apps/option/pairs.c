/* Pairs of numbers: Welford's update, and the merge of Chan, Golub and LeVeque, for two variables at a time. */
#include "pairs.h"

void pairs_add(pairs *p, double x, double y) {
  double dx = x - p->mean_x, dy = y - p->mean_y, share = 1.0 / (double)++p->n;
  p->mean_x += dx * share;
  p->mean_y += dy * share;
  p->xx += dx * (x - p->mean_x);
  p->xy += dx * (y - p->mean_y);
  p->yy += dy * (y - p->mean_y);
}

void pairs_merge(pairs *p, const pairs *later) {
  if (later->n == 0) return;
  double dx = later->mean_x - p->mean_x, dy = later->mean_y - p->mean_y;
  double mine = (double)p->n, share = (double)later->n / (double)(p->n + later->n);
  p->n += later->n;
  p->mean_x += dx * share;
  p->mean_y += dy * share;
  p->xx += later->xx + dx * dx * mine * share;
  p->xy += later->xy + dx * dy * mine * share;
  p->yy += later->yy + dy * dy * mine * share;
}
