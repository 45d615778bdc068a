#include "conf/scalar.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "conf/nearest.h"
#include "lib/units.h"

int scalar_duration(const char *text, double min, double max, int64_t *us, struct err *e)
{
	char min_text[UNITS_TEXT_BYTES], max_text[UNITS_TEXT_BYTES];
	struct err why;
	int64_t value = 0;
	int rc = units_parse_duration(text, &value, &why);

	units_format_duration((int64_t)min, min_text);
	units_format_duration((int64_t)max, max_text);
	if (rc < 0)
		return err_set(e, -EINVAL, "%s (range %s..%s)", why.text, min_text, max_text);
	if ((double)value < min || (double)value > max)
		return err_set(e, -EINVAL, "%.40s is out of range (range %s..%s)", text, min_text,
			       max_text);
	*us = value;
	return 0;
}

int scalar_flag(const char *text, bool *flag, struct err *e)
{
	bool yes = strcmp(text, "true") == 0;

	if (!yes && strcmp(text, "false") != 0)
		return err_set(e, -EINVAL, "\"%.40s\" is neither true nor false", text);
	*flag = yes;
	return 0;
}

int scalar_choice(const char *text, const char *const *choices, int *choice, struct err *e)
{
	char hint[320];
	size_t i;

	for (i = 0; choices[i]; i++) {
		if (strcmp(choices[i], text) == 0) {
			*choice = (int)i;
			return 0;
		}
	}
	nearest_hint(text, choices, i, hint, sizeof(hint));
	return err_set(e, -EINVAL, "\"%.40s\" is not a choice; %s", text, hint);
}
