/* comps metrics: the status as OpenMetrics text (openmetrics.io), for whoever scrapes it. */
#include <math.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/format.h"

static void family(const struct cli *cli, const char *name, const char *type, const char *help)
{
	fprintf(cli->out, "# TYPE comps_%s %s\n# HELP comps_%s %s\n", name, type, name, help);
}

static void put_label(FILE *out, const char *value)
{
	for (; *value; value++) {
		if (*value == '\n')
			fputs("\\n", out);
		else if (strchr("\\\"", *value))
			fprintf(out, "\\%c", *value);
		else
			fputc(*value, out);
	}
}

/* One sample; `label` may be NULL. What is not known is left out. */
static void sample(const struct cli *cli, const char *name, const char *label, const char *value_of,
		   double value)
{
	if (isnan(value))
		return;
	fprintf(cli->out, "comps_%s", name);
	if (label) {
		fprintf(cli->out, "{%s=\"", label);
		put_label(cli->out, value_of);
		fputs("\"}", cli->out);
	}
	fprintf(cli->out, " %.15g\n", value);
}

/* --- of a path -------------------------------------------------------------------------------- */

static const struct path_metric {
	const char *name, *type, *key, *help;
} path_metrics[] = {
	{"path_active", "gauge", "active", "Whether the path is in use."},
	{"path_drained", "gauge", "drained", "Whether the path is taken out of use."},
	{"path_rtt_seconds", "gauge", "rtt_s", "Smoothed round trip of the probes."},
	{"path_rtt_min_seconds", "gauge", "rtt_min_s", "Smallest round trip of the window."},
	{"path_jitter_seconds", "gauge", "jitter_s", "Smoothed variation of the round trip."},
	{"path_loss_ratio", "gauge", "loss", "Lost share of the window's probes."},
	{"path_handshake_age_seconds", "gauge", "handshake_age_s",
	 "Time since the last WireGuard handshake."},
	{"path_transmitted_bytes_total", "counter", "tx_bytes", "Bytes sent by the overlay."},
	{"path_received_bytes_total", "counter", "rx_bytes", "Bytes received by the overlay."},
	{"path_transitions_total", "counter", "transitions", "Changes of the path's state."},
};

static double number_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (json_is_boolean(value))
		return json_is_true(value);
	return format_number(object, key);
}

static void print_family(const struct cli *cli, const json_t *paths, const struct path_metric *m)
{
	char name[64];
	const json_t *path;
	size_t i;

	/* A counter's family has no _total (OpenMetrics, section 4.4). */
	snprintf(name, sizeof(name), "%s", m->name);
	if (strcmp(m->type, "counter") == 0)
		name[strlen(name) - strlen("_total")] = '\0';
	family(cli, name, m->type, m->help);
	json_array_foreach(paths, i, path)
		sample(cli, m->name, "path", format_string(path, "name"), number_of(path, m->key));
}

static void print_paths(const struct cli *cli, const json_t *status)
{
	const json_t *paths = json_object_get(status, "paths"), *path;
	size_t i;

	for (i = 0; i < sizeof(path_metrics) / sizeof(*path_metrics); i++)
		print_family(cli, paths, &path_metrics[i]);
	family(cli, "path_up", "gauge", "Whether the path answers.");
	json_array_foreach(paths, i, path)
		sample(cli, "path_up", "path", format_string(path, "name"),
		       strcmp(format_string(path, "state"), "up") == 0);
}

/* --- of the daemon ---------------------------------------------------------------------------- */

static void print_migrations(const struct cli *cli, const json_t *migrations)
{
	json_t *reasons = json_object_get(migrations, "by_reason"), *count;
	const char *reason;

	family(cli, "migrations", "counter", "Migrations by their reason.");
	json_object_foreach(reasons, reason, count)
		sample(cli, "migrations_total", "reason", reason, json_number_value(count));
	family(cli, "migrations_failed", "counter", "Migrations after which no packet came back.");
	sample(cli, "migrations_failed_total", NULL, NULL, format_number(migrations, "failed"));
	family(cli, "migrations_rolled_back", "counter", "Migrations that went back.");
	sample(cli, "migrations_rolled_back_total", NULL, NULL,
	       format_number(migrations, "rolled_back"));
}

static void print_exposure(const struct cli *cli, const json_t *exposure)
{
	json_t *shares = json_object_get(exposure, "share"), *share;
	const char *path;

	family(cli, "exposure_share_ratio", "gauge", "Part of each path in the bytes lately.");
	json_object_foreach(shares, path, share)
		sample(cli, "exposure_share_ratio", "path", path, json_number_value(share));
	family(cli, "exposure_busiest_ratio", "gauge", "Part of the busiest path lately.");
	sample(cli, "exposure_busiest_ratio", NULL, NULL, format_number(exposure, "busiest"));
	family(cli, "exposure_effective_paths", "gauge", "Two to the entropy of these parts.");
	sample(cli, "exposure_effective_paths", NULL, NULL,
	       format_number(exposure, "effective_paths"));
}

static void print_daemon(const struct cli *cli, const json_t *status)
{
	const json_t *trace = json_object_get(status, "trace");

	family(cli, "uptime_seconds", "gauge", "Since compsd was started.");
	sample(cli, "uptime_seconds", NULL, NULL, format_number(status, "uptime_s"));
	family(cli, "leaked_packets", "counter",
	       "Packets that tried to leave by anything but an overlay, and were dropped.");
	sample(cli, "leaked_packets_total", NULL, NULL, format_number(status, "leaked_packets"));
	family(cli, "blocked_packets", "counter",
	       "Other packets that tried to leave past the inner tunnel, and were dropped.");
	sample(cli, "blocked_packets_total", NULL, NULL, format_number(status, "blocked_packets"));
	family(cli, "policy_errors", "counter", "Answers of the policy that made no sense.");
	sample(cli, "policy_errors_total", NULL, NULL,
	       format_number(json_object_get(status, "policy"), "errors"));
	family(cli, "trace_records", "counter", "Records written into the trace.");
	sample(cli, "trace_records_total", NULL, NULL, format_number(trace, "records"));
	family(cli, "trace_lost_records", "counter", "Records that the trace lacks.");
	sample(cli, "trace_lost_records_total", NULL, NULL, format_number(trace, "lost"));
}

int metrics_run(struct cli *cli)
{
	const json_t *status;
	json_t *reply;
	int rc = cli_ask(cli, json_pack("{s:s}", "cmd", "status"), "status", &reply);

	if (rc != CLI_OK)
		return rc;
	status = json_object_get(reply, "status");
	print_daemon(cli, status);
	print_migrations(cli, json_object_get(status, "migrations"));
	print_paths(cli, status);
	print_exposure(cli, json_object_get(status, "exposure"));
	fputs("# EOF\n", cli->out);
	json_decref(reply);
	return CLI_OK;
}
