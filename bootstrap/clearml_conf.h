#ifndef BOOTSTRAP_CLEARML_CONF_H
#define BOOTSTRAP_CLEARML_CONF_H

#include "bootstrap/machine.h"

/*
 * clearml_conf: the configuration file that clearml-agent reads, from ticket
 * and bundle (NOTES section 6): what its HOCON parser reads back exactly, also
 * after the agent wrote it again for its task's process or container.
 *
 *   the first login of git   agent.git_user, git_pass, git_host; further ones
 *                            in a netrc file, which the agent writes (files)
 *   files                    as text where that is carried, else as base64
 *   gcs                      the JSON itself, hidden from the agent's console
 *
 * With an extra_conf the agent's console shows nothing of its configuration, which
 * it prints at the start of each task: a secret may stand there under any name
 * (agent.sanitize_config_printout, which the extra_conf may set otherwise).
 *
 * The bundle's extra_conf is laid over it: JSON is merged member by member
 * (lists replace) and the whole is JSON; a text of HOCON follows our part, whose
 * outer braces are then left out, and HOCON's rules merge them. Either may so
 * replace what mayfly sets, agent.docker_args_filters too: that opens docker's
 * arguments to tasks.
 *
 * A bundle that was read fails only where its extra_conf (JSON) brings a git
 * login that the agent's ask-pass would hand to a shell: ERROR_CONFIGURATION
 * that names the field, never the value. (ssh and registries are not in it.)
 * The text holds secrets: the caller writes it 0600 and wipes out.
 */
CHECKED int clearml_conf_print(const struct machine *machine, unsigned seat, struct buf *out,
			       struct error *err);

#endif
