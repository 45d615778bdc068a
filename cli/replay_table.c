#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/format.h"
#include "cli/replay.h"
#include "cli/view.h"

/* The columns that are figures: means over the seeds. */
enum figure {
	RTT_MEAN,
	RTT_P50,
	RTT_P95,
	LOSS,
	OUTAGE,
	MIGRATIONS,
	DWELL,
	FIGURES
};

struct row {
	char policy[VIEW_CELL_BYTES];
	uint64_t seeds;
	double sum[FIGURES]; /* NAN where one seed has none */
};

struct replay_table {
	struct row *rows;
	size_t count;
};

int replay_table_new(struct replay_table **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void replay_table_free(struct replay_table *table)
{
	if (table)
		free(table->rows);
	free(table);
}

static double migrations(const json_t *json)
{
	json_t *by_reason = json_object_get(json, "migrations"), *count;
	const char *reason;
	double sum = 0;

	json_object_foreach(by_reason, reason, count)
	{
		if (strcmp(reason, "start") != 0)
			sum += json_number_value(count);
	}
	return sum;
}

static void add_figures(struct row *row, const json_t *json)
{
	row->sum[RTT_MEAN] += format_number(json, "rtt_mean_s");
	row->sum[RTT_P50] += format_number(json, "rtt_p50_s");
	row->sum[RTT_P95] += format_number(json, "rtt_p95_s");
	row->sum[LOSS] += format_number(json, "loss");
	row->sum[OUTAGE] += format_number(json, "outage_s");
	row->sum[MIGRATIONS] += migrations(json);
	row->sum[DWELL] += format_number(json_object_get(json, "dwell"), "mean_s");
	row->seeds++;
}

/* The lines of one policy follow each other. */
int replay_table_add(void *arg, const char *line)
{
	struct replay_table *table = arg;
	json_t *json = json_loads(line, 0, NULL);
	char policy[VIEW_CELL_BYTES];
	struct row *rows;

	if (!json)
		return -ENOMEM;
	snprintf(policy, sizeof(policy), "%.40s %.50s", format_string(json, "policy"),
		 format_string(json, "params"));
	if (!table->count || strcmp(table->rows[table->count - 1].policy, policy) != 0) {
		rows = realloc(table->rows, (table->count + 1) * sizeof(*rows));
		if (!rows) {
			json_decref(json);
			return -ENOMEM;
		}
		table->rows = rows;
		rows[table->count] = (struct row){.seeds = 0};
		strcpy(rows[table->count++].policy, policy);
	}
	add_figures(&table->rows[table->count - 1], json);
	json_decref(json);
	return 0;
}

static struct format_text figure_text(const struct row *row, enum figure figure)
{
	double mean = row->sum[figure] / (double)row->seeds;

	if (figure == LOSS)
		return format_percent(mean);
	if (figure == MIGRATIONS)
		return format_count(round(mean));
	return format_seconds(mean);
}

void replay_table_print(const struct replay_table *table, FILE *out, bool color)
{
	static const struct view_column columns[] = {
		{"POLICY", false, 0},	 {"RTT", true, 0},   {"p50", true, 2},
		{"p95", true, 1},	 {"LOSS", true, 0},  {"OUTAGE", true, 0},
		{"MIGRATIONS", true, 0}, {"DWELL", true, 0},
	};
	size_t width = sizeof(columns) / sizeof(*columns), i, f;
	struct view_cell *cells = calloc(table->count * width + 1, sizeof(*cells));
	struct view view = {.out = out, .color = color};

	for (i = 0; cells && i < table->count; i++) {
		struct view_cell *row = &cells[i * width];

		strcpy(row[0].text, table->rows[i].policy);
		for (f = 0; f < FIGURES; f++)
			snprintf(row[1 + f].text, sizeof(row[1 + f].text), "%s",
				 figure_text(&table->rows[i], (enum figure)f).text);
	}
	if (cells)
		view_table(&view, columns, width, cells, table->count);
	free(cells);
}
