#include "provision/bundle_mark.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUM_BYTES      32
#define SUM_TEXT_BYTES (2 * SUM_BYTES + 1)
#define LINE_BYTES     (SUM_TEXT_BYTES + 2 + BUNDLE_NAME_BYTES + 16)

size_t bundle_mark_part(const char *text)
{
	const char *end = strstr(text, BUNDLE_MARK_YOURS);

	return end ? (size_t)(end - text) + strlen(BUNDLE_MARK_YOURS) : strlen(text);
}

static void sum_of(const char *text, char out[SUM_TEXT_BYTES])
{
	unsigned char sum[SUM_BYTES];

	crypto_generichash(sum, sizeof(sum), (const unsigned char *)text, bundle_mark_part(text),
			   NULL, 0);
	sodium_bin2hex(out, SUM_TEXT_BYTES, sum, sizeof(sum));
}

/* A sum would confirm a guess at what it is of. */
static bool has_sum(const struct bundle_file *file)
{
	return file->text && !strchr(file->name, '/');
}

static void write_mark(FILE *out, const struct bundle *bundle)
{
	char sum[SUM_TEXT_BYTES];

	fputs("# Made by comps provision, which may replace the folder while this file is "
	      "here.\n# " BUNDLE_TUNNELS "\n# " BUNDLE_RUN "\n",
	      out);
	for (size_t i = 0; i < bundle->count; i++) {
		const struct bundle_file *file = &bundle->files[i];

		if (has_sum(file)) {
			sum_of(file->text, sum);
			fprintf(out, "%s  %s\n", sum, file->name);
		} else if (file->source) {
			fprintf(out, "# %s\n", file->name);
		}
	}
}

char *bundle_mark_text(const struct bundle *bundle)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	if (out)
		write_mark(out, bundle);
	if (!out || fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

bool bundle_mark_has(const char *mark, const char *name)
{
	char end[BUNDLE_NAME_BYTES + 3];
	int n = snprintf(end, sizeof(end), " %s\n", name);

	return (size_t)n < sizeof(end) && strstr(mark, end);
}

bool bundle_mark_is_same(const char *mark, const char *name, const char *text)
{
	char line[LINE_BYTES], sum[SUM_TEXT_BYTES];

	sum_of(text, sum);
	snprintf(line, sizeof(line), "%s  %s\n", sum, name);
	return strstr(mark, line);
}
