#include "netlink/route_ops.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "netlink/batch.h"

static const int families[] = {AF_INET, AF_INET6};

/* --- which defaults stand in the table --- */

static bool is_default(const struct route *route)
{
	return !route->dst.len;
}

static bool is_own(const struct route_kernel *kernel, const struct route *route,
		   const struct route *wanted)
{
	return route->protocol == kernel->owner.protocol && route_same(route, wanted);
}

static bool at_own_metric(const struct route_kernel *kernel, const struct route *route)
{
	return route->protocol == kernel->owner.protocol &&
	       route->metric == route_default(&kernel->owner, NULL, route->dst.ip.family).metric;
}

/* Deletes every default of the table but one per family at our metric and the backstops. */
static int delete_strays(const struct route_kernel *kernel)
{
	struct route *routes, backstop;
	bool kept4 = false, kept6 = false;
	bool *kept;
	size_t count, i;
	int error, ret;

	ret = route_dump(kernel->nl, kernel->owner.table, &routes, &count);
	for (i = 0; i < count; i++) {
		kept = routes[i].dst.ip.family == AF_INET ? &kept4 : &kept6;
		backstop = route_backstop(&kernel->owner, routes[i].dst.ip.family);
		if (!is_default(&routes[i]) || is_own(kernel, &routes[i], &backstop))
			continue;
		if (!*kept && at_own_metric(kernel, &routes[i])) {
			*kept = true;
			continue;
		}
		error = route_apply(kernel->nl, ROUTE_DELETE, &routes[i], NULL);
		if (!ret)
			ret = error;
	}
	free(routes);
	return ret;
}

/* --- swap --- */

/* Both defaults through `hop` in one sendmsg. */
static int send_defaults(const struct route_kernel *kernel, const struct route_hop *hop,
			 struct route_swap_result *out)
{
	struct route route4 = route_default(&kernel->owner, hop, AF_INET);
	struct route route6 = route_default(&kernel->owner, hop, AF_INET6);
	struct batch batch;
	struct mono start;
	char text[160];
	int ret;

	batch_init(&batch);
	route_build(&batch, ROUTE_REPLACE, &route4);
	route_build(&batch, ROUTE_REPLACE, &route6);
	start = clock_now();
	ret = batch_send(&batch, kernel->nl);
	out->swap_us = mono_diff_us(clock_now(), start);
	out->error4 = batch.results[0].error;
	out->error6 = batch.results[1].error;
	if (ret) {
		const struct batch_result *failed = &batch.results[out->error4 ? 0 : 1];

		snprintf(out->text, sizeof(out->text), "%s: %s",
			 route_format(out->error4 ? &route4 : &route6, text, 100),
			 failed->text[0] ? failed->text : strerror(-ret));
	}
	return ret;
}

/* Puts one family back to `from`; where that is impossible, closes it. */
static bool restore_family(const struct route_kernel *kernel, const struct route_hop *from,
			   int family)
{
	struct route route = route_default(&kernel->owner, from, family);

	if (from && !route_apply(kernel->nl, ROUTE_REPLACE, &route, NULL))
		return true;
	route = route_default(&kernel->owner, NULL, family);
	route_apply(kernel->nl, ROUTE_REPLACE, &route, NULL);
	return false;
}

/* A message without an ack may have been applied. */
static bool may_have_moved(int error)
{
	return !error || error == -ETIMEDOUT;
}

static bool worth_reconciling(int error)
{
	return error == -EEXIST || error == -ETIMEDOUT;
}

static int swap(void *ctx, const struct route_hop *from, const struct route_hop *to,
		struct route_swap_result *out)
{
	const struct route_kernel *kernel = ctx;
	int ret;

	memset(out, 0, sizeof(*out));
	ret = send_defaults(kernel, to, out);
	if (worth_reconciling(out->error4) || worth_reconciling(out->error6)) {
		out->reconciled = !delete_strays(kernel);
		ret = send_defaults(kernel, to, out);
	}
	if (!ret) {
		out->text[0] = '\0';
		return 0;
	}
	out->restored = true;
	if (may_have_moved(out->error4))
		out->restored = restore_family(kernel, from, AF_INET);
	if (may_have_moved(out->error6))
		out->restored = restore_family(kernel, from, AF_INET6) && out->restored;
	return ret;
}

/* --- active, verify, repair --- */

static int active(void *ctx, uint32_t *ifindex)
{
	const struct route_kernel *kernel = ctx;
	struct route *routes;
	size_t count, i;
	int ret;

	ret = route_dump(kernel->nl, kernel->owner.table, &routes, &count);
	if (ret)
		return ret;
	ret = -ENOENT;
	for (i = 0; i < count && ret; i++) {
		if (!is_default(&routes[i]) || !at_own_metric(kernel, &routes[i]) || !routes[i].oif)
			continue;
		*ifindex = routes[i].oif;
		ret = 0;
	}
	free(routes);
	return ret;
}

static int check_present(const struct route_kernel *kernel, const struct route *routes,
			 size_t count, const struct route *wanted, struct err *err)
{
	char text[160];
	size_t i;

	for (i = 0; i < count; i++) {
		if (is_own(kernel, &routes[i], wanted))
			return 0;
	}
	return err_set(err, -ENOENT, "missing: %s", route_format(wanted, text, sizeof(text)));
}

static int check_no_other(const struct route_kernel *kernel, const struct route *routes,
			  size_t count, const struct route_hop *hop, struct err *err)
{
	struct route wanted, backstop;
	char text[160];
	size_t i;

	for (i = 0; i < count; i++) {
		wanted = route_default(&kernel->owner, hop, routes[i].dst.ip.family);
		backstop = route_backstop(&kernel->owner, routes[i].dst.ip.family);
		if (is_default(&routes[i]) && !is_own(kernel, &routes[i], &wanted) &&
		    !is_own(kernel, &routes[i], &backstop))
			return err_set(err, -EEXIST, "stray: %s (protocol %u)",
				       route_format(&routes[i], text, sizeof(text)),
				       routes[i].protocol);
	}
	return 0;
}

static int verify(void *ctx, const struct route_hop *hop, struct err *err)
{
	const struct route_kernel *kernel = ctx;
	struct route *routes, wanted;
	size_t count, i;
	int ret;

	ret = route_dump(kernel->nl, kernel->owner.table, &routes, &count);
	if (ret)
		return err_set(err, ret, "table %u: %s", kernel->owner.table, strerror(-ret));
	for (i = 0; i < 2 && !ret; i++) {
		wanted = route_default(&kernel->owner, hop, families[i]);
		ret = check_present(kernel, routes, count, &wanted, err);
		wanted = route_backstop(&kernel->owner, families[i]);
		if (!ret)
			ret = check_present(kernel, routes, count, &wanted, err);
	}
	if (!ret)
		ret = check_no_other(kernel, routes, count, hop, err);
	free(routes);
	return ret;
}

static int repair(void *ctx, const struct route_hop *hop, struct err *err)
{
	const struct route_kernel *kernel = ctx;
	struct route route;
	size_t i;
	int ret;

	/* The backstops first: what is deleted then leaves no hole. */
	for (i = 0; i < 2; i++) {
		route = route_backstop(&kernel->owner, families[i]);
		ret = route_apply(kernel->nl, ROUTE_REPLACE, &route, err);
		if (ret)
			return ret;
	}
	ret = delete_strays(kernel);
	if (ret)
		return err_set(err, ret, "table %u: cannot delete stray defaults: %s",
			       kernel->owner.table, strerror(-ret));
	for (i = 0; i < 2; i++) {
		route = route_default(&kernel->owner, hop, families[i]);
		ret = route_apply(kernel->nl, ROUTE_REPLACE, &route, err);
		if (ret)
			return ret;
	}
	return 0;
}

const struct route_ops route_kernel_ops = {
	.swap = swap,
	.active = active,
	.verify = verify,
	.repair = repair,
};
