/* Prices that are known exactly, to measure the simulation by. */
#ifndef OPTION_CLOSED_FORM_H
#define OPTION_CLOSED_FORM_H

#include "option.h"

/* What one unit of money at maturity is worth today. */
double discount(const market *m);

/* European options on one asset. */
double black_scholes_call(const market *m);
double black_scholes_put(const market *m);

/* A call on the geometric average of the basket over all assets and fixings. */
double geometric_asian_call(const market *m);

#endif
