#include "reaper/bucket.h"

enum { SECOND_MS = 1000 };

static int64_t most(const struct bucket *bucket)
{
	return (int64_t)bucket->limit.burst * SECOND_MS;
}

void bucket_open(struct bucket *bucket, const struct call_limit *limit, int64_t now_ms)
{
	*bucket = (struct bucket){ .limit = *limit, .filled_ms = now_ms };
	bucket->thousandths = most(bucket);
}

static void fill(struct bucket *bucket, int64_t now_ms)
{
	if (now_ms <= bucket->filled_ms)
		return;
	bucket->thousandths += (now_ms - bucket->filled_ms) * bucket->limit.per_second;
	bucket->filled_ms = now_ms;
	if (bucket->thousandths > most(bucket))
		bucket->thousandths = most(bucket);
}

int64_t bucket_take(struct bucket *bucket, int64_t now_ms)
{
	if (!bucket->limit.burst)
		return 0;
	fill(bucket, now_ms);
	if (bucket->thousandths < SECOND_MS)
		return (SECOND_MS - bucket->thousandths + bucket->limit.per_second - 1) /
		       bucket->limit.per_second;
	bucket->thousandths -= SECOND_MS;
	return 0;
}
