/* Bytes to standard output and error, whole, each line with a tag before it. */
#ifndef FARM_SCREEN_H
#define FARM_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

/* `tag` and a tab go before each line, and behind each carriage return in it; NULL: nothing does. False, with errno. */
bool screen_print(int file, const char *tag, const char *bytes, size_t size);

#endif
