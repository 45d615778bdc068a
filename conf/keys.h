/* keys: every key of comps.yaml. */
#ifndef COMPS_CONF_KEYS_H
#define COMPS_CONF_KEYS_H

#include "conf/schema.h"

extern const struct schema_section keys_top;	/* base: struct conf */
extern const struct schema_section keys_inner;	/* base: struct conf_inner */
extern const struct schema_section keys_path;	/* base: struct conf_path */
extern const struct schema_section keys_guards; /* base: struct conf_guards */
extern const struct schema_section keys_probe;	/* base: struct conf_probe */

#endif
