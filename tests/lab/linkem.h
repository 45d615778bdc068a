/* What the data path and the control socket of linkem share. */
#ifndef COMPS_TESTS_LAB_LINKEM_H
#define COMPS_TESTS_LAB_LINKEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

enum key {
	DELAY_US,
	JITTER_US,
	LOSS_PPM,
	RATE_KBIT,
	LIMIT_PKTS,
	HOLE,
	REORDER,
	N_KEYS
};

struct dir {
	int64_t set[N_KEYS];
	int out_fd;
	uint64_t loss_rng;
	uint64_t jitter_rng; /* apart from loss_rng, so that jitter does not change which packets
				are lost */
	int64_t line_free;   /* when the rate limiter has sent what it already took */
	int64_t last_due;
	uint64_t queued, in, out, lost, holed, overlimit, write_errors;
	int64_t late_sum, late_max; /* ns behind their due time, of the packets that were queued */
	uint64_t late_n;
};

struct cable {
	const char *name;
	int fd[2];
	struct dir dir[2]; /* 0: up, from fd[0] to fd[1] */
};

_Noreturn void die(const char *what);

struct sockaddr_un control_address(const char *path);

/* Serves one request waiting on the listening socket; true means that it asked to quit. */
bool control_serve(int listen_fd, struct cable *cables, size_t n);

/* Sends the commands to a running linkem, prints its answer, returns the exit status. */
int control_client(const char *path, const char *commands);

#endif
