#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/help.h"
#include "cli/view.h"

#define TIMEOUT_PRESET_US 5000000
#define REAL_DIGITS	  JSON_REAL_PRECISION(16) /* 0.15 is 0.15, and a time keeps its microseconds */

int cli_error(const struct cli *cli, int status, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	view_sanitize(text);
	fprintf(cli->err, "comps: %s\n", text);
	return status;
}

static int64_t timeout_us(const struct cli *cli)
{
	return cli->timeout_us ? cli->timeout_us : TIMEOUT_PRESET_US;
}

int cli_connect(const struct cli *cli, struct client *client)
{
	struct err e;
	int rc = client_open(client, cli->socket, timeout_us(cli), &e);

	if (rc == 0)
		return CLI_OK;
	client_close(client);
	if (!client_absent(rc))
		return cli_error(cli, CLI_FAILED, "%s", e.text);
	if (cli->command->alone)
		return CLI_NO_DAEMON;
	return cli_error(cli, CLI_NO_DAEMON,
			 "no daemon at %s (%s); start it with: compsd -c " CLI_CONFIG_DEFAULT,
			 cli->socket, strerror(-rc));
}

/* Prints why the daemon said no, with every line of its list of errors; with -j the reply too. */
static int refused(const struct cli *cli, const json_t *reply)
{
	const char *error = json_string_value(json_object_get(reply, "error"));
	const char *code = json_string_value(json_object_get(reply, "code"));
	const json_t *line;
	size_t i;

	json_array_foreach(json_object_get(reply, "errors"), i, line) if (json_is_string(line))
		cli_error(cli, CLI_FAILED, "%s", json_string_value(line));
	if (cli->json)
		cli_print_json(cli, reply);
	return cli_error(cli, code && strcmp(code, "usage") == 0 ? CLI_USAGE : CLI_FAILED, "%s",
			 error && *error ? error : "the daemon refused without saying why");
}

int cli_call(const struct cli *cli, struct client *client, json_t *request, const char *member,
	     json_t **reply)
{
	json_t *answer = NULL;
	struct err e;
	int rc = client_send(client, request, &e);

	json_decref(request);
	if (rc == 0)
		rc = client_receive(client, timeout_us(cli), &answer, &e);
	if (rc < 0)
		return cli_error(cli, CLI_FAILED, "%s", e.text);
	if (!json_is_true(json_object_get(answer, "ok")))
		rc = refused(cli, answer);
	else if (member && !json_object_get(answer, member))
		rc = cli_error(cli, CLI_FAILED,
			       "the daemon's reply has no \"%s\": is it of another version?",
			       member);
	if (rc == CLI_OK)
		*reply = answer;
	else
		json_decref(answer);
	return rc;
}

int cli_ask(const struct cli *cli, json_t *request, const char *member, json_t **reply)
{
	struct client client;
	int rc = cli_connect(cli, &client);

	if (rc != CLI_OK) {
		json_decref(request);
		return rc;
	}
	rc = cli_call(cli, &client, request, member, reply);
	client_close(&client);
	return rc;
}

int cli_do(const struct cli *cli, json_t *request, const char *format, ...)
{
	json_t *reply;
	va_list args;
	int rc = cli_ask(cli, request, NULL, &reply);

	if (rc != CLI_OK)
		return rc;
	if (cli->json) {
		cli_print_json(cli, reply);
	} else {
		va_start(args, format);
		vfprintf(cli->out, format, args);
		va_end(args);
		fputc('\n', cli->out);
	}
	json_decref(reply);
	return CLI_OK;
}

void cli_print_json(const struct cli *cli, const json_t *value)
{
	json_dumpf(value, cli->out, JSON_COMPACT | JSON_ENCODE_ANY | REAL_DIGITS);
	fputc('\n', cli->out);
}

static int dispatch(struct cli *cli)
{
	if (cli->version && !cli->command) {
		fputs("comps " COMPS_VERSION "\n", cli->out);
		return CLI_OK;
	}
	if (!cli->command) {
		help_overview(cli->help ? cli->out : cli->err);
		return cli->help ? CLI_OK : CLI_USAGE;
	}
	if (cli->help) {
		help_command(cli->out, cli->command);
		return CLI_OK;
	}
	return cli->command->run(cli);
}

/* https://no-color.org: any value but the empty one turns colour off. */
static bool wants_color(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term &&
	       strcmp(term, "dumb") != 0;
}

int cli_main(int argc, char **argv, int (*provision)(struct cli *cli))
{
	const char *socket = getenv("COMPS_SOCKET");
	struct cli cli = {
		.out = stdout,
		.err = stderr,
		.color = wants_color(),
		.argv = argv,
		.provision = provision,
		.socket = socket && *socket ? socket : CLI_SOCKET_DEFAULT,
		.config = CLI_CONFIG_DEFAULT,
		.interval_us = 1000000,
	};
	int rc = args_parse(&cli, argc, argv);

	if (rc == CLI_OK)
		rc = dispatch(&cli);
	if (fflush(cli.out) != 0 || ferror(cli.out))
		return cli_error(&cli, CLI_FAILED, "cannot write the output: %s", strerror(errno));
	return rc;
}
