/* Lines over a byte stream: however the bytes are cut, the lines are the same, and so is the error
 * that ends them. The first byte of the input says how to cut, the rest is the stream.
 */
#include <errno.h>

#include "lib/jsonl.h"
#include "tests/fuzz/fuzz.h"

#define LINE_MAX_BYTES 24

/* What a stream gives, seen without a reader: takes the next line off its front. */
static int take_directly(const char **bytes, size_t *count, const char **line, size_t *length)
{
	const char *newline = *count ? memchr(*bytes, '\n', *count) : NULL;

	*line = *bytes;
	*length = newline ? (size_t)(newline - *bytes) : *count;
	if (*length > LINE_MAX_BYTES)
		return -EMSGSIZE;
	if (!newline)
		return 0;
	if (memchr(*line, '\0', *length))
		return -EBADMSG;
	*bytes += *length + 1;
	*count -= *length + 1;
	return 1;
}

/* Compares every line that the reader has with the stream. Returns what ended them. */
static int compare(struct jsonl *reader, const char **bytes, size_t *count)
{
	const char *line, *wanted;
	size_t length, wanted_length;
	int ret;

	while ((ret = jsonl_take(reader, &line, &length)) == 1) {
		MUST(take_directly(bytes, count, &wanted, &wanted_length) == 1);
		MUST(length == wanted_length && !memcmp(line, wanted, length));
		MUST(line[length] == '\0');
	}
	return ret;
}

static void read_in_pieces(const char *bytes, size_t count, uint32_t cut)
{
	const char *rest = bytes, *line;
	size_t at = 0, rest_count = count, length;
	struct jsonl reader;
	int ret = 0;

	jsonl_init(&reader, LINE_MAX_BYTES);
	while (at < count && ret == 0) {
		size_t piece = 1 + (cut >> 16) % 40;

		cut = cut * 1103515245 + 12345;
		piece = piece < count - at ? piece : count - at;
		MUST(jsonl_feed(&reader, bytes + at, piece) == 0);
		at += piece;
		ret = compare(&reader, &rest, &rest_count);
		MUST(jsonl_peek(&reader, &line) <= LINE_MAX_BYTES || ret < 0);
	}
	if (ret == 0 || ret == -EBADMSG)
		MUST(take_directly(&rest, &rest_count, &line, &length) == ret);
	/* One that is too long is refused before its newline, or a NUL behind, is seen. */
	if (ret == -EMSGSIZE)
		MUST(take_directly(&rest, &rest_count, &line, &length) == -EMSGSIZE);
	MUST(ret == 0 || compare(&reader, &rest, &rest_count) == ret);
	jsonl_fini(&reader);
}

static void write_and_drop(const char *text, uint32_t cut)
{
	const char *bytes;
	struct jsonl writer;
	size_t waiting;
	int ret;

	jsonl_init(&writer, LINE_MAX_BYTES);
	MUST(jsonl_put(&writer, "before") == 0);
	ret = jsonl_put(&writer, text);
	if (strlen(text) > LINE_MAX_BYTES)
		MUST(ret == -EMSGSIZE);
	else
		MUST(ret == (strchr(text, '\n') ? -EINVAL : 0));
	waiting = jsonl_peek(&writer, &bytes);
	MUST(waiting == 7 + (ret ? 0 : strlen(text) + 1));
	jsonl_drop(&writer, cut % (waiting + 1));
	MUST(jsonl_peek(&writer, &bytes) == waiting - cut % (waiting + 1));
	jsonl_fini(&writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size)
		return 0;
	read_in_pieces((const char *)data + 1, size - 1, data[0] * UINT32_C(0x9e3779b9));
	text = fuzz_text(data + 1, size - 1);
	write_and_drop(text, data[0]);
	free(text);
	return 0;
}
