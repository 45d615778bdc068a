#include "replay/timeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PROGRESS_EVERY 65536

/* What was last noted of a path. */
struct noted {
	const struct path_stats *judge;
	uint32_t answered, missed, late;
	struct timeline_event event;
	bool counted;
	struct path_counters counters;
};

struct builder {
	struct timeline *timeline;
	struct paths paths;
	struct noted *noted;
	bool *drained;
	struct mono now;
};

/* Room for one more in an array that doubles. */
static bool grow(void **array, size_t count, size_t *room, size_t item_bytes)
{
	size_t wanted = *room ? 2 * *room : 64;
	void *larger;

	if (count < *room)
		return true;
	larger = realloc(*array, wanted * item_bytes);
	if (!larger)
		return false;
	*array = larger;
	*room = wanted;
	return true;
}

/* --- notes ------------------------------------------------------------------------------------ */

static int add_figure(struct builder *b, size_t i, int64_t rtt_us, int16_t missed)
{
	struct timeline_path *path = &b->timeline->paths[i];
	struct path_view view = paths_view_one(&b->paths, i, b->now);
	size_t room = path->figure_room;

	if (!grow((void **)&path->figure_at_us, path->figure_count, &room, sizeof(int64_t)) ||
	    !grow((void **)&path->figures, path->figure_count, &path->figure_room,
		  sizeof(*path->figures)))
		return -ENOMEM;
	path->figure_at_us[path->figure_count] = b->now.us;
	path->figures[path->figure_count++] = (struct timeline_figure){
		.confirmed_us = view.confirmed.us,
		.srtt_us = (int32_t)view.policy.srtt_us,
		.jitter_us = (int32_t)view.policy.jitter_us,
		.min_us = (int32_t)view.policy.rtt_min_us,
		.loss = (float)view.policy.loss,
		.rtt_us = (int32_t)rtt_us,
		.missed = missed,
	};
	b->timeline->samples++;
	return 0;
}

static int note_figure(struct builder *b, size_t i, int64_t rtt_us)
{
	const struct path_stats *judge = paths_judge(&b->paths, i);
	struct noted *noted = &b->noted[i];
	bool answered = judge->answered != noted->answered;
	int16_t missed = judge == noted->judge ? (int16_t)(judge->missed - noted->missed) : 0;

	if (judge == noted->judge && !answered && judge->missed == noted->missed &&
	    judge->late == noted->late)
		return 0;
	noted->judge = judge;
	noted->answered = judge->answered;
	noted->missed = judge->missed;
	noted->late = judge->late;
	return add_figure(b, i, answered ? rtt_us : -1, missed);
}

static int note_state(struct builder *b, size_t i)
{
	const struct path *path = &b->paths.path[i];
	struct timeline *timeline = b->timeline;
	struct timeline_event event = {
		.path = (uint32_t)i,
		.state = (uint8_t)path->state,
		.link_up = path->link_up,
		.blameless = paths_is_blameless(&b->paths, i),
		.drained = b->drained[i],
		.since_us = path->since.us,
		.doubted_us = paths_judge(&b->paths, i)->doubted.us,
	};

	if (!memcmp(&event, &b->noted[i].event, sizeof(event)))
		return 0;
	b->noted[i].event = event;
	if (!grow((void **)&timeline->events, timeline->event_count, &timeline->event_room,
		  sizeof(*timeline->events)))
		return -ENOMEM;
	event.at_us = b->now.us;
	timeline->events[timeline->event_count++] = event;
	return 0;
}

/* After anything that may have changed something of any path. */
static int note_all(struct builder *b, int64_t rtt_us)
{
	int ret = 0;
	size_t i;

	for (i = 0; i < b->paths.count && !ret; i++) {
		ret = note_figure(b, i, rtt_us);
		if (!ret)
			ret = note_state(b, i);
	}
	return ret;
}

/* An interface that was made again counts from 0. */
static uint64_t gain(uint64_t was, uint64_t is)
{
	return is < was ? is : is - was;
}

static int note_traffic(struct builder *b, const struct input *in)
{
	struct timeline *timeline = b->timeline;
	struct path_counters *last = &b->noted[in->path].counters;
	const struct path_counters *now = &in->counters;
	struct timeline_traffic next = {.at_us = in->at.us};

	if (!grow((void **)&timeline->traffic, timeline->traffic_count, &timeline->traffic_room,
		  sizeof(*timeline->traffic)))
		return -ENOMEM;
	if (timeline->traffic_count)
		next.sum = timeline->traffic[timeline->traffic_count - 1].sum;
	if (b->noted[in->path].counted) {
		next.sum.tx_bytes += gain(last->tx_bytes, now->tx_bytes);
		next.sum.rx_bytes += gain(last->rx_bytes, now->rx_bytes);
		next.sum.tx_packets += gain(last->tx_packets, now->tx_packets);
		next.sum.rx_packets += gain(last->rx_packets, now->rx_packets);
	}
	b->noted[in->path].counted = true;
	*last = *now;
	timeline->traffic[timeline->traffic_count++] = next;
	return 0;
}

static int note_pause(struct builder *b)
{
	struct timeline *timeline = b->timeline;

	if (!grow((void **)&timeline->pauses_us, timeline->pause_count, &timeline->pause_room,
		  sizeof(*timeline->pauses_us)))
		return -ENOMEM;
	timeline->pauses_us[timeline->pause_count++] = b->now.us;
	return 0;
}

/* --- feeding ---------------------------------------------------------------------------------- */

/* What is missed on the way to `until`. */
static int pass_time(struct builder *b, struct mono until)
{
	struct mono next;
	int ret = 0;

	while (!ret && mono_before(next = paths_next_deadline(&b->paths), until)) {
		b->now = mono_before(b->now, next) ? next : b->now;
		paths_on_time(&b->paths, b->now);
		ret = note_all(b, -1);
	}
	b->now = mono_before(b->now, until) ? until : b->now;
	return ret;
}

static int take(struct builder *b, const struct input *in)
{
	struct paths *paths = &b->paths;
	size_t path = (size_t)in->path;

	switch (in->kind) {
	case INPUT_SENT:
		paths_on_sent(paths, path, in->target, in->number, in->at);
		return 0;
	case INPUT_REPLY:
		paths_on_reply(paths, path, in->target, in->number, in->value, b->now);
		return note_all(b, in->value);
	case INPUT_TARGET:
		paths->path[path].probed[in->target] = in->value;
		break;
	case INPUT_LINK:
		paths_on_link(paths, path, in->value, b->now);
		break;
	case INPUT_STALL:
		paths_on_stall(paths, path, (enum stall_result)in->value, b->now);
		break;
	case INPUT_RESUME:
		paths_on_resume(paths, b->now);
		break;
	case INPUT_DRAIN:
		b->drained[path] = in->value;
		break;
	case INPUT_COUNTERS:
		return note_traffic(b, in);
	case INPUT_PAUSE:
		return note_pause(b);
	default:
		return 0; /* the operator's and the recorded policy's doing, and the clock */
	}
	return note_all(b, -1);
}

/* --- life ------------------------------------------------------------------------------------- */

static int begin(struct builder *b, const struct trace_run *run)
{
	size_t i, n = run->config.path_count;
	struct timeline *timeline = b->timeline;
	int ret = paths_init(&b->paths, n, &run->config.stats, run->began);

	timeline->config = run->config;
	timeline->began = b->now = run->began;
	timeline->paths = calloc(n, sizeof(*timeline->paths));
	b->noted = calloc(n, sizeof(*b->noted));
	b->drained = calloc(n, sizeof(*b->drained));
	if (ret || !timeline->paths || !b->noted || !b->drained)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		struct path *path = &b->paths.path[i];

		timeline->paths[i].name = path->name = run->paths[i].name;
		timeline->paths[i].priority = path->priority = run->paths[i].priority;
		path->interface = run->paths[i].interface;
		path->link_up = run->paths[i].link_up;
		b->noted[i].judge = paths_judge(&b->paths, i);
		b->noted[i].event.path = UINT32_MAX; /* the first state is noted */
	}
	return note_all(b, -1);
}

static int read_all(struct builder *b, struct trace_reader *reader, size_t run,
		    timeline_progress_fn progress, void *arg, struct err *err)
{
	struct trace_record record;
	uint64_t records = 0;
	int ret = trace_reader_begin(reader, run, err);

	while (!ret && (ret = trace_reader_next(reader, &record, err)) > 0) {
		ret = pass_time(b, record.input.at);
		if (!ret)
			ret = take(b, &record.input);
		if (ret)
			return err_set(err, ret, "out of memory");
		if (++records % PROGRESS_EVERY == 0 && progress)
			progress(arg, records);
	}
	b->timeline->ended = b->now;
	return ret;
}

int timeline_new(struct trace_reader *reader, size_t run, timeline_progress_fn progress, void *arg,
		 struct timeline **out, struct err *err)
{
	struct builder b = {.timeline = calloc(1, sizeof(*b.timeline))};
	int ret = b.timeline ? begin(&b, trace_reader_run(reader, run)) : -ENOMEM;

	if (ret)
		err_set(err, ret, "out of memory");
	else
		ret = read_all(&b, reader, run, progress, arg, err);
	if (!ret && !b.timeline->samples)
		ret = err_set(err, -ENODATA, "run %lld has no probes to replay",
			      (long long)trace_reader_run(reader, run)->id);
	if (b.paths.path)
		paths_fini(&b.paths);
	free(b.noted);
	free(b.drained);
	if (ret)
		timeline_free(b.timeline);
	else
		*out = b.timeline;
	return ret;
}

static uint64_t between(uint64_t low, uint64_t high, double part)
{
	return low + (uint64_t)((double)(high - low) * part);
}

struct path_counters timeline_traffic_at(const struct timeline *timeline, int64_t at_us,
					 size_t *from)
{
	const struct timeline_traffic *low, *high;
	double part;

	while (*from < timeline->traffic_count && timeline->traffic[*from].at_us <= at_us)
		++*from;
	if (*from == 0)
		return (struct path_counters){0};
	low = &timeline->traffic[*from - 1];
	if (*from == timeline->traffic_count)
		return low->sum;
	high = low + 1;
	part = (double)(at_us - low->at_us) / (double)(high->at_us - low->at_us);
	return (struct path_counters){
		between(low->sum.tx_bytes, high->sum.tx_bytes, part),
		between(low->sum.rx_bytes, high->sum.rx_bytes, part),
		between(low->sum.tx_packets, high->sum.tx_packets, part),
		between(low->sum.rx_packets, high->sum.rx_packets, part),
	};
}

void timeline_free(struct timeline *timeline)
{
	size_t i;

	for (i = 0; timeline && timeline->paths && i < timeline->config.path_count; i++) {
		free(timeline->paths[i].figure_at_us);
		free(timeline->paths[i].figures);
	}
	if (timeline) {
		free(timeline->paths);
		free(timeline->events);
		free(timeline->traffic);
		free(timeline->pauses_us);
	}
	free(timeline);
}
