#ifndef REAPER_SETTINGS_CHECK_CLOUD_H
#define REAPER_SETTINGS_CHECK_CLOUD_H

#include "reaper/settings/settings.h"

/*
 * check_cloud: are a resource's offerings what the cloud has: does each type
 * exist, start from the image, come as spot where that is asked for, and have
 * the GPUs that are promised; and what does spot cost. Where the cloud may not
 * be asked, that is told, and no failure.
 */

enum cloud_verdict { CLOUD_FINE, CLOUD_DOUBTFUL, CLOUD_WRONG };

/* what: "types of gpu", "spot prices of gpu". */
typedef void cloud_teller(enum cloud_verdict verdict, const char *what, const char *text,
			  void *context);

void check_cloud(const struct settings *settings, const struct resource *resource,
		 cloud_teller *tell, void *context);

#endif
