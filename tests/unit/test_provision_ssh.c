/* Scripts over ssh, to a real sshd on loopback: what came of them, and whom it talks to. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "provision/client_keys.h"
#include "provision/ssh.h"

#define SECOND INT64_C(1000000)

struct server {
	char dir[64], host_key[512], identity[128];
	uint32_t port;
	pid_t sshd;
	bool stop;
	struct provision_env env;
	struct ssh_result *result;
};

static struct mono now(void *arg)
{
	(void)arg;
	return clock_now();
}

static bool stopped(void *arg)
{
	return ((struct server *)arg)->stop;
}

static void shell(const char *format, ...)
{
	char command[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	assert_int_equal(system(command), 0);
}

/* A port that nobody has at this moment. */
static uint32_t free_port(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &length), 0);
	close(fd);
	return ntohs(at.sin_port);
}

static bool answers(uint32_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0),
	    ret = connect(fd, (struct sockaddr *)&to, sizeof(to));

	close(fd);
	return ret == 0;
}

static void read_key(struct server *s)
{
	char file[128], *blank;
	FILE *in;

	snprintf(file, sizeof(file), "%s/host.pub", s->dir);
	in = fopen(file, "r");
	assert_non_null(in);
	assert_non_null(fgets(s->host_key, sizeof(s->host_key), in));
	fclose(in);
	blank = strrchr(s->host_key, ' '); /* before the comment */
	*blank = '\0';
}

static int setup(void **state)
{
	struct server *s = calloc(1, sizeof(*s));
	char port[16], config[128];

	if (!s || geteuid() != 0 || access("/usr/sbin/sshd", X_OK) != 0) {
		*state = NULL; /* each test skips */
		free(s);
		return 0;
	}
	strcpy(s->dir, "/tmp/comps-ssh.XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->identity, sizeof(s->identity), "%s/key", s->dir);
	shell("mkdir -p /run/sshd && ssh-keygen -q -t ed25519 -N '' -f %s/host && "
	      "ssh-keygen -q -t ed25519 -N '' -f %s/key && ssh-keygen -q -t ed25519 -N '' -f "
	      "%s/other && cp %s/key.pub %s/allowed",
	      s->dir, s->dir, s->dir, s->dir, s->dir);
	shell("printf 'ListenAddress 127.0.0.1\\nHostKey %s/host\\nAuthorizedKeysFile "
	      "%s/allowed\\nStrictModes no\\nUsePAM no\\nPidFile none\\nPermitRootLogin yes\\n' "
	      ">%s/config",
	      s->dir, s->dir, s->dir);
	s->port = free_port();
	snprintf(port, sizeof(port), "%u", s->port);
	snprintf(config, sizeof(config), "%s/config", s->dir);
	s->sshd = fork();
	if (s->sshd == 0) {
		execl("/usr/sbin/sshd", "/usr/sbin/sshd", "-D", "-q", "-f", config, "-p", port,
		      (char *)NULL);
		_exit(1);
	}
	for (struct mono end = mono_add_us(clock_now(), 20 * SECOND); !answers(s->port);) {
		assert_true(mono_before(clock_now(), end));
		usleep(10000);
	}
	read_key(s);
	s->env = (struct provision_env){.arg = s, .now = now, .stopped = stopped};
	s->result = calloc(1, sizeof(*s->result));
	*state = s;
	return s->result ? 0 : -1;
}

static int teardown(void **state)
{
	struct server *s = *state;

	if (!s)
		return 0;
	kill(s->sshd, SIGTERM);
	waitpid(s->sshd, NULL, 0);
	shell("rm -rf %s", s->dir);
	free(s->result);
	free(s);
	return 0;
}

static struct ssh_host host_of(const struct server *s)
{
	return (struct ssh_host){.address = "127.0.0.1",
				 .port = s->port,
				 .user = "root",
				 .identity = s->identity,
				 .alias = "comps-test-host",
				 .host_key = s->host_key,
				 .command = "sh -s"};
}

static int run(struct server *s, const struct ssh_host *host, const char *script, int64_t limit_us)
{
	struct err e;

	return ssh_run(host, s->dir, script, &s->env, mono_add_us(clock_now(), limit_us), s->result,
		       &e);
}

static struct server *server_or_skip(void **state)
{
	if (!*state)
		skip();
	return *state;
}

static void test_a_script_runs(void **state)
{
	struct server *s = server_or_skip(state);
	struct ssh_host host = host_of(s);

	assert_int_equal(run(s, &host, "echo out; echo err >&2; exit 7", 20 * SECOND), 0);
	assert_int_equal(s->result->outcome, SSH_RAN);
	assert_int_equal(s->result->status, 7);
	assert_string_equal(s->result->out, "out\n");
	assert_string_equal(s->result->err, "err\n");
}

/* More than fits into pipes, both ways: nobody waits for the other. */
static void test_much_is_said(void **state)
{
	struct server *s = server_or_skip(state);
	struct ssh_host host = host_of(s);
	char *script = malloc(400000);

	assert_non_null(script);
	strcpy(script, "yes out | head -c 300000; yes err | head -c 300000 >&2; echo last >&2\n");
	memset(script + strlen(script), '#', 300000);
	strcpy(script + 300000, "\nexit 0\n");
	assert_int_equal(run(s, &host, script, 30 * SECOND), 0);
	assert_int_equal(s->result->outcome, SSH_RAN);
	assert_int_equal(strlen(s->result->out), SSH_OUT_MAX - 1);
	assert_int_equal(strlen(s->result->err), SSH_ERR_MAX - 1);
	assert_string_equal(s->result->err + strlen(s->result->err) - 5, "last\n");
	free(script);
}

static void test_another_host_is_told_nothing(void **state)
{
	struct server *s = server_or_skip(state);
	struct ssh_host host = host_of(s);
	char wrong[] =
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKFrG2v8SVbmSyyDDVMUvkFAtlNyiOVgOWtYUVjyfkHn";
	char file[128];

	snprintf(file, sizeof(file), "%s/done", s->dir);
	host.host_key = wrong;
	assert_int_equal(run(s, &host, "touch done", 20 * SECOND), 0);
	assert_int_equal(s->result->outcome, SSH_WRONG_KEY);
	assert_int_not_equal(access(file, F_OK), 0);
}

static void test_who_is_not_let_in(void **state)
{
	struct server *s = server_or_skip(state);
	struct ssh_host host = host_of(s);
	char other[160];

	snprintf(other, sizeof(other), "%s/other", s->dir);
	host.identity = other;
	assert_int_equal(run(s, &host, "true", 20 * SECOND), 0);
	assert_int_equal(s->result->outcome, SSH_DENIED);
	host = host_of(s);
	host.port = free_port();
	assert_int_equal(run(s, &host, "true", 20 * SECOND), 0);
	assert_int_equal(s->result->outcome, SSH_NO_ANSWER);
}

static void test_an_end_is_made(void **state)
{
	struct server *s = server_or_skip(state);
	struct ssh_host host = host_of(s);

	assert_int_equal(run(s, &host, "sleep 600", SECOND), 0);
	assert_int_equal(s->result->outcome, SSH_BROKE);
	s->stop = true;
	assert_int_equal(run(s, &host, "sleep 600", 600 * SECOND), -EINTR);
	s->stop = false;
}

static void test_keys_are_made_once(void **state)
{
	struct server *s = server_or_skip(state);
	struct client_keys one, again, other, shared, shared_too;
	struct rng rng;
	struct err e;
	struct stat st;
	char file[128];

	assert_int_equal(rng_init_system(&rng), 0);
	assert_int_equal(client_keys_load(s->dir, "net", "ams", 0, &rng, &one, &e), 0);
	assert_int_equal(client_keys_load(s->dir, "net", "ams", 0, &rng, &again, &e), 0);
	assert_int_equal(client_keys_load(s->dir, "net", "fra", 0, &rng, &other, &e), 0);
	assert_memory_equal(&one, &again, sizeof(one));
	assert_memory_not_equal(one.private_key, other.private_key, KEY_BYTES);
	assert_memory_not_equal(one.preshared_key, other.preshared_key, KEY_BYTES);
	assert_int_equal(client_keys_load(s->dir, "net", "ams", 1, &rng, &shared, &e), 0);
	assert_int_equal(client_keys_load(s->dir, "net", "fra", 1, &rng, &shared_too, &e), 0);
	assert_memory_equal(shared.private_key, shared_too.private_key, KEY_BYTES);
	assert_memory_not_equal(shared.preshared_key, shared_too.preshared_key, KEY_BYTES);
	snprintf(file, sizeof(file), "%s/net.ams.key", s->dir);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(chmod(file, 0644), 0);
	assert_int_equal(client_keys_load(s->dir, "net", "ams", 0, &rng, &again, &e), -EPERM);
	shell("echo nonsense >%s && chmod 600 %s", file, file);
	assert_int_equal(client_keys_load(s->dir, "net", "ams", 0, &rng, &again, &e), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_script_runs),
		cmocka_unit_test(test_much_is_said),
		cmocka_unit_test(test_another_host_is_told_nothing),
		cmocka_unit_test(test_who_is_not_let_in),
		cmocka_unit_test(test_an_end_is_made),
		cmocka_unit_test(test_keys_are_made_once),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
