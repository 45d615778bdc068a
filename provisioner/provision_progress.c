#include "provisioner/provision_progress.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/terminal.h"
#include "cli/view.h"
#include "lib/clock.h"

#define QUIET_US 10000000 /* a wait is reported so often where it is no terminal */

struct provision_row {
	char node[64], text[256];
	int64_t reported_us;
};

static const char *const levels[] = {"error", "warn", "info", "debug"}; /* enum log_level */

/* What an event is called for people; others are shown by their text. */
static const struct {
	const char *event, *text;
} words[] = {
	{"node.create.start", "being made"},
	{"node.create.unsure", "perhaps made"},
	{"node.create.found", "found again"},
	{"node.create.done", "runs"},
	{"node.create.error", "failed"},
	{"node.wait", "waiting until it runs"},
	{"node.setup.start", "being set up"},
	{"node.setup.done", "set up"},
	{"node.setup.warning", "set up, but"},
	{"node.setup.error", "set-up failed"},
	{"path.check.done", "works"},
	{"path.check.error", "does not work"},
	{"path.add", "is used from now on"},
	{"path.leave", "is left"},
	{"node.remove.start", "being cleared"},
	{"node.remove.error", "could not be cleared"},
	{"node.remove.done", "cleared"},
	{"node.delete.start", "being deleted"},
	{"node.delete.wait", "waiting, it is busy"},
	{"node.delete.refused", "busy"},
	{"node.delete.done", "deleted"},
};

void provision_progress_init(struct provision_progress *progress, FILE *out, bool json)
{
	int fd = fileno(out);

	*progress = (struct provision_progress){
		.out = out, .json = json, .terminal = !json && fd >= 0 && isatty(fd)};
}

void provision_progress_fini(struct provision_progress *progress)
{
	free(progress->rows);
	*progress = (struct provision_progress){.out = progress->out};
}

/* --- json ------------------------------------------------------------------------------------- */

static void set_text(json_t *object, const char *member, const char *text)
{
	if (text && *text)
		json_object_set_new(object, member, json_string(text));
}

static void print_json(FILE *out, const struct provision_event *event)
{
	json_t *object = json_pack("{s:f, s:s, s:s}", "ts", (double)clock_wall_us() / 1e6, "level",
				   levels[event->level], "event", event->event);

	set_text(object, "node", event->node);
	set_text(object, "id", event->id);
	set_text(object, "ip", event->ip);
	if (event->node)
		json_object_set_new(object, "elapsed_ms", json_integer(event->elapsed_us / 1000));
	set_text(object, "text", event->text);
	json_dumpf(object, out, JSON_COMPACT | JSON_REAL_PRECISION(16));
	fputc('\n', out);
	fflush(out);
	json_decref(object);
}

/* --- lines ------------------------------------------------------------------------------------ */

static void describe(const struct provision_event *event, char *out, size_t out_bytes)
{
	const char *what = event->text && !event->node ? "" : event->event;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(event->event, words[i].event) == 0)
			what = words[i].text;
	snprintf(out, out_bytes, "%s%s%s%s%s", what, event->ip ? " at " : "",
		 event->ip ? event->ip : "", event->text && *what ? ": " : "",
		 event->text ? event->text : "");
	view_sanitize(out);
}

static struct provision_row *row_of(struct provision_progress *progress, const char *node)
{
	struct provision_row *grown;

	for (size_t i = 0; i < progress->row_count; i++)
		if (strcmp(progress->rows[i].node, node) == 0)
			return &progress->rows[i];
	grown = reallocarray(progress->rows, progress->row_count + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	progress->rows = grown;
	grown += progress->row_count++;
	*grown = (struct provision_row){.reported_us = 0};
	snprintf(grown->node, sizeof(grown->node), "%s", node);
	return grown;
}

static void erase(struct provision_progress *progress)
{
	if (progress->drawn)
		fprintf(progress->out, "\r\033[%zuA\033[J", progress->drawn);
	progress->drawn = 0;
}

static void draw(struct provision_progress *progress)
{
	int width = 0, height = 0;

	terminal_size(fileno(progress->out), &width, &height);
	for (size_t i = 0; i < progress->row_count; i++) {
		char line[384];

		/* What does not fit is not redrawn; it would scroll. */
		if (height > 2 && (int)progress->drawn >= height - 2)
			break;
		snprintf(line, sizeof(line), "  %-16s %s", progress->rows[i].node,
			 progress->rows[i].text);
		fprintf(progress->out, "%.*s\n", width > 1 ? width - 1 : 79, line);
		progress->drawn++;
	}
	fflush(progress->out);
}

static void print_line(struct provision_progress *progress, const struct provision_event *event,
		       const char *text)
{
	if (event->node)
		fprintf(progress->out, "%s: %s (%" PRId64 " s)\n", event->node, text,
			event->elapsed_us / 1000000);
	else
		fprintf(progress->out, "%s\n", text);
}

void provision_progress_event(struct provision_progress *progress,
			      const struct provision_event *event)
{
	struct provision_row *row = event->node ? row_of(progress, event->node) : NULL;
	char text[640];
	bool waits = event->level == LOG_LEVEL_DEBUG;

	if (progress->json) {
		print_json(progress->out, event);
		return;
	}
	describe(event, text, sizeof(text));
	if (progress->terminal) {
		erase(progress);
		if (row)
			snprintf(row->text, sizeof(row->text), "%.200s (%" PRId64 " s)", text,
				 event->elapsed_us / 1000000);
		if (!row || event->level <= LOG_LEVEL_WARN)
			print_line(progress, event, text);
		draw(progress);
		return;
	}
	if (waits && row && event->elapsed_us - row->reported_us < QUIET_US)
		return;
	if (row)
		row->reported_us = event->elapsed_us;
	print_line(progress, event, text);
}
