#include "provisioner/provision.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/view.h"
#include "provision/bundle.h"
#include "provision/hosts.h"
#include "provision/inventory.h"
#include "provision/pubkey.h"
#include "provision/token.h"

#define POLL_US	 3000000
#define PARALLEL 8

/* --- configuration ---------------------------------------------------------------------------- */

void provision_print_diags(struct provision *p)
{
	char line[1200];

	for (size_t i = 0; i < p->diags.count; i++) {
		diag_format(&p->diags.items[i], line, sizeof(line));
		view_sanitize(line);
		fprintf(p->cli->err, "%s\n", line);
	}
	diags_fini(&p->diags);
}

/* Without a file the hosts of an inventory have what is the default for all. */
static int load(struct provision *p, const char *file)
{
	bool hosts = p->cli->inventory != NULL;
	int ret;

	if (hosts && !p->cli->word_count && access(file, F_OK) < 0)
		file = NULL;
	ret = config_load(file, hosts, &p->diags, &p->config);
	return ret || !hosts ? ret : inventory_load(p->cli->inventory, &p->diags, p->config);
}

int provision_load(struct provision *p)
{
	const char *file = p->cli->word_count ? p->cli->words[0] : PROVISION_FILE_DEFAULT;
	int ret = load(p, file);

	if (p->diags.file_count == 0 && ret)
		cli_error(p->cli, CLI_FAILED, "%s: %s", file, strerror(-ret));
	provision_print_diags(p);
	if (ret && access(file, F_OK) < 0 && !p->cli->word_count && !p->cli->inventory)
		cli_error(p->cli, CLI_FAILED,
			  "`comps provision init` writes an example of %s, and --inventory FILE "
			  "takes hosts that are there already",
			  file);
	return ret ? CLI_FAILED : CLI_OK;
}

/* --- secrets ---------------------------------------------------------------------------------- */

/* Children, such as ssh, must not inherit the token, and a crash must not write it down. */
static void hide_token(const struct provision *p)
{
	struct rlimit none = {0, 0};

	for (size_t i = 0; p->job.ops->token_variables[i]; i++)
		unsetenv(p->job.ops->token_variables[i]);
	if (p->config->token && p->config->token[0] == '$')
		unsetenv(p->config->token + 1);
	setrlimit(RLIMIT_CORE, &none);
}

static int find_public_key(struct provision *p, struct err *e)
{
	char *file;
	int ret;

	if (asprintf(&file, "%s.pub", p->config->ssh.key) < 0)
		return err_set(e, -ENOMEM, "out of memory");
	ret = pubkey_read(file, p->public_key, e);
	if (ret == -ENOENT)
		err_set(e, ret,
			"%s is not there; name your key with ssh: {key: FILE} in %s, or make one: "
			"ssh-keygen -t ed25519 -f %s",
			file, p->config->file, p->config->ssh.key);
	free(file);
	p->job.public_key = p->public_key;
	return ret;
}

static int find_key(struct provision *p, struct err *e)
{
	int ret;

	if (!*p->config->ssh_key_id)
		return find_public_key(p, e);
	ret = token_expand(p->config->ssh_key_id, getenv, p->key_id, sizeof(p->key_id), e);
	p->job.key_id = p->key_id;
	return ret ? err_prefix(e, ret, "%s: ssh_key_id", p->config->file) : 0;
}

/* --- hosts that nobody knows yet
 * ------------------------------------------------------------------ */

static bool trust(void *arg, const char *node, const char *address, const char *fingerprint)
{
	struct provision *p = arg;
	char question[256];

	if (p->cli->accept_new_keys)
		return true;
	snprintf(question, sizeof(question), "%s at %s shows the ssh host key %s.", node, address,
		 fingerprint);
	return provision_ask(p, question, "yes");
}

/* --- opening ---------------------------------------------------------------------------------- */

static void on_event(void *arg, const struct provision_event *event)
{
	struct provision *p = arg;

	provision_progress_event(&p->progress, event);
}

static struct mono on_now(void *arg)
{
	return provision_clock_now(&((struct provision *)arg)->clock);
}

static int64_t on_wall_s(void *arg)
{
	return provision_clock_wall_s(&((struct provision *)arg)->clock);
}

static int64_t on_wall_us(void *arg)
{
	return provision_clock_wall_us(&((struct provision *)arg)->clock);
}

static int on_pause(void *arg, int64_t us)
{
	return provision_clock_pause(&((struct provision *)arg)->clock, us);
}

static bool on_stopped(void *arg)
{
	return provision_clock_stopped(&((struct provision *)arg)->clock);
}

static int open_env(struct provision *p, struct err *e)
{
	/* COMPS_TEST_PACE is for the tests: 0.01 makes every wait a hundredth. */
	int ret = provision_clock_open(&p->clock, getenv("COMPS_TEST_PACE"), e);

	if (ret)
		return ret;
	p->clock_open = true;
	if (rng_init_system(&p->rng))
		return err_set(e, -EIO, "no random numbers");
	p->env = (struct provision_env){.arg = p,
					.now = on_now,
					.wall_s = on_wall_s,
					.wall_us = on_wall_us,
					.pause = on_pause,
					.stopped = on_stopped,
					.event = on_event,
					.rng = &p->rng};
	provision_progress_init(&p->progress, p->cli->json ? p->cli->out : p->cli->err,
				p->cli->json);
	return 0;
}

/* A network lives where it was made: another account or server would look empty. */
static int bind_state(struct provision *p, const char *url, struct err *e)
{
	struct state *state = &p->state;

	if (*state->api_url && strcmp(state->api_url, url) != 0)
		return err_set(e, -EINVAL,
			       "network %s was made at %s, not at %s; use another network name",
			       state->network, state->api_url, url);
	snprintf(state->provider, sizeof(state->provider), "%s", p->job.ops->name);
	snprintf(state->api_url, sizeof(state->api_url), "%s", url);
	return 0;
}

static int open_state(struct provision *p, bool write, const char *url, struct err *e)
{
	char uuid[PROVISION_UUID_BYTES];
	int ret = state_directory(getenv("XDG_STATE_HOME"), getenv("HOME"), p->state_directory,
				  sizeof(p->state_directory), e);

	env_uuid(&p->env, uuid);
	if (!ret)
		ret = state_open(p->state_directory, p->config->network, write, uuid, &p->state, e);
	if (ret)
		return ret;
	p->state_open = true;
	return bind_state(p, url, e);
}

static const char *api_url(const struct provider_ops *ops)
{
	const char *url = getenv(ops->url_variable);

	return url && *url ? url : ops->api_url;
}

static int open_cloud(struct provision *p, bool write, bool key, struct err *e)
{
	const struct provider_ops *ops = provider_all()[p->config->provider];
	const char *url = api_url(ops);
	int ret;

	p->job.ops = ops;
	ret = token_find(p->config, ops, p->cli->token_file, getenv, &p->token, e);
	if (!ret && key)
		ret = find_key(p, e);
	if (!ret)
		ret = open_state(p, write, url, e);
	if (!ret)
		ret = ops->open(&p->env, url, p->token, &p->job.provider, e);
	hide_token(p);
	return ret;
}

static int open_hosts(struct provision *p, bool write, struct err *e)
{
	int ret;

	p->job.ops = &hosts_ops;
	ret = open_state(p, write, "hosts", e);
	return ret ? ret : hosts_open(p->config, &p->job.provider, e);
}

/* One that others may not speak to is not waited for. */
static int try_live(struct provision *p, const char *socket, struct err *e)
{
	int ret = provision_live_open(&p->live, socket, &p->state, &p->job.live, e);

	if (ret != -EACCES && ret != -EPERM)
		return ret;
	cli_error(p->cli, CLI_OK, "%s; should it use this network, it is not asked to follow",
		  e->text);
	return 0;
}

/* The daemon of this machine, or one in a container of the bundle. */
static int find_live(struct provision *p, struct err *e)
{
	int ret = try_live(p, p->cli->socket, e);

	if (ret || p->job.live)
		return ret;
	snprintf(p->bundle_socket, sizeof(p->bundle_socket), "%s/" BUNDLE_RUN "/comps.sock",
		 provision_bundle_directory(p));
	return try_live(p, p->bundle_socket, e);
}

static int open_all(struct provision *p, bool write, bool key, struct err *e)
{
	int64_t timeout_us = p->cli->timeout_us;
	int ret;

	p->job = (struct job){
		.config = p->config,
		.env = &p->env,
		.state = &p->state,
		.setup_host = p->cli->no_setup ? NULL : provision_setup_host,
		.prove = p->cli->no_setup ? NULL : tunnel_check_run,
		.bundle = p->cli->no_setup ? NULL : provision_bundle_write,
		.bundle_arg = p,
		.trust = p->cli->accept_new_keys || isatty(STDIN_FILENO) ? trust : NULL,
		.trust_arg = p,
		.parallel = p->cli->parallel ? (unsigned int)p->cli->parallel : PARALLEL,
		.poll_us = POLL_US,
		.node_timeout_us =
			timeout_us ? timeout_us : (int64_t)p->config->wait_timeout_s * 1000000,
	};
	ret = open_env(p, e);
	if (!ret)
		ret = config_expand_home(p->config, getenv("HOME"), e);
	if (!ret)
		ret = p->cli->inventory ? open_hosts(p, write, e) : open_cloud(p, write, key, e);
	return ret || !write ? ret : find_live(p, e);
}

int provision_open(struct provision *p, bool write, bool key)
{
	struct err e;
	int ret = provision_load(p);

	if (ret != CLI_OK)
		return ret;
	ret = open_all(p, write, key, &e);
	return ret ? cli_error(p->cli, CLI_FAILED, "%s", e.text) : CLI_OK;
}

int provision_open_state(struct provision *p)
{
	struct err e;
	int ret = provision_load(p);

	if (ret != CLI_OK)
		return ret;
	p->job.ops = p->cli->inventory ? &hosts_ops : provider_all()[p->config->provider];
	ret = open_env(p, &e);
	if (!ret)
		ret = open_state(p, false, p->cli->inventory ? "hosts" : api_url(p->job.ops), &e);
	return ret ? cli_error(p->cli, CLI_FAILED, "%s", e.text) : CLI_OK;
}

void provision_close(struct provision *p)
{
	if (p->job.provider)
		p->job.ops->close(p->job.provider);
	if (p->state_open)
		state_close(&p->state);
	if (p->clock_open)
		provision_clock_close(&p->clock);
	provision_progress_fini(&p->progress);
	token_free(p->token);
	config_free(p->config);
	diags_fini(&p->diags);
}

/* --- what all do ------------------------------------------------------------------------------ */

void provision_way(const struct provision *p, const char *verb, char *out, size_t out_bytes)
{
	const char *hosts = p->cli->inventory;

	snprintf(out, out_bytes, "comps provision %s%s%s%s%s", verb, *p->config->file ? " " : "",
		 p->config->file, hosts ? " --inventory " : "", hosts ? hosts : "");
}

int provision_fail(struct provision *p, int error, const struct err *e)
{
	cli_error(p->cli, CLI_FAILED, "%s", e->text);
	if (error == -EACCES)
		cli_error(p->cli, CLI_FAILED,
			  "make a token with the scopes that comps-provision(1) lists");
	return error == -EINTR	     ? PROVISION_INTERRUPTED
	       : error == -ECANCELED ? PROVISION_PARTIAL
				     : CLI_FAILED;
}

int provision_look(struct provision *p, struct look *out)
{
	struct err e;
	int ret = look_run(&p->job, &p->diags, out, &e);

	provision_print_diags(p);
	return ret ? provision_fail(p, ret, &e) : CLI_OK;
}

bool provision_confirm(struct provision *p, const char *question, const char *wanted)
{
	if (p->cli->yes)
		return true;
	if (!isatty(STDIN_FILENO)) {
		cli_error(
			p->cli, CLI_USAGE,
			"nobody can be asked: the standard input is no terminal; give --yes to go "
			"on without");
		return false;
	}
	if (provision_ask(p, question, wanted))
		return true;
	fprintf(p->cli->err, "nothing was changed\n");
	return false;
}

bool provision_ask(struct provision *p, const char *question, const char *wanted)
{
	sigset_t blocked;
	char answer[128];

	fprintf(p->cli->err, "%s Type \"%s\" to go on: ", question, wanted);
	fflush(p->cli->err);
	/* Nothing is done yet: Ctrl-C just ends the program. */
	sigprocmask(SIG_SETMASK, &p->clock.mask, &blocked);
	if (!fgets(answer, sizeof(answer), stdin))
		answer[0] = '\0';
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	answer[strcspn(answer, "\r\n")] = '\0';
	return strcmp(answer, wanted) == 0;
}
