#ifndef BOOTSTRAP_CLEARML_CONF_H
#define BOOTSTRAP_CLEARML_CONF_H

#include "bootstrap/machine.h"

/*
 * clearml_conf: the configuration file that clearml-agent reads, from ticket
 * and bundle (NOTES section 6): a JSON document that its HOCON parser reads
 * back exactly, also after the agent wrote it again for its task's process.
 * Values it cannot carry (what is not ASCII, control characters but \n \r \t;
 * in a git token what a shell would read, since ask-pass puts it in a script)
 * are ERROR_CONFIGURATION naming the field, never the value. The bundle's
 * extra_conf must be JSON (comments are fine) and is merged member by member.
 * The text holds secrets: the caller writes it 0600 and wipes out.
 */
CHECKED int clearml_conf_print(const struct machine *machine, unsigned seat, struct buf *out,
			       struct error *err);

#endif
