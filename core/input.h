/* input: everything that the decision is told, one struct each time.
 *
 * core/machine is fed with these and with nothing else. The daemon feeds it live, the trace keeps
 * what was fed, and replay feeds it again: the same inputs give the same verdicts.
 */
#ifndef COMPS_CORE_INPUT_H
#define COMPS_CORE_INPUT_H

#include <stdint.h>

#include "core/path.h"
#include "lib/mono.h"

/* In the comments: which members of struct input count. The numbers are the trace's, for good. */
enum input_kind {
	INPUT_TARGET = 1,    /* path, target; value: whether there is such a target to probe */
	INPUT_SENT = 2,	     /* path, target, number: a probe left */
	INPUT_REPLY = 3,     /* path, target, number; value: its round trip in microseconds */
	INPUT_LINK = 4,	     /* path; value: whether its interface is usable */
	INPUT_COUNTERS = 5,  /* path, counters: a reading of its interface */
	INPUT_STALL = 6,     /* path; value: enum stall_result, what the counters of the active path
				say */
	INPUT_HANDSHAKE = 7, /* path; value: the age in microseconds, -1 for none */
	INPUT_TIME = 8,	     /* probes past their timeout are missed */
	INPUT_RESUME = 9,    /* the machine had been suspended */
	INPUT_ADOPT = 10,    /* path: it was active already */
	INPUT_REQUEST = 11,  /* path or POLICY_NONE: the operator wants a migration */
	INPUT_PIN = 12,	     /* path; value: until when, microseconds; INT64_MAX for ever */
	INPUT_UNPIN = 13,    /* nothing */
	INPUT_DRAIN = 14,    /* path; value: whether it is out of use from now on */
	INPUT_DRAW = 15,     /* target: enum policy_stream; value: 64 random bits that the decision
				drew. Fed back by replay only, before the DECIDE that drew it */
	INPUT_DECIDE = 16,   /* the question is asked; value: when it was last asked before this */
	INPUT_OUTCOME = 17,  /* path, outcome: how the migration that the verdict wanted ended */
	INPUT_PAUSE = 18,    /* the traffic has paused: what comes is a new session */
};

/* With INPUT_OUTCOME. `path` is where the migration went to. */
struct input_outcome {
	int64_t moved_us;   /* instant of the swap */
	int64_t settle_us;  /* struct migration's; -1 if nothing came */
	int32_t swap_us;    /* struct migration's */
	uint8_t outcome;    /* enum migration_outcome */
	const char *reason; /* the verdict's; string constant */
};

struct input {
	uint8_t kind;	/* enum input_kind */
	uint8_t target; /* enum path_target */
	int16_t path;	/* index, or POLICY_NONE */
	uint32_t number;
	struct mono at; /* when; on the daemon's time line, see lib/mono.h */
	int64_t value;
	union {
		struct path_counters counters;
		struct input_outcome outcome;
	};
};

#endif
