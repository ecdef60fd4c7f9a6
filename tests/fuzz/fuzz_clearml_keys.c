/* A clearml.conf is refused with its line, or what was read of it is whole: no parts of other
 * values, no slash at a server's end. */
#include "reaper/settings/clearml_keys.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void is_server(const char *server)
{
	size_t len = strlen(server);

	assert(!len || server[len - 1] != '/');
	assert(!strchr(server, '$') && !strchr(server, '\\') && !strchr(server, '\n'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(clearml_keys) struct clearml_keys keys = { 0 };
	struct slice text = { (const char *)data, size };
	struct error err = { 0 };

	if (clearml_keys_parse(text, "c.conf", &keys, &err) < 0) {
		assert(err.class == ERROR_CONFIGURATION && !strncmp(err.message, "c.conf:", 7));
		return 0;
	}
	is_server(keys.api_server);
	is_server(keys.web_server);
	is_server(keys.files_server);
	assert(!strchr(keys.access_key, '$') && !strchr(keys.access_key, '\n'));
	/* What was read stands in the text. */
	assert(!*keys.access_key || memmem(data, size, keys.access_key, strlen(keys.access_key)));
	return 0;
}
