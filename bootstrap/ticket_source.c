#include "bootstrap/ticket_source.h"

#include <stdio.h>

#include "bootstrap/metadata.h"
#include "common/file.h"

enum { SOURCE_ROOM = MACHINE_PATH_ROOM + 16 };

int ticket_source_read(const struct machine *machine, struct buf *out, char source[static SOURCE_ROOM],
		   struct error *err)
{
	const char *provider = machine->identity.provider;

	(void)snprintf(source, SOURCE_ROOM, "%s/user-data", machine->folder);
	if (file_read_private(source, out, err) == 0)
		return 0;
	if (err->class != ERROR_NOT_FOUND || !metadata_has(provider))
		return -1;
	(void)snprintf(source, SOURCE_ROOM, "the user data of this instance");
	return metadata_user_data(provider, out, err);
}
