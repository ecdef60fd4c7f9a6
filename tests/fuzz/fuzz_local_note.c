/* A local machine's instance.json is refused, or prints to a text that says the same. */
#include "reaper/providers/local_note.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "common/worker_id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(buf) struct buf text = BUF(LOCAL_NOTE_BYTES);
	struct local_note first = { 0 }, second = { 0 };
	struct error err = { 0 };

	if (local_note_parse((struct slice){ (const char *)data, size }, &first, &err) < 0) {
		assert(err.class == ERROR_MALFORMED && err.message[0]);
		return 0;
	}
	/* Its name becomes a path. */
	assert(worker_id_is_field(slice_of(first.instance)) && !strchr(first.instance, '/'));
	local_note_print(&first, &text);
	assert(buf_finish(&text, &err) == 0);
	assert(local_note_parse(buf_slice(&text), &second, &err) == 0);
	assert(!strcmp(first.instance, second.instance) && !strcmp(first.key, second.key) &&
	       first.slot == second.slot && first.generation == second.generation &&
	       first.launched_s == second.launched_s && first.market == second.market &&
	       !strcmp(first.type, second.type) && !strcmp(first.zone, second.zone));
	return 0;
}
