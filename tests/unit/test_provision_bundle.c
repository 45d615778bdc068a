/* The client's bundle: what is in it, who may read it, and how it is brought up to date. */
#include <dirent.h>
#include <sys/file.h>

#include "policies/registry.h"
#include "provision/bundle.h"
#include "provision/bundle_conf.h"
#include "provision/bundle_mark.h"
#include "tests/unit/conf_fixture.h"

#define PROXIES 3

struct network {
	struct provision_config config;
	struct config_node nodes[PROXIES + 1];
	struct tunnel proxies[PROXIES];
	struct tunnels tunnels;
	struct bundle_programs programs;
};

static void make_tunnel(struct network *n, struct tunnel *tunnel, const char *name,
			enum provider_role role, unsigned int index)
{
	struct config_node *node = &n->nodes[role == PROVIDER_COMP ? PROXIES : index];

	snprintf(node->name, sizeof(node->name), "%s", name);
	node->role = role;
	node->index = index;
	tunnel->node = node;
	tunnel->path = node->name;
	tunnel->end.address = role == PROVIDER_COMP ? "192.0.2.100"
			      : index		    ? "192.0.2.2"
						    : "192.0.2.1";
	if (index == 2)
		tunnel->end.address = "192.0.2.3";
	tunnel->end.port = (uint16_t)(51820 + index);
	tunnel->end.peer = n->config.gateway.ip;
	tunnel->end.own = tunnels_client_address(&n->config, role, index);
	memset(tunnel->end.private_key, 0x40 + (int)index + (role == PROVIDER_COMP ? 16 : 0),
	       KEY_BYTES);
	memset(tunnel->end.public_key, 0x20, KEY_BYTES);
	memset(tunnel->end.preshared_key, 0x11, KEY_BYTES);
}

static void make_network(struct network *n)
{
	*n = (struct network){.config = {.network = "lab", .mtu = 1420}};
	assert_int_equal(ip_prefix_parse("10.45.0.0/24", &n->config.subnet), 0);
	assert_int_equal(ip_prefix_parse("10.45.0.2/32", &n->config.gateway), 0);
	make_tunnel(n, &n->proxies[0], "ams", PROVIDER_VPN, 0);
	make_tunnel(n, &n->proxies[1], "second", PROVIDER_VPN, 1);
	make_tunnel(n, &n->proxies[2], "third", PROVIDER_VPN, 2);
	make_tunnel(n, &n->tunnels.exit, "exit", PROVIDER_COMP, 0);
	n->tunnels.proxies = n->proxies;
	n->tunnels.count = PROXIES;
	put_file("compsd.built", "compsd", 6, 0755);
	put_file("comps.built", "comps", 5, 0755);
	n->programs = (struct bundle_programs){"compsd.built", "comps.built"};
}

static void count_edit(void *arg, const char *name, enum bundle_edit edit)
{
	(void)name;
	((unsigned int *)arg)[edit]++;
}

static int write_to(const struct network *n, const char *directory, unsigned int edits[3],
		    struct err *e)
{
	unsigned int unused[3];
	struct bundle bundle;
	int ret;

	edits = edits ? edits : unused;
	memset(edits, 0, 3 * sizeof(*edits));
	assert_int_equal(bundle_make(&n->config, &n->tunnels, &n->programs, true, &bundle, e), 0);
	ret = bundle_write(&bundle, directory, count_edit, edits, e);
	bundle_fini(&bundle);
	return ret;
}

static void expect_written(const struct network *n, unsigned int edits[3])
{
	struct err e = {""};
	int ret = write_to(n, "out", edits, &e);

	if (ret)
		fail_msg("%d: %s", ret, e.text);
}

static void expect_text(const char *name, const char *wanted)
{
	size_t bytes;
	char *text = get_file(name, &bytes);

	assert_non_null(text);
	if (!strstr(text, wanted))
		fail_msg("%s has no \"%s\":\n%s", name, wanted, text);
	free(text);
}

static void expect_mode(const char *name, mode_t mode)
{
	struct stat st;

	assert_int_equal(lstat(name, &st), 0);
	if ((st.st_mode & 07777) != mode)
		fail_msg("%s has mode %o, not %o", name, st.st_mode & 07777, mode);
}

/* --- what is in it ---------------------------------------------------------------------------- */

static void test_files(void **state)
{
	struct network n;

	(void)state;
	make_network(&n);
	umask(0);
	expect_written(&n, NULL);
	umask(022);
	expect_mode("out", 0700);
	expect_mode("out/wg", 0700);
	expect_mode("out/comps.yaml", 0600);
	expect_mode("out/wg/wg0.conf", 0600);
	expect_mode("out/wg/ams.conf", 0600);
	expect_mode("out/wg/third.conf", 0600);
	expect_mode("out/run", 01777);
	expect_mode("out/docker-compose.yml", 0644);
	expect_mode("out/Dockerfile", 0644);
	expect_mode("out/README.md", 0644);
	expect_mode("out/compsd", 0755);
	expect_text("out/compsd", "compsd");
	expect_text("out/.dockerignore", "\n*\n!compsd\n!comps\n");
	expect_text("out/.gitignore", "\n*\n");
	expect_text("out/Dockerfile", "FROM debian:bookworm-slim\n");
	expect_text("out/README.md", "network_mode: \"service:wgclient\"");
	expect_text("out/wg/ams.conf",
		    "[Interface]\nPrivateKey = QEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEA=\n"
		    "Address = 10.45.0.5/32\nMTU = 1420\n\n[Peer]\n"
		    "PublicKey = ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICA=\n"
		    "PresharedKey = ERERERERERERERERERERERERERERERERERERERERERE=\n"
		    "AllowedIPs = 0.0.0.0/0\nEndpoint = 192.0.2.1:51820\n");
	expect_text("out/wg/wg0.conf", "Address = 10.45.0.100/32\nMTU = 1340\n");
}

static void test_compsd_takes_it(void **state)
{
	struct diags d = DIAGS_INIT;
	struct conf *conf = NULL;
	struct network n;

	(void)state;
	make_network(&n);
	memset(n.proxies[1].end.preshared_key, 0, KEY_BYTES);
	expect_written(&n, NULL);
	if (conf_load("out/comps.yaml", registry_all(), &d, &conf))
		fail_msg("%s", diags_text(&d));
	assert_int_equal(d.count, 0);
	assert_int_equal(conf->mode, CONF_NESTED);
	assert_int_equal(conf->path_count, PROXIES);
	assert_string_equal(conf->paths[0].name, "ams");
	assert_string_equal(conf->paths[0].tunnel.interface, "wg-ams");
	assert_string_equal(conf->paths[1].name, "second");
	assert_string_equal(conf->paths[2].name, "third");
	assert_string_equal(conf->policy->name, "random-interval");
	assert_true(ip_equal(&conf->inner.ping, &n.config.gateway.ip));
	assert_true(ip_equal(&conf->paths[2].proxy4, &n.config.gateway.ip));
	assert_true(conf->paths[0].tunnel.wg->has_preshared_key);
	assert_false(conf->paths[1].tunnel.wg->has_preshared_key);
	assert_int_equal(conf->inner.tunnel.mtu, 1340);
	conf_free(conf);
	diags_fini(&d);
}

/* Only a bundle of somebody else than root needs the right to read files of others. */
static void test_rights(void **state)
{
	struct bundle bundle;
	struct network n;
	struct err e;

	(void)state;
	make_network(&n);
	for (int root = 0; root < 2; root++) {
		assert_int_equal(bundle_make(&n.config, &n.tunnels, &n.programs, root, &bundle, &e),
				 0);
		assert_string_equal(bundle.files[0].name, "docker-compose.yml");
		assert_int_equal(strstr(bundle.files[0].text, "\n      - DAC_OVERRIDE #") != NULL,
				 !root);
		assert_null(strstr(bundle.files[0].text, "#not-root"));
		assert_non_null(strstr(bundle.files[0].text, "\n      - NET_RAW #"));
		bundle_fini(&bundle);
	}
}

static void test_without_programs(void **state)
{
	struct network n;

	(void)state;
	make_network(&n);
	n.programs = (struct bundle_programs){NULL, NULL};
	expect_written(&n, NULL);
	assert_int_equal(access("out/compsd", F_OK), -1);
	put_file("out/compsd", "mine", 4, 0755);
	expect_written(&n, NULL);
	expect_text("out/compsd", "mine");
}

/* --- bringing it up to date ------------------------------------------------------------------ */

static void test_brought_up_to_date(void **state)
{
	struct stat before, after;
	struct network n;

	(void)state;
	make_network(&n);
	expect_written(&n, NULL);
	assert_int_equal(stat("out", &before), 0);
	n.tunnels.count = 1;
	assert_int_equal(write_to(&n, "./out//", NULL, NULL), 0);
	put_text("out/docker-compose.override.yml", "services: {}\n");
	assert_int_equal(mkdir("out/data", 0755), 0);
	put_text("out/data/file", "mine\n");
	expect_written(&n, NULL);
	assert_int_equal(stat("out", &after), 0);
	assert_int_equal(before.st_ino, after.st_ino); /* a container has it mounted */
	assert_int_equal(access("out/wg/third.conf", F_OK), -1);
	expect_text("out/docker-compose.override.yml", "services");
	expect_text("out/data/file", "mine");
}

static void replace_text(const char *name, const char *from, const char *to)
{
	size_t bytes;
	char *text = get_file(name, &bytes), *at = strstr(text, from), *changed;

	assert_non_null(at);
	assert_true(asprintf(&changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) >
		    0);
	put_text(name, changed);
	free(changed);
	free(text);
}

static void test_what_is_the_users_is_kept(void **state)
{
	unsigned int edits[3];
	struct network n;

	(void)state;
	make_network(&n);
	expect_written(&n, NULL);
	replace_text("out/comps.yaml", "profile: quiet", "profile: mtd");
	n.tunnels.count = 2;
	expect_written(&n, edits);
	assert_int_equal(edits[BUNDLE_EDIT_KEPT] + edits[BUNDLE_EDIT_ASIDE], 0);
	expect_text("out/comps.yaml", "profile: mtd");
	expect_text("out/comps.yaml", "config: wg/second.conf");
	replace_text("out/comps.yaml", "mode: nested", "mode: direct");
	expect_written(&n, edits); /* we would write the same again */
	assert_int_equal(edits[BUNDLE_EDIT_KEPT], 1);
	expect_text("out/comps.yaml", "mode: direct");
	n.tunnels.count = 1; /* now we do not */
	expect_written(&n, edits);
	assert_int_equal(edits[BUNDLE_EDIT_ASIDE], 1);
	expect_text("out/comps.yaml", "mode: nested");
	expect_text("out/comps.yaml", "profile: mtd");
	expect_text("out/comps.yaml.before", "mode: direct");
	expect_mode("out/comps.yaml.before", 0600);
	expect_written(&n, edits);
	assert_int_equal(edits[BUNDLE_EDIT_KEPT] + edits[BUNDLE_EDIT_ASIDE], 0);
	put_text("out/comps.yaml", "mine alone\n");
	n.tunnels.count = 2;
	expect_written(&n, edits);
	expect_text("out/comps.yaml.before", "mine alone");
	expect_text("out/comps.yaml", "profile: quiet");
}

static void expect_refused(const struct network *n, const char *directory, int error,
			   const char *wanted)
{
	struct err e = {""};

	assert_int_equal(write_to(n, directory, NULL, &e), error);
	if (!strstr(e.text, wanted))
		fail_msg("\"%s\" is not in: %s", wanted, e.text);
}

static void test_refuses(void **state)
{
	struct network n;

	(void)state;
	make_network(&n);
	assert_int_equal(mkdir("out", 0755), 0);
	put_text("out/file", "mine\n");
	expect_refused(&n, "out", -EEXIST, "was not made by comps provision");
	expect_text("out/file", "mine");
	assert_int_equal(access("out/wg", F_OK), -1);
	put_text("afile", "a file\n");
	expect_refused(&n, "afile", -ENOTDIR, "afile: Not a directory");
	assert_int_equal(symlink("elsewhere", "link"), 0);
	expect_refused(&n, "link", -ENOTDIR, "link: Not a directory");
	expect_refused(&n, "no/such/out", -ENOENT, "no/such/out: No such file");
	expect_refused(&n, "/", -EEXIST, "was not made by comps provision");
	expect_refused(&n, "", -ENOENT, "No such file");
	n.programs.compsd = "no-such-program";
	expect_refused(&n, "other", -ENOENT, "other/compsd: No such file");
	make_network(&n);
	assert_int_equal(write_to(&n, "other", NULL, NULL), 0); /* what was begun is ours */
}

static void test_one_at_a_time(void **state)
{
	struct network n;
	int fd;

	(void)state;
	make_network(&n);
	expect_written(&n, NULL);
	fd = open("out", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	expect_refused(&n, "out", -EBUSY, "another process is writing in out");
	close(fd);
	expect_written(&n, NULL);
}

/* What a killed one leaves: a folder, a part of it, files beside their places, a tunnel that the
 * mark does not know. */
static void test_goes_on_after_a_kill(void **state)
{
	unsigned int edits[3];
	struct network n;

	(void)state;
	make_network(&n);
	assert_int_equal(mkdir("out", 0700), 0);
	expect_written(&n, NULL);
	assert_int_equal(unlink("out/comps.yaml"), 0);
	put_text("out/wg/wg0.conf", "a part");
	put_text("out/wg/ams.conf.new", "a part");
	put_text("out/comps.yaml.new", "a part");
	put_text("out/wg/stranger.conf", "a key");
	expect_written(&n, edits);
	assert_int_equal(edits[BUNDLE_EDIT_KEPT] + edits[BUNDLE_EDIT_ASIDE], 0);
	expect_text("out/wg/wg0.conf", "[Interface]");
	expect_text("out/comps.yaml", "paths:");
	assert_int_equal(access("out/wg/stranger.conf", F_OK), -1);
	assert_int_equal(access("out/wg/ams.conf.new", F_OK), -1);
	assert_int_equal(access("out/comps.yaml.new", F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_files, folders_enter, folders_leave),
		cmocka_unit_test_setup_teardown(test_compsd_takes_it, folders_enter, folders_leave),
		cmocka_unit_test_setup_teardown(test_rights, folders_enter, folders_leave),
		cmocka_unit_test_setup_teardown(test_without_programs, folders_enter,
						folders_leave),
		cmocka_unit_test_setup_teardown(test_brought_up_to_date, folders_enter,
						folders_leave),
		cmocka_unit_test_setup_teardown(test_what_is_the_users_is_kept, folders_enter,
						folders_leave),
		cmocka_unit_test_setup_teardown(test_refuses, folders_enter, folders_leave),
		cmocka_unit_test_setup_teardown(test_one_at_a_time, folders_enter, folders_leave),
		cmocka_unit_test_setup_teardown(test_goes_on_after_a_kill, folders_enter,
						folders_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
