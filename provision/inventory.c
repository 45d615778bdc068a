#include "provision/inventory.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/file.h"
#include "provision/inventory_vars.h"

#define MAX_BYTES 1048576

enum section {
	SECTION_VPN,  /* as enum provider_role */
	SECTION_COMP, /* as enum provider_role */
	SECTION_ALL,  /* variables only */
	SECTION_OTHER,
};

struct vars {
	struct inventory_var *items;
	size_t count;
};

struct host {
	const char *alias;
	enum section section;
	int line, column;
	struct vars vars;
};

/* The texts stand in the file's own text, which is cut up. */
struct inventory {
	const char *file;
	struct diags *d;
	struct host *hosts;
	size_t host_count;
	struct vars of[SECTION_OTHER]; /* by section */
	enum section section;
	bool in_vars, in_group; /* behind the first [group] */
	int line;
};

static void __attribute__((format(printf, 3, 4)))
wrong(const struct inventory *in, int column, const char *format, ...)
{
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	diag_error(in->d, in->file, in->line, column, "%s", text);
}

/* --- words ------------------------------------------------------------------------------------ */

/* Takes the next word out of *rest, without its quotes, ended by a NUL. NULL: no more, or what is
 * wrong was said. A # at the beginning of a word ends the line. */
static char *next_word(const struct inventory *in, const char *line, char **rest, int *column)
{
	char *from = *rest + strspn(*rest, " \t"), *to = from, *word = from, quote = 0;

	*column = (int)(from - line) + 1;
	if (!*from || *from == '#') {
		*rest += strlen(*rest);
		return NULL;
	}
	for (; *from && (quote || !strchr(" \t", *from)); from++) {
		if (*from == '\\') {
			wrong(in, (int)(from - line) + 1, "a backslash has no meaning here");
			*rest += strlen(*rest);
			return NULL;
		}
		if (quote ? *from == quote : *from == '"' || *from == '\'')
			quote = quote ? 0 : *from;
		else
			*to++ = *from;
	}
	*rest = from + (*from != '\0');
	*to = '\0';
	if (!quote)
		return word;
	wrong(in, *column, "the quote is not closed");
	return NULL;
}

/* Makes room for one more behind `count`, twice as much each time: a file may have many. */
static void *grow(void *items, size_t count, size_t bytes)
{
	bool full = (count & (count - 1)) == 0;

	return full ? reallocarray(items, count ? 2 * count : 1, bytes) : items;
}

/* NAME=VALUE, cut in two. */
static void add_var(struct inventory *in, struct vars *vars, char *word, int column)
{
	char *equals = strchr(word, '=');
	struct inventory_var *grown;

	if (!equals || equals == word) {
		wrong(in, column, "\"%.60s\" is no NAME=VALUE", word);
		return;
	}
	grown = grow(vars->items, vars->count, sizeof(*grown));
	if (!grown) {
		in->d->out_of_memory = true;
		return;
	}
	*equals = '\0';
	vars->items = grown;
	vars->items[vars->count++] = (struct inventory_var){word, equals + 1, in->line, column};
}

/* --- lines ------------------------------------------------------------------------------------ */

static enum section section_of(const char *group)
{
	if (strcmp(group, "vpn") == 0)
		return SECTION_VPN;
	if (strcmp(group, "comp") == 0 || strcmp(group, "comps") == 0)
		return SECTION_COMP;
	return strcmp(group, "all") == 0 ? SECTION_ALL : SECTION_OTHER;
}

/* "[group]" or "[group:vars]". */
static void read_section(struct inventory *in, char *line, int column)
{
	char *end = strchr(line, ']'), *kind, *rest;

	in->section = SECTION_OTHER;
	in->in_vars = false;
	rest = end ? end + 1 + strspn(end + 1, " \t") : NULL;
	if (!rest || (*rest && *rest != '#' && *rest != ';')) {
		wrong(in, column, "a group is written [vpn], and nothing stands behind it");
		return;
	}
	*end = '\0';
	kind = strchr(line, ':');
	if (kind)
		*kind++ = '\0';
	in->section = section_of(line + 1);
	in->in_vars = kind && strcmp(kind, "vars") == 0;
	if (kind && !in->in_vars)
		wrong(in, column,
		      "[%.40s:%.40s] is not accepted; list the hosts themselves under [vpn] and "
		      "[comp]",
		      line + 1, kind);
	else if (in->section == SECTION_OTHER || (in->section == SECTION_ALL && !in->in_vars))
		diag_note(
			in->d, in->file, in->line, column,
			"group %.40s is not used; proxies stand under [vpn], the exit under [comp]",
			line + 1);
	if ((kind || in->section == SECTION_ALL) && !in->in_vars)
		in->section = SECTION_OTHER;
}

static void read_group_var(struct inventory *in, char *line, char *text)
{
	char *equals = strchr(text, '='), *value, *end, *rest = text, *word;
	int column, next_column;

	if (equals) { /* blanks around it are allowed here */
		for (end = equals; end > text && strchr(" \t", end[-1]); end--)
			;
		value = equals + 1 + strspn(equals + 1, " \t");
		memmove(end + 1, value, strlen(value) + 1);
		*end = '=';
	}
	word = next_word(in, line, &rest, &column);
	if (!word)
		return;
	if (next_word(in, line, &rest, &next_column))
		wrong(in, column, "one NAME=VALUE per line; quote a value with blanks");
	else
		add_var(in, &in->of[in->section], word, column);
}

static void read_host(struct inventory *in, char *line, char *text)
{
	struct host *grown = grow(in->hosts, in->host_count, sizeof(*grown));
	char *rest = text, *word;
	int column;

	if (!grown) {
		in->d->out_of_memory = true;
		return;
	}
	in->hosts = grown;
	word = next_word(in, line, &rest, &column);
	if (!word)
		return;
	grown += in->host_count++;
	*grown = (struct host){
		.alias = word, .section = in->section, .line = in->line, .column = column};
	while ((word = next_word(in, line, &rest, &column)))
		add_var(in, &grown->vars, word, column);
}

/* "[2001:db8::1]" and "[2001:db8::1]:22" are hosts, not groups. */
static bool is_ipv6(const char *text)
{
	const char *colon = strchr(text, ':');

	return colon && strchr(colon + 1, ':') &&
	       text[1 + strspn(text + 1, "0123456789abcdefABCDEF:.")] == ']';
}

static void skip_stray(struct inventory *in, int column)
{
	if (!in->in_group)
		diag_note(in->d, in->file, in->line, column,
			  "what stands before the first group is not used; proxies stand under "
			  "[vpn], the exit under [comp]");
	in->in_group = true; /* once is enough */
}

static void read_line(struct inventory *in, char *line)
{
	char *text = line + strspn(line, " \t");
	int column = (int)(text - line) + 1;

	if (!*text || *text == '#' || *text == ';')
		return;
	if (strncmp(text, "---", 3) == 0 || *text == '{') {
		wrong(in, column,
		      "this is YAML or JSON; an inventory in INI form is wanted, with [vpn] and "
		      "[comp]");
		in->section = SECTION_OTHER;
		in->in_group = true;
	} else if (*text == '[' && !is_ipv6(text)) {
		in->in_group = true;
		read_section(in, text, column);
	} else if (in->section == SECTION_OTHER) {
		skip_stray(in, column);
	} else if (in->in_vars) {
		read_group_var(in, line, text);
	} else {
		read_host(in, line, text);
	}
}

static void read_text(struct inventory *in, char *text)
{
	char *next, *end;

	in->section = SECTION_OTHER; /* hosts before the first group belong to none */
	for (char *line = text; line; line = next) {
		next = strchr(line, '\n');
		end = next ? next : line + strlen(line);
		if (next)
			*next++ = '\0';
		if (end > line && end[-1] == '\r')
			end[-1] = '\0';
		in->line++;
		read_line(in, line);
	}
}

/* --- hosts ------------------------------------------------------------------------------------ */

/* "HOST:PORT" is HOST with that ansible_port, as for Ansible. */
static void take_alias(const struct inventory *in, const struct host *host, char *alias,
		       struct config_node *node)
{
	char *colon = strchr(alias, ':');
	struct inventory_var port = {"ansible_port", colon ? colon + 1 : "", host->line,
				     host->column};
	const char *wrong;

	if (strchr(alias, '[') && !is_ipv6(alias)) {
		diag_error(in->d, in->file, host->line, host->column,
			   "\"%.60s\": ranges are not accepted; write every host on a line of its "
			   "own",
			   alias);
		return;
	}
	if (colon && !strchr(colon + 1, ':')) {
		*colon = '\0';
		inventory_vars_set(&port, in->file, in->d, node);
	}
	wrong = strchr(alias, '@') ? "is no host; the user stands in ansible_user="
				   : inventory_vars_address(alias);
	if (wrong)
		diag_error(in->d, in->file, host->line, host->column, "\"%.60s\" %s", alias, wrong);
	else
		strcpy(node->address, alias);
}

/* A name that does not depend on the order: the next edit must not make it another host's. */
static void derive_name(const char *alias, char out[PROVIDER_NAME_BYTES])
{
	size_t used = 0;

	for (; *alias && used < PROVIDER_NAME_BYTES - 1; alias++) {
		char c = (char)tolower((unsigned char)*alias);

		out[used++] = (char)(isalnum((unsigned char)c) ? c : '-');
	}
	while (used && out[used - 1] == '-')
		used--;
	out[used] = '\0';
	memmove(out, out + strspn(out, "-"), used + 1 - strspn(out, "-"));
}

/* With `d` NULL what is wrong was said before. */
static void apply_vars(const struct inventory *in, const struct vars *vars, struct diags *d,
		       struct config_node *node)
{
	for (size_t i = 0; i < vars->count; i++)
		inventory_vars_set(&vars->items[i], in->file, d, node);
}

/* Once, not for every host that they are for. */
static void check_group_vars(const struct inventory *in)
{
	struct config_node scratch = {.index = 0};

	for (size_t i = 0; i < SECTION_OTHER; i++)
		apply_vars(in, &in->of[i], in->d, &scratch);
}

static void fill(const struct inventory *in, const struct host *host,
		 const struct provision_config *config, unsigned int index,
		 struct config_node *node)
{
	char alias[CONFIG_ADDRESS_BYTES + 8];

	*node = (struct config_node){
		.role = (enum provider_role)host->section,
		.index = index,
		.line = host->line,
		.column = host->column,
		.port = config->port,
		.ssh = config->ssh,
	};
	snprintf(alias, sizeof(alias), "%s", host->alias);
	apply_vars(in, &in->of[SECTION_ALL], NULL, node);
	apply_vars(in, &in->of[host->section], NULL, node);
	take_alias(in, host, alias, node);
	derive_name(alias, node->name);
	apply_vars(in, &host->vars, in->d, node);
	if (!*node->name && *node->address)
		diag_error(in->d, in->file, host->line, host->column,
			   "\"%.60s\" makes no name; give it one with name=", alias);
}

/* The same host twice would be two paths of one machine, or a proxy that is its own exit. Returns
 * true where `a` is that. */
static bool check_twin(const struct inventory *in, const struct config_node *a,
		       const struct config_node *b)
{
	bool host = *a->address && strcasecmp(a->address, b->address) == 0;
	bool name = *a->name && strcmp(a->name, b->name) == 0;

	if (host)
		diag_error(in->d, in->file, a->line, a->column,
			   "%s is on line %d already; every proxy, and the exit, is a host of its "
			   "own",
			   a->address, b->line);
	else if (name)
		diag_error(in->d, in->file, a->line, a->column,
			   "the name %s is taken by line %d; give it another with name=", a->name,
			   b->line);
	return host || name;
}

static void check_twins(const struct inventory *in, const struct provision_config *config)
{
	for (size_t i = 1; i < config->node_count; i++)
		for (size_t j = 0; j < i; j++)
			if (check_twin(in, &config->nodes[i], &config->nodes[j]))
				break;
}

static const struct host *find_exit(const struct inventory *in)
{
	const struct host *exit = NULL;

	for (size_t i = 0; i < in->host_count; i++) {
		const struct host *host = &in->hosts[i];

		if (host->section != SECTION_COMP)
			continue;
		if (exit)
			diag_error(in->d, in->file, host->line, host->column,
				   "a second exit, after line %d; all paths lead to exactly one",
				   exit->line);
		exit = exit ? exit : host;
	}
	if (!exit)
		diag_error(in->d, in->file, 0, 0,
			   "there is no exit: one host under [comp] is wanted");
	return exit;
}

/* Too many are counted, but not looked at. */
static void take_proxies(const struct inventory *in, struct provision_config *config)
{
	const struct host *surplus = NULL;
	unsigned int count = 0;

	for (size_t i = 0; i < in->host_count; i++) {
		if (in->hosts[i].section != SECTION_VPN)
			continue;
		if (count < CONFIG_PROXIES_MAX)
			fill(in, &in->hosts[i], config, count,
			     &config->nodes[config->node_count++]);
		else if (!surplus)
			surplus = &in->hosts[i];
		count++;
	}
	if (count < 1 || surplus)
		diag_error(in->d, in->file, surplus ? surplus->line : 0,
			   surplus ? surplus->column : 0,
			   "%u proxies under [vpn]; 1 to %d are accepted (the tunnel addresses .5 "
			   "to .99)",
			   count, CONFIG_PROXIES_MAX);
}

static int take_hosts(const struct inventory *in, struct provision_config *config)
{
	const struct host *exit = find_exit(in);

	free(config->nodes);
	config->node_count = 0;
	config->nodes = calloc(CONFIG_PROXIES_MAX + 1, sizeof(*config->nodes));
	if (!config->nodes)
		return -ENOMEM;
	check_group_vars(in);
	take_proxies(in, config);
	if (exit)
		fill(in, exit, config, 0, &config->nodes[config->node_count++]);
	check_twins(in, config);
	return 0;
}

/* --- all -------------------------------------------------------------------------------------- */

static void fini(struct inventory *in)
{
	for (size_t i = 0; i < in->host_count; i++)
		free(in->hosts[i].vars.items);
	for (size_t i = 0; i < SECTION_OTHER; i++)
		free(in->of[i].items);
	free(in->hosts);
}

int inventory_load(const char *file, struct diags *d, struct provision_config *config)
{
	struct inventory in = {.file = file, .d = d};
	struct conf_file content = {.text = NULL};
	char *text = NULL;
	struct err e;
	int ret = diags_add_file(d, file) ? conf_file_read(file, MAX_BYTES, &content, &e) : -ENOMEM;

	if (ret && ret != -ENOMEM) {
		diag_error(d, file, 0, 0, "%s", e.text);
		ret = -EINVAL;
	}
	if (!ret && memchr(content.text, '\0', content.bytes))
		diag_error(d, file, 0, 0, "it holds a NUL: it is no text");
	if (!ret)
		text = strndup(content.text, content.bytes);
	if (text) {
		read_text(&in, text);
		ret = take_hosts(&in, config);
	}
	if (!ret && (diags_failed(d) || !text))
		ret = !text || d->out_of_memory ? -ENOMEM : -EINVAL;
	diags_sort(d);
	fini(&in);
	free(text);
	conf_file_fini(&content);
	return ret;
}
