/* ip_text: addresses in tests, written as text. */
#ifndef COMPS_TESTS_UNIT_IP_TEXT_H
#define COMPS_TESTS_UNIT_IP_TEXT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/ip.h"

static inline struct ip_prefix prefix(const char *text)
{
	struct ip_prefix out;

	assert_int_equal(ip_prefix_parse(text, &out), 0);
	return out;
}

static inline struct ip address(const char *text)
{
	return prefix(text).ip;
}

static inline struct endpoint endpoint(const char *text)
{
	struct endpoint out;

	assert_int_equal(endpoint_parse(text, &out), 0);
	return out;
}

#endif
