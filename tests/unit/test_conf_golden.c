/* Each tests/golden/conf/NAME.yaml is loaded; what comes of it must be what NAME.ok or NAME.err
 * says. With COMPS_GOLDEN_UPDATE=1 these are written anew: read the difference before you keep it.
 */
#include <glob.h>

#include "tests/unit/conf_fixture.h"

#define GOLDEN "tests/golden/conf"

static void print_prefixes(FILE *f, const char *what, const struct ip_prefix *list, size_t count)
{
	char text[IP_PREFIX_TEXT_BYTES];

	fprintf(f, " %s", what);
	for (size_t i = 0; i < count; i++)
		fprintf(f, "%c%s", i ? ',' : '=', ip_prefix_format(&list[i], text));
}

static void print_tunnel(FILE *f, const struct conf_tunnel *t)
{
	fprintf(f, " interface=%s manage=%d mtu=%u port=%u psk=%d keepalive=%u dns=%zu",
		t->interface, t->manage, t->mtu, t->wg->listen_port, t->wg->has_preshared_key,
		t->wg->keepalive_s, t->wg->dns_count);
	print_prefixes(f, "address", t->wg->addresses, t->wg->address_count);
	print_prefixes(f, "allowed", t->wg->allowed_ips, t->wg->allowed_ip_count);
	fprintf(f, " endpoint=%s port %u%s\n", t->wg->endpoint.host, t->wg->endpoint.port,
		t->wg->endpoint.ip.family == AF_UNSPEC ? " (a name)" : "");
}

static void print_paths(FILE *f, const struct conf *conf)
{
	char ip[2][IP_TEXT_BYTES];

	for (size_t i = 0; i < conf->path_count; i++) {
		const struct conf_path *p = &conf->paths[i];

		fprintf(f, "path %s priority=%u drained=%d proxy=%s,%s", p->name, p->priority,
			p->drained, ip_format(&p->proxy4, ip[0]), ip_format(&p->proxy6, ip[1]));
		print_tunnel(f, &p->tunnel);
	}
}

static void print_network(FILE *f, const struct conf_network *n)
{
	fprintf(f, "network tables=%u,%u,%u marks=%u,%u,%u rules=%u protocol=%u nft=%s uplinks=",
		n->table_inner, n->table_overlay, n->probe_table, n->mark_inner, n->mark_overlay,
		n->mark_steer, n->rule_priority, n->protocol, n->nft_table);
	for (size_t i = 0; i < n->uplink_count; i++)
		fprintf(f, "%s%s", i ? "," : "", n->uplinks[i]);
	fprintf(f, "%s\n", n->uplink_count ? "" : "auto");
}

static void print_numbers(FILE *f, const struct conf *conf)
{
	const struct conf_guards *g = &conf->guards;
	const struct conf_probe *p = &conf->probe;

	fprintf(f, "guards dwell=%lldus max=%u settle=%lldus hold_down=%lldus/%lldus\n",
		(long long)g->min_dwell_us, g->max_migrations_per_min,
		(long long)g->settle_timeout_us, (long long)g->hold_down_us,
		(long long)g->hold_down_half_life_us);
	fprintf(f,
		"probe interval=%lldus burst=%u gap=%lldus timeout=%lld..%lldus up=%u window=%u "
		"size=%u\n",
		(long long)p->interval_us, p->burst, (long long)p->burst_gap_us,
		(long long)p->timeout_min_us, (long long)p->timeout_max_us, p->up_after, p->window,
		p->size_bytes);
	print_network(f, &conf->network);
}

static void print_conf(FILE *f, const struct conf *conf)
{
	const union policy_value *v = conf->policy_values;
	char ping[IP_TEXT_BYTES];

	fprintf(f, "mode=%d backend=%d log=%d socket=%s userspace=", conf->mode, conf->backend,
		conf->log_level, conf->control_socket);
	for (size_t i = 0; conf->userspace[i]; i++)
		fprintf(f, "%s%s", i ? "|" : "", conf->userspace[i]);
	fprintf(f, "\n");
	if (conf->mode == CONF_NESTED) {
		fprintf(f, "inner ping=%s", ip_format(&conf->inner.ping, ping));
		print_tunnel(f, &conf->inner.tunnel);
	}
	print_paths(f, conf);
	fprintf(f, "policy %s", conf->policy->name);
	if (conf->policy->param_count)
		fprintf(f, " interval=%lldus dist=%d factor=%g rounds=%lld eager=%d",
			(long long)v[0].duration_us, v[1].choice, v[2].number,
			(long long)v[3].count, v[4].flag);
	fprintf(f, "\n");
	print_numbers(f, conf);
	print_prefixes(f, "bypass", conf->bypass, conf->bypass_count);
	fprintf(f, "\n");
}

/* The folder in which the tests run, but with .conf files that only we can read. */
static void copy_in(const char *root, const char *pattern)
{
	char path[512], *text;
	size_t bytes;
	glob_t found;

	snprintf(path, sizeof(path), "%s/" GOLDEN "/%s", root, pattern);
	assert_int_equal(glob(path, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		text = get_file(found.gl_pathv[i], &bytes);
		put_file(strstr(found.gl_pathv[i], GOLDEN) + strlen(GOLDEN) + 1, text, bytes, 0600);
		free(text);
	}
	globfree(&found);
}

/* What a load comes to: the findings, then the configuration if there is one. */
static char *outcome(const char *yaml, bool *good)
{
	struct diags d = DIAGS_INIT;
	struct conf *conf = NULL;
	char *text = NULL, *findings;
	size_t bytes;
	FILE *f = open_memstream(&text, &bytes);

	*good = conf_load(yaml, fake_policies, &d, &conf) == 0;
	assert_int_equal(*good, conf != NULL);
	assert_int_equal(*good, !diags_failed(&d));
	findings = diags_text(&d);
	fprintf(f, "%s", findings);
	if (conf)
		print_conf(f, conf);
	fclose(f);
	free(findings);
	diags_fini(&d);
	conf_free(conf);
	return text;
}

static void test_one(void **state)
{
	const char *root = getenv("COMPS_GOLDEN_ROOT"), *yaml = *state;
	char expected_name[512], stale_name[512], *expected, *text;
	size_t bytes;
	bool good;

	text = outcome(yaml, &good);
	snprintf(expected_name, sizeof(expected_name), "%s/" GOLDEN "/%.*s.%s", root,
		 (int)(strlen(yaml) - strlen(".yaml")), yaml, good ? "ok" : "err");
	snprintf(stale_name, sizeof(stale_name), "%s/" GOLDEN "/%.*s.%s", root,
		 (int)(strlen(yaml) - strlen(".yaml")), yaml, good ? "err" : "ok");
	if (getenv("COMPS_GOLDEN_UPDATE")) {
		unlink(stale_name);
		put_file(expected_name, text, strlen(text), 0644);
	}
	expected = get_file(expected_name, &bytes);
	if (!expected)
		fail_msg("there is no %s; it came to:\n%s", expected_name, text);
	assert_string_equal(text, expected);
	free(expected);
	free(text);
}

int main(void)
{
	struct CMUnitTest *tests;
	void *state;
	glob_t found;
	int failed;

	if (folders_enter(&state) < 0 || mkdir("tunnels", 0700) < 0)
		return 1;
	setenv("COMPS_GOLDEN_ROOT", ((struct folders *)state)->root, 1);
	copy_in(((struct folders *)state)->root, "*.yaml");
	copy_in(((struct folders *)state)->root, "tunnels/*.conf");
	if (glob("*.yaml", 0, NULL, &found) != 0)
		return 1;
	tests = calloc(found.gl_pathc, sizeof(*tests));
	for (size_t i = 0; i < found.gl_pathc; i++)
		tests[i] = (struct CMUnitTest){.name = found.gl_pathv[i],
					       .test_func = test_one,
					       .initial_state = found.gl_pathv[i]};
	failed = _cmocka_run_group_tests("conf_golden", tests, found.gl_pathc, NULL, NULL);
	free(tests);
	globfree(&found);
	return folders_leave(&state) < 0 ? 1 : failed;
}
