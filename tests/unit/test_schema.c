#include "common/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/schemas.h"

/* Apostrophes stand for quotes, so that a schema in a table can be read. */
static char *quoted(const char *text)
{
	char *copy = memory_text(slice_of(text));

	for (char *at = copy; *at; at++)
		*at = *at == '\'' ? '"' : *at;
	return copy;
}

/* Adds "LINE PATH: MESSAGE" and a line end for each finding; "bug" for a schema that is one. */
static void check(const char *schema_text, const char *document_text, struct buf *told,
		  struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	struct findings *findings = memory_array(1, sizeof(*findings));
	char *schema = quoted(schema_text);
	char *text = quoted(document_text);

	if (json_parse_commented(slice_of(text), &document, err) < 0)
		fail_msg("%s: %s", document_text, err->message);
	int result = schema_check(slice_of(schema), document.root, "a.json", slice_of(text),
				  findings, err);

	for (size_t i = 0; i < findings->count; i++)
		buf_addf(told, "%u %s: %s\n", findings->list[i].line, findings->list[i].path,
			 findings->list[i].message);
	assert_int_equal(result, err->class ? -1 : 0);
	if (err->class == ERROR_SYSTEM)
		buf_addf(told, "bug");
	free(schema);
	free(text);
	free(findings);
}

struct row {
	const char *when, *schema, *document;
	const char *want; /* "" when it fits */
};

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		SCOPED(buf) struct buf told = BUF(SIZE_MAX);
		struct error err = { 0 };

		check(rows[i].schema, rows[i].document, &told, &err);
		if (strcmp(buf_text(&told), rows[i].want) != 0)
			fail_msg("when %s: \"%s%s\", wanted \"%s\"", rows[i].when, buf_text(&told),
				 err.class == ERROR_SYSTEM ? err.message : "", rows[i].want);
		assert_int_equal(err.class, *rows[i].want ? ERROR_CONFIGURATION : ERROR_NONE);
	}
}

static void types_are_checked(void **state)
{
	static const struct row rows[] = {
		{ "nothing is said", "{}", "[1,{'a':null}]", "" },
		{ "null", "{'type':'null'}", "null", "" },
		{ "null is none", "{'type':'null'}", "0", "1 top level: expected null, got 0\n" },
		{ "a flag", "{'type':'boolean'}", "false", "" },
		{ "a flag is text", "{'type':'boolean'}", "'yes'",
		  "1 top level: expected true or false, got \"yes\"\n" },
		{ "a number", "{'type':'number'}", "1.5", "" },
		{ "an integer with an exponent", "{'type':'integer'}", "1e3", "" },
		{ "an integer is a fraction", "{'type':'integer'}", "1.5",
		  "1 top level: expected a whole number, got 1.5\n" },
		{ "an integer is beyond 2^53", "{'type':'integer'}", "1e17",
		  "1 top level: expected a whole number, got 1e+17\n" },
		{ "a number is text", "{'type':'integer'}", "'8'",
		  "1 top level: expected a whole number, got \"8\"\n" },
		{ "a list is an object", "{'type':'array'}", "{'a':1}",
		  "1 top level: expected a list, got an object\n" },
		{ "an object is text, perhaps a key", "{'type':'object'}", "'AKIA'",
		  "1 top level: expected an object, got a text\n" },
		{ "an object or null is text, perhaps a key", "{'type':['null','object']}",
		  "'AKIA'", "1 top level: expected null or an object, got a text\n" },
		{ "one of two", "{'type':['string','null']}", "null", "" },
		{ "none of two", "{'type':['string','null']}", "\n\n7",
		  "3 top level: expected a text or null, got 7\n" },
		{ "a long value is cut", "{'type':'null'}",
		  "'0123456789012345678901234567890123456789012345678901234567890123456789'",
		  "1 top level: expected null, got "
		  "\"01234567890123456789012345678901234567890123456789012345678...\n" },
		{ "a value has control codes", "{'type':'null'}", "'\\u001b[2J'",
		  "1 top level: expected null, got \"\\u001b[2J\"\n" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void values_are_checked(void **state)
{
	static const struct row rows[] = {
		{ "at the ends", "{'minimum':1,'maximum':2}", "2", "" },
		{ "at the lower end", "{'minimum':1,'maximum':2}", "1", "" },
		{ "just above", "{'exclusiveMinimum':0}", "0.001", "" },
		{ "too small", "{'minimum':1}", "0.5",
		  "1 top level: must be at least 1, got 0.5\n" },
		{ "too large", "{'maximum':2}", "3", "1 top level: must be at most 2, got 3\n" },
		{ "just not above", "{'exclusiveMinimum':0}", "0",
		  "1 top level: must be more than 0, got 0\n" },
		{ "limits are of numbers only", "{'minimum':1,'minLength':2}", "[0]", "" },
		{ "characters, not bytes", "{'minLength':2,'maxLength':2}",
		  "'\xc3\xa9\xe2\x82\xac'", "" },
		{ "too short", "{'minLength':1}", "''",
		  "1 top level: must have at least 1 character, has 0\n" },
		{ "too long", "{'maxLength':2}", "'abc'",
		  "1 top level: must have at most 2 characters, has 3\n" },
		{ "a pattern", "{'pattern':'^[a-z]+(-[0-9])?$'}", "'abc-1'", "" },
		{ "not the pattern", "{'pattern':'^[a-z]+$'}", "'aB'",
		  "1 top level: must match ^[a-z]+$, got \"aB\"\n" },
		{ "not the pattern, which has words",
		  "{'pattern':'^[a-z]+$','x-expected':'small letters'}", "'aB'",
		  "1 top level: expected small letters, got \"aB\"\n" },
		{ "a secret is not the pattern, which has words",
		  "{'pattern':'^[a-z]+$','x-expected':'small letters','writeOnly':true}", "'aB'",
		  "1 top level: expected small letters, got a text\n" },
		{ "one of the values", "{'enum':['a',1,null,[2]]}", "[2]", "" },
		{ "none of the values", "{'enum':['a',1,null]}", "2",
		  "1 top level: unknown value 2, expected one of \"a\", 1, null\n" },
		{ "a value is misspelt", "{'enum':['kubernetes','local']}", "'kubernets'",
		  "1 top level: unknown value \"kubernets\", did you mean \"kubernetes\"?, "
		  "expected one "
		  "of \"kubernetes\", \"local\"\n" },
		{ "the constant", "{'const':{'a':1}}", "{'a':1.0}", "" },
		{ "not the constant", "{'const':1}", "2", "1 top level: expected 1, got 2\n" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void lists_are_checked(void **state)
{
	static const struct row rows[] = {
		{ "items fit", "{'items':{'type':'integer'},'minItems':2,'maxItems':2}", "[1,2]",
		  "" },
		{ "two items do not", "{'items':{'type':'integer'}}", "[1,\n'a',\n{},3]",
		  "2 [1]: expected a whole number, got \"a\"\n"
		  "3 [2]: expected a whole number, got an object\n" },
		{ "too few", "{'minItems':1}", "[]",
		  "1 top level: must have at least 1 item, has 0\n" },
		{ "too many", "{'maxItems':1}", "[1,2]",
		  "1 top level: must have at most 1 item, has 2\n" },
		{ "none is twice", "{'uniqueItems':true}", "['1',1,'a','A',[1]]", "" },
		{ "empty is unique", "{'uniqueItems':true}", "[]", "" },
		{ "one is twice", "{'uniqueItems':true}", "['b','a',\n'b']",
		  "2 [2]: the same as [0], each may be there once\n" },
		{ "twice is allowed", "{'uniqueItems':false}", "[1,1]", "" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

#define CLOSED                                                                        \
	"{'properties':{'name':{'type':'string'},'max_instances':{'type':'integer'}," \
	"'zone':{}},'required':['name','max_instances'],'additionalProperties':false}"

static void objects_are_checked(void **state)
{
	static const struct row rows[] = {
		{ "all is there", CLOSED, "{'name':'a','max_instances':1}", "" },
		{ "no object", CLOSED, "3", "" },
		{ "a misspelt name is told once", CLOSED, "{'name':'a',\n 'max_instnces':1}",
		  "2 max_instnces: unknown, did you mean max_instances?\n" },
		{ "a name of another case", CLOSED, "{'Name':'a','max_instances':1}",
		  "1 Name: unknown, did you mean name?\n" },
		{ "what is there already is meant", CLOSED,
		  "{'name':'a','max_instances':1,'names':2}",
		  "1 names: unknown, did you mean name, which is there already?\n" },
		{ "what is there is nearer than what is not",
		  "{'properties':{'max_instances':{},'min_instances':{}},'additionalProperties':"
		  "false}",
		  "{'max_instances':1,'max_instance':2}",
		  "1 max_instance: unknown, did you mean max_instances, which is there "
		  "already?\n" },
		{ "what is not there is as near as what is",
		  "{'properties':{'port_a':{},'port_b':{}},'additionalProperties':false}",
		  "{'port_a':1,'port':2}", "1 port: unknown, did you mean port_b?\n" },
		{ "nothing is near", CLOSED, "{'name':'a','max_instances':1,'qqqqqq':\n2}",
		  "1 qqqqqq: unknown, may be: zone\n" },
		{ "nothing is left", CLOSED, "{'name':'a','max_instances':1,'zone':1,'x':2}",
		  "1 x: unknown, no other name is expected here\n" },
		{ "nothing at all is allowed", "{'additionalProperties':false}", "{'x':2}",
		  "1 x: unknown, no such name is expected here\n" },
		{ "two are missing", CLOSED, "\n{}",
		  "2 name: missing, expected a text\n"
		  "2 max_instances: missing, expected a whole number\n" },
		{ "an odd name", CLOSED, "{'name':'a','max_instances':1,'zone':1,'a.b\\n':2}",
		  "1 [\"a.b\\n\"]: unknown, no other name is expected here\n" },
		{ "others are open", "{'properties':{'a':{}},'additionalProperties':true}",
		  "{'b':2}", "" },
		{ "others have a schema",
		  "{'properties':{'a':{}},'additionalProperties':"
		  "{'type':'string'}}",
		  "{'a':1,'b':'x','c':2}", "1 c: expected a text, got 2\n" },
		{ "deep inside",
		  "{'properties':{'resources':{'items':{'properties':{'local':"
		  "{'properties':{'cpu':{'minimum':1}}}}}}}}",
		  "{'resources':[{},{'local':\n{'cpu':0}}]}",
		  "2 resources[1].local.cpu: must be at least 1, got 0\n" },
		{ "by reference",
		  "{'properties':{'a':{'$ref':'#/$defs/size'}},'$defs':{'size':{'minimum':3}}}",
		  "{'a':2}", "1 a: must be at least 3, got 2\n" },
		{ "by reference and beside it",
		  "{'$ref':'#/$defs/size','maximum':1,'$defs':{'size':{'minimum':3}}}", "2",
		  "1 top level: must be at least 3, got 2\n1 top level: must be at most 1, got "
		  "2\n" },
		{ "what describes checks nothing",
		  "{'title':'t','description':'d','$schema':'s','$id':'i','default':1,"
		  "'examples':[1],'writeOnly':false}",
		  "'x'", "" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

#define REFERENCE                                                                                 \
	"{'oneOf':[{'type':'object','properties':{'env':{'type':'string'}},'required':['env'],"   \
	"'additionalProperties':false},{'type':'object','properties':{'file':{'type':'string'}}," \
	"'required':['file'],'additionalProperties':false}]}"
#define STORE                                                                                      \
	"{'oneOf':[{'type':'object','properties':{'type':{'const':'s3'},'bucket':{'type':'string'" \
	"}},"                                                                                      \
	"'required':['type']},{'type':'object','properties':{'type':{'const':'gs'},"               \
	"'project':{'type':'string'}},'required':['type']}]}"

static void alternatives_tell_of_the_nearest(void **state)
{
	static const struct row rows[] = {
		{ "the first fits", REFERENCE, "{'env':'A'}", "" },
		{ "the second fits", REFERENCE, "{'file':'b'}", "" },
		{ "one is misspelt", REFERENCE, "{'fle':'b'}",
		  "1 fle: unknown, did you mean file?\n" },
		{ "a value is wrong in one", REFERENCE, "{'env':7}",
		  "1 env: expected a text, got 7\n" },
		{ "neither is near", REFERENCE, "{'x':1}",
		  "1 top level: expected an object with env or an object with file, got an "
		  "object\n" },
		{ "a plain key instead", REFERENCE, "'hunter2'",
		  "1 top level: expected an object with env or an object with file, got a text\n" },
		{ "the constant decides", STORE, "{'type':'gs','project':1}",
		  "1 project: expected a text, got 1\n" },
		{ "the constant decides otherwise", STORE, "{'type':'s3','project':1,'bucket':2}",
		  "1 bucket: expected a text, got 2\n" },
		{ "the kind decides",
		  "{'oneOf':[{'type':'string','pattern':'^a'},{'type':'object','required':['b']}]}",
		  "{}", "1 b: missing, expected a value\n" },
		{ "the kind decides otherwise",
		  "{'oneOf':[{'type':'string','pattern':'^a'},{'type':'object','required':['b']}]}",
		  "'b'", "1 top level: must match ^a, got \"b\"\n" },
		{ "values without a kind", "{'oneOf':[{'const':'auto'},{'type':'integer'}]}",
		  "'fast'", "1 top level: expected \"auto\", got \"fast\"\n" },
		{ "titles name the forms",
		  "{'oneOf':[{'title':'a "
		  "count','type':'integer'},{'enum':['x','y'],'type':'string'}]}",
		  "null", "1 top level: expected a count or \"x\" or \"y\", got null\n" },
		{ "both fit", "{'oneOf':[{'type':'integer'},{'type':'number'}]}", "1",
		  "1 top level: fits 2 forms where one is allowed: a whole number or a number\n" },
		{ "both may", "{'anyOf':[{'type':'integer'},{'type':'number'}]}", "1", "" },
		{ "none of any", "{'anyOf':[{'type':'integer'},{'type':'boolean'}]}", "'a'",
		  "1 top level: expected a whole number or true or false, got \"a\"\n" },
		{ "deep, with its line",
		  "{'properties':{'key':" REFERENCE ",'n':{'type':'integer'}}}",
		  "{'n':'1',\n'key':\n{\n'evn':1}}",
		  "1 n: expected a whole number, got \"1\"\n4 key.evn: unknown, did you mean "
		  "env?\n" },
		{ "alternatives in alternatives",
		  "{'oneOf':[{'type':'array','items':" REFERENCE "},{'type':'string'}]}",
		  "[{'env':'A'},{'evn':'A'}]", "1 [1].evn: unknown, did you mean env?\n" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void secrets_are_not_repeated(void **state)
{
	static const struct row rows[] = {
		{ "of the wrong kind", "{'type':'integer','writeOnly':true}", "'hunter2'",
		  "1 top level: expected a whole number, got a text\n" },
		{ "not the pattern", "{'pattern':'^k','writeOnly':true}", "'hunter2'",
		  "1 top level: must match ^k, got a text\n" },
		{ "not the constant", "{'const':'k','writeOnly':true}", "'hunter2'",
		  "1 top level: expected \"k\", got a text\n" },
		{ "none of the values", "{'enum':['hunter3'],'writeOnly':true}", "'hunter2'",
		  "1 top level: unknown value a text, expected one of \"hunter3\"\n" },
		{ "a number", "{'minimum':5,'writeOnly':true}", "4",
		  "1 top level: must be at least 5, got a number\n" },
		{ "inside", "{'writeOnly':true,'items':{'type':'integer'}}", "['hunter2']",
		  "1 [0]: expected a whole number, got a text\n" },
		{ "behind a reference",
		  "{'items':{'$ref':'#/$defs/key'},'$defs':{'key':{'writeOnly':true,'maxLength':1,"
		  "'pattern':'^x'}}}",
		  "['h']", "1 [0]: must match ^x, got a text\n" },
		{ "beside the reference",
		  "{'items':{'$ref':'#/$defs/"
		  "key','writeOnly':true},'$defs':{'key':{'pattern':'^x'}}}",
		  "['h']", "1 [0]: must match ^x, got a text\n" },
		{ "in an alternative",
		  "{'oneOf':[{'type':'integer','writeOnly':true},{'type':'boolean'}]}", "'h'",
		  "1 top level: expected a whole number or true or false, got a text\n" },
		{ "the next one is no secret",
		  "{'properties':{'a':{'writeOnly':true},'b':{'type':'integer'}}}",
		  "{'a':1,'b':'x'}", "1 b: expected a whole number, got \"x\"\n" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void the_message_is_one_line_with_its_place(void **state)
{
	static const struct {
		const char *document, *want;
	} cases[] = {
		{ "{\n'name':'a',\n'max_instnces':1}",
		  "a.json:3: max_instnces: unknown, did you mean max_instances?" },
		{ "{}", "a.json:1: name: missing, expected a text (and 1 more)" },
		{ "{'a':1,'b':1,'c':1}", "a.json:1: a: unknown, may be: name, max_instances, zone "
					 "(and 4 more)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf told = BUF(SIZE_MAX);
		struct error err = { 0 };

		check(CLOSED, cases[i].document, &told, &err);
		assert_string_equal(err.message, cases[i].want);
	}
}

static void without_the_text_there_is_no_line(void **state)
{
	static const char schema[] = "{\"type\":\"object\"}";
	SCOPED(json_document) struct json_document document = { 0 };
	struct findings findings;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(json_parse(slice_of("[]"), &document, &err), 0);
	assert_int_equal(schema_check(slice_of(schema), document.root, "the ticket", slice_of(""),
				      &findings, &err),
			 -1);
	assert_string_equal(err.message, "the ticket: top level: expected an object, got a list");
	assert_int_equal(findings.list[0].line, 0);
}

static void findings_beyond_the_room_are_counted(void **state)
{
	SCOPED(buf) struct buf document = BUF(SIZE_MAX);
	SCOPED(buf) struct buf told = BUF(SIZE_MAX);
	struct error err = { 0 };
	size_t lines = 0;

	(void)state;
	buf_addf(&document, "{'name':'a','max_instances':1,'0':0");
	for (unsigned i = 1; i < 500; i++)
		buf_addf(&document, ",'%u':0", i);
	buf_addf(&document, "}");
	check(CLOSED, buf_text(&document), &told, &err);
	assert_non_null(strstr(err.message, "(and 499 more)"));
	for (const char *at = buf_text(&told); *at; at++)
		lines += *at == '\n';
	assert_int_equal(lines, SCHEMA_MAX_FINDINGS);
}

static void a_wrong_schema_is_a_bug(void **state)
{
	static const struct {
		const char *when, *schema, *want;
	} cases[] = {
		{ "no JSON", "{", "in our schema: line 1, column 2: expected" },
		{ "a list", "[]", "in our schema: expected an object" },
		{ "a keyword we do not know", "{'if':{}}", "in our schema: if: unknown keyword" },
		{ "one deep inside", "{'properties':{'a':{'items':{'multipleOf':2}}}}",
		  "in our schema: properties: a: items: multipleOf: unknown keyword" },
		{ "one in an alternative", "{'oneOf':[{},{'not':{}}]}",
		  "in our schema: oneOf: not: unknown keyword" },
		{ "one in what nothing refers to", "{'$defs':{'a':{'format':'x'}}}",
		  "in our schema: $defs: a: format: unknown keyword" },
		{ "an unknown type", "{'type':'text'}",
		  "type: expected a type or a list of types" },
		{ "no type in the list", "{'type':[]}", "type: expected a type" },
		{ "an unknown type in the list", "{'type':['null',1]}", "type: expected a type" },
		{ "properties is a list", "{'properties':[]}", "properties: expected an object" },
		{ "a property is text", "{'properties':{'a':'x'}}",
		  "properties: expected an object" },
		{ "required is a name", "{'required':'a'}", "required: expected a list of names" },
		{ "required holds a number", "{'required':['a',1]}",
		  "required: expected a list of" },
		{ "additionalProperties is text", "{'additionalProperties':'no'}",
		  "additionalProperties: expected a schema, true or false" },
		{ "a negative count", "{'minLength':-1}", "minLength: expected a count" },
		{ "a limit is text", "{'minimum':'1'}", "minimum: expected a number" },
		{ "an empty enum", "{'enum':[]}", "enum: expected a list of values" },
		{ "a pattern that is none", "{'pattern':'('}", "pattern: expected a POSIX" },
		{ "an empty oneOf", "{'oneOf':[]}", "oneOf: expected a list of schemas" },
		{ "a reference to nothing", "{'$ref':'#/$defs/a','$defs':{'b':{}}}",
		  "$ref: expected" },
		{ "a reference to a file", "{'$ref':'other.json'}", "$ref: expected" },
		{ "a flag is a number", "{'uniqueItems':1}",
		  "uniqueItems: expected true or false" },
		{ "a title is a number", "{'title':1}", "title: expected a text" },
		{ "a circle", "{'$ref':'#/$defs/a','$defs':{'a':{'$ref':'#/$defs/a'}}}",
		  "a $ref leads to itself" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf told = BUF(SIZE_MAX);
		struct error err = { 0 };

		check(cases[i].schema, "{'a':[1]}", &told, &err);
		if (err.class != ERROR_SYSTEM || !strstr(err.message, cases[i].want))
			fail_msg("when %s: \"%s\"", cases[i].when, err.message);
	}
}

static void the_schemas_that_ship_are_valid(void **state)
{
	const struct slice shipped[] = {
		{ schema_reaper_config, schema_reaper_config_len },
		{ schema_ticket, schema_ticket_len },
		{ schema_bundle, schema_bundle_len },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shipped); i++) {
		SCOPED(json_document) struct json_document document = { 0 };
		struct findings findings;
		struct error err = { 0 };

		assert_int_equal(json_parse(slice_of("[]"), &document, &err), 0);
		assert_int_equal(schema_check(shipped[i], document.root, "x", slice_of("[]"),
					      &findings, &err),
				 -1);
		if (err.class != ERROR_CONFIGURATION)
			fail_msg("schema %zu: %s", i, err.message);
		assert_string_equal(findings.list[0].message, "expected an object, got a list");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_are_checked),
		cmocka_unit_test(values_are_checked),
		cmocka_unit_test(lists_are_checked),
		cmocka_unit_test(objects_are_checked),
		cmocka_unit_test(alternatives_tell_of_the_nearest),
		cmocka_unit_test(secrets_are_not_repeated),
		cmocka_unit_test(the_message_is_one_line_with_its_place),
		cmocka_unit_test(without_the_text_there_is_no_line),
		cmocka_unit_test(findings_beyond_the_room_are_counted),
		cmocka_unit_test(a_wrong_schema_is_a_bug),
		cmocka_unit_test(the_schemas_that_ship_are_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
