/* The pure parts of provisioning: when to try again, rules of firewalls, what to do, first boots.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "provision/catalog.h"
#include "provision/firewall.h"
#include "provision/http.h"
#include "provision/plan.h"
#include "provision/pubkey.h"
#include "provision/retry.h"
#include "provision/token.h"
#include "provision/user_data.h"

/* --- retry ------------------------------------------------------------------------------------ */

static struct retry_event event_of(enum retry_outcome outcome, int status, bool repeatable,
				   unsigned int attempt)
{
	return (struct retry_event){.outcome = outcome,
				    .status = status,
				    .repeatable = repeatable,
				    .retry_after_s = -1,
				    .ratelimit_reset_s = -1,
				    .attempt = attempt};
}

static void expect_retry(struct retry_event event, enum retry_what what, int64_t wait_us)
{
	struct retry_verdict verdict = retry_decide(&event, 1000, 0.5);

	assert_int_equal(verdict.what, what);
	assert_int_equal(verdict.wait_us, wait_us);
}

static void test_retry_table(void **state)
{
	(void)state;
	expect_retry(event_of(RETRY_ANSWERED, 200, true, 0), RETRY_TAKE, 0);
	expect_retry(event_of(RETRY_ANSWERED, 401, true, 0), RETRY_TAKE, 0);
	expect_retry(event_of(RETRY_ANSWERED, 403, false, 0), RETRY_TAKE, 0);
	expect_retry(event_of(RETRY_ANSWERED, 422, false, 0), RETRY_TAKE, 0);
	/* nothing was sent: any request may be made again */
	expect_retry(event_of(RETRY_NOT_SENT, 0, false, 0), RETRY_WAIT, 1000000);
	expect_retry(event_of(RETRY_NOT_SENT, 0, false, 4), RETRY_WAIT, 16000000);
	expect_retry(event_of(RETRY_NOT_SENT, 0, false, 5), RETRY_END, 0);
	/* perhaps done: only what can be repeated is */
	expect_retry(event_of(RETRY_UNKNOWN, 0, true, 2), RETRY_WAIT, 4000000);
	expect_retry(event_of(RETRY_UNKNOWN, 0, false, 0), RETRY_UNSURE, 0);
	expect_retry(event_of(RETRY_ANSWERED, 503, true, 3), RETRY_WAIT, 8000000);
	expect_retry(event_of(RETRY_ANSWERED, 503, true, 5), RETRY_END, 0);
	expect_retry(event_of(RETRY_ANSWERED, 500, false, 0), RETRY_UNSURE, 0);
}

static void test_retry_rate_limits(void **state)
{
	struct retry_event event = event_of(RETRY_ANSWERED, 429, false, 0);

	(void)state;
	expect_retry(event, RETRY_WAIT, 1000000);
	event.ratelimit_reset_s = 1010;
	expect_retry(event, RETRY_WAIT, 10250000);
	event.ratelimit_reset_s = 5000; /* capped */
	expect_retry(event, RETRY_WAIT, 60250000);
	event.retry_after_s = 3;
	expect_retry(event, RETRY_WAIT, 3250000);
	event.retry_after_s = -1;
	event.ratelimit_reset_s = 10; /* over already */
	event.attempt = 2;
	expect_retry(event, RETRY_WAIT, 4000000);
	event.attempt = RETRY_RATE_MAX;
	expect_retry(event, RETRY_END, 0);
}

static void test_retry_try_again(void **state)
{
	struct retry_event event = event_of(RETRY_ANSWERED, 422, false, 1);

	(void)state;
	event.try_again = true;
	expect_retry(event, RETRY_WAIT, 2000000);
	event.attempt = RETRY_TRY_AGAIN_MAX;
	expect_retry(event, RETRY_TAKE, 0);
}

static void test_retry_jitter_stays_within_a_quarter(void **state)
{
	struct retry_event event = event_of(RETRY_NOT_SENT, 0, true, 1);

	(void)state;
	assert_int_equal(retry_decide(&event, 0, 0).wait_us, 1500000);
	assert_int_equal(retry_decide(&event, 0, 1).wait_us, 2500000);
}

/* --- http ------------------------------------------------------------------------------------- */

static void test_where_the_token_may_go(void **state)
{
	static const char *const good[] = {"https://api.example.com", "https://api.example.com/x/",
					   "http://127.0.0.1:8080",   "http://127.9.9.9",
					   "http://localhost:1",      "http://[::1]:80"};
	static const char *const bad[] = {"http://api.example.com",
					  "http://127.0.0.1.example.com",
					  "ftp://127.0.0.1",
					  "https://user@api.example.com",
					  "https://a/?x=1",
					  "https://a/#x",
					  "http://localhost.evil",
					  "http://[::2]",
					  "",
					  "file:///etc/passwd",
					  "gopher://[::1]"};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (provision_http_check(good[i], &e))
			fail_msg("%s: %s", good[i], e.text);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!provision_http_check(bad[i], &e))
			fail_msg("%s is accepted", bad[i]);
}

/* --- firewalls -------------------------------------------------------------------------------- */

static void test_ports(void **state)
{
	static const struct {
		const char *text;
		unsigned int first, last;
	} good[] = {{"22", 22, 22},	  {"8000-9000", 8000, 9000}, {"0", 0, 65535},
		    {"all", 0, 65535},	  {"1-65535", 0, 65535},     {"", 0, 65535},
		    {"0-65535", 0, 65535}};
	static const char *const bad[] = {"x", "22x", "9-8", "70000", "-1", "1-", "22,23", "1-2-3"};
	unsigned int first, last;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(firewall_parse_ports(good[i].text, &first, &last), 0);
		assert_int_equal(first, good[i].first);
		assert_int_equal(last, good[i].last);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(firewall_parse_ports(bad[i], &first, &last), -EINVAL);
}

static void add(struct firewall *f, enum firewall_protocol protocol, unsigned int first,
		unsigned int last, const char *a, const char *b)
{
	struct ip_prefix prefix;

	assert_int_equal(firewall_add_rule(f, protocol, first, last), 0);
	ip_prefix_parse(a, &prefix);
	firewall_add_source(f, &prefix);
	ip_prefix_parse(b, &prefix);
	firewall_add_source(f, &prefix);
}

static void test_same_rules_in_another_order(void **state)
{
	struct firewall a = {.open_out = true}, b = {.open_out = true};

	(void)state;
	add(&a, FIREWALL_TCP, 22, 22, "10.0.0.0/8", "192.0.2.1");
	add(&a, FIREWALL_ICMP, 0, 65535, "0.0.0.0/0", "::/0");
	add(&b, FIREWALL_ICMP, 0, 0, "::/0", "0.0.0.0/0");
	add(&b, FIREWALL_TCP, 22, 22, "192.0.2.1/32", "10.1.2.3/8");
	assert_true(firewall_same(&a, &b));
	b.open_out = false;
	assert_false(firewall_same(&a, &b));
	b.open_out = true;
	b.rules[1].port_last = 23;
	assert_false(firewall_same(&a, &b));
	firewall_fini(&a);
	firewall_fini(&b);
}

/* --- plans ------------------------------------------------------------------------------------ */

static struct config_node wants[] = {
	{.name = "ams", .region = "ams3", .size = "s", .role = PROVIDER_VPN, .index = 0},
	{.name = "exit", .region = "nyc1", .size = "s", .role = PROVIDER_COMP},
};

static struct provider_node server(const char *id, const char *name, const char *created)
{
	struct provider_node node = {.status = PROVIDER_ACTIVE,
				     .price_hourly = 0.01,
				     .price_monthly = 6,
				     .ip = "203.0.113.9",
				     .size = "s",
				     .region = "ams3"};

	if (strcmp(name, "exit") == 0) {
		strcpy(node.region, "nyc1");
		node.role = PROVIDER_COMP;
	}
	snprintf(node.id, sizeof(node.id), "%s", id);
	snprintf(node.name, sizeof(node.name), "%s", name);
	snprintf(node.created, sizeof(node.created), "%s", created);
	return node;
}

static struct state_node known(const char *name, const char *id, enum state_status status)
{
	struct state_node node = {.status = status, .ip = "203.0.113.9"};

	snprintf(node.name, sizeof(node.name), "%s", name);
	snprintf(node.id, sizeof(node.id), "%s", id);
	return node;
}

static void expect_plan(struct state_node *nodes, size_t node_count, struct provider_node *servers,
			size_t server_count, bool set_up, const char *wanted)
{
	struct provision_config config = {.nodes = wants, .node_count = 2};
	struct state st = {.nodes = nodes, .node_count = node_count};
	struct provider_nodes found = {servers, server_count};
	char text[256] = "";
	struct plan plan;

	assert_int_equal(plan_make(&config, &st, &found, NULL, set_up, false, &plan), 0);
	for (size_t i = 0; i < plan.count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%c%s:%s",
			 i ? " " : "", plan_action_mark(plan.items[i].action), plan.items[i].node,
			 plan.items[i].id);
	assert_string_equal(text, wanted);
	plan_fini(&plan);
}

static void test_plan_kinds(void **state)
{
	struct state_node nodes[] = {known("ams", "1", STATE_ACTIVE),
				     known("exit", "2", STATE_READY)};
	struct provider_node servers[] = {server("1", "ams", "a"), server("2", "exit", "b"),
					  server("3", "old", "c"), server("4", "", "d")};

	(void)state;
	expect_plan(NULL, 0, NULL, 0, false, "+ams: +exit:");
	expect_plan(nodes, 2, servers, 2, false, "=ams:1 =exit:2");
	expect_plan(nodes, 2, servers, 2, true, "~ams:1 =exit:2");
	expect_plan(nodes, 2, servers, 1, false, "=ams:1 +exit:");
	expect_plan(NULL, 0, servers, 2, false, "~ams:1 ~exit:2");
	expect_plan(nodes, 2, servers, 4, false, "=ams:1 =exit:2 -old:3 !:4");
	servers[0].status = PROVIDER_OFF;
	strcpy(servers[1].size, "t");
	expect_plan(nodes, 2, servers, 2, false, "!ams:1 !exit:2");
	servers[0].status = PROVIDER_MAKING;
	strcpy(servers[1].size, "s");
	strcpy(servers[1].ip, "203.0.113.10");
	expect_plan(nodes, 2, servers, 2, false, "~ams:1 ~exit:2");
}

/* Of two the one in the state stays; else the one of the intent; else the older that answers. */
static void test_plan_duplicates(void **state)
{
	struct state_node nodes[] = {known("ams", "6", STATE_ACTIVE),
				     known("exit", "2", STATE_ACTIVE)};
	struct provider_node servers[] = {server("5", "ams", "a"), server("6", "ams", "b"),
					  server("2", "exit", "b")};

	(void)state;
	expect_plan(nodes, 2, servers, 3, false, "=ams:6 =exit:2 -ams:5");
	nodes[0] = known("ams", "", STATE_INTENT);
	strcpy(nodes[0].run, "run");
	expect_plan(nodes, 2, servers, 3, false, "~ams:5 =exit:2 -ams:6");
	strcpy(servers[1].run, "run");
	expect_plan(nodes, 2, servers, 3, false, "~ams:6 =exit:2 -ams:5");
	servers[1].run[0] = '\0';
	servers[0].status = PROVIDER_OFF;
	expect_plan(nodes, 2, servers, 3, false, "~ams:6 =exit:2 -ams:5");
}

static void test_catalog(void **state)
{
	struct catalog catalog = CATALOG_INIT;
	struct catalog_region *region;
	struct catalog_size *size;
	struct err e;

	(void)state;
	region = catalog_add_region(&catalog);
	strcpy(region->slug, "nyc1");
	region->available = true;
	region = catalog_add_region(&catalog);
	strcpy(region->slug, "sfo1");
	region = catalog_add_region(&catalog);
	strcpy(region->slug, "ams3");
	region->available = true;
	size = catalog_add_size(&catalog);
	strcpy(size->slug, "s");
	size->available = true;
	catalog_add_place(size, "nyc1");
	catalog_add_place(size, "sfo1");
	assert_int_equal(catalog_check(&catalog, "nyc1", "s", &e), 0);
	assert_int_equal(catalog_check(&catalog, "sfo1", "s", &e), -EINVAL);
	assert_string_equal(e.text, "region \"sfo1\" is not available; available: nyc1, ams3");
	assert_int_equal(catalog_check(&catalog, "ams3", "s", &e), -EINVAL);
	assert_string_equal(e.text, "size s is not available in region ams3; it is in: nyc1");
	assert_int_equal(catalog_check(&catalog, "nyc1", "x", &e), -EINVAL);
	assert_string_equal(e.text, "size \"x\" is not available; available: s");
	catalog_fini(&catalog);
}

/* --- keys, first boot ------------------------------------------------------------------------- */

static void test_first_boot(void **state)
{
	char public_line[PUBKEY_ED25519_BYTES], pem[PUBKEY_PRIVATE_BYTES], *text;
	struct rng rng;
	struct err e;

	(void)state;
	assert_int_equal(rng_init_seed(&rng, 7), 0);
	assert_int_equal(pubkey_make(&rng, public_line, pem), 0);
	assert_int_equal(pubkey_check(public_line, &e), 0);
	assert_int_equal(user_data_build(public_line, pem, &text, &e), 0);
	assert_memory_equal(text, "#cloud-config\n", 14);
	assert_non_null(
		strstr(text, "\n    -----END OPENSSH PRIVATE KEY-----\n  ed25519_public: "));
	free(text);
	assert_int_equal(user_data_build("ssh-ed25519 \xc3\xa4", pem, &text, &e), -EINVAL);
	assert_int_equal(user_data_build("ssh-ed25519 A\n- evil", pem, &text, &e), -EINVAL);
}

static void test_public_keys(void **state)
{
	static const char *const bad[] = {"",
					  "ssh-ed25519",
					  "ssh-ed25519 AAAA",
					  "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIJCnonvFQLMyw0q1/"
					  "p5+jiY6DZae4M42B6bXMnHO1szr",
					  "ssh-ed25519 !!!!",
					  "-----BEGIN OPENSSH PRIVATE KEY-----"};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(pubkey_check(bad[i], &e), -EINVAL);
}

static char *fake_getenv(const char *name)
{
	static char token[] = " tok ", strange[] = "q z";

	return strcmp(name, "GOOD") == 0 ? token : strcmp(name, "BAD") == 0 ? strange : NULL;
}

static void test_tokens(void **state)
{
	struct provision_config config = {.file = "f"};
	char good[] = "$GOOD", bad[] = "$BAD", unset[] = "$UNSET", *token;
	struct err e;

	(void)state;
	config.token = good;
	assert_int_equal(token_find(&config, provider_all()[0], NULL, fake_getenv, &token, &e), 0);
	assert_string_equal(token, "tok");
	token_free(token);
	config.token = bad;
	assert_int_equal(token_find(&config, provider_all()[0], NULL, fake_getenv, &token, &e),
			 -EINVAL);
	assert_null(strstr(e.text, "q z")); /* its text is never shown */
	config.token = unset;
	assert_int_equal(token_find(&config, provider_all()[0], NULL, fake_getenv, &token, &e),
			 -ENOENT);
	config.token = NULL;
	assert_int_equal(token_find(&config, provider_all()[0], NULL, fake_getenv, &token, &e),
			 -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_retry_table),
		cmocka_unit_test(test_retry_rate_limits),
		cmocka_unit_test(test_retry_try_again),
		cmocka_unit_test(test_retry_jitter_stays_within_a_quarter),
		cmocka_unit_test(test_where_the_token_may_go),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_same_rules_in_another_order),
		cmocka_unit_test(test_plan_kinds),
		cmocka_unit_test(test_plan_duplicates),
		cmocka_unit_test(test_catalog),
		cmocka_unit_test(test_first_boot),
		cmocka_unit_test(test_public_keys),
		cmocka_unit_test(test_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
