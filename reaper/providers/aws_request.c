#include "reaper/providers/aws_request.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64.h"

enum { PAGE_ITEMS = 500, NUMBER_ROOM = 24 };

/* ---- pieces ---- */

static const struct json *said(const struct resource *resource, const char *path)
{
	return json_find(resource->aws.spec.root, path);
}

/* The member under EC2's name, where the settings say it. */
static void add_said(struct json *to, const char *name, const struct resource *resource,
		     const char *path)
{
	const struct json *value = said(resource, path);

	if (value)
		json_add_copy(to, name, value);
}

static void add_tag(struct json *list, const char *key, const char *value)
{
	struct json *tag = json_add_object(list, NULL);

	json_add_text(tag, "Key", key);
	json_add_text(tag, "Value", value);
}

static void add_filter(struct json *list, const char *name, const char *value)
{
	struct json *filter = json_add_object(list, NULL);

	json_add_text(filter, "Name", name);
	json_add_text(json_add_list(filter, "Values"), NULL, value);
}

/* ---- what is launched ---- */

static void add_tags(struct json *list, const struct launch *launch)
{
	const char *resource = launch->resource->name;
	const struct json *tags = said(launch->resource, "tags");
	char slot[NUMBER_ROOM], generation[NUMBER_ROOM], name[3 * TICKET_FIELD_ROOM];

	snprintf(slot, sizeof(slot), "%u", launch->slot);
	snprintf(generation, sizeof(generation), "%u", launch->generation);
	snprintf(name, sizeof(name), "%s-%s-%u", launch->settings->prefix, resource, launch->slot);
	add_tag(list, AWS_TAG_PREFIX, launch->settings->prefix);
	add_tag(list, AWS_TAG_RESOURCE, resource);
	add_tag(list, AWS_TAG_SLOT, slot);
	add_tag(list, AWS_TAG_GENERATION, generation);
	if (!json_find(tags, "Name"))
		add_tag(list, "Name", name);
	for (const struct json *tag = tags ? json_first(tags) : NULL; tag; tag = json_next(tag))
		add_tag(list, json_name(tag), json_text_value(tag));
}

static void add_tag_specifications(struct json *to, const struct launch *launch)
{
	static const char *const kinds[] = { "instance", "volume", "network-interface",
					     "spot-instances-request" };
	size_t count = ARRAY_LEN(kinds) - (launch->offering->market != MARKET_SPOT);
	struct json *list = json_add_list(to, "TagSpecifications");

	for (size_t i = 0; i < count; i++) {
		struct json *one = json_add_object(list, NULL);

		json_add_text(one, "ResourceType", kinds[i]);
		add_tags(json_add_list(one, "Tags"), launch);
	}
}

static void add_market(struct json *to, const struct launch *launch)
{
	const struct json *price = said(launch->resource, "spot_max_price");
	char text[NUMBER_ROOM];

	if (launch->offering->market != MARKET_SPOT)
		return;
	struct json *market = json_add_object(to, "InstanceMarketOptions");

	json_add_text(market, "MarketType", "spot");
	struct json *spot = json_add_object(market, "SpotOptions");

	if (price) {
		int64_t micro = (int64_t)(json_number_value(price) * 1e6 + 0.5);

		snprintf(text, sizeof(text), "%" PRId64 ".%06" PRId64, micro / 1000000,
			 micro % 1000000);
		json_add_text(spot, "MaxPrice", text);
	}
	json_add_text(spot, "SpotInstanceType", "one-time");
	json_add_text(spot, "InstanceInterruptionBehavior", "terminate");
}

static void add_volume(struct json *to, const struct launch *launch, const struct aws_image *image)
{
	const struct resource *resource = launch->resource;

	if (!said(resource, "volume"))
		return;
	struct json *mapping = json_add_object(json_add_list(to, "BlockDeviceMappings"), NULL);

	json_add_text(mapping, "DeviceName",
		      json_text_or(resource->aws.spec.root, "volume.device", image->root_device));
	struct json *disk = json_add_object(mapping, "Ebs");

	json_add_bool(disk, "DeleteOnTermination", true);
	add_said(disk, "VolumeSize", resource, "volume.gigabytes");
	add_said(disk, "VolumeType", resource, "volume.type");
	add_said(disk, "Iops", resource, "volume.iops");
	add_said(disk, "Throughput", resource, "volume.throughput");
	add_said(disk, "Encrypted", resource, "volume.encrypted");
	add_said(disk, "KmsKeyId", resource, "volume.kms_key");
}

static const char *subnet_of(const struct launch *launch)
{
	const struct json *subnets = said(launch->resource, "subnets");
	const char *one = json_text_value(subnets);

	return one ? one : json_text_value(json_find(subnets, launch->offering->zone));
}

/* Only an interface of its own form can ask for these addresses. */
static bool needs_interface(const struct resource *resource)
{
	return said(resource, "public_ip") ||
	       json_integer_or(resource->aws.spec.root, "ipv6_addresses", 0) > 0;
}

static void add_interface(struct json *to, const struct launch *launch, const char *subnet)
{
	const struct resource *resource = launch->resource;
	struct json *one = json_add_object(json_add_list(to, "NetworkInterfaces"), NULL);

	json_add_integer(one, "DeviceIndex", 0);
	json_add_bool(one, "DeleteOnTermination", true);
	if (subnet)
		json_add_text(one, "SubnetId", subnet);
	add_said(one, "Groups", resource, "security_groups");
	add_said(one, "AssociatePublicIpAddress", resource, "public_ip");
	if (json_integer_or(resource->aws.spec.root, "ipv6_addresses", 0) > 0)
		add_said(one, "Ipv6AddressCount", resource, "ipv6_addresses");
}

static void add_network(struct json *to, const struct launch *launch)
{
	const char *subnet = subnet_of(launch);

	/* A subnet says the zone. */
	if (!subnet && *launch->offering->zone)
		json_add_text(json_add_object(to, "Placement"), "AvailabilityZone",
			      launch->offering->zone);
	if (needs_interface(launch->resource)) {
		add_interface(to, launch, subnet);
		return;
	}
	if (subnet)
		json_add_text(to, "SubnetId", subnet);
	add_said(to, "SecurityGroupIds", launch->resource, "security_groups");
}

static void add_user_data(struct json *to, struct slice user_data)
{
	size_t len = base64_len(user_data.len);
	char *letters = memory_array(len + 1, 1);

	base64_write(user_data, BASE64_PLAIN, (unsigned char *)letters);
	json_add_text(to, "UserData", letters);
	free(letters);
}

static void add_profile(struct json *to, const struct resource *resource)
{
	const char *profile = json_text_or(resource->aws.spec.root, "instance_profile", NULL);

	if (profile)
		json_add_text(json_add_object(to, "IamInstanceProfile"),
			      strncmp(profile, "arn:", 4) == 0 ? "Arn" : "Name", profile);
}

static void add_ours(struct json *to, const struct launch *launch, const struct aws_image *image)
{
	json_add_text(to, "ImageId", image->id);
	json_add_text(to, "InstanceType", launch->offering->type);
	json_add_integer(to, "MinCount", 1);
	json_add_integer(to, "MaxCount", 1);
	json_add_text(to, "ClientToken", launch->key);
	add_said(to, "KeyName", launch->resource, "key_name");
	json_add_text(to, "InstanceInitiatedShutdownBehavior", "terminate");
	add_profile(to, launch->resource);
	struct json *metadata = json_add_object(to, "MetadataOptions");

	json_add_text(metadata, "HttpTokens", "required");
	/* So a container behind a bridge does not get the machine's role. */
	json_add_integer(metadata, "HttpPutResponseHopLimit", 1);
	json_add_text(metadata, "HttpEndpoint", "enabled");
	add_market(to, launch);
	add_volume(to, launch, image);
	add_network(to, launch);
	add_tag_specifications(to, launch);
	add_user_data(to, launch->user_data);
}

/* ---- launch_spec ---- */

static const struct json *member_named(const struct json *object, const char *name)
{
	for (const struct json *one = json_first(object); one; one = json_next(one))
		if (!strcmp(json_name(one), name))
			return one;
	return NULL;
}

static const struct json *with_text(const struct json *list, const char *member, const char *text)
{
	for (const struct json *one = list ? json_first(list) : NULL; one; one = json_next(one))
		if (!strcmp(json_text_or(one, member, ""), text))
			return one;
	return NULL;
}

/* Of two tags of one name theirs counts. */
static void merge_tags(struct json *to, const struct json *ours, const struct json *theirs)
{
	for (const struct json *tag = ours ? json_first(ours) : NULL; tag; tag = json_next(tag))
		if (!with_text(theirs, "Key", json_text_or(tag, "Key", "")))
			json_add_copy(to, NULL, tag);
	for (const struct json *tag = theirs ? json_first(theirs) : NULL; tag; tag = json_next(tag))
		json_add_copy(to, NULL, tag);
}

static void merge_specifications(struct json *to, const struct json *ours,
				 const struct json *theirs)
{
	for (const struct json *one = json_first(ours); one; one = json_next(one)) {
		const char *kind = json_text_or(one, "ResourceType", "");
		const struct json *more = with_text(theirs, "ResourceType", kind);
		struct json *merged = json_add_object(to, NULL);

		json_add_text(merged, "ResourceType", kind);
		merge_tags(json_add_list(merged, "Tags"), json_find(one, "Tags"),
			   json_find(more, "Tags"));
	}
	for (const struct json *one = json_first(theirs); one; one = json_next(one))
		if (!with_text(ours, "ResourceType", json_text_or(one, "ResourceType", "")))
			json_add_copy(to, NULL, one);
}

static void merge(struct json *to, const struct json *ours, const struct json *theirs)
{
	for (const struct json *one = json_first(ours); one; one = json_next(one)) {
		const char *name = json_name(one);
		const struct json *other = member_named(theirs, name);

		if (other && json_kind(one) == JSON_OBJECT && json_kind(other) == JSON_OBJECT)
			merge(json_add_object(to, name), one, other);
		else if (other && !strcmp(name, "TagSpecifications") &&
			 json_kind(other) == JSON_LIST)
			merge_specifications(json_add_list(to, name), one, other);
		else
			json_add_copy(to, name, other ? other : one);
	}
	for (const struct json *one = json_first(theirs); one; one = json_next(one))
		if (!member_named(ours, json_name(one)))
			json_add_copy(to, json_name(one), one);
}

void aws_request_launch(const struct launch *launch, const struct aws_image *image,
			struct json_document *out)
{
	const struct json *spec = said(launch->resource, "launch_spec");
	SCOPED(json_document) struct json_document ours = { 0 };

	json_new_object(&ours);
	add_ours(ours.root, launch, image);
	if (!spec) {
		*out = ours;
		ours = (struct json_document){ 0 };
		return;
	}
	json_new_object(out);
	merge(out->root, ours.root, spec);
}

bool aws_request_needs_device(const struct resource *resource)
{
	return said(resource, "volume") && !said(resource, "volume.device");
}

/* ---- the others ---- */

/* The filters, for more of them. */
static struct json *new_page(const char *prefix, const char *next, struct json_document *out)
{
	json_new_object(out);
	struct json *filters = json_add_list(out->root, "Filters");

	add_filter(filters, "tag:" AWS_TAG_PREFIX, prefix);
	json_add_integer(out->root, "MaxResults", PAGE_ITEMS);
	if (*next)
		json_add_text(out->root, "NextToken", next);
	return filters;
}

void aws_request_list(const char *prefix, const char *next, struct json_document *out)
{
	(void)new_page(prefix, next, out);
}

void aws_request_leftovers(enum leftover_kind kind, const char *prefix, const char *next,
			   struct json_document *out)
{
	struct json *filter = json_add_object(new_page(prefix, next, out), NULL);

	json_add_text(filter, "Name", kind == LEFTOVER_VOLUME ? "status" : "state");
	struct json *values = json_add_list(filter, "Values");

	if (kind == LEFTOVER_VOLUME) {
		json_add_text(values, NULL, "available");
		return;
	}
	json_add_text(values, NULL, "open");
	json_add_text(values, NULL, "active");
}

void aws_request_remove(const struct leftover *leftover, struct json_document *out)
{
	json_new_object(out);
	if (leftover->kind == LEFTOVER_VOLUME)
		json_add_text(out->root, "VolumeId", leftover->id);
	else
		json_add_text(json_add_list(out->root, "SpotInstanceRequestIds"), NULL,
			      leftover->id);
}

void aws_request_images(const struct resource *resource, const char *id, struct json_document *out)
{
	json_new_object(out);
	if (id) {
		json_add_text(json_add_list(out->root, "ImageIds"), NULL, id);
		return;
	}
	add_said(out->root, "Owners", resource, "image.owners");
	struct json *filters = json_add_list(out->root, "Filters");

	add_filter(filters, "name", json_text_or(resource->aws.spec.root, "image.name", ""));
	add_filter(filters, "state", "available");
}

void aws_request_terminate(const char *instance, struct json_document *out)
{
	json_new_object(out);
	json_add_text(json_add_list(out->root, "InstanceIds"), NULL, instance);
}

void aws_request_console(const char *instance, bool is_latest, struct json_document *out)
{
	json_new_object(out);
	json_add_text(out->root, "InstanceId", instance);
	if (is_latest)
		json_add_bool(out->root, "Latest", true);
}
