/* A ledger of mayfly 0.1 that is taken has only texts and numbers that the new one can keep. */
#include "reaper/ledger/ledger_text.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t room)
{
	assert(*text && memchr(text, 0, room));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(ledger) struct ledger ledger = { 0 };
	struct error err = { 0 };

	if (ledger_parse((struct slice){ (const char *)data, size }, &ledger, &err) < 0) {
		assert(err.class == ERROR_MALFORMED && err.message[0]);
		assert(!ledger.attempts && !ledger.marks && !ledger.machines);
		return 0;
	}
	assert(ledger.since_s >= 0 && ledger.passes <= INT64_MAX);
	for (size_t i = 0; i < ledger.attempt_count; i++) {
		const struct open_attempt *attempt = &ledger.attempts[i];

		check_text(attempt->resource, sizeof(attempt->resource));
		check_text(attempt->day, sizeof(attempt->day));
		assert(!*attempt->offering && attempt->asked_s >= 0);
	}
	for (size_t i = 0; i < ledger.mark_count; i++)
		check_text(ledger.marks[i].what, sizeof(ledger.marks[i].what));
	for (size_t i = 0; i < ledger.machine_count; i++) {
		check_text(ledger.machines[i].instance, sizeof(ledger.machines[i].instance));
		assert(ledger.machines[i].last_report_ms >= 0);
	}
	return 0;
}
