#include "common/aws_endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NAME_ROOM = 96 };

/* Where the name of a service in variables and files is another one than in its host. */
static const struct {
	const char *service, *id;
} ids[] = {
	{ "secretsmanager", "secrets_manager" },
};

static const char *id_of(const char *service)
{
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		if (!strcmp(ids[i].service, service))
			return ids[i].id;
	return service;
}

const char *aws_variable(const char *name)
{
	const char *value = getenv(name); /* NOLINT(concurrency-mt-unsafe): one thread */

	return value && *value ? value : NULL;
}

const char *aws_profile_name(const char *given)
{
	if (!given)
		given = aws_variable("AWS_PROFILE");
	if (!given)
		given = aws_variable("AWS_DEFAULT_PROFILE");
	return given ? given : "default";
}

/* --- The region. */

int aws_endpoint_take_region(struct slice text, char out[static AWS_REGION_ROOM], struct error *err)
{
	bool is_odd = !text.len || text.len >= AWS_REGION_ROOM;

	for (size_t i = 0; i < text.len && !is_odd; i++)
		is_odd = !text.ptr[i] ||
			 !strchr("abcdefghijklmnopqrstuvwxyz0123456789-", text.ptr[i]);
	if (is_odd)
		return error_set(err, ERROR_CONFIGURATION,
				 "no region's name: expected one such as eu-central-1");
	return text_copy(out, AWS_REGION_ROOM, text, err);
}

int aws_endpoint_region(const struct aws_profiles *profiles, const char *profile,
			char out[static AWS_REGION_ROOM], struct error *err)
{
	static const char *const variables[] = { "AWS_REGION", "AWS_DEFAULT_REGION" };
	struct slice found;

	for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
		const char *value = aws_variable(variables[i]);

		if (!value)
			continue;
		if (aws_endpoint_take_region(slice_of(value), out, err) < 0)
			return error_wrap(err, "%s", variables[i]);
		return 0;
	}
	if (!aws_profile_find(profiles, profile, "region", &found))
		return error_set(err, ERROR_NOT_FOUND, "no region in the environment or profile");
	if (aws_endpoint_take_region(found, out, err) < 0)
		return error_wrap(err, "region of the profile %s", profile);
	return 0;
}

/* --- The endpoint. */

static const char *variable_of(const char *id)
{
	char name[NAME_ROOM];
	size_t len = (size_t)snprintf(name, sizeof(name), "AWS_ENDPOINT_URL_%s", id);

	for (size_t i = 0; i < len && i < sizeof(name); i++)
		if (name[i] >= 'a' && name[i] <= 'z')
			name[i] = (char)(name[i] - 'a' + 'A');
	return aws_variable(name);
}

static bool find_configured(const struct aws_profiles *profiles, const char *profile,
			    const char *id, struct slice *out)
{
	const char *ignored = aws_variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
	const char *value = variable_of(id);
	struct slice section;

	if (ignored && !strcasecmp(ignored, "true"))
		return false;
	if (!value)
		value = aws_variable("AWS_ENDPOINT_URL");
	if (value) {
		*out = slice_of(value);
		return true;
	}
	if (aws_profile_find(profiles, profile, "services", &section) &&
	    aws_profile_find_service(profiles, section, id, "endpoint_url", out))
		return true;
	return aws_profile_find(profiles, profile, "endpoint_url", out);
}

void aws_endpoint_find(const struct aws_profiles *profiles, const char *profile,
		       const char *service, const char *region, struct buf *out)
{
	struct slice found;

	if (!find_configured(profiles, profile, id_of(service), &found)) {
		buf_addf(out, "https://%s.%s.amazonaws.com%s", service, region,
			 strncmp(region, "cn-", 3) ? "" : ".cn");
		return;
	}
	while (found.len && found.ptr[found.len - 1] == '/')
		found.len--;
	buf_add(out, found);
}
