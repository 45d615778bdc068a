/* The schedulers of the literature: each packet's path is chosen for its direction alone. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cells/split.h"

#define BATCH_MIN 50
#define BATCH_MAX 70
#define HYWF_MEAN 20
#define PERIOD_S  0.1
#define BOTH_WAYS 2

const char *const split_compat_names[] = {"compat:ts-bwr-paper", "compat:ts-bwr-actual",
					  "compat:hywf", "compat:comps-independent", NULL};

/* One direction. */
struct way {
	double weights[SPLIT_PATHS_MAX];
	int path;
	uint32_t left, seen, batch;
	double next_s;
};

/* Dirichlet(1, ..., 1). */
static void draw_weights(struct way *way, size_t paths, struct rng *rng)
{
	double sum = 0;

	for (size_t i = 0; i < paths; i++) {
		way->weights[i] = -log(rng_unit(rng, POLICY_STREAM_WEIGHTS));
		sum += way->weights[i];
	}
	for (size_t i = 0; i < paths; i++)
		way->weights[i] /= sum;
}

static void next_batch(struct way *way, size_t paths, struct rng *rng)
{
	double at = rng_unit(rng, POLICY_STREAM_PATH);

	way->batch++;
	for (way->path = 0; way->path + 1 < (int)paths; way->path++) {
		at -= way->weights[way->path];
		if (at <= 0)
			break;
	}
}

static uint32_t draw_batch(struct rng *rng)
{
	return BATCH_MIN + rng_below(rng, POLICY_STREAM_INTERVAL, BATCH_MAX - BATCH_MIN + 1);
}

/* Whether the packet at `s` begins a batch. */
static bool begins(struct way *way, enum split_compat compat, double s, struct rng *rng)
{
	bool first = way->seen++ == 0;

	switch (compat) {
	case SPLIT_BWR_PAPER:
	case SPLIT_HYWF:
		if (way->left-- > 0)
			return false;
		way->left = compat == SPLIT_HYWF
				    ? (uint32_t)ceil(-HYWF_MEAN *
						     log(rng_unit(rng, POLICY_STREAM_INTERVAL)))
				    : draw_batch(rng);
		way->left -= way->left > 0;
		return true;
	case SPLIT_BWR_ACTUAL:
		return (way->seen - 1) % draw_batch(rng) == 0 || first;
	default:
		if (s < way->next_s)
			return false;
		way->next_s = (floor(s / PERIOD_S) + 1) * PERIOD_S;
		return true;
	}
}

void split_by_compat(struct packets *packets, size_t paths, enum split_compat compat,
		     struct rng *rng, struct split_result *out)
{
	size_t used = compat == SPLIT_HYWF && paths > 2 ? 2 : paths, i;
	double bytes[SPLIT_PATHS_MAX] = {0}, sum = 0;
	struct way ways[BOTH_WAYS];

	memset(ways, 0, sizeof(ways));
	memset(out, 0, sizeof(*out));
	for (i = 0; i < BOTH_WAYS; i++)
		draw_weights(&ways[i], used, rng); /* of two it is uniform, as HyWF has it */
	for (i = 0; i < packets->count; i++) {
		struct packet *p = &packets->items[i];
		struct way *way = &ways[p->size < 0];
		int before = way->path;

		if (begins(way, compat, p->s, rng))
			next_batch(way, used, rng);
		out->migrations += way->batch > 1 && way->path != before;
		p->path = way->path;
		p->batch = way->batch;
		bytes[p->path] += abs(p->size);
		sum += abs(p->size);
	}
	for (i = 0; i < paths && sum > 0; i++)
		out->max_share = fmax(out->max_share, bytes[i] / sum);
}
