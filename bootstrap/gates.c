#include "bootstrap/gates.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bootstrap/admit.h"
#include "bootstrap/gates_docker.h"
#include "common/child.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"

enum { VERSION_TIMEOUT_MS = 60000, VERSION_OUTPUT_MAX = 4096, ARGV_MAX = 32, ENVIRONMENT_MAX = 64 };

int gate_space(const struct machine *machine, const char *folder, struct buf *found,
	       struct error *err)
{
	const struct ticket_gates *want = &machine->ticket.gates;
	unsigned inode_percent;
	uint64_t bytes;

	if (file_space(folder, &bytes, &inode_percent, err) < 0)
		return -1;
	if (bytes < want->free_bytes)
		return error_set(err, ERROR_REFUSED, "%s: %.1f MB free, the gate is %.1f MB",
				 folder, (double)bytes / 1e6, (double)want->free_bytes / 1e6);
	if (inode_percent < want->free_inode_percent)
		return error_set(err, ERROR_REFUSED, "%s: %u %% of inodes free, the gate is %u %%",
				 folder, inode_percent, want->free_inode_percent);
	buf_addf(found, "%.1f GB and %u %% of inodes free", (double)bytes / 1e9, inode_percent);
	return 0;
}

static int prove_disk(const struct machine *machine, struct buf *found, struct error *err)
{
	return gate_space(machine, machine->folder, found, err);
}

static int agent_file(const struct machine *machine, struct error *err)
{
	char **command = machine->ticket.agent.command;

	if (!command || !command[0] || command[0][0] != '/')
		return error_set(err, ERROR_CONFIGURATION,
				 "agent.command: expected an absolute path of clearml-agent");
	if (access(command[0], X_OK) < 0)
		return error_errno(err, "agent.command: %s cannot be run", command[0]);
	return 0;
}

/* As agent.c runs it: without our environment, and as the agent's user where there is one. */
static int agent_user(const struct machine *machine, struct child_spec *spec, struct error *err)
{
	const char *user = machine->ticket.agent.user;

	if (!user[0])
		return 0;
	const struct passwd *entry = getpwnam(user);

	if (!entry)
		return error_set(err, ERROR_CONFIGURATION,
				 "agent.user: no user is named %s on this machine", user);
	spec->uid = entry->pw_uid;
	spec->gid = entry->pw_gid;
	return 0;
}

static size_t add_all(const char **list, size_t count, size_t room, char *const *more)
{
	for (size_t i = 0; more && more[i] && count + 1 < room; i++)
		list[count++] = more[i];
	list[count] = NULL;
	return count;
}

/* Python programs like to warn before they answer, and to end with the error. */
static struct slice last_line(struct slice text)
{
	while (text.len && strchr("\r\n", text.ptr[text.len - 1]))
		text.len--;
	const char *before = text.len ? memrchr(text.ptr, '\n', text.len) : NULL;
	size_t skip = before ? (size_t)(before - text.ptr) + 1 : 0;

	return (struct slice){ text.ptr + skip, text.len - skip };
}

static int ask_version(const struct machine *machine, struct buf *out, struct error *err)
{
	const char *environment[ENVIRONMENT_MAX] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/tmp",
		"LC_ALL=C.UTF-8"
	};
	const char *argv[ARGV_MAX + 1] = { 0 };
	struct child_spec spec = { .argv = argv, .environment = environment, .folder = "/tmp" };
	char ended[64];
	int status;

	size_t words = add_all(argv, 0, ARGV_MAX, machine->ticket.agent.command);

	argv[words] = "--version";
	environment[3] = machine->marker;
	(void)add_all(environment, 4, ARRAY_LEN(environment), machine->ticket.agent.environment);
	if (agent_user(machine, &spec, err) < 0)
		return -1;
	if (child_run(&spec, VERSION_TIMEOUT_MS, out, &status, err) < 0)
		return -1;
	child_describe(status, ended, sizeof(ended));
	const struct slice said = last_line(buf_slice(out));

	if (status != 0)
		return error_set(err, ERROR_REFUSED, "%s --version: %s: %.*s", argv[0], ended,
				 (int)(said.len < 200 ? said.len : 200), said.ptr ? said.ptr : "");
	return 0;
}

static int prove_agent(const struct machine *machine, struct buf *found, struct error *err)
{
	SCOPED(buf) struct buf said = BUF(VERSION_OUTPUT_MAX);

	if (machine->ticket.agent.mode == AGENT_DOCKER)
		return gate_contained_agent(machine, found, err);

	if (agent_file(machine, err) < 0)
		return -1;
	/* Without an answer in time it is asked again, within the boot deadline: the first start
	 * reads a disk that a cloud may only be filling from a snapshot just then. */
	if (ask_version(machine, &said, err) < 0)
		return -1;
	buf_add(found, last_line(buf_slice(&said)));
	return 0;
}

static int prove_clearml(const struct machine *machine, struct buf *found, struct error *err)
{
	if (clearml_login_again(machine->clearml, err) < 0)
		return error_wrap(err, "%s", machine->ticket.api_server);
	buf_addf(found, "%s takes our keys", machine->ticket.api_server);
	return 0;
}

static int prove_clock(const struct machine *machine, struct buf *found, struct error *err)
{
	int64_t skew_ms = clearml_skew_ms(machine->clearml);
	int64_t limit_ms = machine->ticket.gates.max_clock_skew_s * 1000;

	if (skew_ms > limit_ms || skew_ms < -limit_ms)
		return error_set(err, ERROR_REFUSED,
				 "our clock and the server's differ by %lld s, the gate is %lld s: "
				 "set this machine's clock (NTP)",
				 (long long)(skew_ms / 1000),
				 (long long)machine->ticket.gates.max_clock_skew_s);
	buf_addf(found, "%lld s from the server's", (long long)(skew_ms / 1000));
	return 0;
}

static int prove_day(const struct machine *machine, struct buf *found, struct error *err)
{
	int64_t now_ms = clearml_now_ms(machine->clearml);

	if (admit_day(&machine->ticket, now_ms ? now_ms : clock_wall_ms(), err) < 0)
		return -1;
	buf_addf(found, "the ticket is of %s", machine->ticket.day);
	return 0;
}

static int prove_queues(const struct machine *machine, struct buf *found, struct error *err)
{
	SCOPED(clearml_queues) struct clearml_queues queues = { 0 };
	const struct ticket *ticket = &machine->ticket;
	const char *names[TICKET_MAX_QUEUES];
	size_t known = 0;

	for (size_t i = 0; i < ticket->queue_count; i++)
		names[i] = ticket->queues[i];
	if (clearml_queues(machine->clearml, names, ticket->queue_count, 1, &queues, err) < 0)
		return -1;
	for (size_t i = 0; i < ticket->queue_count; i++) {
		if (clearml_queue_named(&queues, names[i]))
			known++;
		else
			log_warn("queues", "ClearML has no queue named %s", names[i]);
	}
	if (!known)
		return error_set(err, ERROR_NOT_FOUND,
				 "ClearML has no queue named %s%s: create it, or correct the "
				 "resource's queues",
				 ticket->queue_count ? names[0] : "anything",
				 ticket->queue_count > 1 ? ", nor one of the others" : "");
	buf_addf(found, "%zu of %zu there", known, ticket->queue_count);
	return 0;
}

static const struct {
	const char *name;
	int (*prove)(const struct machine *machine, struct buf *found, struct error *err);
} gates[GATE_COUNT] = {
	[GATE_DISK] = { "disk", prove_disk },
	[GATE_DOCKER] = { "docker", gate_docker },
	[GATE_IMAGE] = { "image", gate_image },
	[GATE_AGENT] = { "agent", prove_agent },
	[GATE_CLEARML] = { "clearml", prove_clearml },
	[GATE_CLOCK] = { "clock", prove_clock },
	[GATE_DAY] = { "day", prove_day },
	[GATE_QUEUES] = { "queues", prove_queues },
};

const char *gate_name(enum gate gate)
{
	return gates[gate].name;
}

bool gate_applies(enum gate gate, const struct ticket *ticket)
{
	return (gate != GATE_DOCKER && gate != GATE_IMAGE) || ticket->agent.mode == AGENT_DOCKER;
}

int gate_prove(enum gate gate, const struct machine *machine, struct buf *found, struct error *err)
{
	return gates[gate].prove(machine, found, err);
}

int gates_again(const struct machine *machine, struct error *err)
{
	SCOPED(buf) struct buf found = BUF(256);

	if (prove_disk(machine, &found, err) < 0)
		return error_wrap(err, "%s", gates[GATE_DISK].name);
	if (machine->ticket.agent.mode == AGENT_DOCKER)
		return gate_docker_again(machine, err) < 0 ?
			       error_wrap(err, "%s", gates[GATE_DOCKER].name) :
			       0;
	if (agent_file(machine, err) < 0)
		return error_wrap(err, "%s", gates[GATE_AGENT].name);
	return 0;
}
