#ifndef REAPER_SEAL_H
#define REAPER_SEAL_H

#include "common/command.h"

/*
 * seal: checks a bundle, seals it to the recipients, signs it, writes OUT and
 * OUT.minisig, and says what it did. Of the configuration only the prefix, the
 * signing key and the recipients are read, since the sealed file, which the
 * rest refers to, is only made here. The plain file must be ours and closed to
 * others: a warning would come when they have read it. OUT may be an older
 * sealed bundle, and nothing else that is there. Answers an exit status.
 */
int seal_run(const struct command_line *line);

#endif
