#include "common/bundle_reader.h"
#include "common/hocon.h"
#include "common/hocon_print.h"

static const char name[] = "extra_conf";

/* What can be printed alone can be printed over our part. */
static int check_json(const struct bundle_reader *reader, const struct json *extra,
		      struct error *err)
{
	SCOPED(buf) struct buf printed = BUF(BUNDLE_TEXT_BYTES * 4); /* wiped when released */
	struct error why = { 0 };

	if (hocon_print(extra, extra, false, &printed, &why) < 0 || buf_finish(&printed, &why) < 0)
		return bundle_refuse(reader, name, err, "%s", why.message);
	return 0;
}

static int check_text(const struct bundle_reader *reader, struct slice text, struct error *err)
{
	struct json_document extra = { 0 };
	struct slice members;
	struct error why = { 0 };
	int result = 0;

	if (json_parse_commented(text, &extra, &why) == 0 && json_kind(extra.root) == JSON_OBJECT)
		result = check_json(reader, extra.root, err);
	else if (hocon_check(text, &members, &why) < 0)
		result = bundle_refuse(reader, name, err, "in its %s", why.message);
	json_document_wipe(&extra);
	return result;
}

int bundle_read_extra_conf(struct bundle_reader *reader, const struct json *root,
			   struct bundle *out, struct error *err)
{
	SCOPED(buf) struct buf printed = BUF(BUNDLE_TEXT_BYTES); /* wiped when released */
	const struct json *value = json_find(root, name);
	struct slice text = slice_of(json_text_value(value));

	if (!value)
		return 0;
	if (json_kind(value) == JSON_OBJECT) {
		json_print(value, false, &printed);
		text = buf_slice(&printed);
	}
	if (printed.overflowed)
		return bundle_refuse(reader, name, err, "longer than %d bytes", BUNDLE_TEXT_BYTES);
	if (check_text(reader, text, err) < 0)
		return -1;
	if (text.len && secret_copy(&out->extra_conf, text, err) < 0)
		return error_wrap(err, "%s: %s", reader->source, name);
	return 0;
}
