/* ICMP replies, and whether the window of sent probes knows them. The input: the family (lowest
 * bit), the identifier, how many probes were sent (times 64), and the packet.
 */
#include "probes/icmp.h"
#include "probes/seqwin.h"
#include "tests/fuzz/fuzz.h"

#define HEADER_BYTES 4
#define WINDOW	     64
#define FIRST	     0xffe0 /* so that the numbers wrap */

static uint32_t token_of(uint16_t sequence)
{
	return sequence * UINT32_C(0x01010101);
}

/* A reply is known when its probe is among the latest WINDOW, and its token is right. */
static void look_up(const struct probe_reply *reply, unsigned int sent)
{
	unsigned int age = sent - 1 - (uint16_t)(reply->sequence - FIRST);
	struct seqwin window;
	uint16_t sequence;
	unsigned int i;
	bool known;

	MUST(seqwin_init(&window, WINDOW, FIRST) == 0);
	for (i = 0; i < sent; i++) {
		struct seqwin_entry *entry = seqwin_add(&window, &sequence);

		entry->token = token_of(sequence);
	}
	known = age < WINDOW && age < sent && reply->token == token_of(reply->sequence);
	MUST((seqwin_find(&window, reply->sequence, reply->token) != NULL) == known);
	seqwin_forget(&window);
	MUST(!seqwin_find(&window, reply->sequence, reply->token));
	seqwin_fini(&window);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct probe_reply reply = {0};
	uint8_t *packet;

	if (size < HEADER_BYTES)
		return 0;
	/* Of the exact size, so that a byte read behind it is noticed. */
	packet = malloc(size - HEADER_BYTES);
	MUST(packet || size == HEADER_BYTES);
	memcpy(packet, data + HEADER_BYTES, size - HEADER_BYTES);
	if (icmp_parse(data[0] & 1 ? ICMP_V6 : ICMP_V4, (uint16_t)(data[1] << 8 | data[2]), packet,
		       size - HEADER_BYTES, &reply))
		look_up(&reply, data[3] * 64U);
	free(packet);
	return 0;
}
