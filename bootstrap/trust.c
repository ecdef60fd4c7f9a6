#include "bootstrap/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "bootstrap/aws_store.h"
#include "common/file.h"

enum { KEY_FILE_MAX = 64 * 1024 };

/* Neither is mended by starting again. */
static int tell_unread(const char *path, const char *what, struct error *err)
{
	if (err->class == ERROR_NOT_FOUND)
		return error_set(err, ERROR_NOT_FOUND,
				 "%s: there is no such file: it holds %s (mayfly-reaper keygen "
				 "makes one)",
				 path, what);
	if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) < 0 && errno == EACCES)
		return error_set(err, ERROR_CONFIGURATION,
				 "%s: user %u may not read it: it holds %s: chown it to the user "
				 "that mayfly-bootstrap runs as, or name another file",
				 path, geteuid(), what);
	return -1;
}

int trust_signers(const struct trust_files *files, struct minisign_trusted *out, struct error *err)
{
	const char *path = files->trusted_keys;
	SCOPED(buf) struct buf text = BUF(KEY_FILE_MAX);

	/* Who can write it decides what this machine obeys. */
	if (file_read_trusted(path, &text, err) < 0)
		return tell_unread(path, "the public keys whose signatures are trusted", err);
	if (minisign_trusted_parse(buf_slice(&text), out, err) == 0)
		return 0;
	err->class = ERROR_CONFIGURATION;
	return error_wrap(err, "%s", path);
}

static int read_identities(const char *place, struct buf *out, struct error *err)
{
	static const char store[] = "aws-secretsmanager:";

	if (!strncmp(place, store, sizeof(store) - 1))
		return aws_store_secret(place + sizeof(store) - 1, out, err);
	if (file_read_private(place, out, err) < 0)
		return tell_unread(place, "the key that bundles are sealed for", err);
	return 0;
}

int trust_identities(const struct trust_files *files, struct age_identities *out, struct error *err)
{
	const char *path = files->image_key;
	SCOPED(buf) struct buf text = BUF(KEY_FILE_MAX); /* a buf is wiped when released */

	if (read_identities(path, &text, err) < 0)
		return -1;
	if (age_identities_parse(buf_slice(&text), out, err) == 0)
		return 0;
	if (err->class == ERROR_MALFORMED)
		err->class = ERROR_CONFIGURATION;
	return error_wrap(err, "%s", path);
}
