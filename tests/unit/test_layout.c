/* What a configuration wants the kernel to hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/layout.h"

#define PATHS 2
#define MAIN  254

/* A configuration by hand; two paths, two bypass prefixes. */
struct fixture {
	struct conf conf;
	struct conf_path paths[PATHS];
	struct wgquick wg[PATHS], inner;
	struct ip_prefix addresses[PATHS][2], bypass[2];
	struct layout layout;
};

static void fill_path(struct fixture *f, size_t i, const char *address4, const char *address6)
{
	struct conf_path *path = &f->paths[i];

	snprintf(path->tunnel.interface, sizeof(path->tunnel.interface), "wgnet%zu", i + 1);
	path->tunnel.wg = &f->wg[i];
	f->wg[i].addresses = f->addresses[i];
	f->wg[i].address_count = 0;
	if (address4)
		assert_int_equal(
			ip_prefix_parse(address4, &f->addresses[i][f->wg[i].address_count++]), 0);
	if (address6)
		assert_int_equal(
			ip_prefix_parse(address6, &f->addresses[i][f->wg[i].address_count++]), 0);
}

static void fill(struct fixture *f, enum conf_mode mode)
{
	memset(f, 0, sizeof(*f));
	f->conf = (struct conf){
		.mode = mode,
		.paths = f->paths,
		.path_count = PATHS,
		.network = {.table_inner = 51820,
			    .table_overlay = 51821,
			    .mark_inner = 1,
			    .mark_overlay = 2,
			    .mark_steer = 3,
			    .rule_priority = 10000,
			    .probe_table = 60000,
			    .protocol = 201,
			    .nft_table = "comps"},
		.bypass = f->bypass,
		.bypass_count = 2,
	};
	f->conf.inner.tunnel.wg = &f->inner;
	f->inner.endpoint.port = 4500;
	fill_path(f, 0, "10.11.1.2/32", "fd11:1::2/128");
	fill_path(f, 1, "10.11.2.2/32", NULL);
	assert_int_equal(ip_prefix_parse("192.168.1.7/24", &f->bypass[0]), 0);
	assert_int_equal(ip_prefix_parse("fd00::/8", &f->bypass[1]), 0);
	assert_int_equal(layout_init(&f->layout, &f->conf), 0);
}

/* The rules of one family, as text, one a line. */
static const char *rules_text(const struct layout *layout, int family, char *text, size_t bytes)
{
	char line[160];
	size_t i, used = 0;

	text[0] = '\0';
	for (i = 0; i < layout->rule_count; i++) {
		if (layout->rules[i].family != family)
			continue;
		rule_format(&layout->rules[i], line, sizeof(line));
		used += (size_t)snprintf(text + used, bytes - used, "%s\n", line);
	}
	return text;
}

static void expect_rule(const struct rule *rule, uint32_t priority, uint32_t mark, bool invert,
			uint32_t table)
{
	assert_int_equal(rule->priority, priority);
	assert_int_equal(rule->mark, mark);
	assert_int_equal(rule->invert, invert);
	assert_int_equal(rule->table, table);
	assert_int_equal(rule->unreachable, table == 0);
	assert_int_equal(rule->protocol, 201);
	assert_string_equal(rule->oifname, "");
}

/* Only for what has no port, and for no default route. */
static void expect_gateway_rule(const struct rule *rule)
{
	expect_rule(rule, 10017, 0, true, MAIN);
	assert_int_equal(rule->port_first, 1);
	assert_int_equal(rule->port_last, 65534);
	assert_true(rule->no_default);
}

static void test_nested_rules(void **state)
{
	const struct rule *rule;
	struct fixture f;
	int family;

	(void)state;
	fill(&f, CONF_NESTED);
	assert_int_equal(f.layout.rule_count, 2 * (9 + PATHS + 1));
	rule = f.layout.rules;
	for (family = 0; family < 2; family++) {
		expect_rule(rule++, 10000, 2, false, MAIN);
		expect_rule(rule++, 10001, 2, false, 0);
		expect_rule(rule++, 10010, 1, false, 51821);
		expect_rule(rule++, 10011, 1, false, 0);
		expect_rule(rule++, 10012, 3, false, 51821);
		expect_rule(rule++, 10013, 3, false, 0);
		assert_string_equal(rule->oifname, "wgnet1");
		assert_int_equal(rule++->table, 60000);
		assert_string_equal(rule->oifname, "wgnet2");
		assert_int_equal(rule->priority, 10015);
		assert_int_equal(rule++->table, 60001);
		assert_int_equal(rule->priority, 10016);
		assert_int_equal(rule->to.len, family == 0 ? 24 : 8);
		assert_int_equal(rule++->table, MAIN);
		expect_gateway_rule(rule++);
		expect_rule(rule++, 10020, 1, true, 51820);
		expect_rule(rule++, 10021, 1, true, 0);
	}
	layout_fini(&f.layout);
}

static void test_direct_rules(void **state)
{
	const struct rule *rule;
	struct fixture f;
	int family;

	(void)state;
	fill(&f, CONF_DIRECT);
	assert_int_equal(f.layout.rule_count, 2 * (5 + PATHS + 1));
	rule = f.layout.rules;
	for (family = 0; family < 2; family++) {
		expect_rule(rule++, 10000, 2, false, MAIN);
		expect_rule(rule++, 10001, 2, false, 0);
		rule += PATHS + 1;
		expect_gateway_rule(rule++);
		expect_rule(rule++, 10020, 2, true, 51821);
		expect_rule(rule++, 10021, 2, true, 0);
	}
	layout_fini(&f.layout);
}

/* A packet that matches a lookup which finds nothing must meet its guard next. */
static void test_every_lookup_by_mark_has_its_guard(void **state)
{
	struct fixture f;
	enum conf_mode mode;
	size_t i;

	(void)state;
	for (mode = CONF_NESTED; mode <= CONF_DIRECT; mode++) {
		fill(&f, mode);
		for (i = 0; i < f.layout.rule_count; i++) {
			const struct rule *lookup = &f.layout.rules[i];

			if (lookup->unreachable || !lookup->mark)
				continue;
			assert_true(i + 1 < f.layout.rule_count);
			assert_true(lookup[1].unreachable);
			assert_int_equal(lookup[1].family, lookup->family);
			assert_int_equal(lookup[1].mark, lookup->mark);
			assert_int_equal(lookup[1].invert, lookup->invert);
			assert_int_equal(lookup[1].priority, lookup->priority + 1);
		}
		layout_fini(&f.layout);
	}
}

static void test_both_families_are_treated_alike(void **state)
{
	char text4[4096], text6[4096], *at;
	struct fixture f;

	(void)state;
	fill(&f, CONF_NESTED);
	layout_fini(&f.layout);
	f.conf.bypass_count = 0;
	assert_int_equal(layout_init(&f.layout, &f.conf), 0);
	rules_text(&f.layout, AF_INET, text4, sizeof(text4));
	rules_text(&f.layout, AF_INET6, text6, sizeof(text6));
	for (at = text6; (at = strstr(at, "IPv6")); at++)
		at[3] = '4';
	assert_true(strlen(text4) > 100);
	assert_string_equal(text4, text6);
	layout_fini(&f.layout);
}

static void test_bypass_is_masked(void **state)
{
	char text[4096];
	struct fixture f;

	(void)state;
	fill(&f, CONF_NESTED);
	rules_text(&f.layout, AF_INET, text, sizeof(text));
	assert_non_null(strstr(text, "192.168.1.0/24"));
	assert_null(strstr(text, "fd00::"));
	layout_fini(&f.layout);
}

static void test_the_guard_knows_every_source(void **state)
{
	struct fixture f;
	char text[IP_TEXT_BYTES];

	(void)state;
	fill(&f, CONF_NESTED);
	assert_string_equal(f.layout.guard.table, "comps");
	assert_false(f.layout.guard.direct);
	assert_int_equal(f.layout.guard.exit_port, 4500);
	assert_int_equal(f.layout.guard.path_count, PATHS);
	assert_string_equal(f.layout.guard.paths[0].overlay, "wgnet1");
	assert_string_equal(ip_format(&f.layout.guard.paths[0].source4, text), "10.11.1.2");
	assert_string_equal(ip_format(&f.layout.guard.paths[0].source6, text), "fd11:1::2");
	assert_int_equal(f.layout.guard.paths[1].source6.family, AF_UNSPEC);
	assert_int_equal(layout_label(&f.layout, 0), 1);
	assert_int_equal(layout_label(&f.layout, 1), 2);
	layout_fini(&f.layout);
	fill(&f, CONF_DIRECT);
	assert_true(f.layout.guard.direct);
	assert_int_equal(f.layout.guard.overlay_mark, 2);
	layout_fini(&f.layout);
}

static void test_what_is_claimed(void **state)
{
	struct fixture f;
	size_t i;

	(void)state;
	fill(&f, CONF_NESTED);
	assert_int_equal(f.layout.claim.protocol, 201);
	assert_int_equal(f.layout.claim.table_count, 2 + PATHS);
	assert_int_equal(f.layout.claim.mark_count, 3);
	assert_int_equal(f.layout.claim.priority_count, f.layout.rule_count);
	for (i = 0; i < f.layout.rule_count; i++)
		assert_int_equal(f.layout.claim.priorities[i], f.layout.rules[i].priority);
	assert_int_equal(layout_probe_table(&f.conf, 1).table, 60001);
	assert_int_equal(layout_probe_table(&f.conf, 1).protocol, 201);
	layout_fini(&f.layout);
	fill(&f, CONF_DIRECT); /* no inner table, and no marks for it */
	assert_int_equal(f.layout.claim.table_count, 1 + PATHS);
	assert_int_equal(f.layout.claim.tables[0], 51821);
	assert_int_equal(f.layout.claim.mark_count, 1);
	layout_fini(&f.layout);
}

static void test_labels_in_use_stay_with_their_paths(void **state)
{
	unsigned int used[PATHS] = {[1] = 1};
	struct fixture f;
	size_t i, j;

	(void)state;
	fill(&f, CONF_NESTED);
	layout_keep_labels(&f.layout, used);
	assert_int_equal(layout_label(&f.layout, 1), 1);
	for (i = 0; i < PATHS; i++) {
		assert_in_range(layout_label(&f.layout, i), 1, PATHS);
		for (j = 0; j < i; j++)
			assert_int_not_equal(layout_label(&f.layout, i),
					     layout_label(&f.layout, j));
	}
	layout_fini(&f.layout);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nested_rules),
		cmocka_unit_test(test_direct_rules),
		cmocka_unit_test(test_every_lookup_by_mark_has_its_guard),
		cmocka_unit_test(test_both_families_are_treated_alike),
		cmocka_unit_test(test_bypass_is_masked),
		cmocka_unit_test(test_the_guard_knows_every_source),
		cmocka_unit_test(test_labels_in_use_stay_with_their_paths),
		cmocka_unit_test(test_what_is_claimed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
