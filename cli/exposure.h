/* exposure: the pieces of `comps exposure`. */
#ifndef COMPS_CLI_EXPOSURE_H
#define COMPS_CLI_EXPOSURE_H

#include <jansson.h>

#include "cli/view.h"
#include "exposure/exposure.h"

/* All figures, as comps-exposure(1) describes them; those not computed are null. `names` are those
 * of the paths. */
json_t *exposure_describe(const struct exposure *exposure, const char *const *names, size_t paths);

/* The same for people. */
void exposure_print(const struct exposure *exposure, const char *const *names, size_t paths,
		    struct view *view);

#endif
