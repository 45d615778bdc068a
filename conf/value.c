#include "conf/value.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "conf/scalar.h"
#include "lib/ip.h"
#include "lib/units.h"

#define WORD_MAX 15

VALUE_READER(value_duration)
{
	const char *text = schema_text(r, key, node);
	struct err e;

	if (text && scalar_duration(text, key->min, key->max, field, &e) < 0)
		schema_error(r, node, "%s", e.text);
}

VALUE_READER(value_flag)
{
	const char *text = schema_text(r, key, node);
	struct err e;

	if (text && scalar_flag(text, field, &e) < 0)
		schema_error(r, node, "%s", e.text);
}

VALUE_READER(value_choice)
{
	const char *text = schema_text(r, key, node);
	struct err e;

	if (text && scalar_choice(text, key->choices, field, &e) < 0)
		schema_error(r, node, "%s", e.text);
}

VALUE_READER(value_size)
{
	const char *text = schema_text(r, key, node);
	char min[UNITS_TEXT_BYTES], max[UNITS_TEXT_BYTES];
	uint64_t bytes = 0;
	struct err e;
	int rc;

	if (!text)
		return;
	units_format_size((uint64_t)key->min, min);
	units_format_size((uint64_t)key->max, max);
	rc = units_parse_size(text, &bytes, &e);
	if (rc < 0)
		schema_error(r, node, "%s (range %s..%s)", e.text, min, max);
	else if ((double)bytes < key->min || (double)bytes > key->max)
		schema_error(r, node, "%.40s is out of range (range %s..%s)", text, min, max);
	else
		*(uint32_t *)field = (uint32_t)bytes;
}

VALUE_READER(value_count)
{
	const char *text = schema_text(r, key, node), *digits;
	unsigned long long number;
	bool hex;

	if (!text)
		return;
	hex = strncasecmp(text, "0x", 2) == 0;
	digits = hex ? text + 2 : text;
	errno = 0;
	number = strtoull(digits, NULL, hex ? 16 : 10);
	if (digits[0] == '\0' ||
	    digits[strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789")] != '\0')
		schema_error(r, node, "\"%.40s\" is not a whole number (range %.0f..%.0f)", text,
			     key->min, key->max);
	else if (errno == ERANGE || (double)number < key->min || (double)number > key->max)
		schema_error(r, node, "%.40s is out of range (range %.0f..%.0f)", text, key->min,
			     key->max);
	else
		*(uint32_t *)field = (uint32_t)number;
}

/* The kernel's own rule (dev_valid_name), and the two names that mean every interface in sysctl. */
static bool is_interface_name(const char *text)
{
	return strlen(text) < IFNAMSIZ && !strpbrk(text, "/: \t\n\v\f\r") &&
	       strcmp(text, ".") != 0 && strcmp(text, "..") != 0 && strcmp(text, "all") != 0 &&
	       strcmp(text, "default") != 0;
}

VALUE_READER(value_interface)
{
	const char *text = schema_text(r, key, node);

	if (!text)
		return;
	if (is_interface_name(text))
		strcpy(field, text);
	else
		schema_error(r, node,
			     "\"%.40s\" cannot be an interface: up to %d characters, "
			     "no blank, no / and no :",
			     text, IFNAMSIZ - 1);
}

VALUE_READER(value_word)
{
	const char *text = schema_text(r, key, node);

	if (!text)
		return;
	if (strlen(text) <= WORD_MAX && text[0] != '-' &&
	    strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(text))
		strcpy(field, text);
	else
		schema_error(r, node,
			     "\"%.40s\" cannot be a name: 1 to %d of a-z 0-9 _ -, "
			     "not - at first",
			     text, WORD_MAX);
}

VALUE_READER(value_ip)
{
	const char *text = schema_text(r, key, node);
	struct ip ip;

	if (!text)
		return;
	if (ip_parse(text, &ip) == 0)
		*(struct ip *)field = ip;
	else
		schema_error(r, node, "\"%.64s\" is not an address such as 10.99.0.1 or fd99::1",
			     text);
}

static void read_path(struct conf_reader *r, const struct schema_key *key,
		      const struct conf_node *node, size_t max_bytes, char **field)
{
	const char *text = schema_text(r, key, node);

	if (!text)
		return;
	if (text[0] != '/' || strlen(text) > max_bytes) {
		schema_error(r, node, "\"%.40s\" is not an absolute path of up to %zu characters",
			     text, max_bytes);
		return;
	}
	*field = strdup(text);
	if (!*field)
		r->d->out_of_memory = true;
}

VALUE_READER(value_socket)
{
	read_path(r, key, node, sizeof(((struct sockaddr_un *)0)->sun_path) - 1, field);
}

VALUE_READER(value_file)
{
	read_path(r, key, node, PATH_MAX - 1, field);
}
