/* UTF-8: well-formed text stays as it is, of anything else every wrong byte becomes a '?'. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/utf8.h"

static void expect(const char *text, const char *wanted)
{
	char repaired[64];

	strcpy(repaired, text);
	utf8_repair(repaired);
	assert_string_equal(repaired, wanted);
}

static void test_well_formed(void **state)
{
	static const char *const texts[] = {
		"",
		"plain \n\x7f",
		"\xc2\x80\xdf\xbf",		    /* U+0080, U+07FF */
		"\xe0\xa0\x80\xed\x9f\xbf",	    /* U+0800, U+D7FF */
		"\xee\x80\x80\xef\xbf\xbf",	    /* U+E000, U+FFFF */
		"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", /* U+10000, U+10FFFF */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		expect(texts[i], texts[i]);
}

static void test_cut(void **state)
{
	(void)state;
	expect("caf\xc3", "caf?");
	expect("\xe2\x82", "??");
	expect("\xf0\x9f\x98", "???");
	expect("\xe2\x82, \xc3\xa9", "??, \xc3\xa9");
}

static void test_no_character(void **state)
{
	(void)state;
	expect("\x80\xbf", "??");	    /* nothing that they follow */
	expect("\xc0\x80\xc1\xbf", "????"); /* longer than need be */
	expect("\xe0\x9f\xbf", "???");	    /* likewise */
	expect("\xed\xa0\x80", "???");	    /* a surrogate */
	expect("\xf4\x90\x80\x80", "????"); /* above U+10FFFF */
	expect("\xf5\xfe\xff"
	       "a",
	       "???a"); /* never used */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_well_formed),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_no_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
