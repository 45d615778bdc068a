/* Where a session of the traffic ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/traffic.h"

#define MS INT64_C(1000)

/* Packets come every 10 ms for so long, then none. Returns when the pause is told, -1: never. */
static int64_t pause_after(struct traffic *t, uint64_t *packets, struct mono *now, int64_t busy_us)
{
	int64_t end_us = now->us + busy_us, told_us = -1;

	for (; now->us < end_us + 20000 * MS; now->us += 10 * MS) {
		*packets += now->us < end_us;
		if (!traffic_on_packets(t, 0, *packets, *now))
			continue;
		assert_true(told_us < 0); /* once only */
		told_us = now->us - end_us;
	}
	return told_us;
}

static void test_a_pause_is_told_once(void **state)
{
	struct mono now = {1000 * MS};
	uint64_t packets = 7;
	struct traffic t;

	(void)state;
	traffic_init(&t);
	assert_true(pause_after(&t, &packets, &now, 0) == -1);
	for (int i = 0; i < 3; i++)
		assert_in_range(pause_after(&t, &packets, &now, 3000 * MS), 4800 * MS, 5000 * MS);
	traffic_init(&t);
	assert_true(pause_after(&t, &packets, &now, 100 * MS) == -1); /* ten packets are nothing */
}

static void test_another_path_is_no_traffic(void **state)
{
	struct mono now = {1000 * MS};
	struct traffic t;

	(void)state;
	traffic_init(&t);
	assert_false(traffic_on_packets(&t, 0, 100, now));
	assert_false(traffic_on_packets(&t, 1, 5000, now));
	assert_false(t.busy);
	assert_false(traffic_on_packets(&t, 1, 3, now)); /* it counts from 0 again */
	assert_false(t.busy);
	assert_false(traffic_on_packets(&t, 1, 14, now));
	assert_true(t.busy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_pause_is_told_once),
		cmocka_unit_test(test_another_path_is_no_traffic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
