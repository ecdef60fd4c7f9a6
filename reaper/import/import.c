#include "reaper/import/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/bundle.h"
#include "common/file.h"
#include "reaper/import/import_bundle.h"
#include "reaper/import/import_config.h"
#include "reaper/import/import_print.h"
#include "reaper/session.h"
#include "reaper/settings/clearml_keys.h"

enum { OUT_BYTES = 4 << 20 };

struct import {
	const char *file, *bundle_file, *given_prefix; /* the last two: NULL: not given */
	struct import_source *source; /* owned; large */
	struct import_notes notes;
	char prefix[IMPORT_NAME_ROOM];
	struct json_document config;
	struct buf config_text, bundle_text;
};

static void import_release(struct import *import)
{
	import_source_release(import->source);
	free(import->source);
	import_notes_release(&import->notes);
	json_document_wipe(&import->config);
	buf_release(&import->config_text);
	buf_release(&import->bundle_text);
}

/* ---- what is given ---- */

static int read_options(const struct command_line *line, struct import *out, struct error *err)
{
	char clean[IMPORT_NAME_ROOM];

	out->file = command_value(line, "FILE", NULL);
	out->bundle_file = command_value(line, "--bundle", NULL);
	out->given_prefix = command_value(line, "--prefix", NULL);
	if (!out->file)
		return error_set(err, ERROR_CONFIGURATION,
				 "FILE is missing: aws_autoscaler.yaml, or the JSON that ClearML's "
				 "AWS Autoscaler exports");
	if (out->given_prefix && import_clean_name(out->given_prefix, clean))
		return error_set(err, ERROR_CONFIGURATION,
				 "--prefix: expected 1 to 64 letters, digits, _ . or -");
	return 0;
}

static int read_source(struct import *import, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(IMPORT_TEXT_BYTES);

	if (file_read(import->file, &text, err) < 0)
		return -1;
	if (import_source_read(buf_slice(&text), import->source, &import->notes, err) < 0)
		return error_wrap(err, "%s", import->file);
	return 0;
}

/* ---- what is made ---- */

#define HEAD                                                                                       \
	"Configuration of mayfly-reaper, made by mayfly-reaper import from %s. Read it, then try " \
	"it with mayfly-reaper check --config FILE."
#define UNVERIFIED                                                                             \
	"UNVERIFIED: the form of that JSON is known by its documentation alone. Compare this " \
	"with "                                                                                \
	"the app's form, field by field."

static void print_config(struct import *import)
{
	SCOPED(buf) struct buf head = BUF(1024);

	buf_addf(&head, HEAD,
		 import->source->is_app ? "the JSON that ClearML's AWS Autoscaler exports" :
					  "ClearML's aws_autoscaler.yaml");
	if (import->source->is_app)
		buf_addf(&head, " %s", UNVERIFIED);
	import_print(import->config.root, buf_text(&head), &import->notes, &import->config_text);
}

static int make_config(struct import *import, struct error *err)
{
	import_prefix(import->source, import->given_prefix, &import->notes, import->prefix);
	if (import_config(import->source, import->prefix, &import->config, &import->notes, err) < 0)
		return error_wrap(err, "%s", import->file);
	return 0;
}

static void note_no_bundle(struct import *import)
{
	if (import_has_bundle(import->source))
		import_note(&import->notes, IMPORT_WARNING, "",
			    "git_user, git_pass and the additional clearml.conf are left out: "
			    "secrets do not belong here. import --bundle FILE writes them into a "
			    "bundle for mayfly-reaper seal");
}

/* ClearML's own keys, as the reaper finds them; without them the bundle is made all the same. */
static int make_bundle(struct import *import, struct error *err)
{
	SCOPED(clearml_keys) struct clearml_keys keys = { 0 };
	struct settings_text text = { .path = import->file,
				      .environment = (const char *const *)environ };
	struct import_clearml clearml = { NULL, NULL };

	if (clearml_keys_find(&text, NULL, &keys, err) == 0)
		clearml = (struct import_clearml){ keys.access_key, &keys.secret_key };
	else
		import_note(&import->notes, IMPORT_WARNING, "",
			    "the bundle is not complete: ClearML's keys were found nowhere. Add "
			    "\"clearml\": {\"access_key\": ..., \"secret_key\": ...} to it");
	if (import_bundle(import->source, import->prefix, &clearml, &import->bundle_text,
			  &import->notes, err) < 0)
		return error_wrap(err, "what %s says for the bundle cannot be carried",
				  import->file);
	return 0;
}

static int write_bundle(struct import *import, struct error *err)
{
	if (file_write_new(import->bundle_file, buf_slice(&import->bundle_text), 0600, err) == 0)
		return 0;
	if (err->class == ERROR_CONFLICT)
		err->class = ERROR_CONFIGURATION;
	return error_wrap(err, "--bundle");
}

/* What the operator must still do before mayfly-reaper takes it; the first such thing. */
static void note_unfinished(struct import *import)
{
	static const char *const no_environment[] = { NULL };
	struct settings settings = { 0 };
	struct error err;

	if (settings_parse_shape(buf_slice(&import->config_text), "it", no_environment, &settings,
				 &err) < 0)
		import_note(&import->notes, IMPORT_WARNING, "",
			    "what is printed is not a whole configuration yet: %s", err.message);
	settings_release(&settings);
}

static int make_all(struct import *import, struct error *err)
{
	if (read_source(import, err) < 0)
		return -1;
	if (make_config(import, err) < 0)
		return -1;
	if (!import->bundle_file)
		note_no_bundle(import);
	else if (make_bundle(import, err) < 0)
		return -1;
	print_config(import);
	if (buf_finish(&import->config_text, err) < 0)
		return error_wrap(err, "print the configuration");
	note_unfinished(import);
	return import->bundle_file ? write_bundle(import, err) : 0;
}

static int tell(const struct import *import)
{
	printf("%s", buf_text(&import->config_text));
	if (import->source->is_app)
		fprintf(stderr, "mayfly-reaper: import: %s\n", UNVERIFIED);
	for (size_t i = 0; i < import->notes.count; i++) {
		const struct import_note *note = &import->notes.notes[i];

		if (note->weight == IMPORT_WARNING)
			fprintf(stderr, "mayfly-reaper: import: %s%s%s\n", note->at,
				*note->at ? ": " : "", note->text);
	}
	return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

int import_run(const struct command_line *line)
{
	SCOPED(import)
	struct import import = { .source = memory_array(1, sizeof(*import.source)),
				 .config_text = BUF(OUT_BYTES),
				 .bundle_text = BUF(BUNDLE_TEXT_BYTES) };
	struct error err;
	int status = session_prepare();

	if (status != EXIT_OK)
		return status;
	if (read_options(line, &import, &err) < 0)
		return session_complain(&err, EXIT_USAGE);
	if (make_all(&import, &err) < 0)
		return session_fail(&err);
	return tell(&import);
}
