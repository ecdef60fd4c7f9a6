#ifndef COMMON_XML_H
#define COMMON_XML_H

#include "common/buf.h"

/*
 * xml: a document in memory, to be read, over expat (the only room that knows
 * it). Elements and their texts: attributes, comments and processing
 * instructions are left out, names lose their namespace prefix. A DOCTYPE is
 * refused, and with it every entity but the five that XML has. At most 64 levels deep and
 * 64 MiB long. What was parsed may hold a secret: the document's texts and expat's
 * own copies are wiped when they are freed.
 */

struct xml; /* one element; borrowed from its document */

struct xml_document {
	struct xml *root; /* owned */
};

/* ERROR_MALFORMED: not well-formed, a DOCTYPE, too deep or too long. The message says the line and
 * repeats nothing of the text. */
CHECKED int xml_parse(struct slice text, struct xml_document *out, struct error *err);
void xml_document_release(struct xml_document *document);

const struct xml *xml_root(const struct xml_document *document); /* NULL when nothing was parsed */
const char *xml_name(const struct xml *element); /* "reservationSet"; "" for NULL */

/* The first one at the path from there: "instanceState/name"; NULL when absent or element is. */
const struct xml *xml_child(const struct xml *element, const char *path);
const struct xml *xml_first(const struct xml *element); /* its first child; NULL when none */
const struct xml *xml_next(const struct xml *element); /* its next sibling; NULL when none */

/* Its own text in one piece, that of its children left out; never NULL. */
const char *xml_text(const struct xml *element);
const char *xml_text_of(const struct xml *element, const char *path); /* xml_text(xml_child()) */

#endif
