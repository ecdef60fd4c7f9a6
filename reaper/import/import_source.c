#include "reaper/import/import_source.h"

#include <stdio.h>
#include <string.h>

#include "reaper/import/yaml.h"

enum { PANEL_DEPTH = 4 };

/* ---- values by key ---- */

static bool is_given(const struct json *value)
{
	const char *text = json_text_value(value);

	return json_kind(value) != JSON_NULL && (!text || *text);
}

static void note_unknown(struct import_notes *notes, const char *place, const char *name)
{
	import_note(notes, IMPORT_WARNING, "",
		    "%.90s%s%.90s: mayfly does not know it, and leaves it out: look it up in "
		    "mayfly-reaper.json(5), or forget it",
		    place, *place ? "." : "", name);
}

/* A key that is known; its section's values are in *values. */
static void set_value(struct import_values *values, enum import_key key, const struct json *value)
{
	if (is_given(value) && !values->by_key[key])
		values->by_key[key] = value;
}

/* ---- the script's form ---- */

static void read_section(const struct json *object, enum import_section section,
			 struct import_values *values, const char *place,
			 struct import_notes *notes)
{
	for (const struct json *one = json_first(object); one; one = json_next(one)) {
		enum import_key key = import_key_of_script(section, json_name(one));

		if (key == IMPORT_KEY_COUNT)
			note_unknown(notes, place, json_name(one));
		else
			set_value(values, key, one);
	}
}

static const struct json *member(const struct json *object, const char *name)
{
	for (const struct json *one = object ? json_first(object) : NULL; one; one = json_next(one))
		if (!strcmp(json_name(one), name))
			return one;
	return NULL;
}

static struct import_resource *find_resource(struct import_source *out, const char *name)
{
	for (size_t i = 0; i < out->resource_count; i++)
		if (out->resources[i].name && !strcmp(out->resources[i].name, name))
			return &out->resources[i];
	return NULL;
}

/* NULL, and *err, when there are too many. */
static struct import_resource *add_resource(struct import_source *out, const char *name,
					    struct error *err)
{
	if (out->resource_count == IMPORT_MAX_RESOURCES) {
		(void)error_set(err, ERROR_MALFORMED, "more than %d resources",
				IMPORT_MAX_RESOURCES);
		return NULL;
	}
	struct import_resource *added = &out->resources[out->resource_count++];

	added->name = name;
	added->max_instances = -1;
	return added;
}

/* NULL, and *err. */
static struct import_resource *add_from_script(struct import_source *out, const char *name,
					       struct import_notes *notes, struct error *err)
{
	const struct json *own = member(out->values.by_key[IMPORT_RESOURCES], name);

	if (!own || json_kind(own) != JSON_OBJECT) {
		(void)error_set(err, ERROR_MALFORMED,
				"configurations.queues names the resource \"%.80s\", and "
				"configurations.resource_configurations does not have it",
				name);
		return NULL;
	}
	struct import_resource *added = add_resource(out, name, err);
	if (!added)
		return NULL;
	snprintf(added->values.place, sizeof(added->values.place), "resource_configurations.%.80s",
		 name);
	read_section(own, IMPORT_RESOURCE, &added->values, added->values.place, notes);
	return added;
}

/* The resource of a queue's entry: the one that is there already, or a new one. */
static struct import_resource *take_resource(struct import_source *out, const char *name,
					     struct import_notes *notes, struct error *err)
{
	struct import_resource *found = find_resource(out, name);

	if (!found)
		return add_from_script(out, name, notes, err);
	import_note(notes, IMPORT_WARNING, "resources",
		    "%s serves several queues, which the script refuses: here it does, with one "
		    "limit for all",
		    name);
	return found;
}

/* As a number written as a text too; -1: neither. */
static double read_most(struct import_source *out, const char *queue, const char *name,
			const struct json *value, struct import_notes *notes)
{
	struct import_values values = { .by_key = { [IMPORT_MAX] = value } };
	double most = -1;

	snprintf(values.place, sizeof(values.place), "queues.%.60s.%.60s", queue, name);
	(void)import_number(out, &values, IMPORT_MAX, notes, &most);
	return most;
}

static int add_queue(struct import_resource *resource, const char *queue, struct error *err)
{
	if (resource->queue_count == IMPORT_MAX_QUEUES)
		return error_set(err, ERROR_MALFORMED, "resource %.80s: more than %d queues",
				 resource->name, IMPORT_MAX_QUEUES);
	resource->queues[resource->queue_count++] = queue;
	return 0;
}

/* pair is [RESOURCE, MAX]. */
static int read_pair(const struct json *pair, const char *queue, struct import_source *out,
		     struct import_notes *notes, struct error *err)
{
	const struct json *first = json_kind(pair) == JSON_LIST ? json_first(pair) : NULL;
	const struct json *second = first ? json_next(first) : NULL;
	const char *name = first ? json_text_value(first) : NULL;

	if (!name || !second || json_next(second))
		return error_set(err, ERROR_MALFORMED,
				 "configurations.queues.%.80s: expected a list of [RESOURCE, MAX]",
				 queue);
	struct import_resource *resource = take_resource(out, name, notes, err);
	if (!resource)
		return -1;
	double most = read_most(out, queue, name, second, notes);
	if (most > resource->max_instances)
		resource->max_instances = most;
	return add_queue(resource, queue, err);
}

static int read_queues(struct import_source *out, struct import_notes *notes, struct error *err)
{
	const struct json *queues = out->values.by_key[IMPORT_QUEUES];

	if (!queues || json_kind(queues) != JSON_OBJECT || !json_first(queues))
		return error_set(err, ERROR_MALFORMED,
				 "configurations.queues: expected QUEUE: [[RESOURCE, MAX], ...]");
	for (const struct json *queue = json_first(queues); queue; queue = json_next(queue)) {
		if (json_kind(queue) != JSON_LIST)
			return error_set(err, ERROR_MALFORMED,
					 "configurations.queues.%.80s: expected a list of "
					 "[RESOURCE, MAX]",
					 json_name(queue));
		for (const struct json *pair = json_first(queue); pair; pair = json_next(pair))
			if (read_pair(pair, json_name(queue), out, notes, err) < 0)
				return -1;
	}
	return 0;
}

static void note_idle_resources(struct import_source *out, struct import_notes *notes)
{
	const struct json *all = out->values.by_key[IMPORT_RESOURCES];

	for (const struct json *one = all ? json_first(all) : NULL; one; one = json_next(one))
		if (!find_resource(out, json_name(one)))
			import_note(notes, IMPORT_WARNING, "resources",
				    "resource_configurations.%.80s: no queue uses it: left out",
				    json_name(one));
}

static int expect_object(const struct json *value, const char *name, struct error *err)
{
	if (value && json_kind(value) == JSON_OBJECT)
		return 0;
	return error_set(err, ERROR_MALFORMED,
			 "%s: expected a mapping, as in ClearML's aws_autoscaler.yaml", name);
}

static int read_script(struct import_source *out, struct import_notes *notes, struct error *err)
{
	const struct json *root = out->document.root;
	const struct json *hyper = member(root, "hyper_params"),
			  *rest = member(root, "configurations");

	if (expect_object(hyper, "hyper_params", err) < 0 ||
	    expect_object(rest, "configurations", err) < 0)
		return -1;
	for (const struct json *one = json_first(root); one; one = json_next(one))
		if (one != hyper && one != rest)
			note_unknown(notes, "", json_name(one));
	read_section(hyper, IMPORT_HYPER_PARAMS, &out->values, "hyper_params", notes);
	read_section(rest, IMPORT_CONFIGURATIONS, &out->values, "configurations", notes);
	const struct json *all = out->values.by_key[IMPORT_RESOURCES];
	if (expect_object(all, "configurations.resource_configurations", err) < 0 ||
	    read_queues(out, notes, err) < 0)
		return -1;
	note_idle_resources(out, notes);
	return 0;
}

/* ---- the app's form ---- */

struct walk {
	enum import_section section;
	struct import_values *values;
	struct import_notes *notes;
	unsigned depth;
};

/* {"name": LABEL, "value": ...}, as some exports of forms have it. */
static const char *label_of(const struct json *item)
{
	static const char *const names[] = { "name", "key", "label", "title" };

	if (json_kind(item) != JSON_OBJECT || !member(item, "value"))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct json *name = member(item, names[i]);

		if (name && json_text_value(name))
			return json_text_value(name);
	}
	return NULL;
}

static void walk_field(const struct walk *walk, const char *panel, const char *name,
		       const struct json *value);

/* NOLINTBEGIN(misc-no-recursion): PANEL_DEPTH. */

/* The fields of a panel, or of the whole. */
static void walk_panel(const struct walk *walk, const char *panel, const struct json *value)
{
	struct walk deeper = *walk;

	deeper.depth++;
	for (const struct json *one = json_first(value); one; one = json_next(one)) {
		const char *label = label_of(one);

		if (label)
			walk_field(&deeper, panel, label, member(one, "value"));
		else if (json_kind(value) == JSON_OBJECT)
			walk_field(&deeper, panel, json_name(one), one);
		else
			note_unknown(walk->notes, walk->values->place, panel);
	}
}

static bool is_panel(const struct json *value)
{
	return json_kind(value) == JSON_OBJECT ||
	       (json_kind(value) == JSON_LIST && json_first(value) && label_of(json_first(value)));
}

static void walk_field(const struct walk *walk, const char *panel, const char *name,
		       const struct json *value)
{
	enum import_key key = import_key_of_app(walk->section, panel, name);

	if (key < IMPORT_KEY_COUNT && is_given(value) && walk->values->by_key[key])
		import_note(walk->notes, IMPORT_WARNING, "",
			    "%.90s: is there twice, and the first one counts", name);
	if (key < IMPORT_KEY_COUNT)
		set_value(walk->values, key, value);
	else if (is_panel(value) && walk->depth < PANEL_DEPTH)
		walk_panel(walk, name, value);
	else
		note_unknown(walk->notes, walk->values->place, name);
}

/* NOLINTEND(misc-no-recursion) */

static int read_app_resource(const struct json *item, const char *name, struct import_source *out,
			     struct import_notes *notes, struct error *err)
{
	if (json_kind(item) != JSON_OBJECT && !is_panel(item))
		return error_set(err, ERROR_MALFORMED,
				 "compute resource %zu: expected an object with its fields",
				 out->resource_count + 1);
	struct import_resource *resource = add_resource(out, name, err);
	if (!resource)
		return -1;
	struct import_values *values = &resource->values;

	snprintf(values->place, sizeof(values->place), "Compute Resources #%zu",
		 out->resource_count);
	struct walk walk = { IMPORT_RESOURCE, values, notes, 0 };

	walk_panel(&walk, "", item);
	const char *own = import_text(out, values, IMPORT_NAME, notes);
	const char *queue = import_text(out, values, IMPORT_QUEUE, notes);

	resource->name = own ? own : name;
	(void)import_number(out, values, IMPORT_MAX, notes, &resource->max_instances);
	return queue ? add_queue(resource, queue, err) : 0;
}

static int read_app(struct import_source *out, struct import_notes *notes, struct error *err)
{
	struct walk walk = { IMPORT_HYPER_PARAMS, &out->values, notes, 0 };

	out->is_app = true;
	walk_panel(&walk, "", out->document.root);
	const struct json *all = out->values.by_key[IMPORT_RESOURCES];
	if (!all || (json_kind(all) != JSON_LIST && json_kind(all) != JSON_OBJECT) ||
	    !json_first(all))
		return error_set(err, ERROR_MALFORMED,
				 "no Compute Resources in it: expected the JSON that ClearML's AWS "
				 "Autoscaler exports, or the script's aws_autoscaler.yaml");
	for (const struct json *one = json_first(all); one; one = json_next(one)) {
		const char *name = json_kind(all) == JSON_OBJECT ? json_name(one) : NULL;

		if (read_app_resource(one, name, out, notes, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- either ---- */

static bool is_json(struct slice text)
{
	size_t at = text.len >= 3 && !memcmp(text.ptr, "\xef\xbb\xbf", 3) ? 3 : 0;

	while (at < text.len && strchr(" \t\r\n", text.ptr[at]))
		at++;
	return at < text.len && text.ptr[at] == '{';
}

int import_source_read(struct slice text, struct import_source *out, struct import_notes *notes,
		       struct error *err)
{
	bool is_in_json = is_json(text);
	const struct json *root;

	if ((is_in_json ? json_parse(text, &out->document, err) :
			  yaml_parse(text, &out->document, err)) < 0)
		return -1;
	root = out->document.root;
	if (member(root, "hyper_params") || member(root, "configurations"))
		return read_script(out, notes, err);
	if (is_in_json)
		return read_app(out, notes, err);
	return error_set(err, ERROR_MALFORMED,
			 "it has neither hyper_params nor configurations: expected ClearML's "
			 "aws_autoscaler.yaml, or the JSON that its app exports");
}

void import_source_release(struct import_source *source)
{
	json_document_wipe(&source->document);
	source->resource_count = 0;
}
