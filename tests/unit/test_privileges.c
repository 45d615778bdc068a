/* What a process may still do after privileges_drop(); each test is a process of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/privileges.h"

/* Runs `fn` in a child; fails unless it returns 0. */
static void in_child(int (*fn)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid)
		_exit(fn());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void need_both(void)
{
	if (privileges_check(true, NULL)) {
		print_message("needs CAP_NET_ADMIN and CAP_NET_RAW\n");
		skip();
	}
}

/* Leaves exactly these effective and permitted. */
static int set_caps(const char *text)
{
	cap_t caps = cap_from_text(text);
	int ret = cap_set_proc(caps);

	cap_free(caps);
	return ret;
}

static int only_two_are_left(void)
{
	cap_t have, want = cap_from_text("cap_net_admin,cap_net_raw=eip");
	cap_value_t capability;
	struct err err;

	if (privileges_drop(&err))
		return 1;
	have = cap_get_proc();
	if (cap_compare(have, want))
		return 2;
	for (capability = 0; capability < cap_max_bits(); capability++) {
		if (capability != CAP_NET_ADMIN && capability != CAP_NET_RAW &&
		    cap_get_bound(capability) != 0)
			return 3;
	}
	cap_free(have);
	cap_free(want);
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 4;
}

static void test_only_two_are_left(void **state)
{
	(void)state;
	need_both();
	if (cap_get_bound(CAP_SETPCAP) != 1 || geteuid()) {
		print_message("needs root, to shrink the bounding set\n");
		skip();
	}
	in_child(only_two_are_left);
}

static int children_get_one(void)
{
	return privileges_drop(NULL) || cap_get_ambient(CAP_NET_ADMIN) != 1 ||
	       cap_get_ambient(CAP_NET_RAW) != 0;
}

static int works_without_setpcap(void)
{
	return set_caps("cap_net_admin,cap_net_raw=ep") || privileges_drop(NULL) ||
	       privileges_drop(NULL);
}

static void test_children_and_repetition(void **state)
{
	(void)state;
	need_both();
	in_child(children_get_one);
	in_child(works_without_setpcap);
}

static int says_what_is_missing(void)
{
	struct err err;

	if (set_caps("cap_net_admin=ep") || privileges_check(false, &err) ||
	    privileges_check(true, &err) != -EPERM ||
	    !strstr(err.text, "missing: CAP_NET_RAW (for") ||
	    strstr(err.text, "CAP_NET_ADMIN (for"))
		return 1;
	if (set_caps("=") || privileges_check(false, &err) != -EPERM ||
	    !strstr(err.text, "missing: CAP_NET_ADMIN (for") ||
	    strstr(err.text, "CAP_NET_RAW (for"))
		return 2;
	return privileges_drop(&err) ? 0 : 3;
}

static void test_says_what_is_missing(void **state)
{
	(void)state;
	need_both();
	in_child(says_what_is_missing);
}

static int forbids_dumps(void)
{
	struct rlimit limit;

	privileges_forbid_dumps();
	return getrlimit(RLIMIT_CORE, &limit) || limit.rlim_max ||
	       prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
}

static void test_forbids_dumps(void **state)
{
	(void)state;
	in_child(forbids_dumps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_two_are_left),
		cmocka_unit_test(test_children_and_repetition),
		cmocka_unit_test(test_says_what_is_missing),
		cmocka_unit_test(test_forbids_dumps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
