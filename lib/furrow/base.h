/* What every public header needs: visibility, warn-unused, C linkage. No MPI, no types. */
#ifndef FURROW_BASE_H
#define FURROW_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define FURROW_API                   __attribute__((visibility("default")))
#define FURROW_MUST_USE              __attribute__((warn_unused_result))
#define FURROW_PRINTF(string, first) __attribute__((__format__(__printf__, string, first)))
#else
#define FURROW_API
#define FURROW_MUST_USE
#define FURROW_PRINTF(string, first)
#endif

#ifdef __cplusplus
#define FURROW_BEGIN_DECLS extern "C" {
#define FURROW_END_DECLS   }
#else
#define FURROW_BEGIN_DECLS
#define FURROW_END_DECLS
#endif

#define FURROW_VERSION_MAJOR 0
#define FURROW_VERSION_MINOR 1
#define FURROW_VERSION_PATCH 0

FURROW_BEGIN_DECLS

/** The version of the library that runs, such as "0.1.0". Local; never fails. */
FURROW_API const char *furrow_version(void);

FURROW_END_DECLS

#endif
