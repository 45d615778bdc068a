#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/admin.h"

/* A made-up /proc: process 30 is a child of 20, which is a child of 10, which is a child of 1. */
static char proc[] = "/tmp/comps-proc-XXXXXX";

static void put(int pid, const char *name, const char *bytes, size_t count)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%d", proc, pid);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/%d/%s", proc, pid, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, count, file), count);
	fclose(file);
}

static void put_process(int pid, int parent, const char *connection)
{
	char stat[64], environ[128];
	int bytes = snprintf(environ, sizeof(environ), "HOME=/root%cSSH_CONNECTION=%s", 0,
			     connection ? connection : "");

	snprintf(stat, sizeof(stat), "%d (a shell) S %d 1 1", pid, parent);
	put(pid, "stat", stat, strlen(stat));
	put(pid, "environ", environ, connection ? (size_t)bytes : strlen("HOME=/root"));
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(proc) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", proc);
	return system(command);
}

static int check(const char *connection, const char *bypass, struct err *err)
{
	struct ip_prefix prefix;
	struct conf conf = {.bypass = &prefix, .bypass_count = bypass != NULL};

	if (bypass)
		assert_int_equal(ip_prefix_parse(bypass, &prefix), 0);
	put_process(10, 1, NULL);
	put_process(20, 10, connection);
	put_process(30, 20, NULL);
	return admin_check_session(&conf, proc, 30, err);
}

static void without_a_session_there_is_nothing_to_cut(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(check(NULL, NULL, &err), 0);
	assert_int_equal(check("not an address", NULL, &err), 0);
}

static void an_ancestors_session_is_found(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(check("203.0.113.9 50000 192.0.2.1 22", NULL, &err), -EPERM);
	assert_non_null(strstr(err.text, "203.0.113.9"));
	assert_int_equal(check("2001:db8::9 50000 2001:db8::1 22", NULL, &err), -EPERM);
}

static void bypass_covers_it(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(check("203.0.113.9 50000 192.0.2.1 22", "203.0.113.0/24", &err), 0);
	assert_int_equal(check("203.0.113.9 50000 192.0.2.1 22", "198.51.100.0/24", &err), -EPERM);
	assert_int_equal(check("2001:db8::9 50000 2001:db8::1 22", "2001:db8::/32", &err), 0);
}

static void a_session_from_this_machine_is_safe(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(check("127.0.0.1 50000 127.0.0.1 22", NULL, &err), 0);
	assert_int_equal(check("::1 50000 ::1 22", NULL, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_session_there_is_nothing_to_cut),
		cmocka_unit_test(an_ancestors_session_is_found),
		cmocka_unit_test(bypass_covers_it),
		cmocka_unit_test(a_session_from_this_machine_is_safe),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
