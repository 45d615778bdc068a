/* err: the sentence that goes with a -errno, for the functions whose failure needs one. */
#ifndef COMPS_LIB_ERR_H
#define COMPS_LIB_ERR_H

struct err {
	char text[512];
};

/* Writes the formatted text (cut to fit, and well-formed UTF-8) into `e`, which may be NULL, and
 * returns `code`, so that a failing function can end in `return err_set(e, -EINVAL, "...")`. Never
 * put a secret in it. */
int err_set(struct err *e, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts `format...` and ": " in front of the text that is there: the caller's context. Returns
 * `code`. */
int err_prefix(struct err *e, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
