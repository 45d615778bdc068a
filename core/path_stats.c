#include "core/path_stats.h"

#include <errno.h>
#include <stdlib.h>

/* G of RFC 6298: how exactly a busy machine keeps time. */
#define GRANULARITY_US INT64_C(10000)

int path_stats_init(struct path_stats *stats, const struct path_stats_config *config,
		    struct mono now)
{
	*stats = (struct path_stats){
		.config = config,
		.srtt_us = -1,
		.rttvar_us = -1,
		.since = now,
		.doubted = MONO_LONG_AGO,
		.witnessed = MONO_NEVER,
		.confirmed = MONO_LONG_AGO,
	};
	stats->ring = calloc(config->window, sizeof(*stats->ring));
	return stats->ring ? 0 : -ENOMEM;
}

void path_stats_fini(struct path_stats *stats)
{
	free(stats->ring);
	stats->ring = NULL;
}

static struct path_stats_record *record_of(const struct path_stats *stats, uint32_t number)
{
	return &stats->ring[number % stats->config->window];
}

static bool in_window(const struct path_stats *stats, uint32_t number)
{
	return number < stats->sent && stats->sent - number <= stats->config->window;
}

static uint32_t first_in_window(const struct path_stats *stats)
{
	return stats->sent > stats->config->window ? stats->sent - stats->config->window : 0;
}

static void enter(struct path_stats *stats, enum path_state state, struct mono now)
{
	stats->state = state;
	stats->since = now;
	stats->in_a_row = 0;
}

/* RFC 6298, section 2, with alpha = 1/8 and beta = 1/4. */
static void update_rtt(struct path_stats *stats, int64_t rtt_us)
{
	int64_t error_us;

	if (stats->srtt_us < 0) {
		stats->srtt_us = rtt_us;
		stats->rttvar_us = rtt_us / 2;
		return;
	}
	error_us = stats->srtt_us > rtt_us ? stats->srtt_us - rtt_us : rtt_us - stats->srtt_us;
	stats->rttvar_us += (error_us - stats->rttvar_us) / 4;
	stats->srtt_us += (rtt_us - stats->srtt_us) / 8;
}

int64_t path_stats_timeout_us(const struct path_stats *stats)
{
	const struct path_stats_config *config = stats->config;
	int64_t spread_us =
		4 * stats->rttvar_us > GRANULARITY_US ? 4 * stats->rttvar_us : GRANULARITY_US;
	int64_t us = stats->srtt_us + spread_us;

	if (stats->srtt_us < 0 || us > config->timeout_max_us)
		return config->timeout_max_us;
	return us < config->timeout_min_us ? config->timeout_min_us : us;
}

void path_stats_on_sent(struct path_stats *stats, uint32_t number, struct mono now)
{
	*record_of(stats, number) = (struct path_stats_record){
		.sent = now,
		.deadline = mono_add_us(now, path_stats_timeout_us(stats)),
		.rtt_us = -1,
		.number = number,
	};
	stats->sent = number + 1;
	if (stats->oldest_pending < first_in_window(stats))
		stats->oldest_pending = first_in_window(stats);
}

static void on_sign_of_life(struct path_stats *stats, struct mono sent, struct mono now)
{
	if (stats->state == PATH_UNKNOWN || stats->state == PATH_SUSPECT)
		enter(stats, PATH_UP, now);
	else if (stats->state == PATH_DOWN && mono_before(stats->since, sent) &&
		 ++stats->in_a_row >= stats->config->up_after)
		enter(stats, PATH_UP, now);
}

void path_stats_on_reply(struct path_stats *stats, uint32_t number, int64_t rtt_us, struct mono now)
{
	struct path_stats_record *record = record_of(stats, number);

	if (!in_window(stats, number) || record->number != number)
		return;
	if (record->rtt_us >= 0) {
		stats->duplicates++;
		return;
	}
	if (record->missed) {
		stats->late++;
		stats->missed--;
	}
	record->missed = false;
	record->deadline = MONO_NEVER;
	record->rtt_us = rtt_us;
	stats->answered++;
	update_rtt(stats, rtt_us);
	if (mono_before(stats->confirmed, record->sent))
		stats->confirmed = record->sent;
	on_sign_of_life(stats, record->sent, now);
}

static void on_miss(struct path_stats *stats, struct path_stats_record *record, struct mono now)
{
	record->missed = true;
	record->deadline = MONO_NEVER;
	stats->missed++;

	/* A probe sent later was answered: this one is loss, and no doubt about the target. */
	if (!mono_before(stats->confirmed, record->sent))
		return;
	switch (stats->state) {
	case PATH_UNKNOWN:
		if (++stats->in_a_row >= stats->config->down_after) {
			stats->doubted = stats->since;
			enter(stats, PATH_DOWN, now);
		}
		break;
	case PATH_UP:
		path_stats_suspect(stats, now);
		break;
	case PATH_SUSPECT:
		stats->in_a_row++;
		break;
	case PATH_DOWN:
		stats->in_a_row = 0;
		break;
	}
}

void path_stats_on_time(struct path_stats *stats, struct mono now)
{
	uint32_t number;

	for (number = stats->oldest_pending; number < stats->sent; number++) {
		struct path_stats_record *record = record_of(stats, number);

		if (!mono_due(record->deadline, now))
			continue;
		/* Whoever comes late to look may have been kept from the answer as well. */
		if (mono_diff_us(now, record->deadline) > GRANULARITY_US && !record->excused) {
			record->excused = true;
			record->deadline = mono_add_us(now, GRANULARITY_US);
			continue;
		}
		on_miss(stats, record, now);
	}
	while (stats->oldest_pending < stats->sent &&
	       record_of(stats, stats->oldest_pending)->deadline.us == MONO_NEVER.us)
		stats->oldest_pending++;
}

void path_stats_suspect(struct path_stats *stats, struct mono now)
{
	if (stats->state != PATH_UP)
		return;
	enter(stats, PATH_SUSPECT, now);
	stats->in_a_row = 1;
	stats->doubted = now;
	stats->witnessed = MONO_NEVER;
}

static bool is_silent(const struct path_stats *stats)
{
	return stats->state == PATH_SUSPECT && stats->in_a_row >= stats->config->down_after;
}

/* When a silent target is down: once it has had its time since another path was heard, or the
 * longest timeout if none is. */
static struct mono verdict_at(const struct path_stats *stats)
{
	return mono_earlier(mono_add_us(stats->witnessed, path_stats_timeout_us(stats)),
			    mono_add_us(stats->since, stats->config->timeout_max_us));
}

void path_stats_judge(struct path_stats *stats, struct mono witness, struct mono now)
{
	if (stats->witnessed.us == MONO_NEVER.us && !mono_before(witness, stats->since))
		stats->witnessed = now;
	if (is_silent(stats) && mono_due(verdict_at(stats), now))
		enter(stats, PATH_DOWN, now);
}

void path_stats_clear(struct path_stats *stats, struct mono now)
{
	if (stats->state == PATH_SUSPECT)
		enter(stats, PATH_UP, now);
}

void path_stats_forget_pending(struct path_stats *stats)
{
	for (; stats->oldest_pending < stats->sent; stats->oldest_pending++)
		record_of(stats, stats->oldest_pending)->deadline = MONO_NEVER;
}

void path_stats_reset(struct path_stats *stats, struct mono now)
{
	path_stats_forget_pending(stats);
	stats->srtt_us = stats->rttvar_us = -1;
	stats->confirmed = MONO_LONG_AGO;
	enter(stats, PATH_UNKNOWN, now);
}

struct mono path_stats_next_deadline(const struct path_stats *stats)
{
	struct mono next = is_silent(stats) ? verdict_at(stats) : MONO_NEVER;
	uint32_t number;

	for (number = stats->oldest_pending; number < stats->sent; number++)
		next = mono_earlier(next, record_of(stats, number)->deadline);
	return next;
}

static int compare_us(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Nearest-rank quantile of `count` sorted values. */
static int64_t quantile(const int64_t *sorted, size_t count, unsigned int percent)
{
	return sorted[(count * percent + 99) / 100 - 1];
}

static bool is_lost(const struct path_stats *stats, const struct path_stats_record *record,
		    struct mono now)
{
	return record->missed &&
	       (mono_before(record->sent, stats->confirmed) ||
		mono_due(mono_add_us(record->sent, stats->config->timeout_max_us), now));
}

void path_stats_window(const struct path_stats *stats, struct mono now, int64_t *min_us,
		       double *loss)
{
	uint32_t number, answered = 0, lost = 0;

	*min_us = -1;
	for (number = first_in_window(stats); number < stats->sent; number++) {
		const struct path_stats_record *record = record_of(stats, number);

		lost += is_lost(stats, record, now);
		if (record->rtt_us < 0)
			continue;
		answered++;
		if (*min_us < 0 || record->rtt_us < *min_us)
			*min_us = record->rtt_us;
	}
	*loss = answered + lost ? (double)lost / (double)(answered + lost) : 0;
}

void path_stats_summarize(const struct path_stats *stats, struct mono now,
			  struct path_stats_summary *out)
{
	int64_t *rtts = malloc(stats->config->window * sizeof(*rtts));
	size_t count = 0;
	uint32_t number;

	*out = (struct path_stats_summary){stats->srtt_us, stats->rttvar_us, -1, -1, -1, -1, 0};
	path_stats_window(stats, now, &out->min_us, &out->loss);
	for (number = first_in_window(stats); rtts && number < stats->sent; number++) {
		if (record_of(stats, number)->rtt_us >= 0)
			rtts[count++] = record_of(stats, number)->rtt_us;
	}
	if (count) {
		qsort(rtts, count, sizeof(*rtts), compare_us);
		out->p50_us = quantile(rtts, count, 50);
		out->p95_us = quantile(rtts, count, 95);
		out->p99_us = quantile(rtts, count, 99);
	}
	free(rtts);
}

const char *path_state_name(enum path_state state)
{
	static const char *const names[] = {"unknown", "up", "suspect", "down"};

	return names[state];
}
