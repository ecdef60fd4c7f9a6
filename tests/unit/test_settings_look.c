/* settings_look: what is asked of settings that are there already. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "reaper/settings/settings_look.h"

static void test_a_resource_is_found_by_its_whole_name(void **state)
{
	static const struct {
		const char *name;
		size_t place;
	} cases[] = {
		{ "cpu", 0 },
		{ "gpu", 1 },
		{ "gp", RESOURCE_NONE },
		{ "past the end", RESOURCE_NONE },
	};
	struct resource resources[3] = { { .name = "cpu" },
					 { .name = "gpu" },
					 { .name = "past the end" } };
	const struct settings settings = { .resources = resources, .resource_count = 2 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (settings_resource_named(&settings, cases[i].name) != cases[i].place)
			fail_msg("'%s' is at %zu", cases[i].name,
				 settings_resource_named(&settings, cases[i].name));
}

static void test_a_resource_serves_its_queues(void **state)
{
	const struct resource resource = { .queues = { 3, 0, 1 }, .queue_count = 2 };

	(void)state;
	assert_true(resource_serves(&resource, 3));
	assert_true(resource_serves(&resource, 0));
	assert_false(resource_serves(&resource, 1));
}

static void test_the_dearest_offering(void **state)
{
	static const struct {
		const char *when;
		int64_t prices[3];
		size_t count;
		int64_t dearest;
	} cases[] = {
		{ "one is", { 5, 9, 7 }, 3, 9 },
		{ "all are free", { 0, 0 }, 2, 0 },
		{ "one is not known", { 5, MONEY_UNKNOWN, 9 }, 3, MONEY_UNKNOWN },
		{ "there is none", { 0 }, 0, MONEY_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct offering offerings[3] = { { .price = cases[i].prices[0] },
						 { .price = cases[i].prices[1] },
						 { .price = cases[i].prices[2] } };
		const struct resource resource = { .offerings = offerings,
						   .offering_count = cases[i].count };

		if (resource_dearest(&resource) != cases[i].dearest)
			fail_msg("when %s: %lld", cases[i].when,
				 (long long)resource_dearest(&resource));
	}
}

static void test_a_budget_has_any_limit(void **state)
{
	(void)state;
	assert_false(budget_is_set(&(struct budget){ 0 }));
	assert_true(budget_is_set(&(struct budget){ .hour = 1 }));
	assert_true(budget_is_set(&(struct budget){ .day = 1 }));
	assert_true(budget_is_set(&(struct budget){ .month = 1 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_resource_is_found_by_its_whole_name),
		cmocka_unit_test(test_a_resource_serves_its_queues),
		cmocka_unit_test(test_the_dearest_offering),
		cmocka_unit_test(test_a_budget_has_any_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
