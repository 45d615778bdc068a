/* Every key that the parser knows is in the manual and in the example, with its default. */
#include "conf/keys.h"
#include "tests/unit/conf_fixture.h"

/* Blanks and line ends are one blank, and roff's "\-" is "-". */
static char *read_flat(const char *file)
{
	size_t bytes;
	char *text = get_file(file, &bytes), *to = text;

	if (!text)
		fail_msg("there is no %s (the tests are run from the root of the tree)", file);
	for (const char *from = text; *from; from++) {
		if (*from == '\\' && from[1] == '-')
			continue;
		if (strchr(" \n", *from) && to > text && to[-1] == ' ')
			continue;
		*to++ = *from == '\n' ? ' ' : *from;
	}
	*to = '\0';
	return text;
}

typedef void (*visit_fn)(const struct schema_key *key, const char *text);

static size_t visit(const struct schema_section *section, const char *text, visit_fn fn)
{
	size_t visited = section->count;

	for (size_t i = 0; i < section->count; i++) {
		fn(&section->keys[i], text);
		if (section->keys[i].section)
			visited += visit(section->keys[i].section, text, fn);
	}
	return visited;
}

static void expect_text(const char *text, const char *wanted)
{
	if (!strstr(text, wanted))
		fail_msg("not there: \"%s\"", wanted);
}

static void check_manual(const struct schema_key *key, const char *text)
{
	char wanted[512];

	snprintf(wanted, sizeof(wanted), key->section ? ".SS %s %s" : ".TP .B %s %s ", key->name,
		 key->help);
	expect_text(text, wanted);
	if (key->preset && key->preset[0]) {
		snprintf(wanted, sizeof(wanted), "default %s)", key->preset);
		expect_text(text, wanted);
	}
}

static void check_example(const struct schema_key *key, const char *text)
{
	bool preset = key->preset && key->preset[0];
	char wanted[128];

	snprintf(wanted, sizeof(wanted), " %s:%s%s", key->name, preset ? " " : "",
		 preset ? key->preset : "");
	expect_text(text, wanted);
}

static void test_manual(void **state)
{
	char *text = read_flat("etc/man/comps.yaml.5");

	(void)state;
	assert_true(visit(&keys_top, text, check_manual) > 40);
	free(text);
}

static void test_example(void **state)
{
	char *text = read_flat("etc/comps.yaml");

	(void)state;
	visit(&keys_top, text, check_example);
	free(text);
}

/* What the manual and the messages are made of. */
static void check_row(const struct schema_key *key, const char *text)
{
	(void)text;
	assert_true(key->min <= key->max);
	assert_non_null(key->help);
	assert_int_equal(key->help[strlen(key->help) - 1], '.');
	if (!key->section)
		assert_non_null(key->type);
}

static void test_rows(void **state)
{
	(void)state;
	visit(&keys_top, NULL, check_row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_manual),
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
