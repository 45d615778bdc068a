/* daemon_process: the process behind the control socket: found, killed, and started again just as
 * it was: the same program, arguments, directory and log. Needs root.
 */
#ifndef COMPS_CLI_DAEMON_PROCESS_H
#define COMPS_CLI_DAEMON_PROCESS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/err.h"

#define DAEMON_PROCESS_UNIT	   "compsd.service"
#define DAEMON_PROCESS_WORDS_BYTES 4096

struct daemon_process {
	pid_t pid;
	int handle;   /* readable once it has ended (pidfd_open(2)) */
	int log;      /* its stderr, or -1 */
	bool is_unit; /* of systemd, which starts it again */
	char program[PATH_MAX], directory[PATH_MAX];
	char words[DAEMON_PROCESS_WORDS_BYTES]; /* its arguments, each ended by a NUL */
	size_t words_bytes;
};

/* Fills *d from who listens on the control socket. Returns 0; or -errno with a sentence in `e` and
 * nothing to be closed. */
int daemon_process_find(struct daemon_process *d, const char *socket, struct err *e);

void daemon_process_close(struct daemon_process *d);

/* 0 or -errno; -ESRCH once it has ended. */
int daemon_process_signal(const struct daemon_process *d, int signal);

/* Starts the program again; it outlives the caller. Returns 0, or -errno with a sentence in `e`. */
int daemon_process_start(const struct daemon_process *d, struct err *e);

#endif
