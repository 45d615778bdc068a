#include "provision/config_values.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provision/config.h"

#define DIGITS "0123456789"
#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool is_made_of(const char *text, const char *letters, size_t max)
{
	size_t length = strlen(text);

	return length >= 1 && length <= max && strspn(text, letters) == length;
}

VALUE_READER(config_values_name)
{
	const char *text = schema_text(r, key, node);

	if (!text)
		return;
	if (is_made_of(text, LOWER DIGITS "-", PROVIDER_NAME_BYTES - 1) && text[0] != '-' &&
	    text[strlen(text) - 1] != '-')
		strcpy(field, text);
	else
		schema_error(
			r, node,
			"\"%.40s\" cannot be a name: 1 to %d of a-z 0-9 -, with no - at either "
			"end",
			text, PROVIDER_NAME_BYTES - 1);
}

VALUE_READER(config_values_slug)
{
	const char *text = schema_text(r, key, node);

	if (!text)
		return;
	if (is_made_of(text, LOWER DIGITS "._-", PROVIDER_SLUG_BYTES - 1) && text[0] != '-')
		strcpy(field, text);
	else
		schema_error(r, node, "\"%.40s\" cannot be %s: 1 to %d of a-z 0-9 . _ -", text,
			     key->type, PROVIDER_SLUG_BYTES - 1);
}

/* Names that the original CoMPS used and that are no longer on sale. */
static const char *const replaced[][2] = {
	{"512mb", "s-1vcpu-512mb-10gb"},
	{"1gb", "s-1vcpu-1gb"},
	{"2gb", "s-1vcpu-2gb"},
	{"4gb", "s-2vcpu-4gb"},
	{"ubuntu-20-04-x64", "debian-12-x64"},
	{"ubuntu-18-04-x64", "debian-12-x64"},
};

static void replace(struct conf_reader *r, const struct conf_node *node, char *value)
{
	char path[128];

	for (size_t i = 0; i < sizeof(replaced) / sizeof(replaced[0]); i++) {
		if (strcmp(value, replaced[i][0]) != 0)
			continue;
		conf_node_path(node, path, sizeof(path));
		diag_note(r->d, r->file, node->line, node->column,
			  "%s: %s is an old name; %s is taken", path, value, replaced[i][1]);
		strcpy(value, replaced[i][1]);
		return;
	}
}

VALUE_READER(config_values_size)
{
	config_values_slug(r, key, node, field);
	replace(r, node, field);
}

VALUE_READER(config_values_image)
{
	config_values_slug(r, key, node, field);
	replace(r, node, field);
}

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			return false;
	return true;
}

VALUE_READER(config_values_text)
{
	const char *text = schema_text(r, key, node);

	if (!text)
		return;
	if (is_printable(text) && text[0] != '-' && strlen(text) < CONFIG_TEXT_BYTES)
		strcpy(field, text);
	else
		schema_error(r, node,
			     "%s has up to %d printable ASCII characters, and no - at first",
			     key->type, CONFIG_TEXT_BYTES - 1);
}

VALUE_READER(config_values_user)
{
	const char *text = schema_text(r, key, node);

	if (!text)
		return;
	if (is_made_of(text, LOWER UPPER DIGITS "._-", 32) && text[0] != '-')
		strcpy(field, text);
	else
		schema_error(r, node, "\"%.40s\" cannot be a user: 1 to 32 of a-z A-Z 0-9 . _ -",
			     text);
}

VALUE_READER(config_values_id)
{
	const char *text = schema_text(r, key, node);

	if (!text)
		return;
	if (is_made_of(text + (text[0] == '$'), LOWER UPPER DIGITS "_:", PROVIDER_ID_BYTES - 2))
		strcpy(field, text);
	else
		schema_error(r, node, "\"%.40s\" is neither a number, a fingerprint nor $NAME",
			     text);
}

VALUE_READER(config_values_secret)
{
	const char *text = schema_text(r, key, node);

	if (!text)
		return;
	*(char **)field = strdup(text);
	if (!*(char **)field)
		r->d->out_of_memory = true;
}

VALUE_READER(config_values_subnet)
{
	const char *text = schema_text(r, key, node);
	struct ip_prefix prefix, masked;
	char full[64];
	int dots = 0;

	if (!text)
		return;
	for (const char *c = text; *c; c++)
		dots += *c == '.';
	/* The original's three numbers are a /24. */
	snprintf(full, sizeof(full), dots == 2 ? "%.50s.0/24" : "%.50s", text);
	if (ip_prefix_parse(full, &prefix) < 0 || prefix.ip.family != AF_INET || prefix.len != 24) {
		schema_error(r, node, "\"%.40s\" is no IPv4 /24 such as 10.45.0.0/24 or 10.45.0",
			     text);
		return;
	}
	masked = ip_prefix_masked(&prefix);
	if (ip_prefix_equal(&prefix, &masked))
		*(struct ip_prefix *)field = prefix;
	else
		schema_error(r, node, "\"%.40s\" has bits behind its length; the last number is 0",
			     text);
}

VALUE_READER(config_values_address)
{
	const char *text = schema_text(r, key, node);
	struct ip_prefix prefix;

	if (!text)
		return;
	if (ip_prefix_parse(text, &prefix) == 0 && prefix.ip.family == AF_INET && prefix.len == 32)
		*(struct ip_prefix *)field = prefix;
	else
		schema_error(r, node, "\"%.40s\" is no single IPv4 address such as 10.45.0.2/32",
			     text);
}

VALUE_READER(config_values_prefixes)
{
	struct provision_config *config = field;
	size_t count = schema_item_count(node);
	char path[IP_PREFIX_TEXT_BYTES];
	struct ip_prefix masked;

	config->admins = count ? calloc(count, sizeof(*config->admins)) : NULL;
	if (count && !config->admins) {
		r->d->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const struct conf_node *item = schema_item(node, i);
		const char *text = schema_text(r, key, item);
		struct ip_prefix *to = &config->admins[config->admin_count];

		if (!text)
			continue;
		if (ip_prefix_parse(text, to) < 0) {
			schema_error(r, item,
				     "\"%.50s\" is no prefix such as 198.51.100.7/32 or "
				     "2001:db8::/48",
				     text);
			continue;
		}
		masked = ip_prefix_masked(to);
		if (!ip_prefix_equal(&masked, to))
			schema_error(r, item, "\"%.50s\" has bits behind its length; write %s",
				     text, ip_prefix_format(&masked, path));
		else
			config->admin_count++;
	}
}

VALUE_READER(config_values_host_keys)
{
	bool checked = true;

	value_flag(r, key, node, &checked);
	(void)field;
	if (!checked)
		schema_error(r, node,
			     "host keys are always checked: a server we make gets a host key that "
			     "is known before the first connection; for an existing one name its "
			     "key in the inventory (host_key=); remove this line");
}
