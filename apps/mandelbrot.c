/* The fifth program: tasks of very uneven cost. A row of the Mandelbrot set costs a few microseconds at the edge of the
 * picture and milliseconds where it crosses the set. A task gets its row's number and returns its pixels; whoever is
 * free takes the next rows. Compare `--schedule static`, where every rank has its share beforehand.
 *
 *   mpirun build/bin/mandelbrot --center -0.74364388703,0.13182590421 --zoom 5000 --iterations 5000 */
#include <errno.h>
#include <furrow.h>
#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "common/faults.h"
#include "common/output.h"
#include "common/report.h"

typedef struct picture {
  uint64_t width, height, iterations, grain;
  double center[2], zoom;
  furrow_schedule schedule;
  app_faults faults;
  const char *output;
} picture;

typedef struct color {
  double red, green, blue;
} color;

/* ---- one pixel -------------------------------------------------------------------------------------------------- */

/* How many steps z = z² + c takes to leave a wide circle, and, for smooth colours, how far it flew in the last one.
 * Negative: it never left. */
static double escape(double x, double y, uint64_t iterations) {
  double zx = 0, zy = 0, xx = 0, yy = 0;
  for (uint64_t step = 0; step < iterations; step++) {
    zy = 2 * zx * zy + y;
    zx = xx - yy + x;
    xx = zx * zx;
    yy = zy * zy;
    if (xx + yy > 0x1p20) return fmax((double)step - log2(log2(xx + yy) / 20), 0);
  }
  return -1;
}

/* A wheel of colours, from deep blue over white and gold to black and back. */
static color paint(double steps) {
  static const color WHEEL[] = {
      {0.00, 0.03, 0.20}, {0.06, 0.25, 0.60}, {0.90, 0.97, 1.00}, {1.00, 0.67, 0.05}, {0.25, 0.05, 0.02}};
  enum { SPOKES = sizeof WHEEL / sizeof *WHEEL };
  if (steps < 0) return (color){0, 0, 0};
  double turn = 1.5 * log2(1 + steps / 16), spoke = floor(turn), t = turn - spoke;
  t = t * t * (3 - 2 * t);
  color from = WHEEL[(unsigned)spoke % SPOKES], to = WHEEL[((unsigned)spoke + 1) % SPOKES];
  return (color){from.red + t * (to.red - from.red), from.green + t * (to.green - from.green),
                 from.blue + t * (to.blue - from.blue)};
}

/* The mean colour of grain × grain points within the pixel, so that edges are smooth too. */
static color draw_pixel(const picture *p, uint64_t column, uint64_t row) {
  double scale = 2.5 / (p->zoom * (double)p->height), grain = (double)p->grain;
  double left = p->center[0] - scale * (double)p->width / 2, top = p->center[1] + scale * (double)p->height / 2;
  color sum = {0, 0, 0};
  for (uint64_t i = 0; i < p->grain; i++) {
    for (uint64_t j = 0; j < p->grain; j++) {
      double x = left + scale * ((double)column + ((double)i + 0.5) / grain);
      double y = top - scale * ((double)row + ((double)j + 0.5) / grain);
      color point = paint(escape(x, y, p->iterations));
      sum.red += point.red;
      sum.green += point.green;
      sum.blue += point.blue;
    }
  }
  return (color){sum.red / (grain * grain), sum.green / (grain * grain), sum.blue / (grain * grain)};
}

/* ---- all rows --------------------------------------------------------------------------------------------------- */

/* The task: row number in, a row of pixels out, three bytes each. */
static int draw_row(furrow_task *task, const void *item, void *result) {
  (void)item;
  const picture *p = task->user;
  unsigned char *pixel = result;
  for (uint64_t column = 0; column < p->width; column++) {
    color c = draw_pixel(p, column, task->index);
    *pixel++ = (unsigned char)(255 * c.red + 0.5);
    *pixel++ = (unsigned char)(255 * c.green + 0.5);
    *pixel++ = (unsigned char)(255 * c.blue + 0.5);
  }
  return 0;
}

static furrow_status draw(furrow_pool *pool, picture *p, unsigned char *pixels) {
  furrow_progress progress = {furrow_progress_stderr, NULL, 0};
  app_label label =
      app_label_of(&p->faults, "mandelbrot", "center %s,%s, zoom %s, iterations %s, grain %d, width %d, height %d",
                   app_exact(p->center[0]).text, app_exact(p->center[1]).text, app_exact(p->zoom).text,
                   app_whole(p->iterations).text, (int)p->grain, (int)p->width, (int)p->height);
  furrow_options options = FURROW_OPTIONS_INIT;
  options.schedule = p->schedule;
  options.label = label.text;
  options.progress = &progress;
  app_faults_apply(&p->faults, &options);
  furrow_status status = app_stop_check(pool, &p->faults);
  if (status != FURROW_OK) return status;
  return furrow_map(pool, draw_row, p, NULL, 0, p->height, pixels, 3 * p->width, &options);
}

/* ---- the file --------------------------------------------------------------------------------------------------- */

/* False if anything went wrong; errno is 0 then if it was not the system that refused. */
static bool write_png(const picture *p, const unsigned char *pixels, FILE *file) {
  errno = 0;
  png_image image = {.version = PNG_IMAGE_VERSION,
                     .width = (png_uint_32)p->width,
                     .height = (png_uint_32)p->height,
                     .format = PNG_FORMAT_RGB};
  return png_image_write_to_stdio(&image, file, 0, pixels, 0, NULL) != 0;
}

/* What rank 0 does beside the library may fail there alone: then all ranks must learn of it. */
static furrow_status agree_on_file(furrow_pool *pool, const picture *p, bool fine) {
  char why[FURROW_MESSAGE_SIZE];
  snprintf(why, sizeof why, "%s: %s", p->output, errno ? strerror(errno) : "can't be written");
  return furrow_agree(pool, fine ? FURROW_OK : FURROW_E_IO, why);
}

static furrow_status print_report(furrow_pool *pool, const picture *p, double seconds) {
  furrow_metrics metrics;
  furrow_status status = furrow_metrics_get(pool, &metrics, NULL);
  if (status != FURROW_OK || !furrow_is_root(pool)) return status;
  int ranks = furrow_pool_size(pool);
  printf("%s: %d x %d pixels\n\n", p->output, (int)p->width, (int)p->height);
  printf("  time              %.2f s on %d rank%s\n", seconds, ranks, ranks == 1 ? "" : "s");
  if (ranks > 1) printf("  busiest rank      %.2f times the mean\n", metrics.imbalance);
  return FURROW_OK;
}

static furrow_status make_picture(furrow_pool *pool, picture *p) {
  app_output output = {.file = NULL};
  unsigned char *pixels = NULL;
  errno = 0;
  bool fine = true;
  if (furrow_is_root(pool)) {
    pixels = malloc(3 * p->width * p->height);
    fine = pixels && app_output_open(&output, p->output);
  }
  furrow_status status = agree_on_file(pool, p, fine);
  double start = app_seconds();
  if (status == FURROW_OK) status = draw(pool, p, pixels);
  double seconds = app_seconds() - start;
  if (status == FURROW_OK) {
    fine = !output.file || write_png(p, pixels, output.file);
    fine = app_output_close(&output, fine);
    status = agree_on_file(pool, p, fine);
  }
  if (status == FURROW_OK) status = print_report(pool, p, seconds);
  app_output_close(&output, false); /* no half picture, and no new one in place of an old */
  free(pixels);
  return status;
}

/* ---- the program ------------------------------------------------------------------------------------------------ */

static app_verdict read_arguments(furrow_pool *pool, int argc, char **argv, picture *p) {
  const app_option options[] = {
      {.name = "width", .count = &p->width, .least = 1, .most = 32768, .help = "of the picture, in pixels"},
      {.name = "height", .count = &p->height, .least = 1, .most = 32768, .help = "of the picture, in pixels"},
      {.name = "center", .pair = p->center, .least = -4, .most = 4, .help = "the point in the middle"},
      {.name = "zoom", .real = &p->zoom, .least = 1e-3, .most = 1e13, .help = "1 shows the whole set"},
      {.name = "iterations",
       .count = &p->iterations,
       .least = 1,
       .most = 1e9,
       .help = "before a point counts as inside"},
      {.name = "grain", .count = &p->grain, .least = 1, .most = 16, .help = "points a pixel, in each direction"},
      {.name = "output", .value = "FILE", .text = &p->output, .help = "where the picture goes"},
      APP_SCHEDULE(&p->schedule),
      APP_FAULTS(&p->faults),
      {.name = NULL},
  };
  const app_program program = {"mandelbrot", "Draw the Mandelbrot set, on all ranks, as a PNG.", options};
  return app_parse(pool, &program, argc, argv);
}

int main(int argc, char **argv) {
  picture wanted = {.width = 1600,
                    .height = 1200,
                    .iterations = 1000,
                    .grain = 2,
                    .center = {-0.65, 0},
                    .zoom = 1,
                    .output = "mandelbrot.png"};
  furrow_pool *pool = NULL;
  furrow_status status = furrow_init(&argc, &argv, &pool);
  app_verdict verdict = APP_RUN;
  if (status == FURROW_OK) verdict = read_arguments(pool, argc, argv, &wanted);
  app_stop_listen(&wanted.faults);
  if (status == FURROW_OK && verdict == APP_RUN) status = make_picture(pool, &wanted);
  return app_finish(&pool, verdict, status);
}
