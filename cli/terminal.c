#include "cli/terminal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/clock.h"

#define ENTER "\033[?1049h\033[?25l" /* alternate screen, no cursor (xterm) */
#define LEAVE "\033[?25h\033[?1049l"

void terminal_size(int fd, int *width, int *height)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) < 0)
		size = (struct winsize){.ws_col = 0};
	*width = size.ws_col;
	if (height)
		*height = size.ws_row;
}

static void put(int fd, const char *text)
{
	/* A terminal that takes no bytes has gone; there is nothing to do about it. */
	ssize_t ignored = write(fd, text, strlen(text));

	(void)ignored;
}

static void set_raw(struct terminal *t)
{
	struct termios raw;

	t->raw = tcgetattr(t->in, &t->saved) == 0;
	if (!t->raw)
		return;
	raw = t->saved;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VSUSP] = _POSIX_VDISABLE; /* a stopped process would leave its screen behind */
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tcsetattr(t->in, TCSANOW, &raw);
}

int terminal_open(struct terminal *t, int in, int out, struct err *e)
{
	sigset_t wanted;

	*t = (struct terminal){.in = in, .out = out};
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGHUP);
	sigaddset(&wanted, SIGQUIT);
	sigaddset(&wanted, SIGWINCH);
	t->signals = signalfd(-1, &wanted, SFD_CLOEXEC);
	if (t->signals < 0)
		return err_set(e, -errno, "cannot watch for signals: %s", strerror(errno));
	sigprocmask(SIG_BLOCK, &wanted, &t->mask);
	set_raw(t);
	put(t->out, ENTER);
	return 0;
}

void terminal_close(struct terminal *t)
{
	put(t->out, LEAVE);
	if (t->raw)
		tcsetattr(t->in, TCSANOW, &t->saved);
	close(t->signals);
	sigprocmask(SIG_SETMASK, &t->mask, NULL);
}

static enum terminal_event take_signal(struct terminal *t)
{
	struct signalfd_siginfo info;

	if (read(t->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return TERMINAL_TIMEOUT;
	return info.ssi_signo == SIGWINCH ? TERMINAL_RESIZED : TERMINAL_QUIT;
}

static enum terminal_event take_key(struct terminal *t)
{
	char key;

	if (read(t->in, &key, 1) != 1)
		return TERMINAL_QUIT;
	return key == 'q' || key == 'Q' ? TERMINAL_QUIT : TERMINAL_TIMEOUT;
}

enum terminal_event terminal_wait(struct terminal *t, int64_t us)
{
	struct mono deadline = mono_add_us(clock_now(), us);
	enum terminal_event event = TERMINAL_TIMEOUT;

	while (event == TERMINAL_TIMEOUT) {
		struct pollfd wait[2] = {{.fd = t->signals, .events = POLLIN},
					 {.fd = t->raw ? t->in : -1, .events = POLLIN}};
		int64_t left_ms = mono_diff_us(deadline, clock_now()) / 1000;

		if (left_ms < 0 || poll(wait, 2, left_ms < INT32_MAX ? (int)left_ms : -1) == 0)
			break;
		if (wait[0].revents)
			event = take_signal(t);
		else if (wait[1].revents)
			event = take_key(t);
	}
	return event;
}
