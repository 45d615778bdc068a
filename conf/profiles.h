/* profiles: policies with the guards that go with them, under one name.
 *
 * A profile is a piece of comps.yaml that stands in for what the file does not say itself.
 */
#ifndef COMPS_CONF_PROFILES_H
#define COMPS_CONF_PROFILES_H

#include "conf/diag.h"
#include "conf/yaml.h"

/* "none" and the names of the profiles, NULL-ended. */
extern const char *const profiles_names[];

/* Completes the tree of a comps.yaml by the profile that it names, if it does: groups of keys key
 * by key, but a policy of the file's own takes the place of the profile's as a whole. Returns 0 or
 * -ENOMEM; a name that does not exist is left to the reader of the key. */
int profiles_apply(struct conf_node *root, struct diags *d);

#endif
