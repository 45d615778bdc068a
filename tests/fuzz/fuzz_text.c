/* Durations, sizes, addresses, prefixes, endpoints and keys: what was read must, once written, be
 * read as the same.
 */
#include "lib/ip.h"
#include "lib/key.h"
#include "lib/units.h"
#include "tests/fuzz/fuzz.h"

static void read_units(const char *text)
{
	char written[UNITS_TEXT_BYTES];
	int64_t us, us_again;
	uint64_t bytes, bytes_again;
	struct err e;

	if (units_parse_duration(text, &us, &e) == 0) {
		units_format_duration(us, written);
		MUST(us >= 0 && units_parse_duration(written, &us_again, &e) == 0);
		MUST(us == us_again);
	}
	if (units_parse_size(text, &bytes, &e) == 0) {
		units_format_size(bytes, written);
		MUST(units_parse_size(written, &bytes_again, &e) == 0);
		MUST(bytes == bytes_again);
	}
}

static void read_prefix(const char *text)
{
	struct ip_prefix prefix, again, masked;
	char written[IP_PREFIX_TEXT_BYTES];

	if (ip_prefix_parse(text, &prefix))
		return;
	MUST(ip_prefix_parse(ip_prefix_format(&prefix, written), &again) == 0);
	MUST(ip_prefix_equal(&prefix, &again));
	masked = ip_prefix_masked(&prefix);
	MUST(ip_prefix_contains(&masked, &prefix.ip));
}

static void read_endpoint(const char *text)
{
	struct endpoint endpoint, again;
	struct sockaddr_storage sockaddr;
	char written[ENDPOINT_TEXT_BYTES];
	socklen_t length;

	if (endpoint_parse(text, &endpoint))
		return;
	MUST(endpoint_parse(endpoint_format(&endpoint, written), &again) == 0);
	MUST(endpoint_equal(&endpoint, &again));
	length = endpoint_to_sockaddr(&endpoint, &sockaddr);
	MUST(endpoint_from_sockaddr(&sockaddr, length, &again) == 0);
	MUST(endpoint_equal(&endpoint, &again));
}

static void read_ip(const char *text)
{
	char written[IP_TEXT_BYTES];
	struct ip ip, again;

	if (ip_parse(text, &ip))
		return;
	MUST(ip_parse(ip_format(&ip, written), &again) == 0);
	MUST(ip_equal(&ip, &again));
}

static void read_key(const char *text)
{
	uint8_t key[KEY_BYTES], again[KEY_BYTES];
	char written[KEY_TEXT_BYTES];
	struct err e;

	if (key_parse(text, key, &e)) {
		MUST(!strstr(e.text, text) || strlen(text) < 8);
		return;
	}
	key_format(key, written);
	MUST(key_parse(written, again, &e) == 0);
	MUST(!memcmp(key, again, KEY_BYTES));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);

	read_units(text);
	read_ip(text);
	read_prefix(text);
	read_endpoint(text);
	read_key(text);
	free(text);
	return 0;
}
