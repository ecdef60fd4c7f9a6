/* instance.json. Taken means that every name can stand in a worker id and that the launch is
 * not in the future of the monotonic clock; refused means that the message says why. */

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "bootstrap/identity.h"
#include "common/worker_id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct identity_clock clock = { 1795472471000, 5000000, "boot" };
	struct launch_note note;
	struct error err = { 0 };

	if (identity_parse((struct slice){ (const char *)data, size }, &clock, &note, &err) < 0) {
		assert(err.class == ERROR_MALFORMED && err.message[0]);
		return 0;
	}
	const char *names[] = { note.identity.instance, note.identity.type, note.identity.zone,
				note.identity.market,	note.prefix,	    note.resource };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert(worker_id_is_field(slice_of(names[i])));
	assert(!strcmp(note.identity.provider, "local"));
	assert(note.identity.launched_s > 0);
	assert(note.identity.launched_monotonic_ms <= clock.monotonic_ms);
	return 0;
}
