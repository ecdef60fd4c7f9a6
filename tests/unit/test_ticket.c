#include "common/ticket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/schemas.h"

static char program[] = "/opt/agent/bin/clearml-agent", option[] = "--debug";
static char pip[] = "PIP_NO_INDEX=1", empty[] = "EMPTY=";
static char *command[] = { program, option, NULL };
static char *environment[] = { pip, empty, NULL };

static struct ticket_span spans[] = { { 1795472471, 1795479671 }, { 1795500000, 1795500001 } };

static struct ticket make_ticket(void)
{
	struct ticket ticket;

	ticket_defaults(&ticket);
	text_cut(ticket.prefix, sizeof(ticket.prefix), "demo");
	text_cut(ticket.resource, sizeof(ticket.resource), "cpu-small");
	text_cut(ticket.provider, sizeof(ticket.provider), "local");
	text_cut(ticket.type, sizeof(ticket.type), "small");
	text_cut(ticket.day, sizeof(ticket.day), "2026-11-24");
	ticket.slot = 3;
	ticket.generation = 1;
	text_cut(ticket.queues[0], sizeof(ticket.queues[0]), "gpu \"big\" \xc3\xa9");
	text_cut(ticket.queues[1], sizeof(ticket.queues[1]), "cpu");
	ticket.queue_count = 2;
	text_cut(ticket.api_server, sizeof(ticket.api_server), "https://api.example.org/api");
	text_cut(ticket.bundle.source, sizeof(ticket.bundle.source), "file:/etc/mayfly/bundle.age");
	hash_sha256(slice_of(""), ticket.bundle.digest);
	ticket.agent.command = command;
	ticket.agent.environment = environment;
	return ticket;
}

static void print(const struct ticket *ticket, struct buf *out)
{
	struct error err;

	ticket_print(ticket, out);
	assert_int_equal(buf_finish(out, &err), 0);
}

static void check_texts(char *const *got, char *const *want)
{
	for (; *want; got++, want++) {
		assert_non_null(*got);
		assert_string_equal(*got, *want);
	}
	assert_null(*got);
}

/* What lies behind pointers is compared apart, the rest as bytes. */
static void check_equal(struct ticket got, struct ticket want)
{
	check_texts(got.agent.command, want.agent.command);
	if (want.agent.environment)
		check_texts(got.agent.environment, want.agent.environment);
	else
		assert_null(got.agent.environment[0]);
	assert_int_equal(got.hold_count, want.hold_count);
	for (size_t i = 0; i < want.hold_count; i++)
		assert_memory_equal(&got.hold[i], &want.hold[i], sizeof(got.hold[i]));
	assert_int_equal(got.queue_count, want.queue_count);
	for (size_t i = 0; i < want.queue_count; i++)
		assert_string_equal(got.queues[i], want.queues[i]);
	assert_string_equal(got.prefix, want.prefix);
	assert_string_equal(got.resource, want.resource);
	assert_string_equal(got.provider, want.provider);
	assert_string_equal(got.type, want.type);
	assert_string_equal(got.day, want.day);
	assert_string_equal(got.api_server, want.api_server);
	assert_string_equal(got.web_server, want.web_server);
	assert_string_equal(got.files_server, want.files_server);
	assert_string_equal(got.bundle.source, want.bundle.source);
	assert_string_equal(got.bundle.digest, want.bundle.digest);
	assert_string_equal(got.agent.user, want.agent.user);
	assert_int_equal(got.slot, want.slot);
	assert_int_equal(got.generation, want.generation);
	assert_int_equal(got.seats, want.seats);
	assert_int_equal(got.one_task, want.one_task);
	assert_int_equal(got.agent.mode, want.agent.mode);
	assert_memory_equal(&got.limits.idle_timeout_s, &want.limits.idle_timeout_s,
			    offsetof(struct ticket_limits, max_attempts));
	assert_int_equal(got.limits.max_attempts, want.limits.max_attempts);
	assert_int_equal(got.gates.free_bytes, want.gates.free_bytes);
	assert_int_equal(got.gates.free_inode_percent, want.gates.free_inode_percent);
	assert_int_equal(got.gates.max_clock_skew_s, want.gates.max_clock_skew_s);
}

static void check_round_trip(const struct ticket *ticket)
{
	SCOPED(buf) struct buf first = BUF(1 << 20), second = BUF(1 << 20);
	SCOPED(ticket) struct ticket got = { 0 };
	struct error err = { 0 };

	print(ticket, &first);
	if (ticket_parse(buf_slice(&first), "ticket.json", &got, &err) < 0)
		fail_msg("%s\n%s", err.message, buf_text(&first));
	check_equal(got, *ticket);
	print(&got, &second);
	assert_string_equal(buf_text(&first), buf_text(&second));
}

static void test_what_is_printed_is_read(void **state)
{
	struct ticket plain = make_ticket(), full = make_ticket(), bare = make_ticket();

	(void)state;
	check_round_trip(&plain);
	full.seats = 16;
	full.one_task = true;
	full.hold = spans;
	full.hold_count = ARRAY_LEN(spans);
	text_cut(full.web_server, sizeof(full.web_server), "https://app.example.org");
	text_cut(full.files_server, sizeof(full.files_server), "http://[::1]:8081");
	text_cut(full.agent.user, sizeof(full.agent.user), "mayfly");
	full.limits = (struct ticket_limits){ 1, 2, 2, 4, 5, 6, 7, 800, 800, 10 };
	full.gates = (struct ticket_gates){ 11, 12, 13 };
	check_round_trip(&full);
	bare.agent.environment = NULL;
	check_round_trip(&bare);
}

static void test_the_same_ticket_gives_the_same_bytes(void **state)
{
	SCOPED(buf) struct buf first = BUF(1 << 20), second = BUF(1 << 20);
	struct ticket one = make_ticket(), other = make_ticket();

	(void)state;
	/* What lies behind the end of a text is no part of the ticket. */
	memset(other.prefix + 5, 'x', sizeof(other.prefix) - 5);
	print(&one, &first);
	print(&other, &second);
	assert_string_equal(buf_text(&first), buf_text(&second));
	other.slot++;
	buf_clear(&second);
	print(&other, &second);
	assert_string_not_equal(buf_text(&first), buf_text(&second));
}

/* The least that a ticket can say; %s stands for what a row adds or replaces. */
#define HEAD \
	"{\n\"version\": 1, \"prefix\": \"p\", \"resource\": \"cpu\", \"provider\": \"local\",\n"
#define BODY                                                                              \
	"\"type\": \"small\", \"slot\": 0, \"generation\": 0, \"day\": \"2026-11-24\",\n" \
	"\"queues\": [\"cpu\"],\n"
#define PLACES                                                                 \
	"\"clearml\": {\"api_server\": \"http://localhost:8008\"},\n"          \
	"\"bundle\": {\"source\": \"inline\", \"digest\": \"e3b0c44298fc1c149" \
	"afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"},\n"
#define AGENT "\"agent\": {\"command\": [\"/a\"]}"

static void test_defaults(void **state)
{
	static const char text[] = HEAD BODY PLACES AGENT "}";
	SCOPED(ticket) struct ticket got = { 0 };
	struct ticket want;
	struct error err = { 0 };

	(void)state;
	if (ticket_parse(slice_of(text), "t", &got, &err) < 0)
		fail_msg("%s", err.message);
	ticket_defaults(&want);
	assert_memory_equal(&got.limits, &want.limits, sizeof(want.limits));
	assert_memory_equal(&got.gates, &want.gates, sizeof(want.gates));
	assert_int_equal(got.seats, 1);
	assert_false(got.one_task);
	assert_int_equal(got.agent.mode, AGENT_HOST);
	assert_int_equal(got.hold_count, 0);
	assert_string_equal(got.web_server, "");
	assert_null(got.agent.environment[0]);
}

static int64_t schema_default(const struct json *schema, const char *group, const char *name)
{
	SCOPED(buf) struct buf path = BUF(200);
	struct error err = { 0 };
	int64_t number;

	buf_addf(&path, "properties.%s.properties.%s.default", group, name);
	if (json_integer(schema, buf_text(&path), &number, &err) < 0)
		fail_msg("%s", err.message);
	return number;
}

/* The schema tells operators what holds when they say nothing: it must be true. */
static void test_defaults_are_those_of_the_schema(void **state)
{
	SCOPED(json_document) struct json_document schema = { 0 };
	struct ticket ticket;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(
		json_parse((struct slice){ schema_ticket, schema_ticket_len }, &schema, &err), 0);
	ticket_defaults(&ticket);
	const struct {
		const char *group, *name;
		int64_t want;
	} rows[] = {
		{ "limits", "idle_timeout_s", ticket.limits.idle_timeout_s },
		{ "limits", "max_age_s", ticket.limits.max_age_s },
		{ "limits", "max_life_s", ticket.limits.max_life_s },
		{ "limits", "dead_man_s", ticket.limits.dead_man_s },
		{ "limits", "boot_deadline_s", ticket.limits.boot_deadline_s },
		{ "limits", "task_timeout_s", ticket.limits.task_timeout_s },
		{ "limits", "report_every_s", ticket.limits.report_every_s },
		{ "limits", "poll_min_ms", ticket.limits.poll_min_ms },
		{ "limits", "poll_max_ms", ticket.limits.poll_max_ms },
		{ "limits", "max_attempts", ticket.limits.max_attempts },
		{ "gates", "free_bytes", (int64_t)ticket.gates.free_bytes },
		{ "gates", "free_inode_percent", ticket.gates.free_inode_percent },
		{ "gates", "max_clock_skew_s", ticket.gates.max_clock_skew_s },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(schema_default(schema.root, rows[i].group, rows[i].name),
				 rows[i].want);
}

static void test_bad_documents(void **state)
{
	static const struct {
		const char *when, *text;
		const char *want[3]; /* parts of the message */
	} rows[] = {
		{ "it is empty", "", { "t.json", "" } },
		{ "it is no JSON", "{\n\"version\": 1,,}", { "t.json", "line 2" } },
		{ "it is cut", HEAD "\"type\": \"sm", { "t.json" } },
		{ "it is a list", "[]", { "t.json", "list" } },
		{ "a name is misspelt",
		  HEAD BODY PLACES AGENT ",\n\"seets\": 1}",
		  { "t.json:8: seets", "did you mean seats?" } },
		{ "a name in a group is misspelt",
		  HEAD BODY PLACES AGENT ",\n\"limits\": {\n\"idle_timout_s\": 5}}",
		  { "t.json:9: limits.idle_timout_s", "did you mean idle_timeout_s?" } },
		{ "the agent has no command",
		  HEAD BODY PLACES "\"agent\": {}}",
		  { "t.json:7: agent", "command" } },
		{ "the prefix is missing", "{\"version\": 1}", { "t.json", "prefix" } },
		{ "it is of another form", "{\"version\": 2}", { "version" } },
		{ "idle time is zero",
		  HEAD BODY PLACES AGENT ", \"limits\": {\"idle_timeout_s\": 0}}",
		  { "limits.idle_timeout_s", "1" } },
		{ "a number is a text",
		  HEAD BODY PLACES AGENT ", \"seats\": \"1\"}",
		  { "t.json:7: seats", "whole number" } },
		{ "a number has a fraction",
		  HEAD BODY PLACES AGENT ", \"seats\": 1.5}",
		  { "seats" } },
		{ "the provider is unknown", "{\"provider\": \"lokal\"}", { "provider", "local" } },
		{ "a queue stands twice",
		  "{\"queues\": [\"cpu\", \"gpu\", \"cpu\"]}",
		  { "queues" } },
		{ "the server is no address",
		  "{\"clearml\": {\"api_server\": \"api.example.org\"}}",
		  { "clearml.api_server" } },
		{ "a colon is in the resource", "{\"resource\": \"a:b\"}", { "resource" } },
		{ "there is no such day",
		  HEAD "\"type\": \"s\", \"slot\": 0, \"generation\": 0,\n\"day\": \"2026-02-30\", "
		       "\"queues\": [\"cpu\"]," PLACES AGENT "}",
		  { "t.json:4: day", "no such day" } },
		{ "the agent's path is relative",
		  HEAD BODY PLACES "\"agent\": {\"command\": [\"clearml-agent\"]}}",
		  { "t.json:7: agent.command[0]", "absolute" } },
		{ "polls are upside down",
		  HEAD BODY PLACES AGENT
		  ", \"limits\": {\"poll_min_ms\": 200, \"poll_max_ms\": 100}}",
		  { "limits", "poll_min_ms" } },
		{ "age is above life",
		  HEAD BODY PLACES AGENT ", \"limits\": {\"max_age_s\": 20, \"max_life_s\": 10}}",
		  { "limits", "max_age_s" } },
		{ "a hold ends before it begins",
		  HEAD BODY PLACES AGENT ",\n\"hold\": [{\"from_s\": 5, \"until_s\": 5}]}",
		  { "t.json:8: hold", "from_s" } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ticket got = { .slot = 77 };
		struct error err = { 0 };

		if (ticket_parse(slice_of(rows[i].text), "t.json", &got, &err) == 0)
			fail_msg("when %s: accepted", rows[i].when);
		assert_int_equal(err.class, ERROR_CONFIGURATION);
		assert_int_equal(got.slot, 77);
		for (size_t j = 0; j < ARRAY_LEN(rows[i].want) && rows[i].want[j]; j++)
			if (!strstr(err.message, rows[i].want[j]))
				fail_msg("when %s: \"%s\" lacks \"%s\"", rows[i].when, err.message,
					 rows[i].want[j]);
	}
}

/* 255 characters of two bytes pass the schema, and do not fit. */
static void test_a_name_that_does_not_fit_is_refused(void **state)
{
	SCOPED(buf) struct buf text = BUF(4096);
	struct ticket got;
	struct error err = { 0 };

	(void)state;
	buf_addf(&text, HEAD "\"type\": \"s\", \"slot\": 0, \"generation\": 0, "
			     "\"day\": \"2026-11-24\",\n\"queues\": [\"");
	for (int i = 0; i < 200; i++)
		buf_addf(&text, "\xc3\xa9");
	buf_addf(&text, "\"],\n" PLACES AGENT "}");
	assert_int_equal(ticket_parse(buf_slice(&text), "t.json", &got, &err), -1);
	assert_int_equal(err.class, ERROR_CONFIGURATION);
	assert_non_null(strstr(err.message, "t.json:4: queues: 400 bytes"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_printed_is_read),
		cmocka_unit_test(test_the_same_ticket_gives_the_same_bytes),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_defaults_are_those_of_the_schema),
		cmocka_unit_test(test_bad_documents),
		cmocka_unit_test(test_a_name_that_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
