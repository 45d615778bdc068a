/* path_stats: what the probes to one target say about it.
 *
 * A target is an address behind one path: the proxy's tunnel address or the exit. The module is
 * told when a probe left, when its reply came and what time it is; it keeps the smoothed round-trip
 * time (RFC 6298), a window of outcomes, and the state
 *
 *   unknown --reply--> up --miss--> suspect --burst missed--> down --up_after replies--> up
 *                       ^--any reply--'
 *
 * A miss is a probe without a reply within an adaptive timeout like TCP's RTO. It only raises a
 * suspicion: the owner then sends a fast burst, and the burst decides. A miss is lost once a probe
 * that was sent later is answered, or after the longest timeout: a path that is slow for a moment
 * loses nothing. Loss is computed from the window when it is read, so a late reply corrects the
 * past.
 */
#ifndef COMPS_CORE_PATH_STATS_H
#define COMPS_CORE_PATH_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/mono.h"

enum path_state {
	PATH_UNKNOWN, /* not heard of yet */
	PATH_UP,
	PATH_SUSPECT, /* was up, missed something; the burst decides */
	PATH_DOWN,
};

struct path_stats_config {
	uint32_t window;     /* probes that loss and quantiles look back on, at least 8 */
	uint32_t up_after;   /* replies in a row that bring a target back up */
	uint32_t down_after; /* misses in a row that make it down: the length of a burst */
	int64_t timeout_min_us;
	int64_t timeout_max_us;
};

struct path_stats_record {
	struct mono sent;
	struct mono deadline; /* MONO_NEVER once missed or answered */
	int64_t rtt_us;	      /* -1 until answered */
	uint32_t number;
	bool missed;
	bool excused; /* the deadline was put off, since the machine was late itself */
};

struct path_stats {
	const struct path_stats_config *config;
	struct path_stats_record *ring; /* config->window entries, by number modulo window */
	uint32_t sent, answered, missed, late, duplicates;
	uint32_t oldest_pending;    /* no probe below this number is pending */
	uint32_t in_a_row;	    /* replies in a row while down, or misses since the last one */
	int64_t srtt_us, rttvar_us; /* -1 while unknown */
	enum path_state state;
	struct mono since;     /* of the state */
	struct mono doubted;   /* since when it has been suspect, or was before it went down */
	struct mono witnessed; /* when another path was first heard since the last suspicion */
	struct mono confirmed; /* when the newest answered probe had been sent */
};

struct path_stats_summary {
	int64_t srtt_us, rttvar_us, min_us, p50_us, p95_us, p99_us; /* -1 while unknown */
	double loss; /* 0 .. 1 over the window's answered and lost probes; 0 while there are none */
};

/* `config` must outlive `stats`. Returns 0 or -ENOMEM. */
int path_stats_init(struct path_stats *stats, const struct path_stats_config *config,
		    struct mono now);
void path_stats_fini(struct path_stats *stats);

/* Probe `number` (0, 1, 2, ... per target) left at `now`. */
void path_stats_on_sent(struct path_stats *stats, uint32_t number, struct mono now);

/* The reply to probe `number` came, after `rtt_us`. Numbers that left the window are ignored. */
void path_stats_on_reply(struct path_stats *stats, uint32_t number, int64_t rtt_us,
			 struct mono now);

/* Time has come to `now`: pending probes past their timeout are missed. */
void path_stats_on_time(struct path_stats *stats, struct mono now);

/* Something else than a probe casts doubt on the target (a stalled downlink): up -> suspect. It
 * counts like a miss. */
void path_stats_suspect(struct path_stats *stats, struct mono now);

/* Judges a suspect target. `witness` is when the latest probe left that a target like it has
 * answered on another path. What has missed enough is down once it has been silent for its own
 * timeout after a witness to the suspicion was heard, or else after the longest timeout. A queue
 * that all paths share, or a machine that was busy, makes all of them silent for a while, and then
 * nobody is to blame. */
void path_stats_judge(struct path_stats *stats, struct mono witness, struct mono now);

/* Something else than a probe proves the target alive (data arrived): suspect -> up. */
void path_stats_clear(struct path_stats *stats, struct mono now);

/* Drops pending probes without a verdict: the machine was suspended, nobody is to blame. */
void path_stats_forget_pending(struct path_stats *stats);

/* Starts over in `unknown`, keeping the totals: the interface went away or came back. */
void path_stats_reset(struct path_stats *stats, struct mono now);

/* The timeout that a probe sent now would get, microseconds (RFC 6298, section 2). */
int64_t path_stats_timeout_us(const struct path_stats *stats);

/* When path_stats_on_time() next has something to do; MONO_NEVER if nothing is pending. */
struct mono path_stats_next_deadline(const struct path_stats *stats);

/* For reports: sorts the window. */
void path_stats_summarize(const struct path_stats *stats, struct mono now,
			  struct path_stats_summary *out);

/* The two figures that decisions read often: the window's smallest RTT (-1 while unknown) and its
 * loss, as in struct path_stats_summary. */
void path_stats_window(const struct path_stats *stats, struct mono now, int64_t *min_us,
		       double *loss);

/* "unknown", "up", "suspect", "down". */
const char *path_state_name(enum path_state state);

#endif
