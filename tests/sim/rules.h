/* rules: what no policy and no fault may make steer do, checked at every migration.
 */
#ifndef COMPS_TESTS_SIM_RULES_H
#define COMPS_TESTS_SIM_RULES_H

#include "tests/sim/world.h"

/* Fails the test, with seed and time, when the verdict breaks a rule. */
void rules_check(struct world *world, const struct steer_verdict *verdict);

#endif
