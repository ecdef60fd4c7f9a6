/* A document against the shipped schema of the configuration, and against one that uses every
 * keyword: each finding names a path and a line, the message is one line, and what is said of
 * a secret does not depend on it. Checking again finds the same. */
#include "common/schema.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/schemas.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char every_keyword[] =
	"{\"$schema\":\"x\",\"$id\":\"y\",\"title\":\"t\",\"description\":\"d\",\"default\":{},"
	"\"examples\":[{}],\"type\":\"object\",\"additionalProperties\":{\"$ref\":\"#/$defs/"
	"tree\"},"
	"\"required\":[\"name\"],\"properties\":{"
	"\"name\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":8,\"pattern\":\"^[a-z]+$\"},"
	"\"count\":{\"type\":[\"integer\",\"null\"],\"minimum\":0,\"maximum\":9},"
	"\"price\":{\"type\":\"number\",\"exclusiveMinimum\":0},"
	"\"zones\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":3,\"uniqueItems\":true,"
	"\"items\":{\"enum\":[\"east\",\"west\",1]}},"
	"\"version\":{\"const\":1},"
	"\"secret\":{\"$ref\":\"#/$defs/secret\"},"
	"\"store\":{\"anyOf\":[{\"const\":\"none\"},{\"type\":\"object\",\"required\":[\"s3\"],"
	"\"properties\":{\"s3\":{\"type\":\"string\"}},\"additionalProperties\":false}]}},"
	"\"$defs\":{\"secret\":{\"writeOnly\":true,\"oneOf\":[{\"type\":\"string\","
	"\"pattern\":\"^k\"},{\"type\":\"object\",\"required\":[\"env\"],"
	"\"additionalProperties\":false,\"properties\":{\"env\":{\"type\":\"string\"}}},"
	"{\"type\":\"object\",\"required\":[\"file\"],\"additionalProperties\":false,"
	"\"properties\":{\"file\":{\"type\":\"string\"}}}]},"
	"\"tree\":{\"oneOf\":[{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/tree\"}},"
	"{\"type\":\"boolean\"}]}}}";

static bool is_one_line(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	}
	return true;
}

/* What is told of a text where a secret belongs is the same whatever the text is. */
static void hides_secret(const struct json *document, const struct finding *finding)
{
	if (json_text_or(document, "secret", NULL) && strcmp(finding->path, "secret") == 0)
		assert(strcmp(finding->message, "must match ^k, got a text") == 0);
}

static void check(struct slice schema, const struct json *document, struct slice text)
{
	struct findings *found = memory_array(2, sizeof(*found));
	struct error errors[2] = { 0 };
	int results[2];

	for (size_t i = 0; i < 2; i++)
		results[i] = schema_check(schema, document, "a.json", text, &found[i], &errors[i]);
	assert(results[0] == results[1] && found[0].count == found[1].count);
	assert((results[0] < 0) == (found[0].count > 0));
	if (results[0] < 0) {
		assert(errors[0].class == ERROR_CONFIGURATION && is_one_line(errors[0].message));
		assert(strncmp(errors[0].message, "a.json:", 7) == 0);
	}
	for (size_t i = 0; i < found[0].count; i++) {
		const struct finding *finding = &found[0].list[i];

		assert(finding->path[0] && finding->message[0] && finding->line);
		assert(is_one_line(finding->path) && is_one_line(finding->message));
		if (schema.ptr == every_keyword)
			hides_secret(document, finding);
	}
	free(found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(json_document) struct json_document document = { 0 };
	struct slice text = { (const char *)data, size };
	struct error err;

	if (json_parse_commented(text, &document, &err) < 0)
		return 0;
	check(slice_of(every_keyword), document.root, text);
	check((struct slice){ schema_reaper_config, schema_reaper_config_len }, document.root,
	      text);
	return 0;
}
