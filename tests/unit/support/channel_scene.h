#ifndef TESTS_UNIT_SUPPORT_CHANNEL_SCENE_H
#define TESTS_UNIT_SUPPORT_CHANNEL_SCENE_H

#include "reaper/channel.h"
#include "tests/unit/support/talk.h"

/*
 * channel_scene: a channel, its ledger, and the scripted server that has the reaper's task.
 */

extern struct settings channel_scene_settings; /* the prefix "lab" */
extern struct minisign_key channel_scene_stranger;
extern const char *channel_scene_next_issuer; /* of what channel_scene_signed_orders() signs */

/* For a group of tests. */
int channel_scene_make_keys(void **state);
int channel_scene_drop_keys(void **state);

int64_t channel_scene_wall_s(void);

/* What tasks.get_all answers: the task with these properties, NULL: without. The caller's. */
char *channel_scene_whole_board(const char *id, const char *status, const char *orders,
				const char *spend);
char *channel_scene_board(const char *id, const char *status, const char *orders);
char *channel_scene_signed_mirror(const struct minisign_key *key, const char *issuer,
				  int64_t number);
char *channel_scene_signed_orders(const struct minisign_key *key, int64_t number, int64_t time_s,
				  const char *instance, enum order order);

/* A world of two machines, and a plan that tells the first one something. */
struct channel_scene {
	struct talk talk;
	struct ledger ledger;
	struct channel channel;
	struct observed_machine machines[2];
	struct observation seen;
	struct planned_order order;
	struct plan *plan;
};

void channel_scene_begin(struct channel_scene *scene, const struct api_step *steps, size_t count);
void channel_scene_end(struct channel_scene *scene);
void channel_scene_look(struct channel_scene *scene);
void channel_scene_find(struct channel_scene *scene);
void channel_scene_send_orders(struct channel_scene *scene, size_t count);
/* The orders that were sent in this step. */
void channel_scene_open_sent(struct channel_scene *scene, size_t step, struct orders *out);

#endif
