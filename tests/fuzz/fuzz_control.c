/* Lines of the control socket. Taken means understood: printed and read again it is the same
 * command, and its time is within bounds; refused means that the message says why. */

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "bootstrap/control.h"
#include "bootstrap/keep.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(buf) struct buf text = BUF(256);
	struct control_command command, again;
	struct error err = { 0 };

	if (control_parse((struct slice){ (const char *)data, size }, &command, &err) < 0) {
		assert(err.class == ERROR_MALFORMED && err.message[0]);
		return 0;
	}
	assert(command.seconds >= 0);
	assert(command.verb != CONTROL_KEEP_FOR ||
	       (command.seconds > 0 && command.seconds <= KEEP_MAX_S));
	control_print(&command, &text);
	assert(buf_finish(&text, &err) == 0);
	assert(control_parse(buf_slice(&text), &again, &err) == 0);
	assert(again.verb == command.verb && again.seconds == command.seconds);
	return 0;
}
