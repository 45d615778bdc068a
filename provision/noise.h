/* noise: the initiator of WireGuard's handshake, and the transport that comes of it.
 *
 * Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s as of "WireGuard: Next Generation Kernel Network Tunnel",
 * section 5. Pure: no socket, no clock and no randomness of its own. It never answers a handshake
 * and knows no timers; who uses it makes a new handshake before the session's 180 s are over.
 */
#ifndef COMPS_PROVISION_NOISE_H
#define COMPS_PROVISION_NOISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/key.h"

#define NOISE_INITIATION_BYTES 148
#define NOISE_RESPONSE_BYTES   92
#define NOISE_COOKIE_BYTES     64
#define NOISE_DATA_BYTES       32 /* that a data message has beside its padded packet */
#define NOISE_PADDING_BYTES    16 /* packets are filled up to a multiple */

/* What both sides have said so far. */
struct noise_transcript {
	uint8_t chaining[32], hash[32];
};

struct noise {
	uint8_t private_key[KEY_BYTES], public_key[KEY_BYTES];
	uint8_t peer_public[KEY_BYTES], preshared_key[KEY_BYTES];
	int64_t stamp_ns; /* of the last initiation */

	/* The handshake that waits for its response. */
	bool waiting;
	uint32_t wait_index;
	uint8_t ephemeral[KEY_BYTES];
	struct noise_transcript transcript;

	/* The session; it stays until the next response. */
	bool ready;
	uint32_t index, peer_index;
	uint8_t send_key[KEY_BYTES], receive_key[KEY_BYTES];
	uint64_t send_counter;
	uint64_t newest, seen; /* counters: the highest, and which of the 64 up to it were there */
};

/* `preshared_key`: all zero for none. Everything is copied. Returns 0, or -EIO where libsodium
 * cannot start. */
int noise_init(struct noise *noise, const uint8_t private_key[KEY_BYTES],
	       const uint8_t peer_public[KEY_BYTES], const uint8_t preshared_key[KEY_BYTES]);

/* Wipes all keys. A struct of zeros is fine too. */
void noise_fini(struct noise *noise);

/* Writes an initiation (type 1); an earlier one that waits is forgotten, a session is kept.
 * `index` and `ephemeral` (a private key) are random and new each time. `wall_us` is the time since
 * 1970: the peer is silent to a time stamp that is not above the last it has seen of our key, so
 * the stamp is always made higher than that of the call before. Returns 0; -EINVAL where the peer's
 * public key can be nobody's; -EIO (see blake2s.h). */
int noise_initiate(struct noise *noise, uint32_t index, const uint8_t ephemeral[KEY_BYTES],
		   int64_t wall_us, uint8_t out[NOISE_INITIATION_BYTES]);

/* Takes a response (type 2). Returns 0: a session is there; -EPROTO: it is no response to what we
 * wait for; -EBADMSG: it is one, of somebody who knows our public key, but it cannot be opened: as
 * the peer has accepted our initiation, the pre-shared keys differ, unless somebody forges; -EIO.
 * After an error, the handshake goes on waiting. */
int noise_finish(struct noise *noise, const uint8_t *message, size_t bytes);

/* True for a cookie reply (type 3) to what we wait for: the peer says it is under load. Nobody
 * vouches for it. */
bool noise_is_cookie(const struct noise *noise, const uint8_t *message, size_t bytes);

/* The size of the data message for a packet of so many bytes. */
size_t noise_sealed_bytes(size_t bytes);

/* Writes a data message (type 4) with `packet`, padded. An empty packet is a keepalive. Returns 0;
 * -ENOTCONN without a session; -EMSGSIZE where `room` is too small. */
int noise_seal(struct noise *noise, const uint8_t *packet, size_t bytes, uint8_t *out, size_t room,
	       size_t *out_bytes);

/* Opens a data message of the session into `out`, with the padding. Returns 0; -ENOTCONN; -EPROTO:
 * it is none of this session; -EMSGSIZE; -EBADMSG: forged or broken; -EALREADY: it was there
 * before, or is too old to know. */
int noise_open(struct noise *noise, const uint8_t *message, size_t bytes, uint8_t *out, size_t room,
	       size_t *out_bytes);

#endif
