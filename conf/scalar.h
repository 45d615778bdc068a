/* scalar: one value from its text, for comps.yaml and for the parameters of policies alike.
 *
 * Each returns 0; or -EINVAL with a sentence in `e`, and nothing is written.
 */
#ifndef COMPS_CONF_SCALAR_H
#define COMPS_CONF_SCALAR_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

/* Microseconds, from `min` to `max`, both allowed. */
int scalar_duration(const char *text, double min, double max, int64_t *us, struct err *e);

/* "true" or "false", nothing else. */
int scalar_flag(const char *text, bool *flag, struct err *e);

/* The index into the NULL-ended `choices`. */
int scalar_choice(const char *text, const char *const *choices, int *choice, struct err *e);

#endif
