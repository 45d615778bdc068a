#include "cli/progress.h"

#include <unistd.h>

void progress_init(struct progress *progress, FILE *out, const char *what, uint64_t total)
{
	*progress = (struct progress){
		.out = isatty(fileno(out)) ? out : NULL,
		.what = what,
		.total = total,
		.shown = -1,
	};
}

void progress_at(struct progress *progress, uint64_t done)
{
	int percent = progress->total ? (int)(done * 100 / progress->total) : 0;

	if (!progress->out || (progress->total && percent == progress->shown))
		return;
	progress->shown = percent;
	if (progress->total)
		fprintf(progress->out, "\r%s: %d %%\033[K", progress->what, percent);
	else
		fprintf(progress->out, "\r%s: %llu\033[K", progress->what,
			(unsigned long long)done);
	fflush(progress->out);
}

void progress_end(struct progress *progress)
{
	if (!progress->out)
		return;
	fputs("\r\033[K", progress->out);
	fflush(progress->out);
}
