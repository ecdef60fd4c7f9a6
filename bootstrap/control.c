#include "bootstrap/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "bootstrap/keep.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"

enum { LINE_MAX_BYTES = 256, CLIENT_TIME_MS = 5000 };

static const char socket_name[] = "control.sock";

struct client {
	int fd; /* -1: a free place */
	int64_t until_ms;
	char line[LINE_MAX_BYTES];
	size_t len;
};

struct control {
	int folder_fd, listen_fd;
	struct client clients[CONTROL_CLIENTS];
};

/* ---- the line ---- */

static const struct {
	const char *word;
	enum control_verb verb;
	int (*argument)(struct slice text, int64_t *seconds, struct error *err);
} verbs[] = {
	[CONTROL_STATUS] = { "status", CONTROL_STATUS, NULL },
	[CONTROL_DRAIN] = { "drain", CONTROL_DRAIN, NULL },
	[CONTROL_LEAVE] = { "leave", CONTROL_LEAVE, NULL },
	[CONTROL_KEEP_FOR] = { "keep for", CONTROL_KEEP_FOR, keep_parse_span },
	[CONTROL_KEEP_UNTIL] = { "keep until", CONTROL_KEEP_UNTIL, keep_parse_until },
	[CONTROL_KEEP_OFF] = { "keep off", CONTROL_KEEP_OFF, NULL },
};

int control_parse(struct slice line, struct control_command *out, struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		size_t len = strlen(verbs[i].word);
		struct control_command command = { .verb = verbs[i].verb };

		if (line.len < len || memcmp(line.ptr, verbs[i].word, len) != 0)
			continue;
		if (!verbs[i].argument && line.len == len) {
			*out = command;
			return 0;
		}
		if (!verbs[i].argument || line.len == len || line.ptr[len] != ' ')
			continue;
		const struct slice argument = { line.ptr + len + 1, line.len - len - 1 };

		if (verbs[i].argument(argument, &command.seconds, err) < 0)
			return error_wrap(err, "%s", verbs[i].word);
		*out = command;
		return 0;
	}
	return error_set(
		err, ERROR_MALFORMED,
		"expected status, drain, leave, keep for SPAN, keep until TIME or keep off");
}

void control_print(const struct control_command *command, struct buf *out)
{
	buf_addf(out, "%s", verbs[command->verb].word);
	if (verbs[command->verb].argument)
		buf_addf(out, " %lld", (long long)command->seconds);
}

/* ---- the address ---- */

/* By way of the folder's descriptor: an address holds 107 bytes, a path may be longer. */
static struct sockaddr_un address_in(int folder_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", folder_fd,
		       socket_name);
	return address;
}

static int open_folder(const char *folder, int *fd, struct error *err)
{
	int opened = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (opened < 0)
		return error_errno(err, "open the folder %s", folder);
	*fd = opened;
	return 0;
}

/* ---- the machine's end ---- */

static int listen_at(int folder_fd, int *out, struct error *err)
{
	struct sockaddr_un address = address_in(folder_fd);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return error_errno(err, "a local socket");
	mode_t before = umask(0177);
	int failed = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		     listen(fd, CONTROL_CLIENTS) < 0;

	if (failed)
		(void)error_errno(err, "listen");
	(void)umask(before);
	if (failed) {
		(void)close(fd);
		return -1;
	}
	*out = fd;
	return 0;
}

int control_open(const char *folder, struct control **out, struct error *err)
{
	int folder_fd = -1, listen_fd = -1;

	if (open_folder(folder, &folder_fd, err) < 0)
		return -1;
	(void)unlinkat(folder_fd, socket_name, 0);
	if (listen_at(folder_fd, &listen_fd, err) < 0) {
		(void)close(folder_fd);
		return error_wrap(err, "%s/%s", folder, socket_name);
	}
	struct control *control = memory_array(1, sizeof(*control));

	control->folder_fd = folder_fd;
	control->listen_fd = listen_fd;
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		control->clients[i].fd = -1;
	*out = control;
	return 0;
}

size_t control_polls(const struct control *control, struct pollfd polls[static CONTROL_POLLS])
{
	size_t count = 0;

	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (control->clients[i].fd >= 0)
			polls[count++] = (struct pollfd){ control->clients[i].fd, POLLIN, 0 };
	/* With every place taken, the next one waits in the kernel's queue. */
	if (count < CONTROL_CLIENTS)
		polls[count++] = (struct pollfd){ control->listen_fd, POLLIN, 0 };
	return count;
}

int64_t control_next_ms(const struct control *control)
{
	int64_t next_ms = INT64_MAX;

	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (control->clients[i].fd >= 0 && control->clients[i].until_ms < next_ms)
			next_ms = control->clients[i].until_ms;
	return next_ms;
}

static void drop(struct client *client)
{
	(void)close(client->fd);
	*client = (struct client){ .fd = -1 };
}

static bool may_command(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	if (peer.uid == 0 || peer.uid == geteuid())
		return true;
	log_warn("control", "user %u, process %d: not served", (unsigned)peer.uid, (int)peer.pid);
	return false;
}

static struct client *free_place(struct control *control)
{
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (control->clients[i].fd < 0)
			return &control->clients[i];
	return NULL;
}

static void accept_all(struct control *control, int64_t now_ms)
{
	struct client *place = free_place(control);

	for (; place; place = free_place(control)) {
		int fd = accept4(control->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			return;
		if (!may_command(fd)) {
			(void)close(fd);
			continue;
		}
		*place = (struct client){ .fd = fd, .until_ms = now_ms + CLIENT_TIME_MS };
	}
}

void control_refuse(const struct error *why, struct buf *answer)
{
	SCOPED(json_document) struct json_document document = { 0 };

	json_new_object(&document);
	json_add_text(document.root, "error", why->message);
	json_print(document.root, false, answer);
}

static void answer_to(struct client *client, const struct control_server *server, size_t len)
{
	SCOPED(buf) struct buf text = BUF(CONTROL_ANSWER_MAX);
	struct control_command command;
	struct error err;

	if (control_parse((struct slice){ client->line, len }, &command, &err) < 0)
		control_refuse(&err, &text);
	else
		server->obey(server->context, &command, &text);
	buf_addf(&text, "\n");
	/* The socket's own buffer is larger than any answer; who does not read loses. */
	(void)send(client->fd, buf_text(&text), text.len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void read_client(struct client *client, const struct control_server *server)
{
	size_t room = sizeof(client->line) - client->len;
	ssize_t got = recv(client->fd, client->line + client->len, room, MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return;
	if (got <= 0) {
		drop(client);
		return;
	}
	client->len += (size_t)got;
	const char *end = memchr(client->line, '\n', client->len);

	if (end)
		answer_to(client, server, (size_t)(end - client->line));
	if (end || client->len == sizeof(client->line))
		drop(client);
}

void control_turn(struct control *control, const struct control_server *server, int64_t now_ms)
{
	accept_all(control, now_ms);
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		struct client *client = &control->clients[i];

		if (client->fd >= 0)
			read_client(client, server);
		if (client->fd >= 0 && now_ms >= client->until_ms)
			drop(client);
	}
}

void control_close(struct control *control)
{
	if (!control)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (control->clients[i].fd >= 0)
			drop(&control->clients[i]);
	(void)unlinkat(control->folder_fd, socket_name, 0);
	(void)close(control->listen_fd);
	(void)close(control->folder_fd);
	free(control);
}

/* ---- the operator's end ---- */

static int dial(const char *folder, int *out, struct error *err)
{
	int folder_fd = -1;

	if (open_folder(folder, &folder_fd, err) < 0)
		return -1;
	struct sockaddr_un address = address_in(folder_fd);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int failed = fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0;
	int cause = errno;

	(void)close(folder_fd);
	if (!failed) {
		*out = fd;
		return 0;
	}
	if (fd >= 0)
		(void)close(fd);
	if (cause == ENOENT || cause == ECONNREFUSED)
		return error_set(err, ERROR_NOT_FOUND, "no mayfly-bootstrap runs in %s", folder);
	errno = cause;
	(void)error_errno(err, "%s/%s", folder, socket_name);
	if (cause == EACCES || cause == EPERM)
		err->class = ERROR_DENIED;
	return -1;
}

static int receive(int fd, int64_t timeout_ms, struct buf *answered, struct error *err)
{
	int64_t until_ms = clock_monotonic_ms() + timeout_ms;
	char bytes[4096];

	for (;;) {
		int64_t left_ms = until_ms - clock_monotonic_ms();
		struct pollfd wait = { fd, POLLIN, 0 };

		if (left_ms <= 0)
			return error_set(err, ERROR_UNREACHABLE,
					 "no answer in %lld s: the machine is busy, try again",
					 (long long)(timeout_ms / 1000));
		if (poll(&wait, 1, left_ms < 60000 ? (int)left_ms : 60000) <= 0)
			continue;
		ssize_t got = recv(fd, bytes, sizeof(bytes), 0);

		if (got < 0)
			return error_errno(err, "read the answer");
		if (got == 0)
			break;
		buf_add(answered, (struct slice){ bytes, (size_t)got });
	}
	if (!answered->len)
		return error_set(err, ERROR_DENIED,
				 "the machine hung up: it serves root and its own user");
	return buf_finish(answered, err);
}

int control_ask(const char *folder, const struct control_command *command, int64_t timeout_ms,
		struct buf *answered, struct error *err)
{
	SCOPED(buf) struct buf line = BUF(LINE_MAX_BYTES);
	int fd = -1;

	if (dial(folder, &fd, err) < 0)
		return -1;
	control_print(command, &line);
	buf_addf(&line, "\n");
	int status = 0;

	if (send(fd, buf_text(&line), line.len, MSG_NOSIGNAL) != (ssize_t)line.len)
		status = error_errno(err, "ask %s/%s", folder, socket_name);
	if (!status)
		status = receive(fd, timeout_ms, answered, err);
	(void)close(fd);
	return status;
}
