#include <string.h>

#include "common/base64.h"
#include "common/bundle_reader.h"
#include "common/hocon_print.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

/* ---- variables ---- */

static bool is_variable_name(const char *name)
{
	static const char first[] = LETTERS "_", all[] = LETTERS DIGITS "_";

	return *name && strchr(first, *name) && !name[strspn(name, all)];
}

static int read_variable(const struct bundle_reader *reader, const struct json *member,
			 struct bundle_variable *out, struct error *err)
{
	struct slice value = slice_of(json_text_value(member));
	const char *fault = hocon_text_fault(value);
	struct error unfit = { 0 };

	if (!is_variable_name(json_name(member)) ||
	    text_copy(out->name, sizeof(out->name), slice_of(json_name(member)), &unfit) < 0)
		return bundle_refuse(reader, NULL, err,
				     "expected a name of at most %zu letters, digits and _, no "
				     "digit first",
				     sizeof(out->name) - 1);
	if (fault)
		return bundle_refuse(reader, NULL, err, "%s; a file (files) carries any bytes",
				     fault);
	if (secret_copy(&out->value, value, err) < 0)
		return error_wrap(err, "%s: %s", reader->source, reader->path);
	return 0;
}

static int read_environment(struct bundle_reader *reader, const struct json *root,
			    struct bundle *out, struct error *err)
{
	static const char name[] = "environment";
	const struct json *all = json_find(root, name);

	out->environment = memory_array(json_count(all), sizeof(*out->environment));
	for (const struct json *member = bundle_next_named(reader, name, all, NULL); member;
	     member = bundle_next_named(reader, name, all, member)) {
		/* Counted first, so that what was read of it is released too. */
		struct bundle_variable *variable = &out->environment[out->environment_count++];

		if (read_variable(reader, member, variable, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- files ---- */

static int check_name(const struct bundle_reader *reader, const char *name, struct error *err)
{
	static const char ours[] = "mayfly_", first[] = LETTERS, all[] = LETTERS DIGITS "_-";
	const size_t most = sizeof(((struct bundle_file *)NULL)->name) - 1;

	if (!*name || !strchr(first, *name) || name[strspn(name, all)] || strlen(name) > most)
		return bundle_refuse(reader, NULL, err,
				     "expected a name of at most %zu letters, digits, _ and -, a "
				     "letter first",
				     most);
	if (!strncmp(name, ours, strlen(ours)))
		return bundle_refuse(reader, NULL, err, "names that begin with %s are mayfly's",
				     ours);
	return 0;
}

static bool ends_in(const char *path, const char *name)
{
	size_t len = strlen(path), tail = strlen(name);

	return len >= tail && !strcmp(path + len - tail, name);
}

static int check_path(const struct bundle_reader *reader, const struct bundle *bundle,
		      const char *path, struct error *err)
{
	static const char member[] = "path";

	if (strpbrk(path, "$"))
		return bundle_refuse(reader, member, err,
				     "holds a $, which clearml-agent would replace: write the "
				     "path out");
	if (ends_in(path, "/") || ends_in(path, "/.") || ends_in(path, "/.."))
		return bundle_refuse(reader, member, err, "is a folder's: expected a file's");
	/* In docker mode the agent hands these to docker as paths of the host. */
	if (ends_in(path, "/.gitconfig") || ends_in(path, "/.git-credentials"))
		return bundle_refuse(reader, member, err,
				     "in docker mode clearml-agent would mount the host's file of "
				     "this name: use git for logins, variables such as "
				     "GIT_CONFIG_COUNT for settings");
	if (bundle->git_count > 1 && ends_in(path, "/.netrc"))
		return bundle_refuse(reader, member, err,
				     "is where git's further logins are: give them all in git");
	for (size_t i = 0; i + 1 < bundle->file_count; i++)
		if (!strcmp(bundle->files[i].path, path))
			return bundle_refuse(reader, member, err, "is that of files.%s already",
					     bundle->files[i].name);
	return 0;
}

static int read_bytes(const struct bundle_reader *reader, const char *letters, struct secret *out,
		      struct error *err)
{
	SCOPED(secret) struct secret room = { 0 };
	struct error why = { 0 };
	size_t len = 0;

	if (!*letters)
		return 0;
	if (secret_alloc(&room, strlen(letters) / 4 * 3 + 2, err) < 0)
		return -1;
	if (base64_read(slice_of(letters), BASE64_PADDED, secret_fill(&room), &len, &why) < 0)
		return bundle_refuse(reader, "base64", err,
				     "is no base64 in one piece: %s (base64 -w0 FILE writes it)",
				     why.message);
	if (!len)
		return 0;
	return secret_copy(out, (struct slice){ secret_expose(&room).ptr, len }, err);
}

static int read_contents(const struct bundle_reader *reader, const struct json *from,
			 struct secret *out, struct error *err)
{
	const char *text = json_text_or(from, "contents", NULL);
	const char *letters = json_text_or(from, "base64", NULL);

	if (!text == !letters)
		return bundle_refuse(reader, NULL, err,
				     "expected either contents (a text) or base64 (any bytes)");
	if (letters)
		return read_bytes(reader, letters, out, err);
	return bundle_read_secret(reader, from, "contents", out, err);
}

static int read_file(const struct bundle_reader *reader, const struct json *from,
		     struct bundle *bundle, struct error *err)
{
	struct bundle_file *out = &bundle->files[bundle->file_count++];

	if (check_name(reader, json_name(from), err) < 0)
		return -1;
	text_cut(out->name, sizeof(out->name), json_name(from));
	text_cut(out->mode, sizeof(out->mode), json_text_or(from, "mode", "0600"));
	if (bundle_read_line(reader, from, "path", out->path, sizeof(out->path), err) < 0 ||
	    check_path(reader, bundle, out->path, err) < 0)
		return -1;
	return read_contents(reader, from, &out->contents, err);
}

static int read_files(struct bundle_reader *reader, const struct json *root, struct bundle *out,
		      struct error *err)
{
	static const char name[] = "files";
	const struct json *all = json_find(root, name);

	out->files = memory_array(json_count(all), sizeof(*out->files));
	for (const struct json *member = bundle_next_named(reader, name, all, NULL); member;
	     member = bundle_next_named(reader, name, all, member))
		if (read_file(reader, member, out, err) < 0)
			return -1;
	return 0;
}

int bundle_read_task(struct bundle_reader *reader, const struct json *root, struct bundle *out,
		     struct error *err)
{
	if (read_environment(reader, root, out, err) < 0)
		return -1;
	return read_files(reader, root, out, err);
}
