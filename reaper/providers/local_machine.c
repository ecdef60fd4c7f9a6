#include "reaper/providers/local_machine.h"

#include <stdio.h>
#include <string.h>

#include "common/file.h"
#include "common/json.h"
#include "common/marked.h"

void local_machine_path(const struct resource *resource, const char *instance, const char *file,
			char out[static LOCAL_PATH_ROOM])
{
	snprintf(out, LOCAL_PATH_ROOM, "%s/%s%s%s", resource->local.machines, instance,
		 *file ? "/" : "", file);
}

bool local_machine_has(const struct resource *resource, const char *instance, const char *file)
{
	char path[LOCAL_PATH_ROOM];

	local_machine_path(resource, instance, file, path);
	return file_exists(path);
}

int local_machine_read(const struct resource *resource, const char *instance,
		       struct local_note *out, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(LOCAL_NOTE_BYTES);
	char path[LOCAL_PATH_ROOM];

	local_machine_path(resource, instance, "instance.json", path);
	if (file_read(path, &text, err) < 0)
		return -1;
	if (local_note_parse(buf_slice(&text), out, err) < 0)
		return error_wrap(err, "%s", path);
	if (strcmp(out->instance, instance) != 0)
		return error_set(err, ERROR_MALFORMED, "%s: it is %s by its own words", path,
				 out->instance);
	return 0;
}

int64_t local_machine_ended_s(const struct resource *resource, const char *instance)
{
	SCOPED(buf) struct buf text = BUF(LOCAL_NOTE_BYTES);
	SCOPED(json_document) struct json_document document = { 0 };
	char path[LOCAL_PATH_ROOM];
	struct error ignored;

	local_machine_path(resource, instance, "ended.json", path);
	if (file_read(path, &text, &ignored) < 0 ||
	    json_parse(buf_slice(&text), &document, &ignored) < 0)
		return 0;
	int64_t end_s = json_integer_or(document.root, "ended_s", 0);
	return end_s > 0 ? end_s : 0;
}

int local_machine_is_marked(const char *instance, bool *out, struct error *err)
{
	SCOPED(marked) struct marked found = { 0 };
	char marker[LOCAL_MARKER_ROOM];

	local_machine_marker(instance, marker);
	if (marked_find(marker, &found, err) < 0)
		return error_wrap(err, "look for processes of %s", instance);
	*out = found.count > 0;
	return 0;
}

void local_machine_marker(const char *instance, char out[static LOCAL_MARKER_ROOM])
{
	snprintf(out, LOCAL_MARKER_ROOM, "MAYFLY_INSTANCE=%s", instance);
}
