#include "reaper/who.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

void who_am_i(char out[static WHO_ROOM])
{
	struct passwd room, *found = NULL;
	char texts[4096], host[65] = "";

	(void)gethostname(host, sizeof(host) - 1);
	if (getpwuid_r(getuid(), &room, texts, sizeof(texts), &found) == 0 && found)
		(void)snprintf(out, WHO_ROOM, "%.50s on %.60s", found->pw_name, host);
	else
		(void)snprintf(out, WHO_ROOM, "user %u on %.60s", (unsigned)getuid(), host);
}
