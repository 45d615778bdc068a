/* answer: what a policy may answer, whoever wrote it. */
#ifndef COMPS_CORE_ANSWER_H
#define COMPS_CORE_ANSWER_H

#include <stdbool.h>

#include "policies/policy.h"

/* True when the answer keeps, or names a path that may be taken and a reason that can be printed.
 */
bool answer_makes_sense(const struct policy_answer *answer, const struct policy_input *in);

#endif
