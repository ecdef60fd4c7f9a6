/* simulate: thousands of seeded worlds, each held to the invariants.
 *
 *   simulate [--seeds N] [--first K] [--jobs J]   K..K+N-1; the last line says what was done
 *   simulate --seed K [--log]                     one; --log: everything that happens in it
 *            --stop                             each process, at its first failure
 *   simulate --list FILE                          the seeds in a file, one a line (# comments)
 *
 * Ends with 1 when any has failed; each failure is printed with its seed and a story. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/simulation/cases.h"
#include "tests/simulation/play.h"

enum { MOST_JOBS = 64, STORIES_MOST = 3 };

static bool is_stopping; /* at the first failure */

enum { MOST_HOURS = 100, MOST_PEAK = 300 };

struct sum {
	uint64_t seeds, seconds, events, failures, tasks, machines;
	uint32_t hours[MOST_HOURS]; /* how many worlds lasted so long */
	uint32_t peaks[MOST_PEAK]; /* in how many so many machines were alive at once */
};

static void count(uint32_t *counts, size_t room, uint64_t value)
{
	counts[value < room ? value : room - 1]++;
}

static size_t median(const uint32_t *counts, uint64_t total)
{
	size_t at = 0;

	for (uint64_t below = counts[0]; 2 * below < total; below += counts[at])
		at++;
	return at;
}

static void add(struct sum *sum, const struct played *played)
{
	sum->seeds++;
	sum->seconds += (uint64_t)played->seconds;
	sum->events += played->events;
	sum->tasks += played->tasks;
	sum->machines += played->machines;
	sum->failures += played->has_failed;
	count(sum->hours, MOST_HOURS, (uint64_t)played->seconds / 3600);
	count(sum->peaks, MOST_PEAK, played->peak);
}

static void run_one(uint64_t seed, struct sum *sum)
{
	struct played played;

	play_seed(seed, sum->failures < STORIES_MOST ? stderr : NULL, false, &played);
	add(sum, &played);
	if (played.has_failed)
		(void)fprintf(stderr, "seed %llu: %s\n\n", (unsigned long long)seed, played.text);
}

/* Every jobs-th seed, in a process of its own; its sum comes back through the pipe. */
static int start_job(uint64_t first, uint64_t count, unsigned job, unsigned jobs, int *read_fd)
{
	struct sum sum = { 0 };
	int ends[2];

	if (pipe(ends) < 0)
		return -1;
	pid_t pid = fork();

	if (pid < 0)
		return -1;
	*read_fd = ends[0];
	if (pid) {
		(void)close(ends[1]);
		return 0;
	}
	for (uint64_t i = job; i < count && !(is_stopping && sum.failures); i += jobs)
		run_one(first + i, &sum);
	_exit(write(ends[1], &sum, sizeof(sum)) == sizeof(sum) ? 0 : 1);
}

static int run_range(uint64_t first, uint64_t count, unsigned jobs, struct sum *total)
{
	int fds[MOST_JOBS];
	int result = 0;

	for (unsigned job = 0; job < jobs; job++)
		if (start_job(first, count, job, jobs, &fds[job]) < 0)
			return -1;
	for (unsigned job = 0; job < jobs; job++) {
		struct sum sum = { 0 };

		if (read(fds[job], &sum, sizeof(sum)) != sizeof(sum))
			result = -1; /* it crashed: its last words are on standard error */
		total->seeds += sum.seeds;
		total->seconds += sum.seconds;
		total->events += sum.events;
		total->failures += sum.failures;
		total->tasks += sum.tasks;
		total->machines += sum.machines;
		for (size_t i = 0; i < MOST_HOURS; i++)
			total->hours[i] += sum.hours[i];
		for (size_t i = 0; i < MOST_PEAK; i++)
			total->peaks[i] += sum.peaks[i];
		(void)close(fds[job]);
	}
	while (wait(NULL) > 0)
		;
	return result;
}

static int run_list(const char *path, struct sum *sum)
{
	char line[256];
	FILE *file = fopen(path, "re");

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file)) {
		char *end;
		uint64_t seed = strtoull(line, &end, 10);

		if (end != line)
			run_one(seed, sum);
	}
	(void)fclose(file);
	return 0;
}

static int print_sum(const struct sum *sum)
{
	(void)printf("%llu seeds, %.1f days simulated, %llu tasks, %llu machines, %llu events; "
		     "median world: %zu hours, %zu machines at once; %llu failures\n",
		     (unsigned long long)sum->seeds, (double)sum->seconds / 86400,
		     (unsigned long long)sum->tasks, (unsigned long long)sum->machines,
		     (unsigned long long)sum->events, median(sum->hours, sum->seeds),
		     median(sum->peaks, sum->seeds), (unsigned long long)sum->failures);
	return sum->failures ? 1 : 0;
}

static int usage(void)
{
	(void)fprintf(stderr,
		      "usage: simulate [--seeds N] [--first K] [--jobs J] [--stop] | --seed K "
		      "[--log] | --list FILE | --cases\n");
	return 2;
}

static int run_alone(uint64_t seed, bool is_logged)
{
	struct sum sum = { 0 };
	struct played played;

	play_seed(seed, stderr, is_logged, &played);
	add(&sum, &played);
	if (played.has_failed)
		(void)fprintf(stderr, "seed %llu: %s\n", (unsigned long long)seed, played.text);
	return print_sum(&sum);
}

struct wish {
	uint64_t first, count, seed;
	const char *list;
	bool is_alone, is_logged, is_cases;
	unsigned jobs;
};

/* False: it makes no sense. */
static bool read_wish(int argc, char **argv, struct wish *out)
{
	static const struct option options[] = {
		{ "seeds", required_argument, NULL, 'n' },
		{ "first", required_argument, NULL, 'k' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "seed", required_argument, NULL, 's' },
		{ "log", no_argument, NULL, 'l' },
		{ "list", required_argument, NULL, 'f' },
		{ "cases", no_argument, NULL, 'c' },
		{ "stop", no_argument, NULL, 'x' },
		{ 0 },
	};

	for (;;) {
		int option = getopt_long(argc, argv, "", options, NULL);

		if (option == -1)
			return out->jobs && out->jobs <= MOST_JOBS;
		if (option == 'n')
			out->count = strtoull(optarg, NULL, 10);
		else if (option == 'k')
			out->first = strtoull(optarg, NULL, 10);
		else if (option == 'j')
			out->jobs = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 's')
			out->seed = strtoull(optarg, NULL, 10);
		else if (option == 'f')
			out->list = optarg;
		else if (option == '?')
			return false;
		out->is_alone |= option == 's';
		out->is_logged |= option == 'l';
		out->is_cases |= option == 'c';
		is_stopping |= option == 'x';
	}
}

int main(int argc, char **argv)
{
	struct wish wish = { .first = 1, .count = 1000, .jobs = 2 };
	struct sum sum = { 0 };

	if (!read_wish(argc, argv, &wish))
		return usage();
	if (wish.is_cases)
		return cases_run() ? 1 : 0;
	if (wish.is_alone)
		return run_alone(wish.seed, wish.is_logged);
	if ((wish.list ? run_list(wish.list, &sum) :
			 run_range(wish.first, wish.count, wish.jobs, &sum)) < 0) {
		perror("simulate");
		return 1;
	}
	return print_sum(&sum);
}
