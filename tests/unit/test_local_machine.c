/* local_machine: what its folder says. (Its processes: test_local.) */
#include "reaper/providers/local_machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "common/file.h"
#include "tests/unit/support/scratch.h"

static void test_says_when_it_ended(void **state)
{
	static const struct {
		const char *when, *text;
		int64_t ended_s;
	} cases[] = {
		{ "there is no file", NULL, 0 },
		{ "it is written down", "{\"ended_s\": 1800000000, \"status\": 0}", 1800000000 },
		{ "it is not written down", "{\"status\": 0}", 0 },
		{ "it is before all time", "{\"ended_s\": -5}", 0 },
		{ "it is no number", "{\"ended_s\": \"1800000000\"}", 0 },
		{ "the file is cut off", "{\"ended_s\": 18000", 0 },
		{ "the file is empty", "", 0 },
	};
	char folder[SCRATCH_ROOM], path[LOCAL_PATH_ROOM];
	struct resource *resource = test_calloc(1, sizeof(*resource));

	(void)state;
	scratch_make(folder);
	text_cut(resource->local.machines, sizeof(resource->local.machines), folder);
	local_machine_path(resource, "local-a", "", path);
	assert_int_equal(mkdir(path, 0700), 0);
	local_machine_path(resource, "local-a", "ended.json", path);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err;

		if (cases[i].text && file_write(path, slice_of(cases[i].text), 0600, &err) < 0)
			fail_msg("%s", err.message);
		int64_t ended_s = local_machine_ended_s(resource, "local-a");

		if (ended_s != cases[i].ended_s)
			fail_msg("when %s: %lld", cases[i].when, (long long)ended_s);
	}
	scratch_remove(folder);
	test_free(resource);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_says_when_it_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
