#include "provision/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a server that another one is to replace. */
#define REPLACED "goes once its replacement works: comps provision replace %.*s"

struct input {
	const struct provision_config *config;
	const struct state *state;
	const struct provider_nodes *found;
	const struct catalog *catalog;
	bool set_up;
};

const char *plan_action_name(enum plan_action action)
{
	static const char *const names[] = {"ok",      "create",    "change",
					    "destroy", "duplicate", "drift"};

	return names[action];
}

char plan_action_mark(enum plan_action action)
{
	return "=+~--!"[action];
}

static void __attribute__((format(printf, 3, 4)))
settle(struct plan_item *item, enum plan_action action, const char *format, ...)
{
	va_list args;

	item->action = action;
	va_start(args, format);
	vsnprintf(item->text, sizeof(item->text), format, args);
	va_end(args);
}

/* --- which server is the node ----------------------------------------------------------------- */

/* Better: the one that the state names, then the one of its intent, then one that answers, then the
 * older. */
static int rank(const struct provider_node *node, const struct state_node *known)
{
	if (known && *known->id && strcmp(node->id, known->id) == 0)
		return 3;
	if (known && *known->run && strcmp(node->run, known->run) == 0)
		return 2;
	return node->status == PROVIDER_ACTIVE && *node->ip;
}

static bool is_better(const struct provider_node *a, const struct provider_node *b,
		      const struct state_node *known)
{
	int rank_a = rank(a, known), rank_b = rank(b, known), order;

	if (rank_a != rank_b)
		return rank_a > rank_b;
	order = strcmp(a->created, b->created);
	return order ? order < 0 : strcmp(a->id, b->id) < 0;
}

static const struct provider_node *choose(const struct input *in, const char *name)
{
	const struct state_node *known = state_find(in->state, name);
	const struct provider_node *best = NULL;

	for (size_t i = 0; i < in->found->count; i++) {
		const struct provider_node *node = &in->found->items[i];

		if (strcmp(node->name, name) == 0 && !state_retires(in->state, name, node->id) &&
		    (!best || is_better(node, best, known)))
			best = node;
	}
	return best;
}

/* --- items ------------------------------------------------------------------------------------ */

static void describe_found(struct plan_item *item, const struct provider_node *node)
{
	item->found = node;
	item->role = node->role;
	strcpy(item->id, node->id);
	strcpy(item->ip, node->ip);
	strcpy(item->region, node->region);
	strcpy(item->size, node->size);
	item->price_hourly = node->price_hourly;
	item->price_monthly = node->price_monthly;
}

static void to_create(const struct input *in, const struct config_node *want,
		      const struct state_node *known, struct plan_item *item)
{
	const struct catalog_size *size =
		in->catalog ? catalog_find_size(in->catalog, want->size) : NULL;

	strcpy(item->region, want->region);
	strcpy(item->size, want->size);
	if (size) {
		item->price_hourly = size->price_hourly;
		item->price_monthly = size->price_monthly;
	}
	if (known && *known->id)
		settle(item, PLAN_CREATE, "server %s is gone", known->id);
	else if (known)
		settle(item, PLAN_CREATE, "the last run ended while it was being made");
	else
		settle(item, PLAN_CREATE, "new");
}

static void to_keep(const struct input *in, const struct config_node *want,
		    const struct state_node *known, struct plan_item *item)
{
	const struct provider_node *node = item->found;

	if (strcmp(node->region, want->region) != 0 || strcmp(node->size, want->size) != 0)
		settle(item, PLAN_DRIFT, "the configuration says %s in %s; to replace it: %s %s%s",
		       want->size, want->region,
		       want->role == PROVIDER_VPN ? "replace" : "destroy --node", want->name,
		       want->role == PROVIDER_VPN ? "" : ", then apply");
	else if (node->role != want->role)
		settle(item, PLAN_DRIFT,
		       "was made as %s; to replace it: destroy --node %s, then "
		       "apply",
		       provider_role_name(node->role), want->name);
	else if (node->status == PROVIDER_OFF)
		settle(item, PLAN_DRIFT, "is switched off, and costs all the same");
	else if (!known || strcmp(known->id, node->id) != 0)
		settle(item, PLAN_CHANGE, "not set up from here yet: to be adopted");
	else if (node->status != PROVIDER_ACTIVE || known->status < STATE_ACTIVE)
		settle(item, PLAN_CHANGE, "wait until it runs");
	else if (strcmp(known->ip, node->ip) != 0)
		settle(item, PLAN_CHANGE, "its address was %s", known->ip);
	else if (in->set_up && known->status < STATE_READY)
		settle(item, PLAN_CHANGE, "set up");
	else if (known->index != want->index)
		settle(item, PLAN_CHANGE, "was number %u of the proxies, is now %u", known->index,
		       want->index);
	else if (in->set_up && want->role == PROVIDER_VPN && !known->proved)
		settle(item, PLAN_CHANGE, "is set up, but has not been seen to work yet");
	else
		settle(item, PLAN_OK, "%s", "");
}

static struct plan_item *add_item(struct plan *plan, const char *node)
{
	struct plan_item *item = &plan->items[plan->count++];

	snprintf(item->node, sizeof(item->node), "%s", node);
	return item;
}

static void add_wanted(const struct input *in, const struct config_node *want, struct plan *plan)
{
	struct plan_item *item = add_item(plan, want->name);
	const struct state_node *known = state_find(in->state, want->name);
	const struct provider_node *node = choose(in, want->name);

	if (node) {
		describe_found(item, node);
		to_keep(in, want, known, item);
	} else {
		to_create(in, want, known, item);
	}
	item->role = want->role;
	item->index = want->index;
}

static bool is_wanted(const struct provision_config *config, const char *name)
{
	for (size_t i = 0; i < config->node_count; i++)
		if (strcmp(config->nodes[i].name, name) == 0)
			return true;
	return false;
}

static void add_found(const struct input *in, const struct provider_node *node, struct plan *plan)
{
	struct plan_item *item;

	if (*node->name && choose(in, node->name) == node && is_wanted(in->config, node->name))
		return;
	item = add_item(plan, node->name);
	describe_found(item, node);
	if (state_retires(in->state, node->name, node->id))
		settle(item, PLAN_DRIFT, REPLACED, PROVIDER_NAME_BYTES, node->name);
	else if (!*node->name)
		settle(item, PLAN_DRIFT,
		       "\"%.60s\" has the network's tag but no node's; it is left alone",
		       node->title);
	else if (is_wanted(in->config, node->name))
		settle(item, PLAN_DUPLICATE, "a second server for this node");
	else
		settle(item, PLAN_DESTROY, "no longer in the configuration");
}

/* A host that we have set up and that nobody wants any more. */
static void add_left(const struct input *in, const struct state_node *known, struct plan *plan)
{
	struct plan_item *item;

	if (is_wanted(in->config, known->name))
		return;
	item = add_item(plan, known->name);
	item->role = known->role;
	strcpy(item->id, known->id);
	strcpy(item->ip, known->ip);
	if (state_is_retired(known))
		settle(item, PLAN_DRIFT, REPLACED, (int)strlen(known->name) - 1, known->name);
	else
		settle(item, PLAN_DESTROY, "no longer in the inventory: to be cleared");
}

static void add_up(struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_item *item = &plan->items[i];
		bool goes = item->action == PLAN_DESTROY || item->action == PLAN_DUPLICATE;

		plan->counts[item->action]++;
		if (item->found) {
			plan->hourly_before += item->price_hourly;
			plan->monthly_before += item->price_monthly;
		}
		if (!goes) {
			plan->hourly_after += item->price_hourly;
			plan->monthly_after += item->price_monthly;
		}
	}
	plan->server_changes = plan->count - plan->counts[PLAN_OK] - plan->counts[PLAN_DRIFT];
}

int plan_make(const struct provision_config *config, const struct state *state,
	      const struct provider_nodes *found, const struct catalog *catalog, bool set_up,
	      bool hosts, struct plan *out)
{
	struct input in = {.config = config,
			   .state = state,
			   .found = found,
			   .catalog = catalog,
			   .set_up = set_up};

	*out = (struct plan){
		.items = calloc(config->node_count + found->count + state->node_count + 1,
				sizeof(*out->items))};
	if (!out->items)
		return -ENOMEM;
	for (size_t i = 0; i < config->node_count; i++)
		add_wanted(&in, &config->nodes[i], out);
	for (size_t i = 0; i < found->count; i++)
		add_found(&in, &found->items[i], out);
	for (size_t i = 0; hosts && i < state->node_count; i++)
		add_left(&in, &state->nodes[i], out);
	add_up(out);
	return 0;
}

void plan_looked(struct plan *plan, size_t i, enum plan_action action, const char *why)
{
	struct plan_item *item = &plan->items[i];

	plan->counts[item->action]--;
	plan->counts[action]++;
	plan->server_changes += action == PLAN_CHANGE;
	item->looked = true;
	settle(item, action, "%s: %s",
	       action == PLAN_CHANGE ? "no longer as it was set up" : "cannot be looked at", why);
}

void plan_fini(struct plan *plan)
{
	free(plan->items);
	plan->items = NULL;
}

bool plan_changes(const struct plan *plan)
{
	return plan->server_changes > 0 || plan->firewalls[PROVIDER_VPN] != PLAN_OK ||
	       plan->firewalls[PROVIDER_COMP] != PLAN_OK;
}
