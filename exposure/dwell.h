/* dwell: how well somebody can guess when the next migration comes, from how long the paths were
 * kept. A figure is NAN where there are too few stays for it.
 */
#ifndef COMPS_EXPOSURE_DWELL_H
#define COMPS_EXPOSURE_DWELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How long a path was kept. One that something else than the policy ended (a failure, the operator,
 * the end of the run) tells only that it would have lasted longer: it is censored. */
struct dwell {
	double s;
	bool censored;
};

struct dwell_figures {
	size_t count, censored;
	double mean_s, p50_s, p95_s, longest_s; /* all stays */
	double cv; /* sd / mean of those not censored: 0 fixed, 1 exponential; from 10 on */
	double hazard_flatness; /* weighted sd / mean of the hazard in 20 bins with 20 stays at
				   least; 0: no instant is likelier than another; from 100 on */
	double guess;	 /* best chance to be right with "it ends within `guess_s`", whenever one
			    likes to say it while the stay lasts; from 20 on */
	double one_shot; /* the same, said once, at the start of the stay */
	double guess_s;
	double divergence_nats; /* from the exponential law of the same mean: ln mean + 1 - h, with
				   Vasicek's (1976) estimate of the entropy h; from 50 on */
};

/* Of `n` stays, which are sorted by this. `guess_s` is the width of a guess. */
void dwell_figures_of(struct dwell *dwells, size_t n, double guess_s, struct dwell_figures *out);

/* How much the instants lie on a grid: how far their phases agree within any eight in a row, for
 * the period that makes it the largest, from 10 ms or 1/300 of the mean stay to twice the mean
 * stay; of nearly equal ones the longest. */
struct dwell_lattice {
	double score; /* 0 as by chance, 1 all on a grid; NAN below 20 instants */
	double period_s;
	double significant; /* chance makes a larger score in less than one of a thousand runs */
};

/* Of `n` instants in seconds, in order. */
void dwell_lattice_of(const double *at_s, size_t n, struct dwell_lattice *out);

#endif
