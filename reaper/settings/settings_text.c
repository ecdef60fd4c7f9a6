#include "reaper/settings/settings_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"
#include "reaper/settings/duration.h"

int settings_refuse(const struct settings_text *text, struct error *err, const char *at,
		    const char *fmt, ...)
{
	unsigned line = *at ? json_line_of(text->text, at, false) : 0;
	char what[400];
	va_list arguments;

	va_start(arguments, fmt);
	vsnprintf(what, sizeof(what), fmt, arguments);
	va_end(arguments);
	if (line)
		return error_set(err, ERROR_CONFIGURATION, "%s:%u: %s: %s", text->path, line, at,
				 what);
	if (*at)
		return error_set(err, ERROR_CONFIGURATION, "%s: %s: %s", text->path, at, what);
	return error_set(err, ERROR_CONFIGURATION, "%s: %s", text->path, what);
}

const char *settings_variable(const struct settings_text *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *const *at = text->environment; *at; at++)
		if (!strncmp(*at, name, len) && (*at)[len] == '=')
			return (*at)[len + 1] ? *at + len + 1 : NULL;
	return NULL;
}

int settings_path(const struct settings_text *text, const char *at, const char *path,
		  char out[static TICKET_PATH_ROOM], struct error *err)
{
	SCOPED(buf) struct buf whole = BUF(TICKET_PATH_ROOM);

	if (*path != '/')
		buf_addf(&whole, "%s/", text->folder);
	buf_addf(&whole, "%s", path);
	if (buf_finish(&whole, err) < 0 ||
	    text_copy(out, TICKET_PATH_ROOM, buf_slice(&whole), err) < 0)
		return settings_refuse(text, err, at, "the path is too long (below %s)",
				       text->folder);
	return 0;
}

/* Before it is opened, since a pipe in its place would hold us up. */
static bool is_regular(const char *path)
{
	struct stat status;

	return stat(path, &status) < 0 || S_ISREG(status.st_mode);
}

int settings_file(const struct settings_text *text, const char *at, const char *path,
		  struct buf *out, struct error *err)
{
	struct error why;

	if (!is_regular(path))
		return settings_refuse(text, err, at, "%s: expected a regular file", path);
	if (file_read(path, out, &why) < 0)
		return settings_refuse(text, err, at, "%s", why.message);
	if (!out->len)
		return settings_refuse(text, err, at, "%s is empty", path);
	return 0;
}

int settings_reference(const struct settings_text *text, const char *at,
		       const struct json *reference, struct secret *out, struct error *err)
{
	const char *variable = json_text_or(reference, "env", NULL);
	const char *file = json_text_or(reference, "file", NULL);
	SCOPED(buf) struct buf bytes = BUF(SETTINGS_REFERENCE_BYTES);
	char path[TICKET_PATH_ROOM];

	if (!variable == !file)
		return settings_refuse(text, err, at,
				       "expected {\"env\": NAME} or {\"file\": PATH}");
	if (variable) {
		const char *value = settings_variable(text, variable);

		if (!value)
			return settings_refuse(text, err, at, "the environment has no variable %s",
					       variable);
		return secret_copy(out, slice_of(value), err);
	}
	if (settings_path(text, at, file, path, err) < 0)
		return -1;
	if (file_read_private(path, &bytes, err) < 0) {
		struct error why = *err;

		return settings_refuse(text, err, at, "%s", why.message);
	}

	struct slice value = buf_slice(&bytes);
	while (value.len && strchr("\r\n \t", value.ptr[value.len - 1]))
		value.len--;
	if (!value.len)
		return settings_refuse(text, err, at, "%s is empty", path);
	return secret_copy(out, value, err);
}

int settings_duration(const struct settings_text *text, const char *at, const struct json *value,
		      int64_t *ms, struct error *err)
{
	const char *words = json_text_value(value);
	double seconds = json_number_value(value);

	if (words) {
		if (duration_parse(slice_of(words), ms, err) < 0) {
			struct error why = *err;

			return settings_refuse(text, err, at, "%s", why.message);
		}
		return 0;
	}
	if (!(seconds >= 0 && seconds <= 3653.0 * 86400))
		return settings_refuse(text, err, at, "expected " DURATION_EXPECTED);
	*ms = (int64_t)(seconds * 1000 + 0.5);
	return 0;
}

int settings_seconds(const struct settings_text *text, const char *at, const struct json *value,
		     int64_t *seconds, struct error *err)
{
	int64_t ms = 0;

	if (settings_duration(text, at, value, &ms, err) < 0)
		return -1;
	if (ms % 1000)
		return settings_refuse(text, err, at, "expected whole seconds, got %lld ms",
				       (long long)ms);
	*seconds = ms / 1000;
	return 0;
}

static bool is_program(const char *path)
{
	/* A folder may be "executed" too; the slash tells it apart. */
	char below[TICKET_PATH_ROOM + 2];

	snprintf(below, sizeof(below), "%s/.", path);
	return access(path, X_OK) == 0 && access(below, F_OK) != 0;
}

/* The first folder of PATH that holds the program; "" when none does. */
static void find_in_path(const struct settings_text *text, const char *name,
			 char out[static TICKET_PATH_ROOM])
{
	const char *folders = settings_variable(text, "PATH");

	for (const char *at = folders ? folders : "/usr/local/bin:/usr/bin:/bin"; *at;) {
		size_t len = strcspn(at, ":");
		int needed = snprintf(out, TICKET_PATH_ROOM, "%.*s/%s", (int)len, at, name);

		if (*at == '/' && needed < TICKET_PATH_ROOM && is_program(out))
			return;
		at += len + (at[len] == ':');
	}
	*out = '\0';
}

int settings_program(const struct settings_text *text, const char *at, const char *name,
		     char out[static TICKET_PATH_ROOM], struct error *err)
{
	if (text->is_shape) {
		text_cut(out, TICKET_PATH_ROOM, name);
		return 0;
	}
	if (!strchr(name, '/')) {
		find_in_path(text, name, out);
		return *out ? 0 :
			      settings_refuse(text, err, at,
					      "there is no program %s in PATH: give its path",
					      name);
	}
	if (settings_path(text, at, name, out, err) < 0)
		return -1;
	if (!is_program(out))
		return settings_refuse(text, err, at, "there is no program %s", out);
	return 0;
}
