#ifndef REAPER_IMPORT_YAML_PLAIN_H
#define REAPER_IMPORT_YAML_PLAIN_H

#include "common/json.h"

/*
 * yaml_plain: what a YAML scalar without quotes and tag is, by YAML 1.1 as
 * PyYAML's SafeLoader reads it (yaml.org/type/{null,bool,int,float}.html): yes
 * and off are booleans, 0x1f, 0b11, 017, 1_000 and 1:30 (90) are numbers, 1e3
 * is a text (a float has a dot). Pure.
 */

struct yaml_plain {
	enum json_kind kind; /* JSON_NULL, JSON_BOOL, JSON_NUMBER, or JSON_TEXT for all the rest */
	bool flag; /* of JSON_BOOL */
	double number; /* of JSON_NUMBER; .inf and .nan are what they say */
};

/* text has no NUL in it. */
struct yaml_plain yaml_plain_read(const char *text);

#endif
