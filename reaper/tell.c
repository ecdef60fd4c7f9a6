#include "reaper/tell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "reaper/pass.h"
#include "reaper/pass_lock.h"
#include "reaper/session.h"
#include "reaper/table.h"
#include "reaper/told.h"
#include "reaper/who.h"

enum { OUT_BYTES = 4 << 20, WAIT_MORE_MS = 5000 };

/* To whom: places in the observation's machines, or names where the ledger alone knows them. */
struct addressees {
	char (*names)[TICKET_FIELD_ROOM];
	size_t count;
};

static void addressees_release(struct addressees *addressees)
{
	free(addressees->names);
	*addressees = (struct addressees){ 0 };
}

static enum order order_of(const char *verb)
{
	for (int order = ORDER_NONE + 1; order < ORDER_COUNT; order++)
		if (!strcmp(order_word((enum order)order), verb))
			return (enum order)order;
	return ORDER_NONE; /* forget */
}

/* ---- to whom ---- */

static void add(struct addressees *to, const char *name)
{
	to->names = memory_grow(to->names, to->count + 1, sizeof(*to->names));
	text_cut(to->names[to->count++], sizeof(*to->names), name);
}

static bool is_alive(const struct observed_machine *machine)
{
	return machine->instance.state != INSTANCE_TERMINATED;
}

/* Every name that may be meant; the ledger's too, for what is forgotten may be gone. */
static size_t candidates(const struct pass_view *view, enum order order, const char **out)
{
	size_t count = 0;

	for (size_t i = 0; i < view->seen.machine_count; i++)
		if (is_alive(&view->seen.machines[i]))
			out[count++] = view->seen.machines[i].instance.id;
	for (size_t i = 0; order == ORDER_NONE && i < view->ledger.order_count; i++)
		out[count++] = view->ledger.orders[i].instance;
	return count;
}

static int refuse_name(const struct pass_view *view, const char *name, const char *meant,
		       struct error *err)
{
	const char *problem = view->seen.problem;

	if (*problem)
		return error_set(err, ERROR_CONFIGURATION,
				 "no machine \"%s\" is seen; but not all could be read: %s", name,
				 problem);
	if (!meant)
		return error_set(err, ERROR_CONFIGURATION,
				 "no machine is named \"%s\": mayfly-reaper status lists them",
				 name);
	return error_set(err, ERROR_CONFIGURATION, "no machine is named \"%s\", did you mean %s?",
			 name, meant);
}

static int add_named(const struct command_line *line, const struct pass_view *view,
		     enum order order, struct addressees *to, struct error *err)
{
	size_t most = view->seen.machine_count + view->ledger.order_count;
	const char **names = memory_array(most + 1, sizeof(*names));
	size_t count = candidates(view, order, names);
	int result = 0;

	for (size_t i = 0; !result && i < line->operand_count; i++) {
		size_t at = 0;

		while (at < count && strcmp(names[at], line->operands[i]) != 0)
			at++;
		if (at == count)
			result = refuse_name(view, line->operands[i],
					     text_nearest(line->operands[i], names, count), err);
		else
			add(to, names[at]);
	}
	free(names);
	return result;
}

static int find_resource(const struct settings *settings, const char *name, size_t *out,
			 struct error *err)
{
	const char *names[SETTINGS_MAX_RESOURCES];

	for (size_t r = 0; r < settings->resource_count; r++) {
		names[r] = settings->resources[r].name;
		if (!strcmp(names[r], name)) {
			*out = r;
			return 0;
		}
	}
	const char *meant = text_nearest(name, names, settings->resource_count);

	return error_set(err, ERROR_CONFIGURATION, "--resource: no resource is named \"%s\"%s%s%s",
			 name, meant ? ", did you mean " : "", meant ? meant : "",
			 meant ? "?" : "");
}

static int add_resource(const struct settings *settings, const char *name,
			const struct pass_view *view, struct addressees *to, struct error *err)
{
	size_t resource = 0;

	if (find_resource(settings, name, &resource, err) < 0)
		return -1;
	if (!view->seen.resources[resource].is_listed)
		return error_set(err, ERROR_UNREACHABLE, "the machines of %s could not be read: %s",
				 name, view->seen.resources[resource].problem);
	for (size_t i = 0; i < view->seen.machine_count; i++)
		if (view->seen.machines[i].resource == resource &&
		    is_alive(&view->seen.machines[i]))
			add(to, view->seen.machines[i].instance.id);
	return 0;
}

static int find_addressees(const struct command_line *line, struct session *session,
			   enum order order, struct addressees *to, struct error *err)
{
	SCOPED(pass_view) struct pass_view view = { 0 };
	const struct pass pass = { .settings = &session->settings, .clearml = session->clearml };
	const char *resource = command_value(line, "--resource", NULL);

	if (pass_look(&pass, &view, err) < 0)
		return -1;
	if (resource)
		return add_resource(&session->settings, resource, &view, to, err);
	return add_named(line, &view, order, to, err);
}

/* ---- what is noted ---- */

static void describe(const char *instance, const char *verb, struct journal_entry *out)
{
	char who[WHO_ROOM];

	who_am_i(who);
	*out = (struct journal_entry){ .time_s = clock_wall_ms() / 1000, .event = "told" };
	text_cut(out->subject, sizeof(out->subject), instance);
	(void)snprintf(out->text, sizeof(out->text), "%s, by %s", verb, who);
}

static int note(struct ledger_file *file, struct ledger *ledger, const struct addressees *to,
		const char *verb, struct error *err)
{
	struct journal_entry *entries = memory_array(to->count + 1, sizeof(*entries));
	size_t count = 0;

	for (size_t i = 0; i < to->count; i++) {
		bool is_new =
			told_set(ledger, to->names[i], order_of(verb), clock_wall_ms() / 1000);

		if (is_new)
			describe(to->names[i], verb, &entries[count++]);
		printf("%s: %s%s\n", to->names[i], verb,
		       is_new ? ", with the next pass" : ", as before");
	}
	int result = ledger_write(file, ledger, err);

	if (!result)
		result = ledger_journal_add(file, entries, count, err);
	free(entries);
	return result;
}

static void ledger_file_release(struct ledger_file **file)
{
	ledger_close(*file);
}

static int tell(const struct command_line *line, struct session *session, struct error *err)
{
	SCOPED(addressees) struct addressees to = { 0 };
	SCOPED(pass_lock) int lock = -1;
	SCOPED(ledger_file) struct ledger_file *file = NULL;
	SCOPED(ledger) struct ledger ledger = { 0 };
	const struct settings *settings = &session->settings;
	int64_t wait_ms = settings->pass_deadline_s * 1000 + WAIT_MORE_MS;

	if (find_addressees(line, session, order_of(line->command->name), &to, err) < 0)
		return -1;
	if (!to.count)
		printf("there is no such machine now\n");
	if (pass_lock(settings->state_folder, wait_ms, &lock, err) < 0 ||
	    ledger_open(settings->state_folder, clock_wall_ms() / 1000, &file, err) < 0 ||
	    ledger_read(file, &ledger, err) < 0)
		return -1;
	return note(file, &ledger, &to, line->command->name, err);
}

/* ---- the list ---- */

static int list(const struct session *session, struct error *err)
{
	static const char *const heading[] = { "machine", "told to", "since", NULL };
	SCOPED(ledger_file) struct ledger_file *file = NULL;
	SCOPED(ledger) struct ledger ledger = { 0 };
	SCOPED(table) struct table table = { 0 };
	SCOPED(buf) struct buf out = BUF(OUT_BYTES);

	if (ledger_open_view(session->settings.state_folder, clock_wall_ms() / 1000, &file, err) <
		    0 ||
	    ledger_read(file, &ledger, err) < 0)
		return -1;
	table_open(&table, heading);
	for (size_t i = 0; i < ledger.order_count; i++) {
		char since[CLOCK_TEXT_LEN];

		clock_format(ledger.orders[i].since_s * 1000, false, since);
		table_cell(&table, "%s", ledger.orders[i].instance);
		table_cell(&table, "%s", order_word(ledger.orders[i].order));
		table_cell(&table, "%s", since);
	}
	if (table_is_empty(&table))
		buf_addf(&out, "no machine is told anything\n");
	else
		table_print(&table, &out);
	if (buf_finish(&out, err) < 0)
		return -1;
	printf("%s", buf_text(&out));
	return 0;
}

int tell_run(const struct command_line *line)
{
	SCOPED(session) struct session session = { 0 };
	bool is_list = command_has(line, "--list"), is_all = command_has(line, "--resource");
	struct error err;

	if ((line->operand_count > 0) + is_list + is_all != 1) {
		(void)error_set(&err, ERROR_CONFIGURATION,
				"%s: expected one of INSTANCE..., --resource NAME, --list",
				line->command->name);
		return session_complain(&err, EXIT_USAGE);
	}
	int status = session_open(line, &session);

	if (status != EXIT_OK)
		return status;
	if ((is_list ? list(&session, &err) : tell(line, &session, &err)) < 0)
		return session_fail(&err);
	return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}
