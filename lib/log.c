#include "lib/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/clock.h"

void log_sink_stderr(void *arg, enum log_level level, const char *line)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};
	static const int priorities[] = {3, 4, 6, 7};
	int64_t now_us = clock_wall_us();
	time_t now_s = now_us / 1000000;
	struct tm tm;
	char when[32];

	(void)arg;
	if (getenv("JOURNAL_STREAM")) {
		fprintf(stderr, "<%d>%s\n", priorities[level], line);
		return;
	}
	localtime_r(&now_s, &tm);
	strftime(when, sizeof(when), "%H:%M:%S", &tm);
	fprintf(stderr, "%s.%03d %-5s %s\n", when, (int)(now_us / 1000 % 1000), names[level], line);
}

static void emit(const struct log *log, enum log_level level, const char *format, va_list args)
{
	char line[1024];

	if (level > log->level)
		return;
	vsnprintf(line, sizeof(line), format, args);
	log->sink(log->arg, level, line);
}

#define LOG_FUNCTION(name, level)                                                                  \
	void name(const struct log *log, const char *format, ...)                                  \
	{                                                                                          \
		va_list args;                                                                      \
                                                                                                   \
		va_start(args, format);                                                            \
		emit(log, level, format, args);                                                    \
		va_end(args);                                                                      \
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
