/* Policies from shared objects: which are loaded, which not and why; and that nonsense does no
 * harm.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/plugins.h"
#include "conf/policy_params.h"
#include "policies/registry.h"

struct folder {
	char name[64], file[128];
};

static const char *build(void)
{
	const char *folder = getenv("BUILD");

	return folder ? folder : "build";
}

/* A copy of tests/plugins/NAME.so in a folder of its own. */
static void put(struct folder *f, const char *name, mode_t mode)
{
	char command[512];

	snprintf(f->file, sizeof(f->file), "%s/%s.so", f->name, name);
	snprintf(command, sizeof(command), "cp %s/tests/plugins/%s.so %s", build(), name, f->file);
	assert_int_equal(system(command), 0);
	assert_int_equal(chmod(f->file, mode), 0);
}

static int enter(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	strcpy(f->name, "/tmp/comps-plugins.XXXXXX");
	*state = f;
	return mkdtemp(f->name) ? 0 : -1;
}

static int leave(void **state)
{
	struct folder *f = *state;
	char command[128];
	int ret;

	snprintf(command, sizeof(command), "rm -rf %s", f->name);
	ret = system(command);
	free(f);
	return ret;
}

static void expect_refused(const char *file, int code, const char *why)
{
	struct plugins plugins;
	struct err err = {""};

	assert_int_equal(plugins_init(&plugins, registry_all()), 0);
	assert_int_equal(plugins_load(&plugins, file, &err), code);
	if (!strstr(err.text, why) || strncmp(err.text, file, strlen(file)) != 0)
		fail_msg("%s", err.text);
	plugins_fini(&plugins);
}

/* --- which are loaded ------------------------------------------------------------------------- */

static void test_a_good_one_is_a_policy_like_the_others(void **state)
{
	struct folder *f = *state;
	const struct policy_ops *ops;
	struct plugins plugins;
	struct err err;
	size_t built_in;

	put(f, "hostile", 0644);
	assert_int_equal(plugins_init(&plugins, registry_all()), 0);
	built_in = plugins.count;
	assert_int_equal(plugins_load(&plugins, f->file, &err), 0);
	assert_int_equal(plugins.count, built_in + 1);
	ops = conf_policy_find(plugins.policies, "hostile", &err);
	assert_non_null(ops);
	assert_ptr_equal(conf_policy_find(plugins.policies, "hold", &err), registry_find("hold"));
	assert_int_equal(plugins_load(&plugins, f->file, &err), -EEXIST);
	assert_non_null(strstr(err.text, "there is another policy \"hostile\""));
	plugins_fini(&plugins);
	assert_string_equal(ops->name, "hostile"); /* it stays loaded */
}

static void test_files_that_are_refused(void **state)
{
	struct folder *f = *state;
	char other[160];

	expect_refused("/nowhere/x.so", -ENOENT, "No such file");
	expect_refused(f->name, -EBADMSG, "is no regular file");
	put(f, "hostile", 0664);
	expect_refused(f->file, -EPERM, "others may write it (mode 0664)");
	put(f, "hostile", 0644);
	assert_int_equal(chmod(f->name, 0777), 0);
	expect_refused(f->file, -EPERM, "others may write its folder");
	assert_int_equal(chmod(f->name, 0755), 0);
	snprintf(other, sizeof(other), "%s/link.so", f->name);
	assert_int_equal(symlink(f->file, other), 0);
	expect_refused(other, -EBADMSG, "is no regular file");
	if (geteuid() == 0) {
		assert_int_equal(chown(f->file, 12345, 0), 0);
		expect_refused(f->file, -EPERM, "belongs to user 12345");
	}
	put(f, "future", 0644);
	expect_refused(f->file, -EBADMSG, "it is made for version 2.1 of policy.h");
	put(f, "empty", 0644);
	expect_refused(f->file, -EBADMSG, "it defines no policy_plugin");
	assert_int_equal(truncate(f->file, 100), 0);
	expect_refused(f->file, -EBADMSG, "cannot read");
}

/* --- declarations ----------------------------------------------------------------------------- */

static void decide(void *state, const struct policy_input *in, struct policy_answer *out)
{
	(void)state;
	(void)in;
	(void)out;
}

static struct policy_ops good(const struct policy_param *params, size_t count)
{
	return (struct policy_ops){
		.abi_major = POLICY_ABI_MAJOR,
		.abi_minor = POLICY_ABI_MINOR,
		.name = "good",
		.help = "Is good.",
		.params = params,
		.param_count = count,
		.decide = decide,
	};
}

static void expect_bad(struct policy_ops ops, const char *why)
{
	struct err err = {""};

	assert_int_equal(plugins_check(&ops, &err), -EBADMSG);
	if (!strstr(err.text, why))
		fail_msg("%s", err.text);
}

static void expect_bad_param(struct policy_param param, const char *why)
{
	expect_bad(good(&param, 1), why);
}

static void test_declarations_that_are_refused(void **state)
{
	static const char *const none[] = {NULL};
	static const struct policy_param twice[] = {
		{.name = "x", .type = POLICY_FLAG, .help = "x"},
		{.name = "x", .type = POLICY_FLAG, .help = "x"},
	};
	struct policy_ops ops = good(NULL, 0);
	struct err err;

	(void)state;
	assert_int_equal(plugins_check(&ops, &err), 0);
	ops.name = "Not Good";
	expect_bad(ops, "its name must be");
	ops = good(NULL, 0);
	ops.help = NULL;
	expect_bad(ops, "it has no help");
	ops = good(NULL, 0);
	ops.decide = NULL;
	expect_bad(ops, "it has no decide()");
	ops = good(NULL, 0);
	ops.state_size = SIZE_MAX;
	expect_bad(ops, "bytes of state");
	expect_bad(good(NULL, 3), "declares 3 parameters");
	expect_bad(good(twice, 2), "two parameters \"x\"");
	expect_bad_param((struct policy_param){.name = "name", .help = "x"}, "no proper name");
	expect_bad_param((struct policy_param){.name = "x"}, "has no help");
	expect_bad_param((struct policy_param){"x", POLICY_NUMBER, {.number = 2}, 0, 1, NULL, "x"},
			 "a default that it does not accept");
	expect_bad_param(
		(struct policy_param){
			.name = "x", .type = POLICY_CHOICE, .choices = none, .help = "x"},
		"a default that it does not accept");
	expect_bad_param((struct policy_param){.name = "x", .type = POLICY_TEXT, .help = "x"},
			 "a default that it does not accept");
	expect_bad_param((struct policy_param){.name = "x", .type = 77, .help = "x"},
			 "a default that it does not accept");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_good_one_is_a_policy_like_the_others, enter,
						leave),
		cmocka_unit_test_setup_teardown(test_files_that_are_refused, enter, leave),
		cmocka_unit_test(test_declarations_that_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
