/* progress: how far long work is, on the last line of a terminal; nothing where there is none.
 */
#ifndef COMPS_CLI_PROGRESS_H
#define COMPS_CLI_PROGRESS_H

#include <stdint.h>
#include <stdio.h>

struct progress {
	FILE *out; /* NULL: no terminal */
	const char *what;
	uint64_t total; /* 0: not known */
	int shown;	/* per cent, -1 before the first */
};

/* `out` is looked at: only a terminal is written to. */
void progress_init(struct progress *progress, FILE *out, const char *what, uint64_t total);

void progress_at(struct progress *progress, uint64_t done);

/* Clears the line. */
void progress_end(struct progress *progress);

#endif
