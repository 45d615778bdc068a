/*
 * crowd: many bad clients of a control socket at once.
 *
 *   crowd SOCKET COUNT SEED
 *
 * COUNT clients connect; each says nothing, garbage, half a request, a line that is too long or
 * holds a NUL, or asks a lot and reads none of it. Half a second later all of them are gone without
 * a word. What the daemon thinks of them is for others to see; exit status 1 if none could connect,
 * 2 usage.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	CLIENTS_MAX = 1000,
	ROUNDS = 50,
	LONG_BYTES = 100000,
};

enum habit {
	SILENT,
	GARBAGE,
	HALF,
	TOO_LONG,
	HOLDS_NUL,
	GREEDY,
	SUBSCRIBER,
	HALF_CLOSED,
	N_HABITS
};

/* What does not fit into the socket now is not said. */
static void say(int fd, const void *bytes, size_t count)
{
	(void)!send(fd, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void say_text(int fd, const char *text)
{
	say(fd, text, strlen(text));
}

static void say_garbage(int fd, struct random_data *random)
{
	char bytes[512];
	int32_t value;
	size_t i;

	for (i = 0; i < sizeof(bytes); i++) {
		random_r(random, &value);
		bytes[i] = (char)(value >> 8);
	}
	say(fd, bytes, sizeof(bytes));
}

static void behave(int fd, enum habit habit, struct random_data *random)
{
	static char long_line[LONG_BYTES];

	switch (habit) {
	case GARBAGE:
		say_garbage(fd, random);
		break;
	case HALF:
		say_text(fd, "{\"cmd\":\"sta");
		break;
	case TOO_LONG:
		memset(long_line, 'x', sizeof(long_line));
		say(fd, long_line, sizeof(long_line));
		break;
	case HOLDS_NUL:
		say(fd, "{\"cmd\":\"st\0atus\"}\n", 18);
		break;
	case GREEDY:
		say_text(fd,
			 "{\"cmd\":\"status\"}\n{\"cmd\":\"policies\"}\n{\"cmd\":\"events\"}\n");
		break;
	case SUBSCRIBER:
		say_text(fd, "{\"cmd\":\"subscribe\"}\n[[[[\n");
		break;
	case HALF_CLOSED:
		say_text(fd, "{\"cmd\":\"status\"}\n");
		shutdown(fd, SHUT_WR);
		break;
	default:
		break;
	}
}

static int dial(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		close(fd);
		return -1;
	}
	return fd;
}

int main(int argc, char **argv)
{
	const struct timespec gap = {0, 10000000};
	static enum habit habit[CLIENTS_MAX];
	static int fd[CLIENTS_MAX];
	struct random_data random = {0};
	char random_state[64];
	int count = argc == 4 ? atoi(argv[2]) : 0, served = 0, round, i;
	int32_t value;

	if (count < 1 || count > CLIENTS_MAX) {
		fprintf(stderr, "usage: crowd SOCKET COUNT SEED (1..%d clients)\n", CLIENTS_MAX);
		return 2;
	}
	initstate_r((unsigned int)atoi(argv[3]), random_state, sizeof(random_state), &random);
	for (i = 0; i < count; i++) {
		fd[i] = dial(argv[1]);
		served += fd[i] >= 0;
		random_r(&random, &value);
		habit[i] = (enum habit)((uint32_t)value / 8 % N_HABITS);
	}
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < count; i++) {
			if (fd[i] >= 0 && (round == 0 || habit[i] == GREEDY))
				behave(fd[i], habit[i], &random);
		}
		nanosleep(&gap, NULL);
	}
	return served == 0;
}
