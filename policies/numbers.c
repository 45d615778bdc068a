#include "policies/numbers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *numbers_read(const char *text, char end, double *out, size_t room, size_t *count,
			 char *error, size_t error_bytes)
{
	char *rest;

	*count = 0;
	for (;;) {
		text += strspn(text, " ");
		if (*text == '\0' || *text == end)
			return *text ? text + 1 : text;
		if (*count == room) {
			snprintf(error, error_bytes, "more than %zu numbers", room);
			return NULL;
		}
		if (strspn(text, "0123456789.") == 0 ||
		    !((out[*count] = strtod(text, &rest)) <= 1e9)) {
			snprintf(error, error_bytes,
				 "\"%.20s\" does not begin with a number from 0 to 1e9", text);
			return NULL;
		}
		(*count)++;
		text = rest;
	}
}
