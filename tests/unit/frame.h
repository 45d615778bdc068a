/* frame: packets for tests, built from the inside out: the payload, then header after header. */
#ifndef COMPS_TESTS_UNIT_FRAME_H
#define COMPS_TESTS_UNIT_FRAME_H

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A packet that grows from its end to its beginning, as headers are put around it. */
struct frame {
	uint8_t room[2048];
	size_t count;
};

static inline uint8_t *frame_begin(struct frame *f)
{
	return f->room + sizeof(f->room) - f->count;
}

static inline void frame_put(struct frame *f, const void *bytes, size_t count)
{
	f->count += count;
	assert_true(f->count <= sizeof(f->room));
	if (count)
		memcpy(frame_begin(f), bytes, count);
}

static inline void frame_put_udp(struct frame *f, uint16_t from, uint16_t to)
{
	uint8_t header[8] = {(uint8_t)(from >> 8), (uint8_t)from, (uint8_t)(to >> 8), (uint8_t)to};

	frame_put(f, header, sizeof(header));
}

static inline void frame_put_ip4(struct frame *f, uint8_t protocol, const char *to,
				 uint16_t fragment)
{
	uint8_t header[20] = {
		0x45, 0, 0,   0, 0, 0, (uint8_t)(fragment >> 8), (uint8_t)fragment, 64, protocol,
		0,    0, 192, 0, 2, 2};

	assert_int_equal(inet_pton(AF_INET, to, header + 16), 1);
	frame_put(f, header, sizeof(header));
}

static inline void frame_put_ip6(struct frame *f, uint8_t next, const char *to, uint8_t hops)
{
	uint8_t header[40] = {0x60, 0, 0, 0, 0, 0, next, hops, 0x20, 0x01, 0x0d, 0xb8};

	assert_int_equal(inet_pton(AF_INET6, to, header + 24), 1);
	frame_put(f, header, sizeof(header));
}

static inline void frame_put_ethernet(struct frame *f, uint16_t type)
{
	uint8_t header[14] = {
		2, 0, 0, 1, 0, 1, 2, 0, 0, 1, 0, 2, (uint8_t)(type >> 8), (uint8_t)type};

	frame_put(f, header, sizeof(header));
}

static inline void frame_put_vlan(struct frame *f, uint16_t type)
{
	uint8_t tag[4] = {0, 100, (uint8_t)(type >> 8), (uint8_t)type};

	frame_put(f, tag, sizeof(tag));
}

#endif
