/* replay: the pieces of `comps replay`.
 */
#ifndef COMPS_CLI_REPLAY_H
#define COMPS_CLI_REPLAY_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/policy_spec.h"
#include "cli/progress.h"
#include "lib/err.h"
#include "replay/shadow.h"

/* What came of one policy with one seed, as comps-replay(1) describes it; the caller's to
 * json_decref(). */
json_t *replay_describe(const struct timeline *timeline, const struct policy_spec *spec,
			uint64_t seed, const struct shadow_result *result);

/* Adds "exposure" to it. Returns 0 or -ENOMEM. */
int replay_describe_exposure(const struct timeline *timeline, const struct shadow_result *result,
			     uint64_t seed, json_t *json);

/* What is done with each line, in the order of policies and then of seeds. Returns 0 or -errno. */
typedef int (*replay_line_fn)(void *arg, const char *line);

/* Runs every policy with the seeds first_seed .. first_seed + seeds - 1, in `jobs` processes, with
 * or without the exposure of each. */
int replay_jobs(const struct timeline *timeline, const struct policy_specs *specs,
		uint64_t first_seed, uint64_t seeds, uint64_t jobs, bool exposure,
		struct progress *progress, replay_line_fn fn, void *arg, struct err *err);

/* Adds a line to the table for people; and prints it. */
struct replay_table;
int replay_table_new(struct replay_table **out);
int replay_table_add(void *table, const char *line);
void replay_table_print(const struct replay_table *table, FILE *out, bool color);
void replay_table_free(struct replay_table *table);

#endif
