#include "bootstrap/agent_ssh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"

enum { PATH_ROOM = 512, CONFIG_MAX = 4096 };

static int write_file(const char *folder, const char *name, struct slice bytes, struct error *err)
{
	char path[PATH_ROOM];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return file_write(path, bytes, 0600, err);
}

/* Never longer than the text and one more. */
static size_t settle_line_ends(struct slice text, char *out)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] != '\r' || (i + 1 < text.len && text.ptr[i + 1] != '\n'))
			out[len++] = text.ptr[i];
	if (len && out[len - 1] != '\n')
		out[len++] = '\n';
	return len;
}

static int write_key(const char *folder, const struct secret *key, struct error *err)
{
	SCOPED(secret) struct secret settled = { 0 };

	if (secret_alloc(&settled, key->len + 1, err) < 0)
		return -1;
	size_t len = settle_line_ends(secret_expose(key), (char *)secret_fill(&settled));

	return write_file(folder, "id", (struct slice){ secret_expose(&settled).ptr, len }, err);
}

static int write_known_hosts(const char *folder, const char *known_hosts, struct error *err)
{
	struct slice text = slice_of(known_hosts);
	SCOPED(buf) struct buf settled = BUF(text.len + 1);

	buf_add(&settled, text);
	if (text.len && text.ptr[text.len - 1] != '\n')
		buf_add(&settled, slice_of("\n"));
	return write_file(folder, "known_hosts", buf_slice(&settled), err);
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
	if (check_path(seen_at, err) < 0 || write_key(folder, &ssh->key, err) < 0 ||
	    write_config(folder, seen_at, ssh->known_hosts != NULL, err) < 0)
		return -1;
	return ssh->known_hosts ? write_known_hosts(folder, ssh->known_hosts, err) : 0;
}

void agent_ssh_command(const char *folder, char out[static AGENT_SSH_COMMAND])
{
	(void)snprintf(out, AGENT_SSH_COMMAND, "ssh -F '%s/config'", folder);
}
