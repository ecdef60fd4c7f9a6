/*
 * The input is a variable's value, a NUL, and the operator's part of clearml.conf. Properties: what
 * is accepted with JSON is JSON that reads back with this value and every member of the operator's
 * part in it; with HOCON it is our part, as HOCON too, and then that text; what is refused names a
 * place.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bootstrap/clearml_conf.h"
#include "common/hocon.h"
#include "common/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_contains(const struct json *whole, const struct json *part);

static void assert_same(const struct json *found, const struct json *wanted)
{
	assert(json_kind(found) == json_kind(wanted));
	if (json_kind(wanted) == JSON_TEXT)
		assert(!strcmp(json_text_value(found), json_text_value(wanted)));
	if (json_kind(wanted) == JSON_NUMBER)
		assert(json_number_value(found) >= json_number_value(wanted) &&
		       json_number_value(found) <= json_number_value(wanted));
	if (json_kind(wanted) == JSON_OBJECT)
		assert_contains(found, wanted);
	if (json_kind(wanted) != JSON_LIST)
		return;
	assert(json_count(found) == json_count(wanted));
	const struct json *item = json_first(found);
	for (const struct json *want = json_first(wanted); want; want = json_next(want)) {
		assert_same(item, want);
		item = json_next(item);
	}
}

static const struct json *member_of(const struct json *object, const char *name)
{
	const struct json *member = json_first(object);

	while (member && strcmp(json_name(member), name) != 0)
		member = json_next(member);
	return member;
}

static void assert_contains(const struct json *whole, const struct json *part)
{
	for (const struct json *item = json_first(part); item; item = json_next(item)) {
		const struct json *found = member_of(whole, json_name(item));

		assert(found);
		assert_same(found, item);
	}
}

static void check_hocon(struct slice conf, struct slice extra)
{
	struct slice members, whole;
	struct error err = { 0 };

	assert(hocon_check(extra, &members, &err) == 0);
	assert(hocon_check(conf, &whole, &err) == 0);
	if (!members.len) /* {} */
		return;
	assert(whole.len == conf.len && conf.len > members.len + 2);
	assert(!memcmp(conf.ptr + conf.len - members.len - 2, members.ptr, members.len));
}

static void check(struct slice conf, const struct machine *machine)
{
	SCOPED(json_document) struct json_document document = { 0 }, extra = { 0 };
	struct error err = { 0 };

	if (!machine->bundle.extra_conf.len)
		json_new_object(&extra);
	else if (json_parse_commented(secret_expose(&machine->bundle.extra_conf), &extra, &err) <
			 0 ||
		 json_kind(extra.root) != JSON_OBJECT) {
		check_hocon(conf, secret_expose(&machine->bundle.extra_conf));
		return;
	}
	assert(json_parse(conf, &document, &err) == 0);
	assert_contains(document.root, extra.root);
	if (member_of(extra.root, "environment"))
		return;
	const char *value = json_text_or(document.root, "environment.K", NULL);
	assert(value && !strcmp(value, secret_text(&machine->bundle.environment[0].value)));
}

static void set_secret(struct secret *secret, const uint8_t *bytes, size_t len)
{
	struct error err = { 0 };

	if (len)
		assert(secret_copy(secret, (struct slice){ (const char *)bytes, len }, &err) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(buf) struct buf conf = BUF(1 << 22);
	struct machine machine = { .folder = "/m" };
	struct bundle *bundle = &machine.bundle;
	struct error err = { 0 };
	bool is_locked = false;

	assert(secret_prepare_process(&is_locked, &err) == 0);
	const uint8_t *end = size ? memchr(data, '\0', size) : NULL;
	size_t value_len = end ? (size_t)(end - data) : size;
	bundle->environment = memory_array(1, sizeof(bundle->environment[0]));
	bundle->environment_count = 1;
	bundle->environment[0].name[0] = 'K';
	set_secret(&bundle->environment[0].value, data, value_len);
	if (end)
		set_secret(&bundle->extra_conf, end + 1, size - value_len - 1);
	if (clearml_conf_print(&machine, 0, &conf, &err) == 0)
		check(buf_slice(&conf), &machine);
	else
		assert(err.class == ERROR_CONFIGURATION && err.message[0] && !conf.len);
	bundle_release(bundle);
	return 0;
}
