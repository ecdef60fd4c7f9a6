#ifndef COMMON_ERROR_H
#define COMMON_ERROR_H

/*
 * error: what went wrong, for the program (class) and for a person (message).
 *
 * The caller owns the struct, mostly on its stack, so reporting a failure
 * neither allocates nor fails. A function that can fail takes it as its last
 * parameter and returns 0, or -1 with *err filled. The callee states the fact;
 * each caller may put its own words in front of it with error_wrap(). What
 * happens next depends on the class alone, never on the text.
 */

#define CHECKED __attribute__((warn_unused_result))
#define PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

enum error_class {
	ERROR_NONE,
	ERROR_CONFIGURATION, /* the operator must change a flag or a file */
	ERROR_DENIED, /* our credentials were refused: do not retry */
	ERROR_NOT_FOUND, /* it is gone already: for a deletion, that is success */
	ERROR_CONFLICT, /* somebody else was first, or holds it: read again, then decide */
	ERROR_CAPACITY, /* the cloud has none left here: try the next offering */
	ERROR_QUOTA, /* our account's limit: try another offering, tell the operator */
	ERROR_THROTTLED, /* too many calls: later, and nothing was done */
	ERROR_UNREACHABLE, /* no answer in time: it may or may not have been done */
	ERROR_REFUSED, /* the peer understood the request and will not do it */
	ERROR_MALFORMED, /* foreign bytes make no sense: decide nothing from them */
	ERROR_SYSTEM, /* a local call failed; the message carries strerror() */
	ERROR_CLASS_COUNT
};

struct error {
	enum error_class class;
	char message[512];
};

/* Fill *err and return -1, so that a failure is one line: return error_set(...). */
int error_set(struct error *err, enum error_class class, const char *fmt, ...) PRINTF(3, 4);

/* error_set() of class ERROR_SYSTEM, with ": strerror(errno)" appended. */
int error_errno(struct error *err, const char *fmt, ...) PRINTF(2, 3);

/* Put "fmt: " in front of the message, keep the class, and return -1. */
int error_wrap(struct error *err, const char *fmt, ...) PRINTF(2, 3);

/* One word for logs and JSON: "denied", "unreachable", ... */
const char *error_class_name(enum error_class class);

#endif
