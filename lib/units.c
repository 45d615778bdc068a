#include "lib/units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DIGITS_MAX 19 /* all of an int64_t; 10^DIGITS_MAX times any unit fits in 128 bits */

struct unit {
	const char *name;
	uint64_t factor;
};

/* From the largest, as the _format functions want them. */
static const struct unit duration_units[] = {
	{"d", 86400000000}, {"h", 3600000000}, {"m", 60000000},
	{"s", 1000000},	    {"ms", 1000},      {"us", 1},
};

static const struct unit size_units[] = {
	{"GiB", 1 << 30},
	{"MiB", 1 << 20},
	{"KiB", 1 << 10},
	{"B", 1},
};

/* A kind of quantity, and how to speak of it. */
struct kind {
	const struct unit *units;
	size_t count;
	const char *example, *names, *limit;
	const char *likely[2]; /* to propose where the unit is missing */
};

static const struct kind duration = {
	.units = duration_units,
	.count = sizeof(duration_units) / sizeof(duration_units[0]),
	.example = "a duration such as 250ms or 10s",
	.names = "us, ms, s, m, h or d",
	.limit = "too long, or finer than 1us",
	.likely = {"s", "ms"},
};

static const struct kind size = {
	.units = size_units,
	.count = sizeof(size_units) / sizeof(size_units[0]),
	.example = "a size such as 64B or 1MiB",
	.names = "B, KiB, MiB or GiB",
	.limit = "too large, or not whole bytes",
	.likely = {"B", "KiB"},
};

struct quantity {
	uint64_t mantissa, divisor; /* the number is mantissa / divisor */
	const char *unit;	    /* the rest of the text */
};

/* Splits "1.5s" into 15 / 10 and "s". */
static int split(const char *text, struct quantity *q)
{
	const char *at = text;
	int digits = 0, fraction = -1;

	*q = (struct quantity){.divisor = 1};
	for (; (*at >= '0' && *at <= '9') || (*at == '.' && fraction < 0 && digits > 0); at++) {
		if (*at == '.') {
			fraction = 0;
			continue;
		}
		if (++digits > DIGITS_MAX)
			return -ERANGE;
		q->mantissa = q->mantissa * 10 + (uint64_t)(*at - '0');
		if (fraction >= 0) {
			q->divisor *= 10;
			fraction++;
		}
	}
	q->unit = at;
	return digits > 0 && fraction != 0 ? 0 : -EINVAL;
}

static const struct unit *find_unit(const struct kind *kind, const char *name)
{
	for (size_t i = 0; i < kind->count; i++)
		if (strcmp(kind->units[i].name, name) == 0)
			return &kind->units[i];
	return NULL;
}

/* In the smallest unit; -ERANGE where that is not a whole number or too large. */
static int scale(const struct quantity *q, const struct unit *unit, uint64_t *out)
{
	unsigned __int128 product = (unsigned __int128)q->mantissa * unit->factor;

	if (product % q->divisor != 0 || product / q->divisor > INT64_MAX)
		return -ERANGE;
	*out = (uint64_t)(product / q->divisor);
	return 0;
}

static int parse(const struct kind *kind, const char *text, uint64_t *out, struct err *e)
{
	const struct unit *unit;
	struct quantity q;
	int rc = split(text, &q);

	if (rc == -EINVAL)
		return err_set(e, rc, "\"%.40s\" is not %s", text, kind->example);
	if (rc == 0 && q.unit[0] == '\0')
		return err_set(e, -EINVAL, "\"%.40s\" has no unit; write %.40s%s or %.40s%s", text,
			       text, kind->likely[0], text, kind->likely[1]);
	if (rc == 0) {
		unit = find_unit(kind, q.unit);
		if (!unit)
			return err_set(e, -EINVAL, "\"%.40s\" has an unknown unit; use %s", text,
				       kind->names);
		rc = scale(&q, unit, out);
	}
	return rc == 0 ? 0 : err_set(e, rc, "\"%.40s\" is %s", text, kind->limit);
}

int units_parse_duration(const char *text, int64_t *us, struct err *e)
{
	uint64_t value;
	int rc = parse(&duration, text, &value, e);

	if (rc == 0)
		*us = (int64_t)value;
	return rc;
}

int units_parse_size(const char *text, uint64_t *bytes, struct err *e)
{
	return parse(&size, text, bytes, e);
}

/* Zero is 0 of the smallest unit, and so is what is no whole number of a larger one. */
static void format(const struct kind *kind, uint64_t value, char out[UNITS_TEXT_BYTES])
{
	size_t i = 0;

	while (i + 1 < kind->count && (value == 0 || value % kind->units[i].factor != 0))
		i++;
	snprintf(out, UNITS_TEXT_BYTES, "%" PRIu64 "%s", value / kind->units[i].factor,
		 kind->units[i].name);
}

void units_format_duration(int64_t us, char out[UNITS_TEXT_BYTES])
{
	if (us == 0)
		snprintf(out, UNITS_TEXT_BYTES, "0s");
	else
		format(&duration, (uint64_t)us, out);
}

void units_format_size(uint64_t bytes, char out[UNITS_TEXT_BYTES])
{
	format(&size, bytes, out);
}
