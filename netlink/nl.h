/* nl: a netlink socket, and the two ways to ask it a question.
 *
 * Every receive ends after NL_TIMEOUT_MS, so that a lost answer never hangs the event loop.
 * Sequence numbers start at the time in seconds: wireguard-go takes a notification whose number is
 * 1 to 65536 for an answer to its own query and then does not see our route swap.
 */
#ifndef COMPS_NETLINK_NL_H
#define COMPS_NETLINK_NL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NL_TIMEOUT_MS 200

struct mnl_socket; /* libmnl */
struct nlattr;	   /* linux/netlink.h */
struct nlmsghdr;   /* linux/netlink.h */

struct nl {
	struct mnl_socket *socket;
	uint32_t seq;	 /* of the last message sent */
	uint32_t portid; /* our address on the bus */
};

/* The buses, NETLINK_... in linux/netlink.h. */
enum nl_bus {
	NL_ROUTE = 0,
	NL_NETFILTER = 12,
	NL_GENERIC = 16,
};

/* Turns on extended acks, capped acks and strict checking of dump requests (netlink(7)). Returns 0
 * or -errno. */
int nl_open(struct nl *nl, enum nl_bus bus);

/* Also fine on a zeroed struct and twice. */
void nl_close(struct nl *nl);

/* Sends `bytes` of ready messages in one sendmsg. Returns 0 or -errno. */
int nl_send(struct nl *nl, const void *messages, size_t bytes);

/* Waits for one datagram from the kernel. Returns its length, -ETIMEDOUT, or -errno. */
long nl_receive(struct nl *nl, void *buffer, size_t buffer_bytes);

/* True when a whole message begins at `message`, with `left` bytes to go. mnl_nlmsg_ok() takes a
 * length above INT_MAX for a negative one, which fits everywhere. */
bool nl_message_ok(const struct nlmsghdr *message, int left);

/* The value of an attribute; 0 where it is too short for one. */
uint32_t nl_attr_u32(const struct nlattr *attr);
uint8_t nl_attr_u8(const struct nlattr *attr);

/* Copies the text of an attribute, cut to fit; it need not end in a NUL. */
void nl_attr_text(const struct nlattr *attr, char *text, size_t text_bytes);

/* The error (0 or -errno) of an NLMSG_ERROR message; copies the extended ack's text, "" when there
 * is none, to `text` (unless NULL). */
int nl_error(const struct nlmsghdr *message, char *text, size_t text_bytes);

/* Sees one message of an answer; anything but 0 ends the walk and is what the caller gets. */
typedef int (*nl_message_fn)(const struct nlmsghdr *message, void *arg);

/* Sends one request and shows every message of its answer to `each` (which may be NULL). With
 * NLM_F_DUMP the answer is a list, else it ends at the ack (NLM_F_ACK is set here). Returns 0 or
 * -errno; -ETIMEDOUT when the answer does not come; -EINTR when a dumped table changed meanwhile:
 * throw away what was seen and ask again. */
int nl_ask(struct nl *nl, struct nlmsghdr *request, nl_message_fn each, void *arg);

/* Makes one item of a list out of one message of a dump: 1 when the item is wanted, 0 when not. */
typedef int (*nl_decode_fn)(const struct nlmsghdr *message, const void *filter, void *item);

/* Dumps into an array, asking again as often as the table changes meanwhile (up to 5 times).
 * The caller frees `*items`, which is NULL where there is none. Returns 0 or -errno. */
int nl_dump(struct nl *nl, struct nlmsghdr *request, nl_decode_fn decode, const void *filter,
	    size_t item_bytes, void **items, size_t *count);

#endif
