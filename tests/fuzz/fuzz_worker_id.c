#include "common/worker_id.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): the property counts in a release build too. */
static void require(bool is_so)
{
	if (!is_so)
		abort();
}

/* What is accepted is understood: it is written back byte by byte. A refusal says why, and
 * changes nothing. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct worker_id id = { .suffix = { "before", 6 } };
	struct error err = { 0 };
	char text[WORKER_ID_ROOM];

	if (worker_id_parse((struct slice){ (const char *)data, size }, &id, &err) < 0) {
		require(err.class == ERROR_MALFORMED && err.message[0]);
		require(slice_equals(id.suffix, "before"));
		return 0;
	}
	require(worker_id_format(&id, text, &err) == 0);
	require(strlen(text) == size && !memcmp(text, data, size));
	require(!strpbrk(text, "*?[]\\\" \n"));
	return 0;
}
