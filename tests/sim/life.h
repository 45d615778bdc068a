/* life: a world in which things break, heal and are commanded at random. What happens follows from
 * the world's seed.
 */
#ifndef COMPS_TESTS_SIM_LIFE_H
#define COMPS_TESTS_SIM_LIFE_H

#include "tests/sim/world.h"

/* Lives for `us` of virtual time, with something new every minute or so. */
void life_live(struct world *world, int64_t us);

/* Makes everything whole again, and takes back what was commanded. */
void life_heal(struct world *world);

#endif
