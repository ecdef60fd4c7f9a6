#include "reaper/settings/clearml_keys.h"

#include <string.h>

#include "common/file.h"

enum { MOST_BYTES = 1 << 20, MOST_DEPTH = 32, NAME_ROOM = 256 };

/* ---- clearml.conf: HOCON in the form that clearml-init and people write ---- */

struct scan {
	const char *source;
	struct slice text;
	size_t at;
	unsigned line, depth;
	struct clearml_keys *out;
};

static int refuse(const struct scan *scan, struct error *err, const char *what)
{
	return error_set(err, ERROR_CONFIGURATION,
			 "%s:%u: %s: give ClearML's servers and keys in the configuration's "
			 "\"clearml\" or in CLEARML_API_... instead",
			 scan->source, scan->line, what);
}

static char peek(const struct scan *scan, size_t ahead)
{
	return scan->at + ahead < scan->text.len ? scan->text.ptr[scan->at + ahead] : '\0';
}

static bool is_at_end(const struct scan *scan)
{
	return scan->at >= scan->text.len;
}

static void advance(struct scan *scan, size_t count)
{
	for (; count && !is_at_end(scan); count--)
		scan->line += scan->text.ptr[scan->at++] == '\n';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Blanks and comments; line ends and commas too where these only separate. */
static void skip(struct scan *scan, bool is_over_lines)
{
	while (!is_at_end(scan)) {
		char c = peek(scan, 0);

		if (c == '#' || (c == '/' && peek(scan, 1) == '/'))
			while (!is_at_end(scan) && peek(scan, 0) != '\n')
				advance(scan, 1);
		else if (is_blank(c) || (is_over_lines && (c == '\n' || c == ',')))
			advance(scan, 1);
		else
			return;
	}
}

/* A text in quotes, or in three of them; *out is what stands between. */
static int take_quoted(struct scan *scan, struct slice *out, struct error *err)
{
	size_t quotes = peek(scan, 1) == '"' && peek(scan, 2) == '"' ? 3 : 1;

	advance(scan, quotes);
	size_t start = scan->at;
	for (; !is_at_end(scan); advance(scan, 1)) {
		bool is_end = peek(scan, 0) == '"' &&
			      (quotes == 1 || (peek(scan, 1) == '"' && peek(scan, 2) == '"'));

		if (is_end) {
			*out = (struct slice){ scan->text.ptr + start, scan->at - start };
			advance(scan, quotes);
			return 0;
		}
		if (quotes == 1 && peek(scan, 0) == '\n')
			break;
		if (quotes == 1 && peek(scan, 0) == '\\')
			advance(scan, 1);
	}
	return refuse(scan, err, "a quote is not closed");
}

/* Without quotes: as far as one of the given characters, blanks at the end left out. */
static struct slice take_bare(struct scan *scan, const char *ends)
{
	size_t start = scan->at, end = start;

	while (!is_at_end(scan)) {
		char c = peek(scan, 0);
		bool is_comment =
			c == '#' || (c == '/' && peek(scan, 1) == '/' &&
				     (scan->at == start || is_blank(scan->text.ptr[scan->at - 1])));

		if (!c || is_comment || strchr(ends, c))
			break;
		advance(scan, 1);
		if (!is_blank(c))
			end = scan->at;
	}
	return (struct slice){ scan->text.ptr + start, end - start };
}

/* [ ... ]: nothing that we need is in a list. */
static int skip_list(struct scan *scan, struct error *err)
{
	size_t open = 0;
	struct slice ignored;

	while (!is_at_end(scan)) {
		char c = peek(scan, 0);

		if (c == '"') {
			if (take_quoted(scan, &ignored, err) < 0)
				return -1;
			continue;
		}
		if (c == '#') {
			skip(scan, false);
			continue;
		}
		open += c == '[';
		open -= c == ']';
		advance(scan, 1);
		if (!open)
			return 0;
	}
	return refuse(scan, err, "a [ is not closed");
}

static int keep_server(struct scan *scan, struct slice value, char field[static TICKET_PATH_ROOM],
		       struct error *err)
{
	while (value.len && value.ptr[value.len - 1] == '/')
		value.len--;
	if (text_copy(field, TICKET_PATH_ROOM, value, err) < 0)
		return refuse(scan, err, "the server's address is too long");
	return 0;
}

static int keep(struct scan *scan, const char *name, struct slice value, struct error *err)
{
	struct clearml_keys *out = scan->out;

	if (memchr(value.ptr, '\\', value.len) || memchr(value.ptr, '$', value.len))
		return refuse(scan, err, "an escape or a substitution, which is not read here");
	if (!strcmp(name, "api.api_server"))
		return keep_server(scan, value, out->api_server, err);
	if (!strcmp(name, "api.web_server"))
		return keep_server(scan, value, out->web_server, err);
	if (!strcmp(name, "api.files_server"))
		return keep_server(scan, value, out->files_server, err);
	if (!strcmp(name, "api.credentials.access_key"))
		return text_copy(out->access_key, sizeof(out->access_key), value, err) < 0 ?
			       refuse(scan, err, "the access key is too long") :
			       0;
	secret_release(&out->secret_key);
	return secret_copy(&out->secret_key, value, err);
}

static bool is_wanted(const char *name)
{
	static const char *const wanted[] = { "api.api_server", "api.web_server",
					      "api.files_server", "api.credentials.access_key",
					      "api.credentials.secret_key" };

	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		if (!strcmp(name, wanted[i]))
			return true;
	return false;
}

static int take_simple(struct scan *scan, const char *name, struct error *err)
{
	struct slice value = { "", 0 }, more;

	if (peek(scan, 0) == '"') {
		if (take_quoted(scan, &value, err) < 0)
			return -1;
		more = take_bare(scan, "\n,}");
		if (more.len && is_wanted(name))
			return refuse(scan, err, "a value put together from parts");
	} else {
		value = take_bare(scan, "\n,}\"");
		if (peek(scan, 0) == '"')
			return is_wanted(name) ?
				       refuse(scan, err, "a value put together from parts") :
				       take_simple(scan, name, err);
		/* A substitution's own brace is no end of an object. */
		while (peek(scan, 0) == '}' && memchr(value.ptr, '{', value.len)) {
			advance(scan, 1);
			more = take_bare(scan, "\n,}");
			value.len = (size_t)(more.ptr + more.len - value.ptr);
			if (!more.len)
				break;
		}
	}
	return is_wanted(name) ? keep(scan, name, value, err) : 0;
}

static int take_name(struct scan *scan, const char *outer, char out[static NAME_ROOM],
		     struct error *err)
{
	SCOPED(buf) struct buf name = BUF(NAME_ROOM - 1);
	struct slice part;

	buf_addf(&name, "%s%s", outer, *outer ? "." : "");
	if (peek(scan, 0) == '"') {
		if (take_quoted(scan, &part, err) < 0)
			return -1;
	} else {
		part = take_bare(scan, " \t\r\n:=+{}[],\"");
		if (!part.len)
			return refuse(scan, err, "expected a name");
	}
	buf_add(&name, part);
	/* A name too long for us is none that we want. */
	text_cut(out, NAME_ROOM, name.overflowed ? "" : buf_text(&name));
	return 0;
}

static int take_members(struct scan *scan, const char *outer, struct error *err);

static int take_value(struct scan *scan, const char *name, struct error *err)
{
	switch (peek(scan, 0)) {
	case '{':
		if (++scan->depth > MOST_DEPTH)
			return refuse(scan, err, "nested too deep");
		advance(scan, 1);
		if (take_members(scan, name, err) < 0)
			return -1;
		if (peek(scan, 0) != '}')
			return refuse(scan, err, "a { is not closed");
		advance(scan, 1);
		scan->depth--;
		return 0;
	case '[':
		return skip_list(scan, err);
	default:
		return take_simple(scan, name, err);
	}
}

/* As far as the } of this object, or the end of the text. */
static int take_members(struct scan *scan, const char *outer, struct error *err)
{
	char name[NAME_ROOM];

	for (;;) {
		skip(scan, true);
		if (is_at_end(scan) || peek(scan, 0) == '}')
			return 0;
		if (take_name(scan, outer, name, err) < 0)
			return -1;
		skip(scan, false);
		if (peek(scan, 0) == '+')
			advance(scan, 1);
		if (peek(scan, 0) == ':' || peek(scan, 0) == '=')
			advance(scan, 1);
		skip(scan, false);
		if (peek(scan, 0) == '\n' || is_at_end(scan))
			skip(scan, true);
		if (take_value(scan, name, err) < 0)
			return -1;
	}
}

int clearml_keys_parse(struct slice text, const char *source, struct clearml_keys *out,
		       struct error *err)
{
	struct scan scan = { .source = source, .text = text, .line = 1, .out = out };

	if (memchr(text.len ? text.ptr : "", '\0', text.len))
		return refuse(&scan, err, "a NUL byte: this is no text");
	skip(&scan, true);
	if (peek(&scan, 0) == '{')
		return take_value(&scan, "", err);
	if (take_members(&scan, "", err) < 0)
		return -1;
	return is_at_end(&scan) ? 0 : refuse(&scan, err, "a } too many");
}

/* ---- where each of them comes from ---- */

struct sources {
	const struct settings_text *text;
	const struct json *section; /* "clearml" of the configuration; NULL: none */
	struct clearml_keys conf; /* of clearml.conf */
	char conf_path[TICKET_PATH_ROOM]; /* "" when there is none */
};

static void sources_release(struct sources *sources)
{
	clearml_keys_release(&sources->conf);
}

static int read_conf(struct sources *sources, struct error *err)
{
	const char *named = settings_variable(sources->text, "CLEARML_CONFIG_FILE");
	const char *home = settings_variable(sources->text, "HOME");
	SCOPED(buf) struct buf path = BUF(TICKET_PATH_ROOM - 1);
	SCOPED(buf) struct buf text = BUF(MOST_BYTES);

	if (!named && !home)
		return 0;
	buf_addf(&path, "%s%s", named ? named : home, named ? "" : "/clearml.conf");
	if (!named && !file_exists(buf_text(&path)))
		return 0;
	if (file_read(buf_text(&path), &text, err) < 0) {
		err->class = ERROR_CONFIGURATION;
		return error_wrap(err, "ClearML's own configuration");
	}
	text_cut(sources->conf_path, sizeof(sources->conf_path), buf_text(&path));
	return clearml_keys_parse(buf_slice(&text), buf_text(&path), &sources->conf, err);
}

static int find_server(const struct sources *sources, const char *name, const char *variable,
		       const char *of_conf, char out[static TICKET_PATH_ROOM], struct error *err)
{
	const char *found = json_text_or(sources->section, name, NULL);
	bool is_ours = found;

	if (!found)
		found = settings_variable(sources->text, variable);
	if (!found)
		found = of_conf;
	size_t len = strlen(found);
	while (len && found[len - 1] == '/')
		len--;
	if (text_copy(out, TICKET_PATH_ROOM, (struct slice){ found, len }, err) < 0)
		return error_wrap(err, "%s", is_ours ? name : variable);
	if (len && strncmp(out, "http://", 7) != 0 && strncmp(out, "https://", 8) != 0)
		return error_set(err, ERROR_CONFIGURATION,
				 "ClearML's %s: expected http://... or https://..., got %.200s",
				 name, out);
	return 0;
}

static int find_access_key(const struct sources *sources, struct clearml_keys *out,
			   struct error *err)
{
	static const char at[] = "clearml.access_key";
	const struct json *value = json_find(sources->section, "access_key");
	SCOPED(secret) struct secret referred = { 0 };
	struct slice key = slice_of(json_text_value(value));

	if (!key.len) {
		if (settings_reference(sources->text, at, value, &referred, err) < 0)
			return -1;
		key = secret_expose(&referred);
	}
	if (text_copy(out->access_key, sizeof(out->access_key), key, err) < 0)
		return settings_refuse(sources->text, err, at, "longer than 127 characters");
	return 0;
}

static int find_pair(struct sources *sources, struct clearml_keys *out, struct error *err)
{
	const struct settings_text *text = sources->text;
	const char *access_key = settings_variable(text, "CLEARML_API_ACCESS_KEY");
	const char *secret_key = settings_variable(text, "CLEARML_API_SECRET_KEY");
	const struct json *own = json_find(sources->section, "access_key");
	const struct json *own_secret = json_find(sources->section, "secret_key");

	if (own || own_secret) {
		if (!own || !own_secret)
			return settings_refuse(text, err, "clearml",
					       "%s is missing: the two keys are given together",
					       own ? "secret_key" : "access_key");
		if (find_access_key(sources, out, err) < 0)
			return -1;
		return settings_reference(text, "clearml.secret_key", own_secret, &out->secret_key,
					  err);
	}
	if (access_key && secret_key) {
		if (text_copy(out->access_key, sizeof(out->access_key), slice_of(access_key), err) <
		    0)
			return error_wrap(err, "CLEARML_API_ACCESS_KEY");
		return secret_copy(&out->secret_key, slice_of(secret_key), err);
	}
	if (*sources->conf.access_key && sources->conf.secret_key.len) {
		memcpy(out->access_key, sources->conf.access_key, sizeof(out->access_key));
		out->secret_key = secret_take(&sources->conf.secret_key);
		return 0;
	}
	return settings_refuse(text, err, "",
			       "no ClearML keys: give clearml.access_key and clearml.secret_key, "
			       "or CLEARML_API_ACCESS_KEY and CLEARML_API_SECRET_KEY, or a "
			       "clearml.conf%s%s",
			       *sources->conf_path ? "; none in " : "", sources->conf_path);
}

static int find_all(struct sources *sources, struct clearml_keys *out, struct error *err)
{
	const struct clearml_keys *conf = &sources->conf;

	if (find_server(sources, "api_server", "CLEARML_API_HOST", conf->api_server,
			out->api_server, err) < 0 ||
	    find_server(sources, "web_server", "CLEARML_WEB_HOST", conf->web_server,
			out->web_server, err) < 0 ||
	    find_server(sources, "files_server", "CLEARML_FILES_HOST", conf->files_server,
			out->files_server, err) < 0)
		return -1;
	if (!*out->api_server)
		return settings_refuse(sources->text, err, "",
				       "no ClearML server: give clearml.api_server, or "
				       "CLEARML_API_HOST, or a clearml.conf");
	return find_pair(sources, out, err);
}

/* Does the configuration itself say everything? Then nobody's clearml.conf can be in the way. */
static bool is_complete(const struct json *section)
{
	return json_find(section, "api_server") && json_find(section, "access_key") &&
	       json_find(section, "secret_key");
}

int clearml_keys_find(const struct settings_text *text, const struct json *root,
		      struct clearml_keys *out, struct error *err)
{
	SCOPED(sources)
	struct sources sources = { .text = text, .section = json_find(root, "clearml") };
	SCOPED(clearml_keys) struct clearml_keys keys = { 0 };

	if (!is_complete(sources.section) && read_conf(&sources, err) < 0)
		return -1;
	if (find_all(&sources, &keys, err) < 0) {
		err->class = ERROR_CONFIGURATION;
		return -1;
	}
	*out = keys;
	keys = (struct clearml_keys){ 0 };
	return 0;
}

void clearml_keys_release(struct clearml_keys *keys)
{
	secret_release(&keys->secret_key);
	*keys = (struct clearml_keys){ 0 };
}
