#include "reaper/providers/local_note.h"

#include <string.h>

#include "common/json.h"
#include "common/worker_id.h"

static int read_field(const struct json *root, const char *name, char *out, size_t room,
		      struct error *err)
{
	const char *text;

	if (json_text(root, name, &text, err) < 0)
		return -1;
	if (!worker_id_is_field(slice_of(text)))
		return error_set(err, ERROR_MALFORMED, "%s: \"%.80s\" is no name", name, text);
	if (text_copy(out, room, slice_of(text), err) < 0)
		return error_wrap(err, "%s", name);
	return 0;
}

static int read_number(const struct json *root, const char *name, int64_t most, int64_t *out,
		       struct error *err)
{
	if (json_integer(root, name, out, err) < 0)
		return -1;
	if (*out < 0 || *out > most)
		return error_set(err, ERROR_MALFORMED, "%s: %lld is out of range", name,
				 (long long)*out);
	return 0;
}

static int read_market(const struct json *root, enum market *out, struct error *err)
{
	const char *name;

	if (json_text(root, "market", &name, err) < 0)
		return -1;
	for (enum market market = 0; market < MARKET_COUNT; market++)
		if (!strcmp(name, market_name(market))) {
			*out = market;
			return 0;
		}
	return error_set(err, ERROR_MALFORMED, "market: \"%.80s\" is none", name);
}

int local_note_parse(struct slice text, struct local_note *out, struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	struct local_note note = { 0 };
	int64_t slot, generation;

	if (json_parse(text, &document, err) < 0)
		return -1;
	const struct json *root = document.root;
	if (read_field(root, "instance", note.instance, sizeof(note.instance), err) < 0 ||
	    read_field(root, "prefix", note.prefix, sizeof(note.prefix), err) < 0 ||
	    read_field(root, "resource", note.resource, sizeof(note.resource), err) < 0 ||
	    read_field(root, "type", note.type, sizeof(note.type), err) < 0 ||
	    read_field(root, "zone", note.zone, sizeof(note.zone), err) < 0 ||
	    read_market(root, &note.market, err) < 0 ||
	    read_field(root, "launch_key", note.key, sizeof(note.key), err) < 0 ||
	    read_field(root, "boot_id", note.boot_id, sizeof(note.boot_id), err) < 0 ||
	    read_number(root, "slot", 99999, &slot, err) < 0 ||
	    read_number(root, "generation", 2000000000, &generation, err) < 0 ||
	    read_number(root, "launched_s", INT64_C(1) << 40, &note.launched_s, err) < 0 ||
	    read_number(root, "launched_boottime_ms", INT64_C(1) << 50, &note.launched_boottime_ms,
			err) < 0)
		return -1;
	note.slot = (unsigned)slot;
	note.generation = (unsigned)generation;
	*out = note;
	return 0;
}

void local_note_print(const struct local_note *note, struct buf *out)
{
	SCOPED(json_document) struct json_document document = { 0 };

	json_new_object(&document);
	json_add_text(document.root, "provider", "local");
	json_add_text(document.root, "instance", note->instance);
	json_add_text(document.root, "type", note->type);
	json_add_text(document.root, "zone", note->zone);
	json_add_text(document.root, "market", market_name(note->market));
	json_add_integer(document.root, "launched_s", note->launched_s);
	json_add_integer(document.root, "launched_boottime_ms", note->launched_boottime_ms);
	json_add_text(document.root, "boot_id", note->boot_id);
	json_add_text(document.root, "prefix", note->prefix);
	json_add_text(document.root, "resource", note->resource);
	json_add_integer(document.root, "slot", note->slot);
	json_add_integer(document.root, "generation", note->generation);
	json_add_text(document.root, "launch_key", note->key);
	json_print(document.root, true, out);
}
