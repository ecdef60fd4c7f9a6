/* The bytes are tried as a line of orders, which, once taken, must write the very same bytes; and
 * as a whole signed text, which nobody signed: it must be refused. What is taken is then signed
 * and opened again, and one changed byte anywhere must be refused. */
#include "common/orders.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_BYTES = 4 * ORDERS_BYTES };

static struct minisign_key key;
static struct minisign_trusted trusted;

static void make_key_once(void)
{
	struct error err;

	if (trusted.count)
		return;
	assert(minisign_key_new(&key, &err) == 0);
	minisign_key_public(&key, &trusted.list[0]);
	trusted.count = 1;
}

static void written_again(const struct orders *orders, struct slice line)
{
	SCOPED(buf) struct buf again = BUF(TEXT_BYTES);
	struct error err;

	orders_print(orders, &again);
	assert(buf_finish(&again, &err) == 0);
	assert(again.len == line.len && !memcmp(buf_text(&again), line.ptr, line.len));
}

static void signed_and_opened(struct orders *orders, size_t at)
{
	SCOPED(orders) struct orders opened = { 0 };
	SCOPED(buf) struct buf text = BUF(TEXT_BYTES);
	struct error err;

	assert(orders_sign(orders, &key, &text, &err) == 0);
	assert(orders_open(buf_slice(&text), &trusted, orders->prefix, &opened, &err) == 0);
	assert(opened.number == orders->number && opened.own.time_s == orders->own.time_s &&
	       opened.own.count == orders->own.count);
	for (size_t i = 0; i < opened.own.count; i++)
		assert(orders_for(&opened, orders->own.list[i].instance) ==
		       orders_for(orders, orders->own.list[i].instance));
	/* The end of the first line and the untrusted comment behind it are nobody's word. */
	size_t signed_len = (size_t)(strchr(buf_text(&text), '\n') - buf_text(&text));
	size_t place = at % signed_len;

	text.bytes[place] ^= 1;
	SCOPED(orders) struct orders forged = { 0 };

	assert(orders_open(buf_slice(&text), &trusted, orders->prefix, &forged, &err) < 0);
	assert(err.message[0] && (err.class == ERROR_DENIED || err.class == ERROR_MALFORMED));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice text = { (const char *)data, size };
	SCOPED(orders) struct orders orders = { 0 }, none = { 0 };
	struct error err = { 0 };

	make_key_once();
	assert(orders_open(text, &trusted, "lab", &none, &err) < 0 && err.message[0]);
	if (orders_parse(text, &orders, &err) < 0) {
		assert(err.class == ERROR_MALFORMED && err.message[0]);
		return 0;
	}
	assert(orders.number > 0 && orders.own.time_s > 0 && orders.own.count <= ORDERS_MAX);
	written_again(&orders, text);
	signed_and_opened(&orders, size ? data[size / 2] : 0);
	return 0;
}
