/* WireGuard's initiator: its hashes by known answers, and handshakes with a responder. Real peers
 * are in test_provision_tunnel_check.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/noise_responder.h"

#define WALL_US INT64_C(1700000000123456)

static void from_hex(const char *text, uint8_t *out, size_t bytes)
{
	assert_int_equal(sodium_hex2bin(out, bytes, text, strlen(text), NULL, &(size_t){0}, NULL),
			 0);
}

static void assert_hex(const uint8_t *bytes, size_t count, const char *text)
{
	uint8_t expected[64];

	from_hex(text, expected, count);
	assert_memory_equal(bytes, expected, count);
}

/* --- the hashes ------------------------------------------------------------------------------- */

static void test_hash(void **state)
{
	uint8_t out[32], abc[32];

	(void)state;
	/* RFC 7693, appendix B */
	assert_int_equal(blake2s_hash("abc", 3, abc), 0);
	assert_hex(abc, 32, "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
	assert_int_equal(blake2s_hash(abc, 32, out), 0);
	assert_int_equal(blake2s_hash2(abc, "", 0, abc), 0);
	assert_memory_equal(out, abc, 32);
	assert_int_equal(blake2s_hash2(abc, abc, BLAKE2S_INPUT_MAX + 1, out), -EIO);
}

static void test_mac(void **state)
{
	uint8_t key[32], out[16];

	(void)state;
	for (uint8_t i = 0; i < 32; i++)
		key[i] = i;
	/* hashlib.blake2s(b"mac1 of this text", digest_size=16, key=bytes(range(32))) of Python */
	assert_int_equal(blake2s_mac(key, "mac1 of this text", 17, out), 0);
	assert_hex(out, 16, "865e5161f5517bac57616043760daceb");
}

/* The published vectors of WireGuard's own implementation in Go, device/kdf_test.go. */
static void test_kdf(void **state)
{
	static const struct {
		const char *key, *input, *out[3];
	} cases[] = {
		{"test-key",
		 "test-input",
		 {"6f0e5ad38daba1bea8a0d213688736f19763239305e0f58aba697f9ffc41c633",
		  "df1194df20802a4fe594cde27e92991c8cae66c366e8106aaa937a55fa371e8a",
		  "fac6e2745a325f5dc5d11a5b165aad08b0ada28e7b4e666b7c077934a4d76c24"}},
		{"wireguard",
		 "wireguard",
		 {"491d43bbfdaa8750aaf535e334ecbfe5129967cd64635101c566d4caefda96e8",
		  "1e71a379baefd8a79aa4662212fcafe19a23e2b609a3db7d6bcba8f560e3d25f",
		  "31e1ae48bddfbe5de38f295e5452b1909a1b4e38e183926af3780b0c1e1f0160"}},
		{"",
		 "",
		 {"8387b46bf43eccfcf349552a095d8315c4055beb90208fb1be23b894bc2ed5d0",
		  "58a0e5f6faefccf4807bff1f05fa8a9217945762040bcec2f4b4a62bdfe0e86e",
		  "0ce6ea98ec548f8e281e93e32db65621c45eb18dc6f0a7ad94178610a2f7338e"}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t out[96];

		assert_int_equal(blake2s_kdf(cases[i].key, strlen(cases[i].key), cases[i].input,
					     strlen(cases[i].input), 3, out),
				 0);
		for (size_t k = 0; k < 3; k++)
			assert_hex(out + 32 * k, 32, cases[i].out[k]);
	}
}

/* --- the handshake ---------------------------------------------------------------------------- */

struct pair {
	struct noise noise;
	struct responder responder;
	uint8_t initiation[NOISE_INITIATION_BYTES], response[NOISE_RESPONSE_BYTES];
};

static void initiate(struct pair *p, uint32_t index, int64_t wall_us)
{
	uint8_t ephemeral[KEY_BYTES] = {(uint8_t)index, 5};

	assert_int_equal(noise_initiate(&p->noise, index, ephemeral, wall_us, p->initiation), 0);
}

static void pair_init(struct pair *p, uint8_t preshared)
{
	uint8_t private_key[KEY_BYTES] = {3}, preshared_key[KEY_BYTES] = {preshared};

	responder_init(&p->responder, 77);
	memcpy(p->responder.preshared_key, preshared_key, KEY_BYTES);
	assert_int_equal(noise_init(&p->noise, private_key, p->responder.public_key, preshared_key),
			 0);
	initiate(p, 0x01020304, WALL_US);
}

static void pair_shake(struct pair *p, uint8_t preshared)
{
	pair_init(p, preshared);
	assert_true(responder_take(&p->responder, p->initiation));
	responder_answer(&p->responder, p->initiation, p->response);
	assert_int_equal(noise_finish(&p->noise, p->response, sizeof(p->response)), 0);
}

static void test_initiation(void **state)
{
	static const uint8_t zero[16];
	struct pair p;

	(void)state;
	pair_init(&p, 0);
	assert_memory_equal(p.initiation, "\1\0\0\0\4\3\2\1", 8);
	assert_memory_equal(p.initiation + 132, zero, 16);
	assert_true(responder_take(&p.responder, p.initiation));
	assert_memory_equal(p.responder.initiator, p.noise.public_key, KEY_BYTES);
	/* 1700000000 = 0x6553f100, and 10 s more; 123456000 ns */
	assert_hex(p.responder.stamp, 12, "400000006553f10a075bca00");
	noise_fini(&p.noise);
}

/* Also where the clock stands still or goes back, and over the end of a second. */
static void test_stamps_increase(void **state)
{
	static const int64_t walls[] = {WALL_US, WALL_US,   WALL_US - 5000000, WALL_US + 1,
					-1,	 INT64_MAX, WALL_US + 876543,  WALL_US + 876544};
	uint8_t before[12] = {0};
	struct pair p;

	(void)state;
	pair_init(&p, 0);
	for (size_t i = 0; i < sizeof(walls) / sizeof(*walls); i++) {
		initiate(&p, (uint32_t)i, walls[i]);
		assert_true(responder_take(&p.responder, p.initiation));
		assert_true(memcmp(p.responder.stamp, before, 12) > 0);
		memcpy(before, p.responder.stamp, 12);
	}
	noise_fini(&p.noise);
}

static void carry(struct noise *from, struct noise *to, size_t bytes)
{
	uint8_t packet[200], message[240], out[240];
	size_t message_bytes, out_bytes;

	memset(packet, 0x5a, sizeof(packet));
	assert_int_equal(noise_seal(from, packet, bytes, message, sizeof(message), &message_bytes),
			 0);
	assert_int_equal(message_bytes, noise_sealed_bytes(bytes));
	assert_int_equal(message_bytes % 16, 0);
	assert_int_equal(noise_open(to, message, message_bytes, out, sizeof(out), &out_bytes), 0);
	assert_int_equal(out_bytes, (bytes + 15) / 16 * 16);
	assert_memory_equal(out, packet, bytes);
	for (size_t i = bytes; i < out_bytes; i++)
		assert_int_equal(out[i], 0);
	assert_int_equal(noise_open(to, message, message_bytes, out, sizeof(out), &out_bytes),
			 -EALREADY);
}

static void test_session(void **state)
{
	static const size_t sizes[] = {0, 1, 15, 16, 17, 84, 200};
	struct pair p;

	(void)state;
	for (uint8_t preshared = 0; preshared < 2; preshared++) {
		pair_shake(&p, preshared);
		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			carry(&p.noise, &p.responder.session, sizes[i]);
			carry(&p.responder.session, &p.noise, sizes[i]);
		}
		/* It outlives the next initiation, up to its response. */
		initiate(&p, 9, WALL_US);
		carry(&p.noise, &p.responder.session, 20);
		noise_fini(&p.noise);
	}
}

static void test_wrong_keys(void **state)
{
	uint8_t zero[KEY_BYTES] = {0}, key[KEY_BYTES] = {3}, out[NOISE_INITIATION_BYTES];
	struct responder stranger;
	struct pair p;

	(void)state;
	pair_init(&p, 1);
	responder_init(&stranger, 78);
	assert_false(responder_take(&stranger, p.initiation));
	/* It is known to the peer, but not what is shared. */
	p.responder.preshared_key[31] ^= 1;
	assert_true(responder_take(&p.responder, p.initiation));
	responder_answer(&p.responder, p.initiation, p.response);
	assert_int_equal(noise_finish(&p.noise, p.response, sizeof(p.response)), -EBADMSG);
	/* A point of low order. */
	assert_int_equal(noise_init(&p.noise, key, zero, zero), 0);
	assert_int_equal(noise_initiate(&p.noise, 1, key, WALL_US, out), -EINVAL);
	assert_int_equal(noise_finish(&p.noise, p.response, sizeof(p.response)), -EPROTO);
	noise_fini(&p.noise);
}

/* Whatever is changed in a response, it is refused, and the genuine one still counts. */
static void test_changed_responses(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p, 1);
	assert_true(responder_take(&p.responder, p.initiation));
	responder_answer(&p.responder, p.initiation, p.response);
	for (size_t i = 0; i < 76; i++) {
		p.response[i] ^= 0x10;
		assert_int_equal(noise_finish(&p.noise, p.response, sizeof(p.response)), -EPROTO);
		p.response[i] ^= 0x10;
	}
	for (size_t bytes = 0; bytes < sizeof(p.response); bytes++)
		assert_int_equal(noise_finish(&p.noise, p.response, bytes), -EPROTO);
	/* With a mac1 that is right, as anybody can make who knows our public key. */
	for (size_t i = 12; i < 60; i += 7) {
		p.response[i] ^= 0x10;
		responder_mac1(p.noise.public_key, p.response, 60, p.response + 60);
		assert_int_equal(noise_finish(&p.noise, p.response, sizeof(p.response)), -EBADMSG);
		p.response[i] ^= 0x10;
	}
	responder_mac1(p.noise.public_key, p.response, 60, p.response + 60);
	assert_int_equal(noise_finish(&p.noise, p.response, sizeof(p.response)), 0);
	assert_int_equal(noise_finish(&p.noise, p.response, sizeof(p.response)), -EPROTO);
	carry(&p.noise, &p.responder.session, 84);
	noise_fini(&p.noise);
}

static void test_only_the_last_counts(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p, 1);
	assert_true(responder_take(&p.responder, p.initiation));
	responder_answer(&p.responder, p.initiation, p.response);
	initiate(&p, 2, WALL_US);
	assert_int_equal(noise_finish(&p.noise, p.response, sizeof(p.response)), -EPROTO);
	noise_fini(&p.noise);
}

static void test_cookie(void **state)
{
	uint8_t cookie[NOISE_COOKIE_BYTES] = {3, 0, 0, 0, 4, 3, 2, 1};
	struct pair p;

	(void)state;
	pair_init(&p, 0);
	assert_true(noise_is_cookie(&p.noise, cookie, sizeof(cookie)));
	assert_false(noise_is_cookie(&p.noise, cookie, sizeof(cookie) - 1));
	cookie[4]++;
	assert_false(noise_is_cookie(&p.noise, cookie, sizeof(cookie)));
	noise_fini(&p.noise);
}

/* --- the transport ---------------------------------------------------------------------------- */

static void test_changed_data(void **state)
{
	uint8_t message[64], out[64];
	struct pair p;
	size_t bytes, out_bytes;

	(void)state;
	pair_shake(&p, 0);
	assert_int_equal(noise_seal(&p.responder.session, (const uint8_t *)"hello", 5, message,
				    sizeof(message), &bytes),
			 0);
	for (size_t i = 0; i < bytes; i++) {
		message[i] ^= 1;
		assert_int_equal(noise_open(&p.noise, message, bytes, out, sizeof(out), &out_bytes),
				 i < 8 ? -EPROTO : -EBADMSG);
		message[i] ^= 1;
	}
	for (size_t cut = 0; cut < bytes; cut++)
		assert_int_equal(noise_open(&p.noise, message, cut, out, sizeof(out), &out_bytes),
				 cut < NOISE_DATA_BYTES ? -EPROTO : -EBADMSG);
	assert_int_equal(noise_open(&p.noise, message, bytes, out, 15, &out_bytes), -EMSGSIZE);
	assert_int_equal(noise_open(&p.noise, message, bytes, out, 16, &out_bytes), 0);
	noise_fini(&p.noise);
}

static int open_number(struct pair *p, uint64_t counter)
{
	uint8_t message[NOISE_DATA_BYTES], out[1];
	size_t bytes;

	p->responder.session.send_counter = counter;
	assert_int_equal(
		noise_seal(&p->responder.session, NULL, 0, message, sizeof(message), &bytes), 0);
	return noise_open(&p->noise, message, bytes, out, 0, &bytes);
}

static void test_nothing_twice(void **state)
{
	static const struct {
		uint64_t counter;
		int ret;
	} steps[] = {
		{5, 0},
		{5, -EALREADY},
		{0, 0},
		{0, -EALREADY},
		{4, 0},
		{68, 0},
		{5, -EALREADY},
		{6, 0},
		{4, -EALREADY},
		{69, 0},
		{6, -EALREADY},
		{69, -EALREADY},
		{7, 0},
		{5, -EALREADY},
		{1000000, 0},
		{69, -EALREADY},
		{999999, 0},
		{999937, 0},
		{999936, -EALREADY},
		{UINT64_MAX, 0},
		{UINT64_MAX, -EALREADY},
	};
	struct pair p;

	(void)state;
	pair_shake(&p, 0);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		assert_int_equal(open_number(&p, steps[i].counter), steps[i].ret);
	noise_fini(&p.noise);
}

static void test_no_session(void **state)
{
	static const struct noise nothing;
	uint8_t message[64] = {4};
	struct pair p;
	size_t bytes;

	(void)state;
	pair_init(&p, 0);
	assert_int_equal(noise_seal(&p.noise, message, 1, message, sizeof(message), &bytes),
			 -ENOTCONN);
	assert_int_equal(noise_open(&p.noise, message, 32, message, sizeof(message), &bytes),
			 -ENOTCONN);
	noise_fini(&p.noise);
	assert_memory_equal(&p.noise, &nothing, sizeof(nothing));
	pair_shake(&p, 1);
	assert_int_equal(noise_seal(&p.noise, message, 17, message, 63, &bytes), -EMSGSIZE);
	noise_fini(&p.noise);
	assert_memory_equal(&p.noise, &nothing, sizeof(nothing));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_mac),
		cmocka_unit_test(test_kdf),
		cmocka_unit_test(test_initiation),
		cmocka_unit_test(test_stamps_increase),
		cmocka_unit_test(test_session),
		cmocka_unit_test(test_wrong_keys),
		cmocka_unit_test(test_changed_responses),
		cmocka_unit_test(test_only_the_last_counts),
		cmocka_unit_test(test_cookie),
		cmocka_unit_test(test_changed_data),
		cmocka_unit_test(test_nothing_twice),
		cmocka_unit_test(test_no_session),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
