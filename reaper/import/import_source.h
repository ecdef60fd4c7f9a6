#ifndef REAPER_IMPORT_IMPORT_SOURCE_H
#define REAPER_IMPORT_IMPORT_SOURCE_H

#include "reaper/import/import_key.h"
#include "reaper/import/import_notes.h"

/*
 * import_source: a configuration of ClearML's autoscalers, of either form, as values by key.
 * aws_autoscaler.yaml has hyper_params and configurations, in YAML or JSON. Anything else in JSON
 * is taken for what the app exports, whose form is known by its documentation alone: fields
 * are found by their labels, in panels or not, as members or as {"name": ..., "value": ...}.
 * What is not known is noted, each.
 */

enum {
	IMPORT_TEXT_BYTES = 1024 * 1024,
	IMPORT_MAX_RESOURCES = 64,
	IMPORT_MAX_QUEUES = 32,
	IMPORT_PLACE_ROOM = 160
};

/* Borrowed from the document. NULL: not given, or given as null or as an empty text. */
struct import_values {
	const struct json *by_key[IMPORT_KEY_COUNT];
	char place[IMPORT_PLACE_ROOM]; /* where they stand, for notes: "resource_configurations.gpu"
					*/
};

struct import_resource {
	const char *name; /* theirs; NULL: none was given */
	const char *queues[IMPORT_MAX_QUEUES];
	size_t queue_count;
	double max_instances; /* negative: not said */
	struct import_values values;
};

struct import_source {
	struct json_document document; /* has secrets in it */
	bool is_app;
	struct import_values values;
	struct import_resource resources[IMPORT_MAX_RESOURCES]; /* as a queue prefers them */
	size_t resource_count;
};

/* Into *out, which is all zero. ERROR_MALFORMED when the text is neither YAML nor JSON, or
 * neither form, with line and column where there is one. */
CHECKED int import_source_read(struct slice text, struct import_source *out,
			       struct import_notes *notes, struct error *err);
void import_source_release(struct import_source *source); /* wipes */

/* Where a key stands: "resource_configurations.gpu.ami_id"; the script's name or the form's label.
 */
void import_name(const struct import_source *source, const struct import_values *values,
		 enum import_key key, char out[static IMPORT_PLACE_ROOM]);

/* One value. NULL, or false, where it is not given, or is of another kind, which is noted then. A
 * number or a truth may also be written as a text. */
const char *import_text(const struct import_source *source, const struct import_values *values,
			enum import_key key, struct import_notes *notes);
bool import_number(const struct import_source *source, const struct import_values *values,
		   enum import_key key, struct import_notes *notes, double *out);
bool import_flag(const struct import_source *source, const struct import_values *values,
		 enum import_key key, struct import_notes *notes);

#endif
