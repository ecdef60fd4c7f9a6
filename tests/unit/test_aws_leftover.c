/* aws_leftover: which volumes and spot requests of EC2's answers are ours, and nobody's. */
#include "reaper/providers/aws_leftover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TAG(key, value) "<item><key>" key "</key><value>" value "</value></item>"
#define TAGS(prefix, resource, slot)                                                              \
	"<tagSet>" TAG("Name", "x") TAG("mayfly:prefix", prefix) TAG("mayfly:resource", resource) \
		TAG("mayfly:slot", slot) TAG("mayfly:generation", "2") "</tagSet>"
#define OURS TAGS("p", "gpu", "3")
#define MADE "<createTime>2026-11-30T15:20:00.000Z</createTime>"
#define VOLUME_OF(id, status, rest)                                                              \
	"<item><volumeId>" id "</volumeId><size>100</size><status>" status "</status>" MADE rest \
	"<volumeType>gp3</volumeType></item>"
#define VOLUMES(items, rest)                                             \
	"<DescribeVolumesResponse><volumeSet>" items "</volumeSet>" rest \
	"</DescribeVolumesResponse>"
#define ATTACHED                                                                          \
	"<attachmentSet><item><instanceId>i-1</instanceId><status>busy</status></item></" \
	"attachmentSet>"
#define REQUEST(state, rest)                                                                    \
	"<R><spotInstanceRequestSet><item><spotInstanceRequestId>sir-1</spotInstanceRequestId>" \
	"<state>" state "</state><launchSpecification><instanceType>g5.xlarge</instanceType>"   \
	"</launchSpecification>" MADE rest "</item></spotInstanceRequestSet></R>"

static int read_page(enum leftover_kind kind, const char *text, struct leftover_list *list,
		     struct buf *next, struct error *err)
{
	return aws_leftover_read(kind, slice_of(text), "p", list, next, err);
}

static void test_what_is_left(void **state)
{
	static const struct {
		const char *when;
		enum leftover_kind kind;
		const char *text;
		size_t want;
	} cases[] = {
		{ "nobody has a volume", LEFTOVER_VOLUME,
		  VOLUMES(VOLUME_OF("vol-1", "available", OURS), ""), 1 },
		{ "its attachments are listed, and none", LEFTOVER_VOLUME,
		  VOLUMES(VOLUME_OF("vol-1", "available", "<attachmentSet/>" OURS), ""), 1 },
		{ "it is in use", LEFTOVER_VOLUME,
		  VOLUMES(VOLUME_OF("vol-1", "in-use", ATTACHED OURS), ""), 0 },
		{ "it is available, and attached all the same", LEFTOVER_VOLUME,
		  VOLUMES(VOLUME_OF("vol-1", "available", ATTACHED OURS), ""), 0 },
		{ "it is being made", LEFTOVER_VOLUME,
		  VOLUMES(VOLUME_OF("vol-1", "creating", OURS), ""), 0 },
		{ "it is being deleted", LEFTOVER_VOLUME,
		  VOLUMES(VOLUME_OF("vol-1", "deleting", OURS), ""), 0 },
		{ "it has no tags", LEFTOVER_VOLUME,
		  VOLUMES(VOLUME_OF("vol-1", "available", ""), ""), 0 },
		{ "it is another prefix's", LEFTOVER_VOLUME,
		  VOLUMES(VOLUME_OF("vol-1", "available", TAGS("p2", "gpu", "3")), ""), 0 },
		{ "its prefix is a pattern's", LEFTOVER_VOLUME,
		  VOLUMES(VOLUME_OF("vol-1", "available", TAGS("P", "gpu", "3")), ""), 0 },
		{ "its slot is no number", LEFTOVER_VOLUME,
		  VOLUMES(VOLUME_OF("vol-1", "available", TAGS("p", "gpu", "-1")), ""), 0 },
		{ "somebody gave it our prefix alone", LEFTOVER_VOLUME,
		  VOLUMES(VOLUME_OF("vol-1", "available",
				    "<tagSet>" TAG("mayfly:prefix", "p") "</tagSet>"),
			  ""),
		  0 },
		{ "there is none", LEFTOVER_VOLUME, "<R><volumeSet/></R>", 0 },
		{ "a request is open", LEFTOVER_SPOT_REQUEST, REQUEST("open", OURS), 1 },
		{ "it has its machine", LEFTOVER_SPOT_REQUEST,
		  REQUEST("active", OURS "<instanceId>i-1</instanceId>"), 0 },
		{ "it is active, and has none", LEFTOVER_SPOT_REQUEST, REQUEST("active", OURS), 1 },
		{ "it is over", LEFTOVER_SPOT_REQUEST, REQUEST("closed", OURS), 0 },
		{ "it was cancelled", LEFTOVER_SPOT_REQUEST, REQUEST("cancelled", OURS), 0 },
		{ "it failed", LEFTOVER_SPOT_REQUEST, REQUEST("failed", OURS), 0 },
		{ "it is another's", LEFTOVER_SPOT_REQUEST, REQUEST("open", TAGS("q", "gpu", "3")),
		  0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(leftover_list) struct leftover_list list = { 0 };
		SCOPED(buf) struct buf next = BUF(64);
		struct error err = { 0 };

		if (read_page(cases[i].kind, cases[i].text, &list, &next, &err) < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
		if (list.count != cases[i].want)
			fail_msg("when %s: %zu", cases[i].when, list.count);
	}
}

static void test_its_fields(void **state)
{
	SCOPED(leftover_list) struct leftover_list list = { 0 };
	SCOPED(buf) struct buf next = BUF(64);
	struct error err;

	(void)state;
	assert_int_equal(read_page(LEFTOVER_VOLUME,
				   VOLUMES(VOLUME_OF("vol-1", "available", OURS),
					   "<nextToken>more</nextToken>"),
				   &list, &next, &err),
			 0);
	assert_string_equal(buf_text(&next), "more");
	assert_int_equal(
		read_page(LEFTOVER_SPOT_REQUEST, REQUEST("open", OURS), &list, &next, &err), 0);
	assert_int_equal(next.len, 0);
	assert_int_equal(list.count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(list.list[i].resource, "gpu");
		assert_int_equal(list.list[i].slot, 3);
		assert_int_equal(list.list[i].generation, 2);
		assert_int_equal(list.list[i].made_s, 1796052000);
	}
	assert_int_equal(list.list[0].kind, LEFTOVER_VOLUME);
	assert_string_equal(list.list[0].id, "vol-1");
	assert_string_equal(list.list[0].type, "gp3");
	assert_int_equal(list.list[0].gigabytes, 100);
	assert_int_equal(list.list[1].kind, LEFTOVER_SPOT_REQUEST);
	assert_string_equal(list.list[1].id, "sir-1");
	assert_string_equal(list.list[1].type, "g5.xlarge");
}

static void test_what_is_no_answer(void **state)
{
	static const struct {
		const char *when, *text;
	} cases[] = {
		{ "it is no XML", "{}" },
		{ "it is cut", "<R><volumeSet>" },
		{ "it has no list", "<R/>" },
		{ "it is another list", REQUEST("open", OURS) },
		{ "one has no id",
		  VOLUMES(VOLUME_OF("vol-1", "available", OURS) VOLUME_OF("", "available", OURS),
			  "") },
		{ "an id could drive a terminal",
		  VOLUMES(VOLUME_OF("vol-\n1", "available", OURS), "") },
		{ "one has no time",
		  "<R><volumeSet><item><volumeId>vol-1</volumeId><status>available</status>" OURS
		  "</item></volumeSet></R>" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(leftover_list) struct leftover_list list = { 0 };
		SCOPED(buf) struct buf next = BUF(64);
		struct error err = { 0 };

		if (read_page(LEFTOVER_VOLUME, cases[i].text, &list, &next, &err) == 0 ||
		    err.class != ERROR_MALFORMED)
			fail_msg("when %s: it was taken", cases[i].when);
		assert_int_equal(list.count, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_left),
		cmocka_unit_test(test_its_fields),
		cmocka_unit_test(test_what_is_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
