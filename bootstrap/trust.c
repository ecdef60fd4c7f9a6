#include "bootstrap/trust.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"

enum { KEY_FILE_MAX = 64 * 1024 };

/* Who can write it decides what this machine obeys. */
static int check_owner(const char *path, struct error *err)
{
	struct stat found;

	if (stat(path, &found) < 0)
		return error_errno(err, "%s", path);
	if (found.st_uid != 0 && found.st_uid != geteuid())
		return error_set(err, ERROR_CONFIGURATION,
				 "%s belongs to user %u: the keys that this machine trusts must be "
				 "root's or its own: chown them",
				 path, found.st_uid);
	if (found.st_mode & (S_IWGRP | S_IWOTH))
		return error_set(err, ERROR_CONFIGURATION,
				 "%s has mode %04o, so others may change whom this machine trusts: "
				 "chmod 644 it",
				 path, found.st_mode & 07777U);
	return 0;
}

static int tell_absent(const char *path, const char *what, struct error *err)
{
	if (err->class != ERROR_NOT_FOUND)
		return -1;
	return error_set(err, ERROR_NOT_FOUND,
			 "%s: there is no such file: it holds %s (mayfly-reaper keygen makes one)",
			 path, what);
}

int trust_signers(const struct trust_files *files, struct minisign_trusted *out, struct error *err)
{
	const char *path = files->trusted_keys;
	SCOPED(buf) struct buf text = BUF(KEY_FILE_MAX);

	if (file_read(path, &text, err) < 0)
		return tell_absent(path, "the public keys whose signatures are trusted", err);
	if (check_owner(path, err) < 0)
		return -1;
	if (minisign_trusted_parse(buf_slice(&text), out, err) == 0)
		return 0;
	err->class = ERROR_CONFIGURATION;
	return error_wrap(err, "%s", path);
}

int trust_identities(const struct trust_files *files, struct age_identities *out, struct error *err)
{
	const char *path = files->image_key;
	SCOPED(buf) struct buf text = BUF(KEY_FILE_MAX); /* a buf is wiped when released */

	if (file_read_private(path, &text, err) < 0)
		return tell_absent(path, "the key that bundles are sealed for", err);
	if (age_identities_parse(buf_slice(&text), out, err) == 0)
		return 0;
	if (err->class == ERROR_MALFORMED)
		err->class = ERROR_CONFIGURATION;
	return error_wrap(err, "%s", path);
}
