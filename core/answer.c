#include "core/answer.h"

#define REASON_MAX 31

/* It ends up in logs and tables. */
static bool is_reason(const char *reason)
{
	size_t i;

	for (i = 0; reason && i <= REASON_MAX && reason[i]; i++) {
		if (reason[i] < ' ' || reason[i] > '~')
			return false;
	}
	return reason && i > 0 && i <= REASON_MAX;
}

bool answer_makes_sense(const struct policy_answer *answer, const struct policy_input *in)
{
	if (answer->path == POLICY_KEEP)
		return true;
	return answer->path >= 0 && (size_t)answer->path < in->path_count &&
	       in->paths[answer->path].eligible && is_reason(answer->reason);
}
