#include "cli/leaktest_steps.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "cli/format.h"
#include "lib/clock.h"

#define SECOND_US     INT64_C(1000000)
#define POLL_US	      100000
#define ASK_US	      (5 * SECOND_US)
#define MIGRATE_US    (20 * SECOND_US) /* settles late, is rolled back, settles late */
#define ELIGIBLE_US   (15 * SECOND_US) /* longer than a first hold-down */
#define RECOVER_US    (30 * SECOND_US)
#define BASELINE_US   (2 * SECOND_US)
#define DISTURB_US    (2 * SECOND_US) /* how long a broken state lasts */
#define STOP_US	      SECOND_US
#define SUPERVISOR_US (2 * SECOND_US)  /* in which somebody else may start the daemon again */
#define SYSTEMD_US    (10 * SECOND_US) /* RestartSec, and a busy machine */
#define RULES_BYTES   (256 * 1024)

/* --- questions to the daemon --- */

static int get_status(struct leaktest *t, json_t **reply)
{
	return rig_ask(&t->rig, json_pack("{s:s}", "cmd", "status"), ASK_US, reply, &t->note);
}

static const json_t *find_path(const json_t *status, const char *name)
{
	const json_t *path;
	size_t i;

	json_array_foreach(json_object_get(status, "paths"), i, path)
	{
		if (strcmp(format_string(path, "name"), name) == 0)
			return path;
	}
	return NULL;
}

static bool has_active(const json_t *status, const char *name)
{
	(void)name;
	return json_is_string(json_object_get(status, "active"));
}

static bool is_active(const json_t *status, const char *name)
{
	return strcmp(format_string(status, "active"), name) == 0;
}

static bool is_up(const json_t *status, const char *name)
{
	return strcmp(format_string(find_path(status, name), "state"), "up") == 0;
}

static bool is_eligible(const json_t *status, const char *name)
{
	return json_is_true(json_object_get(find_path(status, name), "eligible"));
}

/* Asks until `wanted` is true for path `name`. -ETIMEDOUT where it is not after `us`. */
static int wait_until(struct leaktest *t, bool (*wanted)(const json_t *, const char *),
		      const char *name, int64_t us)
{
	struct mono deadline = mono_add_us(clock_now(), us);
	json_t *reply;
	int rc;

	do {
		if (get_status(t, &reply) == 0) {
			bool true_now = wanted(json_object_get(reply, "status"), name);

			json_decref(reply);
			if (true_now)
				return 0;
		}
		rc = rig_wait(&t->rig, -1, POLL_US);
		if (rc < 0)
			return err_set(&t->note, rc, "interrupted");
	} while (!mono_due(deadline, clock_now()));
	return -ETIMEDOUT;
}

/* The configuration of the active path. NULL with a sentence in t->note. */
static const struct conf_path *active_path(struct leaktest *t)
{
	const struct conf_path *found = NULL;
	json_t *reply;

	if (get_status(t, &reply) < 0)
		return NULL;
	for (size_t i = 0; i < t->conf->path_count; i++)
		if (is_active(json_object_get(reply, "status"), t->conf->paths[i].name))
			found = &t->conf->paths[i];
	json_decref(reply);
	if (!found)
		err_set(&t->note, 0, "no path is active");
	return found;
}

/* Keeps on watching for `us`. */
static int watch_for(struct leaktest *t, int64_t us)
{
	int rc = rig_wait(&t->rig, -1, us);

	return rc < 0 ? err_set(&t->note, rc, "interrupted") : 0;
}

/* --- nothing happens; migrations --- */

static int baseline(struct leaktest *t)
{
	uint64_t *tunnel = &t->rig.watch.count[PACKET_TUNNEL], before = *tunnel;
	int rc = watch_for(t, BASELINE_US);

	if (rc < 0)
		return rc;
	if (*tunnel == before)
		return err_set(&t->note, -ENOLINK,
			       "not one packet to a proxy was seen: is this the right uplink?");
	return err_set(&t->note, 0, "%llu packets to proxies",
		       (unsigned long long)(*tunnel - before));
}

/* Once. -EAGAIN where the daemon refuses. */
static int try_to_migrate(struct leaktest *t, const char *name)
{
	json_t *reply,
		*request = json_pack("{s:s, s:s, s:b}", "cmd", "migrate", "path", name, "wait", 1);
	int rc = rig_ask(&t->rig, request, MIGRATE_US, &reply, &t->note);

	if (rc < 0)
		return rc;
	if (!json_is_true(json_object_get(reply, "ok"))) {
		rc = strcmp(format_string(reply, "code"), "refused") == 0 ? -EAGAIN : -EIO;
		err_set(&t->note, rc, "to %s: %s", name, format_string(reply, "error"));
	}
	json_decref(reply);
	return rc;
}

/* A policy may be moving at the same time, so a refusal is not the last word. */
static int migrate_to(struct leaktest *t, const char *name)
{
	struct mono deadline = mono_add_us(clock_now(), ASK_US);
	int rc = try_to_migrate(t, name);

	while (rc == -EAGAIN && !mono_due(deadline, clock_now())) {
		struct err refusal = t->note;

		if (wait_until(t, is_active, name, 0) == 0)
			return 0;
		rc = watch_for(t, POLL_US);
		if (rc == 0)
			rc = try_to_migrate(t, name);
		else
			t->note = refusal;
	}
	return rc;
}

/* A path that failed in an earlier step may still be held down. */
static bool can_be_used(struct leaktest *t, const char *name)
{
	json_t *reply;
	bool drained;

	if (get_status(t, &reply) < 0)
		return false;
	drained = json_is_true(
		json_object_get(find_path(json_object_get(reply, "status"), name), "drained"));
	json_decref(reply);
	return !drained && wait_until(t, is_eligible, name, ELIGIBLE_US) == 0;
}

static int migrate_everywhere(struct leaktest *t)
{
	const struct conf_path *from = active_path(t);
	char to[128] = "", not_to[128] = "";
	int rc = from ? 0 : -EIO;

	for (size_t i = 0; i < t->conf->path_count && rc == 0; i++) {
		const char *name = t->conf->paths[i].name;
		bool usable;
		char *list;

		if (&t->conf->paths[i] == from)
			continue;
		usable = can_be_used(t, name);
		if (usable)
			rc = migrate_to(t, name);
		list = usable ? to : not_to;
		snprintf(list + strlen(list), sizeof(to) - strlen(list), " %s", name);
	}
	if (rc < 0)
		return rc;
	if (!*to)
		return err_set(&t->note, LEAKTEST_SKIPPED, "no other path can be used");
	return err_set(&t->note, 0, "to%s%s%s", to, *not_to ? "; cannot be used:" : "", not_to);
}

/* --- the daemon dies, or hangs --- */

static int wait_for_service(struct leaktest *t)
{
	struct daemon_process found;
	int rc = wait_until(t, has_active, "", RECOVER_US);

	if (rc == -ETIMEDOUT)
		return err_set(&t->note, rc, "the daemon does not serve again");
	if (rc == 0)
		rc = daemon_process_find(&found, t->rig.cli->socket, &t->note);
	if (rc < 0)
		return rc;
	daemon_process_close(&t->daemon);
	t->daemon = found;
	return 0;
}

/* Says whether somebody listens on the control socket. */
static bool is_served(const struct leaktest *t)
{
	struct client client;
	struct err ignored;
	int rc = client_open(&client, t->rig.cli->socket, POLL_US, &ignored);

	client_close(&client);
	return rc == 0;
}

static int wait_for_supervisor(struct leaktest *t)
{
	struct mono deadline =
		mono_add_us(clock_now(), t->daemon.is_unit ? SYSTEMD_US : SUPERVISOR_US);
	int rc = 0;

	while (rc == 0 && !is_served(t) && !mono_due(deadline, clock_now()))
		rc = watch_for(t, POLL_US);
	return rc;
}

static int start_again(struct leaktest *t)
{
	static const char *const systemd[] = {"systemctl", "start", DAEMON_PROCESS_UNIT, NULL};
	char out[512];

	return t->daemon.is_unit ? rig_run(&t->rig, systemd, out, sizeof(out), &t->note)
				 : daemon_process_start(&t->daemon, &t->note);
}

static int kill_daemon(struct leaktest *t)
{
	struct mono killed = clock_now();
	bool by_itself;
	double dead_s;
	int rc;

	t->killed = true;
	rc = daemon_process_signal(&t->daemon, SIGKILL);
	if (rc < 0)
		return err_set(&t->note, rc, "cannot kill the daemon: %s", strerror(-rc));
	rc = rig_wait(&t->rig, t->daemon.handle, RECOVER_US);
	if (rc <= 0)
		return rc ? err_set(&t->note, rc, "interrupted")
			  : err_set(&t->note, -ETIMEDOUT, "the daemon does not die");
	rc = wait_for_supervisor(t);
	by_itself = is_served(t);
	if (rc == 0 && !by_itself)
		rc = start_again(t);
	dead_s = (double)mono_diff_us(clock_now(), killed) / 1e6;
	if (rc == 0)
		rc = wait_for_service(t);
	t->killed = rc != 0;
	return rc ? rc
		  : err_set(&t->note, 0, "dead for %.1fs, then started again%s", dead_s,
			    by_itself ? " by itself" : "");
}

static int stop_daemon(struct leaktest *t)
{
	int rc = daemon_process_signal(&t->daemon, SIGSTOP);

	if (rc < 0)
		return err_set(&t->note, rc, "cannot stop the daemon: %s", strerror(-rc));
	t->stopped = true;
	rc = watch_for(t, STOP_US);
	if (rc < 0)
		return rc;
	daemon_process_signal(&t->daemon, SIGCONT);
	t->stopped = false;
	rc = wait_for_service(t);
	return rc ? rc : err_set(&t->note, 0, "stopped for %ds", (int)(STOP_US / SECOND_US));
}

/* --- the active overlay goes --- */

static int run_ip(struct leaktest *t, const char *const *argv)
{
	char out[512];

	return rig_run(&t->rig, argv, out, sizeof(out), &t->note);
}

static int set_link(struct leaktest *t, const char *interface, const char *state)
{
	const char *const argv[] = {"ip", "link", "set", "dev", interface, state, NULL};

	return run_ip(t, argv);
}

/* The active path where its interface may be touched; else NULL, with what the step returns. */
static const struct conf_path *managed_path(struct leaktest *t, int *rc)
{
	const struct conf_path *path = active_path(t);

	*rc = path ? 0 : -EIO;
	if (!path || path->tunnel.manage)
		return path;
	*rc = err_set(&t->note, LEAKTEST_SKIPPED, "%s is not managed by compsd",
		      path->tunnel.interface);
	return NULL;
}

static int wait_for_path(struct leaktest *t, const struct conf_path *path, const char *what)
{
	int rc = wait_until(t, is_up, path->name, RECOVER_US);

	if (rc == -ETIMEDOUT)
		return err_set(&t->note, rc, "%s was %s and path %s is not up again",
			       path->tunnel.interface, what, path->name);
	return rc ? rc : err_set(&t->note, 0, "%s, of path %s", path->tunnel.interface, path->name);
}

static int set_overlay_down(struct leaktest *t)
{
	int rc;
	const struct conf_path *path = managed_path(t, &rc);

	if (!path)
		return rc;
	snprintf(t->link_down, sizeof(t->link_down), "%s", path->tunnel.interface);
	rc = set_link(t, path->tunnel.interface, "down");
	if (rc == 0)
		rc = watch_for(t, DISTURB_US);
	if (rc == 0)
		rc = set_link(t, path->tunnel.interface, "up");
	if (rc < 0)
		return rc;
	t->link_down[0] = '\0';
	return wait_for_path(t, path, "set down");
}

static int delete_overlay(struct leaktest *t)
{
	int rc;
	const struct conf_path *path = managed_path(t, &rc);
	const char *const argv[] = {
		"ip", "link", "delete", "dev", path ? path->tunnel.interface : "", NULL};

	if (!path)
		return rc;
	rc = run_ip(t, argv);
	if (rc == 0)
		rc = watch_for(t, DISTURB_US);
	return rc ? rc : wait_for_path(t, path, "deleted");
}

/* --- somebody removes the rules --- */

/* `ip FAMILY rule VERB protocol N`: what it prints goes to `out`. */
static int run_ip_rule(struct leaktest *t, const char *family, const char *verb, char *out,
		       size_t out_bytes)
{
	char protocol[16];
	const char *const argv[] = {"ip", family, "rule", verb, "protocol", protocol, NULL};

	snprintf(protocol, sizeof(protocol), "%u", t->conf->network.protocol);
	return rig_run(&t->rig, argv, out, out_bytes, &t->note);
}

/* Removes the rules of one family and waits until as many are there again. */
static int flush_family(struct leaktest *t, const char *family, char *before, char *after)
{
	struct mono deadline = mono_add_us(clock_now(), RECOVER_US);
	int rc = run_ip_rule(t, family, "list", before, RULES_BYTES);

	if (rc == 0)
		rc = run_ip_rule(t, family, "flush", after, RULES_BYTES);
	while (rc == 0) {
		rc = run_ip_rule(t, family, "list", after, RULES_BYTES);
		if (rc < 0 || strcmp(before, after) == 0)
			return rc;
		if (mono_due(deadline, clock_now()))
			return err_set(&t->note, -ETIMEDOUT,
				       "ip %s rule: the daemon does not put its rules back",
				       family);
		rc = watch_for(t, POLL_US);
	}
	return rc;
}

static int flush_rules(struct leaktest *t)
{
	char *texts = calloc(2, RULES_BYTES);
	struct mono start = clock_now();
	int rc;

	if (!texts)
		return err_set(&t->note, -ENOMEM, "out of memory");
	rc = flush_family(t, "-4", texts, texts + RULES_BYTES);
	if (rc == 0)
		rc = flush_family(t, "-6", texts, texts + RULES_BYTES);
	free(texts);
	return rc ? rc
		  : err_set(&t->note, 0, "all back after %.1fs",
			    (double)mono_diff_us(clock_now(), start) / 1e6);
}

/* --- all together --- */

static const struct leaktest_step steps[] = {
	{"baseline", baseline},		 {"migrate", migrate_everywhere}, {"kill", kill_daemon},
	{"link-down", set_overlay_down}, {"link-delete", delete_overlay}, {"stop", stop_daemon},
	{"flush-rules", flush_rules},
};

const struct leaktest_step *leaktest_steps(size_t *count)
{
	*count = sizeof(steps) / sizeof(steps[0]);
	return steps;
}

int leaktest_steps_restore(struct leaktest *t)
{
	int rc = 0;

	t->rig.restoring = true;
	if (t->stopped)
		daemon_process_signal(&t->daemon, SIGCONT);
	if (*t->link_down)
		set_link(t, t->link_down, "up");
	/* Interrupted between the kill and its effect: the dying daemon's socket still accepts. */
	if (t->killed)
		rig_wait(&t->rig, t->daemon.handle, RECOVER_US);
	wait_for_supervisor(t);
	if (!is_served(t))
		rc = start_again(t);
	if (rc == 0)
		rc = wait_for_service(t);
	if (rc == 0 && *t->home && wait_until(t, is_active, t->home, 0) < 0 &&
	    can_be_used(t, t->home))
		rc = migrate_to(t, t->home);
	return rc ? rc : err_set(&t->note, 0, "the daemon runs");
}
