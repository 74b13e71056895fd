/* The rule and the heap of quadrature, and its integrands. */
#include <float.h>
#include <math.h>

#include "quadrature/heap.h"
#include "quadrature/integrands.h"
#include "shim/test.h"

static double monomial(double x, const void *user) {
  return pow(x, *(const int *)user);
}

/* A Kronrod rule of 15 points knows polynomials up to degree 22. */
TEST(apps_quadrature, rule_is_exact_for_polynomials) {
  double x;
  for (int degree = 0; degree <= 22; degree++) {
    piece p = {.lower = 0.5, .upper = 2};
    double exact = (pow(2, degree + 1) - pow(0.5, degree + 1)) / (degree + 1);
    EXPECT_TRUE(rule_apply(&p, monomial, &degree, &x));
    EXPECT_NEAR(p.value / exact, 1.0, 1e-14);
    EXPECT_GE(p.error, fabs(p.value - exact) - 1e-14 * exact);
  }
  int degree = 60;
  piece p = {.lower = -1, .upper = 1};
  EXPECT_TRUE(rule_apply(&p, monomial, &degree, &x));
  EXPECT_GT(fabs(p.value - 2.0 / 61), 1e-9);
  EXPECT_GE(p.error, fabs(p.value - 2.0 / 61));
  EXPECT_EQ(p.final, 0.0);
}

TEST(apps_quadrature, rule_says_when_halving_is_in_vain) {
  int degree = 3;
  double x;
  piece exact = {.lower = 0, .upper = 1}, narrow = {.lower = 1, .upper = nextafter(1, 2)};
  EXPECT_TRUE(rule_apply(&exact, monomial, &degree, &x));
  EXPECT_EQ(exact.final, 1.0);
  EXPECT_NEAR(exact.error, 50 * DBL_EPSILON * 0.25, 1e-17);
  EXPECT_TRUE(rule_apply(&narrow, monomial, &degree, &x));
  EXPECT_EQ(narrow.final, 1.0);
}

static double pole(double x, const void *user) {
  return 1 / (x - *(const double *)user);
}

TEST(apps_quadrature, rule_tells_where_a_function_is_not_finite) {
  double at = 0.25, x = 0;
  piece p = {.lower = 0, .upper = 0.5};
  EXPECT_FALSE(rule_apply(&p, pole, &at, &x));
  EXPECT_EQ(x, 0.25);
}

static double of_integrand(double x, const void *user) {
  return ((const integrand *)user)->f(x);
}

/* Away from what makes it hard, each integrand is the derivative of its antiderivative. */
TEST(apps_quadrature, integrands_have_the_right_antiderivatives) {
  int count = 0;
  for (const integrand *f = integrand_at(0); f; f = integrand_at(++count)) {
    double x;
    piece p = {.lower = 0.33, .upper = 0.3301};
    EXPECT_TRUE(rule_apply(&p, of_integrand, f, &x));
    EXPECT_NEAR(p.value, f->antiderivative(p.upper) - f->antiderivative(p.lower), 1e-12);
    EXPECT_TRUE(integrand_find(f->name) == f);
  }
  EXPECT_EQ(count, 7);
  EXPECT_TRUE(integrand_find("none") == NULL);
  EXPECT_TRUE(integrand_at(-1) == NULL);
}

TEST(apps_quadrature, heap_gives_the_worst_first) {
  enum { COUNT = 5000 };
  heap h = {0};
  for (int i = 0; i < COUNT; i++) {
    int place = i * 7 % COUNT;
    piece p = {.lower = place, .error = (double)(place * 31 % 97)};
    ASSERT_TRUE(heap_put(&h, &p));
  }
  piece before = heap_take(&h);
  for (int i = 1; i < COUNT; i++) {
    piece next = heap_take(&h);
    ASSERT_TRUE(next.error < before.error || (next.error == before.error && next.lower > before.lower));
    before = next;
  }
  EXPECT_EQ(h.count, 0);
  heap_free(&h);
}
