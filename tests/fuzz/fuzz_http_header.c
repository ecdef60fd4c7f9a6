/* What a peer's header lines are read to: numbers in their range, a content type that is
 * printable and ends. A line of ours that is taken holds no line end and no other control code. */
#include "common/http_header.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_read(struct slice text)
{
	const int64_t year_ms = 365LL * 24 * 3600 * 1000;
	struct http_headers headers = { .noted_name = "Content-Type" };

	while (text.len) {
		const char *end = memchr(text.ptr, '\n', text.len);
		size_t len = end ? (size_t)(end - text.ptr) + 1 : text.len;

		http_header_read(&headers, (struct slice){ text.ptr, len });
		text.ptr += len;
		text.len -= len;
		assert(headers.retry_after_ms >= 0 && headers.retry_after_ms <= year_ms);
		assert(!headers.retry_after_ms || !headers.retry_at_ms);
		int64_t wait_ms = http_header_wait_ms(&headers, 0);

		assert(wait_ms >= 0 && wait_ms <= year_ms);
		assert(headers.noted_name && strncmp(headers.noted, headers.content_type,
						     sizeof(headers.noted) - 1) == 0);
		size_t type_len = strnlen(headers.content_type, sizeof(headers.content_type));

		assert(type_len < sizeof(headers.content_type));
		for (size_t i = 0; i < type_len; i++)
			assert(headers.content_type[i] >= 0x20 && headers.content_type[i] < 0x7f);
	}
}

static void check_send(struct slice text)
{
	char *header = memory_text(text);
	struct error err = { 0 };

	if (http_header_check(header, &err) < 0) {
		assert(err.class == ERROR_CONFIGURATION && err.message[0]);
	} else {
		assert(header[0] != ':' && strchr(header, ':') && !strpbrk(header, "\r\n"));
		const char *const list[] = { header, NULL };
		char *name = memory_text((struct slice){ header, strcspn(header, ":") });

		assert(http_header_is_given(list, name));
		free(name);
	}
	free(header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size };

	check_read(text);
	check_send(text);
	return 0;
}
