#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/format.h"
#include "cli/leaktest_steps.h"
#include "cli/view.h"
#include "lib/clock.h"
#include "policies/registry.h"

/* --- before it begins --- */

static struct conf *load(const struct cli *cli)
{
	struct diags d = DIAGS_INIT;
	struct conf *conf = NULL;
	char line[1024];
	int rc = conf_load(cli->config, registry_all(), &d, &conf);

	for (size_t i = 0; rc < 0 && i < d.count; i++) {
		diag_format(&d.items[i], line, sizeof(line));
		cli_error(cli, CLI_FAILED, "%s", line);
	}
	diags_fini(&d);
	return conf;
}

/* Whether it is this configuration that the daemon goes by. */
static bool is_of_daemon(const struct conf *conf, const json_t *status)
{
	const json_t *path, *paths = json_object_get(status, "paths");
	size_t i;

	if (json_array_size(paths) != conf->path_count)
		return false;
	json_array_foreach(paths, i, path)
	{
		if (strcmp(format_string(path, "name"), conf->paths[i].name) != 0 ||
		    strcmp(format_string(path, "interface"), conf->paths[i].tunnel.interface) != 0)
			return false;
	}
	return true;
}

static int begin(struct leaktest *t, const struct cli *cli, const struct conf *conf)
{
	struct err e;
	int rc;

	*t = (struct leaktest){.conf = conf, .daemon = {.handle = -1, .log = -1}};
	rc = rig_open(&t->rig, cli, conf, &e);
	if (rc == 0)
		rc = daemon_process_find(&t->daemon, cli->socket, &e);
	return rc ? cli_error(cli, CLI_FAILED, "%s", e.text) : CLI_OK;
}

/* --- its report --- */

static const char *result_word(int rc)
{
	return rc == LEAKTEST_SKIPPED ? "skipped" : rc < 0 ? "failed" : "ok";
}

static void print_step(const struct leaktest *t, int rc, uint64_t leaked)
{
	const struct cli *cli = t->rig.cli;
	struct view view = {.out = cli->out, .color = cli->color};

	if (isatty(fileno(cli->out)))
		fputc('\r', cli->out);
	view_line(&view,
		  leaked || rc < 0	   ? VIEW_BAD
		  : rc == LEAKTEST_SKIPPED ? VIEW_DIM
					   : VIEW_PLAIN,
		  "%-12s  %-7s  %6llu  %s", t->rig.step, result_word(rc),
		  (unsigned long long)leaked, t->note.text);
	fflush(cli->out);
}

static void announce(const struct leaktest *t)
{
	const struct cli *cli = t->rig.cli;

	if (!cli->json && isatty(fileno(cli->out))) {
		fprintf(cli->out, "%-12s  ...", t->rig.step);
		fflush(cli->out);
	}
}

static void describe_target(const struct uplink_leak *leak, char *out, size_t out_bytes)
{
	const struct protoent *protocol = getprotobynumber(leak->target.protocol);
	char address[IP_TEXT_BYTES], name[32];

	snprintf(name, sizeof(name), "protocol %u", leak->target.protocol);
	snprintf(out, out_bytes, "%s to %s", protocol ? protocol->p_name : name,
		 ip_format(&leak->target.to, address));
	if (leak->target.port)
		snprintf(out + strlen(out), out_bytes - strlen(out), " port %u", leak->target.port);
}

static const char *class_name(enum packet_class class)
{
	return class == PACKET_LEAK_IPV4 ? "ipv4" : class == PACKET_LEAK_IPV6 ? "ipv6" : "dns";
}

static void print_summary(const struct leaktest *t)
{
	const struct uplink_watch *watch = &t->rig.watch;
	struct view view = {.out = t->rig.cli->out, .color = t->rig.cli->color};
	uint64_t leaked = uplink_watch_leaked(watch);
	char text[128];

	for (size_t i = 0; i < watch->first_count; i++) {
		const struct uplink_leak *leak = &watch->first[i];

		describe_target(leak, text, sizeof(text));
		view_line(&view, VIEW_BAD, "leaked  %s.%06d  during %s  by %s: %s",
			  format_time((double)leak->wall_us / 1e6).text,
			  (int)(leak->wall_us % 1000000), leak->step, leak->interface, text);
	}
	uplink_watch_interfaces(watch, text, sizeof(text));
	if (watch->missed)
		view_line(&view, VIEW_BAD, "%llu packets were not seen: too many at once",
			  (unsigned long long)watch->missed);
	view_line(&view, leaked ? VIEW_BAD : VIEW_GOOD,
		  "%llu packets sent; outside the tunnels, by %s: %llu IPv4, %llu IPv6, %llu DNS",
		  (unsigned long long)t->rig.decoy.sent, *text ? text : "any interface",
		  (unsigned long long)watch->count[PACKET_LEAK_IPV4],
		  (unsigned long long)watch->count[PACKET_LEAK_IPV6],
		  (unsigned long long)watch->count[PACKET_LEAK_DNS]);
}

static json_t *pack_leaks(const struct uplink_watch *watch)
{
	json_t *list = json_array();

	for (size_t i = 0; i < watch->first_count; i++) {
		const struct uplink_leak *leak = &watch->first[i];
		char address[IP_TEXT_BYTES];

		json_array_append_new(list, json_pack("{s:f, s:s, s:s, s:s, s:i, s:s, s:i}", "time",
						      (double)leak->wall_us / 1e6, "step",
						      leak->step, "interface", leak->interface,
						      "kind", class_name(leak->class), "protocol",
						      leak->target.protocol, "to",
						      ip_format(&leak->target.to, address), "port",
						      leak->target.port));
	}
	return list;
}

static void print_json(const struct leaktest *t, bool ok, json_t *steps)
{
	const struct uplink_watch *watch = &t->rig.watch;
	const uint64_t *count = watch->count;
	json_t *result = json_pack(
		"{s:b, s:{s:I, s:I, s:I}, s:I, s:I, s:O, s:o}", "ok", ok, "leaked", "ipv4",
		(json_int_t)count[PACKET_LEAK_IPV4], "ipv6", (json_int_t)count[PACKET_LEAK_IPV6],
		"dns", (json_int_t)count[PACKET_LEAK_DNS], "sent", (json_int_t)t->rig.decoy.sent,
		"missed", (json_int_t)watch->missed, "steps", steps, "first", pack_leaks(watch));

	cli_print_json(t->rig.cli, result);
	json_decref(result);
}

/* --- the test --- */

/* Carries out one step and reports it. Returns what it returned. */
static int run_step(struct leaktest *t, const char *name, int (*run)(struct leaktest *),
		    json_t *steps)
{
	uint64_t before = uplink_watch_leaked(&t->rig.watch), leaked;
	int rc;

	t->rig.step = name;
	t->note.text[0] = '\0';
	announce(t);
	rc = run(t);
	rig_wait(&t->rig, -1, 0); /* what has left meanwhile is this step's */
	leaked = uplink_watch_leaked(&t->rig.watch) - before;
	view_sanitize(t->note.text);
	if (!t->rig.cli->json)
		print_step(t, rc, leaked);
	json_array_append_new(steps, json_pack("{s:s, s:b, s:b, s:I, s:s}", "name", name, "ok",
					       rc >= 0, "skipped", rc == LEAKTEST_SKIPPED, "leaked",
					       (json_int_t)leaked, "note", t->note.text));
	return rc;
}

/* Returns 0 when every step was carried out. */
static int run_rounds(struct leaktest *t, json_t *steps)
{
	const struct cli *cli = t->rig.cli;
	struct mono end = cli->for_us ? mono_add_us(clock_now(), cli->for_us) : MONO_NEVER;
	int64_t left = cli->count ? cli->count : cli->for_us ? INT64_MAX : 1;
	int failed = 0;
	size_t count;
	const struct leaktest_step *all = leaktest_steps(&count);

	for (; left > 0 && !mono_due(end, clock_now()); left--)
		for (size_t i = 0; i < count && !t->rig.interrupted; i++)
			failed |= run_step(t, all[i].name, all[i].run, steps) < 0;
	failed |= t->rig.interrupted;
	failed |= run_step(t, "restore", leaktest_steps_restore, steps) < 0;
	return failed;
}

static int test(struct leaktest *t)
{
	const struct cli *cli = t->rig.cli;
	json_t *steps = json_array();
	bool ok;

	if (!cli->json)
		fprintf(cli->out, "%-12s  %-7s  %6s\n", "STEP", "RESULT", "LEAKED");
	ok = run_rounds(t, steps) == 0 && uplink_watch_leaked(&t->rig.watch) == 0 &&
	     !t->rig.watch.missed && !t->rig.watch_error;
	if (cli->json)
		print_json(t, ok, steps);
	else
		print_summary(t);
	json_decref(steps);
	if (t->rig.watch_error)
		return cli_error(cli, CLI_FAILED, "cannot read from the uplink: %s",
				 strerror(-t->rig.watch_error));
	return ok ? CLI_OK : CLI_FAILED;
}

static int test_with(const struct cli *cli, const struct conf *conf, const json_t *status)
{
	bool has_active = json_is_string(json_object_get(status, "active"));
	struct leaktest t;
	int rc;

	if (!is_of_daemon(conf, status))
		return cli_error(cli, CLI_FAILED,
				 "%s is not what the daemon goes by: its paths are others; name "
				 "its file with -c, or have it reload",
				 cli->config);
	rc = begin(&t, cli, conf);
	if (has_active)
		snprintf(t.home, sizeof(t.home), "%s", format_string(status, "active"));
	if (rc == CLI_OK)
		rc = test(&t);
	daemon_process_close(&t.daemon);
	rig_close(&t.rig);
	return rc;
}

int leaktest_run(struct cli *cli)
{
	struct conf *conf;
	json_t *reply;
	int rc;

	if (geteuid() != 0)
		return cli_error(cli, CLI_FAILED,
				 "leaktest needs root: it listens on the uplink, and kills the "
				 "daemon and starts it again");
	rc = cli_ask(cli, json_pack("{s:s}", "cmd", "status"), "status", &reply);
	if (rc != CLI_OK)
		return rc;
	conf = load(cli);
	rc = conf ? test_with(cli, conf, json_object_get(reply, "status")) : CLI_FAILED;
	conf_free(conf);
	json_decref(reply);
	return rc;
}
