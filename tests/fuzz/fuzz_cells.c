/* Page loads: what is read is in order, and what is written of it is read again. */
#include "cells/packets.h"
#include "tests/fuzz/fuzz.h"

#include <math.h>

static int read_bytes(const void *data, size_t size, struct packets *out)
{
	FILE *in = fmemopen((void *)data, size, "r");
	struct err err;
	int ret;

	MUST(in);
	ret = packets_read(in, "x", out, &err);
	fclose(in);
	return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packets packets, again;
	char *text = NULL;
	size_t bytes, i;
	FILE *out;

	if (!size || read_bytes(data, size, &packets))
		return 0;
	for (i = 0; i < packets.count; i++) {
		MUST(packets.items[i].size != 0);
		MUST(i == 0 || packets.items[i].s >= packets.items[i - 1].s);
	}
	out = open_memstream(&text, &bytes);
	MUST(out && packets_write(&packets, -1, out) == 0 && fclose(out) == 0);
	/* Times beyond what six decimals and a double hold are out of scope. */
	if (packets.items[packets.count - 1].s < 1e6) {
		MUST(read_bytes(text, bytes, &again) == 0 && again.count == packets.count);
		packets_fini(&again);
	}
	free(text);
	packets_fini(&packets);
	return 0;
}
