#include "reaper/forecast/outcome.h"

#include <stdlib.h>
#include <string.h>

void outcome_open(struct outcome *outcome, const char *name, const struct trace *trace)
{
	memset(outcome, 0, sizeof(*outcome));
	text_cut(outcome->name, sizeof(outcome->name), name);
	outcome->tasks = memory_array(trace->count, sizeof(*outcome->tasks));
	outcome->task_count = trace->count;
	for (size_t i = 0; i < trace->count; i++)
		outcome->tasks[i] = (struct task_life){ .arrived_s = trace->arrivals[i].at_s,
							.started_s = -1,
							.queue = trace->arrivals[i].queue };
}

struct machine_life *outcome_add_machine(struct outcome *outcome)
{
	size_t count = outcome->machine_count;

	if ((count & (count - 1)) == 0) /* room doubles */
		outcome->machines = memory_grow(outcome->machines, count ? 2 * count : 1,
						sizeof(*outcome->machines));
	outcome->machines[count] = (struct machine_life){ .seats = 1, .price = MONEY_UNKNOWN };
	outcome->machine_count++;
	return &outcome->machines[count];
}

void outcome_name_resources(struct outcome *outcome, const struct settings *settings)
{
	outcome->resource_count = settings->resource_count;
	for (size_t i = 0; i < settings->resource_count; i++)
		memcpy(outcome->resources[i], settings->resources[i].name,
		       sizeof(outcome->resources[i]));
}

void outcome_release(struct outcome *outcome)
{
	free(outcome->machines);
	free(outcome->tasks);
	memset(outcome, 0, sizeof(*outcome));
}

static int compare_values(const void *left, const void *right)
{
	const int64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

int64_t outcome_percentile(int64_t *values, size_t count, unsigned percent)
{
	if (!count)
		return 0;
	qsort(values, count, sizeof(*values), compare_values);
	size_t rank = (count * percent + 99) / 100; /* rounded up */
	return values[rank ? rank - 1 : 0];
}

size_t outcome_waits(const struct outcome *outcome, int64_t **out)
{
	size_t count = 0;

	*out = memory_array(outcome->task_count, sizeof(**out));
	for (size_t i = 0; i < outcome->task_count; i++) {
		const struct task_life *task = &outcome->tasks[i];

		if (task->started_s >= 0)
			(*out)[count++] = task->started_s - task->arrived_s;
	}
	if (count)
		qsort(*out, count, sizeof(**out), compare_values);
	return count;
}

static void add_cost(const struct machine_life *machine, struct outcome_sum *out)
{
	int64_t lived_s = machine->until_s - machine->from_s;

	out->launches++;
	out->instance_s += lived_s;
	out->seat_s += lived_s * machine->seats;
	out->busy_s += machine->busy_s;
	if (machine->price == MONEY_UNKNOWN || out->money == MONEY_UNKNOWN)
		out->money = MONEY_UNKNOWN;
	else
		out->money += lived_s * machine->price / 3600;
}

void outcome_sum(const struct outcome *outcome, size_t resource, struct outcome_sum *out)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < outcome->machine_count; i++)
		if (resource == OUTCOME_ALL || outcome->machines[i].resource == resource)
			add_cost(&outcome->machines[i], out);
	if (resource != OUTCOME_ALL)
		return;
	int64_t *waits;
	out->started = outcome_waits(outcome, &waits);
	out->unstarted = outcome->task_count - out->started;
	out->wait_p50_s = outcome_percentile(waits, out->started, 50);
	out->wait_p95_s = outcome_percentile(waits, out->started, 95);
	out->wait_max_s = outcome_percentile(waits, out->started, 100);
	free(waits);
	for (size_t i = 0; i < outcome->task_count; i++)
		out->failed += outcome->tasks[i].is_failed;
}

/* ---- over time ---- */

struct change {
	int64_t at_s;
	int by;
};

static int compare_changes(const void *left, const void *right)
{
	const struct change *a = left, *b = right;

	return (a->at_s > b->at_s) - (a->at_s < b->at_s);
}

/* Changes of the same second are one step. */
static size_t steps_of(struct change *changes, size_t count, struct outcome_step **out)
{
	size_t steps = 0;
	int value = 0;

	if (count)
		qsort(changes, count, sizeof(*changes), compare_changes);
	*out = memory_array(count, sizeof(**out));
	for (size_t i = 0; i < count; i++) {
		value += changes[i].by;
		if (!steps || (*out)[steps - 1].at_s != changes[i].at_s)
			(*out)[steps++].at_s = changes[i].at_s;
		(*out)[steps - 1].value = value > 0 ? (unsigned)value : 0;
	}
	free(changes);
	return steps;
}

size_t outcome_machines_over_time(const struct outcome *outcome, struct outcome_step **out)
{
	struct change *changes = memory_array(2 * outcome->machine_count, sizeof(*changes));

	for (size_t i = 0; i < outcome->machine_count; i++) {
		changes[2 * i] = (struct change){ outcome->machines[i].from_s, 1 };
		changes[2 * i + 1] = (struct change){ outcome->machines[i].until_s, -1 };
	}
	return steps_of(changes, 2 * outcome->machine_count, out);
}

size_t outcome_waiting_over_time(const struct outcome *outcome, struct outcome_step **out)
{
	struct change *changes = memory_array(2 * outcome->task_count, sizeof(*changes));
	size_t count = 0;

	for (size_t i = 0; i < outcome->task_count; i++) {
		const struct task_life *task = &outcome->tasks[i];

		changes[count++] = (struct change){ task->arrived_s, 1 };
		if (task->started_s >= 0)
			changes[count++] = (struct change){ task->started_s, -1 };
	}
	return steps_of(changes, count, out);
}
