#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"

/*
 * A line is at most PIPE_BUF long on Linux, so that one write() puts it whole
 * into a pipe that several processes share.
 */
enum { LINE_LEN = 4096, NAME_ROOM = 64, SUBJECT_ROOM = 400 };

static const char cut_mark[] = "...\"\n";

/* Of the process: whoever logs has no place to carry it through. */
static struct {
	char program[NAME_ROOM], subject[SUBJECT_ROOM];
	enum log_level least;
} state = { .least = LOG_INFO };

static const char *const level_names[] = { "debug", "info", "warn", "error" };

struct line {
	char bytes[LINE_LEN];
	size_t len;
	bool is_cut;
};

/* Adds the piece whole or not at all, so that no escape and no character is split. */
static void line_add(struct line *line, struct slice piece)
{
	if (line->is_cut || piece.len > LINE_LEN - (sizeof(cut_mark) - 1) - line->len) {
		line->is_cut = true;
		return;
	}
	memcpy(line->bytes + line->len, piece.ptr, piece.len);
	line->len += piece.len;
}

/* Control codes of both sets, and the marks that turn or break a line where it is shown. */
static bool is_unprintable(uint32_t code_point)
{
	return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0) ||
	       code_point == 0x61c || (code_point >= 0x200b && code_point <= 0x200f) ||
	       (code_point >= 0x2028 && code_point <= 0x202e) ||
	       (code_point >= 0x2066 && code_point <= 0x2069) || code_point == 0xfeff;
}

/* The letter that stands behind a backslash for this character, or 0. */
static char short_escape(uint32_t code_point)
{
	switch (code_point) {
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	case '"':
	case '\\':
		return (char)code_point;
	default:
		return 0;
	}
}

/* Returns how many bytes of text it took. */
static size_t add_escaped(struct line *line, struct slice text)
{
	char escape[16];
	uint32_t code_point = 0;
	size_t len = text_character(text, &code_point);

	if (!len)
		snprintf(escape, sizeof(escape), "\\x%02x", (unsigned)(unsigned char)text.ptr[0]);
	else if (short_escape(code_point))
		snprintf(escape, sizeof(escape), "\\%c", short_escape(code_point));
	else if (is_unprintable(code_point) && code_point < 0x80)
		snprintf(escape, sizeof(escape), "\\x%02x", (unsigned)code_point);
	else if (is_unprintable(code_point))
		snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)code_point);
	else {
		line_add(line, (struct slice){ text.ptr, len });
		return len;
	}
	line_add(line, slice_of(escape));
	return len ? len : 1;
}

static void add_quoted(struct line *line, const char *text)
{
	struct slice rest = slice_of(text);

	line_add(line, slice_of("\""));
	while (rest.len && !line->is_cut) {
		size_t taken = add_escaped(line, rest);

		rest = (struct slice){ rest.ptr + taken, rest.len - taken };
	}
	line_add(line, slice_of("\""));
}

/* The names are short enough for the cut to fall into the message and nowhere else. */
static void add_name(struct line *line, const char *key, const char *value)
{
	static const char bare[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789_.:/@+-";

	if (!*value)
		return;
	line_add(line, slice_of(key));
	if (value[strspn(value, bare)])
		add_quoted(line, value);
	else
		line_add(line, slice_of(value));
	line_add(line, slice_of(" "));
}

static void line_end(struct line *line)
{
	const char *end = line->is_cut ? cut_mark : "\n";

	memcpy(line->bytes + line->len, end, strlen(end));
	line->len += strlen(end);
}

/* A log that cannot be written has nobody left to tell. */
static void line_write(const struct line *line)
{
	ssize_t written;

	do
		written = write(STDERR_FILENO, line->bytes, line->len);
	while (written < 0 && errno == EINTR);
}

static void log_line(enum log_level level, const char *event, const char *class,
		     const char *message)
{
	struct line line = { .len = 0 };
	char time[CLOCK_TEXT_LEN], event_name[NAME_ROOM];

	clock_format(clock_wall_ms(), true, time);
	text_cut(event_name, sizeof(event_name), event);
	add_name(&line, "time=", time);
	add_name(&line, "level=", level_names[level]);
	add_name(&line, "program=", state.program);
	add_name(&line, "subject=", state.subject);
	add_name(&line, "event=", event_name);
	add_name(&line, "class=", class);
	line_add(&line, slice_of("msg="));
	add_quoted(&line, message);
	line_end(&line);
	line_write(&line);
}

static void PRINTF(3, 0)
	log_args(enum log_level level, const char *event, const char *fmt, va_list args)
{
	int error_before = errno;
	char message[LINE_LEN];

	if (level < state.least)
		return;
	vsnprintf(message, sizeof(message), fmt, args);
	log_line(level, event, "", message);
	errno = error_before;
}

void log_open(const char *program, const char *subject, enum log_level least)
{
	text_cut(state.program, sizeof(state.program), program);
	text_cut(state.subject, sizeof(state.subject), subject ? subject : "");
	state.least = least;
}

void log_debug(const char *event, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_args(LOG_DEBUG, event, fmt, args);
	va_end(args);
}

void log_info(const char *event, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_args(LOG_INFO, event, fmt, args);
	va_end(args);
}

void log_warn(const char *event, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_args(LOG_WARN, event, fmt, args);
	va_end(args);
}

void log_error(const char *event, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_args(LOG_ERROR, event, fmt, args);
	va_end(args);
}

void log_failure(const char *event, const struct error *err)
{
	int error_before = errno;

	if (LOG_WARN >= state.least)
		log_line(LOG_WARN, event, error_class_name(err->class), err->message);
	errno = error_before;
}

int log_level_parse(const char *word, enum log_level *out, struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(level_names); i++)
		if (!strcmp(word, level_names[i])) {
			*out = (enum log_level)i;
			return 0;
		}
	const char *meant = text_nearest(word, level_names, ARRAY_LEN(level_names));

	return error_set(err, ERROR_CONFIGURATION,
			 "log level \"%.32s\": expected debug, info, warn or error%s%s%s", word,
			 meant ? " (did you mean " : "", meant ? meant : "", meant ? "?)" : "");
}
