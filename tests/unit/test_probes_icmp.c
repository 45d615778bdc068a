#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "probes/icmp.h"

#define ID 0x1234

/* Checksums computed by an independent program from RFC 1071. */
static void an_ipv4_request_is_these_bytes(void **state)
{
	const uint8_t head[] = {8, 0, 0x3c, 0x4b, 0x12, 0x34, 0xfe, 0xdc};
	const char text[] = "abcdefghijklmnopqrstuvwabcdefghi";
	uint8_t packet[ICMP_ECHO_HEADER_BYTES + 32];

	(void)state;
	memset(packet, 0xee, sizeof(packet));
	memcpy(packet + ICMP_ECHO_HEADER_BYTES, text, 32);
	icmp_build(ICMP_V4, ID, 0xfedc, packet, 32);
	assert_memory_equal(packet, head, sizeof(head));
	assert_memory_equal(packet + ICMP_ECHO_HEADER_BYTES, text, 32);
}

static void an_odd_length_is_padded_in_the_checksum(void **state)
{
	const uint8_t head[] = {8, 0, 0xe7, 0xed, 0x12, 0x34, 0xfe, 0xdc};
	uint8_t packet[ICMP_ECHO_HEADER_BYTES + 9];

	(void)state;
	memset(packet, 0xff, sizeof(packet));
	icmp_build(ICMP_V4, ID, 0xfedc, packet, 9);
	assert_memory_equal(packet, head, sizeof(head));
}

static void an_ipv6_request_leaves_the_checksum_to_the_kernel(void **state)
{
	const uint8_t head[] = {128, 0, 0, 0, 0x12, 0x34, 0xfe, 0xdc};
	uint8_t packet[ICMP_ECHO_HEADER_BYTES + 8];

	(void)state;
	memset(packet, 0xee, sizeof(packet));
	icmp_build(ICMP_V6, ID, 0xfedc, packet, 8);
	assert_memory_equal(packet, head, sizeof(head));
}

/* An echo reply with `header` bytes of IP header before it; returns its length. */
static size_t make_reply(uint8_t *packet, size_t header, uint8_t type)
{
	const uint8_t icmp[] = {type, 0, 0, 0, 0x12, 0x34, 0xfe, 0xdc, 1, 2, 3, 4, 5, 6, 7, 8};

	memset(packet, 0, header);
	packet[0] = (uint8_t)(0x40 | header / 4);
	memcpy(packet + header, icmp, sizeof(icmp));
	return header + sizeof(icmp);
}

static void reads_replies_of_both_families(void **state)
{
	const uint8_t token[] = {1, 2, 3, 4};
	struct probe_reply reply;
	uint8_t packet[96];
	size_t header;

	(void)state;
	for (header = 20; header <= 60; header += 4) {
		memset(&reply, 0, sizeof(reply));
		assert_true(icmp_parse(ICMP_V4, ID, packet, make_reply(packet, header, 0), &reply));
		assert_int_equal(reply.sequence, 0xfedc);
		assert_memory_equal(&reply.token, token, sizeof(token));
	}
	make_reply(packet, 0, 129);
	memset(&reply, 0, sizeof(reply));
	assert_true(icmp_parse(ICMP_V6, ID, packet, 16, &reply));
	assert_int_equal(reply.sequence, 0xfedc);
	assert_memory_equal(&reply.token, token, sizeof(token));
}

static void refuses_what_is_no_reply_of_ours(void **state)
{
	struct probe_reply reply;
	uint8_t packet[96];
	size_t bytes, cut;
	int type;

	(void)state;
	for (type = 1; type < 256; type++) {
		bytes = make_reply(packet, 20, (uint8_t)type);
		assert_false(icmp_parse(ICMP_V4, ID, packet, bytes, &reply));
		assert_int_equal(icmp_parse(ICMP_V6, ID, packet + 20, bytes - 20, &reply),
				 type == 129);
	}
	bytes = make_reply(packet, 20, 0);
	assert_false(icmp_parse(ICMP_V4, ID + 1, packet, bytes, &reply));
	for (cut = 0; cut < 20 + ICMP_ECHO_HEADER_BYTES + 4; cut++)
		assert_false(icmp_parse(ICMP_V4, ID, packet, cut, &reply));
	assert_true(icmp_parse(ICMP_V4, ID, packet, cut, &reply));
	packet[20 + 1] = 1;
	assert_false(icmp_parse(ICMP_V4, ID, packet, bytes, &reply));
}

/* In memory of exactly the packet's size, so that a sanitizer sees a read beyond it. */
static void survives_random_bytes(void **state)
{
	uint64_t seed = (uint64_t)time(NULL);
	struct rng rng;
	int round;

	(void)state;
	print_message("seed %llu\n", (unsigned long long)seed);
	assert_int_equal(rng_init_seed(&rng, seed), 0);
	for (round = 0; round < 20000; round++) {
		size_t i, bytes = rng_below(&rng, 0, 80);
		uint8_t *packet = malloc(bytes ? bytes : 1);
		struct probe_reply reply;

		assert_non_null(packet);
		for (i = 0; i < bytes; i++)
			packet[i] = (uint8_t)rng_next(&rng, 0);
		icmp_parse(ICMP_V4, ID, packet, bytes, &reply);
		icmp_parse(ICMP_V6, ID, packet, bytes, &reply);
		free(packet);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ipv4_request_is_these_bytes),
		cmocka_unit_test(an_odd_length_is_padded_in_the_checksum),
		cmocka_unit_test(an_ipv6_request_leaves_the_checksum_to_the_kernel),
		cmocka_unit_test(reads_replies_of_both_families),
		cmocka_unit_test(refuses_what_is_no_reply_of_ours),
		cmocka_unit_test(survives_random_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
