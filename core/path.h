/* path: the paths of one client, what is known of each, and what that says about the others.
 *
 * A path is one overlay interface. Up to two targets are probed through it: the proxy's tunnel
 * address (first segment) and the exit (the whole path). Once the exit has been heard through any
 * path its answers, or their absence, judge every path; where it drops pings the proxy judges. Two
 * targets on all paths together tell which part is broken, so that a dead uplink or a dead exit,
 * which no migration can avoid, is not mistaken for a dead path.
 *
 * Data goes in (probe outcomes, counters, link events, time), views come out for core/steer.
 */
#ifndef COMPS_CORE_PATH_H
#define COMPS_CORE_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/bucket.h"
#include "core/path_stats.h"
#include "core/stall.h"
#include "lib/mono.h"
#include "policies/policy.h"

enum path_target {
	PATH_TARGET_PROXY,
	PATH_TARGET_EXIT,
	PATH_TARGETS,
};

/* The broken part, as far as probing can tell. */
enum path_fault {
	PATH_FAULT_NONE,
	PATH_FAULT_INTERFACE,  /* the overlay interface is gone or down */
	PATH_FAULT_UPLINK,     /* nothing answers on any path */
	PATH_FAULT_PROXY,      /* nothing answers on this path */
	PATH_FAULT_PROXY_EXIT, /* the proxy answers, the exit only through other paths */
	PATH_FAULT_EXIT,       /* proxies answer, the exit through none */
};

struct path_counters {
	uint64_t tx_bytes, rx_bytes, tx_packets, rx_packets;
};

struct path {
	const char *name;      /* borrowed from the configuration */
	const char *interface; /* likewise */
	uint32_t priority;
	bool link_up;
	bool probed[PATH_TARGETS]; /* the target exists */
	struct path_stats target[PATH_TARGETS];
	struct stall stall;
	struct path_counters counters;
	int64_t handshake_age_us; /* -1 while there was none */
	enum path_state state;
	struct mono since; /* of the state */
	uint32_t transitions;
};

struct paths {
	struct path_stats_config config;
	struct path *path;
	size_t count;
	bool exit_heard; /* the exit has answered a probe through some path */
	struct bucket bursts;
	bool burst_owed; /* wanted, and not asked for yet */
};

/* What a call may ask of its owner, or-ed together. */
enum paths_effect {
	PATHS_CHANGED = 1, /* some path changed its state */
	PATHS_BURST = 2,   /* send the fast burst, on all paths */
};

/* One path as steer sees it: what the policy may know, and what the guards need. */
struct path_view {
	struct policy_path policy; /* .eligible is steer's to fill */
	enum path_state state;
	bool link_up;
	bool blameless;	       /* if down: so were all others, it may not have been its fault */
	struct mono doubted;   /* of the judging target: when the last suspicion began, */
	struct mono confirmed; /* and when its newest answered probe left */
};

/* An array of `count` paths without names and targets; the owner then fills name, interface,
 * priority, link_up and probed of each. Returns 0 or -ENOMEM. */
int paths_init(struct paths *paths, size_t count, const struct path_stats_config *config,
	       struct mono now);
void paths_fini(struct paths *paths);

void paths_on_sent(struct paths *paths, size_t index, enum path_target target, uint32_t number,
		   struct mono now);

/* Each of these returns a set of enum paths_effect. */
unsigned int paths_on_reply(struct paths *paths, size_t index, enum path_target target,
			    uint32_t number, int64_t rtt_us, struct mono now);
unsigned int paths_on_link(struct paths *paths, size_t index, bool up, struct mono now);
unsigned int paths_on_time(struct paths *paths, struct mono now);

/* What the counters of the active path say of its downlink. */
unsigned int paths_on_stall(struct paths *paths, size_t index, enum stall_result stall,
			    struct mono now);

/* Judges a reading of the interface's counters. Only the path that carries the traffic (`active`)
 * can show a stalled downlink. Returns what paths_on_stall() shall be told; STALL_QUIET: nothing.
 */
enum stall_result paths_watch(struct paths *paths, size_t index, bool active,
			      const struct path_counters *counters, struct mono now);

/* The packets other than probes that were seen on the active path since it became active, or was
 * active when the owner began; any number for another one. */
uint64_t paths_traffic_packets(const struct paths *paths, size_t index);

/* How soon the counters of the active path are worth reading again. */
int64_t paths_poll_us(const struct paths *paths, size_t index);

/* The machine slept: nothing in flight is anybody's fault. */
void paths_on_resume(struct paths *paths, struct mono now);

struct mono paths_next_deadline(const struct paths *paths);

/* The index of `name`, or -1. */
int paths_find(const struct paths *paths, const char *name);

/* The statistics that stand for the path: the judging target's. */
const struct path_stats *paths_judge(const struct paths *paths, size_t index);

/* The broken part of one path, and what is broken for all of them (NONE, UPLINK or EXIT). */
enum path_fault paths_fault(const struct paths *paths, size_t index);
enum path_fault paths_common_fault(const struct paths *paths);

/* Whether it is down, and so were all others, so that it may not have been its fault. */
bool paths_is_blameless(const struct paths *paths, size_t index);

struct path_view paths_view_one(const struct paths *paths, size_t index, struct mono now);

/* Fills views[0 .. count - 1]. */
void paths_view(const struct paths *paths, struct mono now, struct path_view *views);

/* "none", "interface", "uplink", "proxy", "proxy-exit", "exit". */
const char *path_fault_name(enum path_fault fault);

#endif
