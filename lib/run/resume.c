#include "run/resume.h"

#include <stdlib.h>
#include <string.h>

#include "base/identity.h"
#include "furrow/failure.h"

static furrow_status refuse(char *message, furrow_status status, const char *why) {
  snprintf(message, FURROW_MESSAGE_SIZE, "%s", why);
  return status;
}

/* ---- the file ---- */

void furrow__resume_close(furrow__resume *resume) {
  char message[FURROW_MESSAGE_SIZE];
  if (resume->journal) furrow__journal_close(&resume->journal, message); /* what failed has been told by end() */
  free(resume->path);
  resume->path = NULL;
}

static furrow_status open_file(furrow__resume *resume, const char *path, char *message) {
  bool same = resume->path && strcmp(resume->path, path) == 0;
  if (same && furrow__journal_status(resume->journal) == FURROW_OK) return FURROW_OK;
  furrow__resume_close(resume);
  resume->path = strdup(path);
  if (!resume->path) return refuse(message, FURROW_E_NOMEM, "no memory for the journal's name");
  furrow_status status = furrow__journal_open(path, &resume->journal, message);
  if (status == FURROW_OK) return FURROW_OK;
  free(resume->path);
  resume->path = NULL;
  return status;
}

static furrow__journal_op kind_of(const furrow__work *work) {
  if (work->op == FURROW__OP_MAP) return FURROW__JOURNAL_MAP;
  if (furrow__is_stream(work)) return FURROW__JOURNAL_STREAM;
  return work->op == FURROW__OP_REDUCE ? FURROW__JOURNAL_REDUCE : FURROW__JOURNAL_MAP_REDUCE;
}

static furrow_status begin_operation(furrow__resume *resume, const furrow__work *work, uint64_t number, char *message) {
  const char *label = work->options.label ? work->options.label : "";
  furrow__journal_key key = {.kind = kind_of(work),
                             .number = number,
                             .count = work->count,
                             .item_size = work->item_size,
                             .result_size = work->result_size,
                             .seed = work->settings.seed,
                             .series = work->settings.series,
                             .leaf = furrow__is_reduction(work) ? work->units.size : 0,
                             .user_size = work->options.user_size,
                             .label = label,
                             .label_length = strlen(label)};
  if (!furrow__is_stream(work)) key.items = furrow__hash128_of(work->items, work->count * work->item_size);
  if (key.user_size) key.user = furrow__hash128_of(work->user, key.user_size);
  if (!furrow__program_identity(&key.program) && !*label)
    return refuse(message, FURROW_E_IO, "the program's build-id or arguments can't be read, and there is no label");
  return furrow__journal_begin(resume->journal, &key, message);
}

/* ---- what is finished ---- */

static furrow_status find_what_is_left(furrow__resume *resume, furrow__work *work, char *message) {
  const furrow__span *spans = NULL;
  uint64_t count = furrow__journal_finished(resume->journal, &spans);
  if (count == 0) return FURROW_OK;
  resume->stretches = malloc((count + 1) * sizeof *resume->stretches);
  if (!resume->stretches) return refuse(message, FURROW_E_NOMEM, "no memory for what the journal has finished");
  work->todo = furrow__todo_after(&work->units, spans, count, furrow__is_reduction(work), resume->stretches);
  work->settings.gaps = work->todo.stretch_count + 1;
  return FURROW_OK;
}

static void mark_done(const furrow__resume *resume, const furrow__work *work) {
  const furrow__span *spans = NULL;
  uint8_t *done = furrow__is_reduction(work) ? NULL : work->options.done;
  uint64_t count = furrow__journal_finished(resume->journal, &spans);
  for (uint64_t i = 0; i < count && done; i++) memset(done + spans[i].begin, 1, spans[i].end - spans[i].begin);
}

static furrow_status restore_node(furrow__resume *resume, const furrow__journal_entry *entry, char *message) {
  furrow__node node = {entry->first, (uint32_t)entry->count, 0};
  if (!furrow__reduction_take(&resume->restored, &node.slot))
    return refuse(message, FURROW_E_NOMEM, "no memory for the journal's accumulators");
  furrow_status status =
      furrow__journal_load_node(resume->journal, entry, furrow__reduction_at(&resume->restored, node.slot), message);
  if (status == FURROW_OK) furrow__reduction_add(&resume->restored, node);
  return status;
}

static furrow_status restore(furrow__resume *resume, const furrow__work *work, char *message) {
  if (!furrow__is_reduction(work))
    return work->result_size ? furrow__journal_load_results(resume->journal, work->results, message) : FURROW_OK;
  const furrow__journal_entry *nodes = NULL;
  furrow_status status = FURROW_OK;
  uint64_t count = furrow__journal_nodes(resume->journal, &nodes);
  resume->restored = furrow__reduction_start(work);
  for (uint64_t i = 0; i < count && status == FURROW_OK; i++) status = restore_node(resume, &nodes[i], message);
  return status;
}

furrow_status furrow__resume_begin(furrow__resume *resume, furrow__work *work, uint64_t number, char *message) {
  furrow_status status = open_file(resume, work->options.journal, message);
  if (status == FURROW_OK) status = begin_operation(resume, work, number, message);
  if (status != FURROW_OK) return status;
  resume->begun = true;
  status = find_what_is_left(resume, work, message);
  if (status == FURROW_OK) status = restore(resume, work, message);
  if (status == FURROW_OK) {
    mark_done(resume, work);
    return FURROW_OK;
  }
  furrow__resume_end(resume); /* takes the stretches along */
  work->todo = furrow__todo_all(&work->units);
  work->settings.gaps = 0;
  return status;
}

void furrow__resume_hand_over(furrow__resume *resume, furrow__reduction *reduction) {
  if (!resume->restored.work) return;
  *reduction = resume->restored;
  resume->restored = (furrow__reduction){0};
}

furrow_status furrow__resume_end(furrow__resume *resume) {
  if (!resume->begun) return FURROW_OK;
  furrow_status status = furrow__journal_flush(resume->journal);
  furrow__journal_end(resume->journal);
  furrow__reduction_free(&resume->restored);
  resume->restored = (furrow__reduction){0};
  free(resume->stretches);
  resume->stretches = NULL;
  resume->begun = false;
  return status;
}
