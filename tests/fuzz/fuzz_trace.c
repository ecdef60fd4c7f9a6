/* A trace that is taken is in order, and what it prints is taken again and says the same. */
#include "reaper/forecast/trace.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): the property counts in a release build too. */
static void require(bool is_so)
{
	if (!is_so)
		abort();
}

static void require_sound(const struct trace *trace)
{
	require(trace->count >= 1 && trace->count <= TRACE_MAX_ARRIVALS);
	for (size_t i = 0; i < trace->count; i++) {
		const struct arrival *arrival = &trace->arrivals[i];

		require(arrival->queue < trace->queue_count && arrival->user < trace->user_count);
		require(arrival->duration_s >= 1 && arrival->at_s >= 0);
		require(!i || trace->arrivals[i - 1].at_s <= arrival->at_s);
		require(*trace->queues[arrival->queue]);
	}
}

static void require_same(const struct trace *a, const struct trace *b)
{
	require(a->count == b->count);
	for (size_t i = 0; i < a->count; i++) {
		const struct arrival *x = &a->arrivals[i], *y = &b->arrivals[i];

		require(x->at_s == y->at_s && x->duration_s == y->duration_s);
		require(!strcmp(a->queues[x->queue], b->queues[y->queue]));
		require(!strcmp(a->users[x->user], b->users[y->user]));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(trace) struct trace first = { 0 };
	SCOPED(trace) struct trace second = { 0 };
	SCOPED(buf) struct buf printed = BUF(SIZE_MAX);
	struct error err = { 0 };

	if (trace_parse((struct slice){ (const char *)data, size }, &first, &err) < 0) {
		require(err.class == ERROR_MALFORMED && err.message[0] && !first.count);
		return 0;
	}
	require_sound(&first);
	trace_print(&first, &printed);
	require(trace_parse(buf_slice(&printed), &second, &err) == 0);
	require_same(&first, &second);
	return 0;
}
