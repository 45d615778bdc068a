#include "provision/noise.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "provision/blake2s.h"

#define CONSTRUCTION "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"
#define IDENTIFIER   "WireGuard v1 zx2c4 Jason@zx2c4.com"

#define TAG_BYTES   16
#define STAMP_BYTES 12
#define TAI64_1970  UINT64_C(0x400000000000000a)
#define HEAD_BYTES  16 /* of a data message */
#define WINDOW	    64

enum type {
	INITIATION = 1,
	RESPONSE = 2,
	COOKIE = 3,
	DATA = 4,
};

/* Offsets in an initiation and in a response. */
enum {
	I_SENDER = 4,
	I_EPHEMERAL = 8,
	I_STATIC = 40,
	I_STAMP = 88,
	I_MAC1 = 116,
	I_MAC2 = 132,
	R_SENDER = 4,
	R_RECEIVER = 8,
	R_EPHEMERAL = 12,
	R_EMPTY = 44,
	R_MAC1 = 60,
};

static void put_le(uint8_t *to, uint64_t number, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		to[i] = (uint8_t)(number >> 8 * i);
}

static uint64_t get_le(const uint8_t *from, size_t bytes)
{
	uint64_t number = 0;

	while (bytes-- > 0)
		number = number << 8 | from[bytes];
	return number;
}

static void put_be(uint8_t *to, uint64_t number, size_t bytes)
{
	while (bytes-- > 0) {
		to[bytes] = (uint8_t)number;
		number >>= 8;
	}
}

static void nonce_of(uint64_t counter, uint8_t out[crypto_aead_chacha20poly1305_ietf_NPUBBYTES])
{
	memset(out, 0, 4);
	put_le(out + 4, counter, 8);
}

/* --- the transcript --------------------------------------------------------------------------- */

static int mix_hash(struct noise_transcript *t, const void *data, size_t bytes)
{
	return blake2s_hash2(t->hash, data, bytes, t->hash);
}

/* The next chaining key, and the keys after it. */
static int mix_key(struct noise_transcript *t, const uint8_t data[KEY_BYTES], size_t keys,
		   uint8_t *out)
{
	uint8_t derived[BLAKE2S_KDF_MAX * BLAKE2S_BYTES];
	int ret = blake2s_kdf(t->chaining, sizeof(t->chaining), data, KEY_BYTES, keys + 1, derived);

	if (!ret) {
		memcpy(t->chaining, derived, BLAKE2S_BYTES);
		if (keys)
			memcpy(out, derived + BLAKE2S_BYTES, keys * BLAKE2S_BYTES);
	}
	key_wipe(derived, sizeof(derived));
	return ret;
}

static int mix_dh(struct noise_transcript *t, const uint8_t private_key[KEY_BYTES],
		  const uint8_t public_key[KEY_BYTES], size_t keys, uint8_t *out)
{
	uint8_t shared[KEY_BYTES];
	int ret = crypto_scalarmult(shared, private_key, public_key) ? -EINVAL : 0;

	if (!ret)
		ret = mix_key(t, shared, keys, out);
	key_wipe(shared, sizeof(shared));
	return ret;
}

static int seal_hash(struct noise_transcript *t, const uint8_t key[KEY_BYTES], const uint8_t *plain,
		     size_t bytes, uint8_t *out)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];

	nonce_of(0, nonce);
	crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, plain, bytes, t->hash, sizeof(t->hash),
						  NULL, nonce, key);
	return mix_hash(t, out, bytes + TAG_BYTES);
}

static int begin(struct noise_transcript *t, const uint8_t peer_public[KEY_BYTES])
{
	int ret = blake2s_hash(CONSTRUCTION, strlen(CONSTRUCTION), t->chaining);

	if (!ret)
		ret = blake2s_hash2(t->chaining, IDENTIFIER, strlen(IDENTIFIER), t->hash);
	return ret ? ret : mix_hash(t, peer_public, KEY_BYTES);
}

/* mac1 of a message for the owner of `public_key`. */
static int mac1(const uint8_t public_key[KEY_BYTES], const uint8_t *message, size_t bytes,
		uint8_t out[BLAKE2S_MAC_BYTES])
{
	static const uint8_t label[] = {'m', 'a', 'c', '1', '-', '-', '-', '-'};
	uint8_t text[sizeof(label) + KEY_BYTES], key[BLAKE2S_BYTES];
	int ret;

	memcpy(text, label, sizeof(label));
	memcpy(text + sizeof(label), public_key, KEY_BYTES);
	ret = blake2s_hash(text, sizeof(text), key);
	return ret ? ret : blake2s_mac(key, message, bytes, out);
}

/* --- the handshake ---------------------------------------------------------------------------- */

int noise_init(struct noise *noise, const uint8_t private_key[KEY_BYTES],
	       const uint8_t peer_public[KEY_BYTES], const uint8_t preshared_key[KEY_BYTES])
{
	*noise = (struct noise){.stamp_ns = -1};
	if (sodium_init() < 0)
		return -EIO;
	memcpy(noise->private_key, private_key, KEY_BYTES);
	memcpy(noise->peer_public, peer_public, KEY_BYTES);
	memcpy(noise->preshared_key, preshared_key, KEY_BYTES);
	key_public(noise->private_key, noise->public_key);
	return 0;
}

void noise_fini(struct noise *noise)
{
	key_wipe(noise, sizeof(*noise));
}

/* TAI64N (https://cr.yp.to/libtai/tai64.html), as WireGuard has it: without leap seconds. */
static void next_stamp(struct noise *noise, int64_t wall_us, uint8_t out[STAMP_BYTES])
{
	int64_t ns;

	if (wall_us < 0 || __builtin_mul_overflow(wall_us, 1000, &ns))
		ns = 0;
	if (ns <= noise->stamp_ns)
		ns = noise->stamp_ns + 1;
	noise->stamp_ns = ns;
	put_be(out, TAI64_1970 + (uint64_t)(ns / 1000000000), 8);
	put_be(out + 8, (uint64_t)(ns % 1000000000), 4);
}

static int write_initiation(struct noise *noise, int64_t wall_us,
			    uint8_t out[NOISE_INITIATION_BYTES])
{
	struct noise_transcript *t = &noise->transcript;
	uint8_t key[KEY_BYTES], stamp[STAMP_BYTES];
	int ret = begin(t, noise->peer_public);

	next_stamp(noise, wall_us, stamp);
	key_public(noise->ephemeral, out + I_EPHEMERAL);
	if (!ret)
		ret = mix_key(t, out + I_EPHEMERAL, 0, NULL);
	if (!ret)
		ret = mix_hash(t, out + I_EPHEMERAL, KEY_BYTES);
	if (!ret)
		ret = mix_dh(t, noise->ephemeral, noise->peer_public, 1, key);
	if (!ret)
		ret = seal_hash(t, key, noise->public_key, KEY_BYTES, out + I_STATIC);
	if (!ret)
		ret = mix_dh(t, noise->private_key, noise->peer_public, 1, key);
	if (!ret)
		ret = seal_hash(t, key, stamp, sizeof(stamp), out + I_STAMP);
	key_wipe(key, sizeof(key));
	return ret;
}

int noise_initiate(struct noise *noise, uint32_t index, const uint8_t ephemeral[KEY_BYTES],
		   int64_t wall_us, uint8_t out[NOISE_INITIATION_BYTES])
{
	int ret;

	memcpy(noise->ephemeral, ephemeral, KEY_BYTES);
	noise->wait_index = index;
	put_le(out, INITIATION, 4);
	put_le(out + I_SENDER, index, 4);
	ret = write_initiation(noise, wall_us, out);
	if (!ret)
		ret = mac1(noise->peer_public, out, I_MAC1, out + I_MAC1);
	memset(out + I_MAC2, 0, NOISE_INITIATION_BYTES - I_MAC2);
	noise->waiting = !ret;
	return ret;
}

/* The responder's half of the transcript; `key` opens the empty part. */
static int follow_response(const struct noise *noise, struct noise_transcript *t,
			   const uint8_t *message, uint8_t key[KEY_BYTES])
{
	const uint8_t *ephemeral = message + R_EPHEMERAL;
	uint8_t keys[2 * KEY_BYTES]; /* tau, and the key */
	int ret = mix_hash(t, ephemeral, KEY_BYTES);

	if (!ret)
		ret = mix_key(t, ephemeral, 0, NULL);
	if (!ret)
		ret = mix_dh(t, noise->ephemeral, ephemeral, 0, NULL);
	if (!ret)
		ret = mix_dh(t, noise->private_key, ephemeral, 0, NULL);
	if (!ret)
		ret = mix_key(t, noise->preshared_key, 2, keys);
	if (!ret)
		ret = mix_hash(t, keys, KEY_BYTES);
	if (!ret)
		memcpy(key, keys + KEY_BYTES, KEY_BYTES);
	key_wipe(keys, sizeof(keys));
	return ret == -EINVAL ? -EBADMSG : ret;
}

static int open_empty(const struct noise_transcript *t, const uint8_t key[KEY_BYTES],
		      const uint8_t *sealed)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES], none[1];

	nonce_of(0, nonce);
	return crypto_aead_chacha20poly1305_ietf_decrypt(none, NULL, NULL, sealed, TAG_BYTES,
							 t->hash, sizeof(t->hash), nonce, key)
		       ? -EBADMSG
		       : 0;
}

static int start_session(struct noise *noise, const struct noise_transcript *t, uint32_t peer_index)
{
	uint8_t keys[2 * KEY_BYTES];
	int ret = blake2s_kdf(t->chaining, sizeof(t->chaining), "", 0, 2, keys);

	if (!ret) {
		memcpy(noise->send_key, keys, KEY_BYTES);
		memcpy(noise->receive_key, keys + KEY_BYTES, KEY_BYTES);
		noise->index = noise->wait_index;
		noise->peer_index = peer_index;
		noise->send_counter = noise->newest = noise->seen = 0;
		noise->ready = true;
		noise->waiting = false;
		key_wipe(noise->ephemeral, sizeof(noise->ephemeral));
		key_wipe(&noise->transcript, sizeof(noise->transcript));
	}
	key_wipe(keys, sizeof(keys));
	return ret;
}

static bool is_for(const uint8_t *message, enum type type, size_t at, uint32_t index)
{
	return get_le(message, 4) == type && get_le(message + at, 4) == index;
}

int noise_finish(struct noise *noise, const uint8_t *message, size_t bytes)
{
	struct noise_transcript t = noise->transcript;
	uint8_t mac[BLAKE2S_MAC_BYTES], key[KEY_BYTES];
	int ret;

	if (!noise->waiting || bytes != NOISE_RESPONSE_BYTES ||
	    !is_for(message, RESPONSE, R_RECEIVER, noise->wait_index))
		return -EPROTO;
	ret = mac1(noise->public_key, message, R_MAC1, mac);
	if (!ret && sodium_memcmp(mac, message + R_MAC1, sizeof(mac)) != 0)
		ret = -EPROTO;
	if (!ret)
		ret = follow_response(noise, &t, message, key);
	if (!ret)
		ret = open_empty(&t, key, message + R_EMPTY);
	if (!ret)
		ret = start_session(noise, &t, (uint32_t)get_le(message + R_SENDER, 4));
	key_wipe(&t, sizeof(t));
	key_wipe(key, sizeof(key));
	return ret;
}

bool noise_is_cookie(const struct noise *noise, const uint8_t *message, size_t bytes)
{
	return noise->waiting && bytes == NOISE_COOKIE_BYTES &&
	       is_for(message, COOKIE, 4, noise->wait_index);
}

/* --- the transport ---------------------------------------------------------------------------- */

size_t noise_sealed_bytes(size_t bytes)
{
	size_t filled = (bytes + NOISE_PADDING_BYTES - 1) / NOISE_PADDING_BYTES;

	return filled * NOISE_PADDING_BYTES + NOISE_DATA_BYTES;
}

int noise_seal(struct noise *noise, const uint8_t *packet, size_t bytes, uint8_t *out, size_t room,
	       size_t *out_bytes)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];
	size_t sealed = noise_sealed_bytes(bytes), padded = sealed - NOISE_DATA_BYTES;

	if (!noise->ready)
		return -ENOTCONN;
	if (bytes > room || sealed > room)
		return -EMSGSIZE;
	put_le(out, DATA, 4);
	put_le(out + 4, noise->peer_index, 4);
	put_le(out + 8, noise->send_counter, 8);
	if (bytes)
		memmove(out + HEAD_BYTES, packet, bytes);
	memset(out + HEAD_BYTES + bytes, 0, padded - bytes);
	nonce_of(noise->send_counter++, nonce);
	crypto_aead_chacha20poly1305_ietf_encrypt(out + HEAD_BYTES, NULL, out + HEAD_BYTES, padded,
						  NULL, 0, NULL, nonce, noise->send_key);
	*out_bytes = sealed;
	return 0;
}

/* Notes a counter whose message was genuine. */
static int note_counter(struct noise *noise, uint64_t counter)
{
	uint64_t ahead, behind;

	if (!noise->seen || counter > noise->newest) {
		ahead = noise->seen ? counter - noise->newest : WINDOW;
		noise->seen = ahead >= WINDOW ? 1 : noise->seen << ahead | 1;
		noise->newest = counter;
		return 0;
	}
	behind = noise->newest - counter;
	if (behind >= WINDOW || noise->seen >> behind & 1)
		return -EALREADY;
	noise->seen |= UINT64_C(1) << behind;
	return 0;
}

int noise_open(struct noise *noise, const uint8_t *message, size_t bytes, uint8_t *out, size_t room,
	       size_t *out_bytes)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];
	uint64_t counter;
	int ret;

	if (!noise->ready)
		return -ENOTCONN;
	if (bytes < NOISE_DATA_BYTES || !is_for(message, DATA, 4, noise->index))
		return -EPROTO;
	if (bytes - NOISE_DATA_BYTES > room)
		return -EMSGSIZE;
	counter = get_le(message + 8, 8);
	nonce_of(counter, nonce);
	if (crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, message + HEAD_BYTES,
						      bytes - HEAD_BYTES, NULL, 0, nonce,
						      noise->receive_key))
		return -EBADMSG;
	ret = note_counter(noise, counter);
	if (!ret)
		*out_bytes = bytes - NOISE_DATA_BYTES;
	return ret;
}
