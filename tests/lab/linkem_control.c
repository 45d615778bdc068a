/* The control socket of linkem: the commands that its head comment lists, and the client that sends
 * them. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/lab/linkem.h"

enum {
	REQUEST_MAX = 65536,
	REPLY_MAX = 8 * REQUEST_MAX
};

static const struct {
	const char *name;
	int64_t max;
} keys[N_KEYS] = {
	[DELAY_US] = {"delay_us", 60000000},
	[JITTER_US] = {"jitter_us", 60000000},
	[LOSS_PPM] = {"loss_ppm", 1000000},
	[RATE_KBIT] = {"rate_kbit", 100000000},
	[LIMIT_PKTS] = {"limit_pkts", 200000},
	[HOLE] = {"hole", 1},
	[REORDER] = {"reorder", 1},
};

struct request {
	struct cable *cables;
	size_t n_cables;
	char *save; /* strtok_r's place in the current command */
	FILE *reply;
	bool quit;
};

static int set_key(int64_t *set, const char *name, const char *value)
{
	char *end;
	int64_t v;

	for (int k = 0; k < N_KEYS; k++) {
		if (strcmp(name, keys[k].name))
			continue;
		if (!value)
			return -1;
		errno = 0;
		v = strtoll(value, &end, 10);
		if (errno || *end || end == value || v < 0 || v > keys[k].max)
			return -1;
		set[k] = v;
		return 0;
	}
	return -1;
}

static int cmd_set(struct request *r)
{
	const char *name = strtok_r(NULL, " \t", &r->save),
		   *which = strtok_r(NULL, " \t", &r->save);
	struct cable *c = NULL;
	int64_t set[2][N_KEYS];
	bool use[2];
	char *k;

	for (size_t i = 0; name && i < r->n_cables; i++)
		if (!strcmp(r->cables[i].name, name))
			c = &r->cables[i];
	if (!c || !which) {
		fprintf(r->reply, "set %s: no such cable, or no direction\n", name ? name : "");
		return -1;
	}
	use[0] = !strcmp(which, "up") || !strcmp(which, "both");
	use[1] = !strcmp(which, "down") || !strcmp(which, "both");
	if (!use[0] && !use[1]) {
		fprintf(r->reply, "set %s %s: the direction is up, down or both\n", name, which);
		return -1;
	}
	for (int d = 0; d < 2; d++)
		memcpy(set[d], c->dir[d].set, sizeof(set[d]));
	while ((k = strtok_r(NULL, " \t=", &r->save))) {
		const char *v = strtok_r(NULL, " \t=", &r->save);

		if ((use[0] && set_key(set[0], k, v)) || (use[1] && set_key(set[1], k, v))) {
			fprintf(r->reply, "set %s %s: bad setting %s=%s\n", name, which, k,
				v ? v : "");
			return -1;
		}
	}
	for (int d = 0; d < 2; d++)
		memcpy(c->dir[d].set, set[d], sizeof(set[d]));
	return 0;
}

static void show_dir(FILE *f, const char *name, const char *which, const struct dir *d)
{
	fprintf(f, "{\"link\":\"%s\",\"dir\":\"%s\"", name, which);
	for (int k = 0; k < N_KEYS; k++)
		fprintf(f, ",\"%s\":%" PRId64, keys[k].name, d->set[k]);
	fprintf(f,
		",\"in\":%" PRIu64 ",\"out\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"holed\":%" PRIu64
		",\"overlimit\":%" PRIu64 ",\"write_errors\":%" PRIu64 ",\"queued\":%" PRIu64
		",\"late_mean_us\":%.1f,\"late_max_us\":%.1f}\n",
		d->in, d->out, d->lost, d->holed, d->overlimit, d->write_errors, d->queued,
		d->late_n ? (double)d->late_sum / (double)d->late_n / 1000 : 0.0,
		(double)d->late_max / 1000);
}

static int run_command(struct request *r, char *line)
{
	char *verb = strtok_r(line, " \t", &r->save);

	if (!verb)
		return 0;
	if (!strcmp(verb, "set"))
		return cmd_set(r);
	if (!strcmp(verb, "show")) {
		for (size_t i = 0; i < r->n_cables; i++) {
			show_dir(r->reply, r->cables[i].name, "up", &r->cables[i].dir[0]);
			show_dir(r->reply, r->cables[i].name, "down", &r->cables[i].dir[1]);
		}
		return 0;
	}
	if (!strcmp(verb, "quit")) {
		r->quit = true;
		return 0;
	}
	fprintf(r->reply, "%s: unknown command (set, show, quit)\n", verb);
	return -1;
}

/* One request a connection: text in; a status byte, '0' or '1', and text out. */
bool control_serve(int listen_fd, struct cable *cables, size_t n)
{
	static char text[REQUEST_MAX];
	struct request r = {.cables = cables, .n_cables = n};
	/* A client that connects and says nothing must not stop the cables for long. */
	struct timeval patience = {.tv_usec = 50000};
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	char *answer = NULL, *save, *line;
	size_t len = 0;
	ssize_t got;
	int rc = 0;

	if (fd < 0)
		return false;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	got = recv(fd, text, sizeof(text) - 1, 0);
	r.reply = open_memstream(&answer, &len);
	if (!r.reply)
		die("answer");
	fputc('0', r.reply);
	text[got > 0 ? got : 0] = 0;
	for (line = strtok_r(text, ";\n", &save); line && !rc; line = strtok_r(NULL, ";\n", &save))
		rc = run_command(&r, line);
	fclose(r.reply);
	if (rc)
		answer[0] = '1';
	(void)!send(fd, answer, len, MSG_NOSIGNAL);
	free(answer);
	close(fd);
	return r.quit;
}

struct sockaddr_un control_address(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		die(path);
	}
	strcpy(sun.sun_path, path);
	return sun;
}

int control_client(const char *path, const char *commands)
{
	struct sockaddr_un sun = control_address(path);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	static char buf[REPLY_MAX];
	ssize_t n;

	if (fd < 0 || connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0)
		die(path);
	if (send(fd, commands, strlen(commands), 0) < 0)
		die("send");
	n = recv(fd, buf, sizeof(buf), 0);
	if (n < 1) {
		fprintf(stderr, "linkem: no answer\n");
		return 1;
	}
	fwrite(buf + 1, 1, (size_t)n - 1, buf[0] == '0' ? stdout : stderr);
	return buf[0] != '0';
}
