#include "bootstrap/admit.h"

#include <stdio.h>
#include <string.h>

#include "bootstrap/bundle_source.h"
#include "bootstrap/ticket_source.h"
#include "common/clock.h"
#include "common/file.h"

enum {
	CALL_TIMEOUT_MS = 8000,
	DAY_MS = 24 * 3600 * 1000,
	SOURCE_ROOM = MACHINE_PATH_ROOM + 16,
};

static int same_text(const char *field, const char *ticket, const char *launched, struct error *err)
{
	if (!strcmp(ticket, launched))
		return 0;
	return error_set(err, ERROR_CONFIGURATION,
			 "%s: the ticket is for %s, but this machine was launched for %s", field,
			 ticket, launched);
}

static int same_number(const char *field, unsigned ticket, unsigned launched, struct error *err)
{
	if (ticket == launched)
		return 0;
	return error_set(err, ERROR_CONFIGURATION,
			 "%s: the ticket is for %u, but this machine was launched for %u", field,
			 ticket, launched);
}

static int fits_slot(const struct ticket *ticket, const struct launch_note *note, struct error *err)
{
	if (!note->names_slot)
		return 0;
	if (same_text("prefix", ticket->prefix, note->prefix, err) < 0 ||
	    same_text("resource", ticket->resource, note->resource, err) < 0 ||
	    same_number("slot", ticket->slot, note->slot, err) < 0)
		return -1;
	return same_number("generation", ticket->generation, note->generation, err);
}

int admit_fits(const struct ticket *ticket, const struct launch_note *note, struct error *err)
{
	if (same_text("provider", ticket->provider, note->identity.provider, err) < 0 ||
	    same_text("type", ticket->type, note->identity.type, err) < 0 ||
	    fits_slot(ticket, note, err) < 0)
		return -1;
	if (ticket->limits.idle_timeout_s <= 0)
		return error_set(err, ERROR_CONFIGURATION,
				 "limits.idle_timeout_s: zero would leave before the first task");
	if (ticket->limits.report_every_s <= 0)
		return error_set(err, ERROR_CONFIGURATION,
				 "limits.report_every_s: expected at least 1");
	return 0;
}

int admit_day(const struct ticket *ticket, int64_t now_wall_ms, struct error *err)
{
	char text[32];
	int64_t day_ms;

	(void)snprintf(text, sizeof(text), "%.10sT00:00:00Z", ticket->day);
	if (clock_parse_iso(slice_of(text), &day_ms, err) < 0)
		return error_wrap(err, "the ticket's day");
	if (now_wall_ms >= day_ms - DAY_MS && now_wall_ms < day_ms + (int64_t)3 * DAY_MS)
		return 0;
	clock_format(now_wall_ms, false, text);
	return error_set(
		err, ERROR_CONFIGURATION,
		"the ticket of %s is valid from the day before to two days after; now is %s",
		ticket->day, text);
}

/* ---- the ticket ---- */

static int find_envelope(const struct machine *machine, struct envelope *out,
			 char source[static SOURCE_ROOM], struct error *err)
{
	SCOPED(buf) struct buf text = BUF(ENVELOPE_FILE_BYTES);

	if (ticket_source_read(machine, &text, source, err) < 0)
		return error_wrap(err, "the ticket");
	if (envelope_find(buf_slice(&text), out, err) < 0)
		return error_wrap(err, "%s", source);
	return 0;
}

static bool is_kept(const char *path, struct slice bytes)
{
	SCOPED(buf) struct buf kept = BUF(ENVELOPE_BUNDLE_BYTES);
	struct error ignored;

	return file_read_private(path, &kept, &ignored) == 0 && kept.len == bytes.len &&
	       !memcmp(buf_text(&kept), bytes.ptr, bytes.len);
}

/* For status, sweeps and people; what counts is read from the envelope at each start. Not written
 * twice: a restart must come through on a disk that its task has filled. */
static int keep_file(const struct machine *machine, const char *name, struct slice bytes,
		     struct error *err)
{
	char path[SOURCE_ROOM];

	(void)snprintf(path, sizeof(path), "%s/%s", machine->folder, name);
	return is_kept(path, bytes) ? 0 : file_write(path, bytes, 0600, err);
}

/* ---- the bundle ---- */

static bool is_meant(const struct ticket *ticket, const struct buf *sealed)
{
	char digest[HASH_SHA256_ROOM];

	hash_sha256(buf_slice(sealed), digest);
	return !strcmp(digest, ticket->bundle.digest);
}

/* Kept by an earlier start of this machine, else where the ticket says that it is. */
static int find_sealed(const struct machine *machine, const struct envelope *envelope,
		       struct buf *out, struct error *err)
{
	char path[SOURCE_ROOM];

	(void)snprintf(path, sizeof(path), "%s/bundle.age", machine->folder);
	if (file_read(path, out, err) == 0 && is_meant(&machine->ticket, out))
		return 0;
	buf_clear(out);
	if (bundle_source_read(&machine->ticket.bundle, envelope, out, err) < 0)
		return error_wrap(err, "fetch the bundle");
	return 0;
}

static int unseal(struct slice sealed, const struct trust_files *trust, struct bundle *out,
		  struct error *err)
{
	SCOPED(age_identities) struct age_identities identities = { 0 };
	SCOPED(secret) struct secret plain = { 0 };

	if (trust_identities(trust, &identities, err) < 0)
		return -1;
	if (age_unseal(sealed, &identities, &plain, err) < 0)
		return error_wrap(err, "open the bundle with %s", trust->image_key);
	return bundle_parse(secret_expose(&plain), "the bundle", out, err);
}

static int check_prefix(const struct bundle *bundle, const struct ticket *ticket, struct error *err)
{
	if (!strcmp(bundle->prefix, ticket->prefix))
		return 0;
	return error_set(err, ERROR_DENIED, "the bundle is for prefix %s, but the ticket is for %s",
			 bundle->prefix, ticket->prefix);
}

static int load_bundle(struct machine *machine, const struct envelope *envelope,
		       const struct minisign_trusted *signers, const struct trust_files *trust,
		       struct error *err)
{
	SCOPED(buf) struct buf sealed = BUF(ENVELOPE_BUNDLE_BYTES);
	SCOPED(bundle) struct bundle opened = { 0 };

	if (find_sealed(machine, envelope, &sealed, err) < 0 ||
	    envelope_check_bundle(&machine->ticket, buf_slice(&sealed),
				  buf_slice(&envelope->bundle_signature), signers, err) < 0 ||
	    unseal(buf_slice(&sealed), trust, &opened, err) < 0 ||
	    check_prefix(&opened, &machine->ticket, err) < 0 ||
	    keep_file(machine, "bundle.age", buf_slice(&sealed), err) < 0)
		return -1;
	machine->bundle = opened;
	opened = (struct bundle){ 0 };
	return 0;
}

static int load(struct machine *machine, const struct launch_note *note,
		const struct trust_files *trust, struct error *err)
{
	SCOPED(envelope) struct envelope envelope = envelope_new();
	struct minisign_trusted signers;
	char source[SOURCE_ROOM];

	if (trust_signers(trust, &signers, err) < 0 ||
	    find_envelope(machine, &envelope, source, err) < 0)
		return -1;
	if (envelope_ticket(&envelope, &signers, &machine->ticket, err) < 0 ||
	    admit_fits(&machine->ticket, note, err) < 0)
		return error_wrap(err, "%s", source);
	if (keep_file(machine, "ticket.json", buf_slice(&envelope.ticket), err) < 0)
		return -1;
	return load_bundle(machine, &envelope, &signers, trust, err);
}

/* ---- what they say ---- */

static int name_record(struct machine *machine, struct error *err)
{
	const struct worker_id id = {
		.prefix = slice_of(machine->ticket.prefix),
		.resource = slice_of(machine->ticket.resource),
		.type = slice_of(machine->identity.type),
		.instance = slice_of(machine->identity.instance),
		.suffix = slice_of("bootstrap"),
	};

	(void)snprintf(machine->marker, sizeof(machine->marker), "MAYFLY_INSTANCE=%s",
		       machine->identity.instance);
	return worker_id_format(&id, machine->record_id, err);
}

static int open_clearml(struct machine *machine, struct error *err)
{
	const struct clearml_settings settings = {
		.api_server = machine->ticket.api_server,
		.client_name = "mayfly-bootstrap/" MAYFLY_VERSION,
		.worker = machine->record_id,
		.timeout_ms = CALL_TIMEOUT_MS,
	};
	/* clearml_conf.c still needs the bundle's own: the agent logs in by itself. */
	SCOPED(secret) struct secret secret_key = { 0 };

	if (secret_copy(&secret_key, secret_expose(&machine->bundle.secret_key), err) < 0)
		return -1;
	return clearml_open(&settings, machine->bundle.access_key, &secret_key, &machine->clearml,
			    err);
}

static int open_engine(struct machine *machine, struct error *err)
{
	if (machine->ticket.agent.mode != AGENT_DOCKER)
		return 0;
	if (engine_open(&machine->ticket, machine->identity.instance, &machine->engine, err) < 0)
		return -1;
	machine->images = images_new(&machine->ticket, &machine->bundle, machine->engine);
	return 0;
}

/* Signed, and so as good a word as the provider's. */
static void take_slot(const struct ticket *ticket, struct launch_note *note)
{
	text_cut(note->prefix, sizeof(note->prefix), ticket->prefix);
	text_cut(note->resource, sizeof(note->resource), ticket->resource);
	note->slot = ticket->slot;
	note->generation = ticket->generation;
}

int admit(struct machine *machine, struct launch_note *note, const struct trust_files *trust,
	  struct error *err)
{
	if (load(machine, note, trust, err) < 0)
		return -1;
	if (!note->names_slot)
		take_slot(&machine->ticket, note);
	if (name_record(machine, err) < 0 || open_engine(machine, err) < 0)
		return -1;
	return open_clearml(machine, err);
}

void machine_release(struct machine *machine)
{
	clearml_close(machine->clearml);
	images_free(machine->images);
	engine_close(machine->engine);
	bundle_release(&machine->bundle);
	ticket_release(&machine->ticket);
	*machine = (struct machine){ 0 };
}
