#include "provision/setup.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provision/ssh.h"
#include "provision/tunnels.h"
#include "provision/user_data.h"

#define AGAIN_US  3000000  /* until the next attempt */
#define LET_IN_US 60000000 /* a new server may take so long to know our key */

/* server.sh, with a NUL behind it (ld(1), -b binary). */
extern const char _binary_server_sh_start[];

/* --- what the script is told ------------------------------------------------------------------ */

/* Everything was checked when it was read: no value holds a quote. */
static void assign(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s='%s'\n", name, value);
}

static void assign_number(FILE *out, const char *name, unsigned int value)
{
	fprintf(out, "%s='%u'\n", name, value);
}

static void assign_key(FILE *out, const char *name, const uint8_t key[KEY_BYTES])
{
	char text[KEY_TEXT_BYTES];

	key_format(key, text);
	assign(out, name, text);
	key_wipe(text, sizeof(text));
}

static void assign_addresses(FILE *out, const struct setup_input *in)
{
	const struct provision_config *config = in->config;
	struct ip client = tunnels_client_address(config, in->role, in->index);
	char text[IP_PREFIX_TEXT_BYTES];

	assign(out, "CLIENT_IP", ip_format(&client, text));
	assign(out, "ADDRESS", ip_prefix_format(&config->gateway, text));
	assign(out, "EXIT_IP", in->exit_address);
	assign_number(out, "EXIT_PORT", in->exit_port);
	fputs("PROXIES='", out);
	for (size_t i = 0; i < in->proxy_count; i++)
		fprintf(out, "%s%s", i ? " " : "", in->proxies[i]);
	fputs("'\n", out);
}

static void write_script(FILE *out, const struct setup_input *in)
{
	static const uint8_t none[KEY_BYTES];
	const struct provision_config *config = in->config;
	bool exit = in->role == PROVIDER_COMP;

	assign(out, "NET", config->network);
	assign(out, "ROLE", provider_role_name(in->role));
	assign(out, "IF", config->server_interface);
	assign_number(out, "PORT", in->port);
	assign_number(out, "MTU", exit ? config->mtu - TUNNELS_INNER_BYTES : config->mtu);
	assign_key(out, "CLIENT_KEY", in->keys->public_key);
	if (config->psk && memcmp(in->keys->preshared_key, none, KEY_BYTES) != 0)
		assign_key(out, "PSK", in->keys->preshared_key);
	else
		assign(out, "PSK", "");
	assign_addresses(out, in);
	assign(out, "ACCEPT", config->accept_from == CONFIG_ACCEPT_ANY ? "any" : "proxies");
	assign_number(out, "SSH_PORT", in->ssh->port);
	assign(out, "CHECK", in->mode == SETUP_CHECK ? "1" : "0");
	assign(out, "REMOVE", in->mode == SETUP_REMOVE ? "1" : "0");
	assign(out, "REKEY", in->rekey ? "1" : "0");
	assign(out, "FRESH", in->fresh ? "1" : "0");
	if (in->fresh) /* apt belongs to cloud-init until then */
		fputs("i=0; while [ ! -e " USER_DATA_MARKER " ] && [ $i -lt 150 ]; do sleep 2; "
		      "i=$((i + 1)); done\n",
		      out);
	fputs(_binary_server_sh_start, out);
}

static char *make_script(const struct setup_input *in)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	if (out)
		write_script(out, in);
	if (!out || fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

/* --- what it says ----------------------------------------------------------------------------- */

static const char *last_line(char *text)
{
	size_t length = strlen(text);
	char *newline;

	while (length && text[length - 1] == '\n')
		text[--length] = '\0';
	newline = strrchr(text, '\n');
	return newline ? newline + 1 : text;
}

static const char *last_words(struct ssh_result *result)
{
	return *result->err ? last_line(result->err) : "it said nothing";
}

/* A list of texts as one, commas between. */
static void join(const json_t *list, char *out, size_t out_bytes)
{
	const json_t *item;
	size_t i, used = 0;

	out[0] = '\0';
	json_array_foreach(list, i, item)
	{
		if (used < out_bytes && json_is_string(item))
			used += (size_t)snprintf(out + used, out_bytes - used, "%s%s",
						 i ? ", " : "", json_string_value(item));
	}
}

/* Returns 0; -EIO where the script says what is wrong; -EAGAIN where it did not come to its end. */
static int take_answer(struct ssh_result *result, struct setup_output *out, struct err *e)
{
	json_t *answer = json_loads(last_line(result->out), 0, NULL);
	const char *step, *why, *key, *host_key, *peer;
	int ret = 0;

	if (json_is_true(json_object_get(answer, "ok"))) {
		key = json_string_value(json_object_get(answer, "public_key"));
		host_key = json_string_value(json_object_get(answer, "host_key"));
		snprintf(out->wg_public, sizeof(out->wg_public), "%s", key ? key : "");
		if (host_key && *host_key)
			snprintf(out->host_key, sizeof(out->host_key), "%s", host_key);
		peer = json_string_value(json_object_get(answer, "peer"));
		snprintf(out->peer, sizeof(out->peer), "%s", peer ? peer : "");
		join(json_object_get(answer, "changed"), out->changed, sizeof(out->changed));
		join(json_object_get(answer, "warnings"), out->warnings, sizeof(out->warnings));
	} else if (answer) {
		step = json_string_value(json_object_get(answer, "step"));
		why = json_string_value(json_object_get(answer, "error"));
		ret = err_set(e, -EIO, "%s: %s", step ? step : "?", why ? why : "?");
	} else {
		ret = err_set(e, -EAGAIN, "the set-up ended early: %s", last_words(result));
	}
	json_decref(answer);
	return ret;
}

/* -EAGAIN: try again. */
static int judge(const struct setup_input *in, struct ssh_result *result, struct mono began,
		 struct setup_output *out, struct err *e)
{
	struct mono now = in->env->now(in->env->arg);

	switch (result->outcome) {
	case SSH_RAN:
		return take_answer(result, out, e);
	case SSH_WRONG_KEY:
		return err_set(
			e, -EPERM,
			"%s shows another host key than the one that is known: it is another "
			"machine, or somebody is in between; nothing was sent to it",
			in->address);
	case SSH_DENIED:
		err_set(e, -EACCES, "ssh: %s@%s does not let our key in", in->ssh->user,
			in->address);
		return in->fresh && mono_diff_us(now, began) < LET_IN_US ? -EAGAIN : -EACCES;
	default:
		return err_set(e, -EAGAIN, "ssh: %s", last_words(result));
	}
}

static int attempt(const struct setup_input *in, const char *script, struct mono began,
		   struct ssh_result *result, struct setup_output *out, struct err *e)
{
	const struct config_ssh *ssh = in->ssh;
	char alias[128];
	struct ssh_host host = {
		.address = in->address,
		.port = ssh->port,
		.user = ssh->user,
		.identity = in->identity,
		.proxy_jump = *ssh->proxy_jump ? ssh->proxy_jump : NULL,
		.alias = alias,
		.host_key = in->host_key,
		.command = strcmp(ssh->user, "root") ? "sudo -n sh -s" : "sh -s",
	};
	int ret;

	snprintf(alias, sizeof(alias), "comps-%s-%s", in->config->network, in->node);
	ret = ssh_run(&host, in->state_directory, script, in->env, in->deadline, result, e);
	return ret ? ret : judge(in, result, began, out, e);
}

int provision_setup_host(const struct setup_input *in, struct setup_output *out, struct err *e)
{
	struct mono began = in->env->now(in->env->arg);
	struct ssh_result *result;
	char *script;
	int ret;

	snprintf(out->host_key, sizeof(out->host_key), "%s", in->host_key);
	script = make_script(in);
	result = calloc(1, sizeof(*result));
	if (!script || !result) {
		ret = err_set(e, -ENOMEM, "out of memory");
		goto out;
	}
	do {
		ret = attempt(in, script, began, result, out, e);
		if (ret != -EAGAIN || in->mode == SETUP_CHECK ||
		    mono_due(in->deadline, in->env->now(in->env->arg)))
			break;
	} while (!(ret = in->env->pause(in->env->arg, AGAIN_US)));
out:
	if (script)
		key_wipe(script, strlen(script));
	free(script);
	free(result);
	return ret;
}
