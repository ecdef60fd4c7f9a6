#include "reaper/providers/aws_flatten.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static int flatten(const char *action, const char *request, struct buf *out, struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };

	if (json_parse(slice_of(request), &document, err) < 0)
		fail_msg("%s: %s", request, err->message);
	return aws_flatten(action, document.root, out, err);
}

static void a_request_is_flattened(void **state)
{
	static const struct {
		const char *when, *action, *request, *want;
	} cases[] = {
		{ "empty", "RunInstances", "{}", "" },
		{ "values are in the request itself", "RunInstances",
		  "{\"MinCount\":1,\"MaxCount\":-0,\"DryRun\":false,\"ImageId\":\"ami-1\"}",
		  "&MinCount=1&MaxCount=0&DryRun=false&ImageId=ami-1" },
		{ "a list has another name in the query", "RunInstances",
		  "{\"SecurityGroupIds\":[\"sg-1\",\"sg-2\"]}",
		  "&SecurityGroupId.1=sg-1&SecurityGroupId.2=sg-2" },
		{ "objects are in lists in objects", "RunInstances",
		  "{\"TagSpecifications\":[{\"ResourceType\":\"instance\",\"Tags\":"
		  "[{\"Key\":\"a\",\"Value\":\"\"}]}]}",
		  "&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=a"
		  "&TagSpecification.1.Tag.1.Value=" },
		{ "members are nested", "RunInstances",
		  "{\"InstanceMarketOptions\":{\"MarketType\":\"spot\",\"SpotOptions\":"
		  "{\"MaxPrice\":\"0.5\",\"ValidUntil\":\"2026-11-30T00:00:00Z\"}}}",
		  "&InstanceMarketOptions.MarketType=spot"
		  "&InstanceMarketOptions.SpotOptions.MaxPrice=0.5"
		  "&InstanceMarketOptions.SpotOptions.ValidUntil=2026-11-30T00%3A00%3A00Z" },
		{ "lists and objects are empty", "RunInstances",
		  "{\"SecurityGroupIds\":[],\"Placement\":{},\"BlockDeviceMappings\":[{}]}", "" },
		{ "a text has odd characters", "RunInstances",
		  "{\"KeyName\":\"aZ09-._~ +&=/%\\u00fc\\n\"}",
		  "&KeyName=aZ09-._~%20%2B%26%3D%2F%25%C3%BC%0A" },
		{ "base64 is sent as it is", "RunInstances", "{\"UserData\":\"YQ==\"}",
		  "&UserData=YQ%3D%3D" },
		{ "an enumeration has a value of tomorrow", "RunInstances",
		  "{\"InstanceType\":\"z99.metal\"}", "&InstanceType=z99.metal" },
		{ "a number is as large as JSON's are", "DescribeInstances",
		  "{\"MaxResults\":9007199254740992}", "&MaxResults=9007199254740992" },
		{ "another action has another name", "CreateTags",
		  "{\"Resources\":[\"i-1\"],\"Tags\":[{\"Key\":\"k\",\"Value\":\"v\"}]}",
		  "&ResourceId.1=i-1&Tag.1.Key=k&Tag.1.Value=v" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf out = BUF(4096);
		struct error err = { 0 };

		buf_addf(&out, "Action=%s", cases[i].action);
		if (flatten(cases[i].action, cases[i].request, &out, &err) < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
		if (strcmp(buf_text(&out) + strlen("Action=") + strlen(cases[i].action),
			   cases[i].want) != 0)
			fail_msg("when %s: got %s", cases[i].when, buf_text(&out));
	}
}

static void a_wrong_request_is_refused_with_its_path(void **state)
{
	static const struct {
		const char *when, *action, *request, *want;
	} cases[] = {
		{ "a name is misspelt", "RunInstances", "{\"ImageID\":\"ami-1\"}",
		  "RunInstances: ImageID: unknown to EC2, did you mean ImageId?" },
		{ "a name is the query's", "RunInstances", "{\"BlockDeviceMapping\":[]}",
		  "RunInstances: BlockDeviceMapping: unknown to EC2, did you mean "
		  "BlockDeviceMappings?" },
		{ "a name is like no other", "RunInstances", "{\"Colour\":\"red\"}",
		  "RunInstances: Colour: unknown to EC2" },
		{ "a name deep inside is misspelt", "RunInstances",
		  "{\"NetworkInterfaces\":[{\"Groups\":[]},{\"Groupz\":[]}]}",
		  "RunInstances: NetworkInterfaces[1].Groupz: unknown to EC2, did you mean "
		  "Groups?" },
		{ "the name is another action's", "TerminateInstances", "{\"ImageId\":\"a\"}",
		  "TerminateInstances: ImageId: unknown to EC2" },
		{ "a text is a number", "RunInstances",
		  "{\"InstanceMarketOptions\":{\"SpotOptions\":{\"MaxPrice\":0.5}}}",
		  "RunInstances: InstanceMarketOptions.SpotOptions.MaxPrice: EC2 takes a text "
		  "here, got a number" },
		{ "a number is a text", "RunInstances", "{\"MinCount\":\"1\"}",
		  "RunInstances: MinCount: EC2 takes a whole number here, got a text" },
		{ "a number is a fraction", "RunInstances", "{\"MinCount\":1.5}",
		  "RunInstances: MinCount: EC2 takes a whole number here, got a number" },
		{ "a number is not exact", "RunInstances", "{\"MinCount\":9007199254740994}",
		  "RunInstances: MinCount: EC2 takes a whole number here, got a number" },
		{ "a word is a text", "RunInstances", "{\"EbsOptimized\":\"true\"}",
		  "RunInstances: EbsOptimized: EC2 takes true or false here, got a text" },
		{ "a time is a number", "RunInstances",
		  "{\"InstanceMarketOptions\":{\"SpotOptions\":{\"ValidUntil\":1}}}",
		  "RunInstances: InstanceMarketOptions.SpotOptions.ValidUntil: EC2 takes a text, "
		  "a time in ISO 8601, here, got a number" },
		{ "a list is a text", "RunInstances", "{\"SecurityGroupIds\":\"sg-1\"}",
		  "RunInstances: SecurityGroupIds: EC2 takes a list here, got a text" },
		{ "an item is an object", "RunInstances", "{\"SecurityGroupIds\":[\"a\",{}]}",
		  "RunInstances: SecurityGroupIds[1]: EC2 takes a text here, got an object" },
		{ "an object is a list", "RunInstances", "{\"Placement\":[]}",
		  "RunInstances: Placement: EC2 takes an object here, got a list" },
		{ "a value is null", "RunInstances", "{\"KeyName\":null}",
		  "RunInstances: KeyName: EC2 takes a text here, got null" },
		{ "the request is no object", "RunInstances", "[]",
		  "RunInstances: the request: EC2 takes an object here, got a list" },
		{ "nobody makes the action", "StopInstances", "{}",
		  "StopInstances: not in the table of EC2's requests" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf out = BUF(4096);
		struct error err = { 0 };

		buf_addf(&out, "before");
		assert_int_equal(flatten(cases[i].action, cases[i].request, &out, &err), -1);
		assert_int_equal(err.class, ERROR_CONFIGURATION);
		if (strcmp(err.message, cases[i].want) != 0)
			fail_msg("when %s: got \"%s\"", cases[i].when, err.message);
		assert_string_equal(buf_text(&out), "before");
	}
}

static void more_than_the_limit_is_refused_whole(void **state)
{
	SCOPED(buf) struct buf out = BUF(strlen("&ImageId=a&KeyName=") - 1);
	struct error err = { 0 };

	(void)state;
	assert_int_equal(
		flatten("RunInstances", "{\"ImageId\":\"a\",\"KeyName\":\"\"}", &out, &err), -1);
	assert_int_equal(err.class, ERROR_MALFORMED);
	assert_string_equal(buf_text(&out), "");
	assert_int_equal(flatten("RunInstances", "{\"ImageId\":\"a\"}", &out, &err), 0);
	assert_string_equal(buf_text(&out), "&ImageId=a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_flattened),
		cmocka_unit_test(a_wrong_request_is_refused_with_its_path),
		cmocka_unit_test(more_than_the_limit_is_refused_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
