#ifndef COMMON_TICKET_DOCKER_H
#define COMMON_TICKET_DOCKER_H

#include "common/ticket.h"

/*
 * ticket_docker: what no schema can say of the texts in a ticket's docker part.
 * Pure. The configuration is held to the same words before there is a ticket
 * (reaper/settings/settings_docker.c). A fault is a sentence that says what is wrong
 * and what to do, NULL when all is well. The lists are NULL-terminated and may be NULL.
 */

/* One word that the docker program cannot take for an option; whether the engine knows it is
 * the engine's to say. */
const char *ticket_docker_image_fault(const char *image);

/* Words of `docker run` that would take a task's container out of our hands, or that have a field
 * of their own. place is that of the word. */
const char *ticket_docker_arguments_fault(char *const *words, size_t *place);
const char *ticket_docker_allow_fault(char *const *options, size_t *place);

const char *ticket_docker_pull_name(enum docker_pull_policy pull); /* "missing", ... */
enum docker_pull_policy ticket_docker_pull_named(const char *name); /* unknown: PULL_MISSING */

#endif
