#ifndef REAPER_PROVIDERS_PROVIDER_H
#define REAPER_PROVIDERS_PROVIDER_H

#include "reaper/bucket.h"
#include "reaper/settings/settings.h"

/*
 * A place where instances live. One file each; a new cloud is a new file and
 * one row in provider.c. Only these verbs reach out; no decision is made here.
 * An error's class decides what happens next (error.h).
 */

enum instance_state {
	INSTANCE_PENDING,
	INSTANCE_RUNNING,
	INSTANCE_STOPPED, /* costs disks and holds its slot: terminated by the plan */
	INSTANCE_STOPPING, /* on its way out: still holds its slot */
	INSTANCE_TERMINATED, /* seen dead: the slot is free, the generation is spent */
};

enum { INSTANCE_WHY_ROOM = 192 };

struct instance {
	char id[TICKET_FIELD_ROOM];
	char resource[TICKET_FIELD_ROOM]; /* by its tags */
	unsigned slot, generation;
	enum instance_state state;
	int64_t launched_s; /* wall seconds, the provider's word */
	int64_t ended_s; /* when it was terminated, likewise; 0: not yet, or it does not say */
	char type[TICKET_FIELD_ROOM], zone[TICKET_FIELD_ROOM]; /* "" where the provider says none */
	enum market market;
	/* Why it ended, in words, where that was not its own or our doing; "" else. */
	char why_ended[INSTANCE_WHY_ROOM];
	bool is_unnamed; /* its slot is held and tells no id yet: the id stands in for it in this
			    list alone */
};

struct fleet {
	struct instance *list; /* owned */
	size_t count;
};
void fleet_release(struct fleet *fleet);
/* How many of this resource hold a slot still: a list may show those of others. */
size_t fleet_alive(const struct fleet *fleet, const char *resource);

struct spot_price_list {
	struct spot_price *list; /* owned */
	size_t count;
};
void spot_price_list_release(struct spot_price_list *prices);

/* What the cloud says of the type of one offering, where that would be launched. */
struct instance_type {
	char region[TICKET_FIELD_ROOM];
	bool is_there; /* else there is none of this name, and what follows up to the image is 0 */
	bool is_spot_sold, is_x86_64, is_arm64;
	unsigned vcpus, gpus, memory_mib, disk_gigabytes; /* NVIDIA's GPUs; disks of its own */
	/* What it would start from: "x86_64", "arm64"; "" when that is not known. */
	char image[TICKET_FIELD_ROOM], image_architecture[16];
	struct error image_problem; /* ERROR_NONE, or why not; told of the region's first one */
};

/* What an answer of ERROR_CONFLICT says of the launch key; nothing was launched by the request. */
enum launch_key {
	LAUNCH_KEY_FRESH, /* nothing: the slot is held */
	LAUNCH_KEY_DIFFERS, /* it was used before, with another request: the user data differ, or
			       the configuration did */
	LAUNCH_KEY_SPENT, /* its instance is terminated: the generation is spent */
};

struct launch {
	const struct settings *settings;
	const struct resource *resource;
	const struct offering *offering;
	unsigned slot, generation;
	char key[33]; /* the launch key (slots.h) */
	struct slice user_data; /* what the instance gets: an envelope (envelope.h) */
	/* Where the cloud's answer of ERROR_CAPACITY names zones that have some: LAUNCH_ZONES
	 * texts, empty before, the last one stays so. */
	char (*zones)[TICKET_FIELD_ROOM];
	enum launch_key *key_fate; /* LAUNCH_KEY_FRESH before */
};
enum { LAUNCH_ZONES = 9 };

/* What a machine of ours left behind: nothing that is listed here holds a slot. */
enum leftover_kind {
	LEFTOVER_VOLUME, /* a disk that no instance has */
	LEFTOVER_SPOT_REQUEST, /* open still: the cloud may launch a machine for it */
	LEFTOVER_KIND_COUNT
};

struct leftover {
	enum leftover_kind kind;
	char id[TICKET_FIELD_ROOM];
	char resource[TICKET_FIELD_ROOM]; /* by its tags, as slot and generation are */
	unsigned slot, generation;
	char region[TICKET_FIELD_ROOM];
	char type[TICKET_FIELD_ROOM]; /* "gp3"; of a request, of the machine it asks for */
	unsigned gigabytes; /* of a volume */
	int64_t made_s; /* wall seconds, the provider's word */
};

struct leftover_list {
	struct leftover *list; /* owned */
	size_t count;
};
void leftover_list_release(struct leftover_list *leftovers);

/* Whose permissions, to run this configuration. */
struct policy_order {
	const struct settings *settings; /* a shape is enough (settings_load_shape) */
	bool is_for_machines; /* else the reaper's */
	const char *machine_role; /* of the machines, name or full name; NULL: as the provider names
				     it where nobody says otherwise */
};

/* Of a verb that may take many calls. */
struct provider_time {
	int64_t now_ms; /* wall */
	int64_t deadline_ms; /* monotonic: no call begins past it. ERROR_UNREACHABLE then */
};

struct provider {
	const char *name; /* as written in the configuration */
	struct call_limit launch_limit; /* of the API: how fast launch may be called */
	/* What can be told of a resource's settings without asking anybody; NULL: nothing.
	 * ERROR_CONFIGURATION: the message says which member of its settings. */
	int (*check)(const struct resource *resource, struct error *err);
	/* All instances of our prefix where this resource's live, whatever resource they name,
	 * terminated ones included as long as the provider shows them. Whole or an error: never a
	 * part. (So a resource that is configured no more is still seen.) */
	int (*list)(const struct settings *settings, const struct resource *resource,
		    struct fleet *out, struct error *err);
	/* Would both of these resources list the very same instances? NULL: never. */
	bool (*is_one_list)(const struct resource *a, const struct resource *b);
	/* Idempotent in launch->key: a second call with the same key launches nothing.
	 * ERROR_CONFLICT: the slot is held by another. id is what was launched. */
	int (*launch)(const struct launch *launch, char id[static TICKET_FIELD_ROOM],
		      struct error *err);
	/* ERROR_NOT_FOUND when it is gone already. */
	int (*terminate)(const struct settings *settings, const struct resource *resource,
			 const char *instance, struct error *err);
	/* The tail of what it printed while it booted, for the journal. */
	int (*console)(const struct settings *settings, const struct resource *resource,
		       const char *instance, struct buf *out, struct error *err);
	/* What its offerings' types are: out has one for each. NULL: it does not say. */
	int (*types)(const struct resource *resource, struct instance_type *out, struct error *err);
	/* What spot costs now, in every zone where this resource's spot offerings may be launched;
	 * whose it is is the caller's to fill in, and so is when it was learned. After an error out
	 * has what was learned before it. NULL: it does not say. */
	int (*spot_prices)(const struct resource *resource, const struct provider_time *time,
			   struct spot_price_list *out, struct error *err);
	/* All leftovers of our prefix where this resource's instances live, whatever resource they
	 * name. Whole or an error, as list. NULL: machines leave nothing here. */
	int (*leftovers)(const struct settings *settings, const struct resource *resource,
			 const struct provider_time *time, struct leftover_list *out,
			 struct error *err);
	/* For good. It harms no instance: one that has the volume by now makes it an error, and a
	 * request's instance stays. ERROR_NOT_FOUND when it is gone already. */
	int (*remove)(const struct resource *resource, const struct leftover *leftover,
		      struct error *err);
	/* The least that the account must allow, as the cloud's own tools take it. NULL: nothing is
	 * to be allowed. */
	int (*policy)(const struct policy_order *order, struct json_document *out,
		      struct error *err);
};

/* NULL when there is none of this name; names are listed by provider_names(). */
const struct provider *provider_named(const char *name);
void provider_names(struct buf *out); /* "local, aws": for messages */

/* The first resource whose list is that of this one, too; itself if none before is. */
size_t provider_list_of(const struct settings *settings, size_t resource);

extern const struct provider provider_local, provider_aws;

#endif
