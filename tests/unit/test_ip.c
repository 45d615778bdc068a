#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/ip.h"

#define COUNT(array) (sizeof(array) / sizeof(array[0]))

static void addresses_survive_the_way_to_text_and_back(void **state)
{
	static const char *const good[] = {
		"10.0.0.1", "255.255.255.255", "::", "fd00::1", "fe80::c0:1", "::ffff:1.2.3.4"};
	char text[IP_TEXT_BYTES];
	struct ip ip;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(good); i++) {
		assert_int_equal(ip_parse(good[i], &ip), 0);
		assert_string_equal(ip_format(&ip, text), good[i]);
	}
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const bad[] = {"",		"10.0.0",   "10.0.0.256",  "10.0.0.1 ",
					  "fe80::1%lo", "fd00:::1", "example.org", "010.0.0.1"};
	struct ip ip;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		assert_int_not_equal(ip_parse(bad[i], &ip), 0);
}

static void no_address_has_a_name_too(void **state)
{
	char text[IP_TEXT_BYTES];
	struct ip none = {0};

	(void)state;
	assert_string_equal(ip_format(&none, text), "none");
	assert_int_equal(ip_bytes(AF_UNSPEC), 0);
}

static void prefixes_keep_their_host_bits(void **state)
{
	char text[IP_PREFIX_TEXT_BYTES];
	struct ip_prefix prefix;

	(void)state;
	assert_int_equal(ip_prefix_parse("10.1.2.3/15", &prefix), 0);
	assert_string_equal(ip_prefix_format(&prefix, text), "10.1.2.3/15");
	prefix = ip_prefix_masked(&prefix);
	assert_string_equal(ip_prefix_format(&prefix, text), "10.0.0.0/15");
	assert_int_equal(ip_prefix_parse("fd00:ffff::1/17", &prefix), 0);
	prefix = ip_prefix_masked(&prefix);
	assert_string_equal(ip_prefix_format(&prefix, text), "fd00:8000::/17");
	assert_int_equal(ip_prefix_parse("::/0", &prefix), 0);
	assert_int_equal(prefix.len, 0);
	assert_int_equal(ip_prefix_parse("10.0.0.1", &prefix), 0);
	assert_int_equal(prefix.len, 32);
	assert_int_equal(ip_prefix_parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", &prefix),
			 0);
	assert_string_equal(ip_prefix_format(&prefix, text),
			    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128");
}

static void what_is_no_prefix_is_refused(void **state)
{
	static const char *const bad[] = {"10.0.0.0/",	 "10.0.0.0/33", "::/129",
					  "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/99999999999",
					  "/8",		 "10.0.0.0/8 ", "10.0.0.0/+8",
					  "10/8"};
	struct ip_prefix prefix;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		assert_int_not_equal(ip_prefix_parse(bad[i], &prefix), 0);
}

static bool contains(const char *prefix_text, const char *ip_text)
{
	struct ip_prefix prefix;
	struct ip ip;

	assert_int_equal(ip_prefix_parse(prefix_text, &prefix), 0);
	assert_int_equal(ip_parse(ip_text, &ip), 0);
	return ip_prefix_contains(&prefix, &ip);
}

static void a_prefix_contains_its_own_and_no_other(void **state)
{
	(void)state;
	assert_true(contains("10.1.2.3/8", "10.255.0.1"));
	assert_false(contains("10.0.0.0/8", "11.0.0.1"));
	assert_true(contains("0.0.0.0/0", "11.0.0.1"));
	assert_false(contains("0.0.0.0/0", "::"));
	assert_true(contains("fd00::/65", "fd00::7fff:0:0:1"));
	assert_false(contains("fd00::/65", "fd00::8000:0:0:1"));
}

static void endpoints_survive_every_way(void **state)
{
	static const char *const good[] = {"1.2.3.4:51820", "[::1]:1", "[fd00::c0:1]:65535"};
	struct sockaddr_storage sockaddr;
	char text[ENDPOINT_TEXT_BYTES];
	struct endpoint endpoint, back;
	socklen_t length;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(good); i++) {
		assert_int_equal(endpoint_parse(good[i], &endpoint), 0);
		assert_string_equal(endpoint_format(&endpoint, text), good[i]);
		length = endpoint_to_sockaddr(&endpoint, &sockaddr);
		assert_int_equal(endpoint_from_sockaddr(&sockaddr, length, &back), 0);
		assert_true(endpoint_equal(&endpoint, &back));
		assert_int_not_equal(endpoint_from_sockaddr(&sockaddr, length - 1, &back), 0);
	}
}

static void what_is_no_endpoint_is_refused(void **state)
{
	static const char *const bad[] = {
		"",	     "1.2.3.4",	   ":51820",	  "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536",
		"::1:51820", "[::1]51820", "[1.2.3.4]:5", "[::1]:",   "[::1:5",	   "[]:5",
		"host:5",    "1.2.3.4:+5", "]:5",	  "[:5"};
	struct endpoint endpoint;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		assert_int_not_equal(endpoint_parse(bad[i], &endpoint), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_survive_the_way_to_text_and_back),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(no_address_has_a_name_too),
		cmocka_unit_test(prefixes_keep_their_host_bits),
		cmocka_unit_test(what_is_no_prefix_is_refused),
		cmocka_unit_test(a_prefix_contains_its_own_and_no_other),
		cmocka_unit_test(endpoints_survive_every_way),
		cmocka_unit_test(what_is_no_endpoint_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
