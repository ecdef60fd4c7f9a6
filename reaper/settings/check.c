#include "reaper/settings/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/command.h"
#include "common/file.h"
#include "reaper/bundle_proof.h"
#include "reaper/ledger/ledger.h"
#include "reaper/money/user_names.h"
#include "reaper/providers/provider.h"
#include "reaper/settings/check_cloud.h"
#include "reaper/settings/check_folder.h"
#include "reaper/settings/check_limits.h"
#include "reaper/table.h"
#include "reaper/ticket_make.h"

enum { MOST_SKEW_MS = 30000, LINE_ROOM = 2048 };

/* Names of queues are others' words, and so is what a server answers. */
static void print(const char *verdict, const char *what, const char *text)
{
	char plain_what[LINE_ROOM], plain_text[LINE_ROOM];

	table_plain(what, plain_what, sizeof(plain_what));
	table_plain(text, plain_text, sizeof(plain_text));
	printf("%-7s %s: %s\n", verdict, plain_what, plain_text);
}

static int say(bool is_fine, const char *what, const char *text)
{
	print(is_fine ? "ok" : "FAILED", what, text);
	return is_fine ? 0 : -1;
}

/* No failure: it may be meant so. */
static void warn(const char *what, const char *text, void *context)
{
	(void)context;
	print("warning", what, text);
}

/* ---- folders ---- */

static int say_folder(const char *what, const char *path)
{
	struct error err;
	bool is_there;
	char text[TICKET_PATH_ROOM + 64];

	if (check_folder(path, &is_there, &err) < 0)
		return say(false, what, err.message);
	snprintf(text, sizeof(text), "%s %s", path,
		 is_there ? "can be written" : "is not there yet, and can be made");
	return say(true, what, text);
}

/* What a pass writes before it decides anything. */
static int check_state(const struct settings *settings)
{
	static const char *const files[] = { "lock", LEDGER_NAME, LEDGER_NAME "-wal",
					     LEDGER_NAME "-shm" };
	static const char what[] = "state_folder";
	struct error err;

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (check_folder_file(settings->state_folder, files[i], &err) < 0)
			return say(false, what, err.message);
	unsigned mode = check_folder_open(settings->state_folder);
	char text[TICKET_PATH_ROOM + 128];

	if (mode) {
		snprintf(text, sizeof(text),
			 "%s has mode %04o, so others may change what is spent and decided: chmod "
			 "700 it",
			 settings->state_folder, mode);
		warn(what, text, NULL);
	}
	return say_folder(what, settings->state_folder);
}

static int check_machines(const struct resource *resource)
{
	char what[TICKET_FIELD_ROOM + 16];

	if (strcmp(resource->provider, "local") != 0)
		return 0;
	snprintf(what, sizeof(what), "machines of %s", resource->name);
	return say_folder(what, resource->local.machines);
}

/* ---- ClearML ---- */

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

/* A misspelt one spends nothing, and so looks like one who spends little. */
static int check_user(const struct clearml_users *known, const char *word)
{
	const struct clearml_user *first, *second;
	enum user_match match = user_names_find(known, word, &first, &second);
	char what[SETTINGS_USER_ROOM + 32], text[512];

	snprintf(what, sizeof(what), "budget of user %s", word);
	if (match == USER_UNKNOWN) {
		warn(what, "no user of ClearML has this id or name: it limits nobody until one has",
		     NULL);
		return 0;
	}
	if (match == USER_OF_TWO) {
		snprintf(text, sizeof(text),
			 "two users of ClearML have this name, %s and %s: it limits neither; write "
			 "the id of the one who is meant",
			 first->id, second->id);
		return say(false, what, text);
	}
	snprintf(text, sizeof(text), "of %s (%s)",
		 *first->name ? first->name : "one without a name", first->id);
	return say(true, what, text);
}

static unsigned check_users(const struct settings *settings, struct clearml *clearml)
{
	SCOPED(clearml_users) struct clearml_users known = { 0 };
	struct error err;
	unsigned failures = 0;

	if (!settings->user_budget_count)
		return 0;
	if (clearml_users(clearml, &known, &err) < 0) {
		(void)error_wrap(&err, "not verified, and a name limits nobody while this lasts");
		warn("budgets of users", err.message, NULL);
		return 0;
	}
	for (size_t u = 0; u < settings->user_budget_count; u++)
		failures += check_user(&known, settings->user_budgets[u].user) < 0;
	return failures;
}

/* ---- resources ---- */

/* The limit holds with the longest numbers that a slot and its generation can have. */
static int check_ticket(const struct settings *settings, const struct resource *resource)
{
	struct ticket_order order = { settings, resource, NULL, 99999, 2000000000, "2026-01-01" };
	SCOPED(ticket_made) struct ticket_made made = { 0 };
	struct error err;
	char what[TICKET_FIELD_ROOM + 16], text[128];

	snprintf(what, sizeof(what), "ticket of %s", resource->name);
	if (ticket_make(&order, &made, &err) < 0 || ticket_fits(&order, &made, &err) < 0)
		return say(false, what, err.message);
	snprintf(text, sizeof(text), "%zu of %d bytes", made.user_data.len,
		 ENVELOPE_USER_DATA_BYTES);
	return say(true, what, text);
}

static bool is_signed_by(const struct minisign_trusted *trusted, const struct minisign_public *key)
{
	for (size_t i = 0; i < trusted->count; i++)
		if (!memcmp(trusted->list[i].key, key->key, sizeof(key->key)))
			return true;
	return false;
}

static int prove_trusted(const struct settings *settings, const char *path, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(MINISIGN_FILE_BYTES);
	struct minisign_trusted trusted;
	struct minisign_public ours;

	if (file_read_trusted(path, &text, err) < 0)
		return -1;
	if (minisign_trusted_parse(buf_slice(&text), &trusted, err) < 0)
		return error_wrap(err, "%s", path);
	minisign_key_public(&settings->signing_key, &ours);
	if (is_signed_by(&trusted, &ours))
		return 0;
	return error_set(err, ERROR_CONFIGURATION,
			 "%s does not hold the public half of signing_key: its machines would "
			 "take no ticket of ours",
			 path);
}

/* Of machines on this computer we hold all keys, and can do what they will do. */
static int check_local(const struct settings *settings, const struct resource *resource)
{
	const struct settings_bundle *sealed = &settings->bundles[resource->bundle];
	SCOPED(bundle) struct bundle bundle = { 0 };
	struct error err;
	char what[TICKET_FIELD_ROOM + 16];

	if (strcmp(resource->provider, "local") != 0)
		return 0;
	snprintf(what, sizeof(what), "keys of %s", resource->name);
	if (prove_trusted(settings, resource->local.trusted_keys, &err) < 0)
		return say(false, what, err.message);
	if (bundle_unseal(settings, buf_slice(&sealed->sealed), resource->local.image_key, &bundle,
			  &err) < 0) {
		(void)error_wrap(&err, "%s", sealed->path);
		return say(false, what, err.message);
	}
	return say(true, what, "its machines trust our signature and can open their bundle");
}

static int check_instances(const struct settings *settings, const struct resource *resource)
{
	SCOPED(fleet) struct fleet fleet = { 0 };
	struct error err;
	char what[TICKET_FIELD_ROOM + 16], text[128];

	snprintf(what, sizeof(what), "resource %s", resource->name);
	if (provider_named(resource->provider)->list(settings, resource, &fleet, &err) < 0)
		return say(false, what, err.message);
	snprintf(text, sizeof(text), "%zu of %u instances are alive",
		 fleet_alive(&fleet, resource->name), resource->max_instances);
	return say(true, what, text);
}

static void tell_cloud(enum cloud_verdict verdict, const char *what, const char *text,
		       void *context)
{
	unsigned *failures = context;

	if (verdict == CLOUD_DOUBTFUL)
		warn(what, text, NULL);
	else
		*failures += say(verdict == CLOUD_FINE, what, text) < 0;
}

/* Who cannot be asked for the instances would say the same again. */
static unsigned check_resource(const struct settings *settings, const struct resource *resource)
{
	unsigned failures = check_instances(settings, resource) < 0;

	if (!failures)
		check_cloud(settings, resource, tell_cloud, &failures);
	failures += check_ticket(settings, resource) < 0;
	failures += check_local(settings, resource) < 0;
	failures += check_machines(resource) < 0;
	return failures;
}

int check(const struct settings *settings, struct clearml *clearml)
{
	unsigned failures;

	(void)say(true, settings->path, "the configuration is valid");
	failures = check_state(settings) < 0;
	/* What is wrong with one of these ended the reading of the configuration. */
	for (size_t i = 0; i < settings->bundle_count; i++)
		(void)say(true, settings->bundles[i].path,
			  "it is sealed, and signed by our key for our prefix");
	check_limits(settings, warn, NULL);
	bool is_reached = check_login(settings, clearml) == 0;

	failures += !is_reached;
	/* Who cannot log in would hear the same again for the queues. */
	if (clearml_now_ms(clearml)) {
		failures += check_queues(settings, clearml) < 0;
		failures += check_users(settings, clearml);
	}
	for (size_t r = 0; r < settings->resource_count; r++)
		failures += check_resource(settings, &settings->resources[r]);
	return failures ? EXIT_FAILED : EXIT_OK;
}
