/* What is taken is looked up: a value is a part of the text, without blanks at its ends, and a
 * section with a value exists. One more line at its end is found, whatever stood before. */
#include "common/aws_profile.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(const struct buf *text, struct slice value)
{
	assert(value.len && value.ptr >= text->bytes);
	assert(value.ptr + value.len <= text->bytes + text->len);
	assert(!strchr(" \t\r\n", value.ptr[0]) && !strchr(" \t\r\n", value.ptr[value.len - 1]));
}

static void look_up(const struct aws_profiles *profiles)
{
	static const char *const names[] = { "default", "p", "" };
	static const char *const keys[] = { "region", "role_arn", "services", "a" };
	struct slice value = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
			if (!aws_profile_find(profiles, names[i], keys[k], &value))
				continue;
			inside(&profiles->config, value);
			assert(aws_profile_exists(profiles, names[i]));
		}
		if (aws_profile_find_service(profiles, slice_of(names[i]), "ec2", "endpoint_url",
					     &value))
			inside(&profiles->config, value);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(aws_profiles)
	struct aws_profiles profiles = { .config = BUF(1 << 20), .credentials = BUF(1) };
	struct slice value = { 0 };
	struct error err = { 0 };

	buf_add(&profiles.config, (struct slice){ (const char *)data, size });
	look_up(&profiles); /* bounded, also where nobody checked */
	if (aws_profile_check(buf_slice(&profiles.config), &err) < 0) {
		assert(err.class == ERROR_CONFIGURATION && !strncmp(err.message, "line ", 5));
		return 0;
	}
	buf_add(&profiles.config, slice_of("\n[profile last]\nregion = here\n"));
	assert(buf_finish(&profiles.config, &err) == 0);
	assert(aws_profile_check(buf_slice(&profiles.config), &err) == 0);
	assert(aws_profile_find(&profiles, "last", "region", &value));
	assert(slice_equals(value, "here"));
	return 0;
}
