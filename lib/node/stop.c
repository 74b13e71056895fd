#include "node/stop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

enum { SIGNALS = 3, JOURNALS = 16 };

typedef void plain_handler(int signal);
typedef void full_handler(int signal, siginfo_t *info, void *context);

/* One signal, and what was there before us. The handler can run in any thread at any time, also still in one thread while
   another ends and begins. It reads the atomic words; whatever mixture of old and new it may see, each pointer is right by
   itself: it calls a handler in the way that this one expects, or none. The rest belongs to begin and end. */
typedef struct taken {
  int signal;
  _Atomic(full_handler *) full;   /* what was there, if it takes three arguments; else NULL and */
  _Atomic(plain_handler *) plain; /* what takes one, or SIG_DFL or SIG_IGN */
  _Atomic bool once;              /* with SA_RESETHAND: after the first call SIG_DFL is what was there */
  struct sigaction before;
  bool passed_on; /* the program has put its own handler in the place of ours, and that one may call ours */
} taken;

_Atomic uint32_t furrow__stop_signals;

static taken all[SIGNALS] = {{.signal = SIGUSR1}, {.signal = SIGTERM}, {.signal = SIGINT}};
static _Atomic int journals[JOURNALS]; /* a descriptor + 1; 0: free */
static bool expect_more;               /* SIGUSR1, when it is no longer asked for */
static int watches;                    /* under the lock, as all that is not atomic */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- the handler: atomic words, fdatasync, sigaction and raise only, all safe in it; errno is kept ----------------- */

/* A journal that its operation closes just now gives EBADF, or in the worst case flushes another file. */
static void flush_journals(void) {
  for (int i = 0; i < JOURNALS; i++) {
    int journal = atomic_load(&journals[i]) - 1;
    if (journal >= 0) fdatasync(journal);
  }
}

/* The signal is blocked until the handler returns, and then there is nothing to come back to. */
static void die_of(int signal) {
  struct sigaction action = {.sa_handler = SIG_DFL};
  sigaction(signal, &action, NULL);
  raise(signal);
}

/* What the kernel would have done. A handler with SA_RESETHAND is called once, also if two threads are here. */
static void as_before(taken *own, siginfo_t *info, void *context) {
  bool once = atomic_load(&own->once);
  full_handler *full = once ? atomic_exchange(&own->full, NULL) : atomic_load(&own->full);
  plain_handler *plain = once && !full ? atomic_exchange(&own->plain, SIG_DFL) : atomic_load(&own->plain);
  if (full)
    full(own->signal, info, context);
  else if (plain == SIG_DFL && own->signal != SIGUSR1)
    die_of(own->signal);
  else if (plain != SIG_DFL && plain != SIG_IGN)
    plain(own->signal);
}

static void on_signal(int signal, siginfo_t *info, void *context) {
  int error = errno;
  if (signal == SIGUSR1)
    atomic_fetch_add(&furrow__stop_signals, 1);
  else
    flush_journals();
  for (int i = 0; i < SIGNALS; i++)
    if (all[i].signal == signal) as_before(&all[i], info, context);
  errno = error;
}

/* ---- begin and end ------------------------------------------------------------------------------------------------ */

static bool is_ours(const struct sigaction *action) {
  return (action->sa_flags & SA_SIGINFO) && action->sa_sigaction == on_signal;
}

static bool is_handler(const struct sigaction *action) {
  return (action->sa_flags & SA_SIGINFO) || (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
}

/* Ours is there already if the program put it back that had replaced it. A handler that replaced ours may call ours, as
   we do with those before us: put behind ours it would call itself for ever. So from then on the signal is the program's,
   and reaches us through its handler or not at all. A request to end that is ignored is left alone: nothing ends, and
   programs that a task executes must find it ignored too. */
static bool wanted(const taken *own, const struct sigaction *now) {
  if (is_ours(now) || (own->passed_on && is_handler(now))) return false;
  return own->signal == SIGUSR1 || (now->sa_flags & SA_SIGINFO) || now->sa_handler != SIG_IGN;
}

/* With the flags and the mask of the handler before us, which so runs as it would have. Else interrupted calls go on. */
static void take(taken *own) {
  struct sigaction now;
  if (sigaction(own->signal, NULL, &now) != 0 || !wanted(own, &now)) return;
  bool full = (now.sa_flags & SA_SIGINFO) != 0;
  own->before = now;
  atomic_store(&own->once, is_handler(&now) && (now.sa_flags & (int)SA_RESETHAND) != 0);
  atomic_store(&own->plain, full ? SIG_DFL : now.sa_handler);
  atomic_store(&own->full, full ? now.sa_sigaction : NULL);
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_RESTART | SA_ONSTACK, .sa_mask = now.sa_mask};
  if (is_handler(&now)) action.sa_flags = now.sa_flags & (SA_RESTART | SA_ONSTACK | SA_NODEFER);
  action.sa_flags |= SA_SIGINFO;
  sigaction(own->signal, &action, NULL);
}

/* A program that changes the handler between our two calls, in another thread, loses: there is no call that does both. */
static void give_back(taken *own) {
  struct sigaction now, reset = {.sa_handler = SIG_DFL};
  if (sigaction(own->signal, NULL, &now) != 0) return;
  if (!is_ours(&now)) {
    own->passed_on |= is_handler(&now);
    return;
  }
  bool late = expect_more && own->signal == SIGUSR1 && atomic_load(&own->plain) == SIG_DFL && !is_handler(&own->before);
  if (late) reset.sa_handler = SIG_IGN;
  bool used = atomic_load(&own->once) && !atomic_load(&own->full) && atomic_load(&own->plain) == SIG_DFL;
  sigaction(own->signal, used || late ? &reset : &own->before, NULL);
}

void furrow__stop_begin(furrow__stop_watch *watch, int journal) {
  pthread_mutex_lock(&lock);
  watch->seen = atomic_load(&furrow__stop_signals); /* before the handler is there: what it counts is for us */
  watch->slot = -1;
  for (int i = 0; i < JOURNALS && journal >= 0 && watch->slot < 0; i++)
    if (atomic_load(&journals[i]) == 0) watch->slot = i;
  if (watch->slot >= 0) atomic_store(&journals[watch->slot], journal + 1);
  if (watches++ == 0)
    for (int i = 0; i < SIGNALS; i++) take(&all[i]);
  pthread_mutex_unlock(&lock);
}

void furrow__stop_end(furrow__stop_watch *watch) {
  pthread_mutex_lock(&lock);
  if (--watches == 0)
    for (int i = 0; i < SIGNALS; i++) give_back(&all[i]);
  if (watch->slot >= 0) atomic_store(&journals[watch->slot], 0);
  watch->slot = -1;
  pthread_mutex_unlock(&lock);
}

void furrow__stop_expect_more(void) {
  pthread_mutex_lock(&lock);
  expect_more = true;
  pthread_mutex_unlock(&lock);
}

void furrow__stop_forget(void) {
  for (int i = 0; i < JOURNALS; i++) atomic_store(&journals[i], 0);
}
