/*
 * import_calls: what mayfly-reaper import reads with, driven line by line, for test_import.py.
 * Each line of standard input is a call, its words set apart by tabs:
 *     yaml FILE     what is in it, as JSON
 *     gpus TYPE     of an instance type; -1: not known
 */

#include "common/file.h"
#include "reaper/import/gpu_count.h"
#include "reaper/import/yaml.h"
#include "tests/unit/support/driven.h"

static int read_yaml(char *const *words, struct json *out, struct error *err)
{
	SCOPED(json_document) struct json_document read = { 0 };
	SCOPED(buf) struct buf text = BUF(1 << 20);

	if (file_read(words[1], &text, err) < 0 || yaml_parse(buf_slice(&text), &read, err) < 0)
		return -1;
	json_add_copy(out, "value", read.root);
	return 0;
}

static int count_gpus(char *const *words, struct json *out, struct error *err)
{
	unsigned gpus;

	(void)err;
	json_add_integer(out, "gpus", gpu_count(words[1], &gpus) ? (int64_t)gpus : -1);
	return 0;
}

static const struct driven_call calls[] = {
	{ "yaml", 2, read_yaml },
	{ "gpus", 2, count_gpus },
};

int main(void)
{
	return driven_serve(calls, ARRAY_LEN(calls));
}
