#include "daemon/recorder.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "conf/policy_params.h"
#include "lib/clock.h"
#include "trace/thin.h"
#include "trace/writer.h"

#define RING_RECORDS 16384 /* a power of two; more than a second of 10,000 probes */
#define COMMIT_MS    250
#define TICK_US	     INT64_C(60000000)
#define PRUNE_US     INT64_C(5000000)
#define PARAMS_BYTES 4096

struct slot {
	struct trace_record record;
	struct trace_run *run; /* a new run begins here, the reader frees it; or NULL */
	char *text;	       /* what record.policy and record.params point into; likewise */
};

struct recorder {
	struct conf_trace conf;
	struct thin thin;
	struct slot *ring;
	atomic_uint_fast64_t put, taken; /* slots ever; the loop's and the thread's */
	uint64_t seq;
	uint64_t refused; /* records that found the ring full, not told yet */
	bool running;	  /* a run was begun */
	struct mono next_tick;

	pthread_t thread;
	bool has_thread;
	int stop_fd;	 /* becomes readable when the thread shall end */
	struct mono end; /* of the run, then */
	pthread_mutex_t lock;
	struct recorder_status status; /* locked */

	/* The thread's own. */
	struct trace_writer *writer;
	struct trace_run *run; /* the present one */
	bool run_written;
	uint64_t unwritten; /* records that could not be written, not told yet */
	int64_t next_prune_us;
};

/* --- the loop's side -------------------------------------------------------------------------- */

/* Takes `run` and `text` over. */
static bool put_slot(struct recorder *recorder, const struct trace_record *record,
		     struct trace_run *run, char *text)
{
	uint64_t put = atomic_load_explicit(&recorder->put, memory_order_relaxed);
	struct slot *slot = &recorder->ring[put % RING_RECORDS];

	if (put - atomic_load_explicit(&recorder->taken, memory_order_acquire) >= RING_RECORDS) {
		recorder->refused++;
		trace_run_free(run);
		free(text);
		return false;
	}
	*slot = (struct slot){*record, run, text};
	slot->record.seq = ++recorder->seq;
	atomic_store_explicit(&recorder->put, put + 1, memory_order_release);
	return true;
}

static void put_record(void *arg, const struct trace_record *record)
{
	struct recorder *recorder = arg;
	struct trace_record gap = {.input = {.kind = TRACE_GAP, .path = POLICY_NONE}};
	uint64_t refused = recorder->refused;

	if (refused) {
		gap.input.at = record->input.at;
		gap.input.value = (int64_t)refused;
		if (!put_slot(recorder, &gap, NULL, NULL)) {
			recorder->refused = refused + 1;
			return;
		}
		recorder->refused = 0;
	}
	put_slot(recorder, record, NULL, NULL);
}

void recorder_policy(struct recorder *recorder, const struct machine *machine, struct mono now)
{
	const struct policy_ops *policy = machine->steer.policy;
	struct trace_record record = {
		.input = {.kind = TRACE_POLICY, .path = POLICY_NONE, .at = now}};
	size_t name_bytes = strlen(policy->name) + 1;
	char *text = malloc(name_bytes + PARAMS_BYTES);

	if (!recorder->running || !text) {
		free(text);
		return;
	}
	thin_flush(&recorder->thin);
	memcpy(text, policy->name, name_bytes);
	conf_policy_values_format(policy, machine->steer.values, text + name_bytes, PARAMS_BYTES);
	record.policy = text;
	record.params = text + name_bytes;
	put_slot(recorder, &record, NULL, text);
}

void recorder_begin(struct recorder *recorder, struct machine *machine, const char *mode,
		    struct mono now, int64_t wall_us)
{
	struct trace_run *run = trace_run_new(machine, COMPS_VERSION, mode, now, wall_us);
	struct trace_record record = {
		.input = {.kind = TRACE_TICK, .path = POLICY_NONE, .at = now, .value = wall_us}};

	thin_fini(&recorder->thin);
	recorder->running =
		run && !thin_init(&recorder->thin, machine->paths.count, put_record, recorder) &&
		put_slot(recorder, &record, run, NULL);
	if (!recorder->running)
		return;
	recorder->next_tick = mono_add_us(now, TICK_US);
	machine->tap = thin_tap;
	machine->tap_arg = &recorder->thin;
	recorder_policy(recorder, machine, now);
}

void recorder_state(struct recorder *recorder, size_t path, enum path_state state,
		    enum path_fault fault, struct mono now)
{
	struct trace_record record = {.input = {.kind = TRACE_STATE,
						.path = (int16_t)path,
						.target = (uint8_t)fault,
						.at = now,
						.value = state}};

	if (recorder->running)
		put_record(recorder, &record);
}

void recorder_tick(struct recorder *recorder, struct mono now, int64_t wall_us)
{
	struct trace_record record = {
		.input = {.kind = TRACE_TICK, .path = POLICY_NONE, .at = now, .value = wall_us}};

	if (!recorder->running || !mono_due(recorder->next_tick, now))
		return;
	recorder->next_tick = mono_add_us(now, TICK_US);
	put_record(recorder, &record);
}

void recorder_read_status(struct recorder *recorder, struct recorder_status *out)
{
	pthread_mutex_lock(&recorder->lock);
	*out = recorder->status;
	pthread_mutex_unlock(&recorder->lock);
	out->lost += recorder->refused;
}

/* --- the thread's side ------------------------------------------------------------------------ */

static void change_run(struct recorder *recorder, struct trace_run *run)
{
	trace_run_free(recorder->run);
	recorder->run = run;
	recorder->run_written = false;
}

static int write_slot(struct recorder *recorder, const struct slot *slot, struct err *err)
{
	struct trace_record gap = {.seq = slot->record.seq,
				   .input = {.kind = TRACE_GAP, .at = slot->record.input.at}};
	int ret = 0;

	if (recorder->run && !recorder->run_written) {
		ret = trace_writer_begin(recorder->writer, recorder->run, err);
		recorder->run_written = !ret;
	}
	if (!ret && recorder->unwritten) {
		gap.input.value = (int64_t)recorder->unwritten;
		ret = trace_writer_put(recorder->writer, &gap, err);
	}
	return ret ? ret : trace_writer_put(recorder->writer, &slot->record, err);
}

static void tell(struct recorder *recorder, uint64_t records, int ret, const struct err *err)
{
	struct recorder_status *status = &recorder->status;

	pthread_mutex_lock(&recorder->lock);
	*(ret ? &status->lost : &status->records) += records;
	snprintf(status->error, sizeof(status->error), "%.255s", ret ? err->text : "");
	pthread_mutex_unlock(&recorder->lock);
}

/* Writes all that is in the ring, in one transaction. What cannot be written is lost: the ring must
 * not fill up. */
static void write_ring(struct recorder *recorder, struct mono end)
{
	uint64_t taken = atomic_load_explicit(&recorder->taken, memory_order_relaxed);
	uint64_t put = atomic_load_explicit(&recorder->put, memory_order_acquire);
	uint64_t records = put - taken;
	bool run_written = recorder->run_written; /* once this batch is undone */
	struct err err;
	int ret = 0;

	for (; taken < put; taken++) {
		struct slot *slot = &recorder->ring[taken % RING_RECORDS];

		if (slot->run) {
			if (!ret && recorder->run_written)
				ret = trace_writer_end(recorder->writer, slot->record.input.at,
						       &err);
			change_run(recorder, slot->run);
			run_written = false;
		}
		if (!ret)
			ret = write_slot(recorder, slot, &err);
		free(slot->text);
	}
	atomic_store_explicit(&recorder->taken, taken, memory_order_release);
	if (!ret && end.us != MONO_NEVER.us && recorder->run_written)
		ret = trace_writer_end(recorder->writer, end, &err);
	if (!ret)
		ret = trace_writer_commit(recorder->writer, &err);
	if (ret) {
		trace_writer_rollback(recorder->writer);
		recorder->run_written = run_written;
		recorder->unwritten += records;
	} else if (records) {
		recorder->unwritten = 0;
	}
	tell(recorder, records, ret, &err);
}

static void prune(struct recorder *recorder)
{
	int64_t wall_us = clock_wall_us();
	struct err err;

	if (wall_us < recorder->next_prune_us && wall_us > recorder->next_prune_us - 2 * PRUNE_US)
		return;
	recorder->next_prune_us = wall_us + PRUNE_US;
	/* What cannot be deleted now is tried again; a full disk is told by what cannot be added.
	 */
	trace_writer_prune(recorder->writer, wall_us - recorder->conf.keep_us,
			   recorder->conf.max_bytes, &err);
}

static void *write_all(void *arg)
{
	struct recorder *recorder = arg;
	struct pollfd stop = {recorder->stop_fd, POLLIN, 0};

	while (poll(&stop, 1, COMMIT_MS) <= 0) {
		write_ring(recorder, MONO_NEVER);
		prune(recorder);
	}
	write_ring(recorder, recorder->end);
	return NULL;
}

/* --- life ------------------------------------------------------------------------------------- */

int recorder_new(const struct conf_trace *conf, struct recorder **out, struct err *err)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));
	int ret;

	if (!recorder)
		return err_set(err, -ENOMEM, "out of memory");
	recorder->stop_fd = -1;
	pthread_mutex_init(&recorder->lock, NULL);
	recorder->conf = *conf;
	recorder->ring = calloc(RING_RECORDS, sizeof(*recorder->ring));
	recorder->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (!recorder->ring || recorder->stop_fd < 0)
		ret = err_set(err, -ENOMEM, "cannot record a trace: out of memory");
	else
		ret = trace_writer_open(conf->file, &recorder->writer, err);
	if (!ret) {
		recorder->seq = trace_writer_last_seq(recorder->writer);
		ret = -pthread_create(&recorder->thread, NULL, write_all, recorder);
		recorder->has_thread = !ret;
		if (ret)
			err_set(err, ret, "cannot record a trace: %s", strerror(-ret));
	}
	if (ret)
		recorder_free(recorder, MONO_NEVER);
	else
		*out = recorder;
	return ret;
}

void recorder_free(struct recorder *recorder, struct mono now)
{
	uint64_t one = 1;

	if (!recorder)
		return;
	if (recorder->has_thread) {
		recorder->end = now; /* the thread reads it after the event, which orders the two */
		while (write(recorder->stop_fd, &one, sizeof(one)) < 0 && errno == EINTR)
			;
		pthread_join(recorder->thread, NULL);
	}
	if (recorder->stop_fd >= 0)
		close(recorder->stop_fd);
	change_run(recorder, NULL);
	thin_fini(&recorder->thin);
	trace_writer_free(recorder->writer);
	pthread_mutex_destroy(&recorder->lock);
	free(recorder->ring);
	free(recorder);
}
