#include "tests/unit/support/envelope_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/file.h"

void envelope_bench_sign(const struct envelope_bench *bench, struct slice bytes,
			 const char *comment, struct buf *out)
{
	struct error err = { 0 };

	buf_clear(out);
	if (minisign_sign(bytes, &bench->key, comment, out, &err) < 0)
		fail_msg("%s", err.message);
}

/* The golden ticket, with the digest of this bundle. */
static void add_ticket(struct envelope_bench *bench, const char *sealed)
{
	SCOPED(buf) struct buf text = BUF(TICKET_FILE_BYTES);
	SCOPED(ticket) struct ticket ticket = { 0 };
	struct error err = { 0 };

	if (file_read("tests/unit/golden/ticket.host.json", &text, &err) < 0 ||
	    ticket_parse(buf_slice(&text), "golden", &ticket, &err) < 0)
		fail_msg("%s", err.message);
	hash_sha256(slice_of(sealed), ticket.bundle.digest);
	buf_clear(&bench->envelope.ticket);
	ticket_print(&ticket, &bench->envelope.ticket);
}

struct envelope_bench envelope_bench_begin(const char *sealed)
{
	struct envelope_bench bench = { .trusted.count = 1, .envelope = envelope_new() };
	struct envelope *envelope = &bench.envelope;
	struct error err = { 0 };

	if (minisign_key_new(&bench.key, &err) < 0)
		fail_msg("%s", err.message);
	minisign_key_public(&bench.key, &bench.trusted.list[0]);
	add_ticket(&bench, sealed);
	envelope_bench_sign(&bench, buf_slice(&envelope->ticket), "mayfly ticket for p",
			    &envelope->ticket_signature);
	buf_addf(&envelope->bundle, "%s", sealed);
	envelope_bench_sign(&bench, buf_slice(&envelope->bundle), "mayfly bundle for p",
			    &envelope->bundle_signature);
	return bench;
}

void envelope_bench_release(struct envelope_bench *bench)
{
	minisign_key_release(&bench->key);
	envelope_release(&bench->envelope);
}

void envelope_bench_print(const struct envelope *envelope, struct buf *out)
{
	struct error err = { 0 };

	if (envelope_print(envelope, out, &err) < 0)
		fail_msg("%s", err.message);
}

static void check_same_part(const struct buf *got, const struct buf *want)
{
	assert_int_equal(got->len, want->len);
	assert_memory_equal(buf_text(got), buf_text(want), got->len);
}

void envelope_bench_same(const struct envelope *got, const struct envelope *want)
{
	check_same_part(&got->ticket, &want->ticket);
	check_same_part(&got->ticket_signature, &want->ticket_signature);
	check_same_part(&got->bundle, &want->bundle);
	check_same_part(&got->bundle_signature, &want->bundle_signature);
}
