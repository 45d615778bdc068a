/* What `comps status` and `comps watch` make of an answer: whatever stands in it, no control
 * character reaches the terminal, and nothing is wider or longer than the screen.
 */
#include "cli/status_view.h"
#include "tests/fuzz/fuzz.h"

static size_t count_lines(const char *text)
{
	size_t lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

static void check(char *text, int width, int height)
{
	size_t characters;
	char *line;

	MUST(!height || count_lines(text) <= (size_t)height);
	while ((line = strsep(&text, "\n"))) {
		MUST(fuzz_is_clean(line));
		for (characters = 0; *line; line++)
			characters += ((unsigned char)*line & 0xc0) != 0x80;
		MUST(!width || characters <= (size_t)width);
	}
}

static void show(const json_t *status, int width, int height, bool color)
{
	struct view view = {.width = width, .height = height, .color = color};
	size_t bytes;
	char *text;

	view.out = open_memstream(&text, &bytes);
	MUST(view.out);
	status_view(&view, status);
	fclose(view.out);
	MUST(strlen(text) == bytes);
	if (!color)
		check(text, width, height);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *status = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);

	if (!status)
		return 0;
	show(status, 0, 0, false);
	show(status, 80, 24, true);
	show(status, 80, 24, false);
	show(status, 17, 5, false);
	show(status, 1, 1, false);
	json_decref(status);
	return 0;
}
