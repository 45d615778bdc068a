/* generate: page loads of sites that do not exist, for tests and for a first try.
 *
 * A site is a series of bursts: a request, a silence, an answer of a lognormal size; each of its
 * loads is a noisy copy: stretched in time, with jitter, lost packets and a burst more now and
 * then. Real loads differ in many more ways; compare policies with these, and nothing else.
 */
#ifndef COMPS_CELLS_GENERATE_H
#define COMPS_CELLS_GENERATE_H

#include <stdint.h>

#include "cells/packets.h"

/* Load number `load` of site number `site`; the same for the same `seed`. Returns 0, -ENOMEM or
 * -EIO.
 */
int generate_load(uint64_t seed, unsigned int site, unsigned int load, struct packets *out);

#endif
