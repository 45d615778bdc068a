#include <math.h>
#include <stdarg.h>

#include "cli/exposure.h"
#include "cli/format.h"

/* One row: what it is, the figure, what it means. */
static void row(struct view *view, const char *what, const char *text, const char *meaning)
{
	view_line(view, VIEW_PLAIN, "  %-34s %12s   %s", what, text, meaning);
}

static void number(struct view *view, const char *what, double value, const char *meaning)
{
	char text[32] = "-";

	if (!isnan(value))
		snprintf(text, sizeof(text), "%.3g", value);
	row(view, what, text, meaning);
}

static void percent(struct view *view, const char *what, double value, const char *meaning)
{
	row(view, what, isnan(value) ? "-" : format_percent(value).text, meaning);
}

static void seconds(struct view *view, const char *what, double value, const char *meaning)
{
	row(view, what, isnan(value) ? "-" : format_seconds(value).text, meaning);
}

static void print_paths(const struct exposure *e, const char *const *names, size_t paths,
			struct view *view)
{
	view_line(view, VIEW_BOLD, "what each path saw (M1)");
	for (size_t i = 0; i < paths; i++)
		view_line(view, VIEW_PLAIN, "  %-15s %6s of the time  %6s of the bytes", names[i],
			  isnan(e->time[i]) ? "-" : format_percent(e->time[i]).text,
			  isnan(e->bytes[i]) ? "-" : format_percent(e->bytes[i]).text);
}

static void print_shares(const struct exposure *e, struct view *view)
{
	const struct shares *s = isnan(e->by_bytes.max) ? &e->by_time : &e->by_bytes;

	view_line(view, VIEW_BOLD, "the whole run, by %s (M2 to M6)",
		  s == &e->by_bytes ? "bytes" : "time");
	percent(view, "busiest path", s->max, "above 60% an attack on splitting does well");
	number(view, "effective paths", s->effective_paths, "2^entropy");
	percent(view, "two paths that work together see", s->top2, "at most");
	percent(view, "a bad path is among them", e->any_10, "if each is with 10%");
	percent(view, "... and sees 60%", e->seen_60, "");
}

static void print_windows(const struct exposure *e, struct view *view)
{
	view_line(view, VIEW_BOLD, "busiest path within a window (M2, M3; windows with traffic)");
	for (size_t i = 0; i < EXPOSURE_WINDOWS; i++) {
		const struct exposure_window *w = &e->window[i];
		char what[32] = "a session";

		if (w->s > 0)
			snprintf(what, sizeof(what), "%gs", w->s);
		if (!w->max.count)
			view_line(view, VIEW_PLAIN, "  %-12s -", what);
		else
			view_line(
				view, VIEW_PLAIN,
				"  %-12s mean %6s   p95 %6s   above 60%%: %6s   above 80%%: %6s   "
				"effective paths %.2f",
				what, format_percent(w->max.mean).text,
				format_percent(w->max.p95).text, format_percent(w->over_60).text,
				format_percent(w->over_80).text, w->effective_paths);
	}
}

static void print_when(const struct exposure *e, struct view *view)
{
	const struct dwell_figures *d = &e->dwell;

	view_line(view, VIEW_BOLD, "when it migrates (M7, M10 to M14; %zu stays)", d->count);
	seconds(view, "mean stay", d->mean_s, "");
	seconds(view, "longest stay", d->longest_s, "");
	percent(view, "most of the traffic in one stay", e->longest_share, "");
	number(view, "coefficient of variation", d->cv, "0 fixed, 1 exponential");
	number(view, "hazard: sd / mean", d->hazard_flatness, "0: no instant is likelier");
	percent(view, "best guess, at any time", d->guess, "that the stay ends within 0.1 s");
	percent(view, "best guess, at its beginning", d->one_shot, "");
	number(view, "divergence from exponential, nats", d->divergence_nats, "");
	number(view, "grid", e->lattice.score, "1: all on a grid");
	number(view, "... by chance below", e->lattice.significant, "");
}

static void print_where(const struct exposure *e, struct view *view)
{
	const struct transitions *t = &e->transitions;

	view_line(view, VIEW_BOLD, "where it goes (M15 to M18; %zu migrations)", t->count);
	number(view, "entropy of the next path, bits", t->entropy_bits, "");
	number(view, "... 95% from", t->low, "");
	number(view, "... to", t->high, "");
	number(view, "... uniform would be", t->most_bits, "");
	percent(view, "a table of the past foresees", t->predictor, "");
	percent(view, "... blind guessing", t->chance, "");
	number(view, "independence, p", t->p_value, "small: it depends on the path before");
}

static void print_handover(const struct exposure *e, struct view *view)
{
	view_line(view, VIEW_BOLD, "what shows at a migration (M19 to M22)");
	row(view, "users it hides among", "1", "one, with proxies of your own: always linkable");
	number(view, "exclusivity of two paths", e->exclusivity,
	       "-1: one is active when not the other");
	number(view, "step of the round trip, d'", e->step, "above 2 the far end can time it");
	seconds(view, "downlink lag, p50", e->lag.p50, "until it follows");
	seconds(view, "downlink lag, p95", e->lag.p95, "");
	percent(view, "misrouted, of the time", e->misrouted, "");
}

void exposure_print(const struct exposure *exposure, const char *const *names, size_t paths,
		    struct view *view)
{
	print_paths(exposure, names, paths, view);
	print_shares(exposure, view);
	print_windows(exposure, view);
	print_when(exposure, view);
	print_where(exposure, view);
	print_handover(exposure, view);
}
