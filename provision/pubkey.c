#include "provision/pubkey.h"

#include <errno.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "conf/file.h"
#include "lib/key.h"

#define BLOB_MAX_BYTES 1400
#define TYPE	       "ssh-ed25519"
#define PEM_COLUMNS    70
#define TYPE_LETTERS   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@.-"

int pubkey_check(const char *line, struct err *e)
{
	size_t type = strcspn(line, " \t"), blob, bytes = 0, length;
	const char *text = line + type + strspn(line + type, " \t");
	uint8_t raw[BLOB_MAX_BYTES];

	blob = strcspn(text, " \t\r\n");
	/* The type goes into options of ssh and into its files. */
	if (strspn(line, TYPE_LETTERS) != type ||
	    sodium_base642bin(raw, sizeof(raw), text, blob, NULL, &bytes, NULL,
			      sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    bytes < 4)
		return err_set(e, -EINVAL, "is no ssh public key such as \"" TYPE " AAAA...\"");
	length = (size_t)raw[0] << 24 | (size_t)raw[1] << 16 | (size_t)raw[2] << 8 | raw[3];
	if (length != type || bytes < 4 + length || memcmp(raw + 4, line, type) != 0)
		return err_set(e, -EINVAL,
			       "is no ssh public key: its two parts do not belong "
			       "together");
	return 0;
}

int pubkey_read(const char *path, char out[PUBKEY_LINE_BYTES], struct err *e)
{
	struct conf_file file;
	size_t line = 0, words = 0;
	int ret = conf_file_read(path, PUBKEY_LINE_BYTES * 4, &file, e);

	if (ret)
		return err_prefix(e, ret, "%s", path);
	/* Up to the blank behind the second word. */
	while (line < file.bytes && line < PUBKEY_LINE_BYTES - 1 && file.text[line] != '\n' &&
	       file.text[line] != '\r' && (file.text[line] != ' ' || words++ == 0))
		line++;
	memcpy(out, file.text, line);
	out[line] = '\0';
	conf_file_fini(&file);
	ret = pubkey_check(out, e);
	return ret ? err_prefix(e, ret, "%s", path) : 0;
}

/* --- a new host key --------------------------------------------------------------------------- */

struct writer {
	uint8_t bytes[512];
	size_t used;
};

void pubkey_fingerprint(const char *line, char out[PUBKEY_FINGERPRINT_BYTES])
{
	const char *blob = strchr(line, ' ') + 1;
	uint8_t bytes[PUBKEY_LINE_BYTES], hash[crypto_hash_sha256_BYTES];
	size_t count = 0;

	sodium_base642bin(bytes, sizeof(bytes), blob, strcspn(blob, " \n"), NULL, &count, NULL,
			  sodium_base64_VARIANT_ORIGINAL);
	crypto_hash_sha256(hash, bytes, count);
	strcpy(out, "SHA256:");
	sodium_bin2base64(out + 7, PUBKEY_FINGERPRINT_BYTES - 7, hash, sizeof(hash),
			  sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
}

static void put_u32(struct writer *w, uint32_t number)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		w->bytes[w->used++] = (uint8_t)(number >> shift);
}

static void put_string(struct writer *w, const void *bytes, size_t count)
{
	put_u32(w, (uint32_t)count);
	memcpy(w->bytes + w->used, bytes, count);
	w->used += count;
}

static void put_text(struct writer *w, const char *text)
{
	put_string(w, text, strlen(text));
}

static void put_public(struct writer *w, const uint8_t *public_key)
{
	put_text(w, TYPE);
	put_string(w, public_key, crypto_sign_PUBLICKEYBYTES);
}

static void put_private(struct writer *w, const uint8_t *public_key, const uint8_t *private_key,
			uint32_t check)
{
	struct writer inner = {.used = 0};

	put_u32(&inner, check);
	put_u32(&inner, check);
	put_public(&inner, public_key);
	put_string(&inner, private_key, crypto_sign_SECRETKEYBYTES);
	put_text(&inner, "");
	for (uint8_t pad = 1; inner.used % 8 != 0; pad++)
		inner.bytes[inner.used++] = pad;
	put_string(w, inner.bytes, inner.used);
	key_wipe(&inner, sizeof(inner));
}

static void write_pem(const struct writer *w, char out[PUBKEY_PRIVATE_BYTES])
{
	char text[sizeof(w->bytes) * 2];
	size_t used, length;

	sodium_bin2base64(text, sizeof(text), w->bytes, w->used, sodium_base64_VARIANT_ORIGINAL);
	length = strlen(text);
	used = (size_t)snprintf(out, PUBKEY_PRIVATE_BYTES, "-----BEGIN OPENSSH PRIVATE KEY-----\n");
	for (size_t i = 0; i < length; i += PEM_COLUMNS)
		used += (size_t)snprintf(out + used, PUBKEY_PRIVATE_BYTES - used, "%.*s\n",
					 PEM_COLUMNS, text + i);
	snprintf(out + used, PUBKEY_PRIVATE_BYTES - used, "-----END OPENSSH PRIVATE KEY-----\n");
	key_wipe(text, sizeof(text));
}

int pubkey_make(struct rng *rng, char public_line[PUBKEY_ED25519_BYTES],
		char private_pem[PUBKEY_PRIVATE_BYTES])
{
	uint8_t seed[crypto_sign_SEEDBYTES], public_key[crypto_sign_PUBLICKEYBYTES];
	uint8_t private_key[crypto_sign_SECRETKEYBYTES];
	struct writer public_blob = {.used = 0}, w = {.used = 0};
	char text[96];
	int ret;

	rng_fill(rng, 2, seed, sizeof(seed));
	ret = crypto_sign_seed_keypair(public_key, private_key, seed);
	put_public(&public_blob, public_key);
	memcpy(w.bytes, "openssh-key-v1", 15);
	w.used = 15;
	put_text(&w, "none");
	put_text(&w, "none");
	put_text(&w, "");
	put_u32(&w, 1);
	put_string(&w, public_blob.bytes, public_blob.used);
	put_private(&w, public_key, private_key, (uint32_t)rng_next(rng, 2));
	write_pem(&w, private_pem);
	sodium_bin2base64(text, sizeof(text), public_blob.bytes, public_blob.used,
			  sodium_base64_VARIANT_ORIGINAL);
	snprintf(public_line, PUBKEY_ED25519_BYTES, TYPE " %s", text);
	key_wipe(seed, sizeof(seed));
	key_wipe(private_key, sizeof(private_key));
	key_wipe(&w, sizeof(w));
	return ret ? -EIO : 0;
}
