#ifndef REAPER_IMPORT_IMPORT_KEY_H
#define REAPER_IMPORT_IMPORT_KEY_H

#include "common/json.h"

/*
 * import_key: everything that ClearML's autoscalers for AWS are told, in both of their
 * forms, and what becomes of it here. docs/migrating.md says the same for people; a test
 * holds the two together.
 *
 * The script's names are those that clearml 2.1.12 reads (automation/{aws_driver,
 * cloud_driver,auto_scaler}.py). The app's are the labels of its form as ClearML documents
 * them (AWS Autoscaler, Configuration Options): no file that the app exported has been seen.
 */

enum import_key {
	/* hyper_params */
	IMPORT_CLOUD_PROVIDER,
	IMPORT_CREDENTIALS_KEY,
	IMPORT_CREDENTIALS_SECRET,
	IMPORT_CREDENTIALS_TOKEN,
	IMPORT_REGION,
	IMPORT_CREDENTIALS_CHAIN,
	IMPORT_USE_PROFILE,
	IMPORT_PROFILE_ARN,
	IMPORT_PROFILE_NAME,
	IMPORT_DOCKER_IMAGE,
	IMPORT_DOCKER_MODE,
	IMPORT_GIT_USER,
	IMPORT_GIT_PASS,
	IMPORT_IDLE_TIME,
	IMPORT_POLLING,
	IMPORT_SPIN_UP,
	IMPORT_PREFIX,
	IMPORT_ALL_TAGS,
	/* configurations */
	IMPORT_EXTRA_CONF,
	IMPORT_EXTRA_TRAINS_CONF,
	IMPORT_SCRIPT,
	IMPORT_QUEUES,
	IMPORT_RESOURCES,
	IMPORT_BASHRC,
	IMPORT_APP_NAME,
	IMPORT_VAULT,
	IMPORT_WARN_TWICE,
	IMPORT_VAULT_ERRORS,
	IMPORT_LAUNCH_SPEC,
	IMPORT_SERVICE_ACCOUNT,
	/* a resource */
	IMPORT_NAME,
	IMPORT_INSTANCE_TYPE,
	IMPORT_CPU_ONLY,
	IMPORT_SPOT,
	IMPORT_ROLLBACK,
	IMPORT_ROLLBACK_TIME,
	IMPORT_BLACKOUT,
	IMPORT_TAGGED,
	IMPORT_ZONE,
	IMPORT_SUBNET,
	IMPORT_IMAGE,
	IMPORT_MAX,
	IMPORT_QUEUE,
	IMPORT_TAGS,
	IMPORT_DEVICE,
	IMPORT_VOLUME_SIZE,
	IMPORT_VOLUME_TYPE,
	IMPORT_SNAPSHOT,
	IMPORT_KEY_PAIR,
	IMPORT_GROUPS,
	IMPORT_MONITORING,
	IMPORT_EXTRA_SPEC,
	IMPORT_KEY_COUNT
};

enum import_section { IMPORT_HYPER_PARAMS, IMPORT_CONFIGURATIONS, IMPORT_RESOURCE };

enum { IMPORT_LABELS = 4 };

struct import_words {
	enum import_section section;
	const char
		*script; /* its name in aws_autoscaler.yaml; NULL: the script has no such thing */
	/* The form's label, then other spellings that an export may have; none: the form has no
	 * such field. */
	const char *labels[IMPORT_LABELS];
	const char *ours; /* the path in our configuration, or in the bundle; NULL: nothing */
	const char *why; /* where ours is NULL: why, and what to do */
};

extern const struct import_words import_words[IMPORT_KEY_COUNT];

/* IMPORT_KEY_COUNT: none. The script's names are taken as they are; the app's by their letters and
 * digits alone, in lower case, without what is in parentheses, a panel's label perhaps before. */
enum import_key import_key_of_script(enum import_section section, const char *name);
enum import_key import_key_of_app(enum import_section section, const char *panel, const char *name);

#endif
