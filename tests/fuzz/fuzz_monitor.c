/* What the kernel announces of links, addresses, routes and rules. The input is one datagram. */
#include "netlink/monitor.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/kernel.h"

static void on_event(void *arg, const struct monitor_event *event)
{
	size_t *count = arg;

	MUST(event->kind <= MONITOR_RULE); /* this kernel loses none */
	MUST(strlen(event->name) < sizeof(event->name));
	++*count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mnl_socket kernel = {.bytes = data, .count = size};
	struct monitor monitor = {.socket = &kernel};
	size_t count = 0;

	MUST(monitor_dispatch(&monitor, on_event, &count) == 0);
	MUST(count <= size / 16); /* a header each */
	return 0;
}
