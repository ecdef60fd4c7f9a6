/* An archive that is read can be written again, and reads as the same files; each is a part of what
 * was given. */
#include "common/tar.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

enum { FILES = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void lies_within(const struct tar_file *file, struct slice archive)
{
	assert(file->name[0] && !strchr(file->name, '/'));
	assert(strnlen(file->name, sizeof(file->name)) < sizeof(file->name));
	assert(file->bytes.ptr >= archive.ptr && file->bytes.len <= archive.len);
	assert((size_t)(file->bytes.ptr - archive.ptr) <= archive.len - file->bytes.len);
}

static void is_same(const struct tar_file *one, const struct tar_file *two)
{
	assert(strcmp(one->name, two->name) == 0 && one->bytes.len == two->bytes.len);
	assert(memcmp(one->bytes.ptr, two->bytes.ptr, one->bytes.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice archive = { (const char *)data, size };
	SCOPED(buf) struct buf written = BUF(SIZE_MAX);
	struct tar_file files[FILES], again[FILES];
	size_t count = FILES, count_again = FILES;
	struct error err = { 0 };

	if (tar_read(archive, files, &count, &err) < 0) {
		assert(err.class == ERROR_MALFORMED && err.message[0] && count == FILES);
		return 0;
	}
	for (size_t i = 0; i < count; i++)
		lies_within(&files[i], archive);
	tar_write(files, count, &written);
	assert(tar_read(buf_slice(&written), again, &count_again, &err) == 0);
	assert(count == count_again);
	for (size_t i = 0; i < count; i++)
		is_same(&files[i], &again[i]);
	return 0;
}
