#include "reaper/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bundle.h"
#include "common/command.h"
#include "reaper/providers/provider.h"

enum { MOST_SKEW_MS = 30000 };

static int say(bool is_fine, const char *what, const char *text)
{
	printf("%-7s %s: %s\n", is_fine ? "ok" : "FAILED", what, text);
	return is_fine ? 0 : -1;
}

static int check_login(const struct settings *settings, struct clearml *clearml)
{
	struct error err;
	char text[128];

	if (clearml_login_again(clearml, &err) < 0)
		return say(false, settings->api_server, err.message);
	(void)say(true, settings->api_server, "it answers, and takes the keys");

	int64_t skew_ms = clearml_skew_ms(clearml);
	snprintf(text, sizeof(text), "ClearML's is %" PRId64 " s ahead of this computer's",
		 skew_ms / 1000);
	return say(skew_ms < MOST_SKEW_MS && skew_ms > -MOST_SKEW_MS, "clock", text);
}

static int check_queues(const struct settings *settings, struct clearml *clearml)
{
	SCOPED(clearml_queues) struct clearml_queues queues = { 0 };
	struct error err;
	int result = 0;

	if (clearml_queues(clearml, NULL, 0, 1, &queues, &err) < 0)
		return say(false, "queues", err.message);
	const char **names = memory_array(queues.count + 1, sizeof(*names));
	for (size_t i = 0; i < queues.count; i++)
		names[i] = queues.list[i].name;
	for (size_t q = 0; q < settings->queue_count; q++) {
		const char *name = settings->queues[q];
		bool exists = clearml_queue_named(&queues, name);
		const char *nearest = exists ? NULL : text_nearest(name, names, queues.count);
		char what[300], text[400];

		snprintf(what, sizeof(what), "queue %s", name);
		snprintf(text, sizeof(text), "%s%s%s", exists ? "it is there" : "there is none",
			 nearest ? ", did you mean " : "", nearest ? nearest : "");
		if (say(exists, what, text) < 0)
			result = -1;
	}
	free(names);
	return result;
}

static int check_resource(const struct settings *settings, const struct resource *resource)
{
	SCOPED(fleet) struct fleet fleet = { 0 };
	SCOPED(bundle) struct bundle bundle = { 0 };
	struct error err;
	char what[TICKET_FIELD_ROOM + 16], text[128];
	size_t alive = 0;

	snprintf(what, sizeof(what), "resource %s", resource->name);
	if (bundle_load(resource->ticket.bundle.source + strlen("file:"), &bundle, &err) < 0)
		return say(false, what, err.message);
	if (provider_named(resource->provider)->list(settings, resource, &fleet, &err) < 0)
		return say(false, what, err.message);
	for (size_t i = 0; i < fleet.count; i++)
		alive += fleet.list[i].state != INSTANCE_TERMINATED;
	snprintf(text, sizeof(text), "%zu of %u instances are alive, its credentials are readable",
		 alive, resource->max_instances);
	return say(true, what, text);
}

int check(const struct settings *settings, struct clearml *clearml)
{
	int failures = 0;

	(void)say(true, settings->path, "the configuration is valid");
	bool is_reached = check_login(settings, clearml) == 0;

	failures += !is_reached;
	/* Who cannot log in would hear the same again for the queues. */
	if (clearml_now_ms(clearml))
		failures += check_queues(settings, clearml) < 0;
	for (size_t r = 0; r < settings->resource_count; r++)
		failures += check_resource(settings, &settings->resources[r]) < 0;
	return failures ? EXIT_FAILED : EXIT_OK;
}
