#include "reaper/providers/aws_fault.h"

#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "common/xml.h"

/* ---- the table ---- */

enum { CODE_STARTS = 1 /* the row is of all codes that begin so */ };

static const struct {
	const char *code;
	enum error_class class;
	unsigned flags;
	const char *advice; /* NULL: its own words say enough */
} codes[] = {
	/* Nothing was launched; another type, zone or market may be there. */
	{ "InsufficientInstanceCapacity", ERROR_CAPACITY, 0, NULL },
	{ "InsufficientCapacity", ERROR_CAPACITY, 0, NULL },
	{ "InsufficientHostCapacity", ERROR_CAPACITY, 0, NULL },
	{ "InsufficientReservedInstanceCapacity", ERROR_CAPACITY, 0, NULL },
	{ "InsufficientFreeAddressesInSubnet", ERROR_CAPACITY, 0, "the subnet is full" },
	{ "InsufficientAddressCapacity", ERROR_CAPACITY, 0, NULL },
	{ "InsufficientVolumeCapacity", ERROR_CAPACITY, 0, NULL },
	{ "UnfulfillableCapacity", ERROR_CAPACITY, 0, NULL },
	{ "ReservationCapacityExceeded", ERROR_CAPACITY, 0, NULL },
	{ "SpotMaxPriceTooLow", ERROR_CAPACITY, 0, "spot costs more now than aws.spot_max_price" },
	/* A type that this zone does not have: an offering of another zone may work. */
	{ "Unsupported", ERROR_CAPACITY, 0, NULL },

	/* The account's own limits. */
	{ "VcpuLimitExceeded", ERROR_QUOTA, 0, "ask AWS for more vCPUs (Service Quotas, EC2)" },
	{ "InstanceLimitExceeded", ERROR_QUOTA, 0, "ask AWS for more (Service Quotas, EC2)" },
	{ "MaxSpotInstanceCountExceeded", ERROR_QUOTA, 0,
	  "ask AWS for more spot (Service Quotas, EC2)" },
	{ "VolumeLimitExceeded", ERROR_QUOTA, 0, "ask AWS for more (Service Quotas, EBS)" },
	{ "MaxIOPSLimitExceeded", ERROR_QUOTA, 0, "ask AWS for more (Service Quotas, EBS)" },
	{ "NetworkInterfaceLimitExceeded", ERROR_QUOTA, 0, NULL },
	{ "PrivateIpAddressLimitExceeded", ERROR_QUOTA, 0, NULL },
	{ "AddressLimitExceeded", ERROR_QUOTA, 0, NULL },
	{ "ConcurrentSnapshotLimitExceeded", ERROR_QUOTA, 0, NULL },

	/* Of an account that never had spot: until then the other markets serve. */
	{ "AuthFailure.ServiceLinkedRoleCreationNotPermitted", ERROR_QUOTA, 0,
	  "spot needs a role of AWS's, once: aws iam create-service-linked-role "
	  "--aws-service-name spot.amazonaws.com" },

	/* Too fast. */
	{ "RequestLimitExceeded", ERROR_THROTTLED, 0, NULL },
	{ "Throttling", ERROR_THROTTLED, CODE_STARTS, NULL },
	{ "ThrottledException", ERROR_THROTTLED, 0, NULL },
	{ "EC2ThrottledException", ERROR_THROTTLED, 0, NULL },
	{ "TooManyRequestsException", ERROR_THROTTLED, 0, NULL },
	{ "RequestThrottled", ERROR_THROTTLED, CODE_STARTS, NULL },
	{ "BandwidthLimitExceeded", ERROR_THROTTLED, 0, NULL },
	{ "SlowDown", ERROR_THROTTLED, 0, NULL },
	{ "ConcurrentTagAccess", ERROR_THROTTLED, 0, NULL },

	/* Who we are, and what we may. */
	{ "UnauthorizedOperation", ERROR_DENIED, 0, NULL },
	{ "AccessDenied", ERROR_DENIED, CODE_STARTS, NULL },
	{ "AuthFailure", ERROR_DENIED, CODE_STARTS, NULL },
	{ "InvalidClientTokenId", ERROR_DENIED, 0, "the access key is not known to AWS" },
	{ "UnrecognizedClientException", ERROR_DENIED, 0, "the access key is not known to AWS" },
	{ "SignatureDoesNotMatch", ERROR_DENIED, 0, "the secret key does not fit the access key" },
	{ "InvalidSignatureException", ERROR_DENIED, 0,
	  "the secret key does not fit the access key" },
	{ "IncompleteSignature", ERROR_DENIED, 0, NULL },
	{ "MissingAuthenticationToken", ERROR_DENIED, 0, NULL },
	{ "InvalidSecurity", ERROR_DENIED, 0, NULL },
	{ "ExpiredToken", ERROR_DENIED, CODE_STARTS, "the credentials have expired" },
	{ "RequestExpired", ERROR_DENIED, 0, "the clock of this computer is wrong" },
	{ "Blocked", ERROR_DENIED, 0, "AWS has blocked the account" },
	{ "OptInRequired", ERROR_DENIED, 0, "the account must subscribe to this first" },
	{ "PendingVerification", ERROR_DENIED, 0, "AWS still checks the account" },
	{ "OperationNotPermitted", ERROR_DENIED, 0, NULL },

	/* The launch key: struct launch tells more of these two. */
	{ "IdempotentParameterMismatch", ERROR_CONFLICT, 0,
	  "the launch key was used by a request that said something else" },
	{ "IdempotentInstanceTerminated", ERROR_CONFLICT, 0, "the launch key's machine has ended" },
	{ "IncorrectInstanceState", ERROR_CONFLICT, 0, NULL },
	{ "IncorrectState", ERROR_CONFLICT, 0, NULL },

	{ "InvalidInstanceID.NotFound", ERROR_NOT_FOUND, 0, NULL },
	{ "InvalidVolume.NotFound", ERROR_NOT_FOUND, 0, NULL },
	{ "InvalidSpotInstanceRequestID.NotFound", ERROR_NOT_FOUND, 0, NULL },
	{ "ParameterNotFound", ERROR_CONFIGURATION, 0, "aws.image names no SSM parameter" },

	/* What the operator wrote. */
	{ "InvalidAMIID", ERROR_CONFIGURATION, CODE_STARTS, "look at aws.image" },
	{ "InvalidSubnet", ERROR_CONFIGURATION, CODE_STARTS, "look at aws.subnets" },
	{ "InvalidGroup", ERROR_CONFIGURATION, CODE_STARTS, "look at aws.security_groups" },
	{ "InvalidSecurityGroup", ERROR_CONFIGURATION, CODE_STARTS, "look at aws.security_groups" },
	{ "InvalidKeyPair", ERROR_CONFIGURATION, CODE_STARTS, "look at aws.key_name" },
	{ "InvalidKey", ERROR_CONFIGURATION, CODE_STARTS, "look at aws.key_name" },
	{ "InvalidIamInstanceProfile", ERROR_CONFIGURATION, CODE_STARTS,
	  "look at aws.instance_profile" },
	{ "NoSuchEntity", ERROR_CONFIGURATION, 0, "look at aws.instance_profile" },
	{ "InvalidInstanceType", ERROR_CONFIGURATION, CODE_STARTS,
	  "look at instance_type and offerings" },
	{ "InvalidBlockDeviceMapping", ERROR_CONFIGURATION, 0, "look at aws.volume" },
	{ "InvalidZone", ERROR_CONFIGURATION, CODE_STARTS, "look at the zones in offerings" },
	{ "InvalidInternetGateway", ERROR_CONFIGURATION, CODE_STARTS, NULL },
	{ "VPCIdNotSpecified", ERROR_CONFIGURATION, 0,
	  "the account has no default VPC: give aws.subnets" },
	{ "VPCResourceNotSpecified", ERROR_CONFIGURATION, 0,
	  "this type needs a VPC: give aws.subnets" },
	{ "MissingInput", ERROR_CONFIGURATION, 0, NULL },
	{ "MissingParameter", ERROR_CONFIGURATION, 0, NULL },
	{ "UnknownParameter", ERROR_CONFIGURATION, 0, "look at aws.launch_spec" },
	{ "UnsupportedOperation", ERROR_CONFIGURATION, 0, NULL },
	{ "TagLimitExceeded", ERROR_CONFIGURATION, 0, "look at aws.tags" },
	{ "TagPolicyViolation", ERROR_CONFIGURATION, 0, "look at aws.tags" },
	{ "EncryptedVolumesNotSupported", ERROR_CONFIGURATION, 0, NULL },
	{ "SecurityGroupsPerInstanceLimitExceeded", ERROR_CONFIGURATION, 0, NULL },
	{ "Invalid", ERROR_CONFIGURATION, CODE_STARTS, NULL },
	{ "Validation", ERROR_CONFIGURATION, CODE_STARTS, NULL },

	/* It may have been done. */
	{ "InternalError", ERROR_UNREACHABLE, 0, NULL },
	{ "InternalFailure", ERROR_UNREACHABLE, 0, NULL },
	{ "InternalServerError", ERROR_UNREACHABLE, 0, NULL },
	{ "Internal", ERROR_UNREACHABLE, 0, NULL },
	{ "ServiceUnavailable", ERROR_UNREACHABLE, 0, NULL },
	{ "Unavailable", ERROR_UNREACHABLE, 0, NULL },
};

static bool fits(size_t row, const char *code)
{
	const char *known = codes[row].code;

	return codes[row].flags & CODE_STARTS ? !strncmp(code, known, strlen(known)) :
						!strcmp(code, known);
}

static enum error_class class_of_status(long status)
{
	if (status == 401 || status == 403)
		return ERROR_DENIED;
	if (status == 429)
		return ERROR_THROTTLED;
	if (status >= 400 && status < 500)
		return ERROR_REFUSED;
	return ERROR_UNREACHABLE;
}

static enum error_class class_of(const struct aws_fault *fault, const char **advice)
{
	*advice = NULL;
	for (size_t i = 0; *fault->code && i < ARRAY_LEN(codes); i++) {
		if (!fits(i, fault->code))
			continue;
		*advice = codes[i].advice;
		return codes[i].class;
	}
	return class_of_status(fault->status);
}

/* ---- reading ---- */

static void take(struct aws_fault *out, const char *code, const char *text)
{
	text_cut(out->code, sizeof(out->code), code);
	text_cut(out->text, sizeof(out->text), text);
}

static void read_xml(struct slice body, struct aws_fault *out)
{
	static const char *const places[] = { "Errors/Error", "Error" };
	SCOPED(xml_document) struct xml_document document = { 0 };
	struct error ignored;

	if (xml_parse(body, &document, &ignored) < 0)
		return;
	const struct xml *root = xml_root(&document);

	for (size_t i = 0; i < ARRAY_LEN(places) && !*out->code; i++) {
		const struct xml *at = xml_child(root, places[i]);

		take(out, xml_text_of(at, "Code"), xml_text_of(at, "Message"));
	}
	if (!*out->code)
		take(out, xml_text_of(root, "Code"), xml_text_of(root, "Message"));
}

/* "com.amazonaws.ssm#ParameterNotFound", or the name alone. */
static void read_json(struct slice body, struct aws_fault *out)
{
	SCOPED(json_document) struct json_document document = { 0 };
	struct error ignored;

	if (json_parse(body, &document, &ignored) < 0)
		return;
	const char *type = json_text_or(document.root, "__type", "");
	const char *name = strrchr(type, '#');
	const char *text = json_text_or(document.root, "message", NULL);

	take(out, name ? name + 1 : type, text ? text : json_text_or(document.root, "Message", ""));
}

void aws_fault_read(long status, struct slice body, struct aws_fault *out)
{
	*out = (struct aws_fault){ .status = status };
	if (body.len && body.ptr[0] == '{')
		read_json(body, out);
	else
		read_xml(body, out);
}

/* ---- words ---- */

/* The permission that the text names, or else the one of the action. */
static void find_permission(const struct aws_fault *fault, const char *service, const char *action,
			    char *out, size_t room)
{
	static const char mark[] = "authorized to perform: ";
	const char *at = strstr(fault->text, mark);
	size_t len = at ? strspn(at + strlen(mark), "abcdefghijklmnopqrstuvwxyz0123456789-:"
						    "ABCDEFGHIJKLMNOPQRSTUVWXYZ") :
			  0;

	if (len && len < room)
		snprintf(out, room, "%.*s", (int)len, at + strlen(mark));
	else
		snprintf(out, room, "%s:%s", service, action);
}

/* The encoded part is of no use to a reader, and fills the line. */
static void cut_encoded(char *text)
{
	char *encoded = strstr(text, " Encoded authorization failure message");

	if (encoded)
		*encoded = '\0';
}

int aws_fault_set(const struct aws_fault *fault, const char *service, const char *action,
		  struct error *err)
{
	const char *advice;
	enum error_class class = class_of(fault, &advice);
	char permission[128], text[300];
	struct aws_fault told = *fault;

	cut_encoded(told.text);
	text_cut(text, sizeof(text), told.text);
	if (!*fault->code)
		return error_set(err, class, "%s answers %s with HTTP %ld and no error code",
				 service, action, fault->status);
	if (!strcmp(fault->code, "UnauthorizedOperation") ||
	    !strncmp(fault->code, "AccessDenied", 12)) {
		find_permission(fault, service, action, permission, sizeof(permission));
		return error_set(err, class, "%s: the permission %s is missing (%s): %s", action,
				 permission, fault->code, text);
	}
	return error_set(err, class, "%s: %s%s%s%s%s", action, fault->code, *text ? ": " : "", text,
			 advice ? "; " : "", advice ? advice : "");
}

enum launch_key aws_fault_key(const struct aws_fault *fault)
{
	if (!strcmp(fault->code, "IdempotentParameterMismatch"))
		return LAUNCH_KEY_DIFFERS;
	if (!strcmp(fault->code, "IdempotentInstanceTerminated"))
		return LAUNCH_KEY_SPENT;
	return LAUNCH_KEY_FRESH;
}

void aws_fault_zones(const char *text, char (*zones)[TICKET_FIELD_ROOM])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	const char *at = strstr(text, "choosing ");
	size_t count = 0;

	for (at = at ? at + strlen("choosing ") : ""; count + 1 < LAUNCH_ZONES;) {
		size_t len = strspn(at, letters);

		/* "and", which may stand before the last one, is no zone. */
		if (len && len < TICKET_FIELD_ROOM && memchr(at, '-', len)) {
			memcpy(zones[count], at, len);
			zones[count++][len] = '\0';
		}
		at += len;
		if (!len && *at != ',' && *at != ' ')
			return;
		at += *at == ',' || *at == ' ';
	}
}

void aws_fault_end(const char *code, const char *text, char *out, size_t room)
{
	static const struct {
		const char *code, *words;
	} ends[] = {
		{ "Client.UserInitiatedShutdown", "" },
		{ "Client.InstanceInitiatedShutdown", "" },
		{ "Client.InternalError",
		  "EC2 gave it up while it started: mostly its volume is encrypted with a KMS key "
		  "that whoever launched it may not use (kms:CreateGrant, kms:Decrypt)" },
		{ "Client.InvalidSnapshot.NotFound",
		  "a snapshot that its disk starts from is gone" },
		{ "Client.VolumeLimitExceeded",
		  "the account's limit of EBS volumes or their size is reached" },
		{ "Server.InsufficientInstanceCapacity", "EC2 had no capacity left for it" },
		{ "Server.InternalError", "EC2 failed while it started" },
		{ "Server.SpotInstanceTermination", "spot took it back" },
		{ "Server.SpotInstanceShutdown", "spot took it back" },
		{ "Server.ScheduledStop", "its host was retired" },
	};

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		if (strcmp(ends[i].code, code) != 0)
			continue;
		snprintf(out, room, "%s%s%s", *ends[i].words ? code : "",
			 *ends[i].words ? ": " : "", ends[i].words);
		return;
	}
	/* Its text begins with its code mostly. */
	text_cut(out, room, *text ? text : code);
}
