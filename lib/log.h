/* log: leveled lines to a sink that the owner chooses; there is no global logger.
 *
 * A message is lower case, subject first, cause last, then what happens next:
 *   path ams: 3 probes lost in 180ms, failing over to fra
 * Secrets (keys, tokens) never go into one.
 */
#ifndef COMPS_LIB_LOG_H
#define COMPS_LIB_LOG_H

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* Takes one finished line without its newline. */
typedef void (*log_sink_fn)(void *arg, enum log_level level, const char *line);

struct log {
	enum log_level level; /* lines above it are dropped */
	log_sink_fn sink;
	void *arg;
};

/* A sink for stderr; `arg` is unused. When systemd reads the stream (JOURNAL_STREAM is set) a line
 * carries its level as the <N> prefix of sd-daemon(3), else a wall-clock time. */
void log_sink_stderr(void *arg, enum log_level level, const char *line);

void log_error(const struct log *log, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void log_warn(const struct log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_info(const struct log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_debug(const struct log *log, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
