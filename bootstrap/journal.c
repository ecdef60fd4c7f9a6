#include "bootstrap/journal.h"

#include <string.h>

#include "common/file.h"

enum {
	JOURNAL_FORMAT = 1,
	JOURNAL_MAX_BYTES = 16384, /* 16 entries need a quarter of it */
	JOURNAL_MAX_ATTEMPT = 1000000,
	JOURNAL_SEATS = (int)ARRAY_LEN(((struct journal *)0)->entries),
};

static bool is_id(const char *text)
{
	size_t len = strlen(text);

	return len && len < CLEARML_ID_ROOM && strspn(text, "0123456789abcdef") == len;
}

static int read_id(const struct json *item, const char *name, char out[static CLEARML_ID_ROOM],
		   struct error *err)
{
	const char *text;

	if (json_text(item, name, &text, err) < 0)
		return -1;
	if (!is_id(text))
		return error_set(err, ERROR_MALFORMED, "%s: expected a ClearML id", name);
	return text_copy(out, CLEARML_ID_ROOM, slice_of(text), err);
}

static int read_count(const struct json *item, const char *name, int64_t limit, unsigned *out,
		      struct error *err)
{
	int64_t number;

	if (json_integer(item, name, &number, err) < 0)
		return -1;
	if (number < 0 || number > limit)
		return error_set(err, ERROR_MALFORMED, "%s: expected 0 to %lld", name,
				 (long long)limit);
	*out = (unsigned)number;
	return 0;
}

static int read_entry(const struct json *item, struct journal *out, struct error *err)
{
	struct journal_entry entry = { 0 };

	if (read_count(item, "seat", JOURNAL_SEATS - 1, &entry.seat, err) < 0 ||
	    read_count(item, "attempt", JOURNAL_MAX_ATTEMPT, &entry.attempt, err) < 0 ||
	    read_id(item, "queue", entry.queue, err) < 0 ||
	    read_id(item, "task", entry.task, err) < 0 ||
	    json_integer(item, "taken_s", &entry.taken_s, err) < 0)
		return -1;
	if (!entry.attempt)
		return error_set(err, ERROR_MALFORMED, "attempt: expected 1 or more");
	if (out->entries[entry.seat].task[0])
		return error_set(err, ERROR_MALFORMED, "seat %u stands there twice", entry.seat);
	out->entries[entry.seat] = entry;
	return 0;
}

static int read_entries(const struct json *root, struct journal *out, struct error *err)
{
	const struct json *seats;
	int64_t format;

	if (json_integer(root, "format", &format, err) < 0)
		return -1;
	if (format != JOURNAL_FORMAT)
		return error_set(err, ERROR_MALFORMED, "format: expected %d, got %lld",
				 JOURNAL_FORMAT, (long long)format);
	if (read_count(root, "restarts", JOURNAL_MAX_ATTEMPT, &out->restarts, err) < 0 ||
	    json_list(root, "seats", &seats, err) < 0)
		return -1;
	for (const struct json *item = json_first(seats); item; item = json_next(item))
		if (read_entry(item, out, err) < 0)
			return error_wrap(err, "seats");
	return 0;
}

static void number_seats(struct journal *journal)
{
	for (unsigned i = 0; i < JOURNAL_SEATS; i++)
		journal->entries[i].seat = i;
}

int journal_parse(struct slice text, struct journal *out, struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	struct journal journal = { 0 };

	if (json_parse(text, &document, err) < 0 || read_entries(document.root, &journal, err) < 0)
		return -1;
	number_seats(&journal);
	*out = journal;
	return 0;
}

int journal_read(const char *path, struct journal *out, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(JOURNAL_MAX_BYTES);

	if (file_read(path, &text, err) < 0) {
		if (err->class != ERROR_NOT_FOUND)
			return -1;
		*out = (struct journal){ 0 };
		number_seats(out);
		return 0;
	}
	if (journal_parse(buf_slice(&text), out, err) < 0)
		return error_wrap(err, "%s: not a journal that this program wrote", path);
	return 0;
}

void journal_print(const struct journal *journal, struct buf *out)
{
	SCOPED(json_document) struct json_document document = { 0 };

	json_new_object(&document);
	json_add_integer(document.root, "format", JOURNAL_FORMAT);
	json_add_integer(document.root, "restarts", journal->restarts);
	struct json *seats = json_add_list(document.root, "seats");
	for (unsigned i = 0; i < JOURNAL_SEATS; i++) {
		const struct journal_entry *entry = &journal->entries[i];
		if (!entry->task[0])
			continue;
		struct json *item = json_add_object(seats, NULL);
		json_add_integer(item, "seat", i);
		json_add_text(item, "queue", entry->queue);
		json_add_text(item, "task", entry->task);
		json_add_integer(item, "attempt", entry->attempt);
		json_add_integer(item, "taken_s", entry->taken_s);
	}
	json_print(document.root, true, out);
}

int journal_write(const char *path, const struct journal *journal, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(JOURNAL_MAX_BYTES);

	journal_print(journal, &text);
	if (buf_finish(&text, err) < 0 || file_write(path, buf_slice(&text), 0600, err) < 0)
		return error_wrap(err, "journal");
	return 0;
}
