#include "reaper/settings/settings_aws.h"

#include <stdio.h>
#include <string.h>

#include "reaper/providers/provider.h"

/* EC2 takes 50 on a resource; some are ours. */
enum { MOST_TAGS = 40, MOST_TAG_NAME = 128, LAUNCH_AT_ROOM = SETTINGS_AT_ROOM + 160 };

static bool is_ec2(const struct settings_reader *reader)
{
	return !strcmp(reader->out->provider, "aws");
}

/* ---- where ---- */

int settings_aws_place(const struct settings_reader *reader, struct error *err)
{
	static const char *const variables[] = { "AWS_REGION", "AWS_DEFAULT_REGION" };
	struct aws_settings *aws = &reader->out->aws;

	if (!is_ec2(reader))
		return 0;
	if (settings_read_text(reader, "aws.region", aws->region, sizeof(aws->region), err) < 0 ||
	    settings_read_text(reader, "aws.profile", aws->profile, sizeof(aws->profile), err) <
		    0 ||
	    settings_read_text(reader, "aws.role_arn", aws->role_arn, sizeof(aws->role_arn), err) <
		    0 ||
	    settings_read_text(reader, "aws.external_id", aws->external_id,
			       sizeof(aws->external_id), err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(variables) && !*aws->region; i++) {
		const char *region = settings_variable(reader->text, variables[i]);

		if (region &&
		    text_copy(aws->region, sizeof(aws->region), slice_of(region), err) < 0)
			return error_wrap(err, "%s: %s", reader->text->path, variables[i]);
	}
	return 0;
}

/* A zone may be a local one: us-west-2-lax-1a is in us-west-2. */
static int check_zone(const struct settings_reader *reader, const struct offering *offering,
		      struct error *err)
{
	const char *region = *offering->region ? offering->region : reader->out->aws.region;
	char at[SETTINGS_AT_ROOM];

	if (!*region || !*offering->zone ||
	    (!strncmp(offering->zone, region, strlen(region)) && offering->zone[strlen(region)]))
		return 0;
	settings_find(reader, "offerings", at);
	return settings_refuse(reader->text, err, at, "zone \"%s\" is not in region \"%s\"",
			       offering->zone, region);
}

static int check_subnet(const struct settings_reader *reader, const struct json *subnets,
			const struct offering *offering, struct error *err)
{
	char at[SETTINGS_AT_ROOM];

	settings_find(reader, "aws.subnets", at);
	if (json_kind(subnets) == JSON_TEXT) {
		if (!*offering->zone)
			return 0;
		return settings_refuse(reader->text, err, at,
				       "offerings name zones, and a subnet lies in one zone: "
				       "write {\"%s\": \"%s\"}",
				       offering->zone, json_text_value(subnets));
	}
	if (!*offering->zone)
		return settings_refuse(reader->text, err, at,
				       "these are by zone: name the zones in offerings of "
				       "resource %s too",
				       reader->out->name);
	if (!json_find(subnets, offering->zone))
		return settings_refuse(reader->text, err, at, "there is none for zone \"%s\"",
				       offering->zone);
	return 0;
}

static int check_places(const struct settings_reader *reader, struct error *err)
{
	const struct json *subnets = json_find(reader->out->aws.spec.root, "subnets");

	for (size_t i = 0; i < reader->out->offering_count; i++) {
		const struct offering *offering = &reader->out->offerings[i];

		if (check_zone(reader, offering, err) < 0)
			return -1;
		if (subnets && check_subnet(reader, subnets, offering, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- tags ---- */

static bool is_reserved(const char *name)
{
	return !strncmp(name, "mayfly:", 7) || !strncmp(name, "aws:", 4);
}

static int check_tag(const struct settings_reader *reader, const char *name, struct error *err)
{
	char at[SETTINGS_AT_ROOM];

	settings_find(reader, "aws.tags", at);
	if (is_reserved(name))
		return settings_refuse(reader->text, err, at,
				       "\"%.80s\": names that begin with mayfly: or aws: are taken",
				       name);
	if (!*name || strlen(name) > MOST_TAG_NAME)
		return settings_refuse(reader->text, err, at,
				       "\"%.80s\": a tag's name has 1 to %d bytes", name,
				       MOST_TAG_NAME);
	return 0;
}

static int check_tags(const struct settings_reader *reader, const struct json *tags,
		      struct error *err)
{
	char at[SETTINGS_AT_ROOM];

	for (const struct json *tag = json_first(tags); tag; tag = json_next(tag))
		if (check_tag(reader, json_name(tag), err) < 0)
			return -1;
	settings_find(reader, "aws.tags", at);
	if (json_count(tags) > MOST_TAGS)
		return settings_refuse(reader->text, err, at,
				       "%zu tags, those of defaults included; EC2 has room for %d "
				       "beside ours",
				       json_count(tags), MOST_TAGS);
	return 0;
}

/* ---- launch_spec ---- */

static const struct {
	const char *path, *why;
} taken[] = {
	{ "ClientToken", "it is mayfly's: it is what makes a repeated launch the same one" },
	{ "MinCount", "it is mayfly's: one request launches one machine" },
	{ "MaxCount", "it is mayfly's: one request launches one machine" },
	{ "UserData", "it is mayfly's: use init.script for what machines shall do" },
	{ "DryRun", "nothing would ever be launched" },
	{ "DisableApiTermination", "EC2 would refuse to end the machine, and it would cost on" },
	{ "InstanceType", "say it by offerings or instance_type" },
	{ "InstanceMarketOptions", "say it by offerings' markets and aws.spot_max_price" },
	{ "ImageId", "say it by aws.image" },
	{ "SubnetId", "say it by aws.subnets" },
	{ "SecurityGroupIds", "say it by aws.security_groups" },
	{ "Placement.AvailabilityZone", "say it by offerings' zones" },
	{ "InstanceInitiatedShutdownBehavior",
	  "a machine that powers off must be gone, else it costs on" },
};

/* An interface says its subnet and groups itself, and EC2 refuses to hear it twice. */
static const char *const of_interfaces[] = { "subnets", "security_groups", "public_ip",
					     "ipv6_addresses" };

static int refuse_spec(const struct settings_reader *reader, const char *path, const char *why,
		       struct error *err)
{
	char at[SETTINGS_AT_ROOM], whole[LAUNCH_AT_ROOM];

	settings_find(reader, "aws.launch_spec", at);
	snprintf(whole, sizeof(whole), "%s.%s", at, path);
	return settings_refuse(reader->text, err, whole, "%s", why);
}

static int check_interfaces(const struct settings_reader *reader, const struct json *spec,
			    struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(of_interfaces); i++) {
		char why[128];

		if (!json_find(spec, of_interfaces[i]))
			continue;
		snprintf(why, sizeof(why), "it says all of the interfaces: leave out aws.%s",
			 of_interfaces[i]);
		return refuse_spec(reader, "NetworkInterfaces", why, err);
	}
	return 0;
}

static int check_spec_tags(const struct settings_reader *reader, const struct json *list,
			   struct error *err)
{
	for (const struct json *one = json_first(list); one; one = json_next(one)) {
		const struct json *tags = json_find(one, "Tags");

		for (const struct json *tag = tags ? json_first(tags) : NULL; tag;
		     tag = json_next(tag))
			if (is_reserved(json_text_or(tag, "Key", "")))
				return refuse_spec(reader, "TagSpecifications",
						   "tags that begin with mayfly: or aws: are taken",
						   err);
	}
	return 0;
}

static int check_launch_spec(const struct settings_reader *reader, struct error *err)
{
	const struct json *spec = reader->out->aws.spec.root;
	const struct json *launch = json_find(spec, "launch_spec");
	const struct json *tags = json_find(launch, "TagSpecifications");

	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		if (json_find(launch, taken[i].path))
			return refuse_spec(reader, taken[i].path, taken[i].why, err);
	if (json_find(launch, "NetworkInterfaces") && check_interfaces(reader, spec, err) < 0)
		return -1;
	return tags ? check_spec_tags(reader, tags, err) : 0;
}

/* ---- all of it ---- */

static void add_members(struct json *to, const struct json *from, const struct json *hidden_by)
{
	for (const struct json *one = from ? json_first(from) : NULL; one; one = json_next(one)) {
		bool is_hidden = false;

		for (const struct json *own = hidden_by ? json_first(hidden_by) : NULL; own;
		     own = json_next(own))
			is_hidden |= !strcmp(json_name(own), json_name(one));
		if (!is_hidden)
			json_add_copy(to, json_name(one), one);
	}
}

static void add_both(const struct settings_reader *reader, const char *path, const char *name)
{
	const struct json *own = json_find(reader->own, path);
	const struct json *inherited = reader->defaults ? json_find(reader->defaults, path) : NULL;

	if (!own && !inherited)
		return;
	struct json *both = json_add_object(reader->out->aws.spec.root, name);

	add_members(both, inherited, own);
	add_members(both, own, NULL);
}

void settings_aws_keep(const struct settings_reader *reader)
{
	static const char *const whole[] = {
		"image",     "subnets",	       "security_groups", "key_name",	"instance_profile",
		"public_ip", "ipv6_addresses", "spot_max_price",  "launch_spec"
	};

	if (!is_ec2(reader))
		return;
	json_new_object(&reader->out->aws.spec);
	for (size_t i = 0; i < ARRAY_LEN(whole); i++) {
		char path[64], at[SETTINGS_AT_ROOM];

		snprintf(path, sizeof(path), "aws.%s", whole[i]);
		const struct json *value = settings_find(reader, path, at);

		if (value)
			json_add_copy(reader->out->aws.spec.root, whole[i], value);
	}
	add_both(reader, "aws.volume", "volume");
	add_both(reader, "aws.tags", "tags");
}

int settings_aws(const struct settings_reader *reader, struct error *err)
{
	char at[SETTINGS_AT_ROOM];

	if (!is_ec2(reader))
		return 0;
	if (!settings_find(reader, "aws.image", at))
		return settings_refuse_missing(reader, "aws.image",
					       "what machines start from: ami-..., "
					       "resolve:ssm:/..., or {\"name\": ..., "
					       "\"owners\": [...]}",
					       err);
	settings_aws_keep(reader);
	if (check_places(reader, err) < 0)
		return -1;
	const struct json *tags = json_find(reader->out->aws.spec.root, "tags");

	if (tags && check_tags(reader, tags, err) < 0)
		return -1;
	return check_launch_spec(reader, err);
}
