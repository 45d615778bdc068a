/* provision_progress: what happens while servers are made, as it happens: one line for each server,
 * kept up to date on a terminal; lines one after the other elsewhere; or JSON. */
#ifndef COMPS_PROVISIONER_PROVISION_PROGRESS_H
#define COMPS_PROVISIONER_PROVISION_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "provision/env.h"

struct provision_row; /* one server's line */

struct provision_progress {
	FILE *out;
	bool json, terminal;
	struct provision_row *rows;
	size_t row_count;
	size_t drawn; /* lines on the terminal that are redrawn */
};

/* `out` is the standard output where `json`, else standard error. */
void provision_progress_init(struct provision_progress *progress, FILE *out, bool json);

/* Leaves the lines as they are. */
void provision_progress_fini(struct provision_progress *progress);

void provision_progress_event(struct provision_progress *progress,
			      const struct provision_event *event);

#endif
