#include "core/report.h"

#include <math.h>
#include <stdlib.h>

#include "core/eligible.h"

/* -1 stands for unknown all over the core. */
static json_t *seconds(int64_t us)
{
	return us < 0 ? json_null() : json_real((double)us / 1e6);
}

static json_t *path_name(const struct paths *paths, int index)
{
	return index < 0 ? json_null() : json_string(paths->path[index].name);
}

json_t *report_migration(const struct migration *migration, const struct paths *paths)
{
	int64_t to_swap_us = mono_diff_us(migration->swapped, migration->decided);
	json_t *object = json_pack(
		"{s:f, s:o, s:o, s:s, s:s, s:o, s:o, s:o}", "time",
		(double)migration->wall_us / 1e6, "from", path_name(paths, migration->from), "to",
		path_name(paths, migration->to), "reason", migration->reason, "outcome",
		migration_outcome_name(migration->outcome), "decision_to_swap_s",
		seconds(to_swap_us), "swap_s", seconds(migration->swap_us), "settle_s",
		seconds(migration->settle_us));

	if (object && migration->error[0])
		json_object_set_new(object, "error", json_string(migration->error));
	return object;
}

static json_t *migrations(const struct migration_log *log, const struct paths *paths)
{
	json_t *by_reason = json_object();
	json_t *last = json_array();
	const struct migration *migration;
	size_t i;

	for (i = 0; i < log->reason_count; i++)
		json_object_set_new(by_reason, log->by_reason[i].reason,
				    json_integer((json_int_t)log->by_reason[i].count));
	for (i = 0; (migration = migration_log_get(log, i)); i++)
		json_array_append_new(last, report_migration(migration, paths));
	return json_pack("{s:I, s:o, s:I, s:I, s:o}", "total", (json_int_t)log->total, "by_reason",
			 by_reason, "failed", (json_int_t)log->failed, "rolled_back",
			 (json_int_t)log->rolled_back, "last", last);
}

json_t *report_policy_value(const struct policy_param *param, union policy_value value)
{
	switch (param->type) {
	case POLICY_DURATION:
		return json_real((double)value.duration_us / 1e6);
	case POLICY_NUMBER:
		return json_real(value.number);
	case POLICY_COUNT:
		return json_integer((json_int_t)value.count);
	case POLICY_FLAG:
		return json_boolean(value.flag);
	case POLICY_CHOICE:
		return json_string(param->choices[value.choice]);
	case POLICY_TEXT:
		return json_string(value.text);
	}
	return json_null();
}

json_t *report_policy(const struct steer *steer)
{
	const struct policy_ops *policy = steer->policy;
	json_t *params = json_object();
	size_t i;

	for (i = 0; i < policy->param_count; i++)
		json_object_set_new(params, policy->params[i].name,
				    report_policy_value(&policy->params[i], steer->values[i]));
	return json_pack("{s:s, s:s, s:o, s:I}", "name", policy->name, "help", policy->help,
			 "params", params, "errors", (json_int_t)steer->policy_errors);
}

static json_t *param_declaration(const struct policy_param *param)
{
	static const char *const types[] = {"duration", "number", "count",
					    "flag",	"choice", "text"};
	double scale = param->type == POLICY_DURATION ? 1e6 : 1;
	json_t *object = json_pack("{s:s, s:s, s:o, s:s}", "name", param->name, "type",
				   types[param->type], "default",
				   report_policy_value(param, param->preset), "help", param->help);
	size_t i;

	if (object && param->type == POLICY_CHOICE) {
		json_t *choices = json_array();

		for (i = 0; param->choices[i]; i++)
			json_array_append_new(choices, json_string(param->choices[i]));
		json_object_set_new(object, "choices", choices);
	} else if (object && param->type != POLICY_FLAG && param->type != POLICY_TEXT) {
		json_object_set_new(object, "min", json_real(param->min / scale));
		json_object_set_new(object, "max", json_real(param->max / scale));
	}
	return object;
}

json_t *report_policy_declaration(const struct policy_ops *policy)
{
	json_t *params = json_array();
	size_t i;

	for (i = 0; i < policy->param_count; i++)
		json_array_append_new(params, param_declaration(&policy->params[i]));
	return json_pack("{s:s, s:s, s:o}", "name", policy->name, "help", policy->help, "params",
			 params);
}

static uint64_t all_bytes(const struct paths *paths)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < paths->count; i++)
		bytes += paths->path[i].counters.tx_bytes + paths->path[i].counters.rx_bytes;
	return bytes;
}

static json_t *path_decision(const struct report *report, size_t i, const struct path_view *views)
{
	const struct steer *steer = report->steer;
	const struct hold_down *hold = &steer->path[i].hold;
	double held_s = 0;

	if (hold_down_active(hold, report->now))
		held_s = (double)mono_diff_us(hold->until, report->now) / 1e6;
	return json_pack("{s:b, s:b, s:b, s:f, s:I}", "active", steer->active == (int)i, "drained",
			 steer->path[i].drained, "eligible",
			 steer_eligible(steer, views, (int)i, report->now), "damped_s", held_s,
			 "priority", (json_int_t)report->paths->path[i].priority);
}

static json_t *path_figures(const struct report *report, size_t i)
{
	const struct paths *paths = report->paths;
	const struct path *path = &paths->path[i];
	uint64_t all = all_bytes(paths);
	uint64_t bytes = path->counters.tx_bytes + path->counters.rx_bytes;
	struct path_stats_summary summary;

	path_stats_summarize(paths_judge(paths, i), report->now, &summary);
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:f, s:o, s:I, s:I, s:f, s:I}", "rtt_s",
			 seconds(summary.srtt_us), "rtt_min_s", seconds(summary.min_us),
			 "rtt_p50_s", seconds(summary.p50_us), "rtt_p95_s", seconds(summary.p95_us),
			 "rtt_p99_s", seconds(summary.p99_us), "jitter_s",
			 seconds(summary.rttvar_us), "loss", summary.loss, "handshake_age_s",
			 seconds(path->handshake_age_us), "tx_bytes",
			 (json_int_t)path->counters.tx_bytes, "rx_bytes",
			 (json_int_t)path->counters.rx_bytes, "share",
			 all ? (double)bytes / (double)all : 0.0, "transitions",
			 (json_int_t)path->transitions);
}

static json_t *path_status(const struct report *report, size_t i, const struct path_view *views)
{
	const struct path *path = &report->paths->path[i];
	json_t *object = json_pack("{s:s, s:s, s:s, s:s}", "name", path->name, "interface",
				   path->interface, "state", path_state_name(path->state),
				   "segment_fault", path_fault_name(paths_fault(report->paths, i)));
	json_t *decision = path_decision(report, i, views);
	json_t *figures = path_figures(report, i);

	json_object_update(object, decision);
	json_object_update(object, figures);
	json_decref(decision);
	json_decref(figures);
	return object;
}

static json_t *pinned_until(const struct report *report)
{
	const struct steer *steer = report->steer;

	if (steer->pinned == POLICY_NONE || steer->pinned_until.us == MONO_NEVER.us)
		return json_null();
	return seconds(mono_diff_us(steer->pinned_until, report->now));
}

static json_t *packets(int64_t count)
{
	return count < 0 ? json_null() : json_integer(count);
}

static json_t *trace(const struct report_trace *trace)
{
	if (!trace)
		return json_null();
	return json_pack("{s:I, s:I, s:o}", "records", (json_int_t)trace->records, "lost",
			 (json_int_t)trace->lost, "error",
			 trace->error[0] ? json_string(trace->error) : json_null());
}

/* What the paths carried lately, as comps-exposure(1) has it: M1 to M3. */
static json_t *exposure(const struct report *report, const struct path_view *views)
{
	const struct steer *steer = report->steer;
	int64_t window_us = steer->config.share_window_us;
	json_t *shares = json_object();
	double busiest = 0, bits = 0;
	uint64_t bytes = 0;
	size_t i;

	if (steer->active != POLICY_NONE)
		bytes = eligible_bytes(&views[steer->active].policy);
	for (i = 0; i < report->paths->count; i++) {
		double w = share_of(&steer->share, (int)i, bytes, window_us, report->now);

		json_object_set_new(shares, report->paths->path[i].name, json_real(w));
		busiest = w > busiest ? w : busiest;
		bits -= w > 0 ? w * log2(w) : 0;
	}
	return json_pack("{s:f, s:o, s:o, s:o, s:o}", "window_s", (double)window_us / 1e6, "share",
			 shares, "busiest", busiest > 0 ? json_real(busiest) : json_null(),
			 "entropy_bits", busiest > 0 ? json_real(bits) : json_null(),
			 "effective_paths", busiest > 0 ? json_real(exp2(bits)) : json_null());
}

static json_t *shadows(const struct report *report)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < report->shadows->count; i++) {
		const struct shadows_one *one = &report->shadows->items[i];
		json_t *object = report_policy(&one->steer);
		double served_us = (double)one->served_us;

		json_object_del(object, "help");
		json_object_set_new(object, "active", path_name(report->paths, one->steer.active));
		json_object_set_new(object, "migrations",
				    json_integer((json_int_t)one->migrations));
		json_object_set_new(object, "outage_s", seconds(one->outage_us));
		json_object_set_new(object, "rtt_mean_s",
				    served_us > 0 ? json_real(one->srtt_us_us / served_us / 1e6)
						  : json_null());
		json_array_append_new(list, object);
	}
	return list;
}

json_t *report_status(const struct report *report)
{
	const struct paths *paths = report->paths;
	struct path_view *views = calloc(paths->count, sizeof(*views));
	json_t *list = json_array(), *shares;
	size_t i;

	if (!views || !list) {
		free(views);
		json_decref(list);
		return NULL;
	}
	paths_view(paths, report->now, views);
	for (i = 0; i < paths->count; i++)
		json_array_append_new(list, path_status(report, i, views));
	shares = exposure(report, views);
	free(views);
	return json_pack(
		"{s:s, s:f, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o}",
		"version", report->version, "uptime_s",
		(double)mono_diff_us(report->now, report->started) / 1e6, "mode", report->mode,
		"wireguard", report->wireguard, "active", path_name(paths, report->steer->active),
		"pinned", path_name(paths, report->steer->pinned), "pinned_until_s",
		pinned_until(report), "policy", report_policy(report->steer), "leaked_packets",
		packets(report->leaked_packets), "blocked_packets",
		packets(report->blocked_packets), "migrations",
		migrations(report->migrations, paths), "shadows", shadows(report), "exposure",
		shares, "trace", trace(report->trace), "fault",
		path_fault_name(paths_common_fault(paths)), "paths", list);
}
