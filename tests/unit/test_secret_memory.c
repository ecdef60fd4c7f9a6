#include "bootstrap/admit.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bootstrap/clearml_conf.h"
#include "tests/unit/support/sealed_bench.h"

/*
 * After a bundle was released, no byte of it is left in this process: its whole
 * memory is read through /proc/self/mem. What is looked for is kept masked, so
 * that it is not found in itself.
 */

enum {
	CANARY_LEN = 40,
	MASK = 0x5a,
	CHUNK = 1 << 20,
	MAPS_LINE = 512,
	/* A sanitizer's or valgrind's own maps of our memory are larger, and mostly not there. */
	MAPPING_MAX = 256 << 20,
};

static char masked[CANARY_LEN];

static void unmask(char out[static CANARY_LEN + 1])
{
	for (size_t i = 0; i < CANARY_LEN; i++)
		out[i] = (char)(masked[i] ^ MASK);
	out[CANARY_LEN] = '\0';
}

static bool is_canary(const char *bytes)
{
	for (size_t i = 0; i < CANARY_LEN; i++)
		if ((bytes[i] ^ MASK) != masked[i])
			return false;
	return true;
}

static unsigned count_in(const char *bytes, size_t len)
{
	unsigned found = 0;

	for (size_t i = 0; i + CANARY_LEN <= len; i++)
		found += is_canary(bytes + i);
	return found;
}

/* The chunk that is read into is not looked at: what was found in one place would count twice. */
static unsigned count_between(int memory, uintptr_t start, uintptr_t end, char *chunk)
{
	unsigned found = 0;

	for (uintptr_t at = start; at < end; at += CHUNK - CANARY_LEN) {
		size_t want = end - at < CHUNK ? end - at : CHUNK;
		ssize_t got = pread(memory, chunk, want, (off_t)at);

		if (got > 0)
			found += count_in(chunk, (size_t)got);
		memset(chunk, 0, CHUNK);
	}
	return found;
}

static unsigned count_in_memory(void)
{
	static char chunk[CHUNK];
	uintptr_t own = (uintptr_t)chunk;
	FILE *maps = fopen("/proc/self/maps", "re");
	int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	char line[MAPS_LINE];
	unsigned found = 0;

	assert_non_null(maps);
	assert_true(memory >= 0);
	while (fgets(line, sizeof(line), maps)) {
		char *end_text;
		uintptr_t start = strtoull(line, &end_text, 16);
		uintptr_t end = strtoull(end_text + 1, &end_text, 16);

		if (end_text[1] != 'r' || end - start > MAPPING_MAX || strstr(line, "[vvar") ||
		    strstr(line, "[vsyscall"))
			continue;
		if (own >= start && own < end) {
			found += count_between(memory, start, own, chunk);
			start = own + sizeof(chunk);
		}
		found += count_between(memory, start, end, chunk);
	}
	fclose(maps);
	close(memory);
	return found;
}

static void use(const struct machine *machine)
{
	SCOPED(buf) struct buf conf = BUF(1 << 20);
	struct error err;

	assert_int_equal(clearml_conf_print(machine, 0, &conf, &err), 0);
	assert_int_equal(count_in(conf.bytes, conf.len), 1);
}

/* The text of the canary exists only as long as the bundle is being sealed. */
static void begin(struct sealed_bench *bench, const char *bundle_prefix)
{
	char canary[CANARY_LEN + 1];

	sealed_bench_begin(bench);
	unmask(canary);
	bench->secret_key = canary;
	bench->bundle_prefix = bundle_prefix;
	sealed_bench_launch(bench);
	bench->secret_key = NULL;
	explicit_bzero(canary, sizeof(canary));
}

static void when_a_bundle_was_used_and_released(void **state)
{
	struct sealed_bench bench;
	struct error err;

	(void)state;
	begin(&bench, "mayfly");
	assert_int_equal(count_in_memory(), 0);
	assert_int_equal(sealed_bench_admit(&bench, &err), 0);
	use(&bench.machine);
	assert_true(count_in_memory() >= 1); /* the search finds it where it is */
	machine_release(&bench.machine);
	assert_int_equal(count_in_memory(), 0);
	sealed_bench_end(&bench);
}

static void when_it_was_opened_and_refused(void **state)
{
	struct sealed_bench bench;
	struct error err;

	(void)state;
	begin(&bench, "other");
	assert_int_equal(sealed_bench_admit(&bench, &err), -1);
	assert_non_null(strstr(err.message, "for prefix other"));
	assert_int_equal(count_in_memory(), 0);
	sealed_bench_end(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(when_a_bundle_was_used_and_released),
		cmocka_unit_test(when_it_was_opened_and_refused),
	};

	/* Not in a literal: it would be found there. */
	srand(1);
	for (size_t i = 0; i < CANARY_LEN; i++)
		masked[i] = (char)(('a' + rand() % 26) ^ MASK);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
