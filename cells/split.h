/* split: which path each packet of a load takes under a policy.
 *
 * The client's packets take the path that the policy is on. Those to the client follow as WireGuard
 * roams (its whitepaper, section 2.1): the server sends to where the packet came from that arrived
 * last, whatever its number. So it follows later by a one-way delay, not at all while the client is
 * silent, and goes back for a while when packets of a slow old path arrive after the first of a
 * fast new one. A kick is a packet that the client sends because of a migration alone.
 *
 * All paths are well and no guard stands in the way: neither the minimum dwell nor the rate limit
 * is kept, so that published schedulers can be set beside each other.
 */
#ifndef COMPS_CELLS_SPLIT_H
#define COMPS_CELLS_SPLIT_H

#include <stdint.h>

#include "cells/packets.h"
#include "lib/rng.h"
#include "policies/policy.h"

#define SPLIT_PATHS_MAX 16

enum split_downlink {
	SPLIT_FOLLOW,	   /* as said above */
	SPLIT_INDEPENDENT, /* by a policy of its own, as if the server chose */
};

struct split_config {
	size_t paths;		       /* 1 .. SPLIT_PATHS_MAX */
	double owd_s[SPLIT_PATHS_MAX]; /* one-way delay of each, the same both ways */
	enum split_downlink downlink;
	unsigned int kicks; /* 0, 1 or 2; the second comes when the slow packets have arrived */
};

struct split_result {
	size_t migrations;
	double misrouted; /* share of the bytes to the client that came on another path than the
			   * one in use */
	double max_share; /* of the bytes, of the busiest path */
};

/* Sets the path of every packet and the time at which those to the client come by it, and sorts.
 * The load is taken to have been recorded on a path with the smallest of the delays. `rng`'s
 * streams are those of enum policy_stream. Returns 0, -ENOMEM, or -EINVAL with the policy's
 * sentence. */
int split_by_policy(struct packets *packets, const struct split_config *config,
		    const struct policy_ops *policy, const union policy_value *values,
		    struct rng *rng, struct split_result *out, struct err *err);

/* Schedulers of the literature that a daemon cannot follow: they choose per packet, and for each
 * direction by itself. */
enum split_compat {
	SPLIT_BWR_PAPER,  /* TrafficSliver's batched weighted random (De la Cadena et al. 2020):
			     batches of 50 to 70, weights from Dirichlet(1, ..., 1) */
	SPLIT_BWR_ACTUAL, /* as its code does it: the batch size is drawn again for every packet */
	SPLIT_HYWF,	  /* HyWF (Henri et al. 2020): two paths, runs of Exp(20), weight uniform */
	SPLIT_COMPS_INDEPENDENT, /* CoMPS as simulated by Beckerle et al. 2022: Dirichlet, 100 ms */
	SPLIT_COMPATS,
};

/* "compat:ts-bwr-paper" and so on, NULL-ended. */
extern const char *const split_compat_names[];

void split_by_compat(struct packets *packets, size_t paths, enum split_compat compat,
		     struct rng *rng, struct split_result *out);

#endif
