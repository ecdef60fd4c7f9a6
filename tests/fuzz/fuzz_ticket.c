/* A ticket that is taken prints to one that is taken again and prints the same; it keeps its own
 * rules. What is refused is the operator's matter, and says where. */
#include "common/ticket_docker.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void is_runnable(const struct ticket *ticket)
{
	const struct ticket_docker *docker = &ticket->agent.docker;
	size_t place;

	if (ticket->agent.mode == AGENT_HOST) {
		assert(ticket->agent.command[0][0] == '/');
		assert(!docker->image[0] && !docker->arguments[0]);
		return;
	}
	assert(!ticket->agent.command[0] && !ticket->agent.user[0]);
	assert(docker->socket[0] == '/' && docker->network[0] && docker->gpus % ticket->seats == 0);
	assert(!ticket_docker_image_fault(docker->image));
	assert(!ticket_docker_image_fault(docker->agent_image));
	assert(!ticket_docker_arguments_fault(docker->arguments, &place));
	assert(!ticket_docker_allow_fault(docker->allow, &place));
}

static void keeps_its_rules(const struct ticket *ticket)
{
	assert(ticket->queue_count > 0 && ticket->queue_count <= TICKET_MAX_QUEUES);
	assert(ticket->seats > 0 && ticket->limits.idle_timeout_s > 0);
	assert(ticket->limits.max_attempts > 0 && ticket->limits.max_life_s > 0);
	assert(ticket->prefix[0] && ticket->resource[0] && ticket->type[0] && ticket->provider[0]);
	assert(strlen(ticket->bundle.digest) == HASH_SHA256_ROOM - 1);
	assert(!ticket->init.script || ticket->init.script[0]);
	assert(ticket->init.timeout_s > 0);
	is_runnable(ticket);
	assert(strncmp(ticket->api_server, "http", 4) == 0);
	for (size_t i = 0; i < ticket->hold_count; i++)
		assert(ticket->hold[i].from_s < ticket->hold[i].until_s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(ticket) struct ticket first = { 0 }, second = { 0 };
	SCOPED(buf) struct buf once = BUF(SIZE_MAX), twice = BUF(SIZE_MAX);
	struct error err = { 0 };

	if (ticket_parse((struct slice){ (const char *)data, size }, "fuzz", &first, &err) < 0) {
		assert(err.class == ERROR_CONFIGURATION && strstr(err.message, "fuzz"));
		return 0;
	}
	keeps_its_rules(&first);
	ticket_print(&first, &once);
	assert(ticket_parse(buf_slice(&once), "again", &second, &err) == 0);
	ticket_print(&second, &twice);
	assert(strcmp(buf_text(&once), buf_text(&twice)) == 0);
	return 0;
}
