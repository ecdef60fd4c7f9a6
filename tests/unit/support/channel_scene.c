#include "tests/unit/support/channel_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"

#define LONG_AGO "2026-11-01T10:00:00+00:00"

enum { TEXT_BYTES = 4 * ORDERS_BYTES };

struct settings channel_scene_settings = { .prefix = "lab" };
struct minisign_key channel_scene_stranger;

int channel_scene_make_keys(void **state)
{
	struct error err;

	(void)state;
	return minisign_key_new(&channel_scene_settings.signing_key, &err) < 0 ?
		       -1 :
		       minisign_key_new(&channel_scene_stranger, &err);
}

int channel_scene_drop_keys(void **state)
{
	(void)state;
	minisign_key_release(&channel_scene_settings.signing_key);
	minisign_key_release(&channel_scene_stranger);
	return 0;
}

int64_t channel_scene_wall_s(void)
{
	return clock_wall_ms() / 1000;
}

char *channel_scene_whole_board(const char *id, const char *status, const char *orders,
				const char *spend)
{
	SCOPED(json_document) struct json_document data = { 0 };
	SCOPED(buf) struct buf text = BUF(TEXT_BYTES);
	char now[CLOCK_TEXT_LEN];

	json_new_object(&data);
	struct json *task = json_add_object(json_add_list(data.root, "tasks"), NULL);

	clock_format(clock_wall_ms(), false, now);
	json_add_text(task, "id", id);
	json_add_text(task, "name", "mayfly-reaper lab");
	json_add_text(task, "type", "monitor");
	json_add_text(task, "status", status);
	json_add_text(task, "created", LONG_AGO);
	json_add_text(task, "last_update", !strcmp(status, "in_progress") ? now : LONG_AGO);
	struct json *properties =
		json_add_object(json_add_object(task, "hyperparams"), "properties");

	if (orders)
		json_add_text(json_add_object(properties, "mayfly_orders"), "value", orders);
	if (spend)
		json_add_text(json_add_object(properties, "mayfly_spend"), "value", spend);
	json_print(data.root, false, &text);
	return memory_text(buf_slice(&text));
}

char *channel_scene_board(const char *id, const char *status, const char *orders)
{
	return channel_scene_whole_board(id, status, orders, NULL);
}

char *channel_scene_signed_mirror(const struct minisign_key *key, const char *issuer,
				  int64_t number)
{
	struct spend_mirror mirror = { .number = number, .until_s = channel_scene_wall_s() };
	SCOPED(buf) struct buf text = BUF(SPEND_MIRROR_BYTES);
	struct error err = { 0 };

	text_cut(mirror.issuer, sizeof(mirror.issuer), issuer);
	succeed(spend_mirror_sign(&mirror, "lab", key, &text, &err), &err);
	return memory_text(buf_slice(&text));
}

const char *channel_scene_next_issuer = ""; /* of channel_scene_signed_orders() */

char *channel_scene_signed_orders(const struct minisign_key *key, int64_t number, int64_t time_s,
				  const char *instance, enum order order)
{
	struct orders_line line = { .order = order };
	struct orders orders = {
		.prefix = "lab",
		.number = number,
		.own = { .time_s = time_s, .list = &line, .count = instance ? 1 : 0 }
	};
	SCOPED(buf) struct buf text = BUF(TEXT_BYTES);
	struct error err = { 0 };

	text_cut(orders.own.issuer, sizeof(orders.own.issuer), channel_scene_next_issuer);
	text_cut(line.instance, sizeof(line.instance), instance ? instance : "");
	succeed(orders_sign(&orders, key, &text, &err), &err);
	return memory_text(buf_slice(&text));
}

void channel_scene_begin(struct channel_scene *scene, const struct api_step *steps, size_t count)
{
	*scene = (struct channel_scene){ .talk = talk_begin(steps, count),
					 .order = { .machine = 0, .order = ORDER_DRAIN } };
	scene->channel = (struct channel){ .settings = &channel_scene_settings,
					   .clearml = scene->talk.clearml,
					   .ledger = &scene->ledger };
	scene->plan = memory_array(1, sizeof(*scene->plan));
	text_cut(scene->machines[0].instance.id, TICKET_FIELD_ROOM, "i-one");
	text_cut(scene->machines[1].instance.id, TICKET_FIELD_ROOM, "i-two");
	scene->seen.machines = scene->machines;
	scene->seen.machine_count = 2;
	scene->plan->orders = &scene->order;
}

void channel_scene_end(struct channel_scene *scene)
{
	channel_release(&scene->channel);
	ledger_release(&scene->ledger);
	free(scene->plan);
	talk_end(&scene->talk);
}

void channel_scene_look(struct channel_scene *scene)
{
	struct error err = { 0 };

	succeed(channel_look(&scene->channel, &err), &err);
}

void channel_scene_find(struct channel_scene *scene)
{
	struct error err = { 0 };

	succeed(channel_find(&scene->channel, &err), &err);
}

void channel_scene_send_orders(struct channel_scene *scene, size_t count)
{
	struct error err = { 0 };

	scene->plan->order_count = count;
	succeed(channel_send(&scene->channel, &scene->seen, scene->plan, &err), &err);
}

void channel_scene_open_sent(struct channel_scene *scene, size_t step, struct orders *out)
{
	SCOPED(json_document) struct json_document body = { 0 };
	const char *request = api_peer_request(scene->talk.peer, step), *text;
	struct minisign_trusted trusted = { .count = 1 };
	struct error err = { 0 };

	minisign_key_public(&channel_scene_settings.signing_key, &trusted.list[0]);
	succeed(json_parse(slice_of(strstr(request, "\r\n\r\n") + 4), &body, &err), &err);
	succeed(json_text(body.root, "hyperparams[0].value", &text, &err), &err);
	assert_string_equal(json_text_or(body.root, "hyperparams[0].name", ""), "mayfly_orders");
	assert_string_equal(json_text_or(body.root, "hyperparams[0].section", ""), "properties");
	succeed(orders_open(slice_of(text), &trusted, "lab", out, &err), &err);
}
