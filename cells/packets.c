#include "cells/packets.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS	  4
#define BLANKS	  "\t ,"
#define NS_FROM	  1e6 /* a whole number from here on is nanoseconds */
#define SIZE_MOST 65535

void packets_fini(struct packets *packets)
{
	free(packets->items);
	memset(packets, 0, sizeof(*packets));
}

int packets_add(struct packets *packets, struct packet packet)
{
	size_t room = packets->room ? 2 * packets->room : 256;
	struct packet *larger;

	if (packets->count == packets->room) {
		larger = reallocarray(packets->items, room, sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		packets->items = larger;
		packets->room = room;
	}
	packets->items[packets->count++] = packet;
	return 0;
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool to_number(const char *text, double *out)
{
	char *end;

	*out = strtod(text, &end);
	return end != text && *end == '\0' && isfinite(*out);
}

/* Time and direction; Maybenot's are nanoseconds and a letter. */
static bool read_columns(char *const *field, size_t count, bool *nanoseconds, struct packet *out,
			 bool *sized)
{
	double second, size = PACKETS_CELL;

	if (count < 2 || !to_number(field[0], &out->s))
		return false;
	*nanoseconds = strcmp(field[1], "s") == 0 || strcmp(field[1], "r") == 0;
	if (*nanoseconds)
		second = field[1][0] == 's' ? 1 : -1;
	else if (!to_number(field[1], &second) || second == 0)
		return false;
	else
		*nanoseconds = !strpbrk(field[0], ".eE") && out->s >= NS_FROM;
	if (count > 2) {
		if (!to_number(field[count - 1], &size))
			return false;
		*sized = true;
	} else if (fabs(second) > 1) {
		size = second;
		*sized = true;
	}
	size = fabs(size);
	if (size < 1 || size > SIZE_MOST)
		return false;
	out->size = (int)(second > 0 ? size : -size);
	return true;
}

struct line {
	const char *name;
	size_t number;
	bool nanoseconds; /* of the file: any line says so */
};

static int read_line(char *text, struct line *line, struct packets *out, struct err *err)
{
	struct packet packet = {.path = 0};
	char *field[FIELDS + 1], *rest = text, *token;
	bool nanoseconds;
	size_t count = 0;

	while ((token = strtok_r(rest, BLANKS, &rest)) && count <= FIELDS)
		field[count++] = token;
	if (!count)
		return 0;
	if (count > FIELDS || !read_columns(field, count, &nanoseconds, &packet, &out->sized))
		return err_set(
			err, -EBADMSG,
			"%s:%zu: is neither \"seconds direction [size]\" (direction 1 or -1, or a "
			"size with a sign) nor \"nanoseconds,s|r[,size]\"",
			line->name, line->number);
	line->nanoseconds |= nanoseconds;
	if (out->count && packet.s < out->items[out->count - 1].s)
		return err_set(err, -EBADMSG, "%s:%zu: time goes back; sort the lines by time",
			       line->name, line->number);
	if (out->count == PACKETS_MAX)
		return err_set(err, -EBADMSG, "%s:%zu: more than %d packets", line->name,
			       line->number, PACKETS_MAX);
	return packets_add(out, packet) ? err_set(err, -ENOMEM, "out of memory") : 0;
}

int packets_read(FILE *in, const char *name, struct packets *out, struct err *err)
{
	struct line line = {.name = name};
	char *text = NULL;
	size_t room = 0, i;
	int ret = 0;

	memset(out, 0, sizeof(*out));
	while (!ret && getline(&text, &room, in) >= 0) {
		line.number++;
		text[strcspn(text, "\r\n")] = '\0';
		ret = read_line(text, &line, out, err);
	}
	free(text);
	if (!ret && ferror(in))
		ret = err_set(err, -EIO, "%s: %s", name, strerror(errno));
	if (!ret && !out->count)
		ret = err_set(err, -EBADMSG, "%s: holds no packets", name);
	for (i = out->count; !ret && i-- > 0;)
		out->items[i].s =
			(out->items[i].s - out->items[0].s) / (line.nanoseconds ? 1e9 : 1);
	if (ret)
		packets_fini(out);
	return ret;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void merge(const struct packet *a, size_t n, const struct packet *b, size_t m,
		  struct packet *out)
{
	while (n || m) {
		bool from_a = !m || (n && a->s <= b->s);

		*out++ = from_a ? *a : *b;
		a += from_a;
		n -= from_a;
		b += !from_a;
		m -= !from_a;
	}
}

/* A merge sort: qsort() does not keep equal ones in order. */
static void sort(struct packet *items, size_t n, struct packet *scratch)
{
	size_t half = n / 2;

	if (n < 2)
		return;
	sort(items, half, scratch);
	sort(items + half, n - half, scratch);
	memcpy(scratch, items, n * sizeof(*items));
	merge(scratch, half, scratch + half, n - half, items);
}

int packets_sort(struct packets *packets)
{
	struct packet *scratch = calloc(packets->count + 1, sizeof(*scratch));

	if (!scratch)
		return -ENOMEM;
	sort(packets->items, packets->count, scratch);
	free(scratch);
	return 0;
}

int packets_write(const struct packets *packets, int path, FILE *out)
{
	double from_s = NAN;

	for (size_t i = 0; i < packets->count; i++) {
		const struct packet *p = &packets->items[i];

		if (path >= 0 && p->path != path)
			continue;
		if (isnan(from_s))
			from_s = p->s;
		fprintf(out, "%.6f\t%d", p->s - from_s, p->size > 0 ? 1 : -1);
		if (packets->sized)
			fprintf(out, "\t%d", abs(p->size));
		fputc('\n', out);
	}
	return ferror(out) ? -EIO : 0;
}
