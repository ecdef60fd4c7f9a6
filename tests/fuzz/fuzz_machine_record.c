/* The first line is a worker's id, each further one a tag. A record that is taken writes tags
 * that read back the same; tags that make no sense leave the identity; other workers are skipped.
 */
#include "common/machine_record.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TAGS_MAX = 64 };

static struct slice next_line(struct slice *rest)
{
	const char *end = rest->len ? memchr(rest->ptr, '\n', rest->len) : NULL;
	struct slice line = { rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len };
	size_t taken = line.len + (end != NULL);

	*rest = (struct slice){ rest->ptr + taken, rest->len - taken };
	return line;
}

static void fill_worker(struct slice text, struct clearml_worker *worker)
{
	char *id = memory_text(next_line(&text));

	text_cut(worker->id, sizeof(worker->id), id);
	free(id);
	while (text.len && worker->tag_count < TAGS_MAX) {
		char *tag = memory_text(next_line(&text));

		text_cut(worker->tags[worker->tag_count++], CLEARML_TAG_ROOM, tag);
		free(tag);
	}
}

static void reads_back(const struct clearml_worker *worker, const struct machine_record *record)
{
	struct machine_tags tags;
	struct machine_record again;
	struct error err;
	struct clearml_worker copy = *worker;

	machine_record_tags(record, &tags);
	assert(tags.count <= MACHINE_RECORD_MAX_TAGS);
	copy.tags = tags.text;
	copy.tag_count = tags.count;
	assert(machine_record_read(&copy, "p", &again, &err) == 0);
	assert(memcmp(&again, record, sizeof(again)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char tags[TAGS_MAX][CLEARML_TAG_ROOM];
	struct clearml_worker worker = { .tags = tags, .registered_ms = 1, .last_report_ms = 2 };
	struct machine_record record;
	struct error err = { 0 };

	memset(&record, 0, sizeof(record));
	fill_worker((struct slice){ (const char *)data, size }, &worker);
	if (machine_record_read(&worker, "p", &record, &err) == 0) {
		assert(record.free_seats <= record.seats && record.task_count <= record.seats);
		reads_back(&worker, &record);
		return 0;
	}
	assert(err.message[0]);
	assert(err.class == ERROR_NOT_FOUND || err.class == ERROR_MALFORMED);
	if (err.class == ERROR_MALFORMED)
		assert(record.instance[0] && record.last_report_ms == 2 && !record.seats);
	return 0;
}
