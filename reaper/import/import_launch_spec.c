#include "reaper/import/import_launch_spec.h"

#include <string.h>

struct merge {
	const struct import_source *source;
	const struct import_values *values; /* the one that is merged now */
	enum import_key key;
	const char *at;
	struct import_launch_spec *out;
	struct import_notes *notes;
};

static const struct {
	const char *member, *why;
} ours[] = {
	{ "ClientToken", "mayfly makes its own, so that a repeated launch is the same one" },
	{ "MinCount", "one request launches one machine" },
	{ "MaxCount", "one request launches one machine" },
	{ "DryRun", "nothing would ever be launched" },
	{ "DisableApiTermination", "EC2 would refuse to end the machine, and it would cost on" },
	{ "UserData", "it is the machine's ticket here: what machines shall do goes into "
		      "init.script" },
	{ "InstanceInitiatedShutdownBehavior",
	  "a machine that powers off is terminated, whatever is said" },
	{ "InstanceMarketOptions", "the market is said by offerings, a price by "
				   "aws.spot_max_price" },
};

static void note_left_out(const struct merge *merge, const char *member, const char *why)
{
	char place[IMPORT_PLACE_ROOM];

	import_name(merge->source, merge->values, merge->key, place);
	import_note(merge->notes, IMPORT_WARNING, merge->at, "%s.%.60s: left out: %s", place,
		    member, why);
}

static bool is_ours(const struct merge *merge, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		if (strcmp(ours[i].member, name) != 0)
			continue;
		note_left_out(merge, name, ours[i].why);
		return true;
	}
	return false;
}

/* What a setting of ours says. */
static bool is_setting(const struct merge *merge, const struct json *member)
{
	struct import_launch_spec *out = merge->out;
	const struct {
		const char *name;
		const char **text;
	} texts[] = {
		{ "InstanceType", &out->instance_type },
		{ "ImageId", &out->image },
		{ "SubnetId", &out->subnet },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (strcmp(json_name(member), texts[i].name) != 0 || !json_text_value(member))
			continue;
		*texts[i].text = json_text_value(member);
		return true;
	}
	if (strcmp(json_name(member), "SecurityGroupIds") != 0 || json_kind(member) != JSON_LIST)
		return false;
	out->groups = member;
	return true;
}

static bool has_member(const struct json *object, const char *name)
{
	for (const struct json *one = json_first(object); one; one = json_next(one))
		if (!strcmp(json_name(one), name))
			return true;
	return false;
}

static bool is_placement(const struct merge *merge, const struct json *member)
{
	const char *zone = json_text_or(member, "AvailabilityZone", NULL);
	struct json *placement = NULL;

	if (strcmp(json_name(member), "Placement") != 0 || !zone)
		return false;
	merge->out->zone = zone;
	for (const struct json *one = json_first(member); one; one = json_next(one)) {
		if (!strcmp(json_name(one), "AvailabilityZone"))
			continue;
		if (!placement)
			placement = json_add_object(merge->out->rest.root, "Placement");
		json_add_copy(placement, json_name(one), one);
	}
	return true;
}

static void merge_members(const struct merge *merge, const struct json *spec)
{
	struct json *rest = merge->out->rest.root;

	for (const struct json *one = json_first(spec); one; one = json_next(one)) {
		if (is_ours(merge, json_name(one)) || is_setting(merge, one))
			continue;
		if (has_member(rest, json_name(one)))
			note_left_out(merge, json_name(one), "it was said before");
		else if (!is_placement(merge, one))
			json_add_copy(rest, json_name(one), one);
	}
}

/* The form's field is a text with JSON in it; an export may have it as an object. */
static const struct json *find_spec(const struct merge *merge)
{
	const struct json *given = merge->values->by_key[merge->key];
	const char *text = given ? json_text_value(given) : NULL;
	struct error err;

	if (!text)
		return given && json_kind(given) == JSON_OBJECT ? given : NULL;
	if (json_parse(slice_of(text), &merge->out->parsed, &err) < 0) {
		note_left_out(merge, "", err.message);
		return NULL;
	}
	const struct json *root = merge->out->parsed.root;
	return json_kind(root) == JSON_OBJECT ? root : NULL;
}

static void merge_spec(const struct merge *merge)
{
	const struct json *spec = find_spec(merge);

	if (spec)
		merge_members(merge, spec);
	else if (merge->values->by_key[merge->key])
		note_left_out(merge, "", "it is no object");
}

static void add_monitoring(const struct merge *merge, const struct import_resource *resource)
{
	struct json *rest = merge->out->rest.root;

	if (import_flag(merge->source, &resource->values, IMPORT_MONITORING, merge->notes) &&
	    !has_member(rest, "Monitoring"))
		json_add_bool(json_add_object(rest, "Monitoring"), "Enabled", true);
}

/* Theirs makes the volume of a snapshot as large as that, whatever size is said. */
static void add_snapshot(const struct merge *merge, const struct import_resource *resource)
{
	const struct import_values *values = &resource->values;
	const char *snapshot = import_text(merge->source, values, IMPORT_SNAPSHOT, merge->notes);
	const char *device = import_text(merge->source, values, IMPORT_DEVICE, merge->notes);
	struct json *rest = merge->out->rest.root;

	if (!snapshot || has_member(rest, "BlockDeviceMappings"))
		return;
	if (!device) {
		import_note(merge->notes, IMPORT_WARNING, merge->at,
			    "ebs_snapshot_id: left out, as the script leaves it where there is no "
			    "ebs_device_name");
		return;
	}
	struct json *mapping = json_add_object(json_add_list(rest, "BlockDeviceMappings"), NULL);

	json_add_text(mapping, "DeviceName", device);
	json_add_text(json_add_object(mapping, "Ebs"), "SnapshotId", snapshot);
}

void import_launch_spec(const struct import_source *source, const struct import_resource *resource,
			const char *at, struct import_launch_spec *out, struct import_notes *notes)
{
	struct merge merge = { source, &resource->values, IMPORT_EXTRA_SPEC, at, out, notes };

	json_new_object(&out->rest);
	merge_spec(&merge);
	merge.values = &source->values;
	merge.key = IMPORT_LAUNCH_SPEC;
	merge_spec(&merge);
	add_monitoring(&merge, resource);
	add_snapshot(&merge, resource);
	out->has_volumes = has_member(out->rest.root, "BlockDeviceMappings");
}

void import_launch_spec_release(struct import_launch_spec *spec)
{
	json_document_wipe(&spec->rest);
	json_document_wipe(&spec->parsed);
}
