#include "conf/nearest.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX 63

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t nearest_distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1], *before = rows[0], *above = rows[1], *row = rows[2], *swap;
	size_t a_length = strlen(a), b_length = strlen(b);

	if (a_length > WORD_MAX || b_length > WORD_MAX)
		return NEAREST_MAX + 1;
	for (size_t j = 0; j <= b_length; j++)
		above[j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		row[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			row[j] = least(above[j], row[j - 1]) + 1;
			row[j] = least(row[j], above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		swap = before;
		before = above;
		above = row;
		row = swap;
	}
	return above[b_length];
}

/* NULL when none is near, or when the word is so short that everything is. */
static const char *nearest(const char *word, const char *const *known, size_t count)
{
	size_t best = NEAREST_MAX + 1, distance;
	const char *found = NULL;

	for (size_t i = 0; i < count; i++) {
		distance = strcasecmp(word, known[i]) == 0 ? 0 : nearest_distance(word, known[i]);
		if (distance < best && distance < strlen(known[i])) {
			best = distance;
			found = known[i];
		}
	}
	return found;
}

void nearest_hint(const char *word, const char *const *known, size_t count, char *out,
		  size_t out_bytes)
{
	const char *found = nearest(word, known, count);
	size_t used = 0;

	out[0] = '\0';
	if (found)
		used = (size_t)snprintf(out, out_bytes, "did you mean \"%s\"? ", found);
	for (size_t i = 0; i < count && used < out_bytes; i++)
		used += (size_t)snprintf(out + used, out_bytes - used, "%s%s",
					 i == 0 ? "known: " : ", ", known[i]);
}
