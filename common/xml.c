#include "common/xml.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include "common/wiped.h"

enum {
	DEPTH_MAX = 64,
	LEN_MAX = 64 << 20,
};

struct xml {
	char *name;
	struct buf text;
	struct xml *parent, *first, *last, *next;
};

/* One document on its way in. */
struct reading {
	XML_Parser parser;
	struct xml *root, *open; /* open: the innermost element that has not ended */
	unsigned depth;
	const char *refused; /* why we stopped; NULL: we did not */
	unsigned long line; /* where */
};

/* expat's memory holds copies of the text. */
static const XML_Memory_Handling_Suite wiping = { malloc, wiped_realloc, wiped_free };

/* --- What expat calls. */

static void refuse(struct reading *reading, const char *why)
{
	if (reading->refused)
		return;
	reading->refused = why;
	reading->line = XML_GetCurrentLineNumber(reading->parser);
	XML_StopParser(reading->parser, XML_FALSE);
}

static void append(struct xml *parent, struct xml *element)
{
	element->parent = parent;
	if (parent->last)
		parent->last->next = element;
	else
		parent->first = element;
	parent->last = element;
}

static void begin_element(void *context, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *reading = context;
	const char *colon = strrchr(name, ':');

	(void)attributes;
	if (reading->depth == DEPTH_MAX) {
		refuse(reading, "elements are nested too deep");
		return;
	}
	struct xml *element = memory_array(1, sizeof(*element));

	element->name = memory_text(slice_of(colon ? colon + 1 : name));
	element->text = BUF(LEN_MAX);
	if (reading->open)
		append(reading->open, element);
	else
		reading->root = element;
	reading->open = element;
	reading->depth++;
}

static void end_element(void *context, const XML_Char *name)
{
	struct reading *reading = context;

	(void)name;
	/* Not of the one that was refused: expat ends an empty element all the same. */
	if (reading->refused)
		return;
	reading->open = reading->open->parent;
	reading->depth--;
}

static void add_text(void *context, const XML_Char *text, int len)
{
	struct reading *reading = context;

	if (reading->open)
		buf_add(&reading->open->text, (struct slice){ text, (size_t)len });
}

static void begin_doctype(void *context, const XML_Char *name, const XML_Char *system,
			  const XML_Char *public, int has_subset)
{
	(void)name;
	(void)system;
	(void)public;
	(void)has_subset;
	refuse(context, "it declares a document type (DOCTYPE)");
}

/* --- Reading. */

static void release(struct xml *element)
{
	while (element) {
		struct xml *next = element->next;

		release(element->first);
		free(element->name);
		buf_release(&element->text);
		free(element);
		element = next;
	}
}

static int parse(struct reading *reading, struct slice text, struct error *err)
{
	enum XML_Status status = XML_Parse(reading->parser, text.ptr, (int)text.len, XML_TRUE);

	if (reading->refused)
		return error_set(err, ERROR_MALFORMED, "XML line %lu: %s", reading->line,
				 reading->refused);
	if (status != XML_STATUS_OK)
		return error_set(err, ERROR_MALFORMED, "XML line %lu: %s",
				 (unsigned long)XML_GetCurrentLineNumber(reading->parser),
				 XML_ErrorString(XML_GetErrorCode(reading->parser)));
	return 0;
}

int xml_parse(struct slice text, struct xml_document *out, struct error *err)
{
	if (text.len > LEN_MAX)
		return error_set(err, ERROR_MALFORMED, "XML of %zu bytes is longer than %d",
				 text.len, LEN_MAX);
	struct reading reading = { .parser = XML_ParserCreate_MM(NULL, &wiping, NULL) };

	if (!reading.parser)
		return error_set(err, ERROR_SYSTEM, "expat has no memory");
	XML_SetUserData(reading.parser, &reading);
	XML_SetElementHandler(reading.parser, begin_element, end_element);
	XML_SetCharacterDataHandler(reading.parser, add_text);
	XML_SetStartDoctypeDeclHandler(reading.parser, begin_doctype);
	int result = parse(&reading, text.len ? text : slice_of(""), err);

	XML_ParserFree(reading.parser);
	if (result < 0)
		release(reading.root);
	else
		*out = (struct xml_document){ reading.root };
	return result;
}

void xml_document_release(struct xml_document *document)
{
	release(document->root);
	*document = (struct xml_document){ 0 };
}

/* --- Looking. */

const struct xml *xml_root(const struct xml_document *document)
{
	return document->root;
}

const char *xml_name(const struct xml *element)
{
	return element ? element->name : "";
}

const struct xml *xml_first(const struct xml *element)
{
	return element ? element->first : NULL;
}

const struct xml *xml_next(const struct xml *element)
{
	return element ? element->next : NULL;
}

const struct xml *xml_child(const struct xml *element, const char *path)
{
	while (element && *path) {
		size_t len = strcspn(path, "/");
		const struct xml *child = xml_first(element);

		while (child && !slice_equals((struct slice){ path, len }, child->name))
			child = child->next;
		element = child;
		path += len + (path[len] ? 1 : 0);
	}
	return element;
}

const char *xml_text(const struct xml *element)
{
	return element ? buf_text(&element->text) : "";
}

const char *xml_text_of(const struct xml *element, const char *path)
{
	return xml_text(xml_child(element, path));
}
