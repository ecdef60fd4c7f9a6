#include "bootstrap/agent_ssh.h"

#include <stdio.h>
#include <string.h>

#include "common/file.h"

enum { PATH_ROOM = 512, CONFIG_MAX = 4096 };

static int write_file(const char *folder, const char *name, struct slice bytes, struct error *err)
{
	char path[PATH_ROOM];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return file_write(path, bytes, 0600, err);
}

/* ssh's configuration knows quotes, and expands % and $ inside of them. */
static int check_path(const char *path, struct error *err)
{
	for (const char *byte = path; *byte; byte++)
		if ((unsigned char)*byte < ' ' || strchr("\"'\\%$", *byte))
			return error_set(err, ERROR_CONFIGURATION,
					 "%s: holds one of \" ' \\ %% $, which ssh would not take "
					 "as it stands",
					 path);
	return 0;
}

static int write_config(const char *folder, const char *seen_at, bool has_known_hosts,
			struct error *err)
{
	SCOPED(buf) struct buf text = BUF(CONFIG_MAX);

	buf_addf(&text,
		 "Host *\n"
		 "\tBatchMode yes\n"
		 "\tIdentityFile \"%s/id\"\n"
		 "\tIdentitiesOnly yes\n"
		 "\tUserKnownHostsFile \"%s/known_hosts\"\n"
		 "\tStrictHostKeyChecking %s\n",
		 seen_at, seen_at, has_known_hosts ? "yes" : "accept-new");
	if (buf_finish(&text, err) < 0)
		return -1;
	return write_file(folder, "config", buf_slice(&text), err);
}

int agent_ssh_write(const char *folder, const char *seen_at, const struct bundle_ssh *ssh,
		    struct error *err)
{
	if (check_path(seen_at, err) < 0 ||
	    write_file(folder, "id", secret_expose(&ssh->key), err) < 0 ||
	    write_config(folder, seen_at, ssh->known_hosts != NULL, err) < 0)
		return -1;
	if (!ssh->known_hosts)
		return 0;
	return write_file(folder, "known_hosts", slice_of(ssh->known_hosts), err);
}

void agent_ssh_command(const char *folder, char out[static AGENT_SSH_COMMAND])
{
	(void)snprintf(out, AGENT_SSH_COMMAND, "ssh -F '%s/config'", folder);
}
