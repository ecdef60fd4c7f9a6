#include "tests/unit/support/import_bench.h"

#include <stdlib.h>
#include <string.h>

#include "reaper/import/import_config.h"
#include "reaper/import/import_print.h"

static const char form[] = "hyper_params:\n"
			   "  max_idle_time_min: 15\n"
			   "%s"
			   "configurations:\n"
			   "  queues: {train: [[gpu, 2]]}\n"
			   "  resource_configurations:\n"
			   "    gpu:\n"
			   "      instance_type: g4dn.12xlarge\n"
			   "%s";

void import_bench_text(const char *text, struct import_bench *out)
{
	char prefix[IMPORT_NAME_ROOM];

	*out = (struct import_bench){ .source = memory_array(1, sizeof(*out->source)),
				      .text = BUF(1 << 20) };
	if (import_source_read(slice_of(text), out->source, &out->notes, &out->err) < 0)
		return;
	import_prefix(out->source, NULL, &out->notes, prefix);
	if (import_config(out->source, prefix, &out->config, &out->notes, &out->err) < 0)
		return;
	import_print(out->config.root, "head", &out->notes, &out->text);
}

void import_bench_script(const char *hyper, const char *resource, struct import_bench *out)
{
	SCOPED(buf) struct buf text = BUF(1 << 18);

	buf_addf(&text, form, hyper, resource);
	import_bench_text(buf_text(&text), out);
}

void import_bench_release(struct import_bench *bench)
{
	import_source_release(bench->source);
	free(bench->source);
	import_notes_release(&bench->notes);
	json_document_wipe(&bench->config);
	buf_release(&bench->text);
}

const char *import_bench_value(const struct import_bench *bench, const char *path)
{
	static struct buf text = { .limit = 1 << 18 };
	const struct json *value = bench->config.root ? json_find(bench->config.root, path) : NULL;

	buf_release(&text);
	if (value)
		json_print(value, false, &text);
	return buf_text(&text);
}

bool import_bench_says(const struct import_bench *bench, enum import_weight weight,
		       const char *words)
{
	for (size_t i = 0; i < bench->notes.count; i++)
		if (bench->notes.notes[i].weight == weight &&
		    strstr(bench->notes.notes[i].text, words))
			return true;
	return false;
}
