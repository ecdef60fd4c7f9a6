#ifndef BOOTSTRAP_GATES_DOCKER_H
#define BOOTSTRAP_GATES_DOCKER_H

#include "bootstrap/machine.h"

/* gates_docker: the gates of docker mode, for gates.c alone (gates.h says what each proves). */

CHECKED int gate_docker(const struct machine *machine, struct buf *found, struct error *err);
/* ERROR_UNREACHABLE while the image comes: the message says how far it is. */
CHECKED int gate_image(const struct machine *machine, struct buf *found, struct error *err);
CHECKED int gate_contained_agent(const struct machine *machine, struct buf *found,
				 struct error *err);
CHECKED int gate_docker_again(const struct machine *machine, struct error *err);

/* gates.c: are bytes and inodes free there, as the ticket wants? */
CHECKED int gate_space(const struct machine *machine, const char *folder, struct buf *found,
		       struct error *err);

#endif
