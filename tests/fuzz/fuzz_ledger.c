/* A ledger that is taken prints to a text that is taken again and says the same. */
#include "reaper/ledger_text.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(ledger) struct ledger first = { 0 };
	SCOPED(ledger) struct ledger second = { 0 };
	SCOPED(buf) struct buf once = BUF(SIZE_MAX);
	SCOPED(buf) struct buf twice = BUF(SIZE_MAX);
	struct error err = { 0 };

	if (ledger_parse((struct slice){ (const char *)data, size }, &first, &err) < 0) {
		assert(err.class == ERROR_MALFORMED && err.message[0]);
		return 0;
	}
	ledger_print(&first, &once);
	assert(ledger_parse(buf_slice(&once), &second, &err) == 0);
	ledger_print(&second, &twice);
	assert(!strcmp(buf_text(&once), buf_text(&twice)));
	assert(first.attempt_count == second.attempt_count &&
	       first.mark_count == second.mark_count &&
	       first.machine_count == second.machine_count);
	return 0;
}
