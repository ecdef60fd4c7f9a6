#ifndef REAPER_PROVIDERS_LOCAL_LAUNCH_H
#define REAPER_PROVIDERS_LOCAL_LAUNCH_H

#include "reaper/providers/provider.h"

/*
 * local_launch: takes the slot's lock, makes the machine's folder with
 * instance.json and user-data, and starts `mayfly-bootstrap keeper`, which
 * inherits the lock and is told where the keys of an image are. As struct provider's launch. Sweeps
 * old folders of the same slot: ended more than a day ago, and not its newest occupants.
 */
CHECKED int local_launch(const struct launch *launch, char id[static TICKET_FIELD_ROOM],
			 struct error *err);

#endif
