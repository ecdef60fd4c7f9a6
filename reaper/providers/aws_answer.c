#include "reaper/providers/aws_answer.h"

#include <stdlib.h>
#include <string.h>

#include "common/base64.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/worker_id.h"
#include "common/xml.h"
#include "reaper/providers/aws_fault.h"

enum { MOST_SLOT = 1000000, MOST_GENERATION = 1000000000 };

static int open_answer(struct slice body, struct xml_document *out, struct error *err)
{
	return xml_parse(body, out, err) < 0 ? error_wrap(err, "answer of EC2") : 0;
}

/* ---- one instance ---- */

const char *aws_answer_tag(const struct xml *item, const char *name)
{
	const struct xml *tags = xml_child(item, "tagSet");

	for (const struct xml *tag = tags ? xml_first(tags) : NULL; tag; tag = xml_next(tag))
		if (!strcmp(xml_text_of(tag, "key"), name))
			return xml_text_of(tag, "value");
	return "";
}

static bool read_number(const char *text, unsigned most, unsigned *out)
{
	size_t len = strlen(text);

	if (!len || len > 10 || strspn(text, "0123456789") != len)
		return false;

	unsigned long value = strtoul(text, NULL, 10);

	if (value > most)
		return false;
	*out = (unsigned)value;
	return true;
}

static int read_state(const char *name, enum instance_state *out, struct error *err)
{
	static const struct {
		const char *name;
		enum instance_state state;
	} states[] = {
		{ "pending", INSTANCE_PENDING },	{ "running", INSTANCE_RUNNING },
		{ "stopped", INSTANCE_STOPPED },	{ "stopping", INSTANCE_STOPPING },
		{ "shutting-down", INSTANCE_STOPPING }, { "terminated", INSTANCE_TERMINATED },
	};

	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (!strcmp(states[i].name, name)) {
			*out = states[i].state;
			return 0;
		}
	return error_set(err, ERROR_MALFORMED, "\"%.40s\" is no state of an instance", name);
}

/* "User initiated (2026-11-30 15:30:00 GMT)". 0 where no time is told. */
static int64_t read_end_s(const char *reason)
{
	const char *open = strrchr(reason, '('), *zone = open ? strstr(open, " GMT)") : NULL;
	SCOPED(buf) struct buf text = BUF(64);
	struct error ignored;
	int64_t wall_ms = 0;

	if (!zone)
		return 0;
	buf_addf(&text, "%.*sZ", (int)(zone - open - 1), open + 1);
	if (buf_finish(&text, &ignored) < 0 ||
	    clock_parse_iso(buf_slice(&text), &wall_ms, &ignored) < 0)
		return 0;
	return wall_ms / 1000;
}

static int read_field(const struct xml *from, const char *path, char *field, struct error *err)
{
	const char *text = xml_text_of(from, path);

	if (!worker_id_is_field(slice_of(text)))
		return error_set(err, ERROR_MALFORMED,
				 "%s: expected letters, digits, _ . or -, got \"%.40s\"", path,
				 text);
	return text_copy(field, TICKET_FIELD_ROOM, slice_of(text), err);
}

static int read_instance(const struct xml *from, struct instance *out, struct error *err)
{
	const char *launched = xml_text_of(from, "launchTime");
	int64_t launched_ms;

	if (read_field(from, "instanceId", out->id, err) < 0)
		return -1;
	if (read_state(xml_text_of(from, "instanceState/name"), &out->state, err) < 0 ||
	    read_field(from, "instanceType", out->type, err) < 0)
		return error_wrap(err, "%s", out->id);
	if (clock_parse_iso(slice_of(launched), &launched_ms, err) < 0)
		return error_wrap(err, "%s: launchTime", out->id);
	out->launched_s = launched_ms / 1000;
	text_cut(out->zone, sizeof(out->zone), xml_text_of(from, "placement/availabilityZone"));
	out->market = strcmp(xml_text_of(from, "instanceLifecycle"), "spot") == 0 ?
			      MARKET_SPOT :
			      MARKET_ON_DEMAND;
	if (out->state != INSTANCE_TERMINATED)
		return 0;
	out->ended_s = read_end_s(xml_text_of(from, "reason"));
	aws_fault_end(xml_text_of(from, "stateReason/code"),
		      xml_text_of(from, "stateReason/message"), out->why_ended,
		      sizeof(out->why_ended));
	return 0;
}

bool aws_answer_tags(const struct xml *item, char resource[static TICKET_FIELD_ROOM],
		     unsigned *slot, unsigned *generation)
{
	struct slice name = slice_of(aws_answer_tag(item, AWS_TAG_RESOURCE));
	struct error ignored;

	return worker_id_is_field(name) &&
	       text_copy(resource, TICKET_FIELD_ROOM, name, &ignored) == 0 &&
	       read_number(aws_answer_tag(item, AWS_TAG_SLOT), MOST_SLOT, slot) &&
	       read_number(aws_answer_tag(item, AWS_TAG_GENERATION), MOST_GENERATION, generation);
}

/* ---- DescribeInstances ---- */

static int add_instance(const struct xml *from, const char *prefix, struct fleet *fleet,
			struct error *err)
{
	struct instance instance = { 0 };

	/* The filter's words are patterns, and a stand-in may not filter. */
	if (strcmp(aws_answer_tag(from, AWS_TAG_PREFIX), prefix) != 0)
		return 0;
	if (read_instance(from, &instance, err) < 0)
		return -1;
	if (!aws_answer_tags(from, instance.resource, &instance.slot, &instance.generation)) {
		log_warn("odd-instance",
			 "%s bears " AWS_TAG_PREFIX " = %s, but no resource, slot and generation: "
			 "it is not ours to count or to end; remove that tag, or the instance",
			 instance.id, prefix);
		return 0;
	}
	fleet->list = memory_grow(fleet->list, fleet->count + 1, sizeof(*fleet->list));
	fleet->list[fleet->count++] = instance;
	return 0;
}

static int add_reservation(const struct xml *reservation, const char *prefix, struct fleet *fleet,
			   struct error *err)
{
	const struct xml *instances = xml_child(reservation, "instancesSet");

	if (!instances)
		return error_set(err, ERROR_MALFORMED, "a reservation without instancesSet");
	for (const struct xml *one = xml_first(instances); one; one = xml_next(one))
		if (add_instance(one, prefix, fleet, err) < 0)
			return -1;
	return 0;
}

int aws_answer_instances(struct slice body, const char *prefix, struct fleet *fleet,
			 struct buf *next, struct error *err)
{
	SCOPED(xml_document) struct xml_document document = { 0 };
	SCOPED(fleet) struct fleet page = { 0 };

	if (open_answer(body, &document, err) < 0)
		return -1;
	const struct xml *root = xml_root(&document);
	const struct xml *reservations = xml_child(root, "reservationSet");

	if (!reservations)
		return error_set(err, ERROR_MALFORMED,
				 "answer of EC2: <%.60s> without reservationSet", xml_name(root));
	for (const struct xml *one = xml_first(reservations); one; one = xml_next(one))
		if (add_reservation(one, prefix, &page, err) < 0)
			return error_wrap(err, "answer of EC2");
	buf_clear(next);
	buf_add(next, slice_of(xml_text_of(root, "nextToken")));
	if (buf_finish(next, err) < 0)
		return error_wrap(err, "answer of EC2: nextToken");
	fleet->list = memory_grow(fleet->list, fleet->count + page.count + 1, sizeof(*page.list));
	if (page.count)
		memcpy(fleet->list + fleet->count, page.list, page.count * sizeof(*page.list));
	fleet->count += page.count;
	return 0;
}

/* ---- RunInstances ---- */

int aws_answer_launched(struct slice body, char id[static TICKET_FIELD_ROOM], bool *is_over,
			struct error *err)
{
	SCOPED(xml_document) struct xml_document document = { 0 };
	char found[TICKET_FIELD_ROOM];
	enum instance_state state;

	if (open_answer(body, &document, err) < 0)
		return -1;
	const struct xml *set = xml_child(xml_root(&document), "instancesSet");
	const struct xml *instance = set ? xml_first(set) : NULL;

	if (!instance || xml_next(instance))
		return error_set(err, ERROR_MALFORMED,
				 "answer of EC2: expected one instance in instancesSet, got %s",
				 instance ? "more" : "none");
	if (read_field(instance, "instanceId", found, err) < 0 ||
	    read_state(xml_text_of(instance, "instanceState/name"), &state, err) < 0)
		return error_wrap(err, "answer of EC2");
	memcpy(id, found, sizeof(found));
	*is_over = state == INSTANCE_TERMINATED;
	return 0;
}

/* ---- GetConsoleOutput ---- */

/* Line ends may stand between the letters. */
static size_t join_letters(const char *text, char *out)
{
	size_t len = 0;

	for (; *text; text++)
		if (!strchr(" \t\r\n", *text))
			out[len++] = *text;
	return len;
}

int aws_answer_console(struct slice body, struct buf *out, struct error *err)
{
	SCOPED(xml_document) struct xml_document document = { 0 };
	size_t len = 0;

	if (open_answer(body, &document, err) < 0)
		return -1;
	const char *text = xml_text_of(xml_root(&document), "output");
	char *letters = memory_array(strlen(text) + 1, 1);
	struct slice joined = { letters, join_letters(text, letters) };
	unsigned char *plain = memory_array(joined.len / 4 * 3 + 2, 1);
	int result = base64_read(joined, BASE64_PADDED, plain, &len, err);

	if (result < 0) {
		(void)error_wrap(err, "answer of EC2: output");
	} else {
		size_t room = out->limit - out->len;
		size_t cut = len > room ? len - room : 0;

		buf_add(out, (struct slice){ (const char *)plain + cut, len - cut });
	}
	free(plain);
	free(letters);
	return result;
}

/* ---- DescribeImages ---- */

struct candidate {
	const char *id, *device, *architecture;
	int64_t created_ms;
};

static bool is_better(const struct candidate *one, const struct candidate *best)
{
	if (!best->id || one->created_ms != best->created_ms)
		return !best->id || one->created_ms > best->created_ms;
	return strcmp(one->id, best->id) > 0;
}

static int read_candidate(const struct xml *image, struct candidate *best, struct error *err)
{
	const char *created = xml_text_of(image, "creationDate");
	struct candidate one = { .id = xml_text_of(image, "imageId"),
				 .device = xml_text_of(image, "rootDeviceName"),
				 .architecture = xml_text_of(image, "architecture") };

	if (strcmp(xml_text_of(image, "imageState"), "available") != 0)
		return 0;
	if (!worker_id_is_field(slice_of(one.id)))
		return error_set(err, ERROR_MALFORMED, "\"%.40s\" is no id of an image", one.id);
	/* Some images of long ago have none. */
	if (*created && clock_parse_iso(slice_of(created), &one.created_ms, err) < 0)
		return error_wrap(err, "%s: creationDate", one.id);
	if (is_better(&one, best))
		*best = one;
	return 0;
}

int aws_answer_image(struct slice body, struct aws_image *out, struct error *err)
{
	SCOPED(xml_document) struct xml_document document = { 0 };
	struct candidate best = { 0 };
	struct aws_image found = { 0 };

	if (open_answer(body, &document, err) < 0)
		return -1;
	const struct xml *images = xml_child(xml_root(&document), "imagesSet");

	if (!images)
		return error_set(err, ERROR_MALFORMED, "answer of EC2: without imagesSet");
	for (const struct xml *image = xml_first(images); image; image = xml_next(image))
		if (read_candidate(image, &best, err) < 0)
			return error_wrap(err, "answer of EC2");
	if (!best.id)
		return error_set(err, ERROR_NOT_FOUND, "there is no such image that is available");
	if (text_copy(found.id, sizeof(found.id), slice_of(best.id), err) < 0 ||
	    text_copy(found.root_device, sizeof(found.root_device), slice_of(best.device), err) < 0)
		return error_wrap(err, "answer of EC2");
	text_cut(found.architecture, sizeof(found.architecture), best.architecture);
	*out = found;
	return 0;
}
