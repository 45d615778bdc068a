/* The built `comps` against a scripted daemon: what it asks, what it prints, how it exits. */
#include "tests/unit/cli_world.h"

static void expect_request(const struct world *w, const char *request)
{
	assert_string_equal(w->request, request);
}

static void expect_in(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

/* The exit status, and a part of what was said on stderr ("" for nothing at all). */
static void expect_end(const struct world *w, int status, const char *said)
{
	if (w->status != status)
		fail_msg("exit status %d, not %d; stderr: %s", w->status, status, w->err);
	if (*said)
		expect_in(w->err, said);
	else
		assert_string_equal(w->err, "");
}

static void test_acting_commands_ask_and_say(void **state)
{
	static const struct {
		const char *words, *request, *out;
	} cases[] = {
		{"migrate ams", "{\"cmd\":\"migrate\",\"path\":\"ams\",\"wait\":false}",
		 "migrating to ams\n"},
		{"migrate next", "{\"cmd\":\"migrate\",\"path\":\"next\",\"wait\":false}",
		 "migrating to the next path\n"},
		{"pin ams", "{\"cmd\":\"pin\",\"path\":\"ams\"}", "pinned to ams\n"},
		{"pin ams --for 10m", "{\"cmd\":\"pin\",\"path\":\"ams\",\"for_s\":600.0}",
		 "pinned to ams for 10m\n"},
		{"pin --for=250ms ams", "{\"cmd\":\"pin\",\"path\":\"ams\",\"for_s\":0.25}",
		 "pinned to ams for 250ms\n"},
		{"unpin", "{\"cmd\":\"unpin\"}", "not pinned\n"},
		{"drain ams", "{\"cmd\":\"drain\",\"path\":\"ams\"}", "ams is drained\n"},
		{"enable ams", "{\"cmd\":\"enable\",\"path\":\"ams\"}", "ams is enabled\n"},
		{"policy set hold", "{\"cmd\":\"policy-set\",\"name\":\"hold\",\"params\":{}}",
		 "the policy is hold\n"},
		{"policy set round-robin interval=5s dist=",
		 "{\"cmd\":\"policy-set\",\"name\":\"round-robin\","
		 "\"params\":{\"interval\":\"5s\",\"dist\":\"\"}}",
		 "the policy is round-robin\n"},
		{"reload", "{\"cmd\":\"reload\"}", "reloaded\n"},
		{"down", "{\"cmd\":\"down\"}",
		 "down: compsd has removed what it installed and ended\n"},
		{"-j drain -- -x", "{\"cmd\":\"drain\",\"path\":\"-x\"}", "{\"ok\":true}\n"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		world_run_reply(w, cases[i].words, "{\"ok\":true}\n");
		expect_request(w, cases[i].request);
		expect_end(w, 0, "");
		assert_string_equal(w->out, cases[i].out);
	}
}

static void test_json_is_the_daemons_own(void **state)
{
	static const struct {
		const char *words, *request, *reply, *out;
	} cases[] = {
		{"status --json", "{\"cmd\":\"status\"}",
		 "{\"ok\":true,\"status\":{\"zz\":1,\"aa\":[0.15,null],\"new\":\"\\u00fc\"}}\n",
		 "{\"zz\":1,\"aa\":[0.15,null],\"new\":\"\303\274\"}\n"},
		{"policy -j", "{\"cmd\":\"policy\"}",
		 "{\"ok\":true,\"policy\":{\"name\":\"x\",\"params\":{}}}\n",
		 "{\"name\":\"x\",\"params\":{}}\n"},
		{"-j policy list", "{\"cmd\":\"policy-list\"}",
		 "{\"ok\":true,\"policies\":[{\"name\":\"x\"}]}\n", "[{\"name\":\"x\"}]\n"},
		{"events -j", "{\"cmd\":\"events\",\"follow\":false}",
		 "{\"ok\":true,\"events\":[{\"time\":1718114602.123456},{\"event\":\"b\"}]}\n",
		 "{\"time\":1718114602.123456}\n{\"event\":\"b\"}\n"},
		{"version -j", "{\"cmd\":\"version\"}", "{\"ok\":true,\"version\":\"9.9\"}\n",
		 "{\"comps\":\"" COMPS_VERSION "\",\"compsd\":\"9.9\"}\n"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		world_run_reply(w, cases[i].words, cases[i].reply);
		expect_request(w, cases[i].request);
		expect_end(w, 0, "");
		assert_string_equal(w->out, cases[i].out);
	}
}

static void test_migrate_wait_reports_the_outcome(void **state)
{
	static const struct {
		const char *outcome;
		int status;
	} cases[] = {{"settled", 0}, {"unconfirmed", 0}, {"rolled-back", 1}, {"failed", 1}};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char reply[256], text[256];

		snprintf(reply, sizeof(reply),
			 "{\"ok\":true,\"migration\":{\"from\":\"ams\",\"to\":\"fra\","
			 "\"reason\":\"manual\",\"outcome\":\"%s\",\"settle_s\":0.041}}\n",
			 cases[i].outcome);
		snprintf(text, sizeof(text), "ams -> fra (manual): %s in 41.0ms\n",
			 cases[i].outcome);
		world_run_reply(w, "migrate fra --wait", reply);
		expect_request(w, "{\"cmd\":\"migrate\",\"path\":\"fra\",\"wait\":true}");
		expect_end(w, cases[i].status, "");
		assert_string_equal(w->out, text);
	}
}

static void test_a_refusal_is_status_1_with_its_sentence(void **state)
{
	struct world *w = *state;

	world_run_reply(w, "migrate lon",
			"{\"ok\":false,\"error\":\"lon is drained\",\"code\":\"refused\"}\n");
	expect_end(w, 1, "comps: lon is drained\n");
	assert_string_equal(w->out, "");

	world_run_reply(w, "unpin", "{\"ok\":false,\"error\":\"no\",\"code\":\"permission\"}\n");
	expect_end(w, 1, "comps: no\n");
	world_run_reply(w, "policy set x", "{\"ok\":false,\"error\":\"no\",\"code\":\"usage\"}\n");
	expect_end(w, 2, "comps: no\n");
	world_run_reply(w, "-j unpin", "{\"ok\":false,\"error\":\"no\",\"code\":\"failed\"}\n");
	expect_end(w, 1, "comps: no\n");
	assert_string_equal(w->out, "{\"ok\":false,\"error\":\"no\",\"code\":\"failed\"}\n");
	world_run_reply(w, "unpin", "{\"ok\":false}\n");
	expect_end(w, 1, "without saying why");
	world_run_reply(w, "unpin", "{\"ok\":\"true\"}\n");
	expect_end(w, 1, "without saying why");
}

static void test_a_refused_reload_lists_every_error(void **state)
{
	struct world *w = *state;

	world_run_reply(w, "reload",
			"{\"ok\":false,\"code\":\"failed\",\"error\":\"kept the old one\","
			"\"errors\":[\"a.yaml:1:2: bad\",\"a.yaml:3:4: worse\"]}\n");
	expect_end(w, 1,
		   "comps: a.yaml:1:2: bad\ncomps: a.yaml:3:4: worse\ncomps: kept the old one\n");
}

static void test_usage_errors_are_status_2(void **state)
{
	static const struct {
		const char *words, *said;
	} cases[] = {
		{"stauts", "unknown command \"stauts\": did you mean \"status\"?"},
		{"frobnicate", "unknown command \"frobnicate\""},
		{"help stauts", "did you mean \"status\"?"},
		{"status --jsn", "unknown option --jsn: did you mean \"json\"?"},
		{"status -x", "unknown option -x"},
		{"status --json=1", "--json takes no value"},
		{"status --wait", "status takes no --wait"},
		{"pin", "pin: argument missing; usage: comps pin PATH"},
		{"pin a b", "pin: unexpected argument \"b\""},
		{"policy lst", "policy: unexpected argument \"lst\"; usage: comps policy [list |"},
		{"policy set", "argument missing; usage: comps policy set NAME"},
		{"policy set x y", "\"y\" is not of the form KEY=VALUE"},
		{"policy set x =y", "\"=y\" is not of the form KEY=VALUE"},
		{"policy set x k=\377", "is not of the form KEY=VALUE"},
		{"pin a --for", "option --for needs a value"},
		{"pin a --for 5", "--for: "},
		{"pin a --for 0s", "--for: must be more than 0"},
		{"-t x status", "--timeout: "},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		world_run(w, cases[i].words);
		expect_end(w, 2, cases[i].said);
		assert_string_equal(w->out, "");
	}
}

static void test_help(void **state)
{
	struct world *w = *state;

	world_run(w, "help pin");
	expect_end(w, 0, "");
	expect_in(w->out, "usage: comps pin PATH [OPTION]...\n");
	expect_in(w->out, "--for DURATION");
	world_run(w, "pin --help");
	expect_end(w, 0, "");
	expect_in(w->out, "usage: comps pin PATH [OPTION]...\n");
	world_run(w, "help policy set");
	expect_in(w->out, "usage: comps policy set NAME [KEY=VALUE]... [OPTION]...\n");
	world_run(w, "--help");
	expect_end(w, 0, "");
	expect_in(w->out, "\n  policy set   ");
	world_run(w, "--version");
	expect_end(w, 0, "");
	assert_string_equal(w->out, "comps " COMPS_VERSION "\n");
}

static void test_no_daemon_is_status_3(void **state)
{
	struct world *w = *state;

	close(w->listener); /* a socket that nobody listens on any more */
	world_run(w, "status");
	expect_end(w, 3, "no daemon at ");
	expect_in(w->err, "(Connection refused); start it with: compsd -c ");
	unlink(w->socket);
	world_run(w, "migrate ams");
	expect_end(w, 3, "(No such file or directory); start it with");
	world_run(w, "watch");
	expect_end(w, 3, "no daemon at ");
	world_run(w, "events --follow");
	expect_end(w, 3, "no daemon at ");
	world_run(w, "-s /nowhere/sock status");
	expect_end(w, 3, "no daemon at /nowhere/sock ");
	world_listen(w);
}

static void test_what_needs_no_daemon(void **state)
{
	struct world *w = *state;

	close(w->listener);
	unlink(w->socket);
	world_run(w, "version");
	expect_end(w, 0, "");
	assert_string_equal(w->out, "comps " COMPS_VERSION "\n");
	world_run(w, "policy list");
	expect_end(w, 0, "");
	expect_in(w->out, "random-interval\n");
	expect_in(w->out, "    dist         law of the intervals (fixed|uniform|");
	expect_in(w->out, "10ms..30d; default 30s");
	world_run(w, "policy list --json");
	expect_end(w, 0, "");
	assert_int_equal(w->out[0], '[');
	world_listen(w);
}

static void test_check_names_the_file(void **state)
{
	struct world *w = *state;

	world_run(w, "check /nonexistent/comps.yaml");
	expect_end(w, 1, "/nonexistent/comps.yaml:");
	assert_string_equal(w->out, "");
	world_run(w, "check -j /nonexistent/comps.yaml");
	expect_end(w, 1, "");
	expect_in(w->out, "{\"file\":\"/nonexistent/comps.yaml\",\"ok\":false,\"diagnostics\":[{");
}

/* On a copy: the private keys in it must not be readable by others. */
static void test_check_of_real_files(void **state)
{
	struct world *w = *state;
	char words[128], command[256];

	snprintf(command, sizeof(command),
		 "cp -r tests/golden/conf %s/conf && chmod -R go= %s/conf", w->dir, w->dir);
	assert_int_equal(system(command), 0);
	snprintf(words, sizeof(words), "check %s/conf/minimal.yaml", w->dir);
	world_run(w, words);
	expect_end(w, 0, "");
	expect_in(w->out, "/conf/minimal.yaml: ok (nested, 1 path, random-interval)\n");
	snprintf(words, sizeof(words), "check -j %s/conf/direct.yaml", w->dir);
	world_run(w, words);
	expect_end(w, 0, "");
	expect_in(w->out, "\"ok\":true,\"diagnostics\":[],\"mode\":\"direct\",\"paths\":2,"
			  "\"policy\":\"hold\"}\n");
	snprintf(words, sizeof(words), "check %s/conf/err-unknown-keys.yaml", w->dir);
	world_run(w, words);
	expect_end(w, 1, "/err-unknown-keys.yaml:1:1: mod: unknown key");
	expect_in(w->err, "/err-unknown-keys.yaml:7:5: ");
	assert_string_equal(w->out, "");
}

/* A copy of comps with a compsd beside it that only says how it was called. */
static void test_down_without_a_daemon_runs_compsd(void **state)
{
	struct world *w = *state;
	char command[2 * PATH_MAX];

	close(w->listener);
	unlink(w->socket);
	snprintf(command, sizeof(command),
		 "cp '%s' %s/comps && printf '#!/bin/sh\\necho \"$@\"\\nexit 7\\n' > %s/compsd && "
		 "chmod +x %s/compsd",
		 w->comps, w->dir, w->dir, w->dir);
	assert_int_equal(system(command), 0);
	snprintf(w->comps, sizeof(w->comps), "%s/comps", w->dir);
	world_run(w, "down -c other.yaml");
	expect_end(w, 7, "");
	assert_string_equal(w->out, "--down -c other.yaml\n");
	world_run(w, "down");
	assert_string_equal(w->out, "--down -c /etc/comps/comps.yaml\n");
	world_listen(w);
}

static void test_down_waits_until_the_daemon_has_gone(void **state)
{
	struct world *w = *state;

	world_start(w, "down -t 50ms");
	world_expect_request(w);
	world_send(w, "{\"ok\":true}\n", 12);
	world_finish(w); /* and does not go */
	expect_end(w, 1, "going down: the daemon did not answer within 50ms");
	assert_string_equal(w->out, "");
}

static void test_a_hung_daemon_is_not_waited_for(void **state)
{
	static const char *const commands[] = {"-t 50ms status", "migrate ams --wait -t 50ms",
					       "down -t 50ms", "-t 50ms version",
					       "-t 50ms policy list"};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		world_start(w, commands[i]);
		world_expect_request(w);
		world_finish(w);
		expect_end(w, 1, "the daemon did not answer within 50ms");
	}
	/* Half an answer is none. */
	world_start(w, "-t 50ms status");
	world_expect_request(w);
	world_send(w, "{\"ok\":tr", 8);
	world_finish(w);
	expect_end(w, 1, "the daemon did not answer within 50ms");
}

static void test_a_daemon_that_accepts_nobody(void **state)
{
	struct world *w = *state;
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int clients[64];
	size_t count = 0;

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", w->socket);
	do /* fill the backlog */
		clients[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	while (connect(clients[count++], (struct sockaddr *)&at, sizeof(at)) == 0 && count < 64);
	world_run(w, "-t 50ms status");
	expect_end(w, 1, "the daemon did not answer within 50ms");
	while (count > 0)
		close(clients[--count]);
}

static void test_garbage_from_the_server(void **state)
{
	static const struct {
		const char *reply, *said;
	} cases[] = {
		{"", "the daemon closed the connection"},
		{"{\"ok\":true", "the daemon closed the connection"},
		{"HTTP/1.1 400 Bad Request\r\n", "does not speak the control protocol"},
		{"\n", "does not speak the control protocol"},
		{"[1]\n", "no JSON object"},
		{"{\"ok\":true,\"ok\":false}\n", "does not speak the control protocol"},
		{"\377\376\n", "does not speak the control protocol"},
		{"{\"ok\":true}\n", "the daemon's reply has no \"status\""},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		world_run_reply(w, "status", cases[i].reply);
		expect_end(w, 1, cases[i].said);
		assert_string_equal(w->out, "");
	}
	world_start(w, "status");
	world_expect_request(w);
	world_send(w, "{\"ok\":true,\0}\n", 14);
	world_hang_up(w);
	world_finish(w);
	expect_end(w, 1, "NUL in its line");
}

static void test_an_endless_line_is_given_up(void **state)
{
	struct world *w = *state;
	char block[65536];

	memset(block, ' ', sizeof(block));
	world_start(w, "status");
	world_expect_request(w);
	while (send(w->peer, block, sizeof(block), MSG_NOSIGNAL) > 0)
		;
	world_finish(w);
	expect_end(w, 1, "its line is too long");
}

static void test_errors_cannot_steer_the_terminal(void **state)
{
	struct world *w = *state;

	world_run_reply(w, "unpin", "{\"ok\":false,\"error\":\"\\u001b[2Jgone\\nx\"}\n");
	expect_end(w, 1, "comps: ?[2Jgone?x\n");
}

static void test_events_in_words(void **state)
{
	struct world *w = *state;

	world_run_reply(w, "events",
			"{\"ok\":true,\"events\":[{\"time\":1718114602.1,\"event\":\"migration\","
			"\"text\":\"ams -> fra\"},{\"text\":\"\\u001b[2J\"}]}\n");
	expect_end(w, 0, "");
	assert_string_equal(w->out, "2024-06-11 14:03:22  migration   ams -> fra\n"
				    "-  -           ?[2J\n");
}

static void test_events_follow_until_the_daemon_ends(void **state)
{
	struct world *w = *state;

	world_run_reply(w, "events -j --follow",
			"{\"ok\":true,\"events\":[{\"n\":1}]}\n{\"n\":2}\n{\"n\":3}\n");
	expect_request(w, "{\"cmd\":\"events\",\"follow\":true}");
	expect_end(w, 1, "the daemon closed the connection");
	assert_string_equal(w->out, "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
}

static void test_status_and_policy_in_words(void **state)
{
	struct world *w = *state;

	world_run_reply(w, "status",
			"{\"ok\":true,\"status\":{\"active\":\"ams\",\"paths\":[{\"name\":\"ams\","
			"\"active\":true,\"state\":\"up\",\"rtt_s\":0.0234}]}}\n");
	expect_end(w, 0, "");
	expect_in(w->out, "\nactive      ams\n");
	expect_in(w->out, "\n* ams   -          up     23.4ms ");
	assert_null(strchr(w->out, '\033'));
	world_run_reply(w, "policy",
			"{\"ok\":true,\"policy\":{\"name\":\"random-interval\",\"help\":\"Moves.\","
			"\"params\":{\"interval\":30.0,\"dist\":\"uniform\"}}}\n");
	expect_end(w, 0, "");
	assert_string_equal(w->out, "random-interval\n  Moves.\n    interval     30s\n"
				    "    dist         uniform\n");
}

static void test_a_full_disk_is_not_success(void **state)
{
	struct world *w = *state;
	char command[PATH_MAX + 64];
	int status;

	snprintf(command, sizeof(command), "'%s' help >/dev/full 2>/dev/null", w->comps);
	status = system(command);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_acting_commands_ask_and_say),
		WORLD_TEST(test_json_is_the_daemons_own),
		WORLD_TEST(test_migrate_wait_reports_the_outcome),
		WORLD_TEST(test_a_refusal_is_status_1_with_its_sentence),
		WORLD_TEST(test_a_refused_reload_lists_every_error),
		WORLD_TEST(test_usage_errors_are_status_2),
		WORLD_TEST(test_help),
		WORLD_TEST(test_no_daemon_is_status_3),
		WORLD_TEST(test_what_needs_no_daemon),
		WORLD_TEST(test_check_names_the_file),
		WORLD_TEST(test_check_of_real_files),
		WORLD_TEST(test_down_without_a_daemon_runs_compsd),
		WORLD_TEST(test_down_waits_until_the_daemon_has_gone),
		WORLD_TEST(test_a_hung_daemon_is_not_waited_for),
		WORLD_TEST(test_a_daemon_that_accepts_nobody),
		WORLD_TEST(test_garbage_from_the_server),
		WORLD_TEST(test_an_endless_line_is_given_up),
		WORLD_TEST(test_errors_cannot_steer_the_terminal),
		WORLD_TEST(test_events_in_words),
		WORLD_TEST(test_events_follow_until_the_daemon_ends),
		WORLD_TEST(test_status_and_policy_in_words),
		WORLD_TEST(test_a_full_disk_is_not_success),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
