#ifndef REAPER_IMPORT_IMPORT_BUNDLE_H
#define REAPER_IMPORT_IMPORT_BUNDLE_H

#include "common/secret.h"
#include "reaper/import/import_source.h"

/*
 * import_bundle: theirs' git login and extra clearml.conf, with ClearML's keys, as a
 * bundle (templates/bundle.schema.json) for mayfly-reaper seal.
 */

/* ClearML's keys; access_key NULL: none were found, and the bundle says so by having none. */
struct import_clearml {
	const char *access_key;
	const struct secret *secret_key;
};

/* Appends the bundle's text, checked (common/bundle.h): what is not taken there is
 * ERROR_CONFIGURATION, with its place. */
CHECKED int import_bundle(const struct import_source *source, const char *prefix,
			  const struct import_clearml *clearml, struct buf *out,
			  struct import_notes *notes, struct error *err);

/* Is there anything of theirs that belongs into one? */
bool import_has_bundle(const struct import_source *source);

#endif
