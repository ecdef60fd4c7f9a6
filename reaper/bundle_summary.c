#include "reaper/bundle_summary.h"

#include <string.h>

#include "reaper/table.h"

enum { LINE_ROOM = 1000 };

/* One line that grows name by name. */
struct line {
	struct buf text;
	bool has_names;
};

static void add_name(struct line *line, const char *first, const char *mark, const char *second)
{
	buf_addf(&line->text, "%s %s%s%s", line->has_names ? "," : "", first, mark, second);
	line->has_names = true;
}

/* What it is for, and the part of it. */
static void add_place(struct line *line, const char *whole, const char *part)
{
	if (!*whole && !*part)
		whole = "default";
	add_name(line, whole, *whole && *part ? "/" : "", part);
}

static void name_git(const struct bundle *bundle, size_t place, struct line *line)
{
	const struct bundle_git *git = &bundle->git[place];

	add_name(line, git->user, " at ", *git->host ? git->host : "any host");
}

static void name_s3(const struct bundle *bundle, size_t place, struct line *line)
{
	add_place(line, bundle->s3[place].host, bundle->s3[place].bucket);
}

static void name_gcs(const struct bundle *bundle, size_t place, struct line *line)
{
	add_place(line, bundle->gcs[place].bucket, bundle->gcs[place].subdir);
}

static void name_azure(const struct bundle *bundle, size_t place, struct line *line)
{
	add_place(line, bundle->azure[place].account, bundle->azure[place].container);
}

static void name_variable(const struct bundle *bundle, size_t place, struct line *line)
{
	add_name(line, bundle->environment[place].name, "", "");
}

static void name_file(const struct bundle *bundle, size_t place, struct line *line)
{
	add_name(line, bundle->files[place].path, "", "");
}

static void name_registry(const struct bundle *bundle, size_t place, struct line *line)
{
	const struct bundle_registry *registry = &bundle->registries[place];

	add_name(line, registry->user, " at ", registry->server);
}

#define COUNT(member) offsetof(struct bundle, member)
static const struct {
	const char *kind;
	size_t count; /* where in struct bundle */
	void (*name)(const struct bundle *bundle, size_t place, struct line *line);
} lists[] = {
	{ "git", COUNT(git_count), name_git },
	{ "s3", COUNT(s3_count), name_s3 },
	{ "gcs", COUNT(gcs_count), name_gcs },
	{ "azure", COUNT(azure_count), name_azure },
	{ "environment", COUNT(environment_count), name_variable },
	{ "files", COUNT(file_count), name_file },
	{ "registries", COUNT(registry_count), name_registry },
};

/* Many names are cut: it is a look, not a list to work from. */
static void add_line(const char *kind, const struct line *line, struct buf *out)
{
	char plain[LINE_ROOM];

	table_plain(buf_text(&line->text), plain, sizeof(plain));
	buf_addf(out, "%-12s%s%s\n", kind, plain, line->text.overflowed ? " ..." : "");
}

static void tell_list(const struct bundle *bundle, size_t which, struct buf *out)
{
	struct line line = { .text = BUF(LINE_ROOM - 1) };
	size_t count;

	memcpy(&count, (const char *)bundle + lists[which].count, sizeof(count));
	if (!count)
		return;
	buf_addf(&line.text, " %zu:", count);
	for (size_t i = 0; i < count; i++)
		lists[which].name(bundle, i, &line);
	add_line(lists[which].kind, &line, out);
	buf_release(&line.text);
}

static void tell_one(const char *kind, const char *first, const char *second, struct buf *out)
{
	struct line line = { .text = BUF(LINE_ROOM - 1) };

	add_name(&line, first, "", second);
	add_line(kind, &line, out);
	buf_release(&line.text);
}

void bundle_summary(const struct bundle *bundle, struct buf *out)
{
	bool has_key = bundle->ssh.key.len, has_hosts = bundle->ssh.known_hosts;

	tell_one("prefix", bundle->prefix, "", out);
	tell_one("clearml", "access key ", bundle->access_key, out);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		tell_list(bundle, i, out);
	if (has_key || has_hosts)
		tell_one("ssh", has_key ? "a key" : "no key", has_hosts ? ", known hosts" : "",
			 out);
	if (bundle->extra_conf.len)
		buf_addf(out, "%-12s %zu bytes\n", "extra_conf", bundle->extra_conf.len);
}
