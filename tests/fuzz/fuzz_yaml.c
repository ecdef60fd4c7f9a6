/* YAML that is read is JSON that reads back as the same; what is refused says where. */
#include "reaper/import/yaml.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void reads_back(const struct json *root)
{
	SCOPED(buf) struct buf first = BUF(SIZE_MAX), second = BUF(SIZE_MAX);
	struct json_document again = { 0 };
	struct error err = { 0 };

	json_print(root, false, &first);
	assert(json_parse(buf_slice(&first), &again, &err) == 0);
	json_print(again.root, false, &second);
	assert(first.len == second.len && !memcmp(first.bytes, second.bytes, first.len));
	json_document_wipe(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_document read = { 0 };
	struct error err = { 0 };

	if (yaml_parse((struct slice){ (const char *)data, size }, &read, &err) < 0) {
		assert(err.class == ERROR_MALFORMED && !read.root);
		assert(!strncmp(err.message, "line ", 5) || !strncmp(err.message, "byte ", 5));
		return 0;
	}
	assert(json_kind(read.root) == JSON_OBJECT);
	reads_back(read.root);
	json_document_wipe(&read);
	return 0;
}
