#ifndef BOOTSTRAP_AGENT_HOME_H
#define BOOTSTRAP_AGENT_HOME_H

#include <sys/types.h>

#include "common/bundle.h"

/*
 * agent_home: in host mode clearml-agent writes the bundle's files into the home of its
 * seat, and the logins of further git hosts into ~/.netrc there. The home lies on the disk, with
 * caches of gigabytes. So what will be secret is a link into the seat's room on tmpfs
 * (agent_room.h), through which the agent writes; when the room goes, so do the contents. ~/.netrc
 * always is such a link: tools that log in leave their tokens there, too.
 *
 * The home belongs to the agent's user, and an earlier task may have laid links of its own there:
 * none is followed.
 */

/* ERROR_CONFIGURATION: a file that is not below ~/, which would stay on this computer. */
CHECKED int agent_home_check(const struct bundle *bundle, struct error *err);

/* home and files are folders. Links and folders on their way are made the owner's. */
CHECKED int agent_home_link(const char *home, const char *files, const struct bundle *bundle,
			    uid_t uid, gid_t gid, struct error *err);

#endif
