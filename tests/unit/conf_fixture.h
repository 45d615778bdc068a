/* conf_fixture: a temporary folder with configuration files, and policies to choose from. */
#ifndef COMPS_TESTS_UNIT_CONF_FIXTURE_H
#define COMPS_TESTS_UNIT_CONF_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
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

#include "conf/conf.h"

/* --- policies that the real ones can change without changing these tests --- */

static const char *const fake_choices[] = {"fixed", "uniform", "exponential", NULL};

static const struct policy_param fake_params[] = {
	{.name = "interval",
	 .type = POLICY_DURATION,
	 .preset = {.duration_us = 30000000},
	 .min = 1000,
	 .max = 3600e6},
	{.name = "dist", .type = POLICY_CHOICE, .preset = {.choice = 2}, .choices = fake_choices},
	{.name = "factor", .type = POLICY_NUMBER, .preset = {.number = 0.5}, .min = 0, .max = 1},
	{.name = "rounds", .type = POLICY_COUNT, .preset = {.count = 3}, .min = 1, .max = 10},
	{.name = "eager", .type = POLICY_FLAG, .preset = {.flag = false}},
};

/* Refuses what each parameter by itself may be. */
static inline int fake_init(void *state, const struct policy_setup *setup, char *error,
			    size_t error_bytes)
{
	(void)state;
	if (!setup->values[4].flag || setup->values[3].count > 1)
		return 0;
	snprintf(error, error_bytes, "eager needs at least 2 rounds");
	return -EINVAL;
}

static const struct policy_ops fake_random_interval = {
	.name = "random-interval",
	.params = fake_params,
	.param_count = sizeof(fake_params) / sizeof(fake_params[0]),
	.init = fake_init,
};

static const struct policy_ops fake_hold = {.name = "hold"};

static const struct policy_ops *const fake_policies[] = {&fake_hold, &fake_random_interval, NULL};

/* --- files --- */

static inline void put_file(const char *name, const char *text, size_t bytes, mode_t mode)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, bytes, f), bytes);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(name, mode), 0);
}

static inline void put_text(const char *name, const char *text)
{
	put_file(name, text, strlen(text), 0600);
}

/* The whole file, ended by a NUL; NULL where there is none. */
static inline char *get_file(const char *name, size_t *bytes)
{
	FILE *f = fopen(name, "r");
	char *text;

	*bytes = 0;
	if (!f)
		return NULL;
	text = calloc(1, (1 << 20) + 1);
	assert_non_null(text);
	*bytes = fread(text, 1, 1 << 20, f);
	fclose(f);
	return text;
}

/* The second folder is where the tests were started: the root of the tree. */
struct folders {
	char temporary[32];
	char *root;
};

static inline int folders_enter(void **state)
{
	struct folders *f = calloc(1, sizeof(*f));

	strcpy(f->temporary, "/tmp/comps-test-XXXXXX");
	f->root = getcwd(NULL, 0);
	*state = f;
	return mkdtemp(f->temporary) && chdir(f->temporary) == 0 ? 0 : -1;
}

static inline int remove_one(const char *name, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(name);
}

static inline int folders_leave(void **state)
{
	struct folders *f = *state;
	int rc = chdir(f->root);

	nftw(f->temporary, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f->root);
	free(f);
	return rc;
}

/* --- findings --- */

/* All of them, one a line; the caller frees. */
static inline char *diags_text(const struct diags *d)
{
	char *text = NULL, line[2048];
	size_t bytes = 0;
	FILE *f = open_memstream(&text, &bytes);

	assert_non_null(f);
	for (size_t i = 0; i < d->count; i++) {
		diag_format(&d->items[i], line, sizeof(line));
		fprintf(f, "%s\n", line);
	}
	fclose(f);
	return text;
}

#endif
