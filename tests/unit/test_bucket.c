/* bucket: so many calls at once, then so many a second. */
#include "reaper/bucket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_a_burst_then_the_rate(void **state)
{
	struct bucket bucket;

	(void)state;
	bucket_open(&bucket, &(struct call_limit){ .burst = 2, .per_second = 4 }, 1000);
	assert_int_equal(bucket_take(&bucket, 1000), 0);
	assert_int_equal(bucket_take(&bucket, 1000), 0);
	assert_int_equal(bucket_take(&bucket, 1000), 250);
	assert_int_equal(bucket_take(&bucket, 1100), 150); /* what failed took nothing */
	assert_int_equal(bucket_take(&bucket, 1250), 0);
	assert_int_equal(bucket_take(&bucket, 1250), 250);
	/* However long nobody calls, no more than the burst is there. */
	assert_int_equal(bucket_take(&bucket, 100000), 0);
	assert_int_equal(bucket_take(&bucket, 100000), 0);
	assert_int_equal(bucket_take(&bucket, 100000), 250);
	assert_int_equal(bucket_take(&bucket, 90000), 250); /* a clock that went back */
}

static void test_parts_of_a_millisecond_add_up(void **state)
{
	struct bucket bucket;
	int64_t now_ms = 0;
	unsigned calls = 0;

	(void)state;
	bucket_open(&bucket, &(struct call_limit){ .burst = 1, .per_second = 3 }, now_ms);
	while (now_ms < 60000) {
		int64_t wait_ms = bucket_take(&bucket, now_ms);

		calls += wait_ms == 0;
		now_ms += wait_ms;
	}
	/* 3 a second for a minute, the first one for nothing; each wait is rounded up. */
	assert_in_range(calls, 179, 181);
}

static void test_no_limit(void **state)
{
	struct bucket bucket;

	(void)state;
	bucket_open(&bucket, &(struct call_limit){ 0 }, 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(bucket_take(&bucket, 0), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_burst_then_the_rate),
		cmocka_unit_test(test_parts_of_a_millisecond_add_up),
		cmocka_unit_test(test_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
