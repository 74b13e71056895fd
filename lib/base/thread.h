/* Threads of the library's own. Knows pthreads and signal masks; does not know what they do. */
#ifndef FURROW_BASE_THREAD_H
#define FURROW_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* Start one in which all signals are blocked: the program's handlers run on the program's threads. False: the system
   refuses it. */
bool furrow__thread_start(pthread_t *thread, void *(*body)(void *argument), void *argument);

#endif
