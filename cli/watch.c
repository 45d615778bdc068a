#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/status_view.h"
#include "cli/terminal.h"

#define HOME	    "\033[H"
#define LINE_END    "\033[K\n" /* erases what an earlier, longer line has left */
#define ERASE_BELOW "\033[J"

/* One table under the other, for pipes and files, until the reader or the daemon goes. */
static int watch_stream(struct cli *cli)
{
	const struct timespec interval = {.tv_sec = cli->interval_us / 1000000,
					  .tv_nsec = cli->interval_us % 1000000 * 1000};

	for (;;) {
		int rc = status_run(cli);

		if (rc != CLI_OK || fflush(cli->out) != 0)
			return rc;
		if (!cli->json)
			fputc('\n', cli->out);
		nanosleep(&interval, NULL);
	}
}

/* Asks for the status; the sentence of a failure goes to *error, to be freed by the caller. */
static int ask(const struct cli *cli, json_t **reply, char **error)
{
	struct cli quiet = *cli;
	size_t bytes;
	int rc;

	quiet.err = open_memstream(error, &bytes);
	if (!quiet.err)
		return cli_error(cli, CLI_FAILED, "out of memory");
	rc = cli_ask(&quiet, json_pack("{s:s}", "cmd", "status"), "status", reply);
	fclose(quiet.err);
	(*error)[strcspn(*error, "\n")] = '\0';
	return rc;
}

/* Draws one screen, at once so that it does not flicker. A daemon that went away is said, and may
 * come back. */
static void draw(struct cli *cli)
{
	struct view view = {.out = cli->out, .color = cli->color, .line_end = LINE_END};
	char *error = NULL;
	json_t *reply = NULL;
	int rc = ask(cli, &reply, &error);

	terminal_size(fileno(cli->out), &view.width, &view.height);
	view.height -= view.height > 1; /* the newline of the last line would scroll the screen */
	fputs(HOME, cli->out);
	if (rc == CLI_OK)
		status_view(&view, json_object_get(reply, "status"));
	else
		view_line(&view, VIEW_BAD, "%s", error ? error : "");
	fputs(ERASE_BELOW, cli->out);
	fflush(cli->out);
	free(error);
	json_decref(reply);
}

static int watch_screen(struct cli *cli)
{
	struct terminal terminal;
	json_t *reply;
	struct err e;
	int rc = cli_ask(cli, json_pack("{s:s}", "cmd", "status"), "status", &reply);

	/* A daemon that is not there at the start is no state to watch. */
	if (rc != CLI_OK)
		return rc;
	json_decref(reply);
	if (terminal_open(&terminal, STDIN_FILENO, fileno(cli->out), &e) < 0)
		return cli_error(cli, CLI_FAILED, "%s", e.text);
	do
		draw(cli);
	while (terminal_wait(&terminal, cli->interval_us) != TERMINAL_QUIT);
	terminal_close(&terminal);
	return CLI_OK;
}

int watch_run(struct cli *cli)
{
	return cli->json || !isatty(fileno(cli->out)) ? watch_stream(cli) : watch_screen(cli);
}
