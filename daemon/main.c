/* compsd: reads the configuration, checks what it may do, and runs the daemon. */
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "conf/conf.h"
#include "daemon/daemon.h"
#include "daemon/teardown.h"
#include "policies/registry.h"

#define DEFAULT_CONFIG "/etc/comps/comps.yaml"

static const char usage[] =
	"usage: compsd [-c FILE] [--check | --down]\n"
	"\n"
	"  -c, --config FILE  the configuration (default " DEFAULT_CONFIG ")\n"
	"      --check        check the configuration and exit\n"
	"      --down         remove everything that compsd installed, and exit\n"
	"      --version      print the version and exit\n"
	"\n"
	"compsd stays in the foreground and logs to stderr. comps(1) talks to it.\n";

enum action {
	ACTION_RUN,
	ACTION_CHECK,
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

static bool has_capability(cap_value_t capability)
{
	cap_t caps = cap_get_proc();
	cap_flag_value_t value = CAP_CLEAR;

	if (caps)
		cap_get_flag(caps, capability, CAP_EFFECTIVE, &value);
	cap_free(caps);
	return value == CAP_SET;
}

static bool may_run(void)
{
	static const struct {
		cap_value_t value;
		const char *name, *why;
	} needed[] = {
		{CAP_NET_ADMIN, "CAP_NET_ADMIN", "interfaces, routes, rules and nftables"},
		{CAP_NET_RAW, "CAP_NET_RAW", "probes"},
	};
	bool may = true;
	size_t i;

	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (has_capability(needed[i].value))
			continue;
		fprintf(stderr,
			"compsd: the capability %s is missing (for %s); run it as root, or with "
			"AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW\n",
			needed[i].name, needed[i].why);
		may = false;
	}
	return may;
}

/* Keys are in memory: no core dumps, and no ptrace by others of the same user. */
static void protect_memory(void)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
}

static bool make_run_directory(const struct conf *conf)
{
	char path[PATH_MAX];
	const char *directory;

	snprintf(path, sizeof(path), "%s", conf->control_socket);
	directory = dirname(path);
	if (!mkdir(directory, 0755) || errno == EEXIST)
		return true;
	fprintf(stderr, "compsd: cannot make %s for the control socket: %s\n", directory,
		strerror(errno));
	return false;
}

static int run(struct conf *conf)
{
	struct daemon daemon;
	struct err err;

	if (!make_run_directory(conf)) {
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

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'}, {"check", no_argument, NULL, 'k'},
		{"down", no_argument, NULL, 'd'},	  {"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},	  {NULL, 0, NULL, 0},
	};
	const char *file = DEFAULT_CONFIG;
	enum action action = ACTION_RUN;
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
		case 'd':
			action = ACTION_DOWN;
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
	protect_memory();
	conf = load(file);
	if (!conf)
		return 1;
	if (action == ACTION_CHECK) {
		conf_free(conf);
		return 0;
	}
	if (!may_run()) {
		conf_free(conf);
		return 1;
	}
	return action == ACTION_DOWN ? take_down(conf) : run(conf);
}
