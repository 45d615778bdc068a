/* packets: the packets of one page load, as the published data sets have them.
 *
 * Read: Wang's `.cell` and its kin, lines of time and direction (TrafficSliver's and HyWF's with a
 * size as well), and Maybenot's `nanoseconds,s|r[,size]`. Written: what the published attacks read.
 */
#ifndef COMPS_CELLS_PACKETS_H
#define COMPS_CELLS_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/err.h"

struct packet {
	double s;	    /* since the first of the load; seen from the client */
	int size;	    /* bytes; more than 0 from the client, less to it */
	int path;	    /* that it took; 0 before it is split */
	unsigned int batch; /* of its direction, from 1; of split_by_compat() only */
};

struct packets {
	struct packet *items;
	size_t count, room;
	bool sized; /* else every size is PACKETS_CELL */
};

#define PACKETS_CELL 512 /* of a cell whose size is not given: Tor's */
#define PACKETS_MAX  2000000

/* Reads a load; times begin at 0 then. `name` is for messages. Returns 0, -ENOMEM, -EIO, or
 * -EBADMSG with a sentence that names the line: another form, a time that goes back or is no
 * number, no packets. */
int packets_read(FILE *in, const char *name, struct packets *out, struct err *err);

/* Returns 0 or -ENOMEM. */
int packets_add(struct packets *packets, struct packet packet);

void packets_fini(struct packets *packets);

/* In order of time; equal ones stay as they are. Returns 0 or -ENOMEM. */
int packets_sort(struct packets *packets);

/* Writes "seconds<TAB>1|-1[<TAB>bytes]" for those of the path (-1: all), from 0 on. */
int packets_write(const struct packets *packets, int path, FILE *out);

#endif
