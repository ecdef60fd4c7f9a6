/* provider: what a list says of one resource. */
#include "reaper/providers/provider.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_instances_are_counted_by_resource(void **state)
{
	static struct instance list[] = {
		{ .resource = "cpu", .state = INSTANCE_PENDING },
		{ .resource = "cpu", .state = INSTANCE_RUNNING },
		{ .resource = "cpu", .state = INSTANCE_TERMINATED },
		{ .resource = "gpu", .state = INSTANCE_STOPPED },
		{ .resource = "gpu", .state = INSTANCE_STOPPING },
		{ .resource = "gpu", .state = INSTANCE_RUNNING },
		{ .resource = "old", .state = INSTANCE_TERMINATED },
	};
	static const struct {
		const char *when, *resource;
		size_t want;
	} cases[] = {
		{ "when others share the list", "cpu", 2 },
		{ "when some are on their way out", "gpu", 3 },
		{ "when all have ended", "old", 0 },
		{ "when none has its name", "cp", 0 },
	};
	const struct fleet fleet = { list, ARRAY_LEN(list) };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (fleet_alive(&fleet, cases[i].resource) != cases[i].want)
			fail_msg("%s: %zu are alive", cases[i].when,
				 fleet_alive(&fleet, cases[i].resource));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_instances_are_counted_by_resource),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
