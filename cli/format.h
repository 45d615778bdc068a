/* format: quantities of the control protocol as people read them.
 *
 * Unlike lib/units these texts are rounded: they are for the eye, not to be read back. NAN, which
 * stands for null in the protocol, is "-".
 */
#ifndef COMPS_CLI_FORMAT_H
#define COMPS_CLI_FORMAT_H

#include <jansson.h>

struct format_text {
	char text[32];
};

/* The number `key` of `object`, or NAN when it is null, absent or no number. */
double format_number(const json_t *object, const char *key);

/* The text `key` of `object`, or "-". */
const char *format_string(const json_t *object, const char *key);

/* Seconds in at most two units: "850us", "23.4ms", "1.5s", "3m 12s", "12d 3h". */
struct format_text format_seconds(double s);

/* "512 B", "1.2 MiB". */
struct format_text format_bytes(double bytes);

/* A share of 1: "0.5%", "61%". */
struct format_text format_percent(double share);

/* A whole count. */
struct format_text format_count(double count);

/* Seconds since 1970 as local time: "2024-06-11 14:03:22". */
struct format_text format_time(double wall_s);

#endif
