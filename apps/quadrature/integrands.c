/* Functions that are hard in different ways, each with an antiderivative. */
#include "integrands.h"

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

static const double STEP = 0.31830988618379067; /* 1 / pi: no halving ever meets it */

static double peak(double x) {
  return 1 / (1e-4 + (x - 0.3) * (x - 0.3));
}

static double peak_integral(double x) {
  return 100 * atan(100 * (x - 0.3));
}

static double root(double x) {
  return 1 / sqrt(x);
}

static double root_integral(double x) {
  return 2 * sqrt(x);
}

static double log_integral(double x) {
  return x > 0 ? x * log(x) - x : 0;
}

static double oscillating(double x) {
  double c = cos(1000 * x);
  return c * c;
}

static double oscillating_integral(double x) {
  return x / 2 + sin(2000 * x) / 4000;
}

static double step(double x) {
  return x < STEP ? 1 : 2;
}

static double step_integral(double x) {
  return x < STEP ? x : 2 * x - STEP;
}

/* Peaks so narrow that nearly all of the work is in finding and following them. */
enum { TEETH = 100 };
static const double WIDTH = 1e-5;

static double comb(double x) {
  double sum = 0;
  for (int k = 0; k < TEETH; k++) {
    double distance = x - (k + 0.5) / TEETH;
    sum += WIDTH / (WIDTH * WIDTH + distance * distance);
  }
  return sum;
}

static double comb_integral(double x) {
  double sum = 0;
  for (int k = 0; k < TEETH; k++) sum += atan((x - (k + 0.5) / TEETH) / WIDTH);
  return sum;
}

static const integrand ALL[] = {
    {"smooth", "exp(x)", exp, exp, -DBL_MAX},
    {"peak", "1 / (1e-4 + (x - 0.3)^2)", peak, peak_integral, -DBL_MAX},
    {"root", "1 / sqrt(x)", root, root_integral, 0},
    {"log", "log(x)", log, log_integral, 0},
    {"oscillating", "cos(1000 x)^2", oscillating, oscillating_integral, -DBL_MAX},
    {"step", "1 below 1/pi, 2 from there", step, step_integral, -DBL_MAX},
    {"comb", "100 peaks of width 1e-5", comb, comb_integral, -DBL_MAX},
};

const integrand *integrand_at(int i) {
  return i >= 0 && i < (int)(sizeof ALL / sizeof *ALL) ? &ALL[i] : NULL;
}

const integrand *integrand_find(const char *name) {
  for (int i = 0; integrand_at(i); i++)
    if (strcmp(ALL[i].name, name) == 0) return &ALL[i];
  return NULL;
}
