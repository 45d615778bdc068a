/* conf_load on files: what the golden tests cannot show, since it lies in modes, owners, numbers
 * and the examples that are handed out. */
#include <regex.h>

#include "conf/policy_params.h"
#include "lib/key.h"
#include "policies/registry.h"
#include "tests/unit/conf_fixture.h"

#define MINIMAL                                                                                    \
	"inner:\n  config: wg0.conf\n  ping: 10.99.0.1\n"                                          \
	"paths:\n  - name: ams\n    config: wgnet1.conf\n"

/* A tunnel like no other of the 65000. */
static void put_tunnel(const char *name, unsigned int n, const char *address, mode_t mode)
{
	uint8_t key[KEY_BYTES] = {1, (uint8_t)(n >> 8), (uint8_t)n};
	char key_text[KEY_TEXT_BYTES], text[512];

	key_format(key, key_text);
	snprintf(text, sizeof(text),
		 "[Interface]\nPrivateKey = %s\nAddress = %s\n[Peer]\nPublicKey = %s\n"
		 "AllowedIPs = 0.0.0.0/0, ::/0\nEndpoint = 192.0.%u.%u:51820\n",
		 key_text, address, key_text, n >> 8, n & 255);
	put_file(name, text, strlen(text), mode);
}

static void put_minimal(void)
{
	put_text("comps.yaml", MINIMAL);
	put_tunnel("wg0.conf", 900, "10.99.0.2/32", 0600);
	put_tunnel("wgnet1.conf", 1, "10.11.1.2/32", 0600);
}

static void expect_load(const char *file)
{
	struct diags d = DIAGS_INIT;
	struct conf *conf = NULL;
	char *text;

	if (conf_load(file, fake_policies, &d, &conf) < 0) {
		text = diags_text(&d);
		fail_msg("%s", text);
	}
	assert_int_equal(d.count, 0);
	assert_string_equal(conf->file, file);
	conf_free(conf);
	diags_fini(&d);
}

static void expect_refused(const char *file, const char *part)
{
	struct diags d = DIAGS_INIT;
	struct conf *conf = NULL;
	char *text;

	assert_int_equal(conf_load(file, fake_policies, &d, &conf), -EINVAL);
	assert_null(conf);
	text = diags_text(&d);
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, text);
	free(text);
	diags_fini(&d);
}

static void test_folder_of_the_yaml(void **state)
{
	char absolute[64];

	put_minimal();
	expect_load("comps.yaml");
	expect_load("./comps.yaml");
	snprintf(absolute, sizeof(absolute), "%s/comps.yaml",
		 ((struct folders *)*state)->temporary);
	assert_int_equal(chdir("/"), 0);
	expect_load(absolute);
	assert_int_equal(chdir(((struct folders *)*state)->temporary), 0);
}

static void test_modes(void **state)
{
	static const mode_t refused[] = {0644, 0604, 0660, 0602, 0610};
	static const mode_t accepted[] = {0600, 0400, 0700};
	char part[128];

	(void)state;
	put_minimal();
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		chmod("wgnet1.conf", refused[i]);
		snprintf(part, sizeof(part),
			 "comps.yaml:6:13: paths[0].config: wgnet1.conf has mode %04o",
			 (unsigned int)refused[i]);
		expect_refused("comps.yaml", part);
		expect_refused("comps.yaml", "run: chmod 600 wgnet1.conf");
	}
	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
		chmod("wgnet1.conf", accepted[i]);
		expect_load("comps.yaml");
	}
	chmod("wgnet1.conf", 0640);
	if (geteuid() == 0)
		expect_load("comps.yaml");
	else
		expect_refused("comps.yaml", "wgnet1.conf has mode 0640");
}

static void test_foreign_owner(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("only root can give a file away\n");
		skip();
	}
	put_minimal();
	assert_int_equal(chown("wgnet1.conf", 12345, 0), 0);
	expect_refused("comps.yaml", "belongs to uid 12345, neither root nor you");
	assert_int_equal(chown("comps.yaml", 12345, 0), 0); /* who names it */
	expect_load("comps.yaml");
}

static void test_unreadable(void **state)
{
	(void)state;
	put_minimal();
	if (geteuid() != 0) {
		chmod("wgnet1.conf", 0);
		expect_refused("comps.yaml", "wgnet1.conf cannot be opened: Permission denied");
		return;
	}
	assert_int_equal(chmod(".", 0755), 0);
	chmod("comps.yaml", 0644);
	assert_int_equal(seteuid(65534), 0);
	expect_refused("comps.yaml", "wgnet1.conf cannot be opened: Permission denied");
	assert_int_equal(seteuid(0), 0);
}

static void test_no_regular_file(void **state)
{
	(void)state;
	expect_refused("none.yaml", "none.yaml: cannot be opened: No such file or directory");
	expect_refused(".", ".: is not a regular file");
	assert_int_equal(mkfifo("fifo", 0600), 0);
	expect_refused("fifo", "fifo: is not a regular file");
}

static void test_too_large(void **state)
{
	char *text = malloc((1 << 20) + 1);

	(void)state;
	memset(text, '#', (1 << 20) + 1);
	put_file("large.yaml", text, (1 << 20) + 1, 0600);
	expect_refused("large.yaml", "large.yaml: is larger than 1048576 bytes");
	free(text);
}

static void put_list(unsigned int count)
{
	FILE *f = fopen("many.yaml", "w");

	fprintf(f, "inner:\n  config: wg0.conf\n  ping: 10.99.0.1\npaths:\n");
	for (unsigned int i = 1; i <= count; i++)
		fprintf(f, "  - {name: p%u, config: t%u.conf}\n", i, i);
	fclose(f);
}

static void test_most_paths(void **state)
{
	char name[32], address[32];

	(void)state;
	put_tunnel("wg0.conf", 9000, "10.99.0.2/32", 0600);
	for (unsigned int i = 1; i <= CONF_PATHS_MAX; i++) {
		snprintf(name, sizeof(name), "t%u.conf", i);
		snprintf(address, sizeof(address), "10.11.%u.%u/32", i >> 8, i & 255);
		put_tunnel(name, i, address, 0600);
	}
	put_list(CONF_PATHS_MAX);
	expect_load("many.yaml");
	put_list(CONF_PATHS_MAX + 1);
	expect_refused("many.yaml", "many.yaml:5:3: paths: 1001 paths; 1 to 1000 are accepted");
}

static void test_group(void **state)
{
	struct diags d = DIAGS_INIT;
	struct conf *conf;

	(void)state;
	put_minimal();
	put_text("group.yaml", MINIMAL "control:\n  group: root\n");
	assert_int_equal(conf_load("group.yaml", fake_policies, &d, &conf), 0);
	assert_true(conf->has_control_group);
	assert_int_equal(conf->control_group, 0);
	conf_free(conf);
	diags_fini(&d);
}

/* --- what is handed out --- */

static void replace_all(char *text, const char *from, const char *to)
{
	size_t from_length = strlen(from), to_length = strlen(to);

	for (char *at = text; (at = strstr(at, from)); at += to_length) {
		memmove(at + to_length, at + from_length, strlen(at + from_length) + 1);
		memcpy(at, to, to_length);
	}
}

/* A user's copy of an example: keys in place of the words, and a number in place of the 1. */
static void put_example(const char *root, const char *example, const char *name, unsigned int n)
{
	uint8_t key[KEY_BYTES] = {2, (uint8_t)n};
	char path[512], key_text[KEY_TEXT_BYTES], number[16], *text;
	size_t bytes;

	snprintf(path, sizeof(path), "%s/etc/%s", root, example);
	text = get_file(path, &bytes);
	assert_non_null(text);
	key_format(key, key_text);
	replace_all(text, "CLIENT_PRIVATE_KEY", key_text);
	replace_all(text, "EXIT_PUBLIC_KEY", key_text);
	replace_all(text, "PROXY_PUBLIC_KEY", key_text);
	snprintf(number, sizeof(number), "11.%u.", n);
	replace_all(text, "11.1.", number);
	snprintf(number, sizeof(number), "0.2.%u:", n);
	replace_all(text, "0.2.1:", number);
	put_text(name, text);
	free(text);
}

/* Makes "  # key: value" a line of the configuration. */
static void uncomment(char *text)
{
	regmatch_t at[3];
	regex_t commented;

	assert_int_equal(regcomp(&commented, "^ +(# )[a-z_]+: ([^ ]+)", REG_EXTENDED | REG_NEWLINE),
			 0);
	for (char *rest = text; regexec(&commented, rest, 3, at, REG_NOTBOL) == 0;
	     rest += at[0].rm_eo - 2)
		memmove(rest + at[1].rm_so, rest + at[1].rm_eo, strlen(rest + at[1].rm_eo) + 1);
	regfree(&commented);
}

static void expect_example(const char *file)
{
	struct diags d = DIAGS_INIT;
	struct conf *conf = NULL;
	char *text;

	conf_load(file, registry_all(), &d, &conf);
	text = diags_text(&d);
	assert_string_equal(text, "");
	assert_int_equal(conf->path_count, 3);
	assert_int_equal(conf->inner.tunnel.mtu, 1340);
	assert_string_equal(conf->paths[2].tunnel.interface, "wgnet3");
	assert_int_equal(conf->guards.min_dwell_us, 2000000);
	free(text);
	conf_free(conf);
	diags_fini(&d);
}

static void test_examples(void **state)
{
	const char *root = ((struct folders *)*state)->root;
	char path[512], name[32], *text;
	size_t bytes;

	put_example(root, "wg0.conf.example", "wg0.conf", 9);
	for (unsigned int i = 1; i <= 3; i++) {
		snprintf(name, sizeof(name), "wgnet%u.conf", i);
		put_example(root, "wgnet1.conf.example", name, i);
	}
	snprintf(path, sizeof(path), "%s/etc/comps.yaml", root);
	text = get_file(path, &bytes);
	assert_non_null(text);
	put_text("comps.yaml", text);
	expect_example("comps.yaml");
	uncomment(text);
	assert_non_null(strstr(text, "\n  min_dwell: 2s"));
	put_text("comps.yaml", text);
	expect_example("comps.yaml");
	free(text);
}

/* The file of test_examples() with a profile, and perhaps with other lines for its policy. */
static struct conf *load_profile(const char *profile, const char *policy)
{
	char text[16384], *example, *from;
	struct diags d = DIAGS_INIT;
	struct conf *conf = NULL;
	size_t bytes;

	example = get_file("comps.yaml", &bytes);
	assert_non_null(example);
	from = strstr(example, "\npolicy:");
	assert_non_null(from);
	*from = '\0';
	snprintf(text, sizeof(text), "%s\nprofile: %s\n%s", example, profile, policy);
	put_text("profile.yaml", text);
	free(example);
	if (conf_load("profile.yaml", registry_all(), &d, &conf))
		fail_msg("%s: %s", profile, diags_text(&d));
	diags_fini(&d);
	return conf;
}

static void expect_profile(const char *profile, const char *policy, const char *wanted,
			   const char *params, int64_t min_dwell_us)
{
	struct conf *conf = load_profile(profile, policy);
	char text[1024];

	assert_string_equal(conf->policy->name, wanted);
	assert_int_equal(
		conf_policy_values_format(conf->policy, conf->policy_values, text, sizeof(text)),
		0);
	if (!strstr(text, params))
		fail_msg("%s has %s", profile, text);
	assert_int_equal(conf->guards.min_dwell_us, min_dwell_us);
	conf_free(conf);
}

static void test_profiles(void **state)
{
	test_examples(state);
	expect_profile("none", "", "random-interval", "interval=30s", 2000000);
	expect_profile("comps", "", "dirichlet", "cap=1,", 50000);
	expect_profile("comps", "", "dirichlet", "interval=100ms,dist=fixed", 50000);
	expect_profile("balanced", "", "dirichlet", "cap=0.5", 250000);
	expect_profile("quiet", "", "random-interval", "interval=10s", 2000000);
	expect_profile("mtd", "", "pinned-random", "pause=false", 2000000);
	expect_profile("perf", "", "latency-best", "", 2000000);
	expect_profile("balanced", "guards: {min_dwell: 1s}", "dirichlet", "interval=1s", 1000000);
	expect_profile("balanced", "policy: {name: hold}", "hold", "", 250000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folders_enter, folders_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_folder_of_the_yaml), TEST(test_modes),	   TEST(test_foreign_owner),
		TEST(test_unreadable),	       TEST(test_no_regular_file), TEST(test_too_large),
		TEST(test_most_paths),	       TEST(test_group),	   TEST(test_examples),
		TEST(test_profiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
