/* What came of each URL, a line each, in the order of the list: the sink, on rank 0. */
#include "common/report.h"

#include <errno.h>
#include <string.h>

#include "fetch.h"

/* Nothing from a list or a server may look like another column or line, or move the cursor of a terminal. */
static void print_clean(FILE *stream, const char *text) {
  for (; *text; text++) putc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, stream);
}

static furrow_stream_answer look_at_report(furrow_stream_state *state) {
  batch *all = state->data;
  if (!ferror(all->report)) return FURROW_STREAM_NEXT;
  return furrow_stream_fail(state, "the report: %s", errno ? strerror(errno) : "write error");
}

/* With FURROW_ON_ERROR=continue even a task that has died costs no more than its line. Which URL it was nobody knows. */
static furrow_stream_answer report_loss(furrow_stream_state *state) {
  batch *all = state->data;
  all->failed++;
  fprintf(all->report, "failed\t0\t0\t0.000\t%u\t-\t", (unsigned)state->failure->attempt + 1);
  print_clean(all->report, state->failure->message);
  putc('\n', all->report);
  return look_at_report(state);
}

furrow_stream_answer report_url(furrow_stream_state *state, const void *result, size_t size) {
  batch *all = state->data;
  const outcome *found = result;
  (void)size;
  if (!found) return report_loss(state);
  const char *url = found->texts, *text = url + strlen(url) + 1;
  if (found->good) {
    all->good++;
    all->bytes += (uint64_t)found->bytes;
  } else {
    all->failed++;
  }
  fprintf(all->report, "%s\t%d\t%lld\t%.3f\t%u\t", found->good ? "ok" : "failed", (int)found->status,
          (long long)found->bytes, found->seconds, (unsigned)found->attempts);
  print_clean(all->report, url);
  putc('\t', all->report);
  print_clean(all->report, text);
  putc('\n', all->report);
  return look_at_report(state);
}

void print_summary(const batch *all, double seconds) {
  fprintf(stderr, "fetch: %s of %s URLs ", app_whole(all->good).text, app_whole(all->good + all->failed).text);
  if (all->wanted->check)
    fprintf(stderr, "are there, %.1f s", seconds);
  else
    fprintf(stderr, "fetched, %.1f MB in %.1f s", 1e-6 * (double)all->bytes, seconds);
  if (all->failed > 0) fprintf(stderr, "; %s failed", app_whole(all->failed).text);
  fputc('\n', stderr);
}
