/* inventory_vars: the variables of a host in an inventory. */
#ifndef COMPS_PROVISION_INVENTORY_VARS_H
#define COMPS_PROVISION_INVENTORY_VARS_H

#include "conf/diag.h"
#include "provision/config.h"

struct inventory_var {
	const char *name, *value;
	int line, column; /* of the name */
};

/* Sets what the variable says; what is wrong with it, or that it is not used, goes to `d`
 * (NULL: to nobody). */
void inventory_vars_set(const struct inventory_var *var, const char *file, struct diags *d,
			struct config_node *node);

/* Checks an address or a name of a host: NULL, or what is wrong with it. */
const char *inventory_vars_address(const char *text);

/* True where `text` can be the name of a node. */
bool inventory_vars_is_name(const char *text);

#endif
