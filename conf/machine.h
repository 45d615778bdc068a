/* machine: what core/machine needs to know of a configuration.
 */
#ifndef COMPS_CONF_MACHINE_H
#define COMPS_CONF_MACHINE_H

#include <stddef.h>

#include "conf/conf.h"
#include "core/machine.h"

struct machine_config conf_machine_config(const struct conf_probe *probe,
					  const struct conf_guards *guards, size_t path_count);

/* The same for a comps.yaml that says nothing of probes and guards. */
void conf_machine_defaults(size_t path_count, struct machine_config *out);

#endif
