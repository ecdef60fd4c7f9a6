#include "reaper/import/import_bundle.h"

#include <string.h>

#include "common/bundle.h"

static const enum import_key confs[] = { IMPORT_EXTRA_TRAINS_CONF, IMPORT_EXTRA_CONF };

static void add_clearml(struct json *root, const struct import_clearml *clearml)
{
	struct json *keys = json_add_object(root, "clearml");

	json_add_text(keys, "access_key", clearml->access_key);
	json_add_text(keys, "secret_key", secret_text(clearml->secret_key));
}

static void add_git(const struct import_source *source, struct json *root,
		    struct import_notes *notes)
{
	const char *user = import_text(source, &source->values, IMPORT_GIT_USER, notes);
	const char *token = import_text(source, &source->values, IMPORT_GIT_PASS, notes);

	if (!user && !token)
		return;
	if (!user || !token) {
		import_note(notes, IMPORT_WARNING, "",
			    "%s is given without the other of git_user and git_pass: left out of "
			    "the bundle",
			    user ? "git_user" : "git_pass");
		return;
	}
	struct json *git = json_add_object(root, "git");
	json_add_text(git, "user", user);
	json_add_text(git, "token", token);
	import_note(notes, IMPORT_WARNING, "",
		    "the bundle's git login is offered to any host that a task names: add "
		    "\"host\" to it");
}

static void add_conf(const struct import_source *source, struct json *root,
		     struct import_notes *notes)
{
	SCOPED(buf) struct buf text = BUF(IMPORT_TEXT_BYTES);

	for (size_t i = 0; i < ARRAY_LEN(confs); i++) {
		const char *one = import_text(source, &source->values, confs[i], notes);

		if (one)
			buf_addf(&text, "%s\n", one);
	}
	if (text.len)
		json_add_text(root, "extra_conf", buf_text(&text));
}

static void build(const struct import_source *source, const char *prefix,
		  const struct import_clearml *clearml, struct json_document *out,
		  struct import_notes *notes)
{
	json_new_object(out);
	json_add_text(out->root, "prefix", prefix);
	if (clearml->access_key)
		add_clearml(out->root, clearml);
	add_git(source, out->root, notes);
	add_conf(source, out->root, notes);
}

static int check(struct slice text, struct error *err)
{
	SCOPED(bundle) struct bundle read = { 0 };

	return bundle_parse(text, "the bundle", &read, err);
}

/* The rest of it is looked at also where the keys are missing. */
static int check_without_keys(const struct json_document *bundle, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(BUNDLE_TEXT_BYTES);
	struct json_document whole;
	struct json *keys;

	json_new_object(&whole);
	keys = json_add_object(whole.root, "clearml");
	json_add_text(keys, "access_key", "none");
	json_add_text(keys, "secret_key", "none");
	for (const struct json *one = json_first(bundle->root); one; one = json_next(one))
		json_add_copy(whole.root, json_name(one), one);
	json_print(whole.root, true, &text);
	json_document_wipe(&whole);
	return buf_finish(&text, err) < 0 ? -1 : check(buf_slice(&text), err);
}

int import_bundle(const struct import_source *source, const char *prefix,
		  const struct import_clearml *clearml, struct buf *out, struct import_notes *notes,
		  struct error *err)
{
	struct json_document bundle;

	build(source, prefix, clearml, &bundle, notes);
	json_print(bundle.root, true, out);
	buf_add(out, slice_of("\n"));
	int result = buf_finish(out, err);
	if (!result)
		result = clearml->access_key ? check(buf_slice(out), err) :
					       check_without_keys(&bundle, err);
	json_document_wipe(&bundle);
	return result;
}

bool import_has_bundle(const struct import_source *source)
{
	const struct json *const *values = source->values.by_key;

	return values[IMPORT_GIT_USER] || values[IMPORT_GIT_PASS] || values[IMPORT_EXTRA_CONF] ||
	       values[IMPORT_EXTRA_TRAINS_CONF];
}
