#include "reaper/settings/settings_init.h"

#include <stdio.h>
#include <string.h>

enum { DAY_S = 86400 };
static const struct settings_span timeout = { "init.timeout",
					      offsetof(struct ticket, init.timeout_s), false, 1,
					      DAY_S };

/* A ticket is JSON: other bytes would reach the machine as other ones. */
static bool is_text(struct slice bytes)
{
	uint32_t code_point = 0;

	while (bytes.len) {
		size_t len = text_character(bytes, &code_point);

		if (!len || !code_point)
			return false;
		bytes = (struct slice){ bytes.ptr + len, bytes.len - len };
	}
	return true;
}

static int read_file(const struct settings_reader *reader, const char *at, const char *name,
		     struct error *err)
{
	SCOPED(buf) struct buf text = BUF(TICKET_SCRIPT_BYTES);
	char path[TICKET_PATH_ROOM];

	if (settings_path(reader->text, at, name, path, err) < 0)
		return -1;
	if (settings_file(reader->text, at, path, &text, err) < 0)
		return -1;
	if (!is_text(buf_slice(&text)))
		return settings_refuse(reader->text, err, at,
				       "%s is no script: expected text (UTF-8)", path);
	reader->out->ticket.init.script = memory_text(buf_slice(&text));
	return 0;
}

static int read_script(const struct settings_reader *reader, const char *at, const char *script,
		       struct error *err)
{
	if (strlen(script) > TICKET_SCRIPT_BYTES)
		return settings_refuse(reader->text, err, at, "expected at most %d bytes, got %zu",
				       TICKET_SCRIPT_BYTES, strlen(script));
	if (*script)
		reader->out->ticket.init.script = memory_text(slice_of(script));
	return 0;
}

/* What one level says; *is_said: it says it, though it may be "". */
static int read_level(const struct settings_reader *reader, const struct json *level,
		      const char *level_at, bool *is_said, struct error *err)
{
	const char *script = json_text_value(json_find(level, "init.script"));
	const char *file = json_text_value(json_find(level, "init.file"));
	char at[SETTINGS_AT_ROOM];

	*is_said = script || file;
	snprintf(at, sizeof(at), "%s.init.%s", level_at, file ? "file" : "script");
	if (script && file)
		return settings_refuse(reader->text, err, at,
				       "init.script is there too: give one of them");
	if (file)
		return read_file(reader, at, file, err);
	return script ? read_script(reader, at, script, err) : 0;
}

static int find_script(const struct settings_reader *reader, struct error *err)
{
	char at[SETTINGS_AT_ROOM];
	bool is_said;

	snprintf(at, sizeof(at), "resources[%zu]", reader->place);
	if (read_level(reader, reader->own, at, &is_said, err) < 0)
		return -1;
	if (!is_said && reader->defaults &&
	    read_level(reader, reader->defaults, "defaults", &is_said, err) < 0)
		return -1;
	if (is_said || !json_find(reader->own, "init"))
		return 0;
	snprintf(at, sizeof(at), "resources[%zu].init", reader->place);
	return settings_refuse(reader->text, err, at,
			       "script or file is missing: what shall run on its machines?");
}

static int read_timeout(const struct settings_reader *reader, struct error *err)
{
	const int64_t *boot_s = &reader->out->ticket.limits.boot_deadline_s;
	int64_t *timeout_s = &reader->out->ticket.init.timeout_s;
	char at[SETTINGS_AT_ROOM];

	if (!settings_find(reader, timeout.name, at)) {
		if (*timeout_s > *boot_s)
			*timeout_s = *boot_s;
		return 0;
	}
	if (settings_read_span(reader, &timeout, err) < 0)
		return -1;
	if (*timeout_s > *boot_s && reader->out->ticket.init.script)
		return settings_refuse(reader->text, err, at,
				       "is longer than boot_deadline (%lld s) in resource %s, "
				       "within which it must end",
				       (long long)*boot_s, reader->out->name);
	return 0;
}

int settings_init(const struct settings_reader *reader, struct error *err)
{
	struct ticket_init *init = &reader->out->ticket.init;
	char at[SETTINGS_AT_ROOM];
	const char *failure = json_text_value(settings_find(reader, "init.on_failure", at));

	if (find_script(reader, err) < 0)
		return -1;
	init->is_login = settings_read_flag(reader, "init.login", false);
	init->is_optional = failure && strcmp(failure, "continue") == 0;
	return read_timeout(reader, err);
}
