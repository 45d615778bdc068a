#include "cells/generate.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "lib/rng.h"

#define BURSTS_MIN 15
#define BURSTS_MAX 40

enum {
	SITE,
	LOAD
};

static double draw_normal(struct rng *rng, unsigned int stream)
{
	double u = rng_unit(rng, stream), v = rng_unit(rng, stream);

	return sqrt(-2 * log(u)) * cos(2 * acos(-1) * v); /* Box and Muller (1958) */
}

static double draw_lognormal(struct rng *rng, unsigned int stream, double median, double sigma)
{
	return median * exp(sigma * draw_normal(rng, stream));
}

/* A request and its answer, 15 packets up for 85 down or so. */
static int add_burst(struct packets *out, double *s, double wait_s, size_t answers,
		     struct rng *noise, double loss)
{
	size_t i, requests = 1 + answers / 6;
	int ret = 0;

	for (i = 0; i < requests + answers && !ret; i++) {
		bool request = i < (requests + 1) / 2 || (i > requests && i % 12 == 0);

		*s += i == (requests + 1) / 2 ? wait_s : 0.0004 * -log(rng_unit(noise, LOAD));
		if (rng_unit(noise, LOAD) > loss)
			ret = packets_add(out, (struct packet){.s = *s,
							       .size = request ? PACKETS_CELL
									       : -PACKETS_CELL});
	}
	return ret;
}

static int add_all(struct rng *site, struct rng *noise, struct packets *out)
{
	unsigned int bursts = BURSTS_MIN + rng_below(site, SITE, BURSTS_MAX - BURSTS_MIN + 1), i;
	double stretch = draw_lognormal(noise, LOAD, 1, 0.15), loss = 0.04 * rng_unit(noise, LOAD);
	double s = 0;
	int ret = 0;

	for (i = 0; i < bursts && !ret; i++) {
		double gap_s = draw_lognormal(site, SITE, 0.06, 1);
		double size = draw_lognormal(site, SITE, 30, 1);

		s += stretch * gap_s * draw_lognormal(noise, LOAD, 1, 0.2);
		ret = add_burst(out, &s, 0.03 * stretch, (size_t)fmin(size, 600) + 2, noise, loss);
		if (!ret && rng_unit(noise, LOAD) < 0.05)
			ret = add_burst(out, &s, 0.03 * stretch,
					(size_t)draw_lognormal(noise, LOAD, 15, 0.7), noise, loss);
	}
	return ret;
}

int generate_load(uint64_t seed, unsigned int site, unsigned int load, struct packets *out)
{
	struct rng of_site, noise;
	uint64_t own = seed * UINT64_C(1000003) + site;
	int ret = rng_init_seed(&of_site, own);

	memset(out, 0, sizeof(*out));
	if (!ret)
		ret = rng_init_seed(&noise, (own + 1) * UINT64_C(1000000007) + load);
	if (!ret)
		ret = add_all(&of_site, &noise, out);
	for (size_t i = out->count; !ret && i-- > 0;)
		out->items[i].s -= out->items[0].s;
	if (ret)
		packets_fini(out);
	return ret;
}
