#include "bootstrap/identity_aws.h"

#include <string.h>

#include "common/aws_imds.h"
#include "common/clock.h"
#include "common/worker_id.h"

enum { ANSWER_TIMEOUT_MS = 60000 };

#define DOCUMENT_PATH "/latest/dynamic/instance-identity/document"
#define LIFE_CYCLE_PATH "/latest/meta-data/instance-life-cycle"

static int take_name(const char *what, struct slice text, char field[TICKET_FIELD_ROOM],
		     struct error *err)
{
	if (!worker_id_is_field(text))
		return error_set(err, ERROR_MALFORMED,
				 "%s: expected 1 to 64 characters of A-Z a-z 0-9 _ . -", what);
	return text_copy(field, TICKET_FIELD_ROOM, text, err);
}

static int read_names(const struct json *root, struct identity *identity, struct error *err)
{
	const struct {
		const char *path;
		char *field;
	} names[] = {
		{ "instanceId", identity->instance },
		{ "instanceType", identity->type },
		{ "availabilityZone", identity->zone },
	};
	const char *text;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (json_text(root, names[i].path, &text, err) < 0 ||
		    take_name(names[i].path, slice_of(text), names[i].field, err) < 0)
			return -1;
	if (strncmp(identity->instance, "i-", 2) != 0)
		return error_set(err, ERROR_MALFORMED, "instanceId: expected i-..., got %s",
				 identity->instance);
	return 0;
}

static int read_launch(const struct json *root, const struct identity_clock *clock,
		       struct identity *identity, struct error *err)
{
	const char *text;
	int64_t launched_ms;

	if (json_text(root, "pendingTime", &text, err) < 0)
		return -1;
	if (clock_parse_iso(slice_of(text), &launched_ms, err) < 0)
		return error_wrap(err, "pendingTime");
	if (launched_ms <= 0)
		return error_set(err, ERROR_MALFORMED, "pendingTime: %.40s is no time", text);
	/* Launched in the future: one of the two clocks is off. */
	int64_t age_ms = clock->wall_ms > launched_ms ? clock->wall_ms - launched_ms : 0;

	identity->launched_s = launched_ms / 1000;
	identity->launched_monotonic_ms = clock->monotonic_ms - age_ms;
	return 0;
}

static struct slice without_line_end(struct slice text)
{
	while (text.len && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
		text.len--;
	return text;
}

int identity_aws_parse(struct slice document, struct slice life_cycle,
		       const struct identity_clock *clock, struct launch_note *out,
		       struct error *err)
{
	SCOPED(json_document) struct json_document parsed = { 0 };
	struct launch_note note = { .identity.provider = "aws" };

	if (take_name("instance-life-cycle", without_line_end(life_cycle), note.identity.market,
		      err) < 0)
		return -1;
	if (json_parse(document, &parsed, err) < 0 ||
	    read_names(parsed.root, &note.identity, err) < 0 ||
	    read_launch(parsed.root, clock, &note.identity, err) < 0)
		return error_wrap(err, "the instance identity document");
	*out = note;
	return 0;
}

/* Its clock is AWS's own, as pendingTime is; ours may not have been set yet. */
static struct identity_clock clock_of(const struct aws_imds *imds)
{
	int64_t now_ms = aws_imds_now_ms(imds);

	return (struct identity_clock){ .wall_ms = now_ms ? now_ms : clock_wall_ms(),
					.monotonic_ms = clock_monotonic_ms() };
}

static int ask(struct aws_imds *imds, struct launch_note *out, struct error *err)
{
	SCOPED(buf) struct buf document = BUF(IDENTITY_AWS_MAX);
	SCOPED(buf) struct buf life_cycle = BUF(IDENTITY_AWS_MAX);

	if (aws_imds_get(imds, DOCUMENT_PATH, ANSWER_TIMEOUT_MS, &document, err) < 0 ||
	    aws_imds_get(imds, LIFE_CYCLE_PATH, ANSWER_TIMEOUT_MS, &life_cycle, err) < 0)
		return -1;
	const struct identity_clock clock = clock_of(imds);

	return identity_aws_parse(buf_slice(&document), buf_slice(&life_cycle), &clock, out, err);
}

int identity_aws_read(struct launch_note *out, struct error *err)
{
	struct aws_imds *imds = NULL;
	struct http *http = NULL;

	if (http_open("mayfly-bootstrap/" MAYFLY_VERSION, &http, err) < 0)
		return -1;
	int result = aws_imds_open(http, &imds, err);

	if (!result)
		result = ask(imds, out, err);
	aws_imds_close(imds);
	http_close(http);
	return result < 0 ? error_wrap(err, "who am I") : 0;
}
