#include <string.h>
#include <strings.h>

#include "common/bundle_reader.h"

/* What is wrong may be a password in the wrong place: it is not repeated. */
static int check_server(const struct bundle_reader *reader, const struct bundle *bundle,
			const char *server, struct error *err)
{
	if (!bundle_is_server(server))
		return bundle_refuse(reader, "server", err,
				     "expected a registry such as docker.io, ghcr.io or "
				     "registry.example.com:5000, without https:// and without a "
				     "path");
	if (!strcasecmp(server, "index.docker.io") || !strcasecmp(server, "registry-1.docker.io"))
		return bundle_refuse(reader, "server", err, "Docker Hub is written docker.io here");
	for (size_t i = 0; i + 1 < bundle->registry_count; i++)
		if (!strcasecmp(bundle->registries[i].server, server))
			return bundle_refuse(reader, "server", err,
					     "%s is the server of registries[%zu] already: a "
					     "registry takes one login",
					     server, i);
	return 0;
}

static int read_registry(const struct bundle_reader *reader, const struct json *from,
			 const struct bundle *bundle, struct bundle_registry *out,
			 struct error *err)
{
	if (bundle_read_name(reader, from, "server", out->server, sizeof(out->server), err) < 0 ||
	    bundle_read_name(reader, from, "user", out->user, sizeof(out->user), err) < 0 ||
	    bundle_read_secret(reader, from, "password", &out->password, err) < 0)
		return -1;
	return check_server(reader, bundle, out->server, err);
}

int bundle_read_registries(struct bundle_reader *reader, const struct json *root,
			   struct bundle *out, struct error *err)
{
	static const char name[] = "registries";
	const struct json *list = json_find(root, name);

	out->registries = memory_array(bundle_count(list), sizeof(*out->registries));
	for (const struct json *item = bundle_next(reader, name, list, NULL); item;
	     item = bundle_next(reader, name, list, item)) {
		/* Counted first, so that what was read of it is released too. */
		struct bundle_registry *registry = &out->registries[out->registry_count++];

		if (read_registry(reader, item, out, registry, err) < 0)
			return -1;
	}
	return 0;
}
