#include "cli/trace_run.h"

#include <errno.h>

int trace_run_choose(const struct cli *cli, struct trace_reader *reader, size_t *out,
		     struct err *err)
{
	size_t count = trace_reader_run_count(reader);

	if (!count)
		return err_set(err, -ENODATA, "%s: no run was recorded yet", cli->words[0]);
	*out = count - 1;
	for (size_t i = 0; cli->run && i < count; i++) {
		if (trace_reader_run(reader, i)->id == cli->run) {
			*out = i;
			return 0;
		}
	}
	if (cli->run)
		return err_set(err, -ENOENT, "%s: has no run %lld; comps trace info lists them",
			       cli->words[0], (long long)cli->run);
	return 0;
}

void trace_run_progress_init(struct progress *progress, const struct cli *cli,
			     struct trace_reader *reader, size_t run, const char *what)
{
	int64_t count = 0;

	trace_reader_count(reader, run, &count, NULL);
	progress_init(progress, cli->err, what, (uint64_t)count);
}

void trace_run_progress(void *progress, uint64_t records)
{
	progress_at(progress, records);
}
