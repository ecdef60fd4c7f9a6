/* aws_types: EC2's word on instance types, into the records of the offerings that name them. */
#include "reaper/providers/aws_types.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TYPE(name, rest) "<item><instanceType>" name "</instanceType>" rest "</item>"
#define GPUS(maker, count)                                                                   \
	"<item><name>n</name><manufacturer>" maker "</manufacturer><count>" count "</count>" \
	"</item>"
#define WHOLE                                                                                   \
	"<supportedUsageClasses><item>on-demand</item><item>spot</item>"                        \
	"</supportedUsageClasses><processorInfo><supportedArchitectures><item>x86_64</item>"    \
	"</supportedArchitectures></processorInfo><vCpuInfo><defaultVCpus>8</defaultVCpus>"     \
	"</vCpuInfo><memoryInfo><sizeInMiB>32768</sizeInMiB></memoryInfo><instanceStorageInfo>" \
	"<totalSizeInGB>450</totalSizeInGB></instanceStorageInfo><gpuInfo><gpus>" GPUS(         \
		"NVIDIA", "1") GPUS("AMD", "2") GPUS("NVIDIA", "3") "</gpus></gpuInfo>"
#define PAGE(items, rest) "<R><instanceTypeSet>" items "</instanceTypeSet>" rest "</R>"

static struct offering offerings[] = {
	{ .type = "g5.2xlarge", .region = "us-east-1", .market = MARKET_SPOT },
	{ .type = "g5.2xlarge", .region = "eu-west-1" },
	{ .type = "g5.2xlarge", .region = "us-east-1" },
	{ .type = "c7g.large", .region = "us-east-1" },
};
static const struct resource resource = { .offerings = offerings,
					  .offering_count = ARRAY_LEN(offerings) };

static void name_regions(struct instance_type *types)
{
	memset(types, 0, ARRAY_LEN(offerings) * sizeof(*types));
	for (size_t i = 0; i < ARRAY_LEN(offerings); i++)
		text_cut(types[i].region, sizeof(types[i].region), offerings[i].region);
}

static void test_a_type_goes_to_all_that_name_it(void **state)
{
	struct instance_type types[ARRAY_LEN(offerings)];
	SCOPED(buf) struct buf next = BUF(64);
	struct error err;

	(void)state;
	name_regions(types);
	assert_int_equal(
		aws_types_answer(slice_of(PAGE(TYPE("g5.2xlarge", WHOLE) TYPE("x9.huge", ""),
					       "<nextToken>more</nextToken>")),
				 &resource, "us-east-1", types, &next, &err),
		0);
	assert_string_equal(buf_text(&next), "more");
	for (size_t i = 0; i < ARRAY_LEN(offerings); i++)
		assert_int_equal(types[i].is_there, i == 0 || i == 2);
	assert_true(types[0].is_spot_sold && types[0].is_x86_64 && !types[0].is_arm64);
	assert_int_equal(types[0].vcpus, 8);
	assert_int_equal(types[0].memory_mib, 32768);
	assert_int_equal(types[0].gpus, 4);
	assert_int_equal(types[0].disk_gigabytes, 450);
}

static void test_what_little_is_said_is_nothing_more(void **state)
{
	struct instance_type types[ARRAY_LEN(offerings)];
	SCOPED(buf) struct buf next = BUF(64);
	struct error err;

	(void)state;
	name_regions(types);
	assert_int_equal(aws_types_answer(slice_of(PAGE(TYPE("c7g.large", ""), "")), &resource,
					  "us-east-1", types, &next, &err),
			 0);
	assert_int_equal(next.len, 0);
	assert_true(types[3].is_there && !types[3].is_spot_sold && !types[3].is_arm64);
	assert_int_equal(types[3].vcpus + types[3].gpus + types[3].disk_gigabytes, 0);
}

static void test_no_answer_is_no_list(void **state)
{
	static const char *const texts[] = { "", "<R/>", "<R><instanceTypeSet>", "no XML" };
	struct instance_type types[ARRAY_LEN(offerings)];
	SCOPED(buf) struct buf next = BUF(64);
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		name_regions(types);
		if (aws_types_answer(slice_of(texts[i]), &resource, "us-east-1", types, &next,
				     &err) == 0 ||
		    err.class != ERROR_MALFORMED)
			fail_msg("\"%s\" was taken", texts[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_type_goes_to_all_that_name_it),
		cmocka_unit_test(test_what_little_is_said_is_nothing_more),
		cmocka_unit_test(test_no_answer_is_no_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
