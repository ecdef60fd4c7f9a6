#include "bootstrap/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"

enum { TEXT_ROOM = 512, USEC_PER_MS = 1000, SIGNS = 6 };

static int read_number(const char *name, const char *text, int64_t *out, struct error *err)
{
	char *end;

	errno = 0;
	long long number = strtoll(text, &end, 10);

	if (errno || end == text || *end || number <= 0)
		return error_set(err, ERROR_CONFIGURATION, "%s: expected a number, got \"%.40s\"",
				 name, text);
	*out = number;
	return 0;
}

static int read_watchdog(const char *usec, const char *pid, int64_t *every_ms, struct error *err)
{
	int64_t granted_usec = 0, wanted_pid = getpid();

	if (usec && read_number("WATCHDOG_USEC", usec, &granted_usec, err) < 0)
		return -1;
	if (pid && read_number("WATCHDOG_PID", pid, &wanted_pid, err) < 0)
		return -1;
	/* A turn of the loop may take what is left after a sign that was nearly due: with half of
	 * it, as sd_watchdog_enabled(3) has it, that were no more than the other half. Never so
	 * short that the loop would spin. */
	if (granted_usec && wanted_pid == getpid())
		*every_ms = granted_usec / USEC_PER_MS / SIGNS + 1;
	return 0;
}

static int read_address(const char *name, struct notify *notify, struct error *err)
{
	size_t len = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof(notify->to.sun_path))
		return error_set(err, ERROR_CONFIGURATION,
				 "NOTIFY_SOCKET: expected an absolute path or @NAME, got \"%.40s\"",
				 name);
	notify->to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(notify->to.sun_path, name, len);
	if (name[0] == '@')
		notify->to.sun_path[0] = '\0';
	notify->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return 0;
}

int notify_open(const char *name, const char *watchdog_usec, const char *watchdog_pid,
		struct notify *out, struct error *err)
{
	struct notify notify = { .fd = -1 };

	*out = notify;
	if (!name)
		return 0;
	if (read_address(name, &notify, err) < 0 ||
	    read_watchdog(watchdog_usec, watchdog_pid, &notify.every_ms, err) < 0)
		return -1;
	notify.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (notify.fd < 0)
		return error_errno(err, "a socket for NOTIFY_SOCKET");
	*out = notify;
	return 0;
}

static void send_text(struct notify *notify, const char *text)
{
	bool is_told = sendto(notify->fd, text, strlen(text), MSG_NOSIGNAL,
			      (const struct sockaddr *)&notify->to, notify->to_len) >= 0;

	if (!is_told && !notify->is_failing)
		log_warn("notify", "the service manager cannot be told: %s", strerror(errno));
	notify->is_failing = !is_told;
}

void notify_tell(struct notify *notify, const char *fmt, ...)
{
	char text[TEXT_ROOM];
	va_list arguments;

	if (notify->fd < 0)
		return;
	va_start(arguments, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, arguments);
	va_end(arguments);
	send_text(notify, text);
}

void notify_turn(struct notify *notify, int64_t now_ms)
{
	if (now_ms < notify_next_ms(notify))
		return;
	notify->next_ms = now_ms + notify->every_ms;
	send_text(notify, "WATCHDOG=1");
}

int64_t notify_next_ms(const struct notify *notify)
{
	return notify->fd >= 0 && notify->every_ms ? notify->next_ms : INT64_MAX;
}

void notify_close(struct notify *notify)
{
	if (notify->fd >= 0)
		(void)close(notify->fd);
	*notify = (struct notify){ .fd = -1 };
}
