#include "lib/jsonl.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define JSONL_SIZE_MIN 4096

void jsonl_init(struct jsonl *j, size_t line_max)
{
	*j = (struct jsonl){.line_max = line_max};
}

void jsonl_fini(struct jsonl *j)
{
	free(j->bytes);
	jsonl_init(j, j->line_max);
}

/* Makes room for `count` bytes behind the kept ones. */
static int reserve(struct jsonl *j, size_t count)
{
	size_t kept = j->end - j->begin, size = j->size ? j->size : JSONL_SIZE_MIN;
	char *bytes;

	if (count > SIZE_MAX / 2 - kept)
		return -ENOMEM;
	if (j->size - j->end >= count)
		return 0;
	if (kept)
		memmove(j->bytes, j->bytes + j->begin, kept);
	j->begin = 0;
	j->end = kept;
	while (size - kept < count)
		size *= 2;
	if (size == j->size)
		return 0;
	bytes = realloc(j->bytes, size);
	if (!bytes)
		return -ENOMEM;
	j->bytes = bytes;
	j->size = size;
	return 0;
}

static void append(struct jsonl *j, const char *bytes, size_t count)
{
	memcpy(j->bytes + j->end, bytes, count);
	j->end += count;
}

int jsonl_feed(struct jsonl *j, const char *bytes, size_t count)
{
	if (count == 0)
		return 0;
	if (reserve(j, count) < 0)
		return -ENOMEM;
	append(j, bytes, count);
	return 0;
}

int jsonl_take(struct jsonl *j, const char **line, size_t *length)
{
	size_t kept = j->end - j->begin, bytes;
	char *start, *newline;

	if (kept == 0)
		return 0;
	start = j->bytes + j->begin;
	newline = memchr(start + j->newline_free, '\n', kept - j->newline_free);
	bytes = newline ? (size_t)(newline - start) : kept;
	if (bytes > j->line_max)
		return -EMSGSIZE;
	if (!newline) {
		j->newline_free = kept;
		return 0;
	}
	if (memchr(start, '\0', bytes))
		return -EBADMSG;
	*newline = '\0';
	jsonl_drop(j, bytes + 1);
	*line = start;
	*length = bytes;
	return 1;
}

int jsonl_put(struct jsonl *j, const char *line)
{
	size_t count = strlen(line);

	if (count > j->line_max)
		return -EMSGSIZE;
	if (memchr(line, '\n', count))
		return -EINVAL;
	if (reserve(j, count + 1) < 0)
		return -ENOMEM;
	append(j, line, count);
	append(j, "\n", 1);
	return 0;
}

size_t jsonl_peek(const struct jsonl *j, const char **bytes)
{
	*bytes = j->bytes ? j->bytes + j->begin : NULL;
	return j->end - j->begin;
}

void jsonl_drop(struct jsonl *j, size_t count)
{
	j->begin += count;
	j->newline_free = 0;
	if (j->begin == j->end)
		j->begin = j->end = 0;
}
