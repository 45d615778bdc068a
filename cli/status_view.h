/* status_view: the daemon's status (comps-control(7)) as lines for people. */
#ifndef COMPS_CLI_STATUS_VIEW_H
#define COMPS_CLI_STATUS_VIEW_H

#include <jansson.h>

#include "cli/view.h"

/* Prints as much of `status` as `v` has room for. Anything may be missing in it: "-". */
void status_view(struct view *v, const json_t *status);

/* One migration in words: "ams -> fra (failover): settled in 41ms". */
void status_view_migration(const json_t *migration, char *out, size_t out_bytes);

#endif
