/* numbers: lists of numbers in the text of a policy's parameter. */
#ifndef COMPS_POLICIES_NUMBERS_H
#define COMPS_POLICIES_NUMBERS_H

#include <stddef.h>

/* Reads numbers that are not negative, with blanks between them, up to the end of `text` or to the
 * character `end`. Returns what follows that, or NULL with a sentence in `error`: for anything else
 * and for more than `room` numbers. */
const char *numbers_read(const char *text, char end, double *out, size_t room, size_t *count,
			 char *error, size_t error_bytes);

#endif
