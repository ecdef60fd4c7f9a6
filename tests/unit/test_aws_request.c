/* aws_request: what EC2 is asked for. The settings are read from texts, as an operator writes them;
 * what is wanted is JSON as boto3 takes it, and the Query body that comes of it. */
#include "reaper/providers/aws_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "reaper/providers/aws_flatten.h"

static const char *const environment[] = { "S=secret", NULL };
static const char form[] =
	"{\"prefix\": \"p\", \"clearml\": {\"api_server\": \"http://h:1\", \"access_key\": \"A\", "
	"\"secret_key\": {\"env\": \"S\"}}, \"signing_key\": {\"file\": \"k\"}, \"resources\": "
	"[{\"name\": \"gpu\", \"provider\": \"aws\", \"queues\": [\"gpu\"], \"max_instances\": 9, "
	"\"bundle\": {\"file\": \"b\"}, \"agent\": {\"command\": [\"true\"]}, \"offerings\": [%s], "
	"\"aws\": {\"image\": \"ami-01234567\"%s}}]}\n";

#define ONE "{\"instance_types\": [\"g5.xlarge\"]}"
#define ZONE "{\"instance_types\": [\"g5.xlarge\"], \"zones\": [\"us-east-1a\"]}"
#define SPOT "{\"instance_types\": [\"g5.xlarge\"], \"markets\": [\"spot\"]}"
#define SUBNETS ", \"subnets\": {\"us-east-1a\": \"subnet-01234567\"}"
#define GROUPS ", \"security_groups\": [\"sg-01234567\", \"sg-89abcdef\"]"

#define TAG(key, value) "{\"Key\":\"" key "\",\"Value\":\"" value "\"}"
#define OURS                                                                                       \
	TAG("mayfly:prefix", "p")                                                                  \
	"," TAG("mayfly:resource", "gpu") "," TAG("mayfly:slot", "3") "," TAG("mayfly:generation", \
									      "2")
#define TAGGED(kind, tags) "{\"ResourceType\":\"" kind "\",\"Tags\":[" tags "]}"
#define NAMED OURS "," TAG("Name", "p-gpu-3")
#define ALL_TAGGED(tags) \
	TAGGED("instance", tags) "," TAGGED("volume", tags) "," TAGGED("network-interface", tags)
#define USER "\"UserData\":\"aGVsbG8=\""

/* The parts, between which the settings add theirs. */
#define BEGIN                                                                   \
	"{\"ImageId\":\"ami-9\",\"InstanceType\":\"g5.xlarge\",\"MinCount\":1," \
	"\"MaxCount\":1,\"ClientToken\":\"0123456789abcdef0123456789abcdef\","
#define SHUTDOWN "\"InstanceInitiatedShutdownBehavior\":\"terminate\","
#define METADATA                                                                          \
	"\"MetadataOptions\":{\"HttpTokens\":\"required\",\"HttpPutResponseHopLimit\":1," \
	"\"HttpEndpoint\":\"enabled\"},"
#define END(tags) "\"TagSpecifications\":[" tags "]," USER "}"
#define PLAIN_END END(ALL_TAGGED(NAMED))

static const struct {
	const char *when, *offering, *aws, *want;
} launches[] = {
	{ "nothing else is said", ONE, "", BEGIN SHUTDOWN METADATA PLAIN_END },
	{ "a zone is said", ZONE, "",
	  BEGIN SHUTDOWN METADATA
	  "\"Placement\":{\"AvailabilityZone\":\"us-east-1a\"}," PLAIN_END },
	{ "the zone has its subnet, and there are groups", ZONE, SUBNETS GROUPS,
	  BEGIN SHUTDOWN METADATA "\"SubnetId\":\"subnet-01234567\",\"SecurityGroupIds\":[\"sg-"
				  "01234567\",\"sg-89abcdef\"]," PLAIN_END },
	{ "one subnet is for all", ONE, ", \"subnets\": \"subnet-01234567\"",
	  BEGIN SHUTDOWN METADATA "\"SubnetId\":\"subnet-01234567\"," PLAIN_END },
	{ "addresses need an interface", ZONE,
	  SUBNETS GROUPS ", \"public_ip\": false, \"ipv6_addresses\": 2",
	  BEGIN SHUTDOWN METADATA
	  "\"NetworkInterfaces\":[{\"DeviceIndex\":0,\"DeleteOnTermination\":true,"
	  "\"SubnetId\":\"subnet-01234567\",\"Groups\":[\"sg-01234567\",\"sg-89abcdef\"],"
	  "\"AssociatePublicIpAddress\":false,\"Ipv6AddressCount\":2}]," PLAIN_END },
	{ "an address is wanted, in a zone of the default VPC", ZONE, ", \"public_ip\": true",
	  BEGIN SHUTDOWN METADATA
	  "\"Placement\":{\"AvailabilityZone\":\"us-east-1a\"},\"NetworkInterfaces\":[{"
	  "\"DeviceIndex\":0,\"DeleteOnTermination\":true,\"AssociatePublicIpAddress\":true}]"
	  "," PLAIN_END },
	{ "it is spot", SPOT, "",
	  BEGIN SHUTDOWN METADATA
	  "\"InstanceMarketOptions\":{\"MarketType\":\"spot\",\"SpotOptions\":{"
	  "\"SpotInstanceType\":\"one-time\",\"InstanceInterruptionBehavior\":\"terminate\"}}," END(
		  ALL_TAGGED(NAMED) "," TAGGED("spot-instances-request", NAMED)) },
	{ "it is spot, up to a price", SPOT, ", \"spot_max_price\": 0.35",
	  BEGIN SHUTDOWN METADATA
	  "\"InstanceMarketOptions\":{\"MarketType\":\"spot\",\"SpotOptions\":{\"MaxPrice\":"
	  "\"0.350000\",\"SpotInstanceType\":\"one-time\",\"InstanceInterruptionBehavior\":"
	  "\"terminate\"}}," END(ALL_TAGGED(NAMED) "," TAGGED("spot-instances-request", NAMED)) },
	{ "a role by name and a key are said", ONE,
	  ", \"instance_profile\": \"worker\", \"key_name\": \"mine\"",
	  BEGIN "\"KeyName\":\"mine\"," SHUTDOWN
		"\"IamInstanceProfile\":{\"Name\":\"worker\"}," METADATA PLAIN_END },
	{ "a role is said by its ARN", ONE,
	  ", \"instance_profile\": \"arn:aws:iam::123456789012:instance-profile/a/b\"",
	  BEGIN SHUTDOWN
	  "\"IamInstanceProfile\":{\"Arn\":"
	  "\"arn:aws:iam::123456789012:instance-profile/a/b\"}," METADATA PLAIN_END },
	{ "a disk is said", ONE,
	  ", \"volume\": {\"gigabytes\": 80, \"type\": \"gp3\", \"iops\": 4000, \"throughput\": "
	  "250, "
	  "\"encrypted\": true, \"kms_key\": \"alias/mine\"}",
	  BEGIN SHUTDOWN METADATA
	  "\"BlockDeviceMappings\":[{\"DeviceName\":\"/dev/root9\",\"Ebs\":{"
	  "\"DeleteOnTermination\":true,\"VolumeSize\":80,\"VolumeType\":\"gp3\",\"Iops\":4000,"
	  "\"Throughput\":250,\"Encrypted\":true,\"KmsKeyId\":\"alias/mine\"}}]," PLAIN_END },
	{ "a disk of another device is said", ONE,
	  ", \"volume\": {\"gigabytes\": 80, \"device\": \"/dev/xvda\"}",
	  BEGIN SHUTDOWN METADATA "\"BlockDeviceMappings\":[{\"DeviceName\":\"/dev/xvda\",\"Ebs\":{"
				  "\"DeleteOnTermination\":true,\"VolumeSize\":80}}]," PLAIN_END },
	{ "tags are said", ONE, ", \"tags\": {\"a.b\": \"c\", \"Name\": \"mine\"}",
	  BEGIN SHUTDOWN METADATA END(
		  ALL_TAGGED(OURS "," TAG("a.b", "c") "," TAG("Name", "mine"))) },
	{ "launch_spec adds, and changes within ours", ONE,
	  ", \"launch_spec\": {\"CpuOptions\": {\"CoreCount\": 2}, \"MetadataOptions\": "
	  "{\"HttpPutResponseHopLimit\": 2}, \"EbsOptimized\": true}",
	  BEGIN SHUTDOWN
	  "\"MetadataOptions\":{\"HttpTokens\":\"required\",\"HttpPutResponseHopLimit\":2,"
	  "\"HttpEndpoint\":\"enabled\"},\"TagSpecifications\":[" ALL_TAGGED(
		  NAMED) "]," USER ",\"CpuOptions\":{\"CoreCount\":2},\"EbsOptimized\":true}" },
	{ "launch_spec says the disks as a whole", ONE,
	  ", \"volume\": {\"gigabytes\": 80}, \"launch_spec\": {\"BlockDeviceMappings\": "
	  "[{\"DeviceName\": \"/dev/sdb\"}]}",
	  BEGIN SHUTDOWN METADATA
	  "\"BlockDeviceMappings\":[{\"DeviceName\":\"/dev/sdb\"}]," PLAIN_END },
	{ "launch_spec tags kinds of its own, and of ours", ONE,
	  ", \"launch_spec\": {\"TagSpecifications\": [{\"ResourceType\": \"volume\", \"Tags\": "
	  "[{\"Key\": \"Name\", \"Value\": \"disk\"}, {\"Key\": \"k\", \"Value\": \"v\"}]}, "
	  "{\"ResourceType\": \"elastic-gpu\", \"Tags\": []}]}",
	  BEGIN SHUTDOWN METADATA END(TAGGED("instance", NAMED) "," TAGGED(
		  "volume", OURS "," TAG("Name", "disk") "," TAG(
				    "k", "v")) "," TAGGED("network-interface",
							  NAMED) "," TAGGED("elastic-gpu", "")) },
};

static void load(const char *offering, const char *aws, struct settings *out)
{
	SCOPED(buf) struct buf text = BUF(1 << 18);
	struct error err;

	buf_addf(&text, form, offering, aws);
	if (settings_parse(buf_slice(&text), "c.json", environment, out, &err) < 0)
		fail_msg("%s", err.message);
}

static void test_launches(void **state)
{
	static const struct aws_image image = { "ami-9", "/dev/root9", "" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(launches); i++) {
		SCOPED(settings) struct settings settings = { 0 };
		SCOPED(json_document) struct json_document request = { 0 };
		SCOPED(buf) struct buf text = BUF(1 << 16);
		SCOPED(buf) struct buf body = BUF(1 << 16);
		struct error err;

		load(launches[i].offering, launches[i].aws, &settings);
		const struct launch launch = { .settings = &settings,
					       .resource = &settings.resources[0],
					       .offering = &settings.resources[0].offerings[0],
					       .slot = 3,
					       .generation = 2,
					       .key = "0123456789abcdef0123456789abcdef",
					       .user_data = slice_of("hello") };

		aws_request_launch(&launch, &image, &request);
		json_print(request.root, false, &text);
		if (strcmp(buf_text(&text), launches[i].want) != 0)
			fail_msg("when %s:\n%s\nwanted\n%s", launches[i].when, buf_text(&text),
				 launches[i].want);
		if (aws_flatten("RunInstances", request.root, &body, &err) < 0)
			fail_msg("when %s: %s", launches[i].when, err.message);
	}
}

static void test_when_the_device_must_be_known(void **state)
{
	static const struct {
		const char *aws;
		bool want;
	} cases[] = {
		{ "", false },
		{ ", \"volume\": {\"gigabytes\": 9}", true },
		{ ", \"volume\": {\"gigabytes\": 9, \"device\": \"/dev/xvda\"}", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(settings) struct settings settings = { 0 };

		load(ONE, cases[i].aws, &settings);
		assert_int_equal(aws_request_needs_device(&settings.resources[0]), cases[i].want);
	}
}

static void expect(struct json_document *request, const char *action, const char *want)
{
	SCOPED(buf) struct buf body = BUF(1 << 16);
	struct error err;

	if (aws_flatten(action, request->root, &body, &err) < 0)
		fail_msg("%s: %s", action, err.message);
	assert_string_equal(buf_text(&body), want);
	json_document_release(request);
}

static void test_the_other_requests(void **state)
{
	SCOPED(settings) struct settings settings = { 0 };
	SCOPED(settings) struct settings by_name = { 0 };
	struct json_document request = { 0 };

	(void)state;
	load(ONE, "", &settings);
	load(ONE,
	     "}, \"schedules\": [], \"local\": {\"bootstrap\": \"/bin/true\"}}, {\"name\": \"b\", "
	     "\"provider\": \"aws\", \"queues\": [\"gpu\"], \"max_instances\": 1, \"bundle\": "
	     "{\"file\": \"b\"}, \"agent\": {\"command\": [\"true\"]}, \"instance_type\": \"t\", "
	     "\"aws\": {\"image\": {\"name\": \"m-*\", \"owners\": [\"self\", \"amazon\"]}",
	     &by_name);
	aws_request_list("p", "", &request);
	expect(&request, "DescribeInstances",
	       "&Filter.1.Name=tag%3Amayfly%3Aprefix&Filter.1.Value.1=p&MaxResults=500");
	aws_request_list("p", "a+/=", &request);
	expect(&request, "DescribeInstances",
	       "&Filter.1.Name=tag%3Amayfly%3Aprefix&Filter.1.Value.1=p&MaxResults=500&NextToken="
	       "a%2B%2F%3D");
	aws_request_leftovers(LEFTOVER_VOLUME, "p", "", &request);
	expect(&request, "DescribeVolumes",
	       "&Filter.1.Name=tag%3Amayfly%3Aprefix&Filter.1.Value.1=p&Filter.2.Name=status&"
	       "Filter.2.Value.1=available&MaxResults=500");
	aws_request_leftovers(LEFTOVER_SPOT_REQUEST, "p", "n", &request);
	expect(&request, "DescribeSpotInstanceRequests",
	       "&Filter.1.Name=tag%3Amayfly%3Aprefix&Filter.1.Value.1=p&Filter.2.Name=state&"
	       "Filter.2.Value.1=open&Filter.2.Value.2=active&MaxResults=500&NextToken=n");
	aws_request_remove(&(struct leftover){ .kind = LEFTOVER_VOLUME, .id = "vol-1" }, &request);
	expect(&request, "DeleteVolume", "&VolumeId=vol-1");
	aws_request_remove(&(struct leftover){ .kind = LEFTOVER_SPOT_REQUEST, .id = "sir-1" },
			   &request);
	expect(&request, "CancelSpotInstanceRequests", "&SpotInstanceRequestId.1=sir-1");
	aws_request_images(&by_name.resources[1], NULL, &request);
	expect(&request, "DescribeImages",
	       "&Owner.1=self&Owner.2=amazon&Filter.1.Name=name&Filter.1.Value.1=m-%2A&Filter.2."
	       "Name="
	       "state&Filter.2.Value.1=available");
	aws_request_images(&settings.resources[0], "ami-1", &request);
	expect(&request, "DescribeImages", "&ImageId.1=ami-1");
	aws_request_terminate("i-1", &request);
	expect(&request, "TerminateInstances", "&InstanceId.1=i-1");
	aws_request_console("i-1", true, &request);
	expect(&request, "GetConsoleOutput", "&InstanceId=i-1&Latest=true");
	aws_request_console("i-1", false, &request);
	expect(&request, "GetConsoleOutput", "&InstanceId=i-1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_launches),
		cmocka_unit_test(test_when_the_device_must_be_known),
		cmocka_unit_test(test_the_other_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
