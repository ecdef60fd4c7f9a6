/* aws_fault: what AWS refuses becomes a class and words for a person. */
#include "reaper/providers/aws_fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NAMESPACE " xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15\""
#define EC2(code, text)                                                                    \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>" code \
	"</Code><Message>" text "</Message></Error></Errors><RequestID>r-1</RequestID></Response>"

static const struct {
	const char *when;
	long status;
	const char *body;
	enum error_class class;
	const char *want;
} cases[] = {
	{ "there is no capacity", 500,
	  EC2("InsufficientInstanceCapacity", "We currently do not have sufficient capacity."),
	  ERROR_CAPACITY,
	  "RunInstances: InsufficientInstanceCapacity: We currently do not have sufficient "
	  "capacity." },
	{ "a zone does not have the type", 400, EC2("Unsupported", "not in us-east-1e"),
	  ERROR_CAPACITY, "RunInstances: Unsupported: not in us-east-1e" },
	{ "spot is dearer than our limit", 400, EC2("SpotMaxPriceTooLow", "t"), ERROR_CAPACITY,
	  "RunInstances: SpotMaxPriceTooLow: t; spot costs more now than aws.spot_max_price" },
	{ "the account's vCPUs are used", 400, EC2("VcpuLimitExceeded", "You have requested more"),
	  ERROR_QUOTA,
	  "RunInstances: VcpuLimitExceeded: You have requested more; ask AWS for more vCPUs "
	  "(Service Quotas, EC2)" },
	{ "the account's spot is used", 400, EC2("MaxSpotInstanceCountExceeded", "t"), ERROR_QUOTA,
	  "RunInstances: MaxSpotInstanceCountExceeded: t; ask AWS for more spot (Service Quotas, "
	  "EC2)" },
	{ "it is too fast", 503, EC2("RequestLimitExceeded", "Request limit exceeded."),
	  ERROR_THROTTLED, "RunInstances: RequestLimitExceeded: Request limit exceeded." },
	{ "the role may not, and the text names what", 403,
	  EC2("UnauthorizedOperation",
	      "You are not authorized to perform this operation. User: arn:aws:sts::1:x is not "
	      "authorized to perform: iam:PassRole on resource: y. Encoded authorization failure "
	      "message: 0123456789abcdef"),
	  ERROR_DENIED,
	  "RunInstances: the permission iam:PassRole is missing (UnauthorizedOperation): You are "
	  "not authorized to perform this operation. User: arn:aws:sts::1:x is not authorized to "
	  "perform: iam:PassRole on resource: y." },
	{ "the role may not, and the text names nothing", 403,
	  EC2("UnauthorizedOperation", "You are not authorized to perform this operation."),
	  ERROR_DENIED,
	  "RunInstances: the permission ec2:RunInstances is missing (UnauthorizedOperation): You "
	  "are not authorized to perform this operation." },
	{ "the keys are wrong", 401,
	  "<ErrorResponse" NAMESPACE "><Errors><Error><Code>AuthFailure</Code><Message>AWS was not "
	  "able to validate</Message><Type>Sender</Type></Error></Errors></ErrorResponse>",
	  ERROR_DENIED, "RunInstances: AuthFailure: AWS was not able to validate" },
	{ "the account never had spot", 403,
	  EC2("AuthFailure.ServiceLinkedRoleCreationNotPermitted", "t"), ERROR_QUOTA,
	  "RunInstances: AuthFailure.ServiceLinkedRoleCreationNotPermitted: t; spot needs a role "
	  "of AWS's, once: aws iam create-service-linked-role --aws-service-name "
	  "spot.amazonaws.com" },
	{ "STS answers in its form", 403,
	  "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>t</Message>"
	  "</Error></ErrorResponse>",
	  ERROR_DENIED, "RunInstances: ExpiredToken: t; the credentials have expired" },
	{ "S3 answers in its form", 403,
	  "<Error><Code>AccessDenied</Code><Message>no</Message></Error>", ERROR_DENIED,
	  "RunInstances: the permission ec2:RunInstances is missing (AccessDenied): no" },
	{ "SSM answers in JSON", 400,
	  "{\"__type\": \"com.amazonaws.ssm#ParameterNotFound\", \"message\": \"t\"}",
	  ERROR_CONFIGURATION,
	  "RunInstances: ParameterNotFound: t; aws.image names no SSM parameter" },
	{ "SSM has no words", 400, "{\"__type\":\"ThrottlingException\"}", ERROR_THROTTLED,
	  "RunInstances: ThrottlingException" },
	{ "the image is gone", 400, EC2("InvalidAMIID.NotFound", "t"), ERROR_CONFIGURATION,
	  "RunInstances: InvalidAMIID.NotFound: t; look at aws.image" },
	{ "a group is of another VPC", 400, EC2("InvalidSecurityGroupID.NotFound", "t"),
	  ERROR_CONFIGURATION,
	  "RunInstances: InvalidSecurityGroupID.NotFound: t; look at aws.security_groups" },
	{ "an id is unknown", 400, EC2("InvalidInstanceID.NotFound", "t"), ERROR_NOT_FOUND,
	  "RunInstances: InvalidInstanceID.NotFound: t" },
	{ "an id is none", 400, EC2("InvalidInstanceID.Malformed", "t"), ERROR_CONFIGURATION,
	  "RunInstances: InvalidInstanceID.Malformed: t" },
	{ "a parameter is new to us", 400, EC2("InvalidCpuOptions", "t"), ERROR_CONFIGURATION,
	  "RunInstances: InvalidCpuOptions: t" },
	{ "a code is new to us", 400, EC2("SomethingNew", "t"), ERROR_REFUSED,
	  "RunInstances: SomethingNew: t" },
	{ "a code is new to us, and the status says who may not", 403, EC2("SomethingNew", "t"),
	  ERROR_DENIED, "RunInstances: SomethingNew: t" },
	{ "EC2 itself fails", 500, EC2("InternalError", "t"), ERROR_UNREACHABLE,
	  "RunInstances: InternalError: t" },
	{ "EC2 fails with a new code", 500, EC2("SomethingNew", "t"), ERROR_UNREACHABLE,
	  "RunInstances: SomethingNew: t" },
	{ "the key is another request's", 400, EC2("IdempotentParameterMismatch", "t"),
	  ERROR_CONFLICT,
	  "RunInstances: IdempotentParameterMismatch: t; the launch key was used by a request that "
	  "said something else" },
	{ "a proxy answers", 502, "<html><body>Bad gateway", ERROR_UNREACHABLE,
	  "ec2 answers RunInstances with HTTP 502 and no error code" },
	{ "a proxy refuses", 403, "", ERROR_DENIED,
	  "ec2 answers RunInstances with HTTP 403 and no error code" },
	{ "too many calls, without a word", 429, "{", ERROR_THROTTLED,
	  "ec2 answers RunInstances with HTTP 429 and no error code" },
};

static void test_codes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct aws_fault fault;
		struct error err;

		aws_fault_read(cases[i].status, slice_of(cases[i].body), &fault);
		assert_int_equal(aws_fault_set(&fault, "ec2", "RunInstances", &err), -1);
		if (err.class != cases[i].class || strcmp(err.message, cases[i].want) != 0)
			fail_msg("when %s: %s: %s", cases[i].when, error_class_name(err.class),
				 err.message);
	}
}

static void test_keys(void **state)
{
	static const struct {
		const char *code;
		enum launch_key want;
	} keys[] = {
		{ "IdempotentParameterMismatch", LAUNCH_KEY_DIFFERS },
		{ "IdempotentInstanceTerminated", LAUNCH_KEY_SPENT },
		{ "IncorrectInstanceState", LAUNCH_KEY_FRESH },
		{ "", LAUNCH_KEY_FRESH },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct aws_fault fault = { 0 };

		text_cut(fault.code, sizeof(fault.code), keys[i].code);
		assert_int_equal(aws_fault_key(&fault), keys[i].want);
	}
}

#define SORRY "We currently do not have sufficient g6.xlarge capacity in the Availability Zone you "
#define HINT \
	"You can currently get g6.xlarge capacity by not specifying an Availability Zone in your "

static void test_zones(void **state)
{
	static const struct {
		const char *when, *text, *want;
	} hints[] = {
		{ "three are named",
		  SORRY "requested (us-west-2d). " HINT
			"request or choosing us-west-2a, us-west-2b, us-west-2c.",
		  "us-west-2a us-west-2b us-west-2c" },
		{ "one is", HINT "request or choosing us-west-2b.", "us-west-2b" },
		{ "there is an and", "or choosing us-west-2b and us-gov-west-1c",
		  "us-west-2b us-gov-west-1c" },
		{ "none is", SORRY "requested (us-west-2d).", "" },
		{ "the text ends before", "or choosing ", "" },
		{ "more are named than there is room for",
		  "choosing a-1, a-2, a-3, a-4, a-5, a-6, a-7, a-8, a-9, a-10.",
		  "a-1 a-2 a-3 a-4 a-5 a-6 a-7 a-8" },
		{ "one is too long to be one",
		  "choosing "
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, b-1.",
		  "b-1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hints); i++) {
		char zones[LAUNCH_ZONES][TICKET_FIELD_ROOM] = { "" };
		SCOPED(buf) struct buf text = BUF(1024);

		aws_fault_zones(hints[i].text, zones);
		for (size_t z = 0; *zones[z]; z++)
			buf_addf(&text, "%s%s", z ? " " : "", zones[z]);
		if (strcmp(buf_text(&text), hints[i].want) != 0)
			fail_msg("when %s: %s", hints[i].when, buf_text(&text));
	}
}

static void test_ends(void **state)
{
	static const struct {
		const char *code, *text, *want;
	} ends[] = {
		{ "Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated",
		  "" },
		{ "Client.InstanceInitiatedShutdown", "x", "" },
		{ "Server.SpotInstanceTermination", "x",
		  "Server.SpotInstanceTermination: spot took it back" },
		{ "Client.SomethingNew", "Client.SomethingNew: words",
		  "Client.SomethingNew: words" },
		{ "Client.SomethingNew", "", "Client.SomethingNew" },
		{ "", "", "" },
	};
	char text[INSTANCE_WHY_ROOM];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		aws_fault_end(ends[i].code, ends[i].text, text, sizeof(text));
		assert_string_equal(text, ends[i].want);
	}
	aws_fault_end("Client.InternalError", "x", text, sizeof(text));
	assert_non_null(strstr(text, "kms:CreateGrant"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
