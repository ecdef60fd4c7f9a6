#include "bootstrap/agent_environment.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const reserved[] = {
	"HOME",	      "TMPDIR", "CLEARML_CONFIG_FILE", "CLEARML_WORKER_ID", "MAYFLY_INSTANCE",
	"MAYFLY_RUN",
};

static bool has_same_name(const char *a, const char *b)
{
	size_t len = strcspn(a, "=");

	return len == strcspn(b, "=") && !strncmp(a, b, len);
}

/* Takes the text over; the one of its name that stands there is replaced. */
static void add(struct agent_environment *environment, char *variable)
{
	for (size_t i = 0; i < environment->count; i++)
		if (has_same_name(environment->list[i], variable)) {
			free(environment->list[i]);
			environment->list[i] = variable;
			return;
		}
	environment->list = memory_grow(environment->list, environment->count + 2,
					sizeof(environment->list[0]));
	environment->list[environment->count++] = variable;
	environment->list[environment->count] = NULL;
}

PRINTF(2, 3)
static void addf(struct agent_environment *environment, const char *fmt, ...)
{
	va_list args;
	char *text = NULL;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		abort();
	va_end(args);
	add(environment, text);
}

static int add_ticket(const struct ticket_agent *agent, struct agent_environment *out,
		      struct error *err)
{
	for (char **variable = agent->environment; variable && *variable; variable++) {
		size_t name_len = strcspn(*variable, "=");

		if (!name_len || !(*variable)[name_len])
			return error_set(err, ERROR_CONFIGURATION,
					 "ticket: agent.environment: expected NAME=value");
		for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
			if (has_same_name(*variable, reserved[i]))
				return error_set(err, ERROR_CONFIGURATION,
						 "ticket: agent.environment: %s is set by "
						 "mayfly-bootstrap itself: remove it",
						 reserved[i]);
		add(out, memory_text(slice_of(*variable)));
	}
	return 0;
}

int agent_environment_make(const struct machine *machine, const struct agent_run *run,
			   struct agent_environment *out, struct error *err)
{
	struct agent_environment made = { 0 };
	const char *folder = machine->folder, *instance = machine->identity.instance;

	addf(&made, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	addf(&made, "LANG=C.UTF-8");
	addf(&made, "PYTHONUNBUFFERED=1");
	addf(&made, "HOME=%s/agent/%u/home", folder, run->seat);
	addf(&made, "TMPDIR=%s/agent/%u/tmp", folder, run->seat);
	addf(&made, "CLEARML_CONFIG_FILE=%s/agent/%u/clearml.conf", folder, run->seat);
	addf(&made, "CLEARML_WORKER_ID=%s", run->worker);
	addf(&made, "CLEARML_WORKER_TAGS=role:seat instance:%s", instance);
	addf(&made, "CLEARML_SUPPRESS_UPDATE_MESSAGE=1");
	addf(&made, "%s", machine->marker);
	addf(&made, "MAYFLY_RUN=%s/%u/%s/%u", instance, run->seat, run->task, run->attempt);
	if (add_ticket(&machine->ticket.agent, &made, err) < 0) {
		agent_environment_release(&made);
		return -1;
	}
	*out = made;
	return 0;
}

void agent_environment_release(struct agent_environment *environment)
{
	for (size_t i = 0; i < environment->count; i++)
		free(environment->list[i]);
	free(environment->list);
	*environment = (struct agent_environment){ 0 };
}
