/* What a journal holds, shown to people and to programs. */
#ifndef FURROW_JOURNAL_SHOW_H
#define FURROW_JOURNAL_SHOW_H

#include <furrow.h>

/* "whole", "torn", "damaged", "foreign", "unreadable". */
const char *journal_state_name(furrow_journal_state state);

/* A stream knows neither how many tasks it has nor one size of all. */
bool journal_is_stream(const furrow_journal_operation *operation);

void journal_show_text(const char *path, const furrow_journal *journal);

/* False: no memory. */
bool journal_show_json(const char *path, const furrow_journal *journal);

#endif
