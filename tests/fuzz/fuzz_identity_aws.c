/* What EC2's metadata service says of an instance: a first line for its market, then the identity
 * document. Taken means that every name can stand in a worker id and that the launch is not in the
 * future of the monotonic clock; refused means that the message says why. */

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "bootstrap/identity_aws.h"
#include "common/worker_id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct identity_clock clock = { .wall_ms = 1795472471000,
						     .monotonic_ms = 5000000 };
	const char *text = (const char *)data;
	const char *end = size ? memchr(text, '\n', size) : NULL;
	size_t first = end ? (size_t)(end - text) + 1 : 0;
	struct launch_note note;
	struct error err = { 0 };

	if (identity_aws_parse((struct slice){ text + first, size - first },
			       (struct slice){ text, first }, &clock, &note, &err) < 0) {
		assert(err.class == ERROR_MALFORMED && err.message[0]);
		return 0;
	}
	const char *names[] = { note.identity.instance, note.identity.type, note.identity.zone,
				note.identity.market };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert(worker_id_is_field(slice_of(names[i])));
	assert(!strcmp(note.identity.provider, "aws") && !note.names_slot);
	assert(note.identity.launched_s >= 0);
	assert(note.identity.launched_monotonic_ms <= clock.monotonic_ms);
	return 0;
}
