/* `comps watch` on a pseudo-terminal: it draws, follows the size, survives a daemon that goes away,
 * and gives the terminal back however it ends. */
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "tests/unit/cli_world.h"

#define ENTER "\033[?1049h"
#define LEAVE "\033[?1049l"

#define STATUS                                                                                     \
	"{\"ok\":true,\"status\":{\"version\":\"%s\",\"active\":\"ams\",\"paths\":[{\"name\":"     \
	"\"ams\",\"interface\":\"wgnet1\",\"state\":\"up\",\"rtt_s\":0.0234,\"jitter_s\":0.001,"   \
	"\"loss\":0}]}}\n"

struct screen {
	struct world *w;
	int terminal; /* the master side */
	struct termios before;
	char seen[1 << 20]; /* all that was drawn so far */
	size_t length;
};

static void start(struct screen *s, struct world *w)
{
	struct winsize size = {.ws_col = 80, .ws_row = 24};

	memset(s, 0, sizeof(*s));
	s->w = w;
	setenv("COMPS_SOCKET", w->socket, 1);
	setenv("TERM", "xterm", 1);
	w->child = forkpty(&s->terminal, NULL, NULL, &size);
	assert_true(w->child >= 0);
	if (w->child == 0) {
		execl(w->comps, "comps", "watch", "-n", "10ms", (char *)NULL);
		_exit(98);
	}
	assert_int_equal(tcgetattr(s->terminal, &s->before), 0);
}

/* Reads what was drawn; false at its end. */
static bool read_screen(struct screen *s)
{
	ssize_t count = read(s->terminal, s->seen + s->length, sizeof(s->seen) - 1 - s->length);

	if (count <= 0)
		return false;
	s->length += (size_t)count;
	return true;
}

/* Answers one request for the status. */
static void answer(struct screen *s, const char *version)
{
	char reply[512];

	world_expect_request(s->w);
	snprintf(reply, sizeof(reply), STATUS, version);
	world_send(s->w, reply, strlen(reply));
	world_hang_up(s->w);
}

/* Answers requests until `text` has been drawn. */
static void answer_until(struct screen *s, const char *version, const char *text)
{
	size_t from = s->length;

	while (!strstr(s->seen + from, text)) {
		struct pollfd wait[2] = {{.fd = s->w->listener, .events = POLLIN},
					 {.fd = s->terminal, .events = POLLIN}};

		if (poll(wait, 2, WORLD_DEADLINE_MS) < 1)
			fail_msg("\"%s\" was not drawn: %s", text, s->seen + from);
		if (wait[0].revents)
			answer(s, version);
		if (wait[1].revents)
			assert_true(read_screen(s));
	}
}

/* Answers until comps ends, and checks how it left the terminal. */
static void expect_good_end(struct screen *s)
{
	struct termios after;
	int status;

	for (;;) {
		struct pollfd wait[2] = {{.fd = s->w->listener, .events = POLLIN},
					 {.fd = s->terminal, .events = POLLIN}};

		assert_true(poll(wait, 2, WORLD_DEADLINE_MS) > 0);
		if (wait[0].revents)
			answer(s, "1");
		if (wait[1].revents && !read_screen(s))
			break;
	}
	assert_int_equal(waitpid(s->w->child, &status, 0), s->w->child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(s->length >= strlen(LEAVE));
	assert_string_equal(s->seen + s->length - strlen(LEAVE), LEAVE);
	assert_int_equal(tcgetattr(s->terminal, &after), 0);
	assert_int_equal(after.c_lflag, s->before.c_lflag);
	assert_memory_equal(after.c_cc, s->before.c_cc, sizeof(after.c_cc));
	close(s->terminal);
}

static void type(struct screen *s, const char *keys)
{
	assert_int_equal(write(s->terminal, keys, strlen(keys)), (ssize_t)strlen(keys));
}

static void test_it_draws_again_and_again_until_q(void **state)
{
	struct screen *s = malloc(sizeof(*s));

	assert_non_null(s);
	start(s, *state);
	answer_until(s, "1", "comps 1, up ");
	assert_non_null(strstr(s->seen, ENTER));
	answer_until(s, "2", "comps 2, up ");
	type(s, "xyz");
	answer_until(s, "3", "comps 3, up ");
	type(s, "q");
	expect_good_end(s);
	free(s);
}

static void test_ctrl_c(void **state)
{
	struct screen *s = malloc(sizeof(*s));

	assert_non_null(s);
	start(s, *state);
	answer_until(s, "1", "comps 1, up ");
	type(s, "\003");
	expect_good_end(s);
	free(s);
}

static void test_a_signal(void **state)
{
	struct screen *s = malloc(sizeof(*s));

	assert_non_null(s);
	start(s, *state);
	answer_until(s, "1", "comps 1, up ");
	kill(s->w->child, SIGTERM);
	expect_good_end(s);
	free(s);
}

static void test_a_smaller_window_gets_a_smaller_table(void **state)
{
	struct winsize small = {.ws_col = 30, .ws_row = 24};
	struct screen *s = malloc(sizeof(*s));

	assert_non_null(s);
	start(s, *state);
	answer_until(s, "1", "wgnet1");
	assert_int_equal(ioctl(s->terminal, TIOCSWINSZ, &small), 0);
	/* INTERFACE gives way: the state stands right behind the name. */
	answer_until(s, "1", "  ams   \033[32mup");
	type(s, "q");
	expect_good_end(s);
	free(s);
}

static void test_a_daemon_that_goes_and_comes_back(void **state)
{
	struct screen *s = malloc(sizeof(*s));
	struct world *w = *state;

	assert_non_null(s);
	start(s, w);
	answer_until(s, "1", "comps 1, up ");
	close(w->listener);
	unlink(w->socket);
	while (!strstr(s->seen, "no daemon at "))
		assert_true(read_screen(s));
	world_listen(w);
	answer_until(s, "2", "comps 2, up ");
	type(s, "q");
	expect_good_end(s);
	free(s);
}

static void test_a_pipe_gets_one_table_after_the_other(void **state)
{
	struct screen s = {.w = *state};

	world_start(s.w, "watch -n 1ms");
	answer(&s, "1");
	answer(&s, "2");
	world_expect_request(s.w);
	world_hang_up(s.w);
	world_finish(s.w);
	assert_int_equal(s.w->status, 1);
	assert_ptr_equal(strstr(s.w->out, "comps 1, up "), s.w->out);
	assert_non_null(strstr(s.w->out, "\n\ncomps 2, up "));
	assert_null(strchr(s.w->out, '\033'));
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_it_draws_again_and_again_until_q),
		WORLD_TEST(test_ctrl_c),
		WORLD_TEST(test_a_signal),
		WORLD_TEST(test_a_smaller_window_gets_a_smaller_table),
		WORLD_TEST(test_a_daemon_that_goes_and_comes_back),
		WORLD_TEST(test_a_pipe_gets_one_table_after_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
