#include "reaper/keygen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/age.h"
#include "common/file.h"
#include "common/minisign.h"
#include "reaper/session.h"

enum { PATH_ROOM = 512, NAME_ROOM = 128, KEY_FILE_BYTES = 1024, MOST_FILES = 3 };

struct key_files {
	char folder[PATH_ROOM]; /* absolute */
	bool has_image, has_signing;
	char image[NAME_ROOM], signing[NAME_ROOM], trusted[NAME_ROOM]; /* names in it */
	char recipient[AGE_RECIPIENT_ROOM], trusted_text[MINISIGN_PUBLIC_ROOM];
	char made[MOST_FILES][PATH_ROOM + NAME_ROOM]; /* so far: taken back on failure */
	size_t made_count;
};

/* ---- which ---- */

static int name_public(const char *signing, char out[static NAME_ROOM], struct error *err)
{
	SCOPED(buf) struct buf name = BUF(NAME_ROOM - 1);
	size_t len = strlen(signing);
	bool has_suffix = len > 4 && !strcmp(signing + len - 4, ".key");

	buf_addf(&name, "%.*s.pub", (int)(has_suffix ? len - 4 : len), signing);
	if (buf_finish(&name, err) < 0)
		return -1;
	text_cut(out, NAME_ROOM, buf_text(&name));
	return 0;
}

static int check_name(const char *name, struct error *err)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._-";

	if (*name == '.' || *name == '-' || name[strspn(name, allowed)] || strlen(name) >= 100)
		return error_set(err, ERROR_CONFIGURATION,
				 "--name: expected the name of a file in the folder, such as "
				 "image-2.key");
	return 0;
}

static int read_names(const struct command_line *line, struct key_files *out, struct error *err)
{
	const char *name = command_value(line, "--name", NULL);

	out->has_image = !command_has(line, "--signing") || command_has(line, "--image");
	out->has_signing = !command_has(line, "--image") || command_has(line, "--signing");
	text_cut(out->image, NAME_ROOM, name ? name : "image.key");
	text_cut(out->signing, NAME_ROOM, name ? name : "signing.key");
	text_cut(out->trusted, NAME_ROOM, "trusted.pub");
	if (!name)
		return 0;
	if (out->has_image && out->has_signing)
		return error_set(err, ERROR_CONFIGURATION,
				 "--name is for one pair: give --image or --signing with it");
	if (check_name(name, err) < 0)
		return -1;
	return out->has_signing ? name_public(name, out->trusted, err) : 0;
}

static int find_folder(const char *folder, char out[static PATH_ROOM], struct error *err)
{
	if (file_make_folder(folder, 0700, err) < 0)
		return -1;
	char *whole = realpath(folder, NULL);

	if (!whole)
		return error_errno(err, "find the folder %s", folder);
	int result = text_copy(out, PATH_ROOM, slice_of(whole), err);

	free(whole);
	return result < 0 ? error_wrap(err, "%s", folder) : 0;
}

/* ---- making ---- */

static void take_back(struct key_files *files)
{
	struct error err;

	while (files->made_count)
		if (file_remove(files->made[--files->made_count], &err) < 0)
			(void)session_complain(&err, EXIT_FAILED);
}

static int write_key(struct key_files *files, const char *name, struct slice bytes, mode_t mode,
		     struct error *err)
{
	char path[sizeof(files->made[0])];

	snprintf(path, sizeof(path), "%s/%s", files->folder, name);
	if (file_write_new(path, bytes, mode, err) == 0) {
		memcpy(files->made[files->made_count++], path, sizeof(path));
		return 0;
	}
	if (err->class != ERROR_CONFLICT)
		return -1;
	return error_set(err, ERROR_CONFIGURATION,
			 "%s is there already, and no key is overwritten: give another --folder, "
			 "or --name with --image or --signing",
			 path);
}

static int make_image(struct key_files *files, struct error *err)
{
	SCOPED(age_identities) struct age_identities identity = { 0 };
	SCOPED(secret) struct secret letters = { 0 };
	SCOPED(buf) struct buf text = BUF(KEY_FILE_BYTES);
	struct age_recipient recipient;

	if (age_identity_new(&identity, &recipient, err) < 0 ||
	    age_identity_print(&identity.keys[0], &letters, err) < 0)
		return -1;
	age_recipient_print(&recipient, files->recipient);
	buf_addf(&text, "# public key: %s\n", files->recipient);
	buf_add(&text, secret_expose(&letters));
	buf_addf(&text, "\n");
	return buf_finish(&text, err) < 0 ?
		       -1 :
		       write_key(files, files->image, buf_slice(&text), 0600, err);
}

static int make_signing(struct key_files *files, struct error *err)
{
	SCOPED(minisign_key) struct minisign_key key = { 0 };
	SCOPED(secret) struct secret text = { 0 };
	SCOPED(buf) struct buf public_text = BUF(KEY_FILE_BYTES);
	struct minisign_public public;

	if (minisign_key_new(&key, err) < 0 || minisign_key_print(&key, &text, err) < 0)
		return -1;
	minisign_key_public(&key, &public);
	minisign_public_text(&public, files->trusted_text);
	minisign_public_print(&public, &public_text);
	if (buf_finish(&public_text, err) < 0 ||
	    write_key(files, files->signing, secret_expose(&text), 0600, err) < 0)
		return -1;
	return write_key(files, files->trusted, buf_slice(&public_text), 0644, err);
}

static int make_all(struct key_files *files, struct error *err)
{
	if ((files->has_image && make_image(files, err) < 0) ||
	    (files->has_signing && make_signing(files, err) < 0)) {
		take_back(files);
		return -1;
	}
	return 0;
}

/* ---- what to do next ---- */

static void tell_files(const struct key_files *files)
{
	if (files->has_image)
		printf("%s/%s  secret, opens the machines' bundles: into their image, as "
		       "/etc/mayfly/image.key\n",
		       files->folder, files->image);
	if (files->has_signing)
		printf("%s/%s  public, whose tickets machines take: into their image, as "
		       "/etc/mayfly/trusted.pub (%s)\n"
		       "%s/%s  secret, signs tickets and bundles: stays with the reaper\n",
		       files->folder, files->trusted, files->trusted_text, files->folder,
		       files->signing);
}

/* Names of its own: there is another pair in use. */
static void tell_rotation(const struct key_files *files)
{
	const char *added = files->has_image ? files->image : files->trusted;

	printf("To change keys without downtime: append %s to the file in the image, and once the "
	       "machines have the new image\n",
	       added);
	if (files->has_image)
		printf("  add \"%s\" to recipients,\n", files->recipient);
	else
		printf("  write \"signing_key\": {\"file\": \"%s/%s\"},\n", files->folder,
		       files->signing);
	printf("then mayfly-reaper seal --config FILE --in bundle.json\n");
}

static void tell_next(const struct key_files *files)
{
	printf("In the configuration:\n");
	if (files->has_signing)
		printf("  \"signing_key\": {\"file\": \"%s/%s\"},\n", files->folder,
		       files->signing);
	if (files->has_image)
		printf("  \"recipients\": [\"%s\"],\n", files->recipient);
	printf("Then: mayfly-reaper seal --config FILE --in bundle.json --out bundle.age\n");
}

int keygen_run(const struct command_line *line)
{
	const char *folder = command_value(line, "--folder", NULL);
	struct key_files files = { 0 };
	struct error err;
	int status = session_prepare();

	if (status != EXIT_OK)
		return status;
	if (!folder) {
		(void)error_set(&err, ERROR_CONFIGURATION,
				"--folder is missing: where shall the keys lie?");
		return session_complain(&err, EXIT_USAGE);
	}
	if (read_names(line, &files, &err) < 0 || find_folder(folder, files.folder, &err) < 0 ||
	    make_all(&files, &err) < 0)
		return session_fail(&err);
	tell_files(&files);
	if (command_has(line, "--name"))
		tell_rotation(&files);
	else
		tell_next(&files);
	return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}
