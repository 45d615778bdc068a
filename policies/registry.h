/* registry: the policies that are built in. */
#ifndef COMPS_POLICIES_REGISTRY_H
#define COMPS_POLICIES_REGISTRY_H

#include "policies/policy.h"

/* All of them, in the order of their names, ended by NULL. */
const struct policy_ops *const *registry_all(void);

/* The one of this name, or NULL. */
const struct policy_ops *registry_find(const char *name);

#endif
