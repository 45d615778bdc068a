/* terminal: the alternate screen of a terminal, and a wait that ends at a key or a signal.
 *
 * While it is open the signals that would end the process arrive as answers of terminal_wait, so
 * that the terminal is always restored.
 */
#ifndef COMPS_CLI_TERMINAL_H
#define COMPS_CLI_TERMINAL_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

#include "lib/err.h"

struct terminal {
	int in, out, signals;
	bool raw; /* `in` is a terminal, and `saved` is how it was */
	struct termios saved;
	sigset_t mask; /* as it was */
};

enum terminal_event {
	TERMINAL_TIMEOUT,
	TERMINAL_RESIZED,
	TERMINAL_QUIT, /* q, Ctrl-C, or a signal that ends the process */
};

/* The size of the terminal behind `fd`; 0 and 0 where it is none. `height` may be NULL. */
void terminal_size(int fd, int *width, int *height);

/* Switches `out`, a terminal, to its alternate screen without a cursor; keys are read from `in` if
 * that is a terminal too. Returns 0, or -errno with a sentence in `e` and nothing changed. */
int terminal_open(struct terminal *t, int in, int out, struct err *e);

void terminal_close(struct terminal *t);

/* Waits for `us` at most. */
enum terminal_event terminal_wait(struct terminal *t, int64_t us);

#endif
