#ifndef REAPER_IMPORT_IMPORT_PARTS_H
#define REAPER_IMPORT_IMPORT_PARTS_H

#include "common/json.h"

/* import_parts: texts of theirs as texts, or lists, of ours. Pure. */

enum { IMPORT_NAME_ROOM = 65, IMPORT_DURATION_ROOM = 32 };

/* A name that ours may be (letters, digits, _ . -): what is none becomes _, what is too long is
 * cut. True: it is another one now. */
bool import_clean_name(const char *text, char out[static IMPORT_NAME_ROOM]);

/* "15m", or "90s" where there is a part of a minute. */
void import_minutes(double minutes, char out[static IMPORT_DURATION_ROOM]);

/* What stands between separators (each character of them is one), blanks around it left out, empty
 * ones too, added to the list. */
void import_add_parts(const char *text, const char *separators, struct json *list);

/* "k=v, k2=v2" added to the object. False: a part has no = or an empty side, or a key is
 * there twice; it is left out. */
bool import_add_tags(const char *text, struct json *object);

#endif
