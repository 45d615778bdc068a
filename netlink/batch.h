/* batch: several netlink requests in one sendmsg(2), with one result for each.
 *
 * A batch is one system call: a process killed at any moment has sent all of it or nothing. It is
 * NOT a transaction: the kernel applies and answers every message on its own, so the caller looks
 * at each result. Building the bytes (the _build functions of route, rule and link) and sending
 * them are separate, and the bytes can be tested without a kernel.
 */
#ifndef COMPS_NETLINK_BATCH_H
#define COMPS_NETLINK_BATCH_H

#include <stddef.h>
#include <stdint.h>

#define BATCH_MESSAGES	    32
#define BATCH_MESSAGE_BYTES 512 /* the longest request that a builder makes */

struct nl;
struct nlmsghdr;

struct batch_result {
	int error;     /* 0 or -errno; -ETIMEDOUT when no ack came: it may have been applied */
	char text[96]; /* the kernel's own words (extended ack); often empty */
};

struct batch {
	size_t count;
	size_t used; /* bytes of `bytes` */
	struct batch_result results[BATCH_MESSAGES];
	uint8_t bytes[BATCH_MESSAGES * BATCH_MESSAGE_BYTES] __attribute__((aligned(4)));
};

void batch_init(struct batch *batch);

/* Begins a message of `type` with NLM_F_REQUEST | NLM_F_ACK | `flags`, and returns it for the
 * builder to append to (at most BATCH_MESSAGE_BYTES in all); NULL when the batch is full. */
struct nlmsghdr *batch_begin(struct batch *batch, uint16_t type, uint16_t flags);

/* Ends the message that batch_begin() returned. */
void batch_end(struct batch *batch, const struct nlmsghdr *message);

/* Numbers the messages, sends all in one sendmsg and waits for every ack; fills `results`. Returns
 * 0 when each was accepted, else the first error. The batch can be sent again. */
int batch_send(struct batch *batch, struct nl *nl);

#endif
