#include "reaper/import/import_resource.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reaper/import/gpu_count.h"
#include "reaper/import/import_launch_spec.h"
#include "reaper/import/import_parts.h"

enum { AT_ROOM = 128 };

struct work {
	const struct import_source *source;
	const struct import_resource *theirs;
	struct import_notes *notes;
	struct import_launch_spec spec; /* what their extra members say, before all else */
	struct json *ours;
	size_t place; /* in our list */
	bool is_docker;
};

static void work_release(struct work *work)
{
	import_launch_spec_release(&work->spec);
}

static const char *text_of(const struct work *work, enum import_key key)
{
	return import_text(work->source, &work->theirs->values, key, work->notes);
}

static bool flag_of(const struct work *work, enum import_key key)
{
	return import_flag(work->source, &work->theirs->values, key, work->notes);
}

static bool number_of(const struct work *work, enum import_key key, double *out)
{
	return import_number(work->source, &work->theirs->values, key, work->notes, out);
}

/* "resources[2].aws" */
static const char *at(const struct work *work, const char *member, char out[static AT_ROOM])
{
	snprintf(out, AT_ROOM, "resources[%zu]%s%s", work->place, *member ? "." : "", member);
	return out;
}

static void note_at(const struct work *work, enum import_weight weight, const char *member,
		    const char *text)
{
	char where[AT_ROOM];

	import_note(work->notes, weight, at(work, member, where), "%s: %s",
		    work->theirs->name ? work->theirs->name : "a resource without a name", text);
}

/* ---- its name, its queues, its limit ---- */

static bool is_taken(const struct json *list, const char *name)
{
	for (const struct json *one = json_first(list); one; one = json_next(one))
		if (!strcmp(json_text_or(one, "name", ""), name))
			return true;
	return false;
}

static void add_name(const struct work *work, const struct json *list)
{
	char given[IMPORT_NAME_ROOM], name[IMPORT_NAME_ROOM + 16];
	bool is_another = true;

	if (work->theirs->name)
		is_another = import_clean_name(work->theirs->name, given);
	else
		snprintf(given, sizeof(given), "resource-%zu", work->place + 1);
	snprintf(name, sizeof(name), "%s", given);
	for (unsigned n = 2; is_taken(list, name); n++) {
		snprintf(name, sizeof(name), "%.56s-%u", given, n);
		is_another = true;
	}
	json_add_text(work->ours, "name", name);
	if (is_another)
		note_at(work, IMPORT_WARNING, "name", "it has another name here");
}

static void add_limits(const struct work *work)
{
	double most = work->theirs->max_instances;

	if (work->theirs->queue_count) {
		struct json *queues = json_add_list(work->ours, "queues");

		for (size_t i = 0; i < work->theirs->queue_count; i++)
			json_add_text(queues, NULL, work->theirs->queues[i]);
	} else {
		note_at(work, IMPORT_WARNING, "", "\"queues\" is missing: which ones it serves");
	}
	if (most >= 0 && most == floor(most))
		json_add_integer(work->ours, "max_instances", (int64_t)most);
	else
		note_at(work, IMPORT_WARNING, "",
			"\"max_instances\" is missing: how many machines there may be at once");
}

/* ---- what kind of machine ---- */

static void add_cpu_only(const struct work *work)
{
	struct json *agent = json_add_object(work->ours, "agent");

	json_add_text(json_add_object(agent, "environment"), "NVIDIA_VISIBLE_DEVICES", "none");
}

static void add_gpus(const struct work *work, const char *type)
{
	unsigned gpus;

	if (flag_of(work, IMPORT_CPU_ONLY)) {
		add_cpu_only(work);
		return;
	}
	if (!work->is_docker)
		return;
	if (!gpu_count(type, &gpus))
		note_at(work, IMPORT_WARNING, "",
			"how many GPUs has this type? Say it by \"gpus\": without it tasks get "
			"none");
	else if (gpus)
		json_add_integer(work->ours, "gpus", gpus);
}

static void add_type(const struct work *work)
{
	const char *type = work->spec.instance_type;

	if (!type)
		type = text_of(work, IMPORT_INSTANCE_TYPE);
	if (!type) {
		note_at(work, IMPORT_WARNING, "", "\"instance_type\" is missing");
		return;
	}
	json_add_text(work->ours, "instance_type", type);
	add_gpus(work, type);
}

/* ---- where, and at which market ---- */

static void add_minutes(const struct work *work, enum import_key key, const char *name)
{
	char duration[IMPORT_DURATION_ROOM];
	double minutes;

	if (!number_of(work, key, &minutes))
		return;
	import_minutes(minutes, duration);
	json_add_text(work->ours, name, duration);
	note_at(work, IMPORT_HINT, name, "taken for minutes, as the form's other times are");
}

static void add_markets(const struct work *work, struct json *offering)
{
	struct json *markets = json_add_list(offering, "markets");

	json_add_text(markets, NULL, "spot");
	if (flag_of(work, IMPORT_ROLLBACK)) {
		json_add_text(markets, NULL, "on-demand");
		return;
	}
	note_at(work, IMPORT_HINT, "offerings",
		"spot alone, as there; add \"on-demand\" behind it for when there is none");
}

/* The script names a zone only where it names no subnet. */
static const char *zone_of(const struct work *work)
{
	if (work->spec.subnet || text_of(work, IMPORT_SUBNET)) {
		if (text_of(work, IMPORT_ZONE))
			note_at(work, IMPORT_HINT, "aws.subnets",
				"the subnet decides, as there: the zone is left out");
		return NULL;
	}
	return work->spec.zone ? work->spec.zone : text_of(work, IMPORT_ZONE);
}

static void add_offerings(const struct work *work)
{
	const char *zone = zone_of(work);
	bool is_spot = flag_of(work, IMPORT_SPOT);

	if (!zone && !is_spot)
		return;
	struct json *offering = json_add_object(json_add_list(work->ours, "offerings"), NULL);
	if (zone)
		import_add_parts(zone, ", ", json_add_list(offering, "zones"));
	if (!is_spot)
		return;
	add_markets(work, offering);
	add_minutes(work, IMPORT_ROLLBACK_TIME, "spot_rollback");
	add_minutes(work, IMPORT_BLACKOUT, "spot_blackout");
}

/* ---- what EC2 is told beside ---- */

/* Of several, which the form takes with commas, the first: ours say the zone of each. */
static void add_subnet(const struct work *work, struct json *aws)
{
	const char *subnet = work->spec.subnet ? work->spec.subnet : text_of(work, IMPORT_SUBNET);

	if (!subnet)
		return;
	size_t len = strcspn(subnet, ", ");
	char *first = memory_text((struct slice){ subnet, len });

	json_add_text(aws, "subnets", first);
	free(first);
	if (subnet[len])
		note_at(work, IMPORT_WARNING, "aws.subnets",
			"there were several, and this is the first: write {\"ZONE\": "
			"\"subnet-...\", "
			"...}, and the zones into offerings");
}

static void add_groups(const struct work *work, struct json *aws)
{
	const struct json *groups = work->theirs->values.by_key[IMPORT_GROUPS];

	if (work->spec.groups)
		groups = work->spec.groups;
	if (!groups)
		return;
	if (json_text_value(groups))
		import_add_parts(json_text_value(groups), ", ",
				 json_add_list(aws, "security_groups"));
	else if (json_kind(groups) != JSON_LIST)
		note_at(work, IMPORT_WARNING, "",
			"its security groups are no list and no text: left out");
	else if (json_first(groups))
		json_add_copy(aws, "security_groups", groups);
}

static void add_tags(const struct work *work, struct json *aws)
{
	const char *text = text_of(work, IMPORT_TAGS);

	if (text && !import_add_tags(text, json_add_object(aws, "tags")))
		note_at(work, IMPORT_WARNING, "aws.tags",
			"not all of its tags are KEY=VALUE with both sides, each key once: the "
			"others are left out");
}

/* The script asks for a volume only where it has a device; ours finds the image's own. */
static bool is_volume_ignored(const struct work *work)
{
	double size;

	if (text_of(work, IMPORT_DEVICE) || work->source->is_app)
		return false;
	if (number_of(work, IMPORT_VOLUME_SIZE, &size) || text_of(work, IMPORT_VOLUME_TYPE))
		note_at(work, IMPORT_WARNING, "aws",
			"its volume's size and type are left out, as the script leaves them where "
			"there is no ebs_device_name: say them by \"volume\": {\"gigabytes\": "
			"...}");
	return true;
}

static void add_size(const struct work *work, struct json *volume)
{
	double size = 80; /* what the script takes where none is said */

	if (!number_of(work, IMPORT_VOLUME_SIZE, &size) && work->source->is_app)
		return;
	json_add_integer(volume, "gigabytes", (int64_t)ceil(size));
}

static void add_volume(const struct work *work, struct json *aws)
{
	const char *device = text_of(work, IMPORT_DEVICE);
	const char *type = text_of(work, IMPORT_VOLUME_TYPE);
	double size;

	if (is_volume_ignored(work))
		return;
	if (work->source->is_app && !device && !type && !number_of(work, IMPORT_VOLUME_SIZE, &size))
		return;
	if (work->spec.has_volumes) {
		note_at(work, IMPORT_HINT, "aws.launch_spec",
			"its volumes are those of BlockDeviceMappings, as there");
		return;
	}
	struct json *volume = json_add_object(aws, "volume");
	if (device)
		json_add_text(volume, "device", device);
	add_size(work, volume);
	if (type || !work->source->is_app)
		json_add_text(volume, "type", type ? type : "gp3");
}

static void add_aws(const struct work *work)
{
	struct json *aws = json_add_object(work->ours, "aws");
	const char *image = work->spec.image ? work->spec.image : text_of(work, IMPORT_IMAGE);
	const char *key_name = text_of(work, IMPORT_KEY_PAIR);

	if (image) {
		json_add_text(aws, "image", image);
		note_at(work, IMPORT_HINT, "aws.image",
			"it must have mayfly-bootstrap in it (docs/images.md): clearml-agent is "
			"no longer installed at boot");
	} else {
		note_at(work, IMPORT_WARNING, "aws", "\"image\" is missing: the AMI");
	}
	add_subnet(work, aws);
	add_groups(work, aws);
	if (key_name)
		json_add_text(aws, "key_name", key_name);
	add_volume(work, aws);
	add_tags(work, aws);
	if (json_first(work->spec.rest.root))
		json_add_copy(aws, "launch_spec", work->spec.rest.root);
}

void import_resource(const struct import_source *source, size_t place, bool is_docker,
		     struct json *list, struct import_notes *notes)
{
	SCOPED(work)
	struct work work = { .source = source,
			     .theirs = &source->resources[place],
			     .notes = notes,
			     .place = place,
			     .is_docker = is_docker };
	char where[AT_ROOM];

	import_launch_spec(source, work.theirs, at(&work, "", where), &work.spec, notes);
	work.ours = json_add_object(list, NULL);
	add_name(&work, list);
	add_limits(&work);
	add_type(&work);
	add_offerings(&work);
	add_aws(&work);
}
