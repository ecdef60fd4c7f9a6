#ifndef REAPER_SETTINGS_CHECK_CLOUD_H
#define REAPER_SETTINGS_CHECK_CLOUD_H

#include "reaper/settings/settings.h"

/* check_cloud: what a resource's offerings are worth there, as the cloud itself says. */

enum cloud_verdict { CLOUD_FINE, CLOUD_DOUBTFUL, CLOUD_WRONG };

/* what: "spot prices of gpu". */
typedef void cloud_teller(enum cloud_verdict verdict, const char *what, const char *text,
			  void *context);

void check_cloud(const struct resource *resource, cloud_teller *tell, void *context);

#endif
