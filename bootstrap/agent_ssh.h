#ifndef BOOTSTRAP_AGENT_SSH_H
#define BOOTSTRAP_AGENT_SSH_H

#include "common/bundle.h"

/*
 * agent_ssh: the bundle's key for git over ssh, as a folder that ssh reads: id (the key),
 * known_hosts and config, all 0600.
 *
 * ssh looks for ~/.ssh in the home that the system has for the user, whatever HOME says. So in
 * host mode GIT_SSH_COMMAND names the config, which names the rest; in docker mode the folder is
 * /root/.ssh of the agent's container, and clearml-agent copies it to the task's, where ssh finds
 * it by itself. (That copy is made by the agent's own start script; an operator who replaces
 * it, agent.docker_init_bash_script, sees to it.)
 *
 * Of hosts: where the bundle has known hosts, these alone are trusted, and another one is refused.
 * Without them each host's key is taken when it is first met in a run, and a changed one is
 * refused (accept-new): clearml-agent asks ssh never to ask, so nothing stricter works. The
 * key cannot be stolen so, but whoever can stand between may hand out code of his own: give
 * known_hosts.
 */

enum { AGENT_SSH_COMMAND = 512 };

/*
 * Into folder, which is there; seen_at is where ssh will see it ("~/.ssh", or the same).
 * ERROR_CONFIGURATION: a path that cannot stand in ssh's configuration.
 */
CHECKED int agent_ssh_write(const char *folder, const char *seen_at, const struct bundle_ssh *ssh,
			    struct error *err);

/* For GIT_SSH_COMMAND: what git is to start instead of "ssh". */
void agent_ssh_command(const char *folder, char out[static AGENT_SSH_COMMAND]);

#endif
