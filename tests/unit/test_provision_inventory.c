/* The inventory of hosts that are there already: what each line of it means, and what is wrong with
 * it, where. */
#include "provision/hosts_file.h"
#include "provision/inventory.h"
#include "tests/unit/conf_fixture.h"

#define BLOB	 "AAAAC3NzaC1lZDI1NTE5AAAAIJCnonvFQLMyw0q1/p5+jiY6DZae4M42B6bXMnHO1szr"
#define KEY	 "ssh-ed25519 " BLOB
#define EXIT	 "[comp]\nexit ansible_host=203.0.113.20\n"
#define THE_EXIT "comp 0 exit root@203.0.113.20:22 51820\n" /* as nodes_text shows it */
#define NOT_USED " is not used; proxies stand under [vpn], the exit under [comp]\n"
#define NO_HOST	 " is no IPv4 address and no name of a host"
#define NO_INI	 "this is YAML or JSON; an inventory in INI form is wanted, with [vpn] and [comp]"
#define NO_GROUP "a group is written [vpn], and nothing stands behind it"

/* --- what the tests share --------------------------------------------------------------------- */

/* One line for each server: "ROLE INDEX NAME USER@ADDRESS:PORT WG-PORT [KEY FILE] [HOST KEY]". */
static char *nodes_text(const struct provision_config *config)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *f = open_memstream(&text, &bytes);

	assert_non_null(f);
	for (size_t i = 0; i < config->node_count; i++) {
		const struct config_node *n = &config->nodes[i];

		fprintf(f, "%s %u %s %s@%s:%u %u", n->role == PROVIDER_VPN ? "vpn" : "comp",
			n->index, n->name, n->ssh.user, n->address, n->ssh.port, n->port);
		if (strcmp(n->ssh.key, config->ssh.key) != 0)
			fprintf(f, " %s", n->ssh.key);
		fprintf(f, "%s%s\n", *n->host_key ? " " : "", n->host_key);
	}
	fclose(f);
	return text;
}

struct loaded {
	int ret;
	struct provision_config *config;
	struct diags d;
	char *nodes, *diags;
};

/* The file "hosts" with the configuration `yaml` (NULL: none). */
static struct loaded load(const char *yaml)
{
	struct loaded l = {.d = DIAGS_INIT};

	if (yaml)
		put_text("config.cfg", yaml);
	assert_int_equal(config_load(yaml ? "config.cfg" : NULL, true, &l.d, &l.config), 0);
	diags_fini(&l.d);
	l.ret = inventory_load("hosts", &l.d, l.config);
	l.nodes = nodes_text(l.config);
	l.diags = diags_text(&l.d);
	return l;
}

static void unload(struct loaded *l)
{
	config_free(l->config);
	diags_fini(&l->d);
	free(l->nodes);
	free(l->diags);
}

/* Accepted, with these servers and these notes. */
static void expect_with(const char *yaml, const char *text, const char *nodes, const char *notes)
{
	struct loaded l;

	put_text("hosts", text);
	l = load(yaml);
	assert_string_equal(l.diags, notes);
	assert_int_equal(l.ret, 0);
	assert_string_equal(l.nodes, nodes);
	unload(&l);
}

#define expect(...) expect_with(NULL, __VA_ARGS__)

static void expect_file_refused(const char *wanted)
{
	struct loaded l = load(NULL);

	assert_string_equal(l.diags, wanted);
	assert_int_equal(l.ret, -EINVAL);
	unload(&l);
}

static void expect_refused(const char *text, const char *wanted)
{
	put_text("hosts", text);
	expect_file_refused(wanted);
}

/* One proxy, which is `line`, refused at that column for that reason. */
static void expect_host_refused(const char *line, int column, const char *why)
{
	char text[4096], wanted[2048];

	snprintf(text, sizeof(text), EXIT "[vpn]\n%s\n", line);
	snprintf(wanted, sizeof(wanted), "hosts:4:%d: %s\n", column, why);
	expect_refused(text, wanted);
}

/* --- groups and hosts ------------------------------------------------------------------------- */

static void test_groups(void **state)
{
	static const char servers[] = "vpn 0 ams root@203.0.113.11:22 51820\n" THE_EXIT;

	(void)state;
	expect("[vpn]\nams ansible_host=203.0.113.11\n[comp]\nexit ansible_host=203.0.113.20\n",
	       servers, "");
	expect("[vpn]\nams ansible_host=203.0.113.11\n[comps]\nexit ansible_host=203.0.113.20",
	       servers, "");
	/* the exit is behind the proxies, whose order is that of the file; a group may be begun
	 * again */
	expect("[comp]\nexit ansible_host=203.0.113.20\n[vpn]\nb.example.com\n"
	       "[web]\nw\n[vpn]\na.example.com\n",
	       "vpn 0 b-example-com root@b.example.com:22 51820\n"
	       "vpn 1 a-example-com root@a.example.com:22 51820\n" THE_EXIT,
	       "hosts:5:1: note: group web" NOT_USED);
	expect("lost\nlost2\n[all]\nx\n[vpn]\n203.0.113.11\n[comp]\nExit_2.example.com\n",
	       "vpn 0 203-0-113-11 root@203.0.113.11:22 51820\n"
	       "comp 0 exit-2-example-com root@Exit_2.example.com:22 51820\n",
	       "hosts:1:1: note: what stands before the first group" NOT_USED
	       "hosts:3:1: note: group all" NOT_USED);
}

/* What a host says itself comes first, then its group, then all, then the configuration. */
static void test_variables(void **state)
{
	(void)state;
	expect("[all:vars]\nansible_user = admin\nansible_port=2200\n"
	       "wg_port=51000\n[vpn:vars]\nansible_port = 2201 # of proxies\n"
	       "[vpn]\nams ansible_host=203.0.113.11\n"
	       "fra ansible_host=203.0.113.12 ansible_user=me ansible_port=2202 wg_port=51001 "
	       "ansible_ssh_private_key_file='~/my key' name=frankfurt\n"
	       "203.0.113.13:2203 host_key=\"" KEY " root@fra\"\n" EXIT,
	       "vpn 0 ams admin@203.0.113.11:2201 51000\n"
	       "vpn 1 frankfurt me@203.0.113.12:2202 51001 ~/my key\n"
	       "vpn 2 203-0-113-13 admin@203.0.113.13:2203 51000 " KEY
	       "\ncomp 0 exit admin@203.0.113.20:2200 51000\n",
	       "");
	expect("[vpn]\n"
	       "a ansible_ssh_host=203.0.113.11 ansible_ssh_port=23 ansible_ssh_user=u\n" EXIT,
	       "vpn 0 a u@203.0.113.11:23 51820\n" THE_EXIT, "");
	expect("[vpn]\n"
	       "ams ansible_host=203.0.113.11 ansible_python_interpreter=/usr/bin/python3\n" EXIT
	       "[comps:vars]\nansible_become=yes\n",
	       "vpn 0 ams root@203.0.113.11:22 51820\n" THE_EXIT,
	       "hosts:2:31: note: ansible_python_interpreter is not used\n"
	       "hosts:6:1: note: ansible_become is not used\n");
}

/* Its two parts are one blank apart, in the end. */
static void test_pinned_keys(void **state)
{
	(void)state;
	expect("[vpn]\nams host_key='ssh-ed25519\t" BLOB "\tme'\nfra host_key='ssh-ed25519  " BLOB
	       "'\n" EXIT,
	       "vpn 0 ams root@ams:22 51820 " KEY "\nvpn 1 fra root@fra:22 51820 " KEY
	       "\n" THE_EXIT,
	       "");
}

static void test_comments_and_quotes(void **state)
{
	static const char servers[] = "vpn 0 ams me@203.0.113.11:22 51820\n" THE_EXIT;

	(void)state;
	expect("# a comment\n ; another\n\n \t\n[vpn] # proxies\n"
	       "  ams\tansible_host=\"203.0.113.11\"  'ansible_user=me'  # not: ansible_port=1\n"
	       "[comp] ; the exit\nexit ansible_host='203.0.113.20'\n# end",
	       servers, "");
	expect("[vpn]\r\nams ansible_host=203.0.113.11 ansible_user=me\r\n\r\n"
	       "[comp]\r\nexit ansible_host=203.0.113.20\r\n",
	       servers, "");
	expect_host_refused("ams ansible_user='me", 5, "the quote is not closed");
	expect_host_refused("ams ansible_user=a\\b", 19, "a backslash has no meaning here");
	expect_host_refused("ams ansible_user=a#b", 5,
			    "ansible_user: \"a#b\" is no name of a user");
}

static void test_with_a_configuration(void **state)
{
	(void)state;
	/* the original's, whose servers are not those that are meant */
	expect_with("token: $DO_TOKEN\nssh_key_id: $SSH_KEY_ID\nwireguard_port: 51999\n"
		    "ssh: {user: admin, port: 2222, key: /k}\nvpns:\n"
		    "  - {name: wgnet1, region: nyc3}\nclients:\n"
		    "  - {name: c, region: nyc1}\n",
		    "[vpn]\nams\nfra ansible_user=root wg_port=1\n" EXIT,
		    "vpn 0 ams admin@ams:2222 51999\nvpn 1 fra root@fra:2222 1\n"
		    "comp 0 exit admin@203.0.113.20:2222 51999\n",
		    "");
	expect_with("wireguard_port: 51999\n", "[vpn]\nams\n" EXIT,
		    "vpn 0 ams root@ams:22 51999\ncomp 0 exit root@203.0.113.20:22 51999\n", "");
}

/* --- what is refused -------------------------------------------------------------------------- */

static void test_addresses(void **state)
{
	static const char *const ipv6[] = {"2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:22"};
	static const char *const bad[] = {"-oProxyCommand=x", "a/b", ".a",    "203.0.113",
					  "203.0.113.256",    "1",   "a\x01", "a\rb",
					  "\xc3\xa4",	      "*"};
	char line[128], why[256];

	(void)state;
	for (size_t i = 0; i < sizeof(ipv6) / sizeof(ipv6[0]); i++) {
		snprintf(why, sizeof(why), "\"%s\" is IPv6; servers are reached by IPv4", ipv6[i]);
		expect_host_refused(ipv6[i], 1, why);
		snprintf(line, sizeof(line), "  ams ansible_host=%s", ipv6[i]);
		snprintf(why, sizeof(why),
			 "ansible_host: \"%s\" is IPv6; servers are reached by IPv4", ipv6[i]);
		expect_host_refused(line, 7, why);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(why, sizeof(why), "\"%s\"" NO_HOST, bad[i]);
		for (char *c = why; *c; c++)
			*c = *c == 1 || *c == '\r' ? '?' : *c;
		expect_host_refused(bad[i], 1, why);
	}
	expect_host_refused("me@ams", 1, "\"me@ams\" is no host; the user stands in ansible_user=");
	expect_host_refused("ams:0", 1, "ansible_port: \"0\" is no port from 1 to 65535");
	expect_host_refused("\"\"", 1, "\"\"" NO_HOST);
	expect_host_refused("_ ansible_host=ams", 1, "\"_\" makes no name; give it one with name=");
	expect_host_refused("ams[1:9].example.com", 1,
			    "\"ams[1:9].example.com\": ranges are not accepted; write every host "
			    "on a line of its own");
}

static void test_values(void **state)
{
	static const struct {
		const char *line;
		int column;
		const char *why;
	} cases[] = {
		{"a ansible_port=65536", 3, "ansible_port: \"65536\" is no port from 1 to 65535"},
		{"a ansible_port=22x", 3, "ansible_port: \"22x\" is no port from 1 to 65535"},
		{"a wg_port=-1", 3, "wg_port: \"-1\" is no port from 1 to 65535"},
		{"a ansible_user=-l", 3, "ansible_user: \"-l\" is no name of a user"},
		{"a ansible_user=", 3, "ansible_user: \"\" is no name of a user"},
		{"a ansible_ssh_private_key_file=-F", 3,
		 "ansible_ssh_private_key_file: \"-F\" is no name of a file"},
		{"a ansible_ssh_private_key_file=/\x1b", 3,
		 "ansible_ssh_private_key_file: \"/?\" holds a quote, or what is not printable "
		 "ASCII"},
		{"a host_key=AAAA", 3,
		 "host_key: \"AAAA\" is no public host key, such as \"ssh-ed25519 AAAA...\"; see "
		 "/etc/ssh/ssh_host_ed25519_key.pub on the host"},
		{"a name=-x", 3,
		 "name: \"-x\" cannot be a name: 1 to 32 of a-z 0-9 -, with no - at either end"},
		{"a port", 3, "\"port\" is no NAME=VALUE"},
		{"a =x", 3, "\"=x\" is no NAME=VALUE"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_host_refused(cases[i].line, cases[i].column, cases[i].why);
	expect_host_refused("a  anisble_host=b", 4,
			    "unknown variable \"anisble_host\": did you mean \"ansible_host\"? "
			    "known: ansible_host, ansible_port, ansible_user, "
			    "ansible_ssh_private_key_file, wg_port, host_key, name");
}

/* Nothing of them is shown: they may hold a password. */
static void test_options_and_passwords(void **state)
{
	static const char *const names[] = {
		"ansible_ssh_common_args", "ansible_ssh_extra_args", "ansible_ssh_args",
		"ansible_password",	   "ansible_ssh_pass",	     "ansible_become_password",
		"ansible_become_pass",
	};
	char line[128], why[256];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(line, sizeof(line), "a %s='-o hunter2'", names[i]);
		snprintf(
			why, sizeof(why), "%s is not accepted: %s", names[i],
			i < 3 ? "options for ssh could switch the check of host keys off; there is "
				"ssh: {proxy_jump: HOST} in the configuration"
			      : "log in by key, as root or as a user who may sudo without a "
				"password");
		expect_host_refused(line, 3, why);
	}
}

/* What a group says is wrong once, however many hosts it is for, and even for none. */
static void test_group_variables_once(void **state)
{
	(void)state;
	expect_refused("[all:vars]\nansible_port=x\n[vpn:vars]\nwg_port 1\n"
		       "  ansible_user=a b\n[vpn]\na\nb\nc\n" EXIT,
		       "hosts:2:1: ansible_port: \"x\" is no port from 1 to 65535\n"
		       "hosts:4:1: one NAME=VALUE per line; quote a value with blanks\n"
		       "hosts:5:3: one NAME=VALUE per line; quote a value with blanks\n");
}

static void test_sections(void **state)
{
	static const char good[] = "[vpn]\na\n" EXIT;
	static const struct {
		const char *line, *why;
	} cases[] = {
		{"[comps:children]", "[comps:children] is not accepted; list the hosts themselves "
				     "under [vpn] and [comp]"},
		{"[vpn", NO_GROUP},
		{"[vpn] x", NO_GROUP},
		{"---", NO_INI},
		{"{\"vpn\": []}", NO_INI},
	};
	char text[512], wanted[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), "%s  %s\nnot read\n", good, cases[i].line);
		snprintf(wanted, sizeof(wanted), "hosts:5:3: %s\n", cases[i].why);
		expect_refused(text, wanted);
	}
}

static void test_counts(void **state)
{
	char *text = NULL;
	size_t bytes;
	FILE *f = open_memstream(&text, &bytes);
	struct loaded l;

	(void)state;
	expect_refused("", "hosts: there is no exit: one host under [comp] is wanted\n"
			   "hosts: 0 proxies under [vpn]; 1 to 95 are accepted (the tunnel "
			   "addresses .5 to .99)\n");
	expect_refused("[vpn]\na\n", "hosts: there is no exit: one host under [comp] is wanted\n");
	expect_refused("[vpn]\na\n" EXIT "  exit2\n[comps]\nexit3\n",
		       "hosts:5:3: a second exit, after line 4; all paths lead to exactly one\n"
		       "hosts:7:1: a second exit, after line 4; all paths lead to exactly one\n");
	fputs(EXIT "[vpn]\n", f);
	for (int i = 1; i <= 95; i++)
		fprintf(f, "p%d\n", i);
	fflush(f);
	put_text("hosts", text);
	l = load(NULL);
	assert_int_equal(l.ret, 0);
	assert_int_equal(l.config->node_count, 96);
	unload(&l);
	fputs("p96\np97\n", f);
	fclose(f);
	expect_refused(text, "hosts:99:1: 97 proxies under [vpn]; 1 to 95 are accepted (the tunnel "
			     "addresses .5 to .99)\n");
	free(text);
}

static void test_twins(void **state)
{
	(void)state;
	expect_refused("[vpn]\na\nb ansible_host=A\n" EXIT,
		       "hosts:3:1: A is on line 2 already; every proxy, and the exit, is a host of "
		       "its own\n");
	expect_refused("[vpn]\na\nb ansible_host=203.0.113.20\n" EXIT,
		       "hosts:5:1: 203.0.113.20 is on line 3 already; every proxy, and the exit, "
		       "is a host of its own\n");
	expect_refused("[vpn]\na.b\na-b\n" EXIT,
		       "hosts:3:1: the name a-b is taken by line 2; give it another with name=\n");
}

static void test_too_long(void **state)
{
	char name[300], line[400], why[500];

	(void)state;
	memset(name, 'a', sizeof(name));
	name[256] = '\0';
	snprintf(why, sizeof(why), "\"%.60s\"" NO_HOST, name);
	expect_host_refused(name, 1, why);
	snprintf(line, sizeof(line), "a ansible_ssh_private_key_file=/%s", name + 1);
	snprintf(why, sizeof(why), "ansible_ssh_private_key_file: \"/%.59s\" is no name of a file",
		 name);
	expect_host_refused(line, 3, why);
	name[33] = '\0';
	snprintf(line, sizeof(line), "a ansible_user=%s", name);
	snprintf(why, sizeof(why), "ansible_user: \"%s\" is no name of a user", name);
	expect_host_refused(line, 3, why);
	/* a name of its own that is too long is refused, one that is made of an address is cut */
	snprintf(line, sizeof(line), "[vpn]\n%s.example.com\n" EXIT, name);
	snprintf(why, sizeof(why), "vpn 0 %.32s root@%s.example.com:22 51820\n" THE_EXIT, name,
		 name);
	expect(line, why, "");
}

/* --- the file --------------------------------------------------------------------------------- */

static void test_files(void **state)
{
	static const char nul[] = "[vpn]\na\n" EXIT "\0x\n";

	(void)state;
	unlink("hosts");
	expect_file_refused("hosts: cannot be opened: No such file or directory\n");
	assert_int_equal(symlink("hosts", "hosts"), 0); /* root may read everything, but not this */
	expect_file_refused("hosts: cannot be opened: Too many levels of symbolic links\n");
	unlink("hosts");
	assert_int_equal(mkdir("hosts", 0700), 0);
	expect_file_refused("hosts: is not a regular file\n");
	rmdir("hosts");
	assert_int_equal(mkfifo("hosts", 0600), 0);
	expect_file_refused("hosts: is not a regular file\n");
	unlink("hosts");
	put_file("hosts", nul, sizeof(nul) - 1, 0600);
	expect_file_refused("hosts: it holds a NUL: it is no text\n");
}

/* As large as it may be, of the smallest lines, is told at once what is wrong with it. */
static void test_large_files(void **state)
{
	size_t bytes = 1048576;
	char *text = malloc(bytes + 1);
	struct loaded l;

	(void)state;
	for (size_t i = 0; i < bytes; i += 2)
		memcpy(text + i, "a\n", 2);
	memcpy(text, "[vpn]\n", 6);
	put_file("hosts", text, bytes, 0600);
	l = load(NULL);
	assert_int_equal(l.ret, -EINVAL);
	assert_non_null(strstr(l.diags, "hosts:97:1: 524285 proxies under [vpn]; 1 to 95 are"));
	unload(&l);
	put_file("hosts", text, bytes + 1, 0600);
	expect_file_refused("hosts: is larger than 1048576 bytes\n");
	free(text);
}

/* --- written ---------------------------------------------------------------------------------- */

/* What `inventory` prints is read as the same servers. */
static void test_written_and_read(void **state)
{
	static const char yaml[] = "wireguard_port: 51999\nssh: {user: admin}\n";
	struct state st = {.lock_fd = -1};
	struct loaded l, again;
	FILE *f;

	(void)state;
	put_text("hosts",
		 "[vpn]\na ansible_host=203.0.113.1 wg_port=1 ansible_port=23\n"
		 "b ansible_host=203.0.113.2 ansible_ssh_private_key_file='/a b' host_key=\"" KEY
		 "\"\n" EXIT);
	l = load(yaml);
	assert_int_equal(l.ret, 0);
	for (size_t i = 0; i < l.config->node_count; i++) {
		struct state_node *known = state_put(&st, l.config->nodes[i].name);

		strcpy(known->ip, l.config->nodes[i].address);
		strcpy(known->host_key, l.config->nodes[i].host_key);
	}
	f = fopen("hosts", "w");
	hosts_file_write(l.config, &st, f);
	fclose(f);
	again = load(NULL);
	assert_string_equal(again.diags, "");
	assert_string_equal(again.nodes, l.nodes);
	unload(&again);
	unload(&l);
	free(st.nodes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_pinned_keys),
		cmocka_unit_test(test_comments_and_quotes),
		cmocka_unit_test(test_with_a_configuration),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_options_and_passwords),
		cmocka_unit_test(test_group_variables_once),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_twins),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_large_files),
		cmocka_unit_test(test_written_and_read),
	};

	return cmocka_run_group_tests(tests, folders_enter, folders_leave);
}
