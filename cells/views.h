/* views: how much of a load a path saw, packet by packet.
 *
 * M8 and M9 of comps-exposure(1): the bursts of the whole load that one path saw wholly, and how
 * far what a path saw is from the whole.
 */
#ifndef COMPS_CELLS_VIEWS_H
#define COMPS_CELLS_VIEWS_H

#include "cells/packets.h"

struct views_bursts {
	size_t count;	    /* of at least five packets, with less than 100 ms between two */
	double whole;	    /* share of them that one path saw alone */
	double whole_bytes; /* the same by their bytes */
	double busiest;	    /* mean share of the path that saw the most of each */
};

/* NAN where there is no burst. */
void views_bursts_of(const struct packets *packets, size_t paths, struct views_bursts *out);

struct views_divergence {
	double kl_bits; /* Kullback and Leibler, of the whole from the part */
	double js_bits; /* Jensen and Shannon: 0 the same, 1 apart */
	double cumul;	/* mean distance of the running sums of bytes at 100 points, by the whole's
			   largest */
};

/* Of what `path` saw from the whole: sizes, gaps and lengths of bursts as one histogram with half a
 * packet more in each bin. NAN where the path saw fewer than ten packets. */
void views_divergence_of(const struct packets *packets, int path, struct views_divergence *out);

#endif
