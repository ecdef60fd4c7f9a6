#include "bootstrap/init_script.h"

#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bootstrap/init_output.h"
#include "common/child.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/json.h"
#include "common/log.h"
#include "common/marked.h"

enum {
	PATH_ROOM = MACHINE_PATH_ROOM + 16,
	HOME_ROOM = 4096,
	MARK_ROOM = 128,
	RECORD_MAX = 8192,
	GRACE_MS = 2000, /* between SIGTERM and SIGKILL at the time limit */
	KILL_MS = 5000, /* how long one step waits for what was killed to be gone */
	REAP_PAUSE_MS = 5,
};

/* What init.json says. */
enum progress { NOT_STARTED, STARTED, ENDED };

struct outcome {
	enum progress progress;
	bool is_well; /* when ENDED */
	char message[400]; /* why not */
};

struct init_script {
	const struct machine *machine;
	struct outcome outcome;
	bool has_told; /* the outcome, to the log */
	pid_t pid; /* of bash; 0: it does not run */
	char mark[MARK_ROOM];
	int64_t started_ms, kill_ms; /* kill_ms: when SIGKILL is due; 0: no SIGTERM yet */
	struct init_output output;
};

static void path_of(const struct machine *machine, const char *name, char out[static PATH_ROOM])
{
	(void)snprintf(out, PATH_ROOM, "%s/%s", machine->folder, name);
}

/* ---- init.json ---- */

static int read_outcome(const struct machine *machine, struct outcome *out, struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	SCOPED(buf) struct buf text = BUF(RECORD_MAX);
	struct outcome outcome = { .progress = NOT_STARTED };
	char path[PATH_ROOM];
	const char *word;

	path_of(machine, "init.json", path);
	if (file_read(path, &text, err) < 0) {
		if (err->class != ERROR_NOT_FOUND)
			return -1;
		*out = outcome;
		return 0;
	}
	if (json_parse(buf_slice(&text), &document, err) < 0 ||
	    json_text(document.root, "progress", &word, err) < 0)
		return error_wrap(err, "%s", path);
	outcome.progress = !strcmp(word, "ended") ? ENDED : STARTED;
	outcome.is_well = json_bool_or(document.root, "well", false);
	text_cut(outcome.message, sizeof(outcome.message),
		 json_text_or(document.root, "message", ""));
	*out = outcome;
	return 0;
}

static int write_outcome(const struct machine *machine, const struct outcome *outcome,
			 struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	SCOPED(buf) struct buf text = BUF(RECORD_MAX);
	char path[PATH_ROOM];

	path_of(machine, "init.json", path);
	json_new_object(&document);
	json_add_text(document.root, "progress", outcome->progress == ENDED ? "ended" : "started");
	json_add_bool(document.root, "well", outcome->is_well);
	json_add_text(document.root, "message", outcome->message);
	json_add_integer(document.root, "at_s", clock_wall_ms() / 1000);
	json_print(document.root, true, &text);
	if (buf_finish(&text, err) < 0)
		return -1;
	return file_write(path, buf_slice(&text), 0600, err);
}

/* ---- start ---- */

static const char *find_bash(void)
{
	static const char *const places[] = { "/bin/bash", "/usr/bin/bash" };

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}

static void find_home(char out[static HOME_ROOM])
{
	struct passwd entry, *found = NULL;
	const char *home = getenv("HOME");
	char room[16384];

	if (!home || home[0] != '/') {
		(void)getpwuid_r(geteuid(), &entry, room, sizeof(room), &found);
		home = found && found->pw_dir[0] == '/' ? found->pw_dir : "/";
	}
	if (snprintf(out, HOME_ROOM, "HOME=%s", home) >= HOME_ROOM)
		(void)snprintf(out, HOME_ROOM, "HOME=/");
}

static int start_bash(struct init_script *script, const char *bash, struct error *err)
{
	const struct machine *machine = script->machine;
	const struct identity *identity = &machine->identity;
	char home[HOME_ROOM], resource[MARK_ROOM], slot[MARK_ROOM], provider[MARK_ROOM];
	char type[MARK_ROOM], zone[MARK_ROOM], file[PATH_ROOM], output[PATH_ROOM];

	find_home(home);
	(void)snprintf(resource, MARK_ROOM, "MAYFLY_RESOURCE=%s", machine->ticket.resource);
	(void)snprintf(slot, MARK_ROOM, "MAYFLY_SLOT=%u", machine->ticket.slot);
	(void)snprintf(provider, MARK_ROOM, "MAYFLY_PROVIDER=%s", identity->provider);
	(void)snprintf(type, MARK_ROOM, "MAYFLY_TYPE=%s", identity->type);
	(void)snprintf(zone, MARK_ROOM, "MAYFLY_ZONE=%s", identity->zone);
	path_of(machine, "init.sh", file);
	path_of(machine, "init.log", output);
	const char *const login[] = { bash, "--login", file, NULL };
	const char *const plain[] = { bash, "--noprofile", "--norc", file, NULL };
	const char *const environment[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"LANG=C.UTF-8",
		home,
		machine->marker,
		script->mark,
		resource,
		slot,
		provider,
		type,
		zone,
		NULL,
	};
	const struct child_spec spec = {
		.argv = machine->ticket.init.is_login ? login : plain,
		.environment = environment,
		.folder = machine->folder,
		.output = output,
		.is_expendable = true,
	};

	return child_start(&spec, &script->pid, err);
}

/* Ended, on disk too: what cannot be written there only lets it run once more after a crash. */
static void conclude(struct init_script *script, bool is_well)
{
	struct error err;

	script->outcome.progress = ENDED;
	script->outcome.is_well = is_well;
	if (write_outcome(script->machine, &script->outcome, &err) < 0)
		log_failure("init", &err);
}

/* On disk first: a crash between the two lets it start again, and never start unseen. */
static int start(struct init_script *script, struct error *err)
{
	const struct machine *machine = script->machine;
	const struct ticket_init *init = &machine->ticket.init;
	const char *bash = find_bash();
	char path[PATH_ROOM];

	if (!bash) {
		text_cut(script->outcome.message, sizeof(script->outcome.message),
			 "there is no bash on this machine, neither /bin/bash nor /usr/bin/bash: "
			 "install it in the image, or leave the init script out");
		conclude(script, false);
		return 0;
	}
	script->outcome.progress = STARTED;
	path_of(machine, "init.sh", path);
	if (file_write(path, slice_of(init->script), 0700, err) < 0)
		return -1;
	path_of(machine, "init.log", path);
	if (init_output_open(path, &script->output, err) < 0 ||
	    write_outcome(machine, &script->outcome, err) < 0 || start_bash(script, bash, err) < 0)
		return -1;
	script->started_ms = clock_monotonic_ms();
	log_info("init", "the init script runs%s, for %lld s at most",
		 init->is_login ? ", with login files" : "", (long long)init->timeout_s);
	return 0;
}

static int begin(struct init_script *script, struct error *err)
{
	if (!script->machine->ticket.init.script) {
		script->outcome = (struct outcome){ .progress = ENDED, .is_well = true };
		script->has_told = true;
		return 0;
	}
	if (read_outcome(script->machine, &script->outcome, err) < 0)
		return -1;
	if (script->outcome.progress == ENDED) {
		log_info("init", "the init script has run already");
		return 0;
	}
	if (script->outcome.progress == STARTED) {
		log_warn("init", "the init script was cut off: what is left of it is killed, then "
				 "it runs again");
		if (marked_kill(script->mark, 0, 0, KILL_MS, err) < 0)
			return -1;
	}
	return start(script, err);
}

int init_script_begin(const struct machine *machine, struct init_script **out, struct error *err)
{
	struct init_script *script = memory_array(1, sizeof(*script));

	script->machine = machine;
	(void)snprintf(script->mark, sizeof(script->mark), "MAYFLY_INIT=%s",
		       machine->identity.instance);
	if (begin(script, err) < 0) {
		init_script_close(script);
		return error_wrap(err, "init script");
	}
	*out = script;
	return 0;
}

/* ---- watch and end ---- */

static void kill_rest(const struct init_script *script)
{
	struct error err;

	if (marked_kill(script->mark, 0, 0, KILL_MS, &err) < 0)
		log_failure("init", &err);
}

static void describe(struct init_script *script, int status)
{
	struct outcome *outcome = &script->outcome;
	const char *last = script->output.last;
	char how[64];

	child_describe(status, how, sizeof(how));
	if (script->kill_ms)
		(void)snprintf(how, sizeof(how), "did not end within %lld s and was killed",
			       (long long)script->machine->ticket.init.timeout_s);
	(void)snprintf(outcome->message, sizeof(outcome->message), "%s%s%s", how,
		       last[0] ? "; its last line: " : ", without a word", last);
}

/* What a script that ended well left running is meant to stay. */
static void finish(struct init_script *script, int status)
{
	bool is_well = status == 0 && !script->kill_ms;

	script->pid = 0;
	if (!is_well)
		kill_rest(script);
	init_output_end(&script->output);
	if (!is_well)
		describe(script, status);
	conclude(script, is_well);
	log_info("init", "the init script ended%s after %lld s", is_well ? " well" : "",
		 (long long)((clock_monotonic_ms() - script->started_ms) / 1000));
}

/* Bash is still ours to reap here, so the number of its group is nobody else's. */
static void end_late(struct init_script *script, int64_t now_ms)
{
	if (!script->kill_ms) {
		log_warn("init", "the init script is over its time limit of %lld s: ended",
			 (long long)script->machine->ticket.init.timeout_s);
		(void)kill(-script->pid, SIGTERM);
		script->kill_ms = now_ms + GRACE_MS;
	} else if (now_ms >= script->kill_ms) {
		(void)kill(-script->pid, SIGKILL);
		kill_rest(script);
	}
}

static int watch(struct init_script *script, struct error *err)
{
	int64_t now_ms = clock_monotonic_ms();
	bool is_gone = false;
	int status = 0;

	init_output_turn(&script->output);
	if (child_reap(script->pid, &is_gone, &status, err) < 0)
		return -1;
	if (is_gone)
		finish(script, status);
	else if (now_ms - script->started_ms >= script->machine->ticket.init.timeout_s * 1000)
		end_late(script, now_ms);
	return 0;
}

int init_script_turn(struct init_script *script, bool *has_ended, struct error *err)
{
	const struct outcome *outcome = &script->outcome;

	if (outcome->progress != ENDED && watch(script, err) < 0)
		return error_wrap(err, "init script");
	if (outcome->progress == ENDED && !outcome->is_well) {
		if (!script->machine->ticket.init.is_optional)
			return error_set(err, ERROR_REFUSED, "init script: %s", outcome->message);
		if (!script->has_told)
			log_warn("init", "failed, and the ticket says to go on: %s",
				 outcome->message);
		script->has_told = true;
	}
	*has_ended = outcome->progress == ENDED;
	return 0;
}

int init_script_look(const struct machine *machine, struct buf *found, struct error *err)
{
	const struct ticket_init *init = &machine->ticket.init;
	struct outcome outcome = { 0 };

	if (!init->script) {
		buf_addf(found, "there is none");
		return 0;
	}
	if (read_outcome(machine, &outcome, err) < 0)
		return -1;
	if (outcome.progress == NOT_STARTED)
		buf_addf(found, "%zu bytes, not run yet", strlen(init->script));
	else if (outcome.progress == STARTED)
		buf_addf(found, "has begun, and runs or was cut off");
	else if (outcome.is_well)
		buf_addf(found, "has run, and ended well");
	else if (init->is_optional)
		buf_addf(found, "has run and failed, which is no matter: %s", outcome.message);
	else
		return error_set(err, ERROR_REFUSED, "%s", outcome.message);
	return 0;
}

static void end_now(struct init_script *script)
{
	int64_t give_up_ms = clock_monotonic_ms() + KILL_MS;
	bool is_gone = false;
	struct error err;
	int status;

	(void)kill(-script->pid, SIGKILL);
	kill_rest(script);
	while (child_reap(script->pid, &is_gone, &status, &err) == 0 && !is_gone &&
	       clock_monotonic_ms() < give_up_ms)
		clock_sleep_ms(REAP_PAUSE_MS);
}

void init_script_close(struct init_script *script)
{
	if (!script)
		return;
	if (script->pid)
		end_now(script);
	init_output_release(&script->output);
	free(script);
}
