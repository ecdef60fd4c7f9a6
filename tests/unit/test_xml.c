#include "common/xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define ANSWER                                                                                 \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"                                         \
	"<r:Answer xmlns:r=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\n"                    \
	"  <requestId>59dbff89</requestId>\n"                                                  \
	"  <set><item n=\"1\"><id>i-1</id><state><name>running</name></state></item>\n"        \
	"  <item><id>i-2</id><!-- c --><r:note>a &lt; b &amp; <![CDATA[<c>]]></r:note></item>" \
	"<item/></set>\n</r:Answer>"

static void texts_are_found(void **state)
{
	static const struct {
		const char *when, *path, *want;
	} cases[] = {
		{ "a child", "requestId", "59dbff89" },
		{ "a deeper one: the first of its name", "set/item/id", "i-1" },
		{ "deeper still", "set/item/state/name", "running" },
		{ "absent", "nothing", "" },
		{ "absent on the way", "nothing/item/id", "" },
		{ "only a part of a name", "set/it", "" },
		{ "the case is another one", "requestid", "" },
		{ "absent below", "set/item/id/name", "" },
	};
	SCOPED(xml_document) struct xml_document document = { 0 };
	struct error err = { 0 };

	(void)state;
	if (xml_parse(slice_of(ANSWER), &document, &err) < 0)
		fail_msg("%s", err.message);
	const struct xml *root = xml_root(&document);

	assert_string_equal(xml_name(root), "Answer");
	assert_ptr_equal(xml_child(root, ""), root);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (strcmp(xml_text_of(root, cases[i].path), cases[i].want) != 0)
			fail_msg("when %s: \"%s\"", cases[i].when,
				 xml_text_of(root, cases[i].path));
}

static void items_are_walked(void **state)
{
	SCOPED(xml_document) struct xml_document document = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(xml_parse(slice_of(ANSWER), &document, &err), 0);
	const struct xml *item = xml_first(xml_child(xml_root(&document), "set"));

	assert_string_equal(xml_name(item), "item");
	item = xml_next(item);
	assert_string_equal(xml_text_of(item, "id"), "i-2");
	assert_string_equal(xml_text_of(item, "note"), "a < b & <c>");
	item = xml_next(item);
	assert_string_equal(xml_name(item), "item");
	assert_string_equal(xml_text(item), "");
	assert_null(xml_first(item));
	assert_null(xml_next(item));
}

static void nothing_is_nowhere(void **state)
{
	const struct xml_document none = { 0 };

	(void)state;
	assert_null(xml_root(&none));
	assert_null(xml_child(NULL, "a"));
	assert_null(xml_first(NULL));
	assert_null(xml_next(NULL));
	assert_string_equal(xml_text(NULL), "");
	assert_string_equal(xml_name(NULL), "");
	assert_string_equal(xml_text_of(NULL, "a/b"), "");
}

static void what_is_no_answer_is_refused(void **state)
{
	static const struct {
		const char *when, *text, *part;
	} cases[] = {
		{ "it is empty", "", "line 1" },
		{ "it is a word", "word", "line 1" },
		{ "it is cut off", "<a>\n<b>", "line 2" },
		{ "ends cross", "<a><b></a></b>", "mismatched" },
		{ "two roots", "<a/><b/>", "line 1" },
		{ "an entity that XML has not", "<a>&secret;</a>", "line 1" },
		{ "a document type", "<!DOCTYPE a><a/>", "DOCTYPE" },
		{ "entities that grow",
		  "<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;\">]><a>&c;</a>",
		  "DOCTYPE" },
		{ "a file of ours is asked for",
		  "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>", "DOCTYPE" },
		{ "bytes that are no UTF-8", "<a>\xff</a>", "line 1" },
		{ "a page of HTML", "<html><br></html>", "line 1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct xml_document document = { 0 };
		struct error err = { 0 };

		if (!xml_parse(slice_of(cases[i].text), &document, &err) || document.root ||
		    err.class != ERROR_MALFORMED || !strstr(err.message, cases[i].part))
			fail_msg("when %s: %s", cases[i].when, err.message);
		assert_null(strstr(err.message, "secret"));
	}
}

static int parse_nested(unsigned depth, struct error *err)
{
	SCOPED(xml_document) struct xml_document document = { 0 };
	SCOPED(buf) struct buf text = BUF(1 << 12);

	for (unsigned i = 0; i < depth; i++)
		buf_add(&text, slice_of("<a>"));
	for (unsigned i = 0; i < depth; i++)
		buf_add(&text, slice_of("</a>"));
	return xml_parse(buf_slice(&text), &document, err);
}

static void depth_is_bounded(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_int_equal(parse_nested(64, &err), 0);
	assert_int_equal(parse_nested(65, &err), -1);
	assert_int_equal(err.class, ERROR_MALFORMED);
	assert_non_null(strstr(err.message, "too deep"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_found),
		cmocka_unit_test(items_are_walked),
		cmocka_unit_test(nothing_is_nowhere),
		cmocka_unit_test(what_is_no_answer_is_refused),
		cmocka_unit_test(depth_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
