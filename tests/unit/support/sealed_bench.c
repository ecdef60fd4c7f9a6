#include "tests/unit/support/sealed_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/file.h"

#define MUST(call)                                               \
	do {                                                     \
		struct error must = { 0 };                       \
		struct error *err = &must;                       \
		if ((call) < 0)                                  \
			fail_msg("%s: %s", #call, must.message); \
	} while (0)

enum { TEXT_MAX = 1 << 20 };

const char *sealed_bench_path(const struct sealed_bench *bench, const char *name)
{
	return scratch_path(bench->folder, name);
}

void sealed_bench_write(const struct sealed_bench *bench, const char *name, struct slice bytes,
			mode_t mode)
{
	MUST(file_write(sealed_bench_path(bench, name), bytes, mode, err));
}

void sealed_bench_hold(const struct sealed_bench *bench, unsigned first, unsigned count)
{
	SCOPED(buf) struct buf text = BUF(TEXT_MAX);

	for (unsigned i = first; i < first + count; i++) {
		SCOPED(secret) struct secret key = { 0 };

		MUST(age_identity_print(&bench->image[i].keys[0], &key, err));
		buf_add(&text, secret_expose(&key));
		buf_addf(&text, "\n");
	}
	sealed_bench_write(bench, "image.key", buf_slice(&text), 0400);
}

void sealed_bench_trust(const struct sealed_bench *bench, unsigned first, unsigned count)
{
	SCOPED(buf) struct buf text = BUF(TEXT_MAX);

	for (unsigned i = first; i < first + count; i++) {
		struct minisign_public key;

		minisign_key_public(&bench->signing[i], &key);
		minisign_public_print(&key, &text);
	}
	sealed_bench_write(bench, "trusted.pub", buf_slice(&text), 0644);
}

static void fill_ticket(struct sealed_bench *bench)
{
	static char *command[] = { (char *)(uintptr_t) "/bin/true", NULL };
	struct ticket *ticket = &bench->ticket;

	ticket_defaults(ticket);
	text_cut(ticket->prefix, sizeof(ticket->prefix), "mayfly");
	text_cut(ticket->resource, sizeof(ticket->resource), "cpu");
	text_cut(ticket->provider, sizeof(ticket->provider), "local");
	text_cut(ticket->type, sizeof(ticket->type), "small");
	text_cut(ticket->day, sizeof(ticket->day), "2026-11-24");
	text_cut(ticket->queues[0], sizeof(ticket->queues[0]), "cpu");
	ticket->queue_count = 1;
	text_cut(ticket->api_server, sizeof(ticket->api_server), "http://127.0.0.1:9");
	ticket->agent.command = command;
	text_cut(ticket->bundle.source, sizeof(ticket->bundle.source), "inline");
}

void sealed_bench_begin(struct sealed_bench *bench)
{
	*bench = (struct sealed_bench){ .secret_key = "hunter2",
					.bundle_prefix = "mayfly",
					.ticket_comment = "mayfly ticket for mayfly",
					.bundle_comment = "mayfly bundle for mayfly",
					.sealed = BUF(TEXT_MAX),
					.envelope = envelope_new(),
					.is_bundle_beside = true };
	scratch_make(bench->folder);
	text_cut(bench->machine.folder, sizeof(bench->machine.folder), bench->folder);
	text_cut(bench->machine.identity.provider, TICKET_FIELD_ROOM, "local");
	text_cut(bench->machine.identity.instance, TICKET_FIELD_ROOM, "local-1");
	text_cut(bench->machine.identity.type, TICKET_FIELD_ROOM, "small");
	bench->note.identity = bench->machine.identity;
	bench->note.names_slot = true;
	text_cut(bench->note.prefix, sizeof(bench->note.prefix), "mayfly");
	text_cut(bench->note.resource, sizeof(bench->note.resource), "cpu");
	fill_ticket(bench);
	for (unsigned i = 0; i < SEALED_KEYS; i++) {
		MUST(minisign_key_new(&bench->signing[i], err));
		MUST(age_identity_new(&bench->image[i], &bench->recipients[i], err));
	}
	sealed_bench_hold(bench, 0, 1);
	sealed_bench_trust(bench, 0, 1);
}

/* As the reaper does it, with what the bench says. */
void sealed_bench_launch(struct sealed_bench *bench)
{
	SCOPED(buf) struct buf plain = BUF(TEXT_MAX), user_data = BUF(TEXT_MAX);
	struct envelope *envelope = &bench->envelope;
	const struct age_recipients to = { &bench->recipients[bench->sealed_to], 1 };

	buf_addf(&plain,
		 "{\"prefix\": \"%s\", \"clearml\": {\"access_key\": \"A\", \"secret_key\": "
		 "\"%s\"}}",
		 bench->bundle_prefix, bench->secret_key);
	MUST(age_seal(buf_slice(&plain), &to, AGE_BINARY, &bench->sealed, err));
	if (!bench->ticket.bundle.digest[0])
		hash_sha256(buf_slice(&bench->sealed), bench->ticket.bundle.digest);
	ticket_print(&bench->ticket, &envelope->ticket);
	MUST(minisign_sign(buf_slice(&envelope->ticket), &bench->signing[bench->signed_by],
			   bench->ticket_comment, &envelope->ticket_signature, err));
	MUST(minisign_sign(buf_slice(&bench->sealed), &bench->signing[bench->bundle_signed_by],
			   bench->bundle_comment, &envelope->bundle_signature, err));
	if (bench->is_bundle_beside)
		buf_add(&envelope->bundle, buf_slice(&bench->sealed));
	MUST(envelope_print(envelope, &user_data, err));
	sealed_bench_write(bench, "user-data", buf_slice(&user_data), 0600);
}

int sealed_bench_admit(struct sealed_bench *bench, struct error *err)
{
	char image_key[SCRATCH_ROOM], trusted_keys[SCRATCH_ROOM];
	const struct trust_files trust = { trusted_keys, image_key };

	text_cut(image_key, sizeof(image_key), sealed_bench_path(bench, "image.key"));
	text_cut(trusted_keys, sizeof(trusted_keys), sealed_bench_path(bench, "trusted.pub"));
	ticket_defaults(&bench->machine.ticket);
	return admit(&bench->machine, &bench->note, &trust, err);
}

void sealed_bench_end(struct sealed_bench *bench)
{
	machine_release(&bench->machine);
	for (unsigned i = 0; i < SEALED_KEYS; i++) {
		minisign_key_release(&bench->signing[i]);
		age_identities_release(&bench->image[i]);
	}
	envelope_release(&bench->envelope);
	buf_release(&bench->sealed);
	scratch_remove(bench->folder);
}

void sealed_bench_restart(struct sealed_bench *bench)
{
	machine_release(&bench->machine);
	text_cut(bench->machine.folder, sizeof(bench->machine.folder), bench->folder);
	bench->machine.identity = bench->note.identity;
}
