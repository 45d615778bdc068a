/* The bytes of requests, and what becomes of a batch. */
#include <sodium.h>

#include "netlink/batch.h"
#include "tests/unit/netlink_world.h"

static const struct route_owner owner = {TABLE, OURS};
static const struct route_hop hop = {7, 258, true, true};

#define CHECK(batch, wanted)                                                                       \
	do {                                                                                       \
		char hex[1024];                                                                    \
                                                                                                   \
		sodium_bin2hex(hex, sizeof(hex), (batch)->bytes, (batch)->used);                   \
		assert_string_equal(hex, wanted);                                                  \
	} while (0)

static void assert_route(enum route_verb verb, struct route route, const char *wanted)
{
	struct batch batch;

	batch_init(&batch);
	assert_int_equal(route_build(&batch, verb, &route), 0);
	CHECK(&batch, wanted);
}

static void assert_rule(bool add, struct rule rule, const char *wanted)
{
	struct batch batch;

	batch_init(&batch);
	assert_int_equal(rule_build(&batch, add, &rule), 0);
	CHECK(&batch, wanted);
}

static void labels_are_numbered(void **state)
{
	char text[IP_TEXT_BYTES];
	struct ip ip;

	(void)state;
	ip = route_label4(1);
	assert_string_equal(ip_format(&ip, text), "169.254.128.1");
	ip = route_label4(ROUTE_LABEL_MAX);
	assert_string_equal(ip_format(&ip, text), "169.254.255.255");
	ip = route_label6(258);
	assert_string_equal(ip_format(&ip, text), "fe80::c0:102");
}

static void routes_are_built_as_the_kernel_wants_them(void **state)
{
	struct ip_prefix net = prefix("192.0.2.77/24");

	(void)state;
	assert_route(ROUTE_REPLACE, route_default(&owner, &hop, AF_INET),
		     "3c000000180005050000000000000000" /* RTM_NEWROUTE, replace | create | ack */
		     "02000000"
		     "00c90001"
		     "04000000"		/* IPv4 /0, protocol 201, unicast, onlink */
		     "08000f006dca0000" /* RTA_TABLE 51821 */
		     "0800060000000000" /* RTA_PRIORITY 0 */
		     "08000500a9fe8102" /* RTA_GATEWAY 169.254.129.2 */
		     "0800040007000000" /* RTA_OIF 7 */);
	assert_route(ROUTE_REPLACE, route_default(&owner, &hop, AF_INET6),
		     "48000000180005050000000000000000"
		     "0a000000"
		     "00c90001"
		     "04000000"
		     "08000f006dca0000"
		     "0800060064000000" /* metric 100 */
		     "14000500fe800000000000000000000000c00102"
		     "0800040007000000");
	assert_route(ROUTE_ADD, route_backstop(&owner, AF_INET),
		     "2c000000180005060000000000000000" /* create | excl | ack */
		     "02000000"
		     "00c90007"
		     "00000000" /* unreachable */
		     "08000f006dca0000"
		     "08000600ffffffff");
	assert_route(ROUTE_DELETE, route_pin(&owner, &hop, AF_INET),
		     "44000000190005000000000000000000" /* RTM_DELROUTE */
		     "02200000"
		     "00c90001"
		     "04000000" /* /32 */
		     "08000100a9fe8102"
		     "08000f006dca0000"
		     "0800060000000000"
		     "08000500a9fe8102"
		     "0800040007000000");
	assert_route(ROUTE_ADD, route_device(&owner, &net, 7),
		     "3c000000180005060000000000000000"
		     "02180000"
		     "00c9fd01"
		     "00000000" /* /24, RT_SCOPE_LINK */
		     "08000100c0000200"
		     "08000f006dca0000"
		     "0800060000000000"
		     "0800040007000000");
}

static void a_missing_family_becomes_unreachable(void **state)
{
	struct route_hop v4_only = {7, 1, true, false};
	struct route closed = route_default(&owner, NULL, AF_INET6);
	struct route lacking = route_default(&owner, &v4_only, AF_INET6);

	(void)state;
	assert_true(route_same(&closed, &lacking));
	assert_int_equal(lacking.type, RTN_UNREACHABLE);
	assert_int_equal(lacking.metric, ROUTE_METRIC6);
	assert_int_equal(lacking.oif, 0);
}

static void rules_are_built_as_the_kernel_wants_them(void **state)
{
	(void)state;
	assert_rule(true,
		    (struct rule){.family = AF_INET,
				  .priority = 10020,
				  .protocol = OURS,
				  .table = INNER,
				  .mark = INNER,
				  .invert = true},
		    "44000000200005060000000000000000" /* RTM_NEWRULE, create | excl | ack */
		    "02000000"
		    "00000001"
		    "02000000"	       /* IPv4, to table, invert */
		    "0800060024270000" /* FRA_PRIORITY 10020 */
		    "05001500c9000000" /* FRA_PROTOCOL */
		    "08000f006cca0000" /* FRA_TABLE */
		    "08000a006cca0000"
		    "08001000ffffffff" /* FRA_FWMARK, FRA_FWMASK */);
	assert_rule(false,
		    (struct rule){.family = AF_INET6,
				  .priority = 10001,
				  .protocol = OURS,
				  .unreachable = true,
				  .oifname = "wg0",
				  .to = prefix("fd00::/8")},
		    "48000000210005000000000000000000" /* RTM_DELRULE */
		    "0a080000"
		    "00000007"
		    "00000000" /* IPv6, to a /8, unreachable */
		    "0800060011270000"
		    "05001500c9000000"
		    "0800110077673000" /* FRA_OIFNAME "wg0" */
		    "14000100fd000000000000000000000000000000");
}

static void a_full_batch_takes_no_more(void **state)
{
	struct route route = route_default(&owner, &hop, AF_INET6);
	struct batch batch;
	int i;

	(void)state;
	batch_init(&batch);
	for (i = 0; i < BATCH_MESSAGES; i++)
		assert_int_equal(route_build(&batch, ROUTE_ADD, &route), 0);
	assert_int_equal(route_build(&batch, ROUTE_ADD, &route), -ENOBUFS);
	assert_int_equal(batch.count, BATCH_MESSAGES);
}

/* --- on a real kernel --- */

static void every_message_has_its_own_result(void **state)
{
	struct world *w = world_or_skip(state);
	struct route good = route_backstop(&owner, AF_INET),
		     bad = route_default(&owner, &hop, AF_INET);
	struct batch batch;
	uint32_t seq = w->nl.seq;

	batch_init(&batch);
	bad.oif = 4711;
	assert_int_equal(batch_send(&batch, &w->nl), 0); /* nothing to do */
	route_build(&batch, ROUTE_ADD, &good);
	route_build(&batch, ROUTE_ADD, &bad);
	route_build(&batch, ROUTE_ADD, &good);
	assert_int_equal(batch_send(&batch, &w->nl), -ENODEV);
	assert_int_equal(batch.results[0].error, 0);
	assert_int_equal(batch.results[1].error, -ENODEV);
	assert_int_equal(batch.results[2].error, -EEXIST);
	assert_true(batch.results[1].text[0] != '\0');
	assert_int_equal(w->nl.seq, seq + 3);
	assert_true(seq > 65536);
	assert_int_equal(batch_send(&batch, &w->nl), -EEXIST); /* again */
}

static void a_lost_ack_is_a_timeout_and_no_hang(void **state)
{
	struct world *w = world_or_skip(state);
	struct route route = route_backstop(&owner, AF_INET),
		     route6 = route_backstop(&owner, AF_INET6);
	struct nlmsghdr *second;
	struct batch batch;
	struct link link;

	batch_init(&batch);
	route_build(&batch, ROUTE_ADD, &route);
	second = (struct nlmsghdr *)(batch.bytes + batch.used);
	route_build(&batch, ROUTE_ADD, &route6);
	/* The kernel stops at a message that is longer than the rest, without a word. */
	second->nlmsg_len += 4;
	assert_int_equal(batch_send(&batch, &w->nl), -ETIMEDOUT);
	assert_int_equal(batch.results[0].error, 0);
	assert_int_equal(batch.results[1].error, -ETIMEDOUT);
	/* and the socket is still good */
	assert_int_equal(link_get(&w->nl, "wgt1", &link), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_are_numbered),
		cmocka_unit_test(routes_are_built_as_the_kernel_wants_them),
		cmocka_unit_test(a_missing_family_becomes_unreachable),
		cmocka_unit_test(rules_are_built_as_the_kernel_wants_them),
		cmocka_unit_test(a_full_batch_takes_no_more),
		TEST(every_message_has_its_own_result),
		TEST(a_lost_ack_is_a_timeout_and_no_hang),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
