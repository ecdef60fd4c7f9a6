#include "bootstrap/agent_sweep.h"

#include <stdio.h>
#include <stdlib.h>

#include "bootstrap/agent_room.h"
#include "common/file.h"
#include "common/log.h"
#include "common/marked.h"

enum { TICKET_MAX = 1 << 20, LABEL_ROOM = 288, MARKER_ROOM = 288 };

/* All that can go goes, then the first failure is told. */
static int remove_containers(struct docker *docker, const char *instance, struct error *err)
{
	SCOPED(docker_containers) struct docker_containers found = { 0 };
	struct error first = { 0 }, why;
	char label[LABEL_ROOM];

	(void)snprintf(label, sizeof(label), "mayfly.instance=%s", instance);
	const char *const labels[] = { label, NULL };

	if (docker_list(docker, labels, &found, err) < 0)
		return -1;
	for (size_t i = 0; i < found.count; i++) {
		log_info("sweep", "container %s", found.list[i].name);
		if (docker_remove(docker, found.list[i].id, &why) < 0 &&
		    why.class != ERROR_CONFLICT && !first.class)
			first = why;
	}
	if (!first.class)
		return 0;
	*err = first;
	return -1;
}

static bool has_containers_left(const struct ticket *ticket, const char *instance)
{
	struct docker *docker = NULL;
	struct error err = { 0 };
	bool is_left = docker_open(ticket->agent.docker.socket, &docker, &err) < 0 ||
		       docker_ping(docker, &err) < 0 ||
		       remove_containers(docker, instance, &err) < 0;

	if (is_left)
		log_failure("sweep", &err);
	docker_close(docker);
	return is_left;
}

static void remove_rooms(const char *instance, bool keeps_name)
{
	struct error err = { 0 };

	if (agent_room_remove_all(instance, keeps_name, &err) < 0)
		log_failure("sweep", &err);
}

void agent_sweep(const struct ticket *ticket, const char *instance)
{
	/* The next instance on this host finds the name, and tries again. */
	remove_rooms(instance, ticket->agent.mode == AGENT_DOCKER ?
				       has_containers_left(ticket, instance) :
				       agent_room_is_contained(instance));
}

void agent_sweep_folder(const char *folder, const char *instance)
{
	SCOPED(ticket) struct ticket ticket = { 0 };
	SCOPED(buf) struct buf text = BUF(TICKET_MAX);
	char path[MACHINE_PATH_ROOM + 16];
	struct error err = { 0 };

	(void)snprintf(path, sizeof(path), "%s/ticket.json", folder);
	if (file_read(path, &text, &err) == 0 &&
	    ticket_parse(buf_slice(&text), path, &ticket, &err) == 0)
		agent_sweep(&ticket, instance);
	else
		remove_rooms(instance, agent_room_is_contained(instance));
}

/* Its keeper, its bootstrap and its containers' processes bear its mark as long as they live. */
static bool is_dead(const char *instance)
{
	SCOPED(marked) struct marked found = { 0 };
	char marker[MARKER_ROOM];
	struct error err = { 0 };

	(void)snprintf(marker, sizeof(marker), "MAYFLY_INSTANCE=%s", instance);
	if (marked_find(marker, &found, &err) < 0) {
		log_failure("sweep", &err);
		return false;
	}
	return found.count == 0;
}

void agent_sweep_stale(const struct machine *machine)
{
	struct folder_entry *others = NULL;
	struct error err = { 0 };
	size_t count = 0;

	if (agent_room_list(machine->identity.instance, &others, &count, &err) < 0)
		log_failure("sweep", &err);
	for (size_t i = 0; i < count; i++)
		if (is_dead(others[i].name))
			agent_sweep(&machine->ticket, others[i].name);
	free(others);
}
