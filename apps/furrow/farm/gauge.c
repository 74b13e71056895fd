/* Draws how far the farm is, a few times a second at most. As GNU parallel does it asks no terminal: under mpirun there is none on
 * standard error, though a person looks at it. Knows counts, not commands. */
#include "gauge.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const double INTERVAL = 0.25;

enum { USUAL_WIDTH = 80, LEAST_WIDTH = 20 };

static int find_width(void) {
  struct winsize window;
  const char *columns = getenv("COLUMNS");
  int width = columns ? atoi(columns) : 0;
  if (width <= 0 && ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0) width = window.ws_col;
  if (width <= 0) width = USUAL_WIDTH;
  return width < LEAST_WIDTH ? LEAST_WIDTH : width > GAUGE_LINE / 4 ? GAUGE_LINE / 4 : width;
}

gauge gauge_make(const settings *wanted, double now, uint64_t earlier) {
  return (gauge){.bar = wanted->bar,
                 .eta = wanted->eta,
                 .progress = wanted->progress,
                 .width = find_width(),
                 .begun = now,
                 .earlier = earlier};
}

/* Seconds a command, over all slots; 0: none is done. */
static double pace(const gauge *of, double now, const gauge_state *state) {
  uint64_t fresh = state->done - of->earlier;
  return fresh > 0 ? (now - of->begun) / (double)fresh : 0;
}

static void format_time(double seconds, char text[32]) {
  unsigned long whole = (unsigned long)seconds;
  if (whole >= 86400)
    snprintf(text, 32, "%lud%02luh%02lum", whole / 86400, whole / 3600 % 24, whole / 60 % 60);
  else if (whole >= 3600)
    snprintf(text, 32, "%luh%02lum%02lus", whole / 3600, whole / 60 % 60, whole % 60);
  else if (whole >= 60)
    snprintf(text, 32, "%lum%02lus", whole / 60, whole % 60);
  else
    snprintf(text, 32, "%lus", whole);
}

/* Printable, since it ends up in a terminal. */
static void copy_clean(char *to, size_t size, const char *text) {
  size_t i = 0;
  for (; text && text[i] && i + 1 < size; i++) {
    to[i] = text[i];
    if ((unsigned char)text[i] < ' ' || text[i] == 127) to[i] = ' ';
  }
  to[i] = '\0';
}

/* The done part stands in reverse. */
static void draw_bar(const gauge *of, double now, const gauge_state *state, char line[GAUGE_LINE]) {
  char text[GAUGE_LINE / 2], newest[GAUGE_LINE / 4], time[32];
  uint64_t left = state->total > state->done ? state->total - state->done : 0;
  double part = state->total > 0 ? (double)state->done / (double)state->total : 0;
  copy_clean(newest, sizeof newest, state->newest);
  format_time((double)left * pace(of, now, state), time);
  if (state->total > 0)
    snprintf(text, sizeof text, "%d%% %llu:%llu=%s %s", (int)(part * 100), (unsigned long long)state->done,
             (unsigned long long)left, time, newest);
  else
    snprintf(text, sizeof text, "%llu done %s", (unsigned long long)state->done, newest);
  int full = (int)(part * of->width + 0.5);
  size_t length = strlen(text), split = (size_t)full < length ? (size_t)full : length;
  int left_over = of->width - full;
  snprintf(line, GAUGE_LINE, "\033[7m%-*.*s\033[0m%-*.*s", full, full, text, left_over, left_over, text + split);
}

static void draw_words(const gauge *of, double now, const gauge_state *state, char line[GAUGE_LINE]) {
  char time[32], text[256] = "";
  int length = 0;
  uint64_t left = state->total > state->done ? state->total - state->done : 0;
  if (of->eta && state->total > 0) {
    format_time((double)left * pace(of, now, state), time);
    length = snprintf(text, sizeof text, "ETA: %s Left: %llu AVG: %.2fs  ", time, (unsigned long long)left,
                      pace(of, now, state));
  }
  snprintf(text + length, sizeof text - (size_t)length, "running: %llu done: %llu failed: %llu",
           (unsigned long long)state->running, (unsigned long long)state->done, (unsigned long long)state->failed);
  snprintf(line, GAUGE_LINE, "%-*.*s", of->width - 1, of->width - 1, text);
}

void gauge_line(const gauge *of, double now, const gauge_state *state, char line[GAUGE_LINE]) {
  if (of->bar)
    draw_bar(of, now, state, line);
  else
    draw_words(of, now, state, line);
}

void gauge_show(gauge *of, double now, const gauge_state *state, bool last) {
  char line[GAUGE_LINE];
  if (!of->bar && !of->eta && !of->progress) return;
  bool hidden = of->drawn != 0 && !of->stands;
  if (!last && !hidden && of->drawn != 0 && now - of->drawn < INTERVAL) return;
  of->drawn = now;
  of->stands = true;
  gauge_line(of, now, state, line);
  fprintf(stderr, "\r%s%s", line, last ? "\n" : "");
  fflush(stderr);
}

void gauge_hide(gauge *of) {
  if (!of->stands) return;
  fprintf(stderr, "\r\033[K"); /* erases the line */
  fflush(stderr);
  of->stands = false;
}
