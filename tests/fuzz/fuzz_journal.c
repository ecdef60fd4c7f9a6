/* Property: a journal that is accepted is printed and read back as the same journal. */
#include <assert.h>
#include <string.h>

#include "bootstrap/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_same(const struct journal_entry *a, const struct journal_entry *b)
{
	assert(a->seat == b->seat && a->attempt == b->attempt && a->taken_s == b->taken_s);
	assert(!strcmp(a->queue, b->queue) && !strcmp(a->task, b->task));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct journal first = { 0 }, second = { 0 };
	struct error err = { 0 };
	SCOPED(buf) struct buf text = BUF(1 << 16);

	if (journal_parse((struct slice){ (const char *)data, size }, &first, &err) < 0) {
		assert(err.class == ERROR_MALFORMED && err.message[0]);
		return 0;
	}
	journal_print(&first, &text);
	assert(buf_finish(&text, &err) == 0);
	assert(journal_parse(buf_slice(&text), &second, &err) == 0);
	assert(first.restarts == second.restarts);
	for (size_t i = 0; i < ARRAY_LEN(first.entries); i++)
		assert_same(&first.entries[i], &second.entries[i]);
	return 0;
}
