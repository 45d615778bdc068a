/* The end check, new keys and a new server, while a daemon uses the paths: in memory, in virtual
 * time, and with every failure in between. */
#include "tests/unit/provision_fixture.h"

#include "provision/client_keys.h"
#include "provision/end_check.h"
#include "provision/rekey.h"
#include "provision/replace.h"
#include "provision/tunnels.h"

/* --- a daemon ----------------------------------------------------------------------------------
 */

struct daemon_path {
	char name[PROVIDER_NAME_BYTES];
	bool drained;
};

struct fake_daemon {
	struct world *w;
	struct live live;
	struct daemon_path written[NODES], paths[NODES]; /* its file, and what it has read of it */
	size_t written_count, path_count;
	size_t bundles, reloads;
	bool deaf;			 /* it does not read what was written */
	char never[PROVIDER_NAME_BYTES]; /* a path that does not come up */
	char log[512];
};

static void note(struct fake_daemon *d, const char *what, const char *path)
{
	size_t used = strlen(d->log);

	snprintf(d->log + used, sizeof(d->log) - used, "%s%s%s ", what, *path ? ":" : "", path);
}

static int write_bundle(void *arg, struct err *e)
{
	struct fake_daemon *d = arg;
	struct tunnels tunnels;
	int ret = tunnels_load(&d->w->config, &d->w->state, &tunnels, e);

	if (ret)
		return ret;
	d->bundles++;
	d->written_count = tunnels.count;
	for (size_t i = 0; i < tunnels.count; i++)
		snprintf(d->written[i].name, sizeof(d->written[i].name), "%s",
			 tunnels.proxies[i].path);
	tunnels_fini(&tunnels);
	return 0;
}

static int find(const struct fake_daemon *d, const char *path)
{
	for (size_t i = 0; i < d->path_count; i++)
		if (strcmp(d->paths[i].name, path) == 0)
			return (int)i;
	return -1;
}

/* The first that is not drained. */
static int active(const struct fake_daemon *d)
{
	for (size_t i = 0; i < d->path_count; i++)
		if (!d->paths[i].drained && strcmp(d->paths[i].name, d->never) != 0)
			return (int)i;
	return 0;
}

static int daemon_look(void *arg, const char *path, struct live_path *out, struct err *e)
{
	struct fake_daemon *d = arg;
	int found = find(d, path);

	(void)e;
	*out = (struct live_path){.known = found >= 0,
				  .up = found >= 0 && strcmp(path, d->never) != 0,
				  .active = found >= 0 && found == active(d)};
	strcpy(out->text, "as told");
	return 0;
}

static int daemon_reload(void *arg, struct err *e)
{
	struct fake_daemon *d = arg;

	(void)e;
	d->reloads++;
	note(d, "reload", "");
	if (d->deaf)
		return 0;
	memcpy(d->paths, d->written, sizeof(d->paths));
	d->path_count = d->written_count;
	return 0;
}

static int daemon_drain(void *arg, const char *path, bool drained, struct err *e)
{
	struct fake_daemon *d = arg;

	(void)e;
	assert_true(find(d, path) >= 0);
	d->paths[find(d, path)].drained = drained;
	note(d, drained ? "drain" : "enable", path);
	return 0;
}

/* A network that is up, and with `live` a daemon that uses it. */
static void begin(struct world *w, struct fake_daemon *d, bool live)
{
	struct apply_result result;
	struct err e;

	assert_int_equal(apply(w, fake_set_up, &result), 0);
	assert_int_equal(result.proved, 2);
	*d = (struct fake_daemon){.w = w};
	d->live = (struct live){
		.arg = d, .look = daemon_look, .reload = daemon_reload, .drain = daemon_drain};
	w->job.bundle = write_bundle;
	w->job.bundle_arg = d;
	if (!live)
		return;
	w->job.live = &d->live;
	assert_int_equal(write_bundle(d, &e), 0);
	assert_int_equal(daemon_reload(d, &e), 0);
	d->log[0] = '\0';
}

static int replace(struct world *w, const char *node, struct apply_result *result, struct err *e)
{
	struct diags diags = DIAGS_INIT;
	struct look look;
	int ret = replace_begin(&w->job, node, e);

	if (ret)
		return ret;
	assert_int_equal(look_run(&w->job, &diags, &look, e), 0);
	ret = replace_run(&w->job, &look.plan, node, result, e);
	look_fini(&look);
	diags_fini(&diags);
	return ret;
}

/* --- the end check ---------------------------------------------------------------------------- */

static void test_a_path_that_does_not_work_is_no_success(void **state)
{
	struct world *w = *state;
	struct apply_result result;

	strcpy(w->broken, "192.0.2.2");
	assert_int_equal(apply(w, fake_set_up, &result), -ECANCELED);
	assert_int_equal(result.failed, 0);
	assert_int_equal(result.proved, 1);
	assert_int_equal(result.unproved, 1);
	assert_true(state_find(&w->state, "p0")->proved);
	assert_false(state_find(&w->state, "p1")->proved);
	assert_true(changes(w)); /* it is not done */
	w->broken[0] = '\0';
	assert_int_equal(apply(w, fake_set_up, &result), 0);
	assert_false(changes(w));
}

static void test_what_has_been_proved_is_left_alone(void **state)
{
	struct world *w = *state;
	struct fake_daemon d;
	struct apply_result result;

	begin(w, &d, false);
	assert_int_equal(w->proves, 2);
	assert_int_equal(w->exit_proves, 2);
	assert_int_equal(apply(w, fake_set_up, &result), 0);
	assert_int_equal(w->proves, 2);
	strcpy(w->drifted, "p1");
	assert_int_equal(apply(w, fake_set_up, &result), 0);
	assert_int_equal(w->proves, 3); /* p1 alone was changed */
}

static void test_a_daemon_is_asked_instead(void **state)
{
	struct world *w = *state;
	struct fake_daemon d;
	struct apply_result result;

	begin(w, &d, true);
	strcpy(w->drifted, "p1");
	assert_int_equal(apply(w, fake_set_up, &result), 0);
	assert_int_equal(result.proved, 1);
	assert_int_equal(w->proves, 2); /* its sessions were not taken over */
	strcpy(d.never, "p1");
	assert_int_equal(apply(w, fake_set_up, &result), -ECANCELED);
}

/* --- rekey ------------------------------------------------------------------------------------ */

static void keys_of(const struct world *w, const char *path, struct client_keys *out)
{
	struct err e;

	assert_int_equal(client_keys_load(w->directory, "net", path,
					  w->config.client_keys == CONFIG_KEYS_SHARED, NULL, out,
					  &e),
			 0);
}

static void test_rekey_leaves_each_path_meanwhile(void **state)
{
	struct world *w = *state;
	struct client_keys before, after;
	struct fake_daemon d;
	size_t done;
	struct err e;

	begin(w, &d, true);
	keys_of(w, "p0", &before);
	assert_int_equal(rekey_run(&w->job, NULL, &done, &e), 0);
	assert_int_equal(done, 3);
	assert_int_equal(w->rekeys, 3);
	assert_string_equal(d.log, "drain:p0 reload enable:p0 drain:p1 reload enable:p1 reload ");
	keys_of(w, "p0", &after);
	assert_memory_not_equal(before.private_key, after.private_key, KEY_BYTES);
	assert_memory_not_equal(before.preshared_key, after.preshared_key, KEY_BYTES);
	assert_false(changes(w));
}

static void test_rekey_of_one(void **state)
{
	struct world *w = *state;
	struct client_keys before, after;
	struct fake_daemon d;
	size_t done;
	struct err e;

	begin(w, &d, true);
	keys_of(w, "p0", &before);
	assert_int_equal(rekey_run(&w->job, "p1", &done, &e), 0);
	assert_int_equal(done, 1);
	assert_string_equal(d.log, "drain:p1 reload enable:p1 ");
	keys_of(w, "p0", &after);
	assert_memory_equal(&before, &after, sizeof(before));
}

static void test_rekey_of_a_shared_key_is_for_all(void **state)
{
	struct world *w = *state;
	struct client_keys before, after;
	struct fake_daemon d;
	size_t done;
	struct err e;

	w->config.client_keys = CONFIG_KEYS_SHARED;
	begin(w, &d, false);
	keys_of(w, "p0", &before);
	assert_int_equal(rekey_run(&w->job, "p1", &done, &e), -EINVAL);
	assert_int_equal(rekey_run(&w->job, NULL, &done, &e), 0);
	assert_int_equal(done, 3);
	assert_int_equal(d.bundles, 1);
	keys_of(w, "p0", &after);
	assert_memory_not_equal(before.private_key, after.private_key, KEY_BYTES);
}

static void test_rekey_that_fails_is_finished_by_apply(void **state)
{
	struct world *w = *state;
	struct apply_result result;
	struct fake_daemon d;
	size_t done;
	struct err e;

	begin(w, &d, true);
	w->set_up_fails = 1;
	assert_int_equal(rekey_run(&w->job, NULL, &done, &e), -ECANCELED);
	assert_int_equal(done, 0);
	assert_string_equal(d.log, "drain:p0 enable:p0 ");		/* nothing stays drained */
	assert_int_equal(rekey_run(&w->job, NULL, &done, &e), -EINVAL); /* apply first */
	assert_int_equal(apply(w, fake_set_up, &result), 0);
	assert_false(changes(w));
}

/* --- replace ---------------------------------------------------------------------------------- */

static bool has_server(const struct world *w, const char *id)
{
	for (size_t i = 0; i < w->server_count; i++)
		if (strcmp(w->servers[i].node.id, id) == 0)
			return true;
	return false;
}

static void test_replaced_make_before_break(void **state)
{
	struct world *w = *state;
	struct apply_result result;
	struct client_keys keys;
	struct fake_daemon d;
	struct err e;

	begin(w, &d, true);
	assert_int_equal(replace(w, "p0", &result, &e), 0);
	assert_string_equal(d.log, "reload drain:p0 reload ");
	assert_int_equal(result.made, 1);
	assert_int_equal(result.destroyed, 1);
	assert_false(has_server(w, "1"));
	assert_int_equal(w->server_count, 3);
	assert_string_equal(state_find(&w->state, "p0")->id, "4");
	assert_int_equal(d.path_count, 2);
	assert_string_equal(d.paths[0].name, "p0-2");
	assert_string_equal(w->last_proxies, "192.0.2.4 192.0.2.2 "); /* what the exit knows */
	assert_int_equal(client_keys_load(w->directory, "net", "p0", false, NULL, &keys, &e),
			 -ENOENT);
	assert_int_equal(w->exit_proves, 2); /* the client's session with the exit lives on */
	assert_false(changes(w));
	/* And once more: the first name is free again. */
	assert_int_equal(replace(w, "p0", &result, &e), 0);
	assert_string_equal(d.paths[0].name, "p0");
	assert_false(changes(w));
}

static void test_replaced_without_a_daemon(void **state)
{
	struct world *w = *state;
	struct apply_result result;
	struct fake_daemon d;
	struct err e;

	begin(w, &d, false);
	assert_int_equal(replace(w, "p1", &result, &e), 0);
	assert_int_equal(d.bundles, 2);
	assert_int_equal(d.written_count, 2);
	assert_string_equal(d.written[1].name, "p1-2");
	assert_false(has_server(w, "2"));
}

static void test_what_cannot_be_replaced(void **state)
{
	struct world *w = *state;
	struct fake_daemon d;
	struct err e;

	begin(w, &d, false);
	assert_int_equal(replace_begin(&w->job, "exit", &e), -EINVAL);
	assert_int_equal(replace_begin(&w->job, "p7", &e), -EINVAL);
	state_find(&w->state, "p0")->status = STATE_ACTIVE;
	assert_int_equal(replace_begin(&w->job, "p0", &e), -EINVAL);
}

/* Killed between the old one's retirement and the new one's intent. */
static void test_a_node_without_a_server(void **state)
{
	struct world *w = *state;
	struct apply_result result;
	struct fake_daemon d;
	struct err e;

	begin(w, &d, false);
	state_retire(&w->state, "p0");
	assert_int_equal(w->proves, 2);
	assert_int_equal(end_check_run(&w->job, &(struct end_check_result){0}, &e), 0);
	assert_int_equal(w->proves, 2);
	assert_int_equal(apply(w, fake_set_up, &result), 0); /* makes it */
	assert_true(has_server(w, "1"));
	assert_int_equal(replace(w, "p0", &result, &e), 0);
	assert_false(has_server(w, "1"));
}

/* However far it comes, the old server stays until the new path works, and the next run ends it. */
static void test_a_replacement_is_gone_on_with(void **state)
{
	struct world *w = *state;
	struct apply_result result;
	struct fake_daemon d;
	struct err e;

	begin(w, &d, true);
	w->set_up_fails = 1;
	assert_int_equal(replace(w, "p0", &result, &e), -ECANCELED);
	assert_true(has_server(w, "1"));
	assert_string_equal(d.log, "");
	assert_int_equal(apply(w, fake_set_up, &result), 0); /* leaves the old one alone */
	assert_true(has_server(w, "1"));
	strcpy(w->broken, "192.0.2.4");
	state_find(&w->state, "p0")->proved = false;
	assert_int_equal(replace(w, "p0", &result, &e), -ECANCELED);
	assert_true(has_server(w, "1"));
	w->broken[0] = '\0';
	strcpy(d.never, "p0-2");
	assert_int_equal(replace(w, "p0", &result, &e), -ETIMEDOUT);
	assert_true(has_server(w, "1"));
	d.never[0] = '\0';
	d.path_count = 0;
	d.deaf = true;
	assert_int_equal(replace(w, "p0", &result, &e), -ENOENT);
	assert_true(has_server(w, "1"));
	d.deaf = false;
	assert_int_equal(replace(w, "p0", &result, &e), 0);
	assert_false(has_server(w, "1"));
	assert_int_equal(w->posts, 4); /* one new server in all this */
	assert_false(changes(w));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_path_that_does_not_work_is_no_success,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_has_been_proved_is_left_alone, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_daemon_is_asked_instead, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_rekey_leaves_each_path_meanwhile, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_rekey_of_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_rekey_of_a_shared_key_is_for_all, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_rekey_that_fails_is_finished_by_apply, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_replaced_make_before_break, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_replaced_without_a_daemon, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_cannot_be_replaced, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_node_without_a_server, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_replacement_is_gone_on_with, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
