#include "bootstrap/aws_store.h"

#include <stdio.h>
#include <string.h>

#include "common/aws.h"
#include "common/base64.h"
#include "common/json.h"
#include "common/xml.h"

enum {
	FETCH_TIMEOUT_MS = 120000,
	ATTEMPT_TIMEOUT_MS = 20000,
	SECRET_ANSWER_MAX = 256 * 1024, /* a secret is at most 64 KiB, in base64 or escaped */
	REFUSAL_MAX = 16 * 1024, /* of S3's XML, whatever there is room for */
	CODE_ROOM = 64,
	PATH_ROOM = 1088, /* a key has at most 1024 bytes */
	RESOURCE_ROOM = 1200,
	ARN_FIELDS_BEFORE_REGION = 3,
};

static int open_aws(struct aws **out, struct error *err)
{
	const struct aws_options options = { .user_agent = "mayfly-bootstrap/" MAYFLY_VERSION };

	return aws_open(&options, out, err);
}

/* ---- what a refusal means ---- */

static const struct {
	const char *code; /* its begin */
	enum error_class class;
	const char *means;
} meanings[] = {
	{ "NoSuchKey", ERROR_NOT_FOUND, "there is no such object" },
	{ "NoSuchBucket", ERROR_NOT_FOUND, "there is no such bucket" },
	{ "ResourceNotFoundException", ERROR_NOT_FOUND, "there is no such secret in this region" },
	{ "InvalidRequestException", ERROR_NOT_FOUND, "it is marked for deletion, or empty" },
	{ "InvalidObjectState", ERROR_REFUSED, "it is archived: restore it first" },
	{ "DecryptionFailure", ERROR_DENIED, "its key could not be used" },
	{ "SlowDown", ERROR_UNREACHABLE, "too many calls" },
	{ "Throttling", ERROR_UNREACHABLE, "too many calls" },
	{ "InternalService", ERROR_UNREACHABLE, "the service has a fault of its own" },
	{ "AccessDenied", ERROR_DENIED, "" },
};

struct reading {
	const char *permission; /* "s3:GetObject" */
	const char *hint; /* what else may be missing */
	char resource[RESOURCE_ROOM]; /* an ARN as it stands in a policy */
};

static enum error_class class_of_status(long status)
{
	if (status >= 500 || status == 429)
		return ERROR_UNREACHABLE;
	if (status == 401 || status == 403)
		return ERROR_DENIED;
	return status == 404 ? ERROR_NOT_FOUND : ERROR_REFUSED;
}

static int refuse(const struct reading *reading, long status, const char *code, struct error *err)
{
	enum error_class class = class_of_status(status);
	const char *means = "";

	for (size_t i = 0; i < ARRAY_LEN(meanings); i++)
		if (!strncmp(code, meanings[i].code, strlen(meanings[i].code))) {
			class = meanings[i].class;
			means = meanings[i].means;
			break;
		}
	if (class != ERROR_DENIED)
		return error_set(err, class, "%.200s: %s%s(%s, status %ld)", reading->resource,
				 means, means[0] ? " " : "", code[0] ? code : "no code", status);
	return error_set(err, class,
			 "the instance's role needs %s on %.200s%s (%s%s%s, status %ld)",
			 reading->permission, reading->resource, reading->hint,
			 code[0] ? code : "no code", means[0] ? ": " : "", means, status);
}

/* Of a text that may be anything: letters and digits. */
static void take_code(const char *text, char out[static CODE_ROOM])
{
	size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");

	(void)snprintf(out, CODE_ROOM, "%.*s", (int)(len < CODE_ROOM ? len : CODE_ROOM - 1), text);
}

/* ---- S3 ---- */

static void code_of_xml(const struct http_answer *answer, char out[static CODE_ROOM])
{
	SCOPED(xml_document) struct xml_document document = { 0 };
	struct error ignored;

	out[0] = '\0';
	if (xml_parse(buf_slice(&answer->body), &document, &ignored) == 0)
		take_code(xml_text_of(xml_root(&document), "Code"), out);
}

static int get_object(struct aws *aws, const char *path, const char *region, size_t limit,
		      struct http_answer *answer, struct error *err)
{
	const struct aws_request request = {
		.service = "s3",
		.region = region,
		.method = "GET",
		.path = path,
		.timeout_ms = FETCH_TIMEOUT_MS,
		.attempt_timeout_ms = ATTEMPT_TIMEOUT_MS,
		.max_answer_bytes = limit,
		.may_repeat = true,
		.note_header = "x-amz-bucket-region",
	};

	return aws_call(aws, &request, answer, err);
}

/* A bucket elsewhere: S3 refuses what is signed for our region, and names its own. */
static bool is_elsewhere(const struct http_answer *answer, char region[static AWS_REGION_ROOM])
{
	bool is_refused = answer->status == 301 || answer->status == 307 || answer->status == 400 ||
			  answer->status == 403;

	if (!is_refused || !answer->noted[0] || !strcmp(answer->noted, region))
		return false;
	text_cut(region, AWS_REGION_ROOM, answer->noted);
	return true;
}

static int read_object(struct aws *aws, const char *place, struct buf *out, struct error *err)
{
	SCOPED(http_answer) struct http_answer answer = { 0 };
	struct reading reading = { .permission = "s3:GetObject",
				   .hint = ", and kms:Decrypt where a key of yours encrypts it" };
	char path[PATH_ROOM], region[AWS_REGION_ROOM], code[CODE_ROOM];
	size_t limit = out->limit - out->len + REFUSAL_MAX;

	(void)snprintf(path, sizeof(path), "/%s", place);
	(void)snprintf(reading.resource, sizeof(reading.resource), "arn:aws:s3:::%s", place);
	if (aws_region(aws, region, err) < 0 ||
	    get_object(aws, path, region, limit, &answer, err) < 0)
		return -1;
	if (is_elsewhere(&answer, region)) {
		http_answer_release(&answer);
		if (get_object(aws, path, region, limit, &answer, err) < 0)
			return -1;
	}
	if (answer.status != 200) {
		code_of_xml(&answer, code);
		return refuse(&reading, answer.status, code, err);
	}
	buf_add(out, buf_slice(&answer.body));
	return buf_finish(out, err);
}

int aws_store_object(const char *place, struct buf *out, struct error *err)
{
	struct aws *aws = NULL;
	size_t len = strcspn(place, "/");

	if (!len || !place[len] || !place[len + 1] || strlen(place) >= PATH_ROOM - 1)
		return error_set(err, ERROR_CONFIGURATION, "expected s3://BUCKET/KEY");
	if (open_aws(&aws, err) < 0)
		return -1;
	int result = read_object(aws, place, out, err);

	aws_close(aws);
	return result < 0 ? error_wrap(err, "s3://%.200s", place) : 0;
}

/* ---- Secrets Manager ---- */

/* "com.amazonaws...#ResourceNotFoundException", or without what is before the mark. */
static void code_of_json(const struct http_answer *answer, char out[static CODE_ROOM])
{
	SCOPED(json_document) struct json_document document = { 0 };
	struct error ignored;

	out[0] = '\0';
	if (json_parse(buf_slice(&answer->body), &document, &ignored) < 0)
		return;
	const char *type = json_text_or(document.root, "__type", "");
	const char *mark = strrchr(type, '#');

	take_code(mark ? mark + 1 : type, out);
}

static int take_binary(const char *text, struct buf *out, struct error *err)
{
	SCOPED(secret) struct secret bytes = { 0 };
	size_t len = 0;

	if (secret_alloc(&bytes, strlen(text) / 4 * 3 + 2, err) < 0 ||
	    base64_read(slice_of(text), BASE64_PADDED, secret_fill(&bytes), &len, err) < 0)
		return -1;
	buf_add(out, (struct slice){ secret_expose(&bytes).ptr, len });
	return buf_finish(out, err);
}

static int take_value(const struct json *root, struct buf *out, struct error *err)
{
	const char *text = json_text_or(root, "SecretString", NULL);

	if (text) {
		buf_add(out, slice_of(text));
		return buf_finish(out, err);
	}
	if (json_text(root, "SecretBinary", &text, err) < 0)
		return error_wrap(err, "Secrets Manager's answer");
	return take_binary(text, out, err);
}

static int take_secret(const struct http_answer *answer, struct buf *out, struct error *err)
{
	struct json_document document = { 0 };

	if (json_parse(buf_slice(&answer->body), &document, err) < 0)
		return error_wrap(err, "Secrets Manager's answer");
	int result = take_value(document.root, out, err);

	json_document_wipe(&document);
	return result;
}

/* arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME; false: it is a name. */
static bool region_of_arn(const char *name, char out[static AWS_REGION_ROOM])
{
	const char *at = name;

	if (strncmp(name, "arn:", 4) != 0)
		return false;
	for (int i = 0; i < ARN_FIELDS_BEFORE_REGION && at; i++) {
		at = strchr(at, ':');
		at = at ? at + 1 : NULL;
	}
	size_t len = at ? strcspn(at, ":") : 0;

	if (!len || len >= AWS_REGION_ROOM)
		return false;
	(void)snprintf(out, AWS_REGION_ROOM, "%.*s", (int)len, at);
	return true;
}

static int ask_secret(struct aws *aws, const char *name, const char *region,
		      struct http_answer *answer, struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	SCOPED(buf) struct buf body = BUF(RESOURCE_ROOM * 6 + 64);

	json_new_object(&document);
	json_add_text(document.root, "SecretId", name);
	json_print(document.root, false, &body);
	if (buf_finish(&body, err) < 0)
		return -1;
	const struct aws_request request = {
		.service = "secretsmanager",
		.region = region,
		.method = "POST",
		.path = "/",
		.body = buf_slice(&body),
		.content_type = "application/x-amz-json-1.1",
		.target = "secretsmanager.GetSecretValue",
		.timeout_ms = FETCH_TIMEOUT_MS,
		.attempt_timeout_ms = ATTEMPT_TIMEOUT_MS,
		.max_answer_bytes = SECRET_ANSWER_MAX,
		.may_repeat = true,
	};

	return aws_call(aws, &request, answer, err);
}

static int read_secret(struct aws *aws, const char *name, struct buf *out, struct error *err)
{
	SCOPED(http_answer) struct http_answer answer = { 0 };
	struct reading reading = { .permission = "secretsmanager:GetSecretValue",
				   .hint = ", and kms:Decrypt where a key of yours encrypts it" };
	char region[AWS_REGION_ROOM], code[CODE_ROOM];
	bool is_arn = region_of_arn(name, region);

	if ((!is_arn && aws_region(aws, region, err) < 0) ||
	    ask_secret(aws, name, region, &answer, err) < 0)
		return -1;
	if (answer.status == 200)
		return take_secret(&answer, out, err);
	/* A secret's ARN ends with six characters that its name does not tell. */
	(void)snprintf(reading.resource, sizeof(reading.resource), "%s%s%s%s%s",
		       is_arn ? "" : "arn:aws:secretsmanager:", is_arn ? "" : region,
		       is_arn ? "" : ":*:secret:", name, is_arn ? "" : "-??????");
	code_of_json(&answer, code);
	return refuse(&reading, answer.status, code, err);
}

int aws_store_secret(const char *name, struct buf *out, struct error *err)
{
	struct aws *aws = NULL;

	if (!name[0] || strlen(name) >= RESOURCE_ROOM / 2)
		return error_set(err, ERROR_CONFIGURATION,
				 "expected aws-secretsmanager:NAME or an ARN");
	if (open_aws(&aws, err) < 0)
		return -1;
	int result = read_secret(aws, name, out, err);

	aws_close(aws);
	return result < 0 ? error_wrap(err, "aws-secretsmanager:%.200s", name) : 0;
}
