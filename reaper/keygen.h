#ifndef REAPER_KEYGEN_H
#define REAPER_KEYGEN_H

#include "common/command.h"

/*
 * keygen: the two key pairs of an installation, as files that age and minisign
 * read too: DIR/image.key (opens bundles; for the machines' image),
 * DIR/signing.key (signs tickets and bundles; the reaper's), DIR/trusted.pub
 * (its public half; for the image). Never in the place of another file; with
 * an error nothing new stays. --image, --signing: only that pair; then --name
 * gives the secret key's file, and the public half of a signing key lies
 * beside it with .pub. Answers an exit status.
 */
int keygen_run(const struct command_line *line);

#endif
