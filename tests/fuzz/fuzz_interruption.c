/* The notice that a spot instance is taken away. Taken means that its end is within the two minutes
 * that a notice can give, and that it says how; refused means that the message says why. */

#include <assert.h>
#include <stdint.h>

#include "bootstrap/interruption.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const int64_t now_ms = 5000000;
	struct interruption_notice notice = { 0 };
	struct error err = { 0 };

	if (interruption_parse((struct slice){ (const char *)data, size }, 1795472400000, now_ms,
			       &notice, &err) < 0) {
		assert(err.class == ERROR_MALFORMED && err.message[0] && !notice.taken_ms);
		return 0;
	}
	assert(notice.taken_ms >= now_ms && notice.taken_ms <= now_ms + 120000);
	assert(notice.action[0]);
	return 0;
}
