/* features: a part of a load as 140 numbers, for the classical attacks.
 *
 * CUMUL (Panchenko et al. 2016): packets and bytes of each direction and 100 points of their
 * running sum; and the lesser half of k-FP (Hayes and Danezis 2016): duration, rate, quartiles of
 * time, what comes first and last, packets out of each 20, gaps, packets per 2 s.
 */
#ifndef COMPS_CELLS_FEATURES_H
#define COMPS_CELLS_FEATURES_H

#include "cells/packets.h"

#define FEATURES	140
#define FEATURES_POINTS 100 /* the last of them: the running sum */

/* Of those packets whose path is in the set `paths` (bit i: path i). Returns how many they are. */
size_t features_of(const struct packets *packets, unsigned int paths, float out[FEATURES]);

#endif
