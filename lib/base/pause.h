/* Two hints to the machine and the scheduler. FURROW__POINT marks places where tests delay a thread to provoke races:
   nothing unless the file is compiled with FURROW__POINTS. */
#ifndef FURROW_BASE_PAUSE_H
#define FURROW_BASE_PAUSE_H

/* Tell the core that this is a spinning wait. */
static inline void furrow__pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

#ifdef FURROW__POINTS
void furrow__point(const char *name); /* the test's */
#define FURROW__POINT(name) furrow__point(name)
#else
#define FURROW__POINT(name) ((void)0)
#endif

#endif
