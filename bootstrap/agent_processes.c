#include "bootstrap/agent_processes.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/marked.h"

enum { STAT_MAX = 4096, COMMAND_MAX = 1 << 20, DEPTH_MAX = 64 };

struct process {
	pid_t pid, parent; /* parent 0: it has gone, or its parent is not known */
	bool is_agent;
	bool is_wrapper; /* a shell that an agent puts around a task, and that waits for it */
};

struct family {
	struct process *list;
	size_t count;
};

static void family_release(struct family *family)
{
	free(family->list);
	*family = (struct family){ 0 };
}

static bool read_of(pid_t pid, const char *name, struct buf *out)
{
	struct error gone;
	char path[48];

	(void)snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, name);
	return file_read(path, out, &gone) == 0;
}

/* "PID (NAME) STATE PARENT ...", and NAME may hold anything. */
static pid_t parent_of(pid_t pid)
{
	SCOPED(buf) struct buf text = BUF(STAT_MAX);
	long parent = 0;

	if (!read_of(pid, "stat", &text))
		return 0;
	const char *end = strrchr(buf_text(&text), ')');

	if (end && strlen(end) > 4)
		parent = strtol(end + 4, NULL, 10);
	return parent > 0 ? (pid_t)parent : 0;
}

/* Words end with NUL; a shell's one long word that has it all in it is no agent. */
static bool is_agent(pid_t pid)
{
	SCOPED(buf) struct buf text = BUF(COMMAND_MAX);
	bool is_named = false;

	if (!read_of(pid, "cmdline", &text))
		return false;
	for (size_t at = 0; at < text.len; at += strlen(buf_text(&text) + at) + 1) {
		const char *word = buf_text(&text) + at;

		if (is_named && !strcmp(word, "execute"))
			return true;
		is_named |= strstr(word, "clearml-agent") || strstr(word, "clearml_agent");
	}
	return false;
}

/* "bash -c COMMAND": told to end it would do so at once, and leave its command behind. */
static bool is_wrapper(pid_t pid)
{
	SCOPED(buf) struct buf text = BUF(COMMAND_MAX);

	if (!read_of(pid, "cmdline", &text))
		return false;
	const char *first = buf_text(&text), *slash = strrchr(first, '/');
	const char *name = slash ? slash + 1 : first;

	if (strcmp(name, "bash") != 0 && strcmp(name, "sh") != 0 && strcmp(name, "dash") != 0)
		return false;
	for (size_t at = strlen(first) + 1; at < text.len; at += strlen(buf_text(&text) + at) + 1)
		if (!strcmp(buf_text(&text) + at, "-c"))
			return true;
	return false;
}

static const struct process *find(const struct family *family, pid_t pid)
{
	for (size_t i = 0; i < family->count; i++)
		if (family->list[i].pid == pid)
			return &family->list[i];
	return NULL;
}

/*
 * Above it there is nothing of the run but an agent, or shells that wait for it. (The agent in a
 * task's container becomes the task: there it is the first process.)
 */
static bool is_own_process(const struct family *family, const struct process *process)
{
	if (process->is_agent || process->is_wrapper)
		return false;
	/* Read one after the other, parents may seem to go round in a circle. */
	for (unsigned depth = 0; depth < DEPTH_MAX; depth++) {
		process = find(family, process->parent);
		if (!process || process->is_agent)
			return true;
		if (!process->is_wrapper)
			return false;
	}
	return false;
}

static int look(const char *mark, struct family *out, struct error *err)
{
	SCOPED(marked) struct marked found = { 0 };

	if (marked_find(mark, &found, err) < 0)
		return -1;
	*out = (struct family){ memory_array(found.count + 1, sizeof(out->list[0])), found.count };
	for (size_t i = 0; i < found.count; i++)
		out->list[i] = (struct process){ .pid = found.pids[i],
						 .parent = parent_of(found.pids[i]),
						 .is_agent = is_agent(found.pids[i]),
						 .is_wrapper = is_wrapper(found.pids[i]) };
	return 0;
}

int agent_processes_tell(const char *mark, struct error *err)
{
	SCOPED(family) struct family family = { 0 };

	if (look(mark, &family, err) < 0)
		return -1;
	for (size_t i = 0; i < family.count; i++)
		if (family.list[i].is_agent)
			marked_signal(family.list[i].pid, mark, SIGSTOP);
	for (size_t i = 0; i < family.count; i++)
		if (is_own_process(&family, &family.list[i]))
			marked_signal(family.list[i].pid, mark, SIGTERM);
	return 0;
}

int agent_processes_have_ended(const char *mark, bool *have_ended, struct error *err)
{
	SCOPED(family) struct family family = { 0 };

	if (look(mark, &family, err) < 0)
		return -1;
	*have_ended = true;
	for (size_t i = 0; i < family.count; i++)
		if (!family.list[i].is_agent)
			*have_ended = false;
	return 0;
}
