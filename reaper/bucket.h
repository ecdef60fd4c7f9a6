#ifndef REAPER_BUCKET_H
#define REAPER_BUCKET_H

#include <stdint.h>

/*
 * bucket: how fast an API may be called: so many calls at once, then so many
 * a second (a token bucket, as clouds count too). Pure. Times are monotonic
 * milliseconds.
 */

struct call_limit {
	unsigned burst; /* 0: no limit */
	unsigned per_second; /* at least 1 where there is a limit */
};

struct bucket {
	struct call_limit limit;
	int64_t thousandths; /* of a token: they come more often than whole ones */
	int64_t filled_ms; /* up to then */
};

void bucket_open(struct bucket *bucket, const struct call_limit *limit, int64_t now_ms); /* full */

/* 0: take one, it is taken; else how long until there is one. */
int64_t bucket_take(struct bucket *bucket, int64_t now_ms);

#endif
