#include "tests/unit/support/engine_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/file.h"

enum { TURN_MS = 1000, PAUSE_MS = 2, DEADLINE_MS = 60000 };

static void fill_ticket(struct engine_bench *bench)
{
	struct ticket *ticket = &bench->machine.ticket;
	struct ticket_docker *docker = &ticket->agent.docker;

	ticket_defaults(ticket);
	ticket->agent.mode = AGENT_DOCKER;
	ticket->seats = 1;
	text_cut(ticket->prefix, sizeof(ticket->prefix), "test");
	text_cut(ticket->resource, sizeof(ticket->resource), "cpu");
	text_cut(ticket->provider, sizeof(ticket->provider), "local");
	text_cut(ticket->type, sizeof(ticket->type), "any");
	text_cut(ticket->day, sizeof(ticket->day), "2026-11-24");
	text_cut(ticket->queues[0], sizeof(ticket->queues[0]), "cpu");
	ticket->queue_count = 1;
	text_cut(ticket->bundle.source, sizeof(ticket->bundle.source),
		 "file:/etc/mayfly/bundle.age");
	hash_sha256(slice_of(""), ticket->bundle.digest);
	text_cut(ticket->api_server, sizeof(ticket->api_server), "http://127.0.0.1:8008");
	text_cut(docker->socket, sizeof(docker->socket), bench->socket);
	text_cut(docker->agent_image, sizeof(docker->agent_image), "agent:1");
	text_cut(docker->image, sizeof(docker->image), "task:1");
	text_cut(docker->network, sizeof(docker->network), "bridge");
	docker->wait_s = 120;
	docker->pull_timeout_s = 1800;
}

void engine_bench_begin(struct engine_bench *bench, const struct engine_route *routes)
{
	static unsigned number;
	struct machine *machine = &bench->machine;
	struct error err = { 0 };
	char instance[64];

	*bench = (struct engine_bench){ .now_ms = clock_monotonic_ms() };
	scratch_make(bench->folder);
	snprintf(bench->socket, sizeof(bench->socket), "%s/docker.sock", bench->folder);
	bench->peer = engine_peer_open(bench->socket, routes);
	snprintf(instance, sizeof(instance), "unit-%d-%u", (int)getpid(), number++);
	snprintf(machine->folder, sizeof(machine->folder), "%s/m", bench->folder);
	snprintf(machine->marker, sizeof(machine->marker), "MAYFLY_INSTANCE=%s", instance);
	text_cut(machine->identity.instance, sizeof(machine->identity.instance), instance);
	text_cut(machine->bundle.access_key, sizeof(machine->bundle.access_key), "ACCESS");
	assert_int_equal(file_make_folder(machine->folder, 0700, &err), 0);
	assert_int_equal(
		secret_copy(&machine->bundle.secret_key, slice_of(ENGINE_BENCH_SECRET), &err), 0);
	fill_ticket(bench);
	if (engine_open(&machine->ticket, instance, &machine->engine, &err) < 0)
		fail_msg("%s", err.message);
	machine->images = images_new(&machine->ticket, &machine->bundle, machine->engine);
}

/* What is begun is on its way only by turning. */
static void listen_to_events(struct engine_bench *bench)
{
	int64_t end_ms = clock_monotonic_ms() + DEADLINE_MS;

	while (!engine_peer_is_heard(bench->peer)) {
		if (clock_monotonic_ms() > end_ms)
			fail_msg("%s", "nobody listens to the engine's events");
		engine_turn(bench->machine.engine, bench->now_ms);
		clock_sleep_ms(1);
	}
}

void engine_bench_meet(struct engine_bench *bench)
{
	struct error err = { 0 };

	if (engine_meet(bench->machine.engine, bench->now_ms, &err) < 0)
		fail_msg("%s", err.message);
	listen_to_events(bench);
}

void engine_bench_turn(struct engine_bench *bench)
{
	bench->now_ms += TURN_MS;
	engine_turn(bench->machine.engine, bench->now_ms);
	images_turn(bench->machine.images, bench->now_ms);
}

void engine_bench_until(struct engine_bench *bench, bool answers, const char *when)
{
	int64_t end_ms = clock_monotonic_ms() + DEADLINE_MS;

	while (engine_answers(bench->machine.engine) != answers) {
		if (clock_monotonic_ms() > end_ms)
			fail_msg("when %s: in vain", when);
		engine_bench_turn(bench);
		clock_sleep_ms(PAUSE_MS);
	}
	if (answers)
		listen_to_events(bench);
}

enum image_state engine_bench_want(struct engine_bench *bench, const char *image,
				   struct engine_bench_image *out)
{
	return engine_bench_want_since(bench, image, 0, out);
}

enum image_state engine_bench_want_since(struct engine_bench *bench, const char *image,
					 int64_t since_ms, struct engine_bench_image *out)
{
	SCOPED(buf) struct buf news = BUF(sizeof(out->news) - 1);

	out->err = (struct error){ 0 };
	out->state = images_want(bench->machine.images, image, since_ms, bench->now_ms, &news,
				 &out->err);
	if (news.len)
		text_cut(out->news, sizeof(out->news), buf_text(&news));
	return out->state;
}

void engine_bench_image(struct engine_bench *bench, const char *image, const char *when,
			struct engine_bench_image *out)
{
	int64_t end_ms = clock_monotonic_ms() + DEADLINE_MS;

	while (engine_bench_want(bench, image, out) == IMAGE_COMES) {
		if (clock_monotonic_ms() > end_ms)
			fail_msg("when %s: it never ends: %s", when, out->news);
		engine_bench_turn(bench);
		/* Who waits between two tries need not wait in this world. */
		if (images_is_busy(bench->machine.images))
			clock_sleep_ms(1);
	}
}

void engine_bench_end(struct engine_bench *bench)
{
	images_free(bench->machine.images);
	engine_close(bench->machine.engine);
	bundle_release(&bench->machine.bundle);
	scratch_remove(bench->folder);
	engine_peer_close(bench->peer);
}
