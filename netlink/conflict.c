#include "netlink/conflict.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "netlink/route.h"
#include "netlink/rule.h"

static bool in(const uint32_t *numbers, size_t count, uint32_t number)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (numbers[i] == number)
			return true;
	}
	return false;
}

/* What a foreign rule takes of ours, as a word; NULL when nothing. */
static const char *taken(const struct conflict_claim *claim, const struct rule *rule)
{
	if (rule->protocol == claim->protocol)
		return NULL;
	if (rule->mark && in(claim->marks, claim->mark_count, rule->mark))
		return "mark";
	if (in(claim->tables, claim->table_count, rule->table))
		return "table";
	if (in(claim->priorities, claim->priority_count, rule->priority))
		return "priority";
	return NULL;
}

static int check_rules(struct nl *nl, const struct conflict_claim *claim, struct err *err)
{
	struct rule *rules;
	size_t count, i;
	char text[160];
	const char *what;
	int ret;

	ret = rule_dump(nl, &rules, &count);
	if (ret)
		return err_set(err, ret, "cannot list the routing rules: %s", strerror(-ret));
	for (i = 0; i < count && !ret; i++) {
		what = taken(claim, &rules[i]);
		if (what)
			ret = err_set(err, -EBUSY,
				      "somebody else's %s (protocol %u) uses the same %s",
				      rule_format(&rules[i], text, sizeof(text)), rules[i].protocol,
				      what);
	}
	free(rules);
	return ret;
}

static int check_table(struct nl *nl, const struct conflict_claim *claim, uint32_t table,
		       struct err *err)
{
	struct route *routes;
	size_t count, i;
	char text[160];
	int ret;

	ret = route_dump(nl, table, &routes, &count);
	if (ret)
		return err_set(err, ret, "cannot list table %u: %s", table, strerror(-ret));
	for (i = 0; i < count && !ret; i++) {
		if (routes[i].protocol != claim->protocol)
			ret = err_set(err, -EBUSY, "somebody else's route (protocol %u): %s",
				      routes[i].protocol,
				      route_format(&routes[i], text, sizeof(text)));
	}
	free(routes);
	return ret;
}

int conflict_find(struct nl *nl, const struct conflict_claim *claim, struct err *err)
{
	size_t i;
	int ret;

	ret = check_rules(nl, claim, err);
	for (i = 0; i < claim->table_count && !ret; i++)
		ret = check_table(nl, claim, claim->tables[i], err);
	return ret;
}
