/* report: the pieces of `comps report`: what goes into the page as JSON, and the page around it. */
#ifndef COMPS_CLI_REPORT_H
#define COMPS_CLI_REPORT_H

#include <jansson.h>

#include "cli/cli.h"
#include "lib/err.h"

/* True when the file begins as a SQLite database does. */
bool report_is_trace(const char *file);

/* A run of a trace: round trips and losses in at most 1500 intervals, stays, states, exposure. The
 * caller's; NULL with a sentence on failure. */
json_t *report_trace(const struct cli *cli, const char *file, struct err *err);

/* What `comps replay --json` printed: one object per policy with the mean of each figure over its
 * seeds. The caller's; NULL with a sentence that names the line on failure. */
json_t *report_replay(const char *file, struct err *err);

/* Writes the page around `data` into `file`, wholly or not at all, for its owner's eyes only. */
int report_write(const char *file, const json_t *data, struct err *err);

#endif
