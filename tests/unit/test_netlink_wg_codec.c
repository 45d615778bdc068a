/* What WireGuard's two languages, generic netlink and the userspace text, look like in bytes. */
#include <errno.h>
#include <linux/netlink.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netlink/wg_genl.h"
#include "netlink/wg_uapi_text.h"
#include "tests/unit/netlink_wg.h"

#define FAMILY 0x21

/* Keys of one byte over and over, in hexadecimal. */
#define K11 "1111111111111111111111111111111111111111111111111111111111111111"
#define K22 "2222222222222222222222222222222222222222222222222222222222222222"
#define K33 "3333333333333333333333333333333333333333333333333333333333333333"
#define K48 "4848484848484848484848484848484848484848484848484848484848484848"
#define K77 "7777777777777777777777777777777777777777777777777777777777777777"
#define K00 "0000000000000000000000000000000000000000000000000000000000000000"

static void assert_text(struct wg_uapi_text *text, const char *wanted)
{
	assert_int_equal(wg_uapi_text_add(text, "", 1), 0);
	assert_string_equal(text->bytes, wanted);
	wg_uapi_text_fini(text);
}

/* --- generic netlink --- */

static void assert_hex(const void *bytes, size_t length, const char *wanted)
{
	char *hex = calloc(1, 2 * length + 1);

	assert_non_null(hex);
	sodium_bin2hex(hex, 2 * length + 1, bytes, length);
	assert_string_equal(hex, wanted);
	free(hex);
}

static void an_endpoint_message_is_as_the_kernel_wants_it(void **state)
{
	uint8_t bytes[WG_GENL_MESSAGE_BYTES] __attribute__((aligned(4)));
	struct endpoint at = endpoint("192.0.2.9:51820");
	struct nlmsghdr *message;
	uint8_t public_key[WG_KEY_BYTES];

	(void)state;
	key(public_key, 0x11);
	message = wg_genl_encode_endpoint(FAMILY, "wg0", public_key, &at, bytes);
	assert_hex(message, message->nlmsg_len,
		   "64000000210000000000000000000000" /* nlmsghdr */
		   "01010000"			      /* WG_CMD_SET_DEVICE, version 1 */
		   "0800020077673000"		      /* WGDEVICE_A_IFNAME "wg0" */
		   "48000880"
		   "44000080"	      /* WGDEVICE_A_PEERS, one */
		   "24000100" K11     /* WGPEER_A_PUBLIC_KEY */
		   "0800030004000000" /* WGPEER_A_FLAGS: update only */
		   "140004000200ca6cc00002090000000000000000" /* WGPEER_A_ENDPOINT */);
}

static void a_device_survives_the_encoder_and_the_decoder(void **state)
{
	uint8_t bytes[WG_GENL_MESSAGE_BYTES] __attribute__((aligned(4)));
	struct wg_genl_cursor cursor = {0};
	struct wg_device device, back = {0};

	(void)state;
	fill(&device);
	assert_int_equal(
		wg_genl_decode(wg_genl_encode_set(FAMILY, "wg0", &device, &cursor, bytes), &back),
		0);
	assert_true(cursor.done);
	assert_same_device(&device, &back);
	wg_device_fini(&device);
	wg_device_fini(&back);
}

static void a_big_device_takes_several_messages(void **state)
{
	uint8_t bytes[WG_GENL_MESSAGE_BYTES] __attribute__((aligned(4)));
	struct wg_genl_cursor cursor = {0};
	struct wg_device device, back = {0};
	struct nlmsghdr *message;
	int i, messages = 0;
	char text[64];

	(void)state;
	fill(&device);
	for (i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), i % 2 ? "10.%d.%d.0/24" : "fd00:%x:%x::/48", i / 100,
			 i % 100);
		allow(&device.peers[0], text);
	}
	for (i = 0; i < 100; i++)
		add_peer(&device, (uint8_t)(0x80 + i), "192.0.2.9:1");
	do {
		message = wg_genl_encode_set(FAMILY, "wg0", &device, &cursor, bytes);
		assert_true(message->nlmsg_len <= WG_GENL_MESSAGE_BYTES);
		assert_int_equal(wg_genl_decode(message, &back), 0);
		messages++;
	} while (!cursor.done);
	assert_true(messages > 10);
	assert_int_equal(back.peers[0].allowed_count, 1002);
	assert_same_device(&device, &back);
	wg_device_fini(&device);
	wg_device_fini(&back);
}

/* Whatever the bytes are: no crash, no read outside (the sanitizers watch). */
static void no_bytes_confuse_the_netlink_decoder(void **state)
{
	uint8_t bytes[WG_GENL_MESSAGE_BYTES] __attribute__((aligned(4)));
	struct wg_genl_cursor cursor;
	struct wg_device device, back = {0};
	struct nlmsghdr *message, *copy;
	uint32_t seed = randombytes_random();
	int round, i;

	(void)state;
	print_message("seed %u\n", seed);
	srand(seed);
	fill(&device);
	for (round = 0; round < 5000; round++) {
		memset(&cursor, 0, sizeof(cursor));
		message = wg_genl_encode_set(FAMILY, "wg0", &device, &cursor, bytes);
		copy = malloc(message->nlmsg_len);
		assert_non_null(copy);
		memcpy(copy, message, message->nlmsg_len);
		for (i = 0; i < 1 + round % 8; i++)
			((uint8_t *)copy)[16 + (uint32_t)rand() % (message->nlmsg_len - 16)] =
				(uint8_t)rand();
		wg_genl_decode(copy, &back);
		wg_device_fini(&back);
		free(copy);
	}
	wg_device_fini(&device);
}

/* --- userspace text --- */

static void the_set_text_makes_exactly_the_device(void **state)
{
	struct wg_device device, old = {.listen_port = 51000};
	struct wg_uapi_text text = {0};

	(void)state;
	fill(&device);
	add_peer(&old, 0x22, NULL);
	add_peer(&old, 0x33, NULL);
	assert_int_equal(wg_uapi_encode_set(&old, &device, &text), 0);
	assert_text(&text, "set=1\nprivate_key=" K48 "\nfwmark=51820\npublic_key=" K33
			   "\nremove=true\npublic_key=" K11 "\npreshared_key=" K77
			   "\nendpoint=192.0.2.9:51820\npersistent_keepalive_interval=25\n"
			   "replace_allowed_ips=true\nallowed_ip=0.0.0.0/0\nallowed_ip=::/0\n"
			   "public_key=" K22 "\npreshared_key=" K00
			   "\nendpoint=[2001:db8:9::9]:443\npersistent_keepalive_interval=0\n"
			   "replace_allowed_ips=true\nallowed_ip=10.0.0.0/8\n\n");
	wg_device_fini(&device);
	wg_device_fini(&old);
}

static void the_endpoint_text_updates_only(void **state)
{
	struct endpoint at = endpoint("[2001:db8:9::9]:443");
	struct wg_uapi_text text = {0};
	uint8_t public_key[WG_KEY_BYTES];

	(void)state;
	key(public_key, 0x11);
	assert_int_equal(wg_uapi_encode_endpoint(public_key, &at, &text), 0);
	assert_text(&text, "set=1\npublic_key=" K11
			   "\nupdate_only=true\nendpoint=[2001:db8:9::9]:443\n\n");
}

static int decode(const char *answer, struct wg_device *out)
{
	memset(out, 0, sizeof(*out));
	return wg_uapi_decode(answer, strlen(answer), out);
}

static void an_answer_is_read_whole(void **state)
{
	struct wg_device device;

	(void)state;
	assert_int_equal(
		decode("private_key=" K48 "\nlisten_port=51000\nfwmark=51820\n"
		       "public_key=" K11 "\npreshared_key=" K77 "\nprotocol_version=1\n"
		       "endpoint=[fe80::1%eth0]:9\nlast_handshake_time_sec=1700000000\n"
		       "last_handshake_time_nsec=5\ntx_bytes=18446744073709551615\nrx_bytes=7\n"
		       "persistent_keepalive_interval=25\nallowed_ip=10.0.0.0/8\n"
		       "public_key=" K22 "\nsome_new_key=x=y\nendpoint=192.0.2.9:1\nerrno=0\n\n",
		       &device),
		0);
	assert_int_equal(device.listen_port, 51000);
	assert_int_equal(device.fwmark, 51820);
	assert_int_equal(device.peer_count, 2);
	assert_int_equal(device.peers[0].endpoint.ip.family, AF_UNSPEC);
	assert_int_equal(device.peers[0].handshake_s, 1700000000);
	assert_int_equal(device.peers[0].handshake_ns, 5);
	assert_int_equal(device.peers[0].tx_bytes, UINT64_MAX);
	assert_int_equal(device.peers[0].rx_bytes, 7);
	assert_int_equal(device.peers[0].keepalive_s, 25);
	assert_int_equal(device.peers[0].allowed_count, 1);
	assert_int_equal(device.peers[1].endpoint.port, 1);
	wg_device_fini(&device);
}

static void a_bad_answer_is_an_error(void **state)
{
	static const struct {
		const char *answer;
		int error;
	} cases[] = {
		{"errno=-22\n\n", -EINVAL},
		{"errno=1\n\n", -EPERM},
		{"errno=0\n", -EBADMSG}, /* not ended */
		{"errno=0", -EBADMSG},
		{"", -EBADMSG},
		{"errno=x\n\n", -EBADMSG},
		{"nonsense\n\n", -EBADMSG},
		{"listen_port=65536\n\n", -EBADMSG},
		{"fwmark=-1\n\n", -EBADMSG},
		{"private_key=00\n\n", -EBADMSG},
		{"private_key=" K11 "00\n\n", -EBADMSG},
		{"public_key=zz" K11 "\n\n", -EBADMSG},
		{"public_key=" K11 "\nallowed_ip=10.0.0.0/33\n\n", -EBADMSG},
		{"public_key=" K11 "\nrx_bytes=18446744073709551616\n\n", -EBADMSG},
	};
	struct wg_device device;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(decode(cases[i].answer, &device), cases[i].error);
		wg_device_fini(&device);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_endpoint_message_is_as_the_kernel_wants_it),
		cmocka_unit_test(a_device_survives_the_encoder_and_the_decoder),
		cmocka_unit_test(a_big_device_takes_several_messages),
		cmocka_unit_test(no_bytes_confuse_the_netlink_decoder),
		cmocka_unit_test(the_set_text_makes_exactly_the_device),
		cmocka_unit_test(the_endpoint_text_updates_only),
		cmocka_unit_test(an_answer_is_read_whole),
		cmocka_unit_test(a_bad_answer_is_an_error),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
