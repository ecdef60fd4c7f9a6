/* The first byte says what the others are. 'd': a user data document; what is found in it prints
 * to what is found again, the same parts, also in gzip and indented. 'a': the archive in a block.
 * 'p': four parts, each with its length in a byte before it; they print and are found. None of it
 * is signed, so no ticket of it is ever taken. */
#include "common/envelope.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64.h"
#include "common/gzip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void is_same_part(const struct buf *one, const struct buf *two)
{
	assert(one->len == two->len && !memcmp(buf_text(one), buf_text(two), one->len));
}

static void is_same(const struct envelope *one, const struct envelope *two)
{
	is_same_part(&one->ticket, &two->ticket);
	is_same_part(&one->ticket_signature, &two->ticket_signature);
	is_same_part(&one->bundle, &two->bundle);
	is_same_part(&one->bundle_signature, &two->bundle_signature);
}

static void is_found_in(struct slice document, const struct envelope *want)
{
	SCOPED(envelope) struct envelope got = envelope_new();
	struct error err = { 0 };

	assert(envelope_find(document, &got, &err) == 0);
	is_same(&got, want);
}

static void goes_both_ways(const struct envelope *envelope)
{
	SCOPED(buf) struct buf text = BUF(SIZE_MAX), again = BUF(SIZE_MAX);
	SCOPED(buf) struct buf packed = BUF(SIZE_MAX), indented = BUF(SIZE_MAX);
	struct error err = { 0 };

	assert(envelope_print(envelope, &text, &err) == 0);
	assert(envelope_print(envelope, &again, &err) == 0);
	assert(strcmp(buf_text(&text), buf_text(&again)) == 0);
	is_found_in(buf_slice(&text), envelope);
	gzip_pack(buf_slice(&text), &packed);
	is_found_in(buf_slice(&packed), envelope);
	for (const char *at = buf_text(&text); *at; at++)
		buf_addf(&indented, *at == '\n' ? "\r%c\t  " : "%c", *at);
	is_found_in(buf_slice(&indented), envelope);
}

static void is_never_taken(const struct envelope *envelope)
{
	static const struct minisign_trusted trusted = { .list = { { { 1 }, { 2 } } }, .count = 1 };
	struct ticket ticket;
	struct error err = { 0 };

	assert(envelope_ticket(envelope, &trusted, &ticket, &err) < 0);
	assert(err.class == ERROR_DENIED && err.message[0]);
}

static void find(struct slice document)
{
	SCOPED(envelope) struct envelope envelope = envelope_new();
	struct error err = { 0 };

	if (envelope_find(document, &envelope, &err) < 0) {
		assert(err.class == ERROR_NOT_FOUND || err.class == ERROR_MALFORMED);
		assert(strncmp(err.message, "user data: ", 11) == 0 && !envelope.ticket.len);
		return;
	}
	assert(envelope.ticket.len && envelope.ticket_signature.len);
	assert(!envelope.bundle.len || envelope.bundle_signature.len);
	goes_both_ways(&envelope);
	is_never_taken(&envelope);
}

static void find_archive(struct slice archive)
{
	SCOPED(buf) struct buf packed = BUF(SIZE_MAX), document = BUF(SIZE_MAX);

	gzip_pack(archive, &packed);
	size_t len = base64_len(packed.len);
	unsigned char *letters = memory_array(len + 1, 1);

	base64_write(buf_slice(&packed), BASE64_PLAIN, letters);
	buf_addf(&document, "-----BEGIN MAYFLY TICKET-----\n%s\n-----END MAYFLY TICKET-----\n",
		 (const char *)letters);
	free(letters);
	find(buf_slice(&document));
}

static void take_part(struct slice *rest, struct buf *out)
{
	size_t len = rest->len ? (unsigned char)rest->ptr[0] : 0;

	if (!rest->len)
		return;
	*rest = (struct slice){ rest->ptr + 1, rest->len - 1 };
	len = len < rest->len ? len : rest->len;
	buf_add(out, (struct slice){ rest->ptr, len });
	*rest = (struct slice){ rest->ptr + len, rest->len - len };
}

static void print_parts(struct slice bytes)
{
	SCOPED(envelope) struct envelope envelope = envelope_new();
	SCOPED(buf) struct buf text = BUF(SIZE_MAX);
	struct error err = { 0 };

	take_part(&bytes, &envelope.ticket);
	take_part(&bytes, &envelope.ticket_signature);
	take_part(&bytes, &envelope.bundle);
	take_part(&bytes, &envelope.bundle_signature);
	if (envelope_print(&envelope, &text, &err) == 0) {
		goes_both_ways(&envelope);
		return;
	}
	assert(!envelope.ticket.len || !envelope.ticket_signature.len ||
	       (envelope.bundle.len && !envelope.bundle_signature.len));
	assert(err.class == ERROR_MALFORMED && !text.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	struct slice rest = { (const char *)data + 1, size - 1 };

	if (data[0] == 'd')
		find(rest);
	if (data[0] == 'a')
		find_archive(rest);
	if (data[0] == 'p')
		print_parts(rest);
	return 0;
}
