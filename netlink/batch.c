#include "netlink/batch.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <string.h>

#include "netlink/nl.h"

#define ACKS_BYTES 8192

void batch_init(struct batch *batch)
{
	batch->count = 0;
	batch->used = 0;
}

struct nlmsghdr *batch_begin(struct batch *batch, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *message;

	if (batch->count == BATCH_MESSAGES)
		return NULL;
	/* libmnl does not clear the padding behind an attribute. */
	memset(batch->bytes + batch->used, 0, BATCH_MESSAGE_BYTES);
	message = mnl_nlmsg_put_header(batch->bytes + batch->used);
	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	return message;
}

void batch_end(struct batch *batch, const struct nlmsghdr *message)
{
	batch->used += MNL_ALIGN(message->nlmsg_len);
	batch->count++;
}

/* Numbers the messages from nl->seq + 1 on, which it returns. */
static uint32_t number_messages(struct batch *batch, struct nl *nl)
{
	uint32_t first = nl->seq + 1;
	struct nlmsghdr *message;
	size_t offset = 0, i;

	for (i = 0; i < batch->count; i++) {
		message = (struct nlmsghdr *)(batch->bytes + offset);
		message->nlmsg_seq = ++nl->seq;
		offset += MNL_ALIGN(message->nlmsg_len);
	}
	return first;
}

static void set_results(struct batch *batch, int error)
{
	size_t i;

	for (i = 0; i < batch->count; i++)
		batch->results[i] = (struct batch_result){.error = error};
}

/* Files the acks in one datagram; returns how many of them were ours. */
static size_t take_acks(struct batch *batch, uint32_t first, const void *bytes, int length)
{
	const struct nlmsghdr *message = bytes;
	struct batch_result *result;
	size_t taken = 0;

	for (; nl_message_ok(message, length); message = mnl_nlmsg_next(message, &length)) {
		if (message->nlmsg_type != NLMSG_ERROR ||
		    message->nlmsg_seq - first >= batch->count)
			continue;
		result = &batch->results[message->nlmsg_seq - first];
		result->error = nl_error(message, result->text, sizeof(result->text));
		taken++;
	}
	return taken;
}

static int first_error(const struct batch *batch)
{
	size_t i;

	for (i = 0; i < batch->count; i++) {
		if (batch->results[i].error)
			return batch->results[i].error;
	}
	return 0;
}

int batch_send(struct batch *batch, struct nl *nl)
{
	char buffer[ACKS_BYTES] __attribute__((aligned(4)));
	uint32_t first = number_messages(batch, nl);
	size_t missing = batch->count;
	long length;
	int ret;

	if (!missing)
		return 0;
	ret = nl_send(nl, batch->bytes, batch->used);
	set_results(batch, ret ? ret : -ETIMEDOUT);
	if (ret)
		return ret;
	while (missing) {
		length = nl_receive(nl, buffer, sizeof(buffer));
		if (length < 0)
			break; /* the missing ones stay at -ETIMEDOUT */
		missing -= take_acks(batch, first, buffer, (int)length);
	}
	return first_error(batch);
}
