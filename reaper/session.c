#include "reaper/session.h"

#include <stdio.h>
#include <unistd.h>

#include "common/log.h"
#include "reaper/table.h"

static const char default_config[] = "/etc/mayfly/mayfly-reaper.json";

void session_release(struct session *session)
{
	clearml_close(session->clearml);
	settings_release(&session->settings);
}

const char *session_config(const struct command_line *line)
{
	return command_value(line, "--config", default_config);
}

int session_complain(const struct error *err, int exit_status)
{
	char plain[sizeof(err->message)];

	table_plain(err->message, plain, sizeof(plain));
	fprintf(stderr, "mayfly-reaper: %s\n", plain);
	return exit_status;
}

int session_fail(const struct error *err)
{
	return session_complain(err, err->class == ERROR_CONFIGURATION ? EXIT_USAGE : EXIT_FAILED);
}

static int open_log(const struct command_line *line, struct error *err)
{
	enum log_level level;

	if (log_level_parse(command_value(line, "--log-level", "info"), &level, err) < 0)
		return error_wrap(err, "--log-level");
	log_open("mayfly-reaper", NULL, level);
	return 0;
}

static int open_clearml(struct session *session, struct error *err)
{
	struct settings *settings = &session->settings;
	struct clearml_settings how = { .api_server = settings->api_server,
					.client_name = "mayfly-reaper/" MAYFLY_VERSION };

	return clearml_open(&how, settings->access_key, &settings->secret_key, &session->clearml,
			    err);
}

int session_prepare(void)
{
	bool is_locked;
	struct error err;

	return secret_prepare_process(&is_locked, &err) < 0 ? session_complain(&err, EXIT_FAILED) :
							      EXIT_OK;
}

int session_open(const struct command_line *line, struct session *out)
{
	bool is_locked = true;
	struct error err;

	if (open_log(line, &err) < 0)
		return session_complain(&err, EXIT_USAGE);
	if (secret_prepare_process(&is_locked, &err) < 0)
		return session_complain(&err, EXIT_FAILED);
	if (settings_load(session_config(line), (const char *const *)environ, &out->settings,
			  &err) < 0)
		return session_complain(&err, EXIT_USAGE);
	if (open_clearml(out, &err) < 0)
		return session_fail(&err);
	if (!is_locked)
		log_warn("memory", "secrets cannot be locked in memory: raise ulimit -l");
	return EXIT_OK;
}
