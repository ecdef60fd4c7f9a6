#include "common/secret.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { CANARY_LEN = 48 };

/* Opened before the process becomes one that may not be looked into. */
static int memory_fd, maps_fd;

/* The canary is nowhere in the program, only this is: byte by byte it is worked out. */
static unsigned char canary_byte(size_t i)
{
	return (unsigned char)((i * 167 + 29) ^ (i * i * 13) ^ 0xa5);
}

static void plant(struct secret *secret)
{
	struct error err;

	assert_int_equal(secret_alloc(secret, CANARY_LEN, &err), 0);
	for (size_t i = 0; i < CANARY_LEN; i++)
		secret_fill(secret)[i] = canary_byte(i);
}

static bool is_canary(const unsigned char *at)
{
	for (size_t i = 0; i < CANARY_LEN; i++)
		if (at[i] != canary_byte(i))
			return false;
	return true;
}

/* Whole pages, overlapping by one, so that one on a border is seen; wiped, so that what is read
 * here is not found again. */
static size_t count_in_range(uintptr_t from, uintptr_t to, unsigned char *window, size_t page)
{
	const unsigned char first = canary_byte(0);
	size_t count = 0;

	for (uintptr_t at = from; at < to; at += page) {
		size_t wanted = to - at > 2 * page ? 2 * page : to - at;
		ssize_t got = pread(memory_fd, window, wanted, (off_t)at);

		for (ssize_t i = 0; i + CANARY_LEN <= got && i < (ssize_t)page; i++)
			count += window[i] == first && is_canary(window + i);
		explicit_bzero(window, 2 * page);
	}
	return count;
}

/* How often the canary is in our memory. What only sanitizers and valgrind have (large maps, and
 * writable ones that may be run) is passed over, and so is the window that we look through. */
static size_t count_canaries(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const uintptr_t largest = (uintptr_t)1 << 24;
	unsigned char *window =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	FILE *maps = fdopen(dup(maps_fd), "r");
	size_t count = 0;
	char line[512];

	assert_true(window != MAP_FAILED && maps != NULL);
	rewind(maps);
	while (fgets(line, sizeof(line), maps)) {
		unsigned long long from, to;
		char rights[8];

		if (sscanf(line, "%llx-%llx %7s", &from, &to, rights) != 3 || rights[0] != 'r' ||
		    !strncmp(rights, "rwx", 3) || to - from > largest || strstr(line, "[v"))
			continue;
		if ((uintptr_t)window >= from && (uintptr_t)window < to)
			count += count_in_range((uintptr_t)from, (uintptr_t)window, window, page) +
				 count_in_range((uintptr_t)window + 2 * page, (uintptr_t)to, window,
						page);
		else
			count += count_in_range((uintptr_t)from, (uintptr_t)to, window, page);
	}
	fclose(maps);
	munmap(window, 2 * page);
	return count;
}

static void test_released_bytes_are_nowhere(void **state)
{
	struct secret secret = { 0 };

	(void)state;
	assert_int_equal(count_canaries(), 0);
	plant(&secret);
	assert_int_equal(count_canaries(), 1); /* else the next count would mean nothing */
	secret_release(&secret);
	assert_int_equal(count_canaries(), 0);
	assert_null(secret.guarded);
	assert_int_equal(secret.len, 0);
	secret_release(&secret);
}

static void test_moving_makes_no_copy(void **state)
{
	struct secret secret = { 0 };

	(void)state;
	plant(&secret);
	struct secret moved = secret_take(&secret);

	assert_null(secret.guarded);
	assert_int_equal(secret.len, 0);
	assert_int_equal(moved.len, CANARY_LEN);
	assert_int_equal(count_canaries(), 1);
	secret_release(&secret);
	assert_int_equal(count_canaries(), 1);
	secret_release(&moved);
	assert_int_equal(count_canaries(), 0);
}

static void test_wiping_another_library_s_copy(void **state)
{
	unsigned char copy[CANARY_LEN];

	(void)state;
	for (size_t i = 0; i < CANARY_LEN; i++)
		copy[i] = canary_byte(i);
	assert_int_equal(count_canaries(), 1);
	secret_wipe(copy, sizeof(copy));
	assert_int_equal(count_canaries(), 0);
	for (size_t i = 0; i < CANARY_LEN; i++)
		assert_int_equal(copy[i], 0);
	secret_wipe(NULL, 0);
}

static void test_copy_and_read(void **state)
{
	static const struct {
		const char *when;
		struct slice plain;
	} cases[] = {
		{ "it is a word", { "hunter2", 7 } },
		{ "it is empty", { "", 0 } },
		{ "it points nowhere", { NULL, 0 } },
		{ "it has a NUL", { "a\0b", 3 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(secret) struct secret secret = { 0 };
		struct error err;

		assert_int_equal(secret_copy(&secret, cases[i].plain, &err), 0);
		struct slice exposed = secret_expose(&secret);

		if (exposed.len != cases[i].plain.len || secret.len != exposed.len ||
		    (exposed.len && memcmp(exposed.ptr, cases[i].plain.ptr, exposed.len) != 0))
			fail_msg("when %s", cases[i].when);
		assert_int_equal(secret_text(&secret)[exposed.len], '\0');
	}
}

static void test_an_empty_secret_reads_as_nothing(void **state)
{
	const struct secret none = { 0 };

	(void)state;
	assert_string_equal(secret_text(&none), "");
	assert_int_equal(secret_expose(&none).len, 0);
	assert_non_null(secret_expose(&none).ptr);
}

static void test_new_ones_are_zero(void **state)
{
	SCOPED(secret) struct secret secret = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(secret_alloc(&secret, 100, &err), 0);
	for (size_t i = 0; i <= 100; i++)
		assert_int_equal(secret_text(&secret)[i], 0);
}

static void test_what_cannot_be_had_is_an_error(void **state)
{
	static const size_t lens[] = { SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		struct secret secret = { 0 };
		struct error err = { 0 };

		assert_int_equal(secret_alloc(&secret, lens[i], &err), -1);
		assert_int_equal(err.class, ERROR_SYSTEM);
		assert_null(secret.guarded);
	}
}

static void test_a_step_past_the_end_is_fatal(void **state)
{
	pid_t pid = fork();
	int status = 0;

	(void)state;
	if (pid == 0) {
		struct secret secret = { 0 };
		struct error err;
		volatile unsigned char *bytes;

		signal(SIGSEGV, SIG_DFL);
		if (secret_alloc(&secret, 15, &err) < 0)
			_exit(0);
		bytes = secret_fill(&secret);
		bytes[16] = 1; /* 15 and the NUL are there */
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_not_equal(status, 0);
}

/* Last: it cannot be undone. */
static void test_the_process_is_prepared(void **state)
{
	struct error err;
	struct rlimit core;
	bool is_locked = false;

	(void)state;
	assert_int_equal(secret_prepare_process(&is_locked, &err), 0);
	assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
	assert_int_equal(getrlimit(RLIMIT_CORE, &core), 0);
	assert_int_equal(core.rlim_cur, 0);
	assert_int_equal(core.rlim_max, 0);
	assert_int_equal(secret_prepare_process(&is_locked, &err), 0); /* a second time is fine */
}

/* Without the privilege to pass it, and with a limit of nothing, locking is seen to fail. */
static void test_too_little_lockable_memory_is_told(void **state)
{
#ifdef __SANITIZE_ADDRESS__
	skip(); /* it puts an mlock() of its own in place, which always says yes */
#endif
	pid_t pid = fork();
	int status = 0;

	(void)state;
	if (pid == 0) {
		const struct rlimit none = { 0, 0 };
		bool is_locked = true;
		struct error err;

		if (geteuid() == 0 && (setgid(12345) < 0 || setuid(12345) < 0))
			_exit(9);
		if (setrlimit(RLIMIT_MEMLOCK, &none) < 0 ||
		    secret_prepare_process(&is_locked, &err) < 0)
			_exit(8);
		_exit(is_locked);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_released_bytes_are_nowhere),
		cmocka_unit_test(test_moving_makes_no_copy),
		cmocka_unit_test(test_wiping_another_library_s_copy),
		cmocka_unit_test(test_copy_and_read),
		cmocka_unit_test(test_an_empty_secret_reads_as_nothing),
		cmocka_unit_test(test_new_ones_are_zero),
		cmocka_unit_test(test_what_cannot_be_had_is_an_error),
		cmocka_unit_test(test_a_step_past_the_end_is_fatal),
		cmocka_unit_test(test_too_little_lockable_memory_is_told),
		cmocka_unit_test(test_the_process_is_prepared),
	};

	memory_fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	maps_fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	if (memory_fd < 0 || maps_fd < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
