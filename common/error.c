#include "common/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ROOM = sizeof(((struct error *)0)->message) };

/* The message is built aside, because an argument may point into the old one. */
int error_set(struct error *err, enum error_class class, const char *fmt, ...)
{
	char message[ROOM];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	err->class = class;
	memcpy(err->message, message, sizeof(message));
	return -1;
}

int error_errno(struct error *err, const char *fmt, ...)
{
	int cause = errno;
	char context[ROOM];
	const char *reason = strerror(cause);
	/* The reason is the last thing to lose: it fits, and the context gives way. */
	int room = ROOM - 3 - (int)strnlen(reason, ROOM / 2);
	va_list args;

	va_start(args, fmt);
	vsnprintf(context, sizeof(context), fmt, args);
	va_end(args);
	err->class = ERROR_SYSTEM;
	snprintf(err->message, sizeof(err->message), "%.*s: %.*s", room, context, ROOM / 2, reason);
	errno = cause;
	return -1;
}

int error_wrap(struct error *err, const char *fmt, ...)
{
	char whole[ROOM];
	va_list args;

	va_start(args, fmt);
	int context_len = vsnprintf(whole, sizeof(whole), fmt, args);
	va_end(args);
	/* Of a chain too long to keep, the start says where to look: the end is cut. */
	int room = ROOM - 3 - context_len;

	if (context_len >= 0 && room >= 0)
		snprintf(whole + context_len, (size_t)room + 3, ": %.*s", room, err->message);
	memcpy(err->message, whole, sizeof(whole));
	return -1;
}

const char *error_class_name(enum error_class class)
{
	static const char *const names[ERROR_CLASS_COUNT] = {
		[ERROR_NONE] = "none",
		[ERROR_CONFIGURATION] = "configuration",
		[ERROR_DENIED] = "denied",
		[ERROR_NOT_FOUND] = "not_found",
		[ERROR_CONFLICT] = "conflict",
		[ERROR_CAPACITY] = "capacity",
		[ERROR_QUOTA] = "quota",
		[ERROR_THROTTLED] = "throttled",
		[ERROR_UNREACHABLE] = "unreachable",
		[ERROR_REFUSED] = "refused",
		[ERROR_MALFORMED] = "malformed",
		[ERROR_SYSTEM] = "system",
	};

	return (unsigned)class < ERROR_CLASS_COUNT ? names[class] : "unknown";
}
