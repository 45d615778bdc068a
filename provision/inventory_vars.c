#include "provision/inventory_vars.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/nearest.h"
#include "lib/ip.h"
#include "provision/pubkey.h"

#define DIGITS "0123456789"
#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool is_made_of(const char *text, const char *letters, size_t room)
{
	size_t length = strlen(text);

	return length >= 1 && length < room && strspn(text, letters) == length;
}

bool inventory_vars_is_name(const char *text)
{
	return is_made_of(text, LOWER DIGITS "-", PROVIDER_NAME_BYTES) && text[0] != '-' &&
	       text[strlen(text) - 1] != '-';
}

const char *inventory_vars_address(const char *text)
{
	struct ip ip;

	if (strchr(text, ':'))
		return "is IPv6; servers are reached by IPv4";
	if (text[0] == '-' || text[0] == '.' ||
	    !is_made_of(text, LOWER UPPER DIGITS ".-_", CONFIG_ADDRESS_BYTES) ||
	    /* "203.0.113" would be looked up as 203.0.0.113 */
	    (is_made_of(text, DIGITS ".", CONFIG_ADDRESS_BYTES) && ip_parse(text, &ip) < 0))
		return "is no IPv4 address and no name of a host";
	return NULL;
}

/* --- one reader per variable: NULL, or what is wrong ------------------------------------------ */

static const char *read_port(const char *text, uint32_t *out)
{
	char *end;
	long port = strtol(text, &end, 10);

	if (!is_made_of(text, DIGITS, 6) || *end || port < 1 || port > 65535)
		return "is no port from 1 to 65535";
	*out = (uint32_t)port;
	return NULL;
}

static const char *set_address(const char *text, struct config_node *node)
{
	const char *wrong = inventory_vars_address(text);

	if (!wrong)
		strcpy(node->address, text);
	return wrong;
}

static const char *set_ssh_port(const char *text, struct config_node *node)
{
	return read_port(text, &node->ssh.port);
}

static const char *set_wg_port(const char *text, struct config_node *node)
{
	return read_port(text, &node->port);
}

static const char *set_user(const char *text, struct config_node *node)
{
	if (text[0] == '-' || !is_made_of(text, LOWER UPPER DIGITS "._-", sizeof(node->ssh.user)))
		return "is no name of a user";
	strcpy(node->ssh.user, text);
	return NULL;
}

static const char *set_key(const char *text, struct config_node *node)
{
	size_t i;

	for (i = 0; text[i]; i++)
		if (text[i] < 0x20 || text[i] > 0x7e || strchr("'\"", text[i]))
			return "holds a quote, or what is not printable ASCII";
	if (text[0] == '-' || i == 0 || i >= sizeof(node->ssh.key))
		return "is no name of a file";
	strcpy(node->ssh.key, text);
	return NULL;
}

static const char *set_host_key(const char *text, struct config_node *node)
{
	size_t type = strcspn(text, " \t");
	const char *blob = text + type + strspn(text + type, " \t");
	struct err e;

	if (strlen(text) >= sizeof(node->host_key) || pubkey_check(text, &e))
		return "is no public host key, such as \"ssh-ed25519 AAAA...\"; see "
		       "/etc/ssh/ssh_host_ed25519_key.pub on the host";
	/* Without the comment. */
	snprintf(node->host_key, sizeof(node->host_key), "%.*s %.*s", (int)type, text,
		 (int)strcspn(blob, " \t\r\n"), blob);
	return NULL;
}

static const char *set_name(const char *text, struct config_node *node)
{
	if (!inventory_vars_is_name(text))
		return "cannot be a name: 1 to 32 of a-z 0-9 -, with no - at either end";
	strcpy(node->name, text);
	return NULL;
}

static const char *refuse_options(const char *text, struct config_node *node)
{
	(void)text, (void)node;
	return "is not accepted: options for ssh could switch the check of host keys off; there is "
	       "ssh: {proxy_jump: HOST} in the configuration";
}

static const char *refuse_password(const char *text, struct config_node *node)
{
	(void)text, (void)node;
	return "is not accepted: log in by key, as root or as a user who may sudo without a "
	       "password";
}

static const struct {
	const char *name;
	const char *(*set)(const char *text, struct config_node *node);
	bool quiet; /* the value is not to be shown */
} known[] = {
	{"ansible_host", set_address, false},
	{"ansible_port", set_ssh_port, false},
	{"ansible_user", set_user, false},
	{"ansible_ssh_private_key_file", set_key, false},
	{"wg_port", set_wg_port, false},
	{"host_key", set_host_key, false},
	{"name", set_name, false},
	{"ansible_ssh_host", set_address, false}, /* the names of Ansible 1 */
	{"ansible_ssh_port", set_ssh_port, false},
	{"ansible_ssh_user", set_user, false},
	{"ansible_ssh_common_args", refuse_options, true},
	{"ansible_ssh_extra_args", refuse_options, true},
	{"ansible_ssh_args", refuse_options, true},
	{"ansible_password", refuse_password, true},
	{"ansible_ssh_pass", refuse_password, true},
	{"ansible_become_password", refuse_password, true},
	{"ansible_become_pass", refuse_password, true},
};

#define SHOWN 7 /* so many of them are suggested */

static void say_unknown(const struct inventory_var *var, const char *file, struct diags *d)
{
	const char *names[SHOWN];
	char hint[256];

	if (strncmp(var->name, "ansible_", 8) == 0) {
		diag_note(d, file, var->line, var->column, "%.60s is not used", var->name);
		return;
	}
	for (size_t i = 0; i < SHOWN; i++)
		names[i] = known[i].name;
	nearest_hint(var->name, names, SHOWN, hint, sizeof(hint));
	diag_error(d, file, var->line, var->column, "unknown variable \"%.60s\": %s", var->name,
		   hint);
}

void inventory_vars_set(const struct inventory_var *var, const char *file, struct diags *d,
			struct config_node *node)
{
	const char *wrong;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(var->name, known[i].name) != 0)
			continue;
		wrong = known[i].set(var->value, node);
		if (!d)
			return;
		if (wrong && known[i].quiet)
			diag_error(d, file, var->line, var->column, "%s %s", var->name, wrong);
		else if (wrong)
			diag_error(d, file, var->line, var->column, "%s: \"%.60s\" %s", var->name,
				   var->value, wrong);
		return;
	}
	if (d)
		say_unknown(var, file, d);
}
