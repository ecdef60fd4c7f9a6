#include "common/clearml_call.h"

#include <string.h>

#include "common/clock.h"

enum { MESSAGE_ROOM = 320, NO_SUBCODE = -1 };

static const char hint[] = "is api_server the address of the API?";

static const struct {
	long status;
	int subcode; /* NO_SUBCODE: any */
	enum error_class class;
} classes[] = {
	{ 400, 101, ERROR_NOT_FOUND },		{ 400, 701, ERROR_NOT_FOUND },
	{ 400, 1001, ERROR_NOT_FOUND },		{ 400, 1004, ERROR_NOT_FOUND },
	{ 400, 110, ERROR_CONFLICT },		{ 400, 121, ERROR_CONFLICT },
	{ 400, 703, ERROR_CONFLICT },		{ 400, 706, ERROR_CONFLICT },
	{ 400, 801, ERROR_CONFLICT },		{ 401, NO_SUBCODE, ERROR_DENIED },
	{ 403, NO_SUBCODE, ERROR_DENIED },	{ 429, NO_SUBCODE, ERROR_THROTTLED },
	{ 500, 102, ERROR_UNREACHABLE },	{ 502, NO_SUBCODE, ERROR_UNREACHABLE },
	{ 503, NO_SUBCODE, ERROR_UNREACHABLE }, { 504, NO_SUBCODE, ERROR_UNREACHABLE },
	{ 509, NO_SUBCODE, ERROR_THROTTLED },
};

static enum error_class class_of(long status, int subcode, enum error_class otherwise)
{
	for (size_t i = 0; i < ARRAY_LEN(classes); i++)
		if (classes[i].status == status &&
		    (classes[i].subcode == NO_SUBCODE || classes[i].subcode == subcode))
			return classes[i].class;
	return otherwise;
}

static bool is_web_page(const struct clearml_answer *answer)
{
	size_t start = 0;

	while (start < answer->body.len && strchr(" \t\r\n", answer->body.ptr[start]))
		start++;
	return strstr(answer->content_type, "html") ||
	       (start < answer->body.len && answer->body.ptr[start] == '<');
}

/* Somebody else's answer: a proxy's, a web server's, a load balancer's. */
static int refuse_stranger(const struct clearml_answer *answer, const char *why, struct error *err)
{
	enum error_class class = ERROR_MALFORMED;

	if (answer->status >= 400)
		class = class_of(answer->status, NO_SUBCODE,
				 answer->status >= 500 ? ERROR_REFUSED : ERROR_MALFORMED);
	if (answer->status >= 300 && answer->status < 400)
		return error_set(err, class, "%s: a redirect (HTTP status %ld), %s",
				 answer->endpoint, answer->status, hint);
	if (is_web_page(answer))
		return error_set(err, class,
				 "%s: answered with a web page, not JSON (HTTP status %ld), %s",
				 answer->endpoint, answer->status, hint);
	return error_set(err, class, "%s: not an answer of ClearML's (HTTP status %ld): %s",
			 answer->endpoint, answer->status, why);
}

struct envelope {
	int64_t code, subcode;
	const char *message; /* borrowed from the document */
	const char *endpoint; /* "": not named */
};

static int envelope_read(const struct json *root, struct envelope *out, struct error *err)
{
	if (json_integer(root, "meta.result_code", &out->code, err) < 0 ||
	    json_integer(root, "meta.result_subcode", &out->subcode, err) < 0 ||
	    json_text(root, "meta.result_msg", &out->message, err) < 0)
		return -1;
	if (out->subcode < 0 || out->subcode > 1000000)
		return error_set(err, ERROR_MALFORMED, "meta.result_subcode: %lld is none",
				 (long long)out->subcode);
	out->endpoint = json_text_or(root, "meta.endpoint.name", "");
	return 0;
}

/* Success is taken as such only when nothing contradicts it. */
static int check_success(const struct clearml_answer *answer, const struct envelope *envelope,
			 const struct json *root, struct error *err)
{
	const struct json *data;

	if (*envelope->endpoint && strcmp(envelope->endpoint, answer->endpoint) != 0)
		return error_set(err, ERROR_MALFORMED, "%s: this is the answer of %.80s",
				 answer->endpoint, envelope->endpoint);
	if (json_object(root, "data", &data, err) < 0)
		return error_wrap(err, "%s", answer->endpoint);
	return 0;
}

int clearml_answer_read(struct clearml_answer *answer, struct json_document *out, struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	struct envelope envelope;
	struct error why;

	answer->subcode = 0;
	answer->has_envelope = false;
	if (json_parse(answer->body, &document, &why) < 0 ||
	    envelope_read(document.root, &envelope, &why) < 0)
		return refuse_stranger(answer, why.message, err);
	if (envelope.code != answer->status)
		return error_set(err, ERROR_MALFORMED,
				 "%s: HTTP status %ld, but the envelope says %lld",
				 answer->endpoint, answer->status, (long long)envelope.code);
	answer->has_envelope = true;
	answer->subcode = (int)envelope.subcode;
	if (answer->status != 200) {
		char message[MESSAGE_ROOM];

		text_cut(message, sizeof(message), envelope.message);
		return error_set(err, class_of(answer->status, answer->subcode, ERROR_REFUSED),
				 "%s: %s (%ld/%d)", answer->endpoint, message, answer->status,
				 answer->subcode);
	}
	if (check_success(answer, &envelope, document.root, err) < 0)
		return -1;
	*out = document;
	document = (struct json_document){ 0 };
	return 0;
}

static bool is_absent(const struct json *value)
{
	return !value || json_kind(value) == JSON_NULL;
}

static int id_copy(const char *text, const char *path, char out[static CLEARML_ID_ROOM],
		   struct error *err)
{
	if (strlen(text) != CLEARML_ID_ROOM - 1 ||
	    strspn(text, "0123456789abcdef") != CLEARML_ID_ROOM - 1)
		return error_set(err, ERROR_MALFORMED,
				 "%s: expected an id of 32 hex digits, got \"%.40s\"", path, text);
	memcpy(out, text, CLEARML_ID_ROOM);
	return 0;
}

int clearml_read_id(const struct json *from, const char *path, char out[static CLEARML_ID_ROOM],
		    struct error *err)
{
	const char *text;

	if (json_text(from, path, &text, err) < 0)
		return -1;
	return id_copy(text, path, out, err);
}

int clearml_read_id_or_none(const struct json *from, const char *path,
			    char out[static CLEARML_ID_ROOM], struct error *err)
{
	const char *text = "";

	if (!is_absent(json_find(from, path)) && json_text(from, path, &text, err) < 0)
		return -1;
	if (*text)
		return id_copy(text, path, out, err);
	out[0] = '\0';
	return 0;
}

int clearml_read_time(const struct json *from, const char *path, int64_t *wall_ms,
		      struct error *err)
{
	const char *text;

	*wall_ms = 0;
	if (is_absent(json_find(from, path)))
		return 0;
	if (json_text(from, path, &text, err) < 0)
		return -1;
	if (clock_parse_iso(slice_of(text), wall_ms, err) < 0)
		return error_wrap(err, "%s", path);
	return 0;
}

int clearml_read_text(const struct json *from, const char *path, char *out, size_t room,
		      struct error *err)
{
	const char *text = "";

	if (!is_absent(json_find(from, path)) && json_text(from, path, &text, err) < 0)
		return -1;
	text_cut(out, room, text);
	return 0;
}
