#ifndef REAPER_SETTINGS_SETTINGS_AGENT_H
#define REAPER_SETTINGS_SETTINGS_AGENT_H

#include "reaper/settings/settings_reader.h"

/*
 * settings_agent: how a resource's machines run tasks: "agent" and "gpus". The
 * mode is what the resource says or implies (docker by agent.docker, host by
 * agent.command), else what the defaults say or imply, else host. Of the other
 * mode the defaults may say what they like; the resource itself may not.
 * The seats are in the ticket already.
 */
CHECKED int settings_agent(const struct settings_reader *reader, struct error *err);

#endif
