/* compsd: reads the configuration, checks what it may do, and runs the daemon. */
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"
#include "daemon/admin.h"
#include "daemon/daemon.h"
#include "daemon/privileges.h"
#include "daemon/teardown.h"
#include "policies/registry.h"

#define DEFAULT_CONFIG "/etc/comps/comps.yaml"
#define RUN_DIRECTORY  "/run/comps"

static const char usage[] =
	"usage: compsd [-c FILE] [--force] [--check | --guard | --down]\n"
	"\n"
	"  -c, --config FILE  the configuration (default " DEFAULT_CONFIG ")\n"
	"      --check        check the configuration and exit\n"
	"      --guard        close the machine until compsd runs: rules, backstops and guard\n"
	"                     table only, and exit\n"
	"      --down         remove everything that compsd installed, and exit\n"
	"      --force        start even if that cuts the ssh session that it is started from\n"
	"      --version      print the version and exit\n"
	"\n"
	"compsd stays in the foreground and logs to stderr. comps(1) talks to it.\n";

enum action {
	ACTION_RUN,
	ACTION_CHECK,
	ACTION_GUARD,
	ACTION_DOWN,
};

/* Prints what was found; returns the checked configuration, or NULL. */
static struct conf *load(const char *file)
{
	struct diags diags = DIAGS_INIT;
	struct conf *conf = NULL;
	char line[1024];
	size_t i;

	if (conf_load(file, registry_all(), &diags, &conf))
		conf = NULL;
	for (i = 0; i < diags.count; i++) {
		diag_format(&diags.items[i], line, sizeof(line));
		fprintf(stderr, "%s\n", line);
	}
	diags_fini(&diags);
	return conf;
}

/* Root is about to lose the rights to write into other users' directories and to give files away:
 * setgid passes the directory's group on to the socket. */
static int prepare_for_root(const struct conf *conf, const char *directory, bool ours,
			    struct err *err)
{
	struct stat stat;

	if (lstat(directory, &stat))
		return err_set(err, -errno, "%s: %s", directory, strerror(errno));
	if (stat.st_uid && !(stat.st_mode & S_IWOTH))
		return err_set(err, -EPERM,
			       "%s belongs to uid %u; run compsd as that user (systemctl start "
			       "compsd), or remove it after compsd --down",
			       directory, (unsigned int)stat.st_uid);
	if (ours && conf->has_control_group && stat.st_gid != conf->control_group &&
	    (chown(directory, 0, conf->control_group) || chmod(directory, 02750)))
		return err_set(err, -errno, "cannot give %s to the control group: %s", directory,
			       strerror(errno));
	return 0;
}

/* Of the control socket. One that is there already and not the usual one stays as it is. */
static int make_run_directory(const struct conf *conf, struct err *err)
{
	char path[PATH_MAX];
	const char *directory;
	bool made;

	snprintf(path, sizeof(path), "%s", conf->control_socket);
	directory = dirname(path);
	made = !mkdir(directory, 0700);
	if (!made && errno != EEXIST)
		return err_set(err, -errno, "cannot make %s for the control socket: %s", directory,
			       strerror(errno));
	return geteuid() ? 0
			 : prepare_for_root(conf, directory,
					    made || !strcmp(directory, RUN_DIRECTORY), err);
}

static int run(struct conf *conf)
{
	struct log log = {conf->log_level, log_sink_stderr, NULL};
	struct daemon daemon;
	struct err err;
	int ret = make_run_directory(conf, &err);

	privileges_lock_memory(conf, &log);
	if (!ret)
		ret = privileges_drop(&err);
	if (ret) {
		fprintf(stderr, "compsd: %s\n", err.text);
		conf_free(conf);
		return 1;
	}
	if (daemon_init(&daemon, conf, &err)) {
		fprintf(stderr, "compsd: %s\n", err.text);
		return 1;
	}
	log_info(&daemon.log, "compsd %s: %zu paths, policy %s", COMPS_VERSION, conf->path_count,
		 conf->policy->name);
	daemon_run(&daemon);
	return daemon_fini(&daemon) ? 1 : 0;
}

static int close_off(struct conf *conf)
{
	struct log log = {conf->log_level, log_sink_stderr, NULL};
	struct network network;
	struct err err;
	int ret = network_open(&network, conf, &log, &err);

	if (!ret)
		ret = network_close_off(&network, &err);
	if (ret)
		fprintf(stderr, "compsd: %s\n", err.text);
	network_close(&network);
	conf_free(conf);
	return ret ? 1 : 0;
}

static int take_down(struct conf *conf)
{
	struct log log = {conf->log_level, log_sink_stderr, NULL};
	struct err err;
	int ret = teardown_all(conf, &log, &err);

	if (ret)
		fprintf(stderr, "compsd: %s\n", err.text);
	conf_free(conf);
	return ret ? 1 : 0;
}

static int act(enum action action, bool force, struct conf *conf)
{
	struct err err;

	if (privileges_check(action == ACTION_RUN, &err) ||
	    (action != ACTION_DOWN && !force &&
	     admin_check_session(conf, "/proc", getpid(), &err))) {
		fprintf(stderr, "compsd: %s\n", err.text);
		conf_free(conf);
		return 1;
	}
	switch (action) {
	case ACTION_GUARD:
		return close_off(conf);
	case ACTION_DOWN:
		return take_down(conf);
	default:
		return run(conf);
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'}, {"check", no_argument, NULL, 'k'},
		{"guard", no_argument, NULL, 'g'},	  {"down", no_argument, NULL, 'd'},
		{"force", no_argument, NULL, 'f'},	  {"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},	  {NULL, 0, NULL, 0},
	};
	const char *file = DEFAULT_CONFIG;
	enum action action = ACTION_RUN;
	bool force = false;
	struct conf *conf;
	int option;

	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			file = optarg;
			break;
		case 'k':
			action = ACTION_CHECK;
			break;
		case 'g':
			action = ACTION_GUARD;
			break;
		case 'd':
			action = ACTION_DOWN;
			break;
		case 'f':
			force = true;
			break;
		case 'v':
			printf("compsd %s\n", COMPS_VERSION);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind < argc) {
		fputs(usage, stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	privileges_forbid_dumps();
	conf = load(file);
	if (!conf)
		return 1;
	if (action == ACTION_CHECK) {
		conf_free(conf);
		return 0;
	}
	return act(action, force, conf);
}
