/* fuzz: what the libFuzzer targets share. A target feeds one parser with bytes that nobody checked;
 * beside crashes and undefined behaviour it looks for broken promises of the parser's header.
 *
 *   build/fuzz/NAME FILE       runs one input again, such as one that a crash has left
 */
#ifndef COMPS_TESTS_FUZZ_FUZZ_H
#define COMPS_TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The entry of a target (https://llvm.org/docs/LibFuzzer.html). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A promise. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* The input as text, up to its first NUL; the caller frees it. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = strndup(size ? (const char *)data : "", size);

	MUST(text);
	return text;
}

/* True when `text` could not steer a terminal or break a line of the log. */
static inline bool fuzz_is_clean(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

#endif
