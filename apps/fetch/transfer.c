/* One URL after the other, on every rank and thread: the task. Knows libcurl; does not know where URLs come from.
 *
 * A worker keeps its handle, and with it connections that are still open. What may be temporary fails the task, so that
 * it is tried again; everything else, and the last attempt, is an outcome. So tasks never fail for good. */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fetch.h"

enum { LARGEST_ERROR_PAGE = 64 * 1024 /* is read to its end, so that the connection can go on */ };

typedef struct client {
  const settings *wanted;
  CURL *curl;
  char why[CURL_ERROR_SIZE];
  /* Of the present transfer: */
  const char *file;
  int out;       /* its descriptor; -1: not open */
  int refused;   /* errno, where the file could not be written */
  int64_t bytes; /* of its body so far */
  bool enough;   /* the body is not wanted, and we hung up */
} client;

/* ---- the file ---------------------------------------------------------------------------------------------------- */

/* Beside its place until it is whole. No name of ours begins with a dot, so this is nobody's. */
static void part_name(const client *c, char part[NAME_ROOM + 8]) {
  snprintf(part, NAME_ROOM + 8, ".%s.part", c->file);
}

static bool open_part(client *c) {
  char part[NAME_ROOM + 8];
  part_name(c, part);
  c->out = openat(c->wanted->folder, part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (c->out < 0) c->refused = errno;
  return c->out >= 0;
}

/* Put it into its place if it is whole, else remove it. It is not forced to the disk: that would cost more than most
 * files do, and the list can be fetched again. */
static void close_part(client *c, bool good) {
  if (c->out < 0) return;
  char part[NAME_ROOM + 8];
  part_name(c, part);
  if (close(c->out) != 0 && c->refused == 0) c->refused = errno;
  c->out = -1;
  if (good && c->refused == 0 && renameat(c->wanted->folder, part, c->wanted->folder, c->file) != 0) c->refused = errno;
  if (!good || c->refused != 0) unlinkat(c->wanted->folder, part, 0);
}

static bool write_part(client *c, const char *data, size_t size) {
  if (c->out < 0 && !open_part(c)) return false;
  while (size > 0) {
    ssize_t wrote = write(c->out, data, size);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) c->refused = errno;
    if (wrote < 0) return false;
    data += wrote;
    size -= (size_t)wrote;
  }
  return true;
}

/* ---- the transfer ------------------------------------------------------------------------------------------------ */

static bool is_success(long status) {
  return status >= 200 && status < 300;
}

static long status_of(const client *c) {
  long status = 0;
  curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

/* libcurl has a piece of the body for us. Any other number than its size ends the transfer. */
static size_t take_body(char *data, size_t one, size_t size, void *context) {
  client *c = context;
  (void)one;
  bool wanted = !c->wanted->check && is_success(status_of(c));
  c->bytes += (int64_t)size;
  if (wanted) return write_part(c, data, size) ? size : 0;
  c->enough = c->wanted->check || c->bytes > LARGEST_ERROR_PAGE;
  return c->enough ? 0 : size;
}

static CURLcode perform(client *c) {
  c->why[0] = '\0';
  c->bytes = 0;
  c->refused = 0;
  c->enough = false;
  CURLcode code = curl_easy_perform(c->curl);
  return code == CURLE_WRITE_ERROR && c->enough ? CURLE_OK : code;
}

/* To check a URL its head is enough; but some servers refuse to give just that. */
static CURLcode check(client *c) {
  curl_easy_setopt(c->curl, CURLOPT_NOBODY, 1L);
  CURLcode code = perform(c);
  long status = status_of(c);
  if (code != CURLE_OK || (status != 405 && status != 501)) return code;
  curl_easy_setopt(c->curl, CURLOPT_HTTPGET, 1L);
  return perform(c);
}

static bool is_temporary(CURLcode code, long status) {
  switch (code) {
    case CURLE_OK:
      return status == 408 || status == 429 || (status >= 500 && status != 501 && status != 505);
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return true;
    default:
      return false;
  }
}

/* ---- the task ---------------------------------------------------------------------------------------------------- */

static void measure(const client *c, outcome *found) {
  curl_off_t length = -1;
  curl_easy_getinfo(c->curl, CURLINFO_TOTAL_TIME, &found->seconds);
  curl_easy_getinfo(c->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  found->bytes = !c->wanted->check ? c->bytes : length > 0 ? length : 0;
  found->status = (int32_t)status_of(c);
}

static int tell(furrow_task *task, const outcome *found, const char *url, const char *text) {
  if (furrow_task_write(task, found, sizeof *found) != 0) return 1;
  if (furrow_task_write(task, url, strlen(url) + 1) != 0) return 1;
  return furrow_task_write(task, text, strlen(text) + 1);
}

/* Why it was not a success. */
static const char *reason(client *c, CURLcode code, long status) {
  if (c->refused != 0)
    snprintf(c->why, sizeof c->why, "%s: %s", c->file, strerror(c->refused));
  else if (code == CURLE_OK)
    snprintf(c->why, sizeof c->why, "HTTP status %ld", status);
  return c->why[0] ? c->why : curl_easy_strerror(code);
}

/* What the URL stands for in the report if all is well. */
static const char *place(const client *c) {
  char *url = NULL;
  if (c->wanted->check) curl_easy_getinfo(c->curl, CURLINFO_EFFECTIVE_URL, &url);
  return url ? url : c->file;
}

int transfer_url(furrow_task *task, const void *item, size_t size) {
  (void)size;
  client *c = task->local;
  outcome found = {.attempts = task->attempt + 1};
  const char *url = item, *file = url + strlen(url) + 1, *refusal = file + strlen(file) + 1;
  if (*refusal) {
    found.attempts = 0;
    return tell(task, &found, url, refusal);
  }

  c->file = file;
  curl_easy_setopt(c->curl, CURLOPT_URL, url);
  CURLcode code = c->wanted->check ? check(c) : perform(c);
  measure(c, &found);
  bool good = code == CURLE_OK && is_success(found.status);
  if (good && !c->wanted->check && c->out < 0) open_part(c); /* an empty file */
  close_part(c, good);
  found.good = good && c->refused == 0;
  if (found.good) return tell(task, &found, url, place(c));
  if (c->refused == 0 && task->attempt < c->wanted->retries && is_temporary(code, found.status))
    return furrow_fail(task, "%s", reason(c, code, found.status));
  return tell(task, &found, url, reason(c, code, found.status));
}

/* ---- the worker -------------------------------------------------------------------------------------------------- */

static void allow_http_only(CURL *curl) {
#if LIBCURL_VERSION_NUM >= 0x075500
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

static void set_up(client *c) {
  long timeout = (long)c->wanted->timeout;
  char agent[64];
  snprintf(agent, sizeof agent, "furrow-fetch/%s", furrow_version());
  allow_http_only(c->curl);
  curl_easy_setopt(c->curl, CURLOPT_USERAGENT, agent);
  curl_easy_setopt(c->curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(c->curl, CURLOPT_MAXREDIRS, (long)MOST_REDIRECTS);
  curl_easy_setopt(c->curl, CURLOPT_CONNECTTIMEOUT, timeout);
  curl_easy_setopt(c->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(c->curl, CURLOPT_LOW_SPEED_TIME, timeout);
  curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, (long)(1000 * c->wanted->most_seconds));
  curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L); /* signals and threads don't mix */
  curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, c->why);
  curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, c);
}

int transfer_begin(void *user, int worker, void **local) {
  (void)worker;
  client *c = calloc(1, sizeof *c);
  if (!c) return ENOMEM;
  *c = (client){.wanted = user, .curl = curl_easy_init(), .out = -1};
  if (!c->curl) {
    free(c);
    return ENOMEM;
  }
  set_up(c);
  *local = c;
  return 0;
}

void transfer_end(void *user, int worker, void *local) {
  (void)user, (void)worker;
  client *c = local;
  curl_easy_cleanup(c->curl);
  free(c);
}
