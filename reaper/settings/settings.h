#ifndef REAPER_SETTINGS_SETTINGS_H
#define REAPER_SETTINGS_SETTINGS_H

#include "common/age.h"
#include "common/json.h"
#include "common/minisign.h"
#include "common/secret.h"
#include "common/ticket.h"
#include "reaper/money/prices.h"
#include "reaper/offering.h"

/*
 * settings: the configuration file, checked against templates/mayfly-reaper.schema.json
 * and then for what a schema cannot say (a name twice, a minimum above the
 * maximum, an unknown provider, a program or a bundle that is not there).
 * JSON with comments; secrets only by reference ({"env": NAME}, {"file": PATH}).
 * The machines' credentials come sealed: what is read here is a bundle that
 * mayfly-reaper seal made, and its signature, which must be one by signing_key.
 * ClearML's servers and keys may also come from the environment or the user's
 * clearml.conf (clearml_keys.h); the file wins.
 */

/* The default of agent.docker.agent_image: what packaging/container/agent builds. */
#define SETTINGS_AGENT_IMAGE "mayfly/clearml-agent:3.0.3"

enum {
	SETTINGS_MAX_RESOURCES = 64,
	SETTINGS_MAX_QUEUES = 1000,
	SETTINGS_AT_ROOM = 200,
	SETTINGS_MAX_OFFERINGS = 64,
	SETTINGS_USER_ROOM = 128
};

struct local_settings {
	char machines[TICKET_PATH_ROOM]; /* folder of the machines' folders and slot locks */
	char bootstrap[TICKET_PATH_ROOM]; /* the mayfly-bootstrap program, absolute */
	/* What an image has in it elsewhere: the key that opens bundles, whose tickets are taken.
	 */
	char image_key[TICKET_PATH_ROOM], trusted_keys[TICKET_PATH_ROOM];
};

enum { SETTINGS_AWS_ROOM = 256 };

struct aws_settings {
	char region[TICKET_FIELD_ROOM]; /* "": what AWS's chain says when it is asked */
	char profile[TICKET_FIELD_ROOM]; /* of the shared files; "": AWS_PROFILE, then default */
	char role_arn[SETTINGS_AWS_ROOM], external_id[SETTINGS_AWS_ROOM]; /* "": none */
	/* Owned: the members of "aws" that say what is launched (settings_aws.h), those of defaults
	 * with them. Empty for other providers. */
	struct json_document spec;
};

/* One sealed file, however many resources share it. */
struct settings_bundle {
	char path[TICKET_PATH_ROOM]; /* on this host, absolute */
	char at[SETTINGS_AT_ROOM]; /* where the configuration says so, for messages */
	struct buf sealed, signature; /* the exact bytes */
};

/* Most that may be spent, in micro-dollars; 0: no limit. Past it nothing is launched; work goes on.
 */
struct budget {
	int64_t hour; /* what all machines that are up cost an hour */
	int64_t day, month; /* spent since the UTC day, or month, began */
};

/* A weekly window in which a resource keeps a minimum. */
struct schedule {
	unsigned days; /* bit 0: Sunday ... bit 6: Saturday; of the window's begin */
	unsigned from_minute,
		until_minute; /* of the local day; until <= from: ends on the next day */
	char time_zone[64]; /* a name of the zone database; "UTC" */
	unsigned min_instances;
};

struct user_budget {
	char user[SETTINGS_USER_ROOM]; /* ClearML's id of the user, or the name */
	struct budget budget;
};

struct resource {
	char name[TICKET_FIELD_ROOM], provider[TICKET_FIELD_ROOM], type[TICKET_FIELD_ROOM];
	size_t queues[TICKET_MAX_QUEUES]; /* into settings.queues, in order of preference */
	size_t queue_count;
	unsigned max_instances, min_instances;
	struct price_book prices;
	struct offering *offerings; /* owned; at least one; in order of preference */
	size_t offering_count;
	/* Idle for so long, a machine beside others that are idle goes; 0: a tenth of idle_timeout,
	 * 60 at least. */
	int64_t spare_idle_s;
	int64_t spot_rollback_s; /* spot fails for so long: on-demand offerings are tried; 600 */
	int64_t spot_blackout_s; /* then spot is left alone for so long; 1800 */
	struct schedule *schedules; /* owned */
	size_t schedule_count;
	struct budget budget;
	size_t bundle; /* into settings.bundles */
	struct ticket
		ticket; /* what every ticket of this resource says; slot, generation, day unset */
	struct local_settings local; /* for provider "local" */
	struct aws_settings aws; /* for provider "aws" */
};

struct settings {
	char path[TICKET_PATH_ROOM]; /* where it was read from, for messages */
	char prefix[TICKET_FIELD_ROOM];
	char state_folder[TICKET_PATH_ROOM];
	char api_server[TICKET_PATH_ROOM], web_server[TICKET_PATH_ROOM],
		files_server[TICKET_PATH_ROOM]; /* the last two are "" when not known */
	char access_key[128];
	struct secret secret_key; /* moved out by the one who opens ClearML */
	struct minisign_key signing_key; /* of tickets and bundles */
	struct age_recipient recipients[AGE_MAX_RECIPIENTS]; /* whom bundles are sealed to */
	size_t recipient_count; /* 0: the configuration names none */
	struct settings_bundle *bundles;
	size_t bundle_count;
	char queues[SETTINGS_MAX_QUEUES][256]; /* every queue that a resource serves, once */
	size_t queue_count;
	struct resource *resources; /* in the order of the file: a queue prefers earlier ones */
	size_t resource_count;
	unsigned max_instances; /* over all resources; 0: no limit but theirs */
	unsigned max_booting; /* machines that boot at once, over all; 0: no limit */
	int64_t launch_after_s; /* a task must have waited so long before anything is launched; 0 */
	int64_t cooldown_s,
		cooldown_max_s; /* 180, 1800: of an offering without capacity; doubling */
	unsigned breaker_failures; /* 3: so many failed boots in a row pause a resource; 0: never */
	int64_t breaker_probe_s; /* 600: then one machine is tried */
	int64_t idle_grace_s; /* 600: idle for its time-out and so long more: it is told to drain */
	struct budget budget; /* over all */
	struct budget *queue_budgets; /* owned; by place in queues; all zero where none is set */
	struct user_budget *user_budgets; /* owned */
	size_t user_budget_count;
	unsigned budget_warn_percent; /* 80 */
	bool are_queues_created; /* a queue that ClearML does not have is made */
	int64_t silent_idle_s, silent_busy_s; /* 600, 5400: then a silent machine is terminated */
	int64_t two_looks_s; /* 60: a destructive decision must be seen twice so far apart */
	int64_t pass_deadline_s; /* 50 */
	int64_t watch_every_s; /* 60: the pause between two passes of watch */
};

/* environment is "NAME=value" texts, NULL-terminated. ERROR_CONFIGURATION: "file:line: path: what
 * was expected"; ERROR_NOT_FOUND, ERROR_SYSTEM when the file cannot be read. */
CHECKED int settings_load(const char *path, const char *const *environment, struct settings *out,
			  struct error *err);

/* Only the prefix, the signing key and the recipients: what a bundle is sealed with, before the
 * rest of the configuration is complete. */
CHECKED int settings_load_keys(const char *path, const char *const *environment,
			       struct settings *out, struct error *err);

/* As settings_load() from a text that was read already, but neither the signing key nor the bundles
 * are read: the digests of tickets are those of nothing. path names it, and says where relative
 * paths start. */
CHECKED int settings_parse(struct slice text, const char *path, const char *const *environment,
			   struct settings *out, struct error *err);

/* Only what machines there are, what they serve and what they cost, for a forecast: nothing that
 * the file refers to needs to be there: no keys, no bundles, no programs, no ClearML. Where
 * machines find their bundle, and what they are on AWS, is kept as it stands there. A provider that
 * only has prices is taken too. */
CHECKED int settings_load_shape(const char *path, const char *const *environment,
				struct settings *out, struct error *err);
/* The same from a text that was read already; path names it. */
CHECKED int settings_parse_shape(struct slice text, const char *path,
				 const char *const *environment, struct settings *out,
				 struct error *err);
void settings_release(struct settings *settings);

#endif
