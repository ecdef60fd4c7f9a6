#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "reaper/ledger/ledger_file.h"
#include "reaper/ledger/ledger_rows.h"

static const struct ledger_field head_fields[] = {
	LEDGER_INTEGER(ledger, since_s),
	LEDGER_INTEGER(ledger, passes),
	LEDGER_INTEGER(ledger, looked_s),
	LEDGER_TEXT(ledger, task),
	LEDGER_INTEGER(ledger, channel),
	LEDGER_BOOL(ledger, is_spend_whole),
	LEDGER_INTEGER(ledger, counted_until_s),
	LEDGER_INTEGER(ledger, users_asked_s),
	LEDGER_TEXT(ledger, issuer),
	LEDGER_INTEGER(ledger, mirror),
	LEDGER_TEXT(ledger, rival),
	LEDGER_INTEGER(ledger, rival_s),
	LEDGER_INTEGER(ledger, spend_lost_s),
};
static const struct ledger_shape head = LEDGER_SHAPE("ledger", ledger, head_fields);

static const struct ledger_field attempt_fields[] = {
	LEDGER_TEXT(open_attempt, resource),	   LEDGER_UNSIGNED(open_attempt, slot),
	LEDGER_UNSIGNED(open_attempt, generation), LEDGER_TEXT(open_attempt, day),
	LEDGER_TEXT(open_attempt, offering),	   LEDGER_INTEGER(open_attempt, asked_s),
};
static const struct ledger_field mark_fields[] = {
	LEDGER_TEXT(mark, what),
	LEDGER_INTEGER(mark, first_s),
};
static const struct ledger_field machine_fields[] = {
	LEDGER_TEXT(remembered, instance),	    LEDGER_TEXT(remembered, resource),
	LEDGER_INTEGER(remembered, last_report_ms), LEDGER_INTEGER(remembered, listed_s),
	LEDGER_BOOL(remembered, was_busy),	    LEDGER_BOOL(remembered, has_served),
	LEDGER_BOOL(remembered, is_judged),	    LEDGER_INTEGER(remembered, spent_until_s),
};
static const struct ledger_field resource_fields[] = {
	LEDGER_TEXT(remembered_resource, resource),
	LEDGER_UNSIGNED(remembered_resource, boot_failures),
	LEDGER_INTEGER(remembered_resource, last_boot_failure_s),
	LEDGER_INTEGER(remembered_resource, spot_failing_since_s),
	LEDGER_INTEGER(remembered_resource, spot_blackout_until_s),
	LEDGER_INTEGER(remembered_resource, spot_asked_s),
	LEDGER_BOOL(remembered_resource, is_spot_secret),
};
static const struct ledger_field offering_fields[] = {
	LEDGER_TEXT(offering_state, resource),		LEDGER_TEXT(offering_state, offering),
	LEDGER_INTEGER(offering_state, until_s),	LEDGER_UNSIGNED(offering_state, failures),
	LEDGER_INTEGER(offering_state, hinted_until_s),
};
static const struct ledger_field order_fields[] = {
	LEDGER_TEXT(ordered, instance),
	{ "word", LEDGER_FIELD_UNSIGNED, offsetof(struct ordered, order), ORDER_COUNT - 1 },
	LEDGER_INTEGER(ordered, since_s),
	LEDGER_TEXT(ordered, issuer),
};
static const struct ledger_field user_fields[] = {
	LEDGER_TEXT(clearml_user, id),
	LEDGER_TEXT(clearml_user, name),
};

static const struct ledger_field spot_price_fields[] = {
	LEDGER_TEXT(spot_price, resource), LEDGER_TEXT(spot_price, type),
	LEDGER_TEXT(spot_price, region),   LEDGER_TEXT(spot_price, zone),
	LEDGER_INTEGER(spot_price, price), LEDGER_INTEGER(spot_price, learned_s),
};

/* A list of struct ledger: its table, where its items and their count are, and the order that
 * makes two readings look alike. */
struct list {
	struct ledger_shape shape;
	size_t items, count; /* offsets */
	const char *order;
};
#define LIST(name, type, list, member_items, member_count, order)                          \
	{                                                                                  \
		LEDGER_SHAPE(name, type, list), offsetof(struct ledger, member_items),     \
			offsetof(struct ledger, member_count), "ORDER BY " order ", rowid" \
	}

static const struct list lists[] = {
	LIST("attempts", open_attempt, attempt_fields, attempts, attempt_count,
	     "resource, slot, generation"),
	LIST("marks", mark, mark_fields, marks, mark_count, "what"),
	LIST("machines", remembered, machine_fields, machines, machine_count, "instance"),
	LIST("resources", remembered_resource, resource_fields, resources, resource_count,
	     "resource"),
	LIST("offerings", offering_state, offering_fields, offerings, offering_count,
	     "resource, offering"),
	LIST("orders", ordered, order_fields, orders, order_count, "instance"),
	LIST("users", clearml_user, user_fields, users, user_count, "id"),
	LIST("spot_prices", spot_price, spot_price_fields, spot_prices, spot_price_count,
	     "resource, type, zone"),
};

/* ---- reading ---- */

struct reading {
	char *items; /* owned until it is the ledger's */
	size_t count, room, item_len;
};

static bool take_item(const void *row, void *context)
{
	struct reading *reading = context;

	if (reading->count == reading->room) {
		reading->room = reading->room ? 2 * reading->room : 16;
		reading->items = memory_grow(reading->items, reading->room, reading->item_len);
	}
	memcpy(reading->items + reading->count++ * reading->item_len, row, reading->item_len);
	return true;
}

static int read_list(struct ledger_sql *sql, const struct list *list, struct ledger *out,
		     struct error *err)
{
	struct reading reading = { .item_len = list->shape.row_len };
	struct ledger_choice all = { .condition = list->order };
	int status = ledger_rows_each(sql, &list->shape, &all, take_item, &reading, err);

	/* Its own type's pointer: all pointers to structs look alike (C11, 6.2.5). */
	memcpy((char *)out + list->items, &reading.items, sizeof(reading.items));
	memcpy((char *)out + list->count, &reading.count, sizeof(reading.count));
	return status;
}

struct heads {
	struct ledger *out;
	unsigned count;
};

static bool take_head(const void *row, void *context)
{
	struct heads *heads = context;

	memcpy(heads->out, row, sizeof(*heads->out));
	return ++heads->count < 2;
}

static int read_all(struct ledger_sql *sql, struct ledger *out, struct error *err)
{
	struct heads heads = { .out = out };

	if (ledger_rows_each(sql, &head, &(struct ledger_choice){ 0 }, take_head, &heads, err) < 0)
		return -1;
	if (heads.count != 1)
		return error_set(err, ERROR_MALFORMED, "the ledger's table ledger: not one row");
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (read_list(sql, &lists[i], out, err) < 0)
			return -1;
	return 0;
}

int ledger_memory_read(struct ledger_sql *sql, struct ledger *out, struct error *err)
{
	SCOPED(ledger) struct ledger ledger = { 0 };
	bool is_own = !ledger_sql_is_in_transaction(sql);

	if (is_own && ledger_sql_run(sql, "BEGIN", err) < 0)
		return -1;
	int status = read_all(sql, &ledger, err);
	if (is_own)
		ledger_sql_undo(sql);
	if (status < 0)
		return -1;
	*out = ledger;
	ledger = (struct ledger){ 0 };
	return 0;
}

/* ---- writing ---- */

static int write_table(struct ledger_sql *sql, const struct ledger_shape *shape, const void *items,
		       size_t count, struct error *err)
{
	char empty[64];

	text_cut(empty, sizeof(empty), "DELETE FROM ");
	text_cut(empty + strlen(empty), sizeof(empty) - strlen(empty), shape->table);
	if (ledger_sql_run(sql, empty, err) < 0)
		return -1;
	return ledger_rows_add(sql, shape, items, count, err);
}

int ledger_memory_write(struct ledger_sql *sql, const struct ledger *ledger, struct error *err)
{
	if (write_table(sql, &head, ledger, 1, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		const void *items;
		size_t count;

		memcpy(&items, (const char *)ledger + lists[i].items, sizeof(items));
		memcpy(&count, (const char *)ledger + lists[i].count, sizeof(count));
		if (write_table(sql, &lists[i].shape, items, count, err) < 0)
			return -1;
	}
	return 0;
}

void ledger_release(struct ledger *ledger)
{
	free(ledger->attempts);
	free(ledger->marks);
	free(ledger->machines);
	free(ledger->resources);
	free(ledger->offerings);
	free(ledger->orders);
	free(ledger->users);
	free(ledger->spot_prices);
	*ledger = (struct ledger){ 0 };
}
