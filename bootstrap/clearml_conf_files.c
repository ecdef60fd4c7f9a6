#include <stdio.h>
#include <string.h>

#include "bootstrap/clearml_conf_part.h"
#include "common/base64.h"
#include "common/hocon_print.h"

/* As clearml-agent reads it: octal, behind its mark. */
static void add_place(struct json *file, const char *path, const char *mode)
{
	char text[16];

	snprintf(text, sizeof(text), "0o%s", mode + (mode[0] == '0'));
	json_add_text(file, "path", path);
	json_add_text(file, "mode", text);
}

/* clearml-agent decodes these itself, so that no byte has to go through its parser. */
static int add_base64(struct json *file, const struct secret *contents, struct error *err)
{
	SCOPED(secret) struct secret letters = { 0 };

	if (secret_alloc(&letters, base64_len(contents->len), err) < 0)
		return -1;
	base64_write(secret_expose(contents), BASE64_PLAIN, secret_fill(&letters));
	json_add_text(file, "format", "base64");
	json_add_text(file, "target_format", "bytes");
	return clearml_conf_add_secret(file, "contents", &letters, err);
}

static int add_file(struct json *files, const struct bundle_file *from, struct error *err)
{
	struct json *file = json_add_object(files, from->name);
	struct slice contents = secret_expose(&from->contents);

	add_place(file, from->path, from->mode);
	if (memchr(contents.len ? contents.ptr : "", '\0', contents.len) ||
	    hocon_text_fault(contents))
		return add_base64(file, &from->contents, err);
	return clearml_conf_add_secret(file, "contents", &from->contents, err);
}

/* clearml-agent 1.9 knows one login; git finds the others here, by libcurl. An entry takes three
 * lines, since libcurl reads lines of at most 4096 bytes. */
static void add_netrc(const struct bundle *bundle, struct json *files)
{
	SCOPED(buf) struct buf text = BUF(BUNDLE_TEXT_BYTES); /* wiped when released */

	for (size_t i = 1; i < bundle->git_count; i++) {
		const struct bundle_git *git = &bundle->git[i];

		buf_addf(&text, "machine %s\nlogin %s\npassword ", git->host, git->user);
		buf_add(&text, secret_expose(&git->token));
		buf_add(&text, slice_of("\n"));
	}
	if (!text.len)
		return;
	struct json *file = json_add_object(files, "mayfly_netrc");

	add_place(file, "~/.netrc", "0600");
	json_add_text(file, "contents", buf_text(&text));
}

int clearml_conf_add_files(const struct bundle *bundle, struct json *root, struct error *err)
{
	if (!bundle->file_count && bundle->git_count < 2)
		return 0;
	struct json *files = json_add_object(root, "files");

	for (size_t i = 0; i < bundle->file_count; i++)
		if (add_file(files, &bundle->files[i], err) < 0)
			return -1;
	add_netrc(bundle, files);
	return 0;
}
