#ifndef BOOTSTRAP_NOTIFY_H
#define BOOTSTRAP_NOTIFY_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/buf.h"

/*
 * notify: what the service manager is told, by the protocol of sd_notify(3): a datagram of
 * NAME=value lines to the socket that NOTIFY_SOCKET names, a path or ("@...") an abstract name.
 * WATCHDOG_USEC asks for a sign of life at least so often. Without these variables nobody listens,
 * and all calls do nothing.
 */

struct notify {
	int fd; /* -1: nobody listens */
	struct sockaddr_un to;
	socklen_t to_len;
	int64_t every_ms; /* a sixth of what the watchdog grants; 0: no watchdog */
	int64_t next_ms; /* monotonic: when the next sign of life is due */
	bool is_failing; /* said once in the log */
};

/* The values of the three variables; NULL: not set. A watchdog that is for another process
 * (WATCHDOG_PID) is none. ERROR_CONFIGURATION: one makes no sense, and nobody is told anything. */
CHECKED int notify_open(const char *name, const char *watchdog_usec, const char *watchdog_pid,
			struct notify *out, struct error *err);
/* "READY=1" and the like. Never waits; what cannot be told is logged, and the machine lives on. */
void notify_tell(struct notify *notify, const char *fmt, ...) PRINTF(2, 3);
/* The sign of life, when it is due. To be called by the loop that works, and by nothing else. */
void notify_turn(struct notify *notify, int64_t now_ms);
int64_t notify_next_ms(const struct notify *notify); /* INT64_MAX: never */
void notify_close(struct notify *notify);

#endif
