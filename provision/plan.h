/* plan: what there is to do, by comparing what is wanted with what was found. Pure.
 *
 *   + create   ~ change   - destroy (also a duplicate)   ! drift, not repaired   = ok
 */
#ifndef COMPS_PROVISION_PLAN_H
#define COMPS_PROVISION_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "provision/config.h"
#include "provision/provider.h"
#include "provision/state.h"

enum plan_action {
	PLAN_OK,
	PLAN_CREATE,
	PLAN_CHANGE,
	PLAN_DESTROY,
	PLAN_DUPLICATE, /* destroyed too */
	PLAN_DRIFT,
};

#define PLAN_ACTIONS 6

struct plan_item {
	enum plan_action action;
	char node[PROVIDER_NAME_BYTES]; /* "": a server without our label */
	enum provider_role role;
	unsigned int index;
	char id[PROVIDER_ID_BYTES], ip[IP_TEXT_BYTES]; /* "": none yet */
	char region[PROVIDER_SLUG_BYTES], size[PROVIDER_SLUG_BYTES];
	double price_hourly, price_monthly;
	const struct provider_node *found; /* NULL: none; borrowed */
	char text[300];			   /* why; "" for ok */
	bool looked;			   /* the action follows from a look at the server itself */
};

struct plan {
	struct plan_item *items;
	size_t count;
	size_t counts[PLAN_ACTIONS];
	size_t server_changes;		    /* items that an apply would change */
	enum plan_action firewalls[2];	    /* by enum provider_role; set by the caller */
	double hourly_before, hourly_after; /* what runs, and what will */
	double monthly_before, monthly_after;
};

/* Compares. `catalog` gives the prices of what is to be made (NULL: not known). With `set_up` a
 * server is done when it is set up, else when it runs. With `hosts` a server that is not found goes
 * on running all the same. Returns 0 with *out to be given to plan_fini and pointing into `found`;
 * -ENOMEM. */
int plan_make(const struct provision_config *config, const struct state *state,
	      const struct provider_nodes *found, const struct catalog *catalog, bool set_up,
	      bool hosts, struct plan *out);

void plan_fini(struct plan *plan);

/* What a look at the server of an item that was ok has found: PLAN_CHANGE, an apply puts it right;
 * PLAN_DRIFT, it cannot be looked at. */
void plan_looked(struct plan *plan, size_t item, enum plan_action action, const char *why);

/* True when an apply would change something. */
bool plan_changes(const struct plan *plan);

/* "create", "change", ... and its mark: '+', '~', ... */
const char *plan_action_name(enum plan_action action);
char plan_action_mark(enum plan_action action);

#endif
