#include "lib/utf8.h"

#include <stddef.h>

/* What the first byte of a character promises: how many bytes follow, and the range of the next one
 * (those behind are 0x80 to 0xbf). 0xff: no character begins so. */
static size_t following(unsigned char first, unsigned char *low, unsigned char *high)
{
	*low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	*high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
	if (first < 0x80)
		return 0;
	if (first >= 0xc2 && first <= 0xdf)
		return 1;
	if (first >= 0xe0 && first <= 0xef)
		return 2;
	return first >= 0xf0 && first <= 0xf4 ? 3 : 0xff;
}

/* The bytes of the character at `text`; 0 where there is none. */
static size_t character_bytes(const unsigned char *text)
{
	unsigned char low, high;
	size_t i, count = following(text[0], &low, &high);

	if (count == 0xff)
		return 0;
	for (i = 1; i <= count; i++) {
		if (text[i] < low || text[i] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return count + 1;
}

void utf8_repair(char *text)
{
	while (*text) {
		size_t bytes = character_bytes((const unsigned char *)text);

		if (!bytes)
			*text = '?';
		text += bytes ? bytes : 1;
	}
}
