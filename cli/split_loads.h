/* split_loads: the loads of a folder that `comps split` made, each with its packets and their
 * paths. */
#ifndef COMPS_CLI_SPLIT_LOADS_H
#define COMPS_CLI_SPLIT_LOADS_H

#include "cells/attack.h"
#include "lib/err.h"

struct split_loads {
	struct attack_load *items; /* those of the open world are left out */
	size_t count, paths;
};

/* Returns 0, or -errno with a sentence that names the file and the line; to be freed in any case.
 */
int split_loads_read(const char *folder, struct split_loads *loads, struct err *err);

void split_loads_fini(struct split_loads *loads);

#endif
