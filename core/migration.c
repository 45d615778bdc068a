#include "core/migration.h"

#include <string.h>

static void count_reason(struct migration_log *log, const char *reason)
{
	size_t i = 0;

	while (i < log->reason_count && strcmp(log->by_reason[i].reason, reason) != 0)
		i++;
	if (i == MIGRATION_REASONS)
		i--;
	else if (i == log->reason_count)
		log->by_reason[log->reason_count++].reason = reason;
	log->by_reason[i].count++;
}

void migration_log_add(struct migration_log *log, const struct migration *migration)
{
	log->last[log->total++ % MIGRATION_KEPT] = *migration;
	count_reason(log, migration->reason);
	log->rolled_back += migration->outcome == MIGRATION_ROLLED_BACK;
	log->failed +=
		migration->outcome == MIGRATION_FAILED || migration->outcome == MIGRATION_REFUSED;
}

const struct migration *migration_log_get(const struct migration_log *log, size_t i)
{
	if (i >= log->total || i >= MIGRATION_KEPT)
		return NULL;
	return &log->last[(log->total - 1 - i) % MIGRATION_KEPT];
}

const char *migration_outcome_name(enum migration_outcome outcome)
{
	static const char *const names[] = {"settled", "unconfirmed", "rolled-back", "failed",
					    "refused"};

	return names[outcome];
}
