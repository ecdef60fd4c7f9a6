#include <stdlib.h>
#include <string.h>

#include "common/clearml_call.h"

static const char get_all[] = "users.get_all";

/* It is printed, in terminals too. */
static bool is_printable(const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++)
		if (*at < ' ' || *at == 0x7f)
			return false;
	return true;
}

static int read_user(const struct json *item, struct clearml_user *out, bool *fits,
		     struct error *err)
{
	const char *id, *name = json_text_or(item, "name", "");

	*out = (struct clearml_user){ 0 };
	if (json_text(item, "id", &id, err) < 0)
		return -1;
	if (!*id || !is_printable(id))
		return error_set(err, ERROR_MALFORMED, "id: expected a text, and no empty one");
	*fits = strlen(id) < sizeof(out->id);
	if (*fits)
		memcpy(out->id, id, strlen(id) + 1);
	if (strlen(name) < sizeof(out->name) && is_printable(name))
		memcpy(out->name, name, strlen(name) + 1);
	return 0;
}

/* count: of this page, what does not fit included. */
static int read_users(const struct json *data, struct clearml_users *out, size_t *count,
		      struct error *err)
{
	const struct json *list;

	if (json_list(data, "users", &list, err) < 0)
		return -1;
	*count = 0;
	out->list = memory_grow(out->list, out->count + json_count(list) + 1, sizeof(*out->list));
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		bool fits = false;

		if (read_user(item, &out->list[out->count], &fits, err) < 0)
			return error_wrap(err, "users[%zu]", *count);
		out->count += fits;
		++*count;
	}
	return 0;
}

static int ask(struct clearml *clearml, int page, struct clearml_users *out, size_t *count,
	       struct error *err)
{
	static const char *const fields[] = { "id", "name" };
	SCOPED(json_document) struct json_document body = { 0 };
	SCOPED(json_document) struct json_document answer = { 0 };

	json_new_object(&body);
	clearml_add_texts(body.root, "only_fields", fields, ARRAY_LEN(fields));
	json_add_text(json_add_list(body.root, "order_by"), NULL, "id");
	json_add_integer(body.root, "page", page);
	json_add_integer(body.root, "page_size", CLEARML_PAGE);
	if (clearml_call(clearml, get_all, CLEARML_MAY_REPEAT, &body, &answer, err) < 0)
		return -1;
	if (read_users(json_find(answer.root, "data"), out, count, err) < 0)
		return error_wrap(err, "%s: data", get_all);
	return 0;
}

static int by_id(const void *left, const void *right)
{
	const struct clearml_user *a = left, *b = right;

	return strcmp(a->id, b->id);
}

/* Who comes or goes between two pages shifts them. */
static void sort_once(struct clearml_users *users)
{
	size_t kept = 0;

	if (!users->count)
		return;
	qsort(users->list, users->count, sizeof(*users->list), by_id);
	for (size_t i = 1; i < users->count; i++)
		if (by_id(&users->list[kept], &users->list[i]) != 0)
			users->list[++kept] = users->list[i];
	users->count = kept + 1;
}

void clearml_users_release(struct clearml_users *users)
{
	free(users->list);
	*users = (struct clearml_users){ 0 };
}

int clearml_users(struct clearml *clearml, struct clearml_users *out, struct error *err)
{
	SCOPED(clearml_users) struct clearml_users found = { 0 };
	size_t count = CLEARML_PAGE;

	if (clearml_begin_ready(clearml, err) < 0)
		return -1;
	for (int page = 0; count >= CLEARML_PAGE; page++) {
		if (page == CLEARML_MAX_PAGES)
			return error_set(err, ERROR_MALFORMED, "%s: no end after %d pages", get_all,
					 CLEARML_MAX_PAGES);
		if (ask(clearml, page, &found, &count, err) < 0)
			return -1;
	}
	sort_once(&found);
	*out = found;
	found = (struct clearml_users){ 0 };
	return 0;
}
