#include "provision/user_data.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INDENT "    "

/* cloud-init takes the file for something else when the first line is not exactly this. */
static const char head[] = "#cloud-config\n"
			   "disable_root: false\n"
			   "ssh_pwauth: false\n"
			   "ssh_deletekeys: true\n"
			   "ssh_genkeytypes: [ed25519]\n"
			   "ssh_keys:\n"
			   "  ed25519_private: |\n";

static const char tail[] = "package_update: true\n"
			   "packages: [wireguard-tools, nftables]\n"
			   "runcmd:\n"
			   "  - [sh, -c, \"touch " USER_DATA_MARKER "\"]\n";

/* Printable ASCII only: other bytes have been seen to fail a creation after it was accepted. */
static int is_plain(const char *text, int newlines)
{
	for (; *text; text++)
		if ((*text < 0x20 || *text > 0x7e) && !(newlines && *text == '\n'))
			return 0;
	return 1;
}

static void write_text(FILE *out, const char *public_line, const char *pem)
{
	fputs(head, out);
	while (*pem) {
		size_t length = strcspn(pem, "\n");

		fprintf(out, INDENT "%.*s\n", (int)length, pem);
		pem += length + (pem[length] == '\n');
	}
	fprintf(out, "  ed25519_public: %s\n", public_line);
	fputs(tail, out);
}

int user_data_build(const char *host_key_public, const char *host_key_pem, char **out,
		    struct err *e)
{
	size_t bytes = 0;
	FILE *stream;

	if (!is_plain(host_key_public, 0) || !is_plain(host_key_pem, 1) ||
	    strncmp(host_key_public, "ssh-ed25519 ", 12) != 0 ||
	    strncmp(host_key_pem, "-----BEGIN ", 11) != 0)
		return err_set(e, -EINVAL, "the host key has not the form of an ed25519 key");
	*out = NULL;
	stream = open_memstream(out, &bytes);
	if (stream)
		write_text(stream, host_key_public, host_key_pem);
	if (!stream || fclose(stream) != 0 || !*out) {
		free(*out);
		return err_set(e, -ENOMEM, "out of memory");
	}
	return 0;
}
