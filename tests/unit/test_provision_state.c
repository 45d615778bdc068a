/* The state of a network: what is read is what was written, it is locked, it refuses what is
 * damaged, and a writer that is killed at any moment leaves a whole file. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "provision/state.h"

#define KILLS 60

struct world {
	char root[64], directory[96];
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	*state = w;
	strcpy(w->root, "/tmp/comps-state-XXXXXX");
	assert_non_null(mkdtemp(w->root));
	snprintf(w->directory, sizeof(w->directory), "%s/a/comps", w->root);
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", w->root);
	free(w);
	return system(command);
}

static void fill(struct state *st, const char *name, const char *id)
{
	struct state_node *node = state_put(st, name);

	assert_non_null(node);
	node->status = STATE_ACTIVE;
	node->role = PROVIDER_COMP;
	node->index = 3;
	strcpy(node->id, id);
	strcpy(node->ip, "203.0.113.7");
	strcpy(node->host_key, "ssh-ed25519 AAAA");
}

static void test_written_and_read(void **state)
{
	struct world *w = *state;
	struct state st;
	struct stat info;
	char path[160];
	struct err e;

	assert_int_equal(state_open(w->directory, "net", true, "uuid-1", &st, &e), 0);
	assert_false(st.existed);
	fill(&st, "a", "12");
	fill(&st, "b", "13");
	state_drop(&st, "a");
	st.key_ours = true;
	strcpy(st.key_id, "77");
	assert_int_equal(state_save(&st, &e), 0);
	state_close(&st);

	assert_int_equal(state_open(w->directory, "net", false, NULL, &st, &e), 0);
	assert_true(st.existed && st.key_ours);
	assert_string_equal(st.uuid, "uuid-1");
	assert_string_equal(st.key_id, "77");
	assert_int_equal(st.node_count, 1);
	assert_null(state_find(&st, "a"));
	assert_string_equal(state_find(&st, "b")->id, "13");
	assert_int_equal(state_find(&st, "b")->role, PROVIDER_COMP);
	assert_int_equal(state_find(&st, "b")->status, STATE_ACTIVE);
	assert_int_equal(state_find(&st, "b")->index, 3);
	snprintf(path, sizeof(path), "%s/net.json", w->directory);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0600);
	assert_int_equal(stat(w->directory, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0700);
	assert_int_equal(state_remove(&st, &e), 0);
	assert_int_equal(access(path, F_OK), -1);
	state_close(&st);
}

static void test_locked(void **state)
{
	struct world *w = *state;
	struct state first, second;
	char pid[32];
	struct err e;

	assert_int_equal(state_open(w->directory, "net", true, "u", &first, &e), 0);
	assert_int_equal(state_open(w->directory, "net", true, "u", &second, &e), -EAGAIN);
	snprintf(pid, sizeof(pid), "process %ld", (long)getpid());
	assert_non_null(strstr(e.text, pid));
	assert_int_equal(state_open(w->directory, "other", true, "u", &second, &e), 0);
	state_close(&second);
	assert_int_equal(state_open(w->directory, "net", false, "u", &second, &e), 0);
	state_close(&second);
	state_close(&first);
	assert_int_equal(state_open(w->directory, "net", true, "u", &second, &e), 0);
	state_close(&second);
}

static void put_file(struct world *w, const char *text)
{
	char path[160];
	FILE *file;

	snprintf(path, sizeof(path), "%s/net.json", w->directory);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void test_damaged(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"{\"version\": 1", "line 1"},
		{"{}", "has no version"},
		{"{\"version\": 2}", "it is of version 2; this program knows version 1"},
		{"{\"version\": 1, \"network\": 5}", "\"network\" is missing"},
		{"[]", "has no version"},
		{"", "line 1"},
	};
	struct world *w = *state;
	struct state st;
	struct err e;

	assert_int_equal(state_open(w->directory, "net", true, "u", &st, &e), 0);
	state_close(&st);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_file(w, cases[i].text);
		assert_int_equal(state_open(w->directory, "net", true, "u", &st, &e), -EINVAL);
		if (!strstr(e.text, cases[i].says))
			fail_msg("\"%s\" is not in \"%s\"", cases[i].says, e.text);
	}
}

static void test_of_another_network(void **state)
{
	struct world *w = *state;
	char from[160], to[160];
	struct state st;
	struct err e;

	assert_int_equal(state_open(w->directory, "net", true, "u", &st, &e), 0);
	assert_int_equal(state_save(&st, &e), 0);
	state_close(&st);
	snprintf(from, sizeof(from), "%s/net.json", w->directory);
	snprintf(to, sizeof(to), "%s/other.json", w->directory);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(state_open(w->directory, "other", false, "u", &st, &e), -EINVAL);
}

/* Saves states of growing length for ever; node i has the id i. */
static void save_for_ever(const char *directory)
{
	struct state st;
	struct err e;
	char text[32];

	if (state_open(directory, "net", true, "u", &st, &e))
		_exit(1);
	for (unsigned int i = 0;; i++) {
		snprintf(text, sizeof(text), "n%u", i % 200);
		if (!state_put(&st, text) || state_save(&st, &e))
			_exit(2);
	}
}

static void test_killed_while_writing(void **state)
{
	struct world *w = *state;
	size_t most = 0;
	struct state st;
	struct err e;

	assert_int_equal(state_open(w->directory, "net", true, "u", &st, &e), 0);
	assert_int_equal(state_save(&st, &e), 0);
	state_close(&st);
	for (unsigned int i = 0; i < KILLS; i++) {
		pid_t child = fork();
		int status;

		if (child == 0)
			save_for_ever(w->directory);
		usleep(2000 + i * 377);
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		assert_true(WIFSIGNALED(status));
		if (state_open(w->directory, "net", false, NULL, &st, &e))
			fail_msg("kill %u: %s", i, e.text);
		assert_true(st.node_count >= most); /* what was saved is not lost */
		most = st.node_count;
		state_close(&st);
	}
	assert_true(most > 1);
}

static void test_directory(void **state)
{
	char out[64];
	struct err e;

	(void)state;
	assert_int_equal(state_directory("/x", "/h", out, sizeof(out), &e), 0);
	assert_string_equal(out, "/x/comps");
	assert_int_equal(state_directory("rel", "/h", out, sizeof(out), &e), 0);
	assert_string_equal(out, "/h/.local/state/comps");
	assert_int_equal(state_directory(NULL, NULL, out, sizeof(out), &e), -EINVAL);
	assert_int_equal(state_directory("/x", NULL, out, 5, &e), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_written_and_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_locked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damaged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_of_another_network, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_killed_while_writing, set_up, tear_down),
		cmocka_unit_test(test_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
