#ifndef REAPER_WHO_H
#define REAPER_WHO_H

/* who: the person behind a command, for the journal: "ada on host", by our own word. */

enum { WHO_ROOM = 128 };

void who_am_i(char out[static WHO_ROOM]);

#endif
