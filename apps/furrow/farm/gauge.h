/* --bar, --eta and --progress: one line on standard error that is drawn again and again. */
#ifndef FARM_GAUGE_H
#define FARM_GAUGE_H

#include "farm.h"

typedef struct gauge {
  bool bar, eta, progress;
  int width;        /* of the line */
  double begun;     /* when; the clock's seconds */
  double drawn;     /* when the line was drawn last; 0: never */
  bool stands;      /* it has been drawn and is the terminal's last line */
  uint64_t earlier; /* done before this run */
} gauge;

typedef struct gauge_state {
  uint64_t done, failed, total, running; /* total 0: not known */
  const char *newest;                    /* the argument handed out last */
} gauge_state;

enum { GAUGE_LINE = 1024 };

gauge gauge_make(const settings *wanted, double now, uint64_t earlier);

/* Draws the line if it is time, or if it is hidden; `last`: in any case, and goes to the next one. */
void gauge_show(gauge *of, double now, const gauge_state *state, bool last);

/* Before something else is printed there: the line goes, and comes again when it is next asked for. */
void gauge_hide(gauge *of);

/* What it draws. Pure. */
void gauge_line(const gauge *of, double now, const gauge_state *state, char line[GAUGE_LINE]);

#endif
