#include "reaper/seal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/envelope.h"
#include "common/file.h"
#include "reaper/bundle_proof.h"
#include "reaper/bundle_summary.h"
#include "reaper/session.h"

enum { OUT_ROOM = 512, NAME_ROOM = OUT_ROOM + 16, LIST_BYTES = 8192, SUMMARY_BYTES = 16384 };

struct sealing {
	struct settings settings; /* the prefix and the keys alone */
	const char *source; /* of the plain bundle, for messages */
	char out[OUT_ROOM];
	struct bundle bundle;
	struct buf plain, sealed, signature;
};

static void sealing_release(struct sealing *sealing)
{
	settings_release(&sealing->settings);
	bundle_release(&sealing->bundle);
	buf_release(&sealing->plain);
	buf_release(&sealing->sealed);
	buf_release(&sealing->signature);
}

/* ---- what is given ---- */

static int read_all(struct buf *out, struct error *err)
{
	char chunk[4096];
	ssize_t got = 1;

	while (got && !out->overflowed) {
		got = read(STDIN_FILENO, chunk, sizeof(chunk));
		if (got < 0 && errno != EINTR)
			break;
		if (got > 0)
			buf_add(out, (struct slice){ chunk, (size_t)got });
	}
	secret_wipe(chunk, sizeof(chunk));
	if (got < 0)
		return error_errno(err, "read standard input");
	return buf_finish(out, err) < 0 ? error_wrap(err, "standard input") : 0;
}

static int read_plain(const struct command_line *line, struct sealing *out, struct error *err)
{
	const char *in = command_value(line, "--in", NULL);

	out->source = in && strcmp(in, "-") != 0 ? in : "standard input";
	if (in && strcmp(in, "-") != 0)
		return file_read_private(in, &out->plain, err);
	if (!in && isatty(STDIN_FILENO))
		return error_set(err, ERROR_CONFIGURATION,
				 "--in is missing: the bundle, or - for standard input");
	return read_all(&out->plain, err);
}

static int add_recipient(struct settings *settings, struct slice word, struct error *err)
{
	if (settings->recipient_count == AGE_MAX_RECIPIENTS)
		return error_set(err, ERROR_CONFIGURATION, "more than %d", AGE_MAX_RECIPIENTS);
	if (age_recipient_parse(word, &settings->recipients[settings->recipient_count], err) < 0)
		return -1;
	settings->recipient_count++;
	return 0;
}

/* "age1...,age1...": instead of the configuration's. */
static int read_recipients(const char *list, struct settings *settings, struct error *err)
{
	size_t place = 1;

	settings->recipient_count = 0;
	for (const char *at = list; *at; place++) {
		size_t len = strcspn(at, ",");

		if (add_recipient(settings, (struct slice){ at, len }, err) < 0) {
			err->class = ERROR_CONFIGURATION;
			return error_wrap(err, "--recipient: number %zu", place);
		}
		at += len + (at[len] == ',');
	}
	return 0;
}

static int find_recipients(const struct command_line *line, struct settings *settings,
			   struct error *err)
{
	const char *list = command_value(line, "--recipient", NULL);

	if (list)
		return read_recipients(list, settings, err);
	if (settings->recipient_count)
		return 0;
	return error_set(err, ERROR_CONFIGURATION,
			 "%s: recipients is missing: whom shall the bundle be sealed to? Write "
			 "\"recipients\": [\"age1...\"], which `mayfly-reaper keygen` prints, or "
			 "give --recipient",
			 settings->path);
}

/* Beside the configuration, where its relative paths start too. */
static int find_out(const struct command_line *line, struct sealing *out, struct error *err)
{
	const char *config = session_config(line), *slash = strrchr(config, '/');
	const char *given = command_value(line, "--out", NULL);
	SCOPED(buf) struct buf path = BUF(OUT_ROOM - sizeof(".minisig"));

	if (given)
		buf_addf(&path, "%s", given);
	else
		buf_addf(&path, "%.*sbundle.age", slash ? (int)(slash + 1 - config) : 0, config);
	if (buf_finish(&path, err) < 0)
		return error_wrap(err, "--out");
	text_cut(out->out, sizeof(out->out), buf_text(&path));
	return 0;
}

/*
 * Only a sealed bundle makes way for a new one. The plain one under whatever
 * name, a key or the configuration would be the last copy gone, and /dev/stdout
 * the system's.
 */
static int refuse_other_file(const struct sealing *sealing, struct error *err)
{
	SCOPED(buf) struct buf there = BUF(ENVELOPE_BUNDLE_BYTES);
	struct error ignored;
	struct stat found;

	if (!strcmp(sealing->source, sealing->out))
		return error_set(err, ERROR_CONFIGURATION,
				 "--out is the plain bundle itself: give another name");
	if (lstat(sealing->out, &found) < 0 || (S_ISREG(found.st_mode) && !found.st_size))
		return 0;
	if (S_ISREG(found.st_mode) && file_read(sealing->out, &there, &ignored) == 0 &&
	    bundle_is_sealed(buf_slice(&there)))
		return 0;
	return error_set(err, ERROR_CONFIGURATION,
			 "--out: %s is there, and is no sealed bundle: remove it, or give another "
			 "name",
			 sealing->out);
}

static int check_prefix(const struct sealing *sealing, struct error *err)
{
	if (!strcmp(sealing->bundle.prefix, sealing->settings.prefix))
		return 0;
	return error_set(err, ERROR_CONFIGURATION,
			 "%s: its prefix is \"%.64s\", and that of %s is \"%s\": a bundle is for "
			 "one installation",
			 sealing->source, sealing->bundle.prefix, sealing->settings.path,
			 sealing->settings.prefix);
}

static int prepare(const struct command_line *line, struct sealing *out, struct error *err)
{
	if (settings_load_keys(session_config(line), (const char *const *)environ, &out->settings,
			       err) < 0 ||
	    find_recipients(line, &out->settings, err) < 0 || find_out(line, out, err) < 0 ||
	    read_plain(line, out, err) < 0 || refuse_other_file(out, err) < 0 ||
	    bundle_parse(buf_slice(&out->plain), out->source, &out->bundle, err) < 0)
		return -1;
	return check_prefix(out, err);
}

/* ---- what is made ---- */

static int seal(struct sealing *sealing, enum age_form form, struct error *err)
{
	const struct settings *settings = &sealing->settings;
	struct age_recipients recipients = { settings->recipients, settings->recipient_count };
	char comment[ENVELOPE_COMMENT_ROOM];

	envelope_comment(ENVELOPE_BUNDLE, settings->prefix, comment);
	if (age_seal(buf_slice(&sealing->plain), &recipients, form, &sealing->sealed, err) < 0)
		return error_wrap(err, "seal %s", sealing->source);
	if (buf_finish(&sealing->sealed, err) < 0 ||
	    minisign_sign(buf_slice(&sealing->sealed), &settings->signing_key, comment,
			  &sealing->signature, err) < 0 ||
	    buf_finish(&sealing->signature, err) < 0)
		return error_wrap(err, "sign %s", sealing->out);
	return 0;
}

/*
 * Neither file is a secret. Both are whole on the disk before one of them takes
 * its name: a disk that is full leaves the old pair. Whoever reads between the
 * two sees a signature that does not fit.
 */
static int write_both(const struct sealing *sealing, struct error *err)
{
	const struct {
		const char *end, *end_of_new;
		const struct buf *bytes;
	} files[] = { { ".minisig", ".minisig.sealing", &sealing->signature },
		      { "", ".sealing", &sealing->sealed } };
	char name[ARRAY_LEN(files)][NAME_ROOM], new_name[ARRAY_LEN(files)][NAME_ROOM];
	int result = 0;

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		snprintf(name[i], NAME_ROOM, "%s%s", sealing->out, files[i].end);
		snprintf(new_name[i], NAME_ROOM, "%s%s", sealing->out, files[i].end_of_new);
	}
	for (size_t i = 0; i < ARRAY_LEN(files) && !result; i++)
		result = file_write(new_name[i], buf_slice(files[i].bytes), 0644, err);
	for (size_t i = 0; i < ARRAY_LEN(files) && !result; i++)
		if (rename(new_name[i], name[i]) < 0)
			result = error_errno(err, "cannot write %s", name[i]);
	for (size_t i = 0; i < ARRAY_LEN(files) && result < 0; i++)
		(void)unlink(new_name[i]);
	return result;
}

static void tell(const struct sealing *sealing)
{
	SCOPED(buf) struct buf summary = BUF(SUMMARY_BYTES);
	char digest[HASH_SHA256_ROOM], recipient[AGE_RECIPIENT_ROOM];

	bundle_summary(&sealing->bundle, &summary);
	printf("%s", buf_text(&summary));
	for (size_t i = 0; i < sealing->settings.recipient_count; i++) {
		age_recipient_print(&sealing->settings.recipients[i], recipient);
		printf("%-12s %s\n", "sealed to", recipient);
	}
	hash_sha256(buf_slice(&sealing->sealed), digest);
	printf("%-12s %s\n", "sha256", digest);
	printf("%-12s %s (%zu bytes), %s.minisig\n", "written", sealing->out, sealing->sealed.len,
	       sealing->out);
	printf("Where bundle.source is https:// or file:/, publish the first of these two there, "
	       "under a new name:\na ticket names its bundle by this sha256, and machines of "
	       "earlier tickets may still be booting.\nA `mayfly-reaper watch` that runs hands "
	       "out what it began with: start it again.\n");
}

int seal_run(const struct command_line *line)
{
	SCOPED(sealing)
	struct sealing sealing = { .plain = BUF(BUNDLE_TEXT_BYTES),
				   .sealed = BUF(ENVELOPE_BUNDLE_BYTES),
				   .signature = BUF(ENVELOPE_SIGNATURE_BYTES) };
	enum age_form form = command_has(line, "--armor") ? AGE_ARMORED : AGE_BINARY;
	struct error err;
	int status = session_prepare();

	if (status != EXIT_OK)
		return status;
	if (prepare(line, &sealing, &err) < 0)
		return session_complain(&err, EXIT_USAGE);
	if (seal(&sealing, form, &err) < 0 || write_both(&sealing, &err) < 0)
		return session_fail(&err);
	tell(&sealing);
	return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}
