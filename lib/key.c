#include "lib/key.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

int key_parse(const char *text, uint8_t key[KEY_BYTES], struct err *e)
{
	size_t length = strlen(text), read = 0;

	if (length != KEY_TEXT_BYTES - 1)
		return err_set(e, -EINVAL, "has %zu characters; a key has %d", length,
			       KEY_TEXT_BYTES - 1);
	if (sodium_base642bin(key, KEY_BYTES, text, length, NULL, &read, NULL,
			      sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    read != KEY_BYTES)
		return err_set(e, -EINVAL, "is not base64 of %d bytes (A-Z a-z 0-9 + / and one =)",
			       KEY_BYTES);
	return 0;
}

void key_format(const uint8_t key[KEY_BYTES], char out[KEY_TEXT_BYTES])
{
	sodium_bin2base64(out, KEY_TEXT_BYTES, key, KEY_BYTES, sodium_base64_VARIANT_ORIGINAL);
}

void key_public(const uint8_t private_key[KEY_BYTES], uint8_t public_key[KEY_BYTES])
{
	crypto_scalarmult_curve25519_base(public_key, private_key);
}

void key_wipe(void *memory, size_t bytes)
{
	sodium_memzero(memory, bytes);
}
