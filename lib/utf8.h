/* utf8: text that was cut to fit, or came from outside, made well-formed again. */
#ifndef COMPS_LIB_UTF8_H
#define COMPS_LIB_UTF8_H

/* Replaces every byte that is not part of a well-formed character (RFC 3629 §4) by '?', in place:
 * JSON refuses a text that has one, and with it the whole answer. */
void utf8_repair(char *text);

#endif
