/* prober: sends probes to up to two targets of every path by one jittered law and matches replies.
 *
 * It ties schedule (when), seqwin (which reply belongs to which probe) and a transport (how). It
 * keeps no statistics and decides nothing: every probe sent and every reply goes to a callback.
 * The law never depends on which path is active, and a burst goes to all paths alike, so that
 * probing does not reveal the active path.
 *
 * The owner watches the descriptors for reading and calls prober_on_readable, and calls prober_run
 * at prober_next_deadline. Callbacks may call prober_set_target, prober_burst and
 * prober_forget_outstanding.
 */
#ifndef COMPS_PROBES_PROBER_H
#define COMPS_PROBES_PROBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/rng.h"
#include "probes/probe.h"

#define PROBER_TARGETS 2 /* per path: 0 the proxy, 1 the exit through this path */

struct prober_config {
	size_t path_count;
	int64_t interval_us;	  /* mean time between two probes of one target; at least 1 ms */
	int64_t late_us;	  /* a reply after more than this is reported as late */
	unsigned int burst_count; /* probes per target in a fast burst */
	int64_t burst_gap_us;	  /* mean time between two of them */
	uint16_t
		payload_min_bytes; /* each payload's length is uniform in min .. max, both within */
	uint16_t payload_max_bytes; /* PROBE_PAYLOAD_MIN .. PROBE_PAYLOAD_MAX */
};

struct prober_reply {
	size_t path;
	unsigned int target;
	uint32_t number; /* of the probe, counted per path and target from 0 */
	int64_t rtt_us;
	bool duplicate; /* this probe was answered before */
	bool late;	/* rtt_us is above late_us */
};

struct prober_callbacks {
	/* A probe has been sent, or its sending failed with `error` (-errno): then it stands for a
	 * miss, as no reply will come. */
	void (*sent)(void *arg, size_t path, unsigned int target, uint32_t number, struct mono at,
		     int error);
	void (*reply)(void *arg, const struct prober_reply *reply);
	void *arg;
};

struct prober_counters {
	uint64_t sent; /* with those that failed to leave */
	uint64_t send_errors;
	uint64_t received; /* replies reported, with duplicates and late ones */
	uint64_t duplicates;
	uint64_t late;
	uint64_t wrong_interface; /* came in by another interface than their probe left by; refused
				   */
	uint64_t unknown;	  /* answer no probe of ours, or one forgotten or too long ago */
	uint64_t receive_errors;
};

struct prober;

/* Makes a prober without targets. `probe.self` and `rng` must outlive it. Returns 0; -EINVAL when
 * the configuration is out of the ranges above, -ENOMEM. */
int prober_new(const struct prober_config *config, struct probe probe,
	       struct prober_callbacks callbacks, struct rng *rng, struct prober **prober);
void prober_free(struct prober *prober);

/* Probes `to` through interface `ifindex` from now on, or nothing when `to` is NULL or AF_UNSPEC. A
 * new target starts at a random instant within one interval; a changed one keeps its timer. With
 * ifindex 0 (the interface is gone) probes go on and fail with -ENODEV, so that the path is seen to
 * be dead.
 */
void prober_set_target(struct prober *prober, size_t path, unsigned int target, const struct ip *to,
		       int ifindex, struct mono now);

/* When prober_run has work next; MONO_NEVER without targets. */
struct mono prober_next_deadline(const struct prober *prober);

/* Sends what is due, at most PROBE_BATCH probes; the rest follows at the next deadline. */
void prober_run(struct prober *prober, struct mono now);

/* Descriptors to watch for reading, and what to call when one of them is readable, and before a
 * probe is said to be missed: it reads all that waits, but for a flood. */
size_t prober_fds(const struct prober *prober, int fds[PROBE_FDS]);
void prober_on_readable(struct prober *prober, int fd, struct mono now);

/* Probes every target of every path burst_count times in quick succession. A burst under way is
 * renewed, not added to. */
void prober_burst(struct prober *prober, struct mono now);

/* After a suspend: replies to earlier probes count as unknown, and all timers start afresh. The
 * owner must forget its outstanding probes too. */
void prober_forget_outstanding(struct prober *prober, struct mono now);

const struct prober_counters *prober_counters(const struct prober *prober);

/* Why the last probe to this target did not leave: -errno, or 0 when it did. */
int prober_send_error(const struct prober *prober, size_t path, unsigned int target);

#endif
