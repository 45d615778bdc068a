/* markov: at the end of every interval a path is drawn by the row of a matrix that belongs to the
 * present one. For research: any process without a longer memory can be written down. */
#include "policies/numbers.h"
#include "policies/select.h"
#include "policies/turn.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#define PATHS_MAX 32

enum {
	MATRIX = INTERVAL_PARAM_COUNT
};

struct markov {
	struct turn turn;
	size_t rows; /* 0: all alike */
	double row[PATHS_MAX][PATHS_MAX];
};

static const struct policy_param params[] = {
	INTERVAL_PARAMS(30000000, INTERVAL_SHIFTED_EXPONENTIAL),
	[MATRIX] = {.name = "matrix",
		    .type = POLICY_TEXT,
		    .preset = {.text = ""},
		    .help = "for each path the probabilities of the next one, rows parted by /: "
			    "\"0 1 0 / 0 0 1 / .5 .5 0\"; none: each other path alike"},
};

static int refuse(char *error, size_t error_bytes, const char *what, size_t row)
{
	snprintf(error, error_bytes, "matrix: row %zu %s", row, what);
	return -EINVAL;
}

static int read_matrix(struct markov *s, const char *text, char *error, size_t error_bytes)
{
	size_t i, count, width = 0;
	double sum;

	while (*text) {
		if (s->rows == PATHS_MAX)
			return refuse(error, error_bytes, "is one too many", s->rows + 1);
		text = numbers_read(text, '/', s->row[s->rows], PATHS_MAX, &count, error,
				    error_bytes);
		if (!text)
			return -EINVAL;
		for (i = 0, sum = 0; i < count; i++)
			sum += s->row[s->rows][i];
		s->rows++;
		if (s->rows > 1 && count != width)
			return refuse(error, error_bytes, "has another length", s->rows);
		if (fabs(sum - 1) > 1e-6)
			return refuse(error, error_bytes, "does not add up to 1", s->rows);
		width = count;
	}
	return width == s->rows ? 0
				: refuse(error, error_bytes, "is the last: not square", s->rows);
}

static int init(void *state, const struct policy_setup *setup, char *error, size_t error_bytes)
{
	struct markov *s = state;
	int ret = read_matrix(s, setup->values[MATRIX].text, error, error_bytes);

	if (ret)
		return ret;
	if (s->rows && setup->path_count && s->rows != setup->path_count) {
		snprintf(error, error_bytes, "matrix has %zu rows, but there are %zu paths",
			 s->rows, setup->path_count);
		return -EINVAL;
	}
	return interval_init(&s->turn.interval, setup->values, error, error_bytes);
}

static int draw(void *state, const struct policy_input *in)
{
	const struct markov *s = state;
	double weights[SELECT_WEIGHTS_MAX] = {0};
	size_t i;

	if (!s->rows || in->active == POLICY_NONE)
		return select_random(in, false);
	for (i = 0; i < s->rows; i++)
		weights[i] = s->row[in->active][i];
	return select_weighted(in, weights);
}

static void decide(void *state, const struct policy_input *in, struct policy_answer *out)
{
	struct markov *s = state;

	turn_decide(&s->turn, in, draw, s, "markov", out);
}

const struct policy_ops policy_markov = {
	.abi_major = POLICY_ABI_MAJOR,
	.abi_minor = POLICY_ABI_MINOR,
	.name = "markov",
	.help = "Migrates after a random interval to a path drawn by the present one's row of a "
		"matrix. For research.",
	.params = params,
	.param_count = sizeof(params) / sizeof(*params),
	.state_size = sizeof(struct markov),
	.init = init,
	.decide = decide,
};
