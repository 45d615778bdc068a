/* recording: a random life (life.h) in a trace of its own.
 */
#ifndef COMPS_TESTS_SIM_RECORDING_H
#define COMPS_TESTS_SIM_RECORDING_H

#include "tests/sim/life.h"
#include "trace/reader.h"
#include "trace/thin.h"
#include "trace/writer.h"

struct recording {
	char file[64];
	struct trace_writer *writer;
	struct thin thin;
	uint64_t seq, forget;	     /* a record to leave out, 0: none */
	uint64_t decisions, kept;    /* questions, and those in the file */
	struct trace_reader *reader; /* the test's */
};

/* Records a life of `us` and some more under `policy`. `r` is zeroed but for `forget`. */
void recording_of_life(struct recording *r, const char *policy, uint64_t seed, int64_t us);

/* Deletes the file. */
void recording_fini(struct recording *r);

#endif
