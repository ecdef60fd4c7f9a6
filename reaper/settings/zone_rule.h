#ifndef REAPER_SETTINGS_ZONE_RULE_H
#define REAPER_SETTINGS_ZONE_RULE_H

#include "reaper/settings/zone.h"

/*
 * zone_rule: the rule of summer time at the end of a zone's file, as POSIX
 * writes it for TZ: "CET-1CEST,M3.5.0,M10.5.0/3". Pure. Private to zone.c.
 */

enum { ZONE_MOST_OFFSET_S = 26 * 3600 };

CHECKED int zone_rule_parse(struct slice text, struct zone_rule *out, struct error *err);
int64_t zone_rule_offset(const struct zone_rule *rule, int64_t at_s, int64_t *until_s);

#endif
