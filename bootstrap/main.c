#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bootstrap/check.h"
#include "bootstrap/control.h"
#include "bootstrap/keep.h"
#include "bootstrap/keeper.h"
#include "bootstrap/status.h"
#include "common/command.h"
#include "common/json.h"

enum { ASK_TIMEOUT_MS = 30000 };

static const char default_folder[] = "/var/lib/mayfly";

static const char *folder_of(const struct command_line *line)
{
	return command_value(line, "--folder", default_folder);
}

static int complain(const char *what, const struct error *err, int exit_status)
{
	fprintf(stderr, "mayfly-bootstrap %s: %s\n", what, err->message);
	return exit_status;
}

static struct trust_files trust_of(const struct command_line *line)
{
	return (struct trust_files){
		.trusted_keys = command_value(line, "--trusted-keys", TRUST_TRUSTED_KEYS),
		.image_key = command_value(line, "--image-key", TRUST_IMAGE_KEY),
	};
}

/* 0 when it was not given. */
static int lock_fd_of(const struct command_line *line, int *out, struct error *err)
{
	const char *text = command_value(line, "--lock-fd", "0");
	char *end;
	long number = strtol(text, &end, 10);

	if (*end || end == text || number < 0 || number > 65535)
		return error_set(err, ERROR_CONFIGURATION,
				 "--lock-fd: expected a descriptor's number, got \"%s\"", text);
	*out = (int)number;
	return 0;
}

static int run(const struct command_line *line)
{
	const struct supervisor_options options = {
		.folder = folder_of(line),
		.provider = command_value(line, "--provider", "local"),
		.trust = trust_of(line),
		.instance = getenv("MAYFLY_INSTANCE"),
		.powers_off = command_has(line, "--power-off"),
		.is_draining = command_has(line, "--drain"),
		.boot_guard = command_value(line, "--boot-guard", NULL),
	};
	struct error err;
	int lock_fd;

	if (lock_fd_of(line, &lock_fd, &err) < 0)
		return complain("run", &err, EXIT_USAGE);
	/* Its host is somebody's. */
	if (options.powers_off && !strcmp(options.provider, "local")) {
		(void)error_set(&err, ERROR_CONFIGURATION,
				"--power-off: provider local never powers off: leave it out");
		return complain("run", &err, EXIT_USAGE);
	}
	/* The slot's lock is only held, by being open: child.h hands it to nobody. */
	return supervisor_run(&options);
}

static int keeper(const struct command_line *line)
{
	struct keeper_options options = {
		.folder = folder_of(line),
		.trust = trust_of(line),
		.instance = getenv("MAYFLY_INSTANCE"),
	};
	struct error err;

	if (lock_fd_of(line, &options.lock_fd, &err) < 0)
		return complain("keeper", &err, EXIT_USAGE);
	return keeper_run(&options);
}

/* Prints what was done, or why not. */
static int tell(const char *what, const struct command_line *line,
		const struct control_command *command)
{
	SCOPED(json_document) struct json_document document = { 0 };
	SCOPED(buf) struct buf answer = BUF(CONTROL_ANSWER_MAX);
	struct error err;

	if (control_ask(folder_of(line), command, ASK_TIMEOUT_MS, &answer, &err) < 0 ||
	    json_parse(buf_slice(&answer), &document, &err) < 0)
		return complain(what, &err, EXIT_FAILED);
	const char *refusal = json_text_or(document.root, "error", NULL);

	if (refusal) {
		fprintf(stderr, "mayfly-bootstrap %s: %s\n", what, refusal);
		return EXIT_FAILED;
	}
	puts(json_text_or(document.root, "done", "done"));
	return EXIT_OK;
}

static int drain(const struct command_line *line)
{
	return tell("drain", line, &(struct control_command){ .verb = CONTROL_DRAIN });
}

static int leave_now(const struct command_line *line)
{
	return tell("leave", line, &(struct control_command){ .verb = CONTROL_LEAVE });
}

static int read_keep(const struct command_line *line, struct control_command *out,
		     struct error *err)
{
	const char *span = command_value(line, "--for", NULL);
	const char *until = command_value(line, "--until", NULL);
	bool is_off = command_has(line, "--off");

	if (!!span + !!until + is_off != 1)
		return error_set(err, ERROR_CONFIGURATION,
				 "expected one of --for SPAN, --until TIME, --off");
	out->verb = span ? CONTROL_KEEP_FOR : until ? CONTROL_KEEP_UNTIL : CONTROL_KEEP_OFF;
	if (span)
		return keep_parse_span(slice_of(span), &out->seconds, err);
	return until ? keep_parse_until(slice_of(until), &out->seconds, err) : 0;
}

static int keep(const struct command_line *line)
{
	struct control_command command = { .verb = CONTROL_KEEP_OFF };
	struct error err;

	if (read_keep(line, &command, &err) < 0)
		return complain("keep", &err, EXIT_USAGE);
	return tell("keep", line, &command);
}

/* A machine that is not there any more may have left a word. */
static int show_end(const struct command_line *line, const struct error *why)
{
	char reason[24];
	struct error err;
	int exit_status;

	if (leave_read(folder_of(line), &exit_status, reason, &err) < 0)
		return complain("status", why, EXIT_FAILED);
	if (command_has(line, "--json"))
		printf("{\"phase\": \"left\", \"reason\": \"%s\", \"exit_status\": %d}\n", reason,
		       exit_status);
	else
		printf("%s: left, because: %s; exit status %d\n", folder_of(line), reason,
		       exit_status);
	return EXIT_OK;
}

static int status(const struct command_line *line)
{
	SCOPED(buf) struct buf answer = BUF(CONTROL_ANSWER_MAX);
	SCOPED(buf) struct buf text = BUF(CONTROL_ANSWER_MAX);
	const struct control_command command = { .verb = CONTROL_STATUS };
	struct error err;

	if (control_ask(folder_of(line), &command, ASK_TIMEOUT_MS, &answer, &err) < 0)
		return err.class == ERROR_NOT_FOUND ? show_end(line, &err) :
						      complain("status", &err, EXIT_FAILED);
	if (command_has(line, "--json")) {
		(void)fputs(buf_text(&answer), stdout);
		return EXIT_OK;
	}
	if (status_text(buf_slice(&answer), &text, &err) < 0)
		return complain("status", &err, EXIT_FAILED);
	(void)fputs(buf_text(&text), stdout);
	return EXIT_OK;
}

static int check(const struct command_line *line)
{
	const struct trust_files trust = trust_of(line);

	return check_run(folder_of(line), command_value(line, "--provider", "local"), &trust);
}

static int version(const struct command_line *line)
{
	(void)line;
	puts("mayfly-bootstrap " MAYFLY_VERSION);
	return EXIT_OK;
}

#define FOLDER                                                              \
	{                                                                   \
		"--folder", "DIR", "the machine's folder (/var/lib/mayfly)" \
	}
#define PROVIDER                                                                       \
	{                                                                              \
		"--provider", "NAME", "who launched the machine: local (default), aws" \
	}
#define TRUSTED_KEYS                                     \
	{                                                \
		"--trusted-keys", "FILE",                \
			"whose signatures are believed " \
			"(" TRUST_TRUSTED_KEYS ")"       \
	}
#define IMAGE_KEY                                                                               \
	{                                                                                       \
		"--image-key", "KEY", "what opens bundles, file or place (" TRUST_IMAGE_KEY ")" \
	}
#define LOCK_FD                                                                 \
	{                                                                       \
		"--lock-fd", "N", "the inherited descriptor of the slot's lock" \
	}

static const struct command_option run_options[] = {
	FOLDER,
	PROVIDER,
	TRUSTED_KEYS,
	IMAGE_KEY,
	LOCK_FD,
	{ "--drain", NULL, "take no task; finish what was left, and leave" },
	{ "--boot-guard", "FILE", "note there until when the machine may live" },
	{ "--power-off", NULL, "switch the machine off at the end (not with local)" },
};
static const struct command_option keeper_options[] = { FOLDER, TRUSTED_KEYS, IMAGE_KEY, LOCK_FD };
static const struct command_option folder_options[] = { FOLDER };
static const struct command_option status_options[] = {
	FOLDER,
	{ "--json", NULL, "one JSON object" },
};
static const struct command_option keep_options[] = {
	FOLDER,
	{ "--for", "SPAN", "so long from now: 90s, 15m, 2h, 1d" },
	{ "--until", "TIME", "until then: 2026-11-24T18:00:00Z, or seconds since 1970" },
	{ "--off", NULL, "no longer: the idle time-out decides again" },
};
static const struct command_option check_options[] = { FOLDER, PROVIDER, TRUSTED_KEYS, IMAGE_KEY };

#define COMMAND(name, function, summary, options)                    \
	{                                                            \
		name, function, summary, options, ARRAY_LEN(options) \
	}

static const struct command commands[] = {
	COMMAND("run", run, "live one life: take tasks until there is no need, then leave",
		run_options),
	COMMAND("keeper", keeper,
		"a local machine: hold the slot's lock, run and restart bootstrap", keeper_options),
	COMMAND("status", status, "say what the machine does, and when and why it will leave",
		status_options),
	COMMAND("drain", drain, "take no more tasks; leave when the running one has ended",
		folder_options),
	COMMAND("keep", keep, "stay for some time, idle or not", keep_options),
	COMMAND("leave", leave_now, "end now: a running task goes back to its queue",
		folder_options),
	COMMAND("check", check, "prove folder, ticket, bundle and gates; take no task",
		check_options),
	{ "version", version, "print the version", NULL, 0 },
};

int main(int argc, char **argv)
{
	return command_dispatch(commands, ARRAY_LEN(commands), argc, argv);
}
