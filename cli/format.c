#include "cli/format.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#define SECONDS_MAX 1e10 /* longer than any machine runs: 300 years */

static struct format_text print(const char *format, ...) __attribute__((format(printf, 1, 2)));

static struct format_text print(const char *format, ...)
{
	struct format_text out;
	va_list args;

	va_start(args, format);
	vsnprintf(out.text, sizeof(out.text), format, args);
	va_end(args);
	return out;
}

double format_number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_number(value) ? json_number_value(value) : NAN;
}

const char *format_string(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "-";
}

/* One second and more: whole units, the second one left out where it is 0. */
static struct format_text coarse_seconds(double s)
{
	static const struct {
		double seconds;
		char name, lower_name;
		double lower_seconds;
	} units[] = {{86400, 'd', 'h', 3600}, {3600, 'h', 'm', 60}, {60, 'm', 's', 1}};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		double high = floor(s / units[i].seconds);
		double low = floor((s - high * units[i].seconds) / units[i].lower_seconds);

		if (high >= 1 && low >= 1)
			return print("%.0f%c %.0f%c", high, units[i].name, low,
				     units[i].lower_name);
		if (high >= 1)
			return print("%.0f%c", high, units[i].name);
	}
	return print("%.3gs", s);
}

struct format_text format_seconds(double s)
{
	if (!(s >= 0 && s <= SECONDS_MAX))
		return print("-");
	if (s == 0)
		return print("0s");
	if (s < 0.9995e-3)
		return print("%.0fus", s * 1e6);
	if (s < 0.99995)
		return print(s < 0.09995 ? "%.1fms" : "%.0fms", s * 1e3);
	return coarse_seconds(s >= 59.95 && s < 60 ? 60 : s);
}

struct format_text format_bytes(double bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
	size_t unit = 0;

	if (!isfinite(bytes) || bytes < 0)
		return print("-");
	for (; bytes >= 1023.5 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		bytes /= 1024;
	return print(unit == 0 || bytes >= 99.95 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
}

struct format_text format_percent(double share)
{
	double percent = share * 100;

	if (!isfinite(percent) || percent < 0)
		return print("-");
	return print(percent == 0 || percent >= 9.95 ? "%.0f%%" : "%.1f%%", percent);
}

struct format_text format_count(double count)
{
	return isfinite(count) ? print("%.0f", count) : print("-");
}

struct format_text format_time(double wall_s)
{
	struct format_text out;
	time_t seconds;
	struct tm local;

	/* Beyond the year 9999 the text would not fit. */
	if (!(wall_s >= 0 && wall_s < 253402300800.0))
		return print("-");
	seconds = (time_t)wall_s;
	if (!localtime_r(&seconds, &local) ||
	    !strftime(out.text, sizeof(out.text), "%Y-%m-%d %H:%M:%S", &local))
		return print("-");
	return out;
}
