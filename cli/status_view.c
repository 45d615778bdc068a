#include "cli/status_view.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "cli/format.h"
#include "cli/policy_text.h"

#define MIGRATIONS_SHOWN 10

#define SECONDS(object, key) format_seconds(format_number(object, key)).text
#define COUNT(object, key)   format_count(format_number(object, key)).text

static void append(char *out, size_t out_bytes, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void append(char *out, size_t out_bytes, const char *format, ...)
{
	size_t used = strlen(out);
	va_list args;

	va_start(args, format);
	vsnprintf(out + used, out_bytes - used, format, args);
	va_end(args);
}

static bool is(const json_t *object, const char *key, const char *text)
{
	return strcmp(format_string(object, key), text) == 0;
}

void status_view_migration(const json_t *migration, char *out, size_t out_bytes)
{
	const char *from = json_string_value(json_object_get(migration, "from"));
	const char *error = json_string_value(json_object_get(migration, "error"));
	double settle_s = format_number(migration, "settle_s");

	snprintf(out, out_bytes, "%s -> %s (%s): %s", from ? from : "none",
		 format_string(migration, "to"), format_string(migration, "reason"),
		 format_string(migration, "outcome"));
	if (isfinite(settle_s))
		append(out, out_bytes, " in %s", format_seconds(settle_s).text);
	if (error)
		append(out, out_bytes, ": %s", error);
}

static void print_active(struct view *v, const json_t *status)
{
	const char *active = json_string_value(json_object_get(status, "active"));
	const char *pinned = json_string_value(json_object_get(status, "pinned"));
	double left_s = format_number(status, "pinned_until_s");
	char text[256];

	snprintf(text, sizeof(text), "%s", active ? active : "none: nothing can be sent");
	if (pinned)
		append(text, sizeof(text), ", pinned");
	if (pinned && (!active || strcmp(active, pinned) != 0))
		append(text, sizeof(text), " to %s", pinned);
	if (pinned && isfinite(left_s))
		append(text, sizeof(text), " for another %s", format_seconds(left_s).text);
	view_line(v, active ? VIEW_BOLD : VIEW_BAD, "active      %s", text);
}

static void print_migrations(struct view *v, const json_t *migrations)
{
	json_t *reasons = json_object_get(migrations, "by_reason"), *value;
	const char *key, *before = " (";
	char text[512] = "";

	json_object_foreach(reasons, key, value)
	{
		append(text, sizeof(text), "%s%s %s", before, key, COUNT(reasons, key));
		before = ", ";
	}
	view_line(v, VIEW_PLAIN, "migrations  %s%s%s, %s failed, %s rolled back",
		  COUNT(migrations, "total"), text, json_object_size(reasons) ? ")" : "",
		  COUNT(migrations, "failed"), COUNT(migrations, "rolled_back"));
}

static void print_fault(struct view *v, const json_t *status)
{
	if (is(status, "fault", "uplink"))
		view_line(v, VIEW_BAD, "fault       uplink: no path answers, so none is to blame");
	else if (is(status, "fault", "exit"))
		view_line(v, VIEW_BAD, "fault       exit: the proxies answer, the exit does not");
}

static void print_head(struct view *v, const json_t *status)
{
	double leaked = format_number(status, "leaked_packets");
	double blocked = format_number(status, "blocked_packets");
	char policy[512];

	policy_text_summary(json_object_get(status, "policy"), policy, sizeof(policy));
	view_line(v, VIEW_PLAIN, "comps %s, up %s, %s mode, %s WireGuard",
		  format_string(status, "version"), SECONDS(status, "uptime_s"),
		  format_string(status, "mode"), format_string(status, "wireguard"));
	view_line(v, VIEW_PLAIN, "policy      %s", policy);
	print_active(v, status);
	print_migrations(v, json_object_get(status, "migrations"));
	view_line(v, leaked > 0 ? VIEW_BAD : VIEW_PLAIN, "leaked      %s packets%s%s",
		  format_count(leaked).text, blocked > 0 ? ", blocked " : "",
		  blocked > 0 ? format_count(blocked).text : "");
	print_fault(v, status);
}

static enum view_style state_style(const json_t *path)
{
	if (is(path, "state", "up"))
		return VIEW_GOOD;
	if (is(path, "state", "suspect"))
		return VIEW_WARN;
	return is(path, "state", "down") ? VIEW_BAD : VIEW_DIM;
}

/* Why the path is not used, or what is broken. */
static void notes(const json_t *path, char *out, size_t out_bytes)
{
	double damped_s = format_number(path, "damped_s");
	const char *fault = format_string(path, "segment_fault"), *gap = "";

	*out = '\0';
	if (json_is_true(json_object_get(path, "drained"))) {
		append(out, out_bytes, "drained");
		gap = ", ";
	}
	if (strcmp(fault, "none") != 0 && strcmp(fault, "-") != 0) {
		append(out, out_bytes, "%s%s fault", gap, fault);
		gap = ", ";
	}
	if (damped_s > 0)
		append(out, out_bytes, "%sheld down for %s", gap, format_seconds(damped_s).text);
}

enum column {
	COLUMN_PATH,
	COLUMN_INTERFACE,
	COLUMN_STATE,
	COLUMN_RTT,
	COLUMN_MIN,
	COLUMN_P50,
	COLUMN_P95,
	COLUMN_P99,
	COLUMN_JITTER,
	COLUMN_LOSS,
	COLUMN_HANDSHAKE,
	COLUMN_TX,
	COLUMN_RX,
	COLUMN_SHARE,
	COLUMN_NOTES,
	COLUMNS,
};

static const struct view_column columns[COLUMNS] = {
	[COLUMN_PATH] = {"  PATH", false, 0},
	[COLUMN_INTERFACE] = {"INTERFACE", false, 7},
	[COLUMN_STATE] = {"STATE", false, 0},
	[COLUMN_RTT] = {"RTT", true, 0},
	[COLUMN_MIN] = {"MIN", true, 3},
	[COLUMN_P50] = {"P50", true, 1},
	[COLUMN_P95] = {"P95", true, 6},
	[COLUMN_P99] = {"P99", true, 2},
	[COLUMN_JITTER] = {"JITTER", true, 9},
	[COLUMN_LOSS] = {"LOSS", true, 11},
	[COLUMN_HANDSHAKE] = {"HANDSHAKE", true, 8},
	[COLUMN_TX] = {"SENT", true, 4},
	[COLUMN_RX] = {"RECEIVED", true, 5},
	[COLUMN_SHARE] = {"SHARE", true, 10},
	[COLUMN_NOTES] = {"NOTES", false, 12},
};

static void set(struct view_cell *cell, struct format_text text)
{
	snprintf(cell->text, sizeof(cell->text), "%s", text.text);
}

static void set_seconds(struct view_cell *cell, const json_t *path, const char *key)
{
	set(cell, format_seconds(format_number(path, key)));
}

static void fill_row(struct view_cell *row, const json_t *path)
{
	bool active = json_is_true(json_object_get(path, "active"));

	snprintf(row[COLUMN_PATH].text, VIEW_CELL_BYTES, "%s%s", active ? "* " : "  ",
		 format_string(path, "name"));
	row[COLUMN_PATH].style = active ? VIEW_BOLD : VIEW_PLAIN;
	snprintf(row[COLUMN_INTERFACE].text, VIEW_CELL_BYTES, "%s",
		 format_string(path, "interface"));
	snprintf(row[COLUMN_STATE].text, VIEW_CELL_BYTES, "%s", format_string(path, "state"));
	row[COLUMN_STATE].style = state_style(path);
	set_seconds(&row[COLUMN_RTT], path, "rtt_s");
	set_seconds(&row[COLUMN_MIN], path, "rtt_min_s");
	set_seconds(&row[COLUMN_P50], path, "rtt_p50_s");
	set_seconds(&row[COLUMN_P95], path, "rtt_p95_s");
	set_seconds(&row[COLUMN_P99], path, "rtt_p99_s");
	set_seconds(&row[COLUMN_JITTER], path, "jitter_s");
	set(&row[COLUMN_LOSS], format_percent(format_number(path, "loss")));
	set_seconds(&row[COLUMN_HANDSHAKE], path, "handshake_age_s");
	set(&row[COLUMN_TX], format_bytes(format_number(path, "tx_bytes")));
	set(&row[COLUMN_RX], format_bytes(format_number(path, "rx_bytes")));
	set(&row[COLUMN_SHARE], format_percent(format_number(path, "share")));
	notes(path, row[COLUMN_NOTES].text, VIEW_CELL_BYTES);
	row[COLUMN_NOTES].style = VIEW_WARN;
}

static void print_paths(struct view *v, const json_t *paths)
{
	size_t count = json_array_size(paths), shown = count, i;
	int room = view_room(v) - 1;
	struct view_cell *cells;

	if (room != INT_MAX - 1 && count > (size_t)(room > 1 ? room : 1))
		shown = room > 1 ? (size_t)room - 1 : 0;
	cells = calloc(shown * COLUMNS + 1, sizeof(*cells));
	if (!cells)
		return;
	for (i = 0; i < shown; i++)
		fill_row(cells + i * COLUMNS, json_array_get(paths, i));
	view_table(v, columns, COLUMNS, cells, shown);
	if (shown < count)
		view_line(v, VIEW_DIM, "  and %zu more paths", count - shown);
	free(cells);
}

/* The newest first, as the daemon lists them. */
static void print_last(struct view *v, const json_t *last)
{
	const json_t *migration;
	char text[512];
	size_t i;

	if (json_array_size(last) == 0 || view_room(v) < 3)
		return;
	view_line(v, VIEW_PLAIN, "%s", "");
	view_line(v, VIEW_BOLD, "last migrations");
	json_array_foreach(last, i, migration)
	{
		if (i == MIGRATIONS_SHOWN)
			break;
		status_view_migration(migration, text, sizeof(text));
		view_line(v, is(migration, "outcome", "settled") ? VIEW_PLAIN : VIEW_WARN,
			  "  %s  %s", format_time(format_number(migration, "time")).text, text);
	}
}

/* What the shadow policies would have done. */
static void print_shadows(struct view *v, const json_t *shadows)
{
	const json_t *shadow;
	char text[256];
	size_t i;

	json_array_foreach(shadows, i, shadow)
	{
		double rtt_s = format_number(shadow, "rtt_mean_s");

		policy_text_summary((json_t *)shadow, text, sizeof(text));
		view_line(v, VIEW_DIM, "shadow      %s: on %s, %s migrations, %s, outage %s", text,
			  format_string(shadow, "active"), COUNT(shadow, "migrations"),
			  isfinite(rtt_s) ? format_seconds(rtt_s).text : "-",
			  format_seconds(format_number(shadow, "outage_s")).text);
	}
}

static void print_exposure(struct view *v, const json_t *exposure)
{
	double busiest = format_number(exposure, "busiest");

	if (isfinite(busiest))
		view_line(v, VIEW_PLAIN, "exposure    busiest path %s of the last %s",
			  format_percent(busiest).text,
			  format_seconds(format_number(exposure, "window_s")).text);
}

void status_view(struct view *v, const json_t *status)
{
	print_head(v, status);
	print_exposure(v, json_object_get(status, "exposure"));
	print_shadows(v, json_object_get(status, "shadows"));
	view_line(v, VIEW_PLAIN, "%s", "");
	print_paths(v, json_object_get(status, "paths"));
	print_last(v, json_object_get(json_object_get(status, "migrations"), "last"));
}
