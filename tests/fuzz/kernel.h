/* kernel: the other end of a netlink socket, for the fuzzers.
 *
 * It answers every request with the same bytes, then with the end of a dump, then with silence. It
 * stands in for libmnl's socket functions, so that everything above them is the product's own. Of
 * the receive buffer only what was "received" may be read; libmnl's getters are replaced too,
 * because libmnl itself is not built with the sanitizers.
 */
#ifndef COMPS_TESTS_FUZZ_KERNEL_H
#define COMPS_TESTS_FUZZ_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "netlink/nl.h"

/* libmnl's own struct is private to it. */
struct mnl_socket {
	const uint8_t *bytes; /* messages; their numbers count from the request's */
	size_t count;
	uint32_t seq; /* of the request */
	unsigned int received;
};

/* A socket to that kernel; nothing to close. */
static inline struct nl kernel_nl(struct mnl_socket *kernel)
{
	return (struct nl){.socket = kernel};
}

#endif
