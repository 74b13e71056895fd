/* What came of a command, written as the task's result. Knows the layout of an outcome; does not know processes. */
#include "answer.h"

#include <string.h>

static uint32_t length_of(const char *text) {
  return text ? (uint32_t)strlen(text) + 1 : 0;
}

static void measure(answer *of, const capture *output) {
  outcome *head = of->head;
  head->host = length_of(of->host);
  head->command = length_of(of->command);
  head->why = length_of(of->why);
  head->tag = length_of(of->tag);
  head->out = output ? capture_size(output, CAPTURE_OUT) : 0;
  head->err = output ? capture_size(output, CAPTURE_ERR) : 0;
  head->sent = output && output->mode == OUTPUT_GROUP ? head->out : output ? output->sent : 0;
}

int answer_write(answer *of, furrow_task *task, const capture *output) {
  measure(of, output);
  const outcome *head = of->head;
  int failed = furrow_task_write(task, head, offsetof(outcome, texts));
  if (failed == 0) failed = furrow_task_write(task, of->host, head->host);
  if (failed == 0) failed = furrow_task_write(task, of->command, head->command);
  if (failed == 0) failed = furrow_task_write(task, of->why, head->why);
  if (failed == 0) failed = furrow_task_write(task, of->tag, head->tag);
  if (failed == 0) failed = furrow_task_write(task, of->set, head->set);
  if (failed == 0 && head->out > 0) failed = capture_write(output, task, CAPTURE_OUT, head->out);
  if (failed == 0 && head->err > 0) failed = capture_write(output, task, CAPTURE_ERR, head->err);
  return failed;
}
