/* A configuration is refused with a message that names its file, or every machine that it could
 * launch gets a ticket that such a machine would take. */
#include "reaper/settings/settings.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void is_money(const struct budget *budget)
{
	assert(budget->hour >= 0 && budget->day >= 0 && budget->month >= 0);
}

static void is_launchable(const struct resource *resource)
{
	char key[OFFERING_KEY_ROOM], other[OFFERING_KEY_ROOM];

	assert(resource->offering_count >= 1 && resource->offering_count <= SETTINGS_MAX_OFFERINGS);
	assert(!strcmp(resource->type, resource->offerings[0].type));
	for (size_t i = 0; i < resource->offering_count; i++) {
		assert(*resource->offerings[i].type && resource->offerings[i].price >= -1);
		offering_key(&resource->offerings[i], key);
		for (size_t j = 0; j < i; j++) {
			offering_key(&resource->offerings[j], other);
			assert(strcmp(key, other) != 0);
		}
	}
}

static void is_scheduled(const struct resource *resource)
{
	for (size_t i = 0; i < resource->schedule_count; i++) {
		const struct schedule *schedule = &resource->schedules[i];

		assert(schedule->days && schedule->days < 1 << 7);
		assert(schedule->from_minute < 1440 && schedule->until_minute <= 1440);
		assert(schedule->min_instances && *schedule->time_zone);
		assert(schedule->min_instances <= resource->max_instances);
	}
}

static void is_whole(const struct settings *settings)
{
	assert(*settings->prefix && *settings->api_server && settings->secret_key.len);
	assert(settings->queue_count >= 1 && settings->resource_count >= 1);
	assert(settings->bundle_count >= 1 && settings->bundle_count <= settings->resource_count);
	assert(settings->recipient_count <= AGE_MAX_RECIPIENTS);
	/* Neither keys nor bundles are read yet. */
	assert(!settings->signing_key.key.len && !settings->bundles[0].sealed.len);
	is_money(&settings->budget);
	for (size_t q = 0; q < settings->queue_count; q++)
		is_money(&settings->queue_budgets[q]);
	for (size_t u = 0; u < settings->user_budget_count; u++)
		is_money(&settings->user_budgets[u].budget);
	for (size_t r = 0; r < settings->resource_count; r++) {
		const struct resource *resource = &settings->resources[r];
		SCOPED(buf) struct buf text = BUF(1 << 20);
		SCOPED(ticket) struct ticket ticket = { 0 };
		struct error err;

		is_launchable(resource);
		is_scheduled(resource);
		is_money(&resource->budget);
		assert(resource->min_instances <= resource->max_instances);
		assert(resource->bundle < settings->bundle_count);
		assert(resource->local.image_key[0] == '/' &&
		       resource->local.trusted_keys[0] == '/');
		assert(resource->queue_count == resource->ticket.queue_count);
		for (size_t q = 0; q < resource->queue_count; q++)
			assert(!strcmp(settings->queues[resource->queues[q]],
				       resource->ticket.queues[q]));
		ticket_print(&resource->ticket, &text);
		assert(buf_finish(&text, &err) == 0);
		assert(ticket_parse(buf_slice(&text), "ticket", &ticket, &err) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const environment[] = { "PATH=/usr/bin:/bin", "S=secret", NULL };
	SCOPED(settings) struct settings settings = { 0 };
	struct slice text = { (const char *)data, size };
	struct error err = { 0 };

	if (settings_parse(text, "c.json", environment, &settings, &err) < 0) {
		assert(err.class == ERROR_CONFIGURATION && !settings.resources);
		assert(!strncmp(err.message, "c.json", 6) || strstr(err.message, "ClearML"));
		return 0;
	}
	is_whole(&settings);
	return 0;
}
