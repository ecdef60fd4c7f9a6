/* settings of EC2: what is refused, where, and what is left of what is said. */
#include "reaper/settings/settings_aws.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const environment[] = { "PATH=/usr/bin:/bin", "S=secret", NULL };
static const char *const with_region[] = { "S=secret", "AWS_DEFAULT_REGION=eu-north-1",
					   "AWS_REGION=eu-west-1", NULL };

/* Line 2 is what the defaults say of aws, line 4 the resource, line 5 what else it says. */
static const char form[] =
	"{\"prefix\": \"p\", \"clearml\": {\"api_server\": \"http://h:1\", \"access_key\": \"A\", "
	"\"secret_key\": {\"env\": \"S\"}}, \"signing_key\": {\"file\": \"k\"}, \"defaults\": "
	"{\"bundle\": {\"file\": \"b\"}, \"agent\": {\"command\": [\"true\"]}, \"aws\": {\n"
	"%s}},\n\"resources\": [{\"name\": \"gpu\", \"provider\": \"aws\", \"queues\": [\"gpu\"], "
	"\"max_instances\": 2, \"instance_type\": \"g5.xlarge\", \"aws\": {\n"
	"%s}\n%s}]}\n";

#define IMAGE "\"image\": \"ami-0123456789abcdef0\""
#define AT_SPEC "c.json:4: resources[0].aws.launch_spec."
#define SPEC(member) IMAGE ", \"launch_spec\": {" member "}"
#define ZONES(list) ", \"offerings\": [{\"zones\": [" list "]}]"

static int load(const char *defaults, const char *own, const char *rest, struct settings *out,
		struct error *err)
{
	SCOPED(buf) struct buf text = BUF(1 << 18);

	buf_addf(&text, form, defaults, own, rest);
	return settings_parse(buf_slice(&text), "c.json", environment, out, err);
}

static const struct {
	const char *when, *defaults, *own, *rest, *want;
} bad[] = {
	{ "there is no image", "", "", "",
	  "c.json:3: resources[0]: aws.image is missing: what machines start from: ami-..., "
	  "resolve:ssm:/..., or {\"name\": ..., \"owners\": [...]}" },
	{ "an image is no id", "", "\"image\": \"ubuntu\"", "",
	  "c.json:4: resources[0].aws.image: expected ami-..., resolve:ssm:/name/of/a/parameter, "
	  "or an object with name and owners, got \"ubuntu\"" },
	{ "an image by name has no owner", "", "\"image\": {\"name\": \"mayfly-*\"}", "",
	  "c.json:4: resources[0].aws.image.owners: missing, expected a list" },
	{ "a member is misspelt", "", IMAGE ", \"subnet\": \"subnet-01234567\"", "",
	  "c.json:4: resources[0].aws.subnet: unknown, did you mean subnets?" },
	{ "a zone has no subnet", "", IMAGE ", \"subnets\": {\"us-east-1a\": \"subnet-01234567\"}",
	  ZONES("\"us-east-1a\", \"us-east-1b\""),
	  "c.json:4: resources[0].aws.subnets: there is none for zone \"us-east-1b\"" },
	{ "one subnet is for several zones", "", IMAGE ", \"subnets\": \"subnet-01234567\"",
	  ZONES("\"us-east-1a\""),
	  "c.json:4: resources[0].aws.subnets: offerings name zones, and a subnet lies in one "
	  "zone: write {\"us-east-1a\": \"subnet-01234567\"}" },
	{ "subnets are by zone and offerings are not",
	  "\"subnets\": {\"us-east-1a\": \"subnet-01234567\"}", IMAGE, "",
	  "c.json:2: defaults.aws.subnets: these are by zone: name the zones in offerings of "
	  "resource gpu too" },
	{ "a zone is of another region", "", IMAGE ", \"region\": \"us-east-1\"",
	  ZONES("\"us-west-2a\""),
	  "c.json:5: resources[0].offerings: zone \"us-west-2a\" is not in region \"us-east-1\"" },
	{ "a region stands for its zone", "", IMAGE ", \"region\": \"us-east-1\"",
	  ZONES("\"us-east-1\""),
	  "c.json:5: resources[0].offerings: zone \"us-east-1\" is not in region \"us-east-1\"" },
	{ "a tag is ours", "\"tags\": {\"mayfly:slot\": \"0\"}", IMAGE, "",
	  "c.json:2: defaults.aws.tags: \"mayfly:slot\": names that begin with mayfly: or aws: "
	  "are taken" },
	{ "a tag is AWS's", "", IMAGE ", \"tags\": {\"aws:x\": \"0\"}", "",
	  "c.json:4: resources[0].aws.tags: \"aws:x\": names that begin with mayfly: or aws: are "
	  "taken" },
	{ "a tag has no name", "", IMAGE ", \"tags\": {\"\": \"0\"}", "",
	  "c.json:4: resources[0].aws.tags: \"\": a tag's name has 1 to 128 bytes" },
	{ "a role is none", "", IMAGE ", \"role_arn\": \"arn:aws:iam::1:user/x\"", "",
	  "c.json:4: resources[0].aws.role_arn: expected a role such as "
	  "arn:aws:iam::123456789012:role/name, got \"arn:aws:iam::1:user/x\"" },
	{ "launch_spec says the token", "", SPEC("\"ClientToken\": \"x\""), "",
	  AT_SPEC "ClientToken: it is mayfly's: it is what makes a repeated launch the same one" },
	{ "launch_spec says how many", "", SPEC("\"MaxCount\": 2"), "",
	  AT_SPEC "MaxCount: it is mayfly's: one request launches one machine" },
	{ "launch_spec says the user data", "", SPEC("\"UserData\": \"x\""), "",
	  AT_SPEC "UserData: it is mayfly's: use init.script for what machines shall do" },
	{ "launch_spec says what power-off does", "",
	  SPEC("\"InstanceInitiatedShutdownBehavior\": \"stop\""), "",
	  AT_SPEC "InstanceInitiatedShutdownBehavior: a machine that powers off must be gone, else "
		  "it costs on" },
	{ "launch_spec forbids its end", "", SPEC("\"DisableApiTermination\": true"), "",
	  AT_SPEC "DisableApiTermination: EC2 would refuse to end the machine, and it would cost "
		  "on" },
	{ "launch_spec says the zone", "",
	  SPEC("\"Placement\": {\"AvailabilityZone\": \"us-east-1a\"}"), "",
	  AT_SPEC "Placement.AvailabilityZone: say it by offerings' zones" },
	{ "launch_spec bears one of our tags", "",
	  SPEC("\"TagSpecifications\": [{\"ResourceType\": \"volume\", \"Tags\": [{\"Key\": "
	       "\"a\"}, "
	       "{\"Key\": \"mayfly:prefix\"}]}]"),
	  "", AT_SPEC "TagSpecifications: tags that begin with mayfly: or aws: are taken" },
	{ "launch_spec and a setting say the interfaces", "\"public_ip\": true",
	  SPEC("\"NetworkInterfaces\": []"), "",
	  AT_SPEC "NetworkInterfaces: it says all of the interfaces: leave out aws.public_ip" },
	{ "launch_spec has what EC2 does not know", "", SPEC("\"EbsOptimised\": true"), "",
	  "c.json:3: resources[0].aws: launch_spec: RunInstances: EbsOptimised: unknown to EC2, "
	  "did "
	  "you mean EbsOptimized?" },
};

static void test_what_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		SCOPED(settings) struct settings settings = { 0 };
		struct error err = { 0 };
		bool is_refused =
			load(bad[i].defaults, bad[i].own, bad[i].rest, &settings, &err) < 0;

		if (!is_refused || err.class != ERROR_CONFIGURATION)
			fail_msg("when %s: taken, or refused with %s", bad[i].when, err.message);
		if (strcmp(err.message, bad[i].want) != 0)
			fail_msg("when %s: %s", bad[i].when, err.message);
	}
}

static void expect_spec(const struct settings *settings, const char *want)
{
	SCOPED(buf) struct buf text = BUF(1 << 16);

	json_print(settings->resources[0].aws.spec.root, false, &text);
	assert_string_equal(buf_text(&text), want);
}

static void test_what_is_inherited(void **state)
{
	SCOPED(settings) struct settings settings = { 0 };
	struct error err;

	(void)state;
	if (load("\"image\": \"ami-01234567\", \"key_name\": \"mine\", \"tags\": {\"team\": \"a\", "
		 "\"a.b\": \"1\"}, \"volume\": {\"gigabytes\": 50, \"type\": \"gp3\"}, "
		 "\"profile\": "
		 "\"work\", \"launch_spec\": {\"EbsOptimized\": true}",
		 "\"image\": \"resolve:ssm:/a/b\", \"tags\": {\"a.b\": \"2\", \"c\": \"3\"}, "
		 "\"volume\": {\"gigabytes\": 80}, \"role_arn\": "
		 "\"arn:aws:iam::123456789012:role/r\", \"external_id\": \"xy\", "
		 "\"launch_spec\": {\"DisableApiStop\": true}",
		 "", &settings, &err) < 0)
		fail_msg("%s", err.message);
	const struct aws_settings *aws = &settings.resources[0].aws;

	assert_string_equal(aws->profile, "work");
	assert_string_equal(aws->role_arn, "arn:aws:iam::123456789012:role/r");
	assert_string_equal(aws->external_id, "xy");
	assert_string_equal(aws->region, "");
	expect_spec(&settings,
		    "{\"image\":\"resolve:ssm:/a/b\",\"key_name\":\"mine\",\"launch_spec\":"
		    "{\"DisableApiStop\":true},\"volume\":{\"type\":\"gp3\",\"gigabytes\":80},"
		    "\"tags\":{\"team\":\"a\",\"a.b\":\"2\",\"c\":\"3\"}}");
}

/* Prices are by region, so a region that is said in any place must reach the offerings. */
static void test_which_region_an_offering_is_in(void **state)
{
	static const struct {
		const char *when, *own, *rest;
		const char *const *environment;
		const char *region;
		bool is_price_known;
	} cases[] = {
		{ "the resource says it", IMAGE ", \"region\": \"us-east-1\"", "", with_region,
		  "us-east-1", true },
		{ "the environment says it", IMAGE, "", with_region, "eu-west-1", false },
		{ "nothing does", IMAGE, "", environment, "", false },
		{ "the offering does", IMAGE ", \"region\": \"eu-west-1\"",
		  ", \"offerings\": [{\"regions\": [\"us-east-1\"]}]", environment, "us-east-1",
		  true },
		{ "only the zone does", IMAGE, ZONES("\"us-east-1a\""), environment, "", true },
		{ "the zone is a local one of the region", IMAGE ", \"region\": \"us-west-2\"",
		  ZONES("\"us-west-2-lax-1a\""), environment, "us-west-2", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(settings) struct settings settings = { 0 };
		SCOPED(buf) struct buf text = BUF(1 << 18);
		struct error err;

		buf_addf(&text, form, "", cases[i].own, cases[i].rest);
		if (settings_parse(buf_slice(&text), "c.json", cases[i].environment, &settings,
				   &err) < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
		const struct offering *offering = &settings.resources[0].offerings[0];

		if (strcmp(offering->region, cases[i].region) != 0 ||
		    (offering->price != MONEY_UNKNOWN) != cases[i].is_price_known)
			fail_msg("when %s: in \"%s\" at %lld", cases[i].when, offering->region,
				 (long long)offering->price);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_what_is_inherited),
		cmocka_unit_test(test_which_region_an_offering_is_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
