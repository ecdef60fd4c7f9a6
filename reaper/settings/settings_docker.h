#ifndef REAPER_SETTINGS_SETTINGS_DOCKER_H
#define REAPER_SETTINGS_SETTINGS_DOCKER_H

#include "reaper/settings/settings_reader.h"

/* settings_docker: "agent.docker" of a resource whose mode is docker, field by field with what
 * it inherits, held to the rules of ticket_docker.h; and its "gpus". */
CHECKED int settings_docker(const struct settings_reader *reader, struct error *err);

#endif
