#include "tests/unit/support/seat_bench.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "bootstrap/agent_room.h"
#include "common/child.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/marked.h"

#define ACCESS_KEY "ACCESS"
#define SECRET_KEY "not-for-anybodys-eyes"

enum { ANSWER_MAX = 1 << 22, DEADLINE_MS = 60000, CALL_MS = 4000 };

static const char agent_script[] =
	"import base64, fcntl, http.client, json, os, subprocess, sys, time\n"
	"folder, task = sys.argv[1], sys.argv[sys.argv.index('--id') + 1]\n"
	"conf = json.load(open(os.environ['CLEARML_CONFIG_FILE']))['api']\n"
	"keys = conf['credentials']\n"
	"basic = base64.b64encode((keys['access_key'] + ':' + keys['secret_key']).encode())\n"
	"def note(word):\n"
	"    with open(folder + '/runs.log', 'a') as log:\n"
	"        log.write(word + ' ' + task + '\\n')\n"
	"def call(endpoint, **body):\n"
	"    to = http.client.HTTPConnection(conf['api_server'].split('//')[1], timeout=20)\n"
	"    to.request('POST', '/v2.31/' + endpoint, json.dumps(body),\n"
	"               {'Authorization': 'Basic ' + basic.decode()})\n"
	"    answer = to.getresponse().read()\n"
	"lock = open(folder + '/' + task + '.lock', 'w')\n"
	"try:\n"
	"    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
	"except OSError:\n"
	"    note('overlap')\n"
	"with open(folder + '/turns', 'a+') as turns:\n"
	"    fcntl.flock(turns, fcntl.LOCK_EX)\n"
	"    turns.seek(0)\n"
	"    number = len(turns.read())\n"
	"    turns.write('x')\n"
	"plan = open(folder + '/plan').read().split()\n"
	"word = plan[min(number, len(plan) - 1)]\n"
	"note('start')\n"
	"if word not in ('exit', 'stall'):\n"
	"    call('tasks.started', task=task, force=True, status_reason='launch by agent')\n"
	"    call('workers.status_report', worker=os.environ['CLEARML_WORKER_ID'], task=task,\n"
	"         timestamp=int(time.time() * 1000))\n"
	"    note('started')\n"
	"if word in ('save', 'stubborn'):\n"
	"    child = ['import signal, sys, time',\n"
	"        'def note(word):',\n"
	"        '    open(sys.argv[1], \"a\").write(word + \" \" + sys.argv[2] + chr(10))',\n"
	"        'def save(*_):',\n"
	"        '    note(\"saved\")',\n"
	"        '    if sys.argv[3] == \"save\": sys.exit(0)',\n"
	"        'signal.signal(signal.SIGTERM, save)',\n"
	"        'note(\"working\")',\n"
	"        'while True: time.sleep(600)']\n"
	"    subprocess.run([sys.executable, '-c', chr(10).join(child), folder + '/runs.log', "
	"task,\n"
	"                    word])\n"
	"    call('tasks.failed', task=task, force=True)\n"
	"if word == 'complete':\n"
	"    call('tasks.completed', task=task, force=True)\n"
	"if word == 'fail':\n"
	"    call('tasks.failed', task=task, force=True)\n"
	"while word in ('hang', 'stall'):\n"
	"    time.sleep(600)\n"
	"print('the agent says', word)\n"
	"note('end')\n";

static struct clearml *connect_as(const char *client_name, int port, int64_t timeout_ms)
{
	struct clearml *clearml = NULL;
	struct secret secret = { 0 };
	struct error err = { 0 };
	char url[64];

	snprintf(url, sizeof(url), "http://127.0.0.1:%d", port);
	const struct clearml_settings settings = {
		.api_server = url,
		.client_name = client_name,
		.timeout_ms = timeout_ms,
	};
	if (secret_copy(&secret, slice_of(SECRET_KEY), &err) < 0 ||
	    clearml_open(&settings, ACCESS_KEY, &secret, &clearml, &err) < 0)
		fail_msg("%s", err.message);
	return clearml;
}

/* ---- the server ---- */

static void write_text(const char *folder, const char *name, const char *text, mode_t mode)
{
	struct error err = { 0 };

	if (file_write(scratch_path(folder, name), slice_of(text), mode, &err) < 0)
		fail_msg("%s", err.message);
}

static int wait_for_port(const char *path, pid_t server)
{
	int64_t end_ms = clock_monotonic_ms() + DEADLINE_MS;
	SCOPED(buf) struct buf text = BUF(64);
	struct error err = { 0 };

	while (file_read(path, &text, &err) < 0 || !text.len) {
		if (waitpid(server, NULL, WNOHANG) == server)
			fail_msg(
				"the stand-in ended at once: are python3 and tests/standin there?");
		if (clock_monotonic_ms() > end_ms)
			fail_msg("the stand-in does not start: %s", err.message);
		clock_sleep_ms(BENCH_PAUSE_MS);
	}
	return (int)strtol(buf_text(&text), NULL, 10);
}

void bench_start_server(struct bench *bench, const char *version)
{
	struct error err = { 0 };
	char user[SCRATCH_ROOM + 64];

	*bench = (struct bench){ 0 };
	scratch_make(bench->folder);
	write_text(bench->folder, "secret", SECRET_KEY "\n", 0600);
	write_text(bench->folder, "clearml-agent.py", agent_script, 0644);
	snprintf(user, sizeof(user), "tests:" ACCESS_KEY ":%s/secret", bench->folder);
	const char *const argv[] = { "python3",
				     "tests/standin/clearml_server.py",
				     "--port",
				     "0",
				     "--port-file",
				     scratch_path(bench->folder, "port"),
				     "--state",
				     scratch_path(bench->folder, "state.sqlite"),
				     "--user",
				     user,
				     version ? "--max-version" : NULL,
				     version,
				     NULL };
	const struct child_spec spec = {
		.argv = argv,
		.output = scratch_path(bench->folder, "server.log"),
		.dies_with_us = true,
	};
	if (child_start(&spec, &bench->server, &err) < 0)
		fail_msg("%s", err.message);
	bench->port = wait_for_port(scratch_path(bench->folder, "port"), bench->server);
	if (http_open("tests", &bench->http, &err) < 0)
		fail_msg("%s", err.message);
	bench->view = connect_as("tests", bench->port, DEADLINE_MS);
}

void bench_stop_server(struct bench *bench)
{
	http_close(bench->http);
	clearml_close(bench->view);
	kill(bench->server, SIGKILL);
	waitpid(bench->server, NULL, 0);
	scratch_remove(bench->folder);
}

/* ---- the test's own calls ---- */

static void exchange(struct bench *bench, const char *method, const char *path, const char *body,
		     struct buf *out)
{
	struct http_answer answer = { 0 };
	struct secret secret = { 0 };
	struct error err = { 0 };
	char url[256];

	snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", bench->port, path);
	assert_int_equal(secret_copy(&secret, slice_of(SECRET_KEY), &err), 0);
	const struct http_request request = {
		.method = method,
		.url = url,
		.body = slice_of(body),
		.basic_user = ACCESS_KEY,
		.basic_secret = &secret,
		.timeout_ms = DEADLINE_MS,
	};
	if (http_exchange(bench->http, &request, &answer, &err) < 0)
		fail_msg("%s: %s", path, err.message);
	if (answer.status != 200)
		fail_msg("%s %s: %ld %s", path, body, answer.status, buf_text(&answer.body));
	if (out)
		buf_add(out, buf_slice(&answer.body));
	http_answer_release(&answer);
	secret_release(&secret);
}

void bench_call(struct bench *bench, const char *endpoint, const char *body, struct buf *data)
{
	char path[128];

	snprintf(path, sizeof(path), "/v2.31/%s", endpoint);
	exchange(bench, "POST", path, body, data);
}

static void list_faults(struct bench *bench, char *out, size_t room)
{
	SCOPED(buf) struct buf answer = BUF(ANSWER_MAX);

	exchange(bench, "GET", "/_standin/fault", "", &answer);
	text_cut(out, room, buf_text(&answer));
}

void bench_inject(struct bench *bench, const char *fault)
{
	exchange(bench, "POST", "/_standin/fault", fault, NULL);
	list_faults(bench, bench->fault, sizeof(bench->fault));
}

void bench_heal(struct bench *bench)
{
	char left[sizeof(bench->fault)];

	list_faults(bench, left, sizeof(left));
	exchange(bench, "DELETE", "/_standin/fault", "", NULL);
	if (!strcmp(left, bench->fault))
		fail_msg("no call met the fault: %s", left);
}

static void call_for_id(struct bench *bench, const char *endpoint, const char *body,
			char id[static CLEARML_ID_ROOM])
{
	SCOPED(buf) struct buf answer = BUF(ANSWER_MAX);
	SCOPED(json_document) struct json_document document = { 0 };
	struct error err = { 0 };
	const char *text;

	bench_call(bench, endpoint, body, &answer);
	if (json_parse(buf_slice(&answer), &document, &err) < 0 ||
	    json_text(document.root, "data.id", &text, &err) < 0 ||
	    text_copy(id, CLEARML_ID_ROOM, slice_of(text), &err) < 0)
		fail_msg("%s: %s", endpoint, err.message);
}

void bench_add_queue(struct bench *bench, const char *name, char queue[static CLEARML_ID_ROOM])
{
	char body[512];

	snprintf(body, sizeof(body), "{\"name\":\"%s\"}", name);
	call_for_id(bench, "queues.create", body, queue);
}

void bench_add_task(struct bench *bench, char task[static CLEARML_ID_ROOM])
{
	char body[256];

	call_for_id(bench, "tasks.create",
		    "{\"name\":\"a task\",\"type\":\"training\",\"script\":{\"binary\":\"python3\","
		    "\"entry_point\":\"task.py\",\"diff\":\"print(1)\"}}",
		    task);
	snprintf(body, sizeof(body), "{\"task\":\"%s\",\"queue\":\"%s\"}", task, bench->queue);
	bench_call(bench, "tasks.enqueue", body, NULL);
}

struct clearml_task bench_task(struct bench *bench, const char *task)
{
	struct clearml_task found = { 0 };
	struct error err = { 0 };

	if (clearml_task(bench->view, task, &found, &err) < 0)
		fail_msg("%s", err.message);
	return found;
}

bool bench_is_waiting(struct bench *bench, const char *task)
{
	char head[CLEARML_ID_ROOM];
	struct error err = { 0 };

	if (clearml_peek(bench->view, bench->queue, head, &err) < 0)
		fail_msg("%s", err.message);
	return !strcmp(head, task);
}

/* ---- one machine ---- */

static void fill_ticket(struct bench *bench, struct ticket *ticket, unsigned seats)
{
	static char env[] = "/usr/bin/env", python[] = "python3";
	static char script[SCRATCH_ROOM + 32], folder[SCRATCH_ROOM + 16];

	snprintf(script, sizeof(script), "%s/clearml-agent.py", bench->folder);
	text_cut(folder, sizeof(folder), bench->machine.folder);
	ticket_defaults(ticket);
	text_cut(ticket->prefix, sizeof(ticket->prefix), "test");
	text_cut(ticket->resource, sizeof(ticket->resource), "cpu");
	text_cut(ticket->type, sizeof(ticket->type), "any");
	ticket->queue_count = 1;
	ticket->seats = seats;
	snprintf(ticket->api_server, sizeof(ticket->api_server), "http://127.0.0.1:%d",
		 bench->port);
	bench->command[0] = env;
	bench->command[1] = python;
	bench->command[2] = script;
	bench->command[3] = folder;
	ticket->agent.command = bench->command;
	ticket->agent.environment = bench->environment;
}

void bench_connect(struct bench *bench, int port)
{
	clearml_close(bench->machine.clearml);
	bench->machine.clearml = connect_as("mayfly-bootstrap/test", port, CALL_MS);
}

void bench_begin(struct bench *bench, unsigned seats, const char *plan)
{
	static unsigned number;
	struct machine *machine = &bench->machine;
	char instance[64];
	struct error err = { 0 };

	*machine = (struct machine){ 0 };
	snprintf(instance, sizeof(instance), "local-%d-%u", (int)getpid(), number++);
	snprintf(machine->folder, sizeof(machine->folder), "%s/%s", bench->folder, instance);
	snprintf(machine->marker, sizeof(machine->marker), "MAYFLY_INSTANCE=%s", instance);
	text_cut(machine->identity.instance, TICKET_FIELD_ROOM, instance);
	text_cut(machine->identity.type, TICKET_FIELD_ROOM, "any");
	assert_int_equal(file_make_folder(machine->folder, 0700, &err), 0);
	write_text(machine->folder, "plan", plan, 0600);
	fill_ticket(bench, &machine->ticket, seats);
	snprintf(machine->ticket.queues[0], sizeof(machine->ticket.queues[0]), "cpu-%s", instance);
	bench_add_queue(bench, machine->ticket.queues[0], bench->queue);
	text_cut(machine->bundle.access_key, sizeof(machine->bundle.access_key), ACCESS_KEY);
	assert_int_equal(secret_copy(&machine->bundle.secret_key, slice_of(SECRET_KEY), &err), 0);
	bench_connect(bench, bench->port);
	bench->orders = (struct seats_orders){ .may_take = true };
	bench->now_ms = clock_monotonic_ms();
}

void bench_open_seats(struct bench *bench)
{
	struct error err = { 0 };

	if (seats_open(&bench->machine, &bench->seats, &err) < 0)
		fail_msg("%s", err.message);
}

void bench_crash(struct bench *bench)
{
	seats_close(bench->seats);
	bench->seats = NULL;
}

static void check_contract(struct bench *bench)
{
	SCOPED(buf) struct buf answer = BUF(ANSWER_MAX);
	SCOPED(json_document) struct json_document document = { 0 };
	struct error err = { 0 };

	exchange(bench, "GET", "/_standin/violations", "", &answer);
	assert_int_equal(json_parse(buf_slice(&answer), &document, &err), 0);
	const struct json *violations = json_find(document.root, "violations");
	assert_non_null(violations);
	if (json_count(violations))
		fail_msg("beyond the contract: %s", buf_text(&answer));
}

void bench_end(struct bench *bench)
{
	struct error err = { 0 };

	if (bench->seats)
		bench_crash(bench);
	assert_int_equal(marked_kill(bench->machine.marker, 0, 0, DEADLINE_MS, &err), 0);
	for (int status; waitpid(-1, &status, WNOHANG) > 0;)
		;
	assert_int_equal(agent_room_remove_all(bench->machine.identity.instance, false, &err), 0);
	check_contract(bench);
	clearml_close(bench->machine.clearml);
	bench->machine.clearml = NULL;
	secret_release(&bench->machine.bundle.secret_key);
}

/* ---- turning ---- */

struct seats_state bench_look(struct bench *bench)
{
	struct seats_state state;

	seats_look(bench->seats, &state);
	return state;
}

void bench_turn(struct bench *bench)
{
	bench->now_ms += 1000;
	seats_step(bench->seats, &bench->orders, bench->now_ms);
	seats_report_workers(bench->seats, bench->now_ms);
}

void bench_until(struct bench *bench, bool (*claim)(struct bench *bench, const char *task),
		 const char *task, const char *what)
{
	int64_t end_ms = clock_monotonic_ms() + DEADLINE_MS;

	while (!claim(bench, task)) {
		if (clock_monotonic_ms() > end_ms)
			fail_msg("waited in vain: %s", what);
		bench_turn(bench);
		if (bench_look(bench).is_running)
			clock_sleep_ms(BENCH_PAUSE_MS);
	}
}

bool bench_is_idle(struct bench *bench, const char *task)
{
	(void)task;
	return bench_look(bench).busy == 0;
}

bool bench_is_running(struct bench *bench, const char *task)
{
	return bench_count(bench, "start", task) > bench_count(bench, "end", task);
}

bool bench_are_all_started(struct bench *b, const char *task)
{
	(void)task;
	struct seats_state seen = bench_look(b);

	for (size_t i = 0; i < seen.task_count; i++)
		if (!bench_count(b, "started", seen.tasks[i]))
			return false;
	return seen.free == 0;
}

const char *bench_worker(const struct bench *bench)
{
	static char id[WORKER_ID_ROOM];

	snprintf(id, sizeof(id), "test:cpu:any:%s", bench->machine.identity.instance);
	return id;
}

unsigned bench_count(const struct bench *bench, const char *word, const char *task)
{
	SCOPED(buf) struct buf log = BUF(ANSWER_MAX);
	struct error err = { 0 };
	char line[64];
	unsigned count = 0;

	if (file_read(scratch_path(bench->machine.folder, "runs.log"), &log, &err) < 0)
		return 0;
	int len = snprintf(line, sizeof(line), "%s %s\n", word, task);
	for (const char *at = buf_text(&log); at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (!*at)
			break;
		count += !strncmp(at, line, (size_t)len);
	}
	return count;
}

void bench_check_no_overlap(const struct bench *bench)
{
	SCOPED(buf) struct buf log = BUF(ANSWER_MAX);
	struct error err = { 0 };

	if (file_read(scratch_path(bench->machine.folder, "runs.log"), &log, &err) < 0)
		return;
	if (strstr(buf_text(&log), "overlap"))
		fail_msg("two runners of a task: %s", buf_text(&log));
}
