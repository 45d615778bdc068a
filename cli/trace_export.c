#include "cli/trace_export.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/migration.h"

#define WAIT_US	   INT64_C(60000000) /* for an answer; what comes later is not told */
#define RING	   262144	     /* probes that are waited for at most */
#define TELL_EVERY 65536

static const char *const targets[] = {"proxy", "exit"};

/* Seconds since 1970. */
static double wall_s(const struct trace_run *run, struct mono at)
{
	return (double)(run->wall_us + mono_diff_us(at, run->began)) / 1e6;
}

/* --- CSV -------------------------------------------------------------------------------------- */

struct probe {
	struct input sent;
	int64_t rtt_us; /* -1: not answered yet */
};

struct probes {
	const struct trace_run *run;
	FILE *out;
	struct probe *ring;
	uint64_t first, end; /* probes ever */
};

static void print_oldest(struct probes *probes)
{
	const struct probe *probe = &probes->ring[probes->first++ % RING];

	fprintf(probes->out, "%lld,%.6f,%s,%s,", (long long)probes->run->id,
		wall_s(probes->run, probe->sent.at), probes->run->paths[probe->sent.path].name,
		targets[probe->sent.target]);
	if (probe->rtt_us >= 0)
		fprintf(probes->out, "%.6f", (double)probe->rtt_us / 1e6);
	fputc('\n', probes->out);
}

/* Prints what is certain at `now`. */
static void print_certain(struct probes *probes, struct mono now)
{
	while (probes->first < probes->end) {
		const struct probe *probe = &probes->ring[probes->first % RING];

		if (probe->rtt_us < 0 && probes->end - probes->first < RING &&
		    mono_diff_us(now, probe->sent.at) < WAIT_US)
			return;
		print_oldest(probes);
	}
}

static void answer(struct probes *probes, const struct input *reply)
{
	uint64_t i;

	for (i = probes->end; i > probes->first; i--) {
		struct probe *probe = &probes->ring[(i - 1) % RING];

		if (probe->sent.path != reply->path || probe->sent.target != reply->target ||
		    probe->sent.number != reply->number)
			continue;
		if (probe->rtt_us < 0)
			probe->rtt_us = reply->value;
		return;
	}
}

int trace_export_csv(struct trace_reader *reader, size_t run, FILE *out, struct progress *progress,
		     struct err *err)
{
	struct probes probes = {.run = trace_reader_run(reader, run), .out = out};
	struct trace_record record;
	uint64_t n = 0;
	int ret;

	probes.ring = malloc(RING * sizeof(*probes.ring));
	if (!probes.ring)
		return err_set(err, -ENOMEM, "out of memory");
	if (run == 0)
		fputs("run,time,path,target,rtt\n", out);
	ret = trace_reader_begin(reader, run, err);
	while (!ret && (ret = trace_reader_next(reader, &record, err)) > 0) {
		ret = 0;
		if (++n % TELL_EVERY == 0)
			progress_at(progress, n);
		print_certain(&probes, record.input.at);
		if (record.input.kind == INPUT_SENT)
			probes.ring[probes.end++ % RING] = (struct probe){record.input, -1};
		else if (record.input.kind == INPUT_REPLY)
			answer(&probes, &record.input);
	}
	while (!ret && probes.first < probes.end)
		print_oldest(&probes);
	free(probes.ring);
	return ret;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static const char *kind_name(unsigned int kind)
{
	static const char *const names[] = {
		[INPUT_TARGET] = "target",	 [INPUT_SENT] = "sent",
		[INPUT_REPLY] = "reply",	 [INPUT_LINK] = "link",
		[INPUT_COUNTERS] = "counters",	 [INPUT_STALL] = "stall",
		[INPUT_HANDSHAKE] = "handshake", [INPUT_TIME] = "time",
		[INPUT_RESUME] = "resume",	 [INPUT_ADOPT] = "adopt",
		[INPUT_REQUEST] = "request",	 [INPUT_PIN] = "pin",
		[INPUT_UNPIN] = "unpin",	 [INPUT_DRAIN] = "drain",
		[INPUT_DRAW] = "draw",		 [INPUT_DECIDE] = "decision",
		[INPUT_OUTCOME] = "migration",	 [INPUT_PAUSE] = "pause",
		[TRACE_STATE] = "state",	 [TRACE_POLICY] = "policy",
		[TRACE_TICK] = "tick",		 [TRACE_GAP] = "gap",
	};

	return kind < sizeof(names) / sizeof(*names) && names[kind] ? names[kind] : "unknown";
}

static json_t *path_name(const struct trace_run *run, int path)
{
	return path < 0 ? json_null() : json_string(run->paths[path].name);
}

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static void set_seconds(json_t *object, const char *key, int64_t us)
{
	set(object, key, us < 0 ? json_null() : json_real((double)us / 1e6));
}

static void describe(json_t *object, const struct trace_run *run, const struct trace_record *r)
{
	const struct input *in = &r->input;

	switch (in->kind) {
	case INPUT_SENT:
	case INPUT_REPLY:
		set(object, "path", path_name(run, in->path));
		set(object, "target", json_string(targets[in->target]));
		set(object, "number", json_integer(in->number));
		if (in->kind == INPUT_REPLY)
			set_seconds(object, "rtt_s", in->value);
		break;
	case INPUT_COUNTERS:
		set(object, "path", path_name(run, in->path));
		set(object, "tx_bytes", json_integer((json_int_t)in->counters.tx_bytes));
		set(object, "rx_bytes", json_integer((json_int_t)in->counters.rx_bytes));
		set(object, "tx_packets", json_integer((json_int_t)in->counters.tx_packets));
		set(object, "rx_packets", json_integer((json_int_t)in->counters.rx_packets));
		break;
	case INPUT_DECIDE:
		set(object, "to", path_name(run, r->to));
		set(object, "reason", r->reason ? json_string(r->reason) : json_null());
		set(object, "wake",
		    r->wake.us == MONO_NEVER.us ? json_null() : json_real(wall_s(run, r->wake)));
		break;
	case INPUT_OUTCOME:
		set(object, "to", path_name(run, in->path));
		set(object, "reason", json_string(in->outcome.reason));
		set(object, "outcome",
		    json_string(
			    migration_outcome_name((enum migration_outcome)in->outcome.outcome)));
		set(object, "moved", json_real(wall_s(run, (struct mono){in->outcome.moved_us})));
		set_seconds(object, "swap_s", in->outcome.swap_us);
		set_seconds(object, "settle_s", in->outcome.settle_us);
		break;
	case TRACE_POLICY:
		set(object, "name", json_string(r->policy));
		set(object, "params", json_string(r->params));
		break;
	case TRACE_STATE:
		set(object, "path", path_name(run, in->path));
		set(object, "state", json_string(path_state_name((enum path_state)in->value)));
		set(object, "fault", json_string(path_fault_name((enum path_fault)in->target)));
		break;
	default:
		set(object, "path", path_name(run, in->path));
		set(object, "target", json_integer(in->target));
		set(object, "value", json_integer(in->value));
	}
}

int trace_export_jsonl(struct trace_reader *reader, size_t run, FILE *out,
		       struct progress *progress, struct err *err)
{
	const struct trace_run *r = trace_reader_run(reader, run);
	struct trace_record record;
	uint64_t n = 0;
	int ret = trace_reader_begin(reader, run, err);

	while (!ret && (ret = trace_reader_next(reader, &record, err)) > 0) {
		json_t *object =
			json_pack("{s:I, s:I, s:f, s:s}", "seq", (json_int_t)record.seq, "run",
				  (json_int_t)r->id, "time", wall_s(r, record.input.at), "kind",
				  kind_name(record.input.kind));

		ret = 0;
		if (!object)
			return err_set(err, -ENOMEM, "out of memory");
		describe(object, r, &record);
		json_dumpf(object, out, JSON_COMPACT | JSON_REAL_PRECISION(16));
		fputc('\n', out);
		json_decref(object);
		if (++n % TELL_EVERY == 0)
			progress_at(progress, n);
	}
	return ret;
}
