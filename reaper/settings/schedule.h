#ifndef REAPER_SETTINGS_SCHEDULE_H
#define REAPER_SETTINGS_SCHEDULE_H

#include "reaper/settings/settings.h"

/*
 * schedule: weekly windows in the local time of a zone, summer time included,
 * as UTC spans. The rules of zones are the system's (package tzdata), read by
 * the C library. Never kills: a window that ends takes the minimum away, and
 * machines idle out.
 */

/* Is there such a zone, and can it be read? ERROR_CONFIGURATION says what to do. */
CHECKED int schedule_check_zone(const char *zone, struct error *err);

/* The minimum that holds at now_s: the greatest of min_instances and the open windows'. */
unsigned schedule_minimum(const struct resource *resource, int64_t now_s);

/* When a machine in this slot does not idle out, from from_s to until_s: sorted, joined spans;
 * owned by the caller. A slot below min_instances: one span over all. */
size_t schedule_hold(const struct resource *resource, unsigned slot, int64_t from_s,
		     int64_t until_s, struct ticket_span **out);

#endif
