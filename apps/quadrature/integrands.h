/* The functions that can be integrated, with their antiderivatives: so the true error is known. */
#ifndef QUADRATURE_INTEGRANDS_H
#define QUADRATURE_INTEGRANDS_H

typedef struct integrand {
  const char *name, *formula;
  double (*f)(double x);
  double (*antiderivative)(double x);
  double least; /* where it begins: bounds may not lie below */
} integrand;

/* By name; NULL if there is none. By number from 0; NULL beyond the last. */
const integrand *integrand_find(const char *name);
const integrand *integrand_at(int i);

#endif
