/* What is taken is printed and read again: it must be the same tree. What is refused says why. */
#include "common/xml.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void print_text(const char *text, struct buf *out)
{
	for (; *text; text++) {
		if (strchr("<>&\r", *text))
			buf_addf(out, "&#%d;", *text);
		else
			buf_add(out, (struct slice){ text, 1 });
	}
}

static void print(const struct xml *element, struct buf *out)
{
	buf_addf(out, "<%s>", xml_name(element));
	print_text(xml_text(element), out);
	for (const struct xml *child = xml_first(element); child; child = xml_next(child))
		print(child, out);
	buf_addf(out, "</%s>", xml_name(element));
}

static void compare(const struct xml *one, const struct xml *other)
{
	assert(one && other && !strcmp(xml_name(one), xml_name(other)));
	assert(!strcmp(xml_text(one), xml_text(other)));
	const struct xml *a = xml_first(one), *b = xml_first(other);

	for (; a; a = xml_next(a), b = xml_next(b))
		compare(a, b);
	assert(!b);
}

/* The rest of a name behind its prefix is no name when it begins so. */
static bool has_plain_names(const struct xml *element)
{
	const char *name = xml_name(element);

	if (!*name || strchr("-.0123456789", *name) || (unsigned char)*name >= 0x80)
		return false;
	for (const struct xml *child = xml_first(element); child; child = xml_next(child))
		if (!has_plain_names(child))
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(xml_document) struct xml_document document = { 0 }, again = { 0 };
	SCOPED(buf) struct buf text = BUF(1 << 26);
	struct error err = { 0 };

	if (xml_parse((struct slice){ (const char *)data, size }, &document, &err) < 0) {
		assert(err.class == ERROR_MALFORMED && err.message[0] && !document.root);
		return 0;
	}
	assert(xml_root(&document));
	if (!has_plain_names(xml_root(&document)))
		return 0;
	print(xml_root(&document), &text);
	assert(buf_finish(&text, &err) == 0);
	assert(xml_parse(buf_slice(&text), &again, &err) == 0);
	compare(xml_root(&document), xml_root(&again));
	return 0;
}
