/* The two parsers on memory, as a fuzzer sees them: conf/yaml and conf/wgquick. */
#include "conf/yaml.h"
#include "lib/key.h"
#include "lib/rng.h"
#include "tests/unit/conf_fixture.h"

#define ROUNDS 3000

static const char valid_yaml[] = "mode: nested\n"
				 "inner: {config: wg0.conf, ping: fd99::1}\n"
				 "paths:\n"
				 "  - name: \"ams\"\n"
				 "    proxy: [10.11.1.1, 'fd11::1']\n"
				 "  - name: fra # the second\n"
				 "text: |\n"
				 "  two\n"
				 "  lines\n"
				 "empty:\n";

static const char valid_conf[] = "# a comment\n"
				 "[Interface]\n"
				 "PrivateKey = AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n"
				 "Address = 10.11.1.2/32, fd11:1::2/128\n"
				 "MTU = 1420\n"
				 "DNS = 10.11.1.1\n"
				 "Table = off\n"
				 "[Peer]\n"
				 "PublicKey = EhISEhISEhISEhISEhISEhISEhISEhISEhISEhISEhI=\n"
				 "PresharedKey = ExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTExM=\n"
				 "AllowedIPs = 0.0.0.0/0, ::/0\n"
				 "Endpoint = [2001:db8::1]:51820\n"
				 "PersistentKeepalive = 25\n";

static struct conf_node *parse_yaml(const char *text)
{
	struct diags d = DIAGS_INIT;
	struct conf_node *root = NULL;

	assert_int_equal(conf_yaml_parse("y", text, strlen(text), &d, &root), 0);
	assert_int_equal(d.count, 0);
	diags_fini(&d);
	return root;
}

static void test_yaml_tree(void **state)
{
	struct conf_node *root = parse_yaml(valid_yaml);
	const struct conf_node *paths = conf_node_get(root, "paths"), *name, *item;
	char path[64];

	(void)state;
	assert_int_equal(root->kind, CONF_NODE_MAPPING);
	assert_int_equal(paths->count, 2);
	name = conf_node_get(paths->children[1], "name");
	assert_string_equal(name->text, "fra");
	assert_int_equal(name->line, 6);
	assert_int_equal(name->column, 11);
	assert_int_equal(name->key_column, 5);
	conf_node_path(name, path, sizeof(path));
	assert_string_equal(path, "paths[1].name");
	item = conf_node_get(paths->children[0], "proxy")->children[1];
	assert_string_equal(item->text, "fd11::1");
	conf_node_path(item, path, sizeof(path));
	assert_string_equal(path, "paths[0].proxy[1]");
	assert_string_equal(conf_node_get(root, "text")->text, "two\nlines\n");
	assert_string_equal(conf_node_get(root, "empty")->text, "");
	assert_null(conf_node_get(root, "name"));
	assert_null(conf_node_get(name, "name"));
	assert_null(conf_node_get(NULL, "name"));
	conf_node_free(root);
}

static void test_yaml_byte_order_mark(void **state)
{
	struct conf_node *root = parse_yaml("\xef\xbb\xbfmode: direct\n");

	(void)state;
	assert_non_null(conf_node_get(root, "mode"));
	conf_node_free(root);
}

static void expect_no_tree(const char *text, size_t bytes, const char *finding)
{
	struct diags d = DIAGS_INIT;
	struct conf_node *root = NULL;
	char line[256];

	assert_int_equal(conf_yaml_parse("y", text, bytes, &d, &root), -EINVAL);
	assert_null(root);
	diag_format(&d.items[d.count - 1], line, sizeof(line));
	assert_string_equal(line, finding);
	diags_fini(&d);
}

static void test_yaml_limits(void **state)
{
	size_t bytes = CONF_YAML_MAX_BYTES + 1;
	char *text = malloc(bytes);

	(void)state;
	memset(text, ' ', bytes);
	expect_no_tree(text, bytes, "y: larger than 1048576 bytes");
	text[0] = '[';
	for (size_t i = 1; i < bytes - 1; i += 2)
		memcpy(text + i, "a,", 2);
	expect_no_tree(text, bytes - 1, "y:1:40000: too many values in one file");
	memset(text, '[', bytes);
	expect_no_tree(text, bytes - 1, "y:1:18: nested too deeply");
	free(text);
}

static void test_wgquick_values(void **state)
{
	struct diags d = DIAGS_INIT;
	struct wgquick *wg = NULL;
	uint8_t key[KEY_BYTES], public_key[KEY_BYTES];

	(void)state;
	assert_int_equal(wgquick_parse("w", valid_conf, strlen(valid_conf), &d, &wg), 0);
	assert_int_equal(d.note_count, 2);
	memset(key, 2, sizeof(key));
	key_public(key, public_key);
	assert_memory_equal(wg->private_key, key, KEY_BYTES);
	assert_memory_equal(wg->public_key, public_key, KEY_BYTES);
	memset(key, 0x12, sizeof(key));
	assert_memory_equal(wg->peer_key, key, KEY_BYTES);
	memset(key, 0x13, sizeof(key));
	assert_true(wg->has_preshared_key);
	assert_memory_equal(wg->preshared_key, key, KEY_BYTES);
	assert_int_equal(wg->address_count, 2);
	assert_true(wgquick_has_family(wg, AF_INET6));
	assert_string_equal(wg->endpoint.host, "2001:db8::1");
	assert_int_equal(wg->endpoint.ip.family, AF_INET6);
	assert_int_equal(wg->endpoint.port, 51820);
	assert_int_equal(wg->endpoint_at.line, 12);
	assert_int_equal(wg->endpoint_at.column, 12);
	assert_string_equal(wg->dns[0], "10.11.1.1");
	wgquick_free(wg);
	diags_fini(&d);
}

/* The endpoint that the text gives, or NULL where it is refused. */
static const char *endpoint(const char *text, char out[300])
{
	struct diags d = DIAGS_INIT;
	struct wgquick *wg = NULL;
	char conf[1024];

	snprintf(conf, sizeof(conf),
		 "[Interface]\nPrivateKey=AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n"
		 "Address=10.0.0.2\n[Peer]\nAllowedIPs=0.0.0.0/0\n"
		 "PublicKey=EhISEhISEhISEhISEhISEhISEhISEhISEhISEhISEhI=\nEndpoint=%s\n",
		 text);
	wgquick_parse("w", conf, strlen(conf), &d, &wg);
	diags_fini(&d);
	if (!wg)
		return NULL;
	snprintf(out, 300, "%s|%u|%d", wg->endpoint.host, wg->endpoint.port,
		 wg->endpoint.ip.family != AF_UNSPEC);
	wgquick_free(wg);
	return out;
}

static void test_wgquick_endpoints(void **state)
{
	static const char *const refused[] = {
		"192.0.2.1",	   "192.0.2.1:0",   "192.0.2.1:65536",	   "192.0.2.1:",
		":51820",	   "192.0.2.300:1", "2001:db8::1",	   "2001:db8::1:51820",
		"[2001:db8::1]",   "[192.0.2.1]:1", "[fe80::1%eth0]:1",	   "-bad.example:1",
		"two words:51820", "a..b:1",	    "exit.example.net:1x", "exit.example.net:+1",
	};
	char out[300], longest[300];

	(void)state;
	assert_string_equal(endpoint("192.0.2.1:51820", out), "192.0.2.1|51820|1");
	assert_string_equal(endpoint("[2001:DB8:0::1]:1", out), "2001:db8::1|1|1");
	assert_string_equal(endpoint("exit.example.net:65535", out), "exit.example.net|65535|0");
	assert_string_equal(endpoint("1a:7", out), "1a|7|0");
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (endpoint(refused[i], out))
			fail_msg("%s was taken for %s", refused[i], out);
	memset(longest, 'a', sizeof(longest));
	strcpy(longest + 255, ":1");
	assert_non_null(endpoint(longest, out));
	strcpy(longest + 256, ":1");
	assert_null(endpoint(longest, out));
}

/* Copies the form with the key in place of each %s. */
static void put_key(const char *form, const char *key, char *out)
{
	while (*form) {
		if (strncmp(form, "%s", 2) == 0) {
			out = stpcpy(out, key);
			form += 2;
		} else {
			*out++ = *form++;
		}
	}
	*out = '\0';
}

/* Every way to lose the name of a key, or to put a key where it does not belong. */
static void test_wgquick_keeps_keys_to_itself(void **state)
{
	static const char key[] = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=";
	static const char *const forms[] = {
		"[Interface]\n%s\n",
		"[Interface]\nPrivateKey%s\n",
		"[Interface]\nPrivateKey %s\n",
		"[Interface]\nPrivateKey: %s\n",
		"[Interface]\nPrivateKey = %s%s\n",
		"[Interface]\nPrivateKey = \"%s\"\n",
		"[Interface]\nPrivatKey = %s\n",
		"[Interface]\nAddress = %s\n",
		"[Interface]\nAddress = fd00::2/64 PrivateKey = %s\n",
		"[Interface]\nMTU = %s\n",
		"[Interface]\nListenPort = %s\n",
		"[Interface]\nFwMark = %s\n",
		"[Peer]\nEndpoint = %s\n",
		"[Peer]\nEndpoint = %s:51820\n",
		"[Peer]\nAllowedIPs = 10.0.0.0/8,%s\n",
		"[Peer]\nPersistentKeepalive = %s\n",
		"[Peer]\nPresharedKey = %s\nPresharedKey = %s\n",
		"[%s]\n",
		"%s\n",
	};
	char conf[256], *text;

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct diags d = DIAGS_INIT;
		struct wgquick *wg = NULL;

		put_key(forms[i], key, conf);
		assert_int_equal(wgquick_parse("w", conf, strlen(conf), &d, &wg), -EINVAL);
		text = diags_text(&d);
		if (strstr(text, "QUJDREVG") || strstr(text, "YWVphYmNk"))
			fail_msg("form %zu: %s", i, text);
		free(text);
		diags_fini(&d);
	}
}

static void test_wgquick_nul(void **state)
{
	static const char text[] = "[Interface]\n\0[Peer]\n";
	struct diags d = DIAGS_INIT;
	struct wgquick *wg = NULL;

	(void)state;
	assert_int_equal(wgquick_parse("w", text, sizeof(text) - 1, &d, &wg), -EINVAL);
	assert_non_null(strstr(d.items[0].text, "NUL"));
	diags_fini(&d);
}

/* --- any bytes: nothing breaks, and there is a result just when there is no error --- */

static void change(struct rng *rng, char *text, size_t *bytes, size_t size)
{
	static const char likely[] = "\0\n\t []{},:=#&*!|\"'-%\xff";
	uint32_t at = rng_below(rng, 0, (uint32_t)*bytes);

	switch (rng_below(rng, 0, 4)) {
	case 0:
		text[at] = likely[rng_below(rng, 0, sizeof(likely) - 1)];
		break;
	case 1:
		text[at] = (char)rng_next(rng, 0);
		break;
	case 2:
		*bytes = at + 1;
		break;
	default:
		if (*bytes * 2 < size) {
			memmove(text + at + *bytes, text + at, *bytes - at);
			*bytes *= 2;
		}
	}
}

static void try_yaml(const char *text, size_t bytes)
{
	struct diags d = DIAGS_INIT;
	struct conf_node *root = NULL;
	int rc = conf_yaml_parse("y", text, bytes, &d, &root);

	assert_true(rc == 0 || diags_failed(&d));
	assert_int_equal(rc == 0, root != NULL);
	conf_node_free(root);
	diags_fini(&d);
}

static void try_wgquick(const char *text, size_t bytes)
{
	struct diags d = DIAGS_INIT;
	struct wgquick *wg = NULL;
	int rc = wgquick_parse("w", text, bytes, &d, &wg);

	assert_int_equal(rc == 0, !diags_failed(&d));
	assert_int_equal(rc == 0, wg != NULL);
	wgquick_free(wg);
	diags_fini(&d);
}

static void mutate(const char *valid, void (*try)(const char *text, size_t bytes))
{
	const char *given = getenv("COMPS_TEST_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)getpid();
	struct rng rng;

	print_message("COMPS_TEST_SEED=%llu\n", (unsigned long long)seed);
	assert_int_equal(rng_init_seed(&rng, seed), 0);
	for (int i = 0; i < ROUNDS; i++) {
		char text[2048], *exact;
		size_t bytes = strlen(valid);

		memcpy(text, valid, bytes);
		for (uint32_t n = rng_below(&rng, 0, 6); n > 0; n--)
			change(&rng, text, &bytes, sizeof(text));
		/* On the heap and of exactly that size, so that a sanitizer sees one byte too far.
		 */
		exact = malloc(bytes);
		memcpy(exact, text, bytes);
		try(exact, bytes);
		free(exact);
	}
}

static void test_yaml_mutated(void **state)
{
	(void)state;
	mutate(valid_yaml, try_yaml);
}

static void test_wgquick_mutated(void **state)
{
	(void)state;
	mutate(valid_conf, try_wgquick);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_yaml_tree),
		cmocka_unit_test(test_yaml_byte_order_mark),
		cmocka_unit_test(test_yaml_limits),
		cmocka_unit_test(test_wgquick_values),
		cmocka_unit_test(test_wgquick_endpoints),
		cmocka_unit_test(test_wgquick_keeps_keys_to_itself),
		cmocka_unit_test(test_wgquick_nul),
		cmocka_unit_test(test_yaml_mutated),
		cmocka_unit_test(test_wgquick_mutated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
