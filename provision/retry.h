/* retry: what to do after a request to a cloud API, by what became of it.
 *
 * Pure: told what happened, which attempt it was, the wall-clock time and a random number.
 */
#ifndef COMPS_PROVISION_RETRY_H
#define COMPS_PROVISION_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#define RETRY_MAX	    5  /* after failures of the network or the server */
#define RETRY_RATE_MAX	    20 /* after "too many requests", which says when to come again */
#define RETRY_RATE_CAP_S    60
#define RETRY_TRY_AGAIN_MAX 5

/* So long something is looked for that may have been made, before it is made again. */
#define RETRY_UNSURE_US 60000000

enum retry_outcome {
	RETRY_ANSWERED, /* a whole answer came */
	RETRY_NOT_SENT, /* name, connection or TLS failed: the server has seen nothing */
	RETRY_UNKNOWN,	/* sent, perhaps done: cut off, timed out, or an answer without sense */
};

struct retry_event {
	enum retry_outcome outcome;
	int status;		   /* HTTP; of RETRY_ANSWERED */
	bool repeatable;	   /* doing it twice is as good as once */
	bool try_again;		   /* the server's message says so ("please try again") */
	int64_t retry_after_s;	   /* header; -1: none */
	int64_t ratelimit_reset_s; /* header, since 1970; -1: none */
	unsigned int attempt;	   /* 0: the first */
};

enum retry_what {
	RETRY_TAKE,   /* it is an answer, good or bad: use it */
	RETRY_WAIT,   /* do it again after wait_us */
	RETRY_UNSURE, /* it may have been done; look before doing it again */
	RETRY_END,    /* enough attempts */
};

struct retry_verdict {
	enum retry_what what;
	int64_t wait_us;
};

/* `jitter` is in 0..1; waits are spread by a quarter to both sides. */
struct retry_verdict retry_decide(const struct retry_event *event, int64_t wall_s, double jitter);

#endif
