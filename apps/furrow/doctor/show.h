/* The report, on standard output. */
#ifndef FURROW_DOCTOR_SHOW_H
#define FURROW_DOCTOR_SHOW_H

#include "judge.h"

/* `known` may be NULL: there are only verdicts then. */
void show_text(const facts *known, const verdicts *all);
void show_json(const facts *known, const verdicts *all);

/* ---- parts of it -------------------------------------------------------------------------------------------------- */

/* Print words from the cursor's column on, and go on in column `indent` of the next line where 80 columns are full. Returns
 * the column it ends in. */
int show_words(FILE *stream, const char *text, int column, int indent);

#endif
