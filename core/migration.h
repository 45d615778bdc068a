/* migration: the record of one migration, and the log that keeps the last ones and counts all.
 */
#ifndef COMPS_CORE_MIGRATION_H
#define COMPS_CORE_MIGRATION_H

#include <stddef.h>
#include <stdint.h>

#include "lib/mono.h"

#define MIGRATION_KEPT	  32
#define MIGRATION_REASONS 32 /* a policy's own reasons beyond so many count as the last one */

enum migration_outcome {
	MIGRATION_SETTLED,     /* packets from the exit came in by the new path */
	MIGRATION_UNCONFIRMED, /* moved, and there is nothing that could confirm it (direct mode) */
	MIGRATION_ROLLED_BACK, /* they did not come; the route is on the old path again */
	MIGRATION_FAILED,      /* they did not come, and the old path is no way back */
	MIGRATION_REFUSED,     /* the target was unfit or the kernel said no; nothing was changed */
};

struct migration {
	int64_t wall_us;    /* when it was decided (CLOCK_REALTIME) */
	int from, to;	    /* path indices; from is POLICY_NONE for the first */
	const char *reason; /* string constant */
	enum migration_outcome outcome;
	struct mono decided, swapped;
	int64_t swap_us;   /* in the kernel, both families */
	int64_t settle_us; /* from the swap to the first packet on the new path; -1: none came */
	char error[192];   /* why it was refused, rolled back or failed; else empty */
};

struct migration_count {
	const char *reason;
	uint64_t count;
};

struct migration_log {
	struct migration
		last[MIGRATION_KEPT]; /* ring; the newest at (total - 1) % MIGRATION_KEPT */
	uint64_t total;		      /* all that were begun */
	uint64_t rolled_back, failed; /* failed: with the refused ones */
	struct migration_count by_reason[MIGRATION_REASONS];
	size_t reason_count;
};

/* Adds one. A zeroed log is an empty one. */
void migration_log_add(struct migration_log *log, const struct migration *migration);

/* The i-th newest (0 is the newest), or NULL. */
const struct migration *migration_log_get(const struct migration_log *log, size_t i);

/* "settled", "unconfirmed", "rolled-back", "failed", "refused". */
const char *migration_outcome_name(enum migration_outcome outcome);

#endif
