#ifndef REAPER_IMPORT_YAML_H
#define REAPER_IMPORT_YAML_H

#include "common/json.h"

/*
 * yaml: a YAML text as JSON, over libyaml (the only room that knows it). What
 * PyYAML's SafeLoader makes of a file that safe_dump() wrote is what comes out
 * (yaml_plain.h says what scalars are; a date stays a text). Names of members are
 * the words as they stand: 12 and on are "12" and "on".
 *
 * Read: one document, UTF-8, whose root is a mapping, nested at most 60 deep, of
 * at most YAML_VALUES values, those that aliases stand for counted each time.
 * Refused: a name twice, a name that is a list or a mapping, tags (!!python/...,
 * !secret), merge keys (<<), an alias within what it names, .inf and .nan, whole
 * numbers beyond 2^53. ERROR_MALFORMED, with line and column, and nothing of the
 * text but names.
 *
 * What the text holds may be secret: wipe *out (json_document_wipe). The scanner's own
 * buffers in libyaml are beyond us; they are freed when this returns.
 */

enum { YAML_VALUES = 5000 };

CHECKED int yaml_parse(struct slice text, struct json_document *out, struct error *err);

#endif
