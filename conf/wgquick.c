#include "conf/wgquick.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/nearest.h"
#include "conf/wgquick_keys.h"

#define WORD_MAX 24 /* no key is as short as that: lib/key.h */

static const char *const section_names[] = {NULL, "Interface", "Peer"};

struct parser {
	struct wgquick_reader r;
	enum wgquick_section section;
	int section_line[WGQUICK_SECTIONS]; /* of its first header; 0: not seen */
	int seen[WGQUICK_KEYS];		    /* line of the key's last use; 0: not seen */
};

static void complain_unknown(struct parser *p, const char *name)
{
	const char *known[WGQUICK_KEYS];
	size_t count = 0;
	char hint[256];

	for (size_t i = 0; i < WGQUICK_KEYS; i++)
		if (wgquick_keys[i].section == p->section)
			known[count++] = wgquick_keys[i].name;
	nearest_hint(name, known, count, hint, sizeof(hint));
	diag_error(p->r.d, p->r.file, p->r.line, p->r.column, "unknown key \"%s\" in [%s]; %s",
		   name, section_names[p->section], hint);
}

/* Cuts off blanks at both ends, in place. */
static char *trim(char *text)
{
	size_t length;

	text += strspn(text, " \t");
	for (length = strlen(text); length > 0 && strchr(" \t\r", text[length - 1]); length--)
		text[length - 1] = '\0';
	return text;
}

/* Hands each value of a list to the reader, with its own column. */
static void read_list(struct parser *p, const struct wgquick_key *key, char *text)
{
	int column = p->r.column;
	char *rest = text, *item, *value;

	while ((item = strsep(&rest, ","))) {
		value = trim(item);
		p->r.column = column + (int)(value - text);
		if (value[0])
			key->read(&p->r, key->name, value);
		else
			diag_error(p->r.d, p->r.file, p->r.line, p->r.column, "%s: an empty value",
				   key->name);
	}
}

static void read_value(struct parser *p, size_t index, char *value)
{
	const struct wgquick_key *key = &wgquick_keys[index];

	if (key->ignored) {
		diag_note(p->r.d, p->r.file, p->r.line, p->r.column, "%s %s", key->name,
			  key->ignored);
	} else if (p->seen[index] && !key->list) {
		diag_error(p->r.d, p->r.file, p->r.line, p->r.column,
			   "%s is there twice, first on line %d", key->name, p->seen[index]);
	} else {
		p->seen[index] = p->r.line;
		if (key->list)
			read_list(p, key, value);
		else
			key->read(&p->r, key->name, value);
	}
}

/* Anything else is not repeated in a message: it may be a key that lost its name. */
static bool is_word(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && length <= WORD_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
		       length;
}

static const char *complaint(const struct parser *p, const char *equals, const char *name)
{
	if (!equals || !is_word(name))
		return "neither a [Section] nor a line of the form Key = Value";
	return p->section == WGQUICK_NONE ? "a key before the first section; [Interface] is missing"
					  : NULL;
}

static void read_assignment(struct parser *p, char *line, char *start)
{
	char *equals = strchr(start, '='), *value;
	const char *text;

	if (equals)
		*equals = '\0';
	trim(start);
	p->r.column = (int)(start - line) + 1;
	text = complaint(p, equals, start);
	if (text) {
		diag_error(p->r.d, p->r.file, p->r.line, p->r.column, "%s", text);
		return;
	}
	for (size_t i = 0; i < WGQUICK_KEYS; i++) {
		if (wgquick_keys[i].section != p->section ||
		    strcasecmp(wgquick_keys[i].name, start) != 0)
			continue;
		value = trim(equals + 1);
		p->r.column = (int)(value - line) + 1;
		read_value(p, i, value);
		return;
	}
	complain_unknown(p, start);
}

static enum wgquick_section find_section(const char *header)
{
	if (strcasecmp(header, "[Interface]") == 0)
		return WGQUICK_INTERFACE;
	return strcasecmp(header, "[Peer]") == 0 ? WGQUICK_PEER : WGQUICK_SKIPPED;
}

static void read_header(struct parser *p, const char *header)
{
	p->section = find_section(header);
	if (p->section == WGQUICK_SKIPPED) {
		diag_error(p->r.d, p->r.file, p->r.line, p->r.column,
			   "unknown section; known: [Interface], [Peer]");
	} else if (p->section_line[p->section]) {
		diag_error(
			p->r.d, p->r.file, p->r.line, p->r.column,
			"a second [%s], after that of line %d; a tunnel of CoMPS has exactly one",
			section_names[p->section], p->section_line[p->section]);
		p->section = WGQUICK_SKIPPED;
	} else {
		p->section_line[p->section] = p->r.line;
	}
}

static void read_line(struct parser *p, char *line)
{
	char *comment = strchr(line, '#'), *start;

	if (comment)
		*comment = '\0';
	start = trim(line);
	p->r.column = (int)(start - line) + 1;
	if (start[0] == '[')
		read_header(p, start);
	else if (start[0] && p->section != WGQUICK_SKIPPED)
		read_assignment(p, line, start);
}

static void check_required(struct parser *p)
{
	for (enum wgquick_section s = WGQUICK_INTERFACE; s <= WGQUICK_PEER; s++)
		if (p->section_line[s] == 0)
			diag_error(p->r.d, p->r.file, 0, 0, "the section [%s] is missing",
				   section_names[s]);
	for (size_t i = 0; i < WGQUICK_KEYS; i++)
		if (wgquick_keys[i].required && !p->seen[i] &&
		    p->section_line[wgquick_keys[i].section])
			diag_error(p->r.d, p->r.file, p->section_line[wgquick_keys[i].section], 1,
				   "[%s] has no %s", section_names[wgquick_keys[i].section],
				   wgquick_keys[i].name);
}

/* `text` is ours to cut up, and ends in a NUL. */
static void read_lines(struct parser *p, char *text)
{
	char *line;

	if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;
	while ((line = strsep(&text, "\n"))) {
		p->r.line++;
		read_line(p, line);
	}
	check_required(p);
}

int wgquick_parse(const char *file, const char *text, size_t text_bytes, struct diags *d,
		  struct wgquick **out)
{
	struct parser p = {.r = {.file = file, .d = d}};
	size_t errors = d->error_count;
	char *copy = malloc(text_bytes + 1);
	int rc = -ENOMEM;

	p.r.wg = calloc(1, sizeof(*p.r.wg));
	if (!copy || !p.r.wg || !(p.r.wg->file = strdup(file)))
		goto out;
	memcpy(copy, text, text_bytes);
	copy[text_bytes] = '\0';
	if (strlen(copy) != text_bytes)
		diag_error(d, file, 0, 0, "not a text file: it holds a NUL character");
	else
		read_lines(&p, copy);
	rc = d->out_of_memory ? -ENOMEM : d->error_count > errors ? -EINVAL : 0;
out:
	if (copy)
		key_wipe(copy, text_bytes);
	free(copy);
	if (rc == 0)
		*out = p.r.wg;
	else
		wgquick_free(p.r.wg);
	return rc;
}

bool wgquick_has_family(const struct wgquick *wg, int family)
{
	for (size_t i = 0; i < wg->address_count; i++)
		if (wg->addresses[i].ip.family == family)
			return true;
	return false;
}

void wgquick_free(struct wgquick *wg)
{
	if (!wg)
		return;
	for (size_t i = 0; i < wg->dns_count; i++)
		free(wg->dns[i]);
	free(wg->dns);
	free(wg->addresses);
	free(wg->allowed_ips);
	free(wg->file);
	key_wipe(wg, sizeof(*wg));
	free(wg);
}
